"""What every request to the API goes through before its view.

Parameters that the view does not read are named in the header `Ledger-Ignored`: a misspelt filter finds too
much. Where a client asks for it with `Prefer: handling=strict` (RFC 7240), or the operator does, they are
refused, and so are unknown keys of bodies.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Response, after_this_request, current_app, request
from werkzeug.http import parse_dict_header

from ledger.domain.access import TokenUses
from web.request.audit.past import AS_OF, FROM, TO, enter_diff, enter_past
from web.request.authentication import authenticate
from web.request.conditional import READING, unmodified
from web.request.idempotency import OF_MANY_REPORTS, replay
from web.request.read_your_writes import await_position
from web.request.services import current, refresh
from web.wire.declared.parameters import is_taken
from web.wire.declared.strangers import strangers
from web.wire.errors import NotForThis
from web.wire.exports.forms import A_FORM, FORMAT, form_accepted, form_named
from web.wire.filters import IGNORED
from web.wire.parameters import last_of
from web.wire.rendering import READ

STRICT = "LEDGER_STRICT"
"""Key in an app's config: whether every request is taken strictly."""

ALWAYS_STRICT = "/api/ledger/"

DIFF, DIFF_TOTALS = "/api/ledger/diff/", "/api/ledger/diff-totals/"


def before_view() -> Response | None:
    """Return a response if the view is not needed. One hook, as each costs Flask as much as its body does."""
    end = refresh()
    authenticate()
    if (uses := current().uses) != "all":
        check_uses(uses)
    check_names()
    if request.method == "POST":
        return replay()
    if request.method not in READING:
        return None
    if b"min_position" in request.query_string:
        await_position(end)
    if b"format" in request.query_string or A_FORM.search(request.headers.get("Accept", "")):
        enter_form()
    if AS_OF in request.args and is_taken(AS_OF, _view()):
        enter_past(last_of(AS_OF))
    if request.path in (DIFF, DIFF_TOTALS):
        enter_diff(*(last_of(name) if name in request.args else None for name in (FROM, TO)))
    return unmodified()


def check_uses(uses: TokenUses) -> None:
    """Raise NotForThis where a token for these uses is not for the request."""
    if uses == "read" and request.method not in READING:
        raise NotForThis("This token may only read.")
    read = READ.get(_view())
    reports = read and (read.is_about_reports or set(OF_MANY_REPORTS) <= set(read.headers))
    if uses == "report" and not reports:
        raise NotForThis("This token may only report.")


def enter_form() -> None:
    """Have a list answered in the form that the request asks for. Raises ValidationError."""
    if not is_taken(FORMAT, _view()):
        return
    if FORMAT in request.args:
        current().form = form_named(last_of(FORMAT))
    else:
        current().form = form_accepted(request.accept_mimetypes)


def check_names() -> None:
    """Find out whether the request is to be taken strictly, and what is to be said of its parameters.

    Raises ValidationError for unknown ones of a strict request, and for our own ones that are misspelt.
    """
    now, is_preferred = current(), "Prefer" in request.headers and prefers_strict(request.headers["Prefer"])
    now.is_strict = is_preferred or current_app.config[STRICT] or request.path.startswith(ALWAYS_STRICT)
    if is_preferred:
        after_this_request(partial(_add_header, "Preference-Applied", "handling=strict"))
    if not request.query_string:
        return
    ignored = IGNORED.get(request.path.split("/")[2], ())
    found = strangers(_view(), ignored)
    if now.is_strict:
        found.check()
    found.check_misspelt()
    if named := str(found):
        after_this_request(partial(_add_header, "Ledger-Ignored", named))


def _view() -> Callable[..., Any]:
    return current_app.view_functions[request.endpoint or ""]


def prefers_strict(header: str) -> bool:
    """Return whether a header `Prefer` asks for strict handling."""
    preferences = {name.lower(): value or "" for name, value in parse_dict_header(header).items()}
    return preferences.get("handling", "").partition(";")[0].strip().lower() == "strict"


def _add_header(name: str, value: str, response: Response) -> Response:
    response.headers[name] = value
    return response


def release(_: object) -> None:
    """Give back the room that the body of the request took."""
    now = current()
    if now.release:
        now.release()
        now.release = None


def api(name: str, prefix: str = "") -> Blueprint:
    """Return a blueprint of the API, below a path."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix or None)
    blueprint.before_request(before_view)
    return blueprint
