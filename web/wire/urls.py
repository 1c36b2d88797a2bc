"""URLs: those in answers begin where the client came in, and of those in requests only the path counts.

Behind a proxy that is believed, that is where the client came in to the proxy.
"""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID

from flask import current_app, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from web.wire.body import Loading, type_name
from web.wire.errors import BadHeader, UnusableHost, echo
from web.wire.fields import Kind, Reference, uuid_of

RESOURCE_PATH = re.compile(r"/api/marketplace-resources/([^/.]+)/")
PATHS: dict[Kind, re.Pattern[str]] = {
    "resources": RESOURCE_PATH,
    "offering_users": re.compile(r"/api/marketplace-offering-users/([^/.]+)/"),
}
"""Paths of objects that bodies name by their URLs."""

HOST = re.compile(r"([\w.-]{1,253}|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII | re.IGNORECASE)
"""A name or an address, and perhaps a port. Docker's names of services have underscores."""

BELIEVED = "werkzeug.proxy_fix.orig"
"""Key in a request's environment, where proxies are believed."""

LAST_PORT = 65_535
USUAL_PORTS = {"http": 80, "https": 443}


def root_url() -> str:
    """Return the URL that those of the API begin with, up to a slash. Raises UnusableHost, BadHeader.

    It is in ASCII and has no comma: clients split the header `Link` there.
    """
    environ = request.environ
    host = environ.get("HTTP_HOST", "")
    if BELIEVED in environ and environ.get("HTTP_X_FORWARDED_HOST") == "":
        host = ""  # what granian makes of characters that are not ASCII
    return f"{_origin(environ['wsgi.url_scheme'], host)}{root_path()}"


def root_path() -> str:
    """Return the path of `root_url`, which is a slash, or the prefix between two."""
    prefix = request.root_path.strip("/")
    return f"/{quote(prefix, safe='/%')}/" if prefix else "/"


@lru_cache(maxsize=128)
def _origin(scheme: str, host: str) -> str:
    """Return scheme, host and port as a URL has them, without the port that is usual."""
    found = HOST.fullmatch(host)
    if found is None or not 0 < int(found["port"] or 1) <= LAST_PORT:
        raise UnusableHost(host)
    if scheme not in USUAL_PORTS:
        raise BadHeader(f'X-Forwarded-Proto must be http or https, and is "{echo(scheme)}".')
    return f"{scheme}://{host}".removesuffix(f":{USUAL_PORTS[scheme]}")


class Url(Reference):
    """The URL of an object that exists, loaded as its uuid. Only the path of the URL counts."""

    def uuid_in(self, text: str) -> UUID | None:
        match = PATHS[self.kind].fullmatch(path_of(text))
        return uuid_of(match[1]) if match else None

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if value == "":
            raise self.make_error("null")
        if not isinstance(value, str):
            raise ValidationError(f"Incorrect type. Expected URL string, received {type_name(value)}.")
        path = path_of(value)
        match = PATHS[self.kind].fullmatch(path)
        if match is None:
            known = "Incorrect" if is_routed(path) else "No"
            raise ValidationError(f"Invalid hyperlink - {known} URL match.")
        uuid = uuid_of(match[1])
        if uuid is None or uuid not in getattr(Loading.get().found, self.kind):
            raise ValidationError("Invalid hyperlink - Object does not exist.")
        return uuid


def path_of(url: str) -> str:
    """Return the path of a URL below the root of ours; empty if it is no URL at all.

    Host and scheme may be missing, and so may the prefix that a proxy names.
    """
    try:
        path = unquote(urlsplit(url).path if url.startswith(("http:", "https:")) else url)
    except ValueError:
        return ""
    root = unquote(root_path())
    return f"/{path.removeprefix(root)}" if path.startswith(root) else path


def is_routed(path: str) -> bool:
    """Return whether a path leads to anything."""
    if any(pattern.fullmatch(path) for pattern in PATHS.values()):
        return True
    if not path.startswith("/"):
        return False
    try:
        current_app.url_map.bind("").match(path)
    except RequestRedirect:
        return False
    except HTTPException as error:
        return error.code == 405
    return True
