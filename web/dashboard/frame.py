"""What every page goes through: who is signed in, as of when, which parameters it knows, and its headers."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, current_app, g, make_response, render_template, request, url_for
from marshmallow import ValidationError

from ledger.domain.access import READ_FACTS, Caller
from ledger.domain.months import start_of
from projections.lookups.accounts import Credentials
from web.dashboard import sessions
from web.dashboard.asking import Asker, Refused
from web.dashboard.sessions import COOKIE
from web.dashboard.writing import messages
from web.request.audit.past import AS_OF, past_named
from web.request.authentication import note_caller
from web.request.services import refresh, services
from web.wire.audit.positions import position_or_time
from web.wire.declared.parameters import NOTHING, TAKEN, takes
from web.wire.declared.strangers import Strangers
from web.wire.errors import Missing
from web.wire.urls import root_path

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie",
}
"""Pages load nothing but our own style and script, are in nobody's frame, and nobody else keeps them."""

PAGE_NUMBER = re.compile("[1-9][0-9]{0,8}")

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

NO_POINT = "Enter a day like 2026-05-31, a time like 2026-05-31T12:00:00Z, or a position of the journal."


View = Callable[..., Response]


class SignInFirst(Exception):
    """Nobody is signed in, and the page is for those who are."""


class ForeignForm(Exception):
    """A page of another site has sent a form to us."""


class Here(NamedTuple):
    """What a page is made for: who reads it, as of when, and which day that is in the ledger's zone."""

    asker: Asker
    as_of: str
    """As the reader wrote it: a date, a time, a position, or nothing for now."""
    day: date

    @property
    def month(self) -> date:
        return self.day.replace(day=1)

    @property
    def caller(self) -> Caller:
        return self.asker.credentials.caller

    @property
    def vouches(self) -> bool:
        """Return whether the reader may report for an offering, or audit it: they see its closed months."""
        who = self.caller
        if who.sees_all or not (who.reports_somewhere or who.providers_with(READ_FACTS)):
            return who.sees_all
        # Owners of customers that offer nothing have the same roles.
        now = self.asker._replace(as_of="")
        try:
            return now.ask("marketplace-provider-offerings/", field="uuid", page_size=1).total > 0
        except Refused:  # it is for the menu, which pages of errors have, too
            return False

    @property
    def may_change(self) -> bool:
        """Return whether forms are offered: not in the past, on a replica, or with a token to read with."""
        is_now = not self.as_of and services().replica is None
        return is_now and self.asker.credentials.uses == "all"


def here() -> Here:
    """Return what the page that is worked on is made for."""
    return cast(Here, g.here)


def pages(name: str) -> Blueprint:
    """Return a blueprint of pages for those who are signed in."""
    blueprint = open_pages(name, "/dashboard")
    blueprint.before_request(enter)
    return blueprint


