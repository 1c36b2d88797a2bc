"""The bulk endpoint of a running service, as its client sees it: patient where that can help."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any, NamedTuple, get_args
from urllib.parse import urlsplit

import httpx
import orjson

from ledger.decisions.requests import Result
from web.runtime.config import is_proxied

PATH = "/api/ledger/reports/"
TIMEOUT = httpx.Timeout(60, connect=10)
"""In seconds."""
PAUSES = (0.5, 1, 2, 4, 8, 16, 30)
"""Seconds before each next attempt: about a minute in all."""
LONGEST_PAUSE = 300
"""What a service may ask for with Retry-After at most."""

RESULTS = get_args(Result)
THROUGH = " It was asked for through the proxy of the environment; NO_PROXY leaves that out."
WORTH_ANOTHER_TRY = {408, 409, 425, 429, 500, 502, 503, 504}


class SendingFailed(Exception):
    """The service does not take what is sent. The message is for people."""


class GaveUp(SendingFailed):
    """The service could not be reached, or could not answer, again and again."""


class NotReached(SendingFailed):
    """The service was never reached: nothing that was sent can be on its way."""


class TooLarge(Exception):
    """The service takes no body as large as this one."""


class Reply(NamedTuple):
    status: int
    retry_after: str | None
    location: str | None
    body: bytes

    @property
    def json(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def results(self) -> list[dict[str, Any]] | None:
        """What became of each item, if that is what it says."""
        told = self.json
        results = told.get("results") if isinstance(told, dict) else None
        if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
            return None
        return results if all(each.get("result") in RESULTS for each in results) else None

    @property
    def detail(self) -> str:
        """What the service says about an error, on one line."""
        told = self.json
        if isinstance(told, dict) and isinstance(told.get("detail"), str):
            return " ".join(told["detail"].split())
        return " ".join(self.body[:200].decode(errors="replace").split())


NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
Waiting = Callable[[str, float], None]


class Service:
    """The service at a URL. `waiting` is told why and how long, before each pause."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        is_dry_run: bool = False,
        waiting: Waiting = lambda reason, seconds: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises SendingFailed if the environment names a proxy that can't be used."""
        self.url = url
        self._client = client()
        self._address = f"{url}{PATH}?atomic=false&dry_run={str(is_dry_run).lower()}"
        self._headers = {"Authorization": f"Token {token}", "Content-Type": "application/x-ndjson"}
        self._is_dry_run, self._waiting, self._pause = is_dry_run, waiting, pause
        self._was_reached = False
        self._through = THROUGH if is_proxied(url) else ""

    def report(self, items: list[bytes], key: str) -> list[dict[str, Any]]:
        """What became of each item. Sending again with the same key stores nothing twice.

        Raises SendingFailed, TooLarge.
        """
        headers = self._headers if self._is_dry_run else self._headers | {"Idempotency-Key": f'"{key}"'}
        reply = self._answer(b"\n".join(items), headers)
        if reply.status == 413:
            self.close()  # its other end has not read all, and hangs up
            self._client = client()
            raise TooLarge
        results = reply.results if reply.status in (200, 201, 400) else None
        if results is None:
            raise self._failure(reply)
        if len(results) != len(items):
            raise SendingFailed(f"{self.url} answers {len(results)} results to {len(items)} reports")
        return results

    def close(self) -> None:
        self._client.close()

    def _answer(self, body: bytes, headers: dict[str, str]) -> Reply:
        """The first answer that another attempt would not change. Raises SendingFailed."""
        for pause in chain(PAUSES, (None,)):
            asked = None
            try:
                reply = self._post(body, headers)
            except httpx.RequestError as error:
                if problem := self._lasting_problem(error):
                    raise (SendingFailed if self._was_reached else NotReached)(problem) from error
                reason = str(error) or type(error).__name__
            else:
                if reply.status not in WORTH_ANOTHER_TRY:
                    return reply
                reason, asked = f"{reply.status} {reply.detail}".strip(), reply.retry_after
            if pause is not None:
                seconds = max(pause, seconds_of(asked))
                self._waiting(reason, seconds)
                self._pause(seconds)
        raise GaveUp(
            f"{self.url} does not answer as it should: {reason}. Run it again; what is sent stays sent."
            f"{self._through}"
        )

    def _post(self, body: bytes, headers: dict[str, str]) -> Reply:
        """Also what a service answers that refuses a body before it has read it: httpx sees to that."""
        response = self._client.post(self._address, content=body, headers=headers)
        self._was_reached = True
        retry_after, location = (response.headers.get(name) for name in ("Retry-After", "Location"))
        return Reply(response.status_code, retry_after, location, response.content)

    def _lasting_problem(self, error: httpx.RequestError) -> str | None:
        """What is to be checked where waiting does not help: nothing was reached yet, or is not trusted."""
        cause = next((each for each in causes(error) if isinstance(each, ssl.SSLCertVerificationError)), None)
        if cause:
            return (
                f"{self.url}: {cause.verify_message}; check --url, and which certificates this system trusts"
            )
        if self._was_reached or not isinstance(error, NOT_REACHED):
            return None
        reason = str(error) or "it does not answer"
        if any(isinstance(each, socket.gaierror) for each in causes(error)):
            reason = f"its name is not known ({reason})"
        return (
            f"{self.url} can't be reached: {reason}; check --url, and that the service runs.{self._through}"
        )

    def _failure(self, reply: Reply) -> SendingFailed:
        if reply.status == 401:
            return SendingFailed(f"{self.url} does not accept LEDGER_TOKEN: {reply.detail}")
        if reply.status in (200, 201, 404, 405):
            asked = f"POST {urlsplit(self._address).path}"
            told = f"{self.url} is no usage ledger: it answers {reply.status} to {asked}"
            return SendingFailed(f"{told}.{self._through}" if self._through else told)
        if reply.location:
            return SendingFailed(
                f"{self.url} answers {reply.status} and leads to {reply.location}; name that"
            )
        return SendingFailed(f"{self.url} answers {reply.status}: {reply.detail}{self._through}")


def client() -> httpx.Client:
    """Goes by the proxies of the environment and the certificates of the system. Raises SendingFailed."""
    try:
        return httpx.Client(verify=ssl.create_default_context(), timeout=TIMEOUT, follow_redirects=False)
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        raise SendingFailed(f"The proxy that the environment names can't be used: {error}") from None


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


def seconds_of(retry_after: str | None) -> float:
    """How long a service asks to wait, in seconds or until a date; 0 if that can't be read."""
    if retry_after is None:
        return 0
    try:
        if retry_after.isdecimal():
            return min(int(retry_after), LONGEST_PAUSE)
        until = parsedate_to_datetime(retry_after)
        left = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return 0
    return min(max(left, 0), LONGEST_PAUSE)
