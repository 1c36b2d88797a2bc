"""What every answer of a running service tells browsers, whoever makes it."""

import re
from contextlib import closing
from http.client import HTTPConnection, HTTPMessage

from tests.support.command import Environment, Served, served
from tests.world import USAGES, open_world
from web.edge.safety import ALWAYS

Told = tuple[int, HTTPMessage]

SAME_FOR_ALL = ("/api/docs/", "/api/schema/", "/dashboard/static/")
"""How paths begin of what anybody gets, token or not."""


def asked(here: Served, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Told:
    with closing(HTTPConnection("127.0.0.1", int(here.url.rpartition(":")[2]), timeout=60)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        response.read()
        return response.status, response.headers


def check(told: Told, *, is_somebodys: bool, is_secure: bool = False) -> None:
    status, headers = told
    for name, value in ALWAYS:
        said = headers.get_all(name)
        assert said, (status, name)
        assert len(said) == 1, (status, name)
        if name in ("X-Content-Type-Options", "X-Frame-Options"):
            assert said == [value]
        if name == "Content-Security-Policy":
            assert "default-src 'none'" in said[0]
            assert "frame-ancestors 'none'" in said[0]
            assert "unsafe" not in said[0]
    if is_somebodys:
        assert {"private", "no-store"} & {*re.split(", *", headers["Cache-Control"])}
        assert "public" not in headers["Cache-Control"]
    assert ("Strict-Transport-Security" in headers) == is_secure
    assert not re.search(r"\d", headers.get("Server", ""))
    assert "X-Powered-By" not in headers


def test_every_answer_is_safe_to_show(environment: Environment) -> None:
    with served(environment | {"LEDGER_PROXIES": "1"}, "--workers", "1") as here:
        token = {"Authorization": f"Token {here.demo_token}"}
        with open_world(environment["LEDGER_DATABASE_URL"]) as world:
            paths = {path_of(rule.rule) for rule in world.app.url_map.iter_rules()}
        assert len(paths) > 60
        for path in sorted(paths):
            check(asked(here, path), is_somebodys=False)
            check(asked(here, path, **token), is_somebodys=not path.startswith(SAME_FOR_ALL))
        etag = asked(here, USAGES, **token)[1]["ETag"]
        others = [
            asked(here, USAGES, If_None_Match=etag, **token),
            asked(here, USAGES, "DELETE", **token),
            asked(here, "/nowhere/"),
            asked(here, USAGES, "OPTIONS", Access_Control_Request_Method="GET", Origin="http://x"),
            asked(here, f"{USAGES}set_usage/", "POST", "{", Content_Type="application/json", **token),
            asked(here, "/dashboard/sign-in/", "POST", "token=wrong", Origin="http://x"),
        ]
        assert [status for status, _ in others] == [304, 405, 404, 200, 400, 403]
        for told in others:
            check(told, is_somebodys=False)
        check(asked(here, USAGES, X_Forwarded_Proto="https", **token), is_somebodys=True, is_secure=True)
        form = {"Content_Type": "application/x-www-form-urlencoded", "X_Forwarded_Proto": "https"}
        told = asked(here, "/dashboard/sign-in/", "POST", f"token={here.demo_token}", **form)
        check(told, is_somebodys=True, is_secure=True)
        flags = {each.strip().partition("=")[0] for each in told[1]["Set-Cookie"].split(";")[1:]}
        assert flags == {"HttpOnly", "Max-Age", "Path", "SameSite", "Secure", "Expires"}


def path_of(rule: str) -> str:
    """Return a path that a rule has, to something that is not there where it names something."""
    return re.sub("<any[^>]*>", "projects", re.sub("<(?!any)[^>]*>", "0", rule))