def open_pages(name: str, prefix: str | None = None) -> Blueprint:
    """Return a blueprint of pages for everybody."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix)
    blueprint.before_request(check_sender)
    blueprint.after_request(add_headers)
    return blueprint


def page(blueprint: Blueprint, rule: str, *names: str, **options: Any) -> Callable[[View], View]:
    """Return a decorator for the view of a page, which reads the parameters with these names."""

    def declare(view: View) -> View:
        return blueprint.route(rule, **options)(takes(*names)(view))

    return declare


def check_sender() -> None:
    """Raise ForeignForm for a POST that a page of another site has sent.

    Browsers say where a request comes from, in `Sec-Fetch-Site` or at least in `Origin`, as Go's net/http
    goes by, and leave out the cookie, as it is SameSite. So forms need no secret of their own.
    """
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        is_ours = site in ("same-origin", "none")
    else:
        is_ours = origin is None or urlsplit(origin).netloc == request.host
    if not is_ours:
        raise ForeignForm


def check_parameters() -> None:
    """Raise ValidationError for parameters that a page does not read: a misspelt one would show too much."""
    taken = TAKEN.get(current_app.view_functions[request.endpoint or ""], NOTHING)
    Strangers([name for name in request.args if name not in taken.names], [], taken, ()).check()


def page_asked_for() -> int:
    """Return the number of the page of a list that an address names, by default the first. Raises Missing."""
    text = request.args.get("page", "1")
    if not PAGE_NUMBER.fullmatch(text):
        raise Missing("Invalid page.")
    return int(text)


def enter() -> None:
    """Find out who reads the page, and as of when. Raises SignInFirst and ValidationError."""
    refresh()  # before: whatever is read later than that may be of somebody who has lost it since
    found = signed_in()
    if found is None:
        raise SignInFirst
    now, text = services().clock().astimezone(services().ledger.zone), request.args.get(AS_OF, "")
    g.here = Here(Asker(found, ""), "", now.date())  # also where the page says that there is no such moment
    point = point_of(AS_OF, text)
    if not point:
        return
    past = past_named(AS_OF, point)
    moment = past.recorded_at.astimezone(now.tzinfo) if past.end.position else now
    g.here = Here(Asker(found, str(past.end.position)), text, _date_of(text) or moment.date())


def point_of(name: str, text: str) -> str:
    """Return the position or time that a reader means: of a day its end, of today nothing.

    Raises ValidationError under the name of the parameter.
    """
    zone = services().ledger.zone
    if (day := _date_of(text)) is None:
        try:
            position_or_time(text or "0")
        except ValidationError:
            raise ValidationError({name: [NO_POINT]}) from None
        return text
    if day == services().clock().astimezone(zone).date():
        return ""
    # What was recorded at midnight is of the next day.
    return (start_of(day + timedelta(1), zone) - timedelta(microseconds=1)).isoformat()


def _date_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        return None


def signed_in() -> Credentials | None:
    """Return what the cookie of the request stands for, None if that is nothing."""
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        return None
    with services().reading() as cursor:
        found = sessions.credentials(cursor, secret, services().clock())
    if found:
        note_caller(request.environ, found)
    return found


def show(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page. It tells what a form has done just before."""
    today = services().clock().astimezone(services().ledger.zone).date()
    done = messages.opened(request.cookies.get(messages.COOKIE, ""), request.cookies.get(COOKIE, ""))
    html = render_template(template, here=g.get("here"), today=today, done=done, **values)
    response = make_response(html, status)
    if messages.COOKIE in request.cookies:
        response.delete_cookie(messages.COOKIE, cookie_path())
    return response


def moved_to(place: str) -> Response:
    """Return the redirect to a page, which a browser asks for by GET."""
    response = make_response("", 303)
    response.headers["Location"] = place
    return add_headers(response)


def done(message: str, place: str) -> Response:
    """Return the redirect to a page, which tells once what a form has done."""
    response = moved_to(f"{place}#main")  # without one, browsers go on to that of the form
    response.set_cookie(
        messages.COOKIE,
        messages.sealed(message, request.cookies.get(COOKIE, "")),
        max_age=messages.LIFETIME,
        path=cookie_path(),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def cookie_path() -> str:
    """Return the path that our cookies are for: pages, and nothing else of this host."""
    return f"{root_path()}dashboard/"


def add_headers(response: Response) -> Response:
    """Return the response with the headers of pages."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def linked(endpoint: str, **values: str | int | None) -> str:
    """Return the URL of a page as of the same moment as this one. Values that are None are left out."""
    kept = {AS_OF: g.here.as_of if "here" in g else None} | values
    return url_for(endpoint, **{name: value for name, value in kept.items() if value not in (None, "")})


def this_page(**changes: str | int | None) -> str:
    """Return the URL of this page with some parameters changed, and without those that become None."""
    query = {name: value for name, value in ({**request.args} | changes).items() if value is not None}
    return f"{root_path()}{request.path[1:]}" + (f"?{urlencode(query)}" if query else "")
