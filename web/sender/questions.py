"""A client for commands that ask a running service something, and tell its answer or what is wrong."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from web.sender.client import (
    AGENT,
    THROUGH_PROXY,
    UploadFailed,
    detail_of,
    json_of,
    lasting_problem,
    open_http,
)


class Refused(Exception):
    """The service refuses what it was asked, and says what is wrong by name: `told` is its JSON."""

    def __init__(self, status: int, told: dict[str, Any]) -> None:
        super().__init__(words_of(told))
        self.status, self.told = status, told


class Questions:
    """Asks the service at a URL, once each: nothing is sent again by itself."""

    def __init__(self, url: str, token: str, *, is_proxied: bool = False) -> None:
        """Prepare a client. Raises UploadFailed if the environment names a proxy that can't be used."""
        self._url, self._http = url, open_http()
        self._headers = {"Authorization": f"Token {token}", "User-Agent": AGENT}
        self._through = THROUGH_PROXY if is_proxied else ""

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str = "", **query: str | int
    ) -> tuple[Any, httpx.Headers]:
        """Return the answer's JSON, and its headers. Raises Refused, and UploadFailed where there is none."""
        headers = self._headers | ({"Idempotency-Key": f'"{key}"'} if key else {})
        content = None
        if body is not None:
            headers["Content-Type"], content = "application/json", orjson.dumps(body)
        try:
            response = self._http.request(
                method, f"{self._url}{path}", params=query, content=content, headers=headers
            )
        except httpx.RequestError as error:
            problem = lasting_problem(error, self._url, was_reached=False)
            raise UploadFailed(f"{problem or f'{self._url}: {error}'}{self._through}") from error
        return self._told(response, path), response.headers

    def close(self) -> None:
        self._http.close()

    def _told(self, response: httpx.Response, path: str) -> Any:
        told, status = json_of(response), response.status_code
        if status in (200, 201) and told is not None:
            return told
        if status == 401:
            raise UploadFailed(f"{self._url} does not accept LEDGER_TOKEN: {detail_of(response)}")
        if status >= 500 or not isinstance(told, dict):
            asked = f"{response.request.method} {urlsplit(path).path}"
            raise UploadFailed(f"{self._url} answers {status} to {asked}: {detail_of(response)}")
        raise Refused(status, told)


def words_of(told: dict[str, Any]) -> str:
    """Return what a service says of an error in one line."""
    if isinstance(told.get("detail"), str):
        return " ".join(told["detail"].split())
    return "; ".join(f"{name}: {_flat(value)}" for name, value in told.items())


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_flat, value))
    return value if isinstance(value, str) else orjson.dumps(value).decode()
