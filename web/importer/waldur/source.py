"""Asks a live Waldur with its own client, `waldur-api-client`: again where that can help, and only with GETs.

The client writes requests and checks the shape of answers. Values are taken from the answer's text, as its
models have figures as floats. It has 3,000 modules, so it is loaded when somebody pulls.
"""

import ssl
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from itertools import chain
from types import ModuleType
from typing import Any, NoReturn
from uuid import UUID

import httpx
import msgspec
from msgspec import Raw

from web.importer.waldur.listings import LISTINGS, ME, PLAN_PERIODS, Listing
from web.sender.client import (
    PAUSES,
    THROUGH_PROXY,
    TIMEOUT,
    WORTH_ANOTHER_TRY,
    OnWaiting,
    lasting_problem,
    seconds_of,
)

PAGE_SIZE = 300
"""The most that Waldur gives at once."""

ATTEMPTS = 3
"""How often a list is read that changes meanwhile."""

TOKEN_NAME = "LEDGER_WALDUR_TOKEN"  # noqa: S105 - a name

Row = dict[str, Raw]
"""An object of a list, its values as they were written."""

OnPage = Callable[[str, int, int], None]
"""Called after each page, with the list's name, and how many of how many objects are read."""

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, msgspec.MsgspecError)
"""What the client raises where an answer is not of the shape that it knows."""


class PullFailed(Exception):
    """The Waldur can't be read. The message is for people."""


class PullGaveUp(PullFailed):
    """It could not be reached, or could not answer, again and again. Another time it may."""


class NotListed(PullFailed):
    """There is no such list."""


