"""URLs in bodies and queries: only their path counts, as hosts differ between who writes and who reads."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from flask import current_app
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from web.wire.body import Loading, type_name
from web.wire.fields import Reference, uuid_of

RESOURCE_PATH = re.compile(r"/api/marketplace-resources/([^/.]+)/")
OFFERING_USER_PATH = re.compile(r"/api/marketplace-offering-users/([^/.]+)/")


class OfferingUserUrl(Reference):
    """The URL of an offering user that exists, loaded as its uuid. Only the path of the URL counts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("offering_users", **kwargs)

    def uuid_in(self, text: str) -> UUID | None:
        match = OFFERING_USER_PATH.fullmatch(path_of(text))
        return uuid_of(match[1]) if match else None

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if value == "":
            raise self.make_error("null")
        if not isinstance(value, str):
            raise ValidationError(f"Incorrect type. Expected URL string, received {type_name(value)}.")
        path = path_of(value)
        match = OFFERING_USER_PATH.fullmatch(path)
        if match is None:
            known = "Incorrect" if is_routed(path) else "No"
            raise ValidationError(f"Invalid hyperlink - {known} URL match.")
        uuid = uuid_of(match[1])
        if uuid is None or uuid not in Loading.get().found.offering_users:
            raise ValidationError("Invalid hyperlink - Object does not exist.")
        return uuid


def path_of(url: str) -> str:
    """Return the path of a URL, of which host and scheme may be missing; empty if it is no URL at all."""
    try:
        return unquote(urlsplit(url).path if url.startswith(("http:", "https:")) else url)
    except ValueError:
        return ""


def is_routed(path: str) -> bool:
    """Return whether a path leads to something else than an offering user."""
    if RESOURCE_PATH.fullmatch(path):
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
