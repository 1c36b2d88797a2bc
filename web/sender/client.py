"""A client of the bulk endpoint: sends again where that can help, and says what to check where it can't.

httpx goes by the proxies of the environment, and takes the answer of a service that refuses a body before it
has read it. The attempts, their pauses and the words for people are our own.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from itertools import chain
from typing import Any, get_args
from urllib.parse import quote, urlsplit

import httpx
import orjson

from ledger.decisions.idempotency import Result

PATH = "/api/ledger/reports/"
TIMEOUT = httpx.Timeout(60, connect=10)
"""In seconds."""
PAUSES = (0.5, 1, 2, 4, 8, 16, 30)
"""Seconds before each next attempt: about a minute in all."""
LONGEST_PAUSE = 300
"""The longest pause that a service gets with Retry-After, in seconds."""

RESULTS = get_args(Result)
THROUGH_PROXY = " It was asked for through the proxy of the environment; NO_PROXY leaves that out."
WORTH_ANOTHER_TRY = {408, 409, 425, 429, 500, 502, 503, 504}
AGENT = f"usage-ledger/{version('usage-ledger')}"
"""What facts name as the program that reported."""
NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)

OnWaiting = Callable[[str, float], None]
"""Called before each pause, with the reason and the seconds."""


class UploadFailed(Exception):
    """The service does not take what is sent. The message is for people."""


class GaveUp(UploadFailed):
    """The service could not be reached, or could not answer, again and again."""


class NotReached(UploadFailed):
    """The service was never reached: nothing that was sent can be on its way."""


class TooLarge(Exception):
    """The service takes no body as large as this one."""


class ApiClient:
    """A client of the service at a URL. `is_proxied`: the environment names a proxy for it.

    `reason` says why all is reported.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        reason: str = "",
        is_dry_run: bool = False,
        is_proxied: bool = False,
        on_waiting: OnWaiting = lambda reason, seconds: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare a client. Raises UploadFailed if the environment names a proxy that can't be used."""
        self.url = url
        self._http = open_http()
        self._address = f"{url}{PATH}?atomic=false&dry_run={str(is_dry_run).lower()}"
        self._headers = {
            "Authorization": f"Token {token}",
            "Content-Type": "application/x-ndjson",
            "User-Agent": AGENT,
        }
        if reason:
            self._headers["Ledger-Reason"] = quote(reason, safe=" ")
        self._is_dry_run, self._on_waiting, self._pause = is_dry_run, on_waiting, pause
        self._was_reached = False
        self._through = THROUGH_PROXY if is_proxied else ""

    def report(self, items: list[bytes], key: str) -> list[dict[str, Any]]:
        """Send items, and return the result of each. Sent again with the same key, nothing is stored twice.

        Raises UploadFailed, TooLarge.
        """
        headers = self._headers if self._is_dry_run else self._headers | {"Idempotency-Key": f'"{key}"'}
        response = self._answer(b"\n".join(items), headers)
        if response.status_code == 413:
            self.close()  # its other end has not read all, and hangs up
            self._http = open_http()
            raise TooLarge
        results = results_in(response)
        if results is None:
            raise self._failure(response)
        if len(results) != len(items):
            raise UploadFailed(f"{self.url} answers {len(results)} results to {len(items)} reports")
        return results

    def close(self) -> None:
        self._http.close()

    def _answer(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Return the first answer that another attempt would not change. Raises UploadFailed."""
        for pause in chain(PAUSES, (None,)):
            asked = None
            try:
                response = self._http.post(self._address, content=body, headers=headers)
            except httpx.RequestError as error:
                if problem := lasting_problem(error, self.url, was_reached=self._was_reached):
                    raise (UploadFailed if self._was_reached else NotReached)(
                        f"{problem}{self._through}"
                    ) from error
                reason = str(error) or type(error).__name__
            else:
                self._was_reached = True
                if response.status_code not in WORTH_ANOTHER_TRY:
                    return response
                reason = f"{response.status_code} {detail_of(response)}".strip()
                asked = response.headers.get("Retry-After")
            if pause is not None:
                seconds = max(pause, seconds_of(asked))
                self._on_waiting(reason, seconds)
                self._pause(seconds)
        raise GaveUp(
            f"{self.url} does not answer as it should: {reason}. Run it again; what is sent stays sent."
            f"{self._through}"
        )

    def _failure(self, response: httpx.Response) -> UploadFailed:
        status = response.status_code
        if status == 401:
            return UploadFailed(f"{self.url} does not accept LEDGER_TOKEN: {detail_of(response)}")
        if status in (200, 201, 404, 405):
            asked = f"POST {urlsplit(self._address).path}"
            told = f"{self.url} is no usage ledger: it answers {status} to {asked}"
            return UploadFailed(f"{told}.{self._through}" if self._through else told)
        if elsewhere := response.headers.get("Location"):
            return UploadFailed(f"{self.url} answers {status} and leads to {elsewhere}; name that")
        return UploadFailed(f"{self.url} answers {status}: {detail_of(response)}{self._through}")


def lasting_problem(
    error: httpx.RequestError, url: str, *, was_reached: bool, check: str = "--url"
) -> str | None:
    """Return what to check where waiting does not help: nothing was reached yet, or is not trusted."""
    cause = next((each for each in causes(error) if isinstance(each, ssl.SSLCertVerificationError)), None)
    if cause:
        return f"{url}: {cause.verify_message}; check {check}, and which certificates this system trusts"
    if was_reached or not isinstance(error, NOT_REACHED):
        return None
    reason = str(error) or "it does not answer"
    if any(isinstance(each, socket.gaierror) for each in causes(error)):
        reason = f"its name is not known ({reason})"
    return f"{url} can't be reached: {reason}; check {check}, and that the service runs."


def open_http() -> httpx.Client:
    """Return a client that goes by the proxies of the environment and the certificates of the system.

    Raises UploadFailed.
    """
    try:
        return httpx.Client(verify=ssl.create_default_context(), timeout=TIMEOUT, follow_redirects=False)
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        raise UploadFailed(f"The proxy that the environment names can't be used: {error}") from None


def results_in(response: httpx.Response) -> list[dict[str, Any]] | None:
    """Return the result of each item, None if the answer is not that of the bulk endpoint."""
    told = json_of(response) if response.status_code in (200, 201, 400) else None
    results = told.get("results") if isinstance(told, dict) else None
    if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
        return None
    return results if all(each.get("result") in RESULTS for each in results) else None


def detail_of(response: httpx.Response) -> str:
    """Return what the service says about an error, on one line."""
    told = json_of(response)
    is_told = isinstance(told, dict) and isinstance(told.get("detail"), str)
    return " ".join((told["detail"] if is_told else response.text[:200]).split())


def json_of(response: httpx.Response) -> Any:
    """Return the body, None if it is no JSON."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


def seconds_of(retry_after: str | None) -> float:
    """Return how long a service asks to wait, in seconds or until a date; 0 if that can't be read."""
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