class Waldur:
    """A live Waldur at a URL, seen with a token."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        is_proxied: bool = False,
        on_waiting: OnWaiting = lambda _reason, _seconds: None,
        on_page: OnPage = lambda _name, _read, _total: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare the client. Raises PullFailed if it is missing, or a proxy is wrongly named."""
        self.url = url
        self._on_waiting, self._on_page, self._pause = on_waiting, on_page, pause
        self._through = THROUGH_PROXY if is_proxied else ""
        self._last: httpx.Response | None = None
        self._was_reached = False
        self._client = client_module("client").AuthenticatedClient(
            base_url=url,
            token=token,
            timeout=TIMEOUT,
            verify_ssl=ssl.create_default_context(),
            httpx_args={"event_hooks": {"response": [self._note]}},
        )
        try:
            self._client.get_httpx_client()
        except (httpx.InvalidURL, ValueError, ImportError) as error:
            raise PullFailed(f"The proxy that the environment names can't be used: {error}") from None

    def close(self) -> None:
        self._client.get_httpx_client().close()

    def me(self) -> Row:
        """Return the user whose token this is. Raises PullFailed, also where there is no Waldur at all."""
        try:
            me: Row = self._read(Row, self._asked(api_module(ME), "/api/users/me/"))
        except NotListed as error:
            raise PullFailed(f"{self.url} is no Waldur: it answers 404 to GET /api/users/me/") from error
        return me

    def rows(self, name: str, **filters: Any) -> list[Row]:
        """Return all objects of a list, each once. Raises PullFailed, NotListed."""
        listing, module = LISTINGS[name], api_module(LISTINGS[name].module)
        parameters = {**listing.parameters(module), **filters}
        for _ in range(ATTEMPTS):
            found = self._pages(name, listing, module, parameters)
            if found is not None:
                return list(found.values())
        raise PullGaveUp(f"{self.url}{listing.path} changes while it is read, {ATTEMPTS} times in a row")

    def count(self, name: str, **filters: Any) -> tuple[int, Row | None]:
        """Return how many objects a list has, and the first of them. Raises PullFailed."""
        listing, module = LISTINGS[name], api_module(LISTINGS[name].module)
        response = self._asked(module, listing.path, **{**listing.parameters(module), **filters}, page_size=1)
        rows = self._read(list[Row], response)
        return self._total(listing, response), rows[0] if rows else None

    def plan_periods(self, resource_uuid: UUID) -> list[Row]:
        """Return the plan periods of a resource that have not ended before this month. Raises PullFailed."""
        path = f"/api/marketplace-provider-resources/{resource_uuid}/plan_periods/"
        rows: list[Row] = self._read(list[Row], self._asked(api_module(PLAN_PERIODS), path, resource_uuid))
        return rows

    def _pages(
        self, name: str, listing: Listing, module: ModuleType, parameters: dict[str, Any]
    ) -> dict[bytes, Row] | None:
        """Return a list's objects by uuid, None if it shrank meanwhile: a page may have missed some."""
        found: dict[bytes, Row] = {}
        first, page, is_more = 0, 1, True
        while is_more:
            try:
                response = self._asked(module, listing.path, **parameters, page=page, page_size=PAGE_SIZE)
            except NotListed:
                if page > 1:
                    return None
                raise
            rows, total = self._read(list[Row], response), self._total(listing, response)
            found.update((bytes(row["uuid"]), row) for row in rows)
            first = first or total
            self._on_page(name, len(found), total)
            is_more, page = 'rel="next"' in response.headers.get("Link", ""), page + 1
        return found if len(found) >= total >= first else None

    def _total(self, listing: Listing, response: Any) -> int:
        total = response.headers.get("X-Result-Count", "")
        if not total.isdecimal():
            raise PullFailed(f"{self.url}{listing.path} does not say how long it is (X-Result-Count)")
        return int(total)

    def _asked(self, module: ModuleType, path: str, *args: Any, **parameters: Any) -> Any:
        """Return the first answer that another attempt would not change. Raises PullFailed, NotListed."""
        unexpected = client_module("errors").UnexpectedStatus
        for pause in chain(PAUSES, (None,)):
            self._last = None
            try:
                return module.sync_detailed(*args, client=self._client, **parameters)
            except unexpected as error:
                if error.status_code not in WORTH_ANOTHER_TRY:
                    self._fail(path, error.status_code)
                reason = f"GET {path} answers {error.status_code}"
            except httpx.RequestError as error:
                if problem := lasting_problem(
                    error, self.url, was_reached=self._was_reached, check="the URL"
                ):
                    raise PullFailed(f"{problem}{self._through}") from error
                reason = f"GET {path}: {str(error) or type(error).__name__}"
            except UNREADABLE as error:
                raise self._unreadable(path, error) from error
            if pause is not None:
                seconds = max(pause, seconds_of(self._last.headers.get("Retry-After")) if self._last else 0)
                self._on_waiting(reason, seconds)
                self._pause(seconds)
        raise PullGaveUp(f"{self.url} does not answer as it should: {reason}.{self._through}")

    def _note(self, response: httpx.Response) -> None:
        self._last, self._was_reached = response, True

    def _read(self, kind: Any, response: Any) -> Any:
        try:
            return msgspec.json.decode(response.content, type=kind)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise self._unreadable(self._last.url.path if self._last else "", error) from error

    def _unreadable(self, path: str, error: Exception) -> PullFailed:
        """Return an error about an answer of another shape: a page for people most of all."""
        kind = self._last.headers.get("Content-Type", "") if self._last else ""
        if "json" not in kind:
            told = f"answers GET {path} with {kind.split(';')[0] or 'no type'} instead of JSON"
            return PullFailed(f"{self.url} {told}: is it the address of Waldur's API?{self._through}")
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return PullFailed(f"{self.url}{path}: waldur-api-client can't read the answer ({reason})")

    def _fail(self, path: str, status: int) -> NoReturn:
        if status == 404:
            raise NotListed(f"{self.url}{path} is not there (404)")
        if status == 401:
            raise PullFailed(f"{self.url} does not accept {TOKEN_NAME} (401)")
        if status == 403:
            raise PullFailed(f"{self.url} does not let this token read {path} (403)")
        elsewhere = self._last.headers.get("Location") if self._last else None
        if elsewhere:
            raise PullFailed(f"{self.url} answers {status} and leads to {elsewhere}; name that")
        raise PullFailed(f"{self.url} answers GET {path} with {status}{self._through}")


@cache
def client_module(name: str) -> ModuleType:
    """Return a module of the client. Raises PullFailed where it is not installed."""
    try:
        return import_module(f"waldur_api_client.{name}")
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("waldur_api_client."):
            raise PullFailed(
                f"This waldur-api-client has no {error.name}: another version is needed"
            ) from None
        raise PullFailed(
            "--from-waldur needs Waldur's client: pip install 'usage-ledger[waldur]' brings it"
        ) from None


def api_module(name: str) -> ModuleType:
    """Return the client's module of an endpoint. Raises PullFailed."""
    return client_module(f"api.{name}")
