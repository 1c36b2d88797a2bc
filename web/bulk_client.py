"""The bulk endpoint of a running service, as its client sees it: patient where that can help."""

import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from itertools import chain
from typing import Any, NamedTuple, get_args
from urllib.parse import urlsplit

import orjson

from ledger.reporting import Result

PATH = "/api/ledger/reports/"
TIMEOUT_SECONDS = 60
PAUSES = (0.5, 1, 2, 4, 8, 16, 30)
"""Seconds before each next attempt: about a minute in all."""
LONGEST_PAUSE = 300
"""What a service may ask for with Retry-After at most."""

RESULTS = set(get_args(Result))
WORTH_ANOTHER_TRY = {408, 409, 425, 429, 500, 502, 503, 504}


class SendingFailed(Exception):
    """The service does not take what is sent. The message is for people."""


class GaveUp(SendingFailed):
    """The service could not be reached, or could not answer, again and again."""


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
        return results if {each.get("result") for each in results} <= RESULTS else None

    @property
    def detail(self) -> str:
        """What the service says about an error, on one line."""
        told = self.json
        if isinstance(told, dict) and isinstance(told.get("detail"), str):
            return " ".join(told["detail"].split())
        return " ".join(self.body[:200].decode(errors="replace").split())


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
        self.url = url
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        self._path = f"{parts.path}{PATH}?atomic=false&dry_run={str(is_dry_run).lower()}"
        self._headers = {"Authorization": f"Token {token}", "Content-Type": "application/x-ndjson"}
        self._is_dry_run, self._waiting, self._pause = is_dry_run, waiting, pause

    def report(self, items: list[bytes], key: str) -> list[dict[str, Any]]:
        """What became of each item. Sending again with the same key stores nothing twice.

        Raises SendingFailed, TooLarge.
        """
        headers = self._headers if self._is_dry_run else self._headers | {"Idempotency-Key": f'"{key}"'}
        reply = self._answer(b"\n".join(items), headers)
        if reply.status == 413:
            self._connection.close()  # its other end has not read all
            raise TooLarge
        results = reply.results if reply.status in (200, 201, 400) else None
        if results is None:
            raise self._failure(reply)
        if len(results) != len(items):
            raise SendingFailed(f"{self.url} answers {len(results)} results to {len(items)} reports")
        return results

    def close(self) -> None:
        self._connection.close()

    def _answer(self, body: bytes, headers: dict[str, str]) -> Reply:
        """The first answer that another attempt would not change. Raises SendingFailed."""
        for pause in chain(PAUSES, (None,)):
            asked = None
            try:
                reply = self._post(body, headers)
            except ssl.SSLCertVerificationError as error:
                raise SendingFailed(f"{self.url}: {error.verify_message}") from error
            except (OSError, HTTPException) as error:
                reason = str(error) or type(error).__name__
            else:
                if reply.status not in WORTH_ANOTHER_TRY:
                    return reply
                reason, asked = f"{reply.status} {reply.detail}".strip(), reply.retry_after
            self._connection.close()
            if pause is not None:
                seconds = max(pause, seconds_of(asked))
                self._waiting(reason, seconds)
                self._pause(seconds)
        raise GaveUp(
            f"{self.url} does not answer as it should: {reason}. Run it again; what is sent stays sent."
        )

    def _post(self, body: bytes, headers: dict[str, str]) -> Reply:
        try:
            self._connection.request("POST", self._path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            return self._early_reply()
        return reply_of(self._connection.getresponse())

    def _early_reply(self) -> Reply:
        """That of a service which refused the body before it had read it. Raises OSError, HTTPException."""
        response = HTTPResponse(self._connection.sock, method="POST")
        try:
            response.begin()
            return reply_of(response)
        finally:
            self._connection.close()

    def _failure(self, reply: Reply) -> SendingFailed:
        if reply.status == 401:
            return SendingFailed(f"{self.url} does not accept LEDGER_TOKEN: {reply.detail}")
        if reply.status in (200, 201, 404, 405):
            asked = f"POST {urlsplit(self._path).path}"
            return SendingFailed(f"{self.url} is no usage ledger: it answers {reply.status} to {asked}")
        if reply.location:
            return SendingFailed(
                f"{self.url} answers {reply.status} and leads to {reply.location}; name that"
            )
        return SendingFailed(f"{self.url} answers {reply.status}: {reply.detail}")


def reply_of(response: HTTPResponse) -> Reply:
    with response:
        retry_after, location = response.getheader("Retry-After"), response.getheader("Location")
        return Reply(response.status, retry_after, location, response.read())


def seconds_of(retry_after: str | None) -> float:
    """How long a service asks to wait, in seconds or until a date; 0 if that can't be read."""
    if retry_after is None:
        return 0
    if retry_after.isdecimal():
        return min(int(retry_after), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(retry_after)
        left = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return 0
    return min(max(left, 0), LONGEST_PAUSE)
