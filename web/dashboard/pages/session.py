"""Signing in with an API token, and out."""

import secrets
from typing import Any

from flask import Response, request, url_for

from web.dashboard import sessions
from web.dashboard.frame import cookie_path, moved_to, open_pages, page, show
from web.dashboard.sessions import COOKIE
from web.request.authentication import identify
from web.request.services import services
from web.wire.errors import TooManyGuesses, Unauthenticated, UnknownToken
from web.wire.urls import root_path

blueprint = open_pages("session", "/dashboard")

UNUSABLE = "Enter the token as one word, as `usage-ledger token create` printed it."


@page(blueprint, "/sign-in/", "next")
def sign_in() -> Response:
    place = _next(request.args.get("next", ""))
    return show("sign_in.html", next_path=place, replica=services().replica)


@page(blueprint, "/sign-in/", methods=["POST"])
def begin() -> Response:
    """Begin a session with the token of the form, and go on to the page that was asked for."""
    place = _next(request.form.get("next", ""))
    try:
        found = identify(f"Token {request.form.get('token', '').strip()}", services())
    except UnknownToken as error:
        seconds = services().attempts.wrong(request.remote_addr or "")
        message: Exception = TooManyGuesses(seconds) if seconds else error
        response = show("sign_in.html", 429 if seconds else 401, next_path=place, message=str(message))
        if seconds:
            response.headers["Retry-After"] = str(seconds)
        return response
    except Unauthenticated as error:
        is_odd = str(error).startswith("Invalid token.")
        return show("sign_in.html", 401, next_path=place, message=UNUSABLE if is_odd else str(error))
    if found.uses == "report":
        return show("sign_in.html", 403, next_path=place, message="This token may only report.")
    with services().reading() as cursor:
        secret = sessions.begin(cursor, found.token_uuid, services().clock(), secrets.token_bytes)
    response = moved_to(place)
    response.set_cookie(COOKIE, secret, max_age=sessions.LIFETIME, **_kept_for_us())
    return response


@page(blueprint, "/sign-out/", methods=["POST"])
def end() -> Response:
    """End the session, here and in the database."""
    with services().reading() as cursor:
        sessions.end(cursor, request.cookies.get(COOKIE, ""))
    response = moved_to(url_for("session.sign_in"))
    response.delete_cookie(COOKIE, **_kept_for_us())
    return response


def _kept_for_us() -> dict[str, Any]:
    """Return the attributes that keep a cookie to our pages, and from their scripts and other sites."""
    return {
        "path": cookie_path(),
        "secure": request.is_secure,
        "httponly": True,
        "samesite": "Lax",
    }


def _next(place: str) -> str:
    """Return where to go on: a page of the dashboard, whatever a link from elsewhere says."""
    ours = url_for("overview.overview")
    is_page = place.startswith("/dashboard/") and place.isprintable() and "\\" not in place
    return f"{root_path()}{place[1:]}" if is_page else ours
