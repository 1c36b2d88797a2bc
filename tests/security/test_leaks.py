"""No answer and no log says what is secret, whatever goes wrong."""

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.docs.demo import demo_service
from tests.docs.examples import Recorder, prepare
from tests.operate.test_logs import log_of
from tests.support.command import DEMO_RESOURCE, Environment, Served, served
from tests.support.waiting import wait_until
from tests.world import USAGES

ROLE = "zanzibar_role"
WORDS = ("password", "guess", "cookie", "body", "query")
PASSWORD, GUESS, COOKIE, BODY, QUERY = (f"zanzibar-{each}" for each in WORDS)
SET_USAGE = f"{USAGES}set_usage/"


def test_no_answer_and_no_error_of_any_kind_tells_the_token_that_it_came_with(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with demo_service(database_url, tmp_path) as here:
        prepare(here)
        told = Recorder(here).record()
    assert sum(map(len, told["errors"].values())) > 30
    text = json.dumps(told)
    assert here.token not in text
    assert "Traceback" not in text
    assert here.token not in caplog.text


@pytest.fixture(name="url")
def url_with_a_password(environment: Environment) -> Iterator[str]:
    """The database's URL with a role that has a password of its own."""
    url, role = environment["LEDGER_DATABASE_URL"], sql.Identifier(ROLE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(role, sql.Literal(PASSWORD))
        )
        yield make_conninfo(url, user=ROLE, password=PASSWORD)
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def asked(here: Served, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    """Return the status, and headers and body as one text."""
    with closing(HTTPConnection("127.0.0.1", int(here.url.rpartition(":")[2]), timeout=60)) as connection:
        sent = {"Cookie": f"usage_ledger_session={COOKIE}", "Content-Type": "application/json"} | headers
        connection.request(method, f"{path}?username={QUERY}", body, sent)
        response = connection.getresponse()
        return response.status, f"{response.headers}{response.read().decode()}"


def test_a_service_in_trouble_tells_nobody_its_secrets(environment: Environment, url: str) -> None:
    with served(environment | {"LEDGER_DATABASE_URL": url}, "--workers", "1") as here:
        known = {"Authorization": f"Token {here.demo_token}"}
        guess = {"Authorization": f"Token {GUESS}"}
        usage = {"type": "cpu", "amount": "1", "description": BODY}
        report = json.dumps({"resource": DEMO_RESOURCE, "usages": [usage]})
        told = [
            asked(here, "GET", USAGES, **guess),
            asked(here, "POST", "/dashboard/sign-in/", f"token={GUESS}"),
            asked(here, "GET", "/dashboard/"),
            asked(here, "POST", SET_USAGE, f"{report}x", **known),
        ]
        with psycopg.connect(environment["LEDGER_DATABASE_URL"], autocommit=True) as connection:
            connection.execute("ALTER TABLE journal.ledger_events RENAME COLUMN state TO gone")
            told += [asked(here, "POST", SET_USAGE, report, **known)]
            connection.execute("ALTER TABLE journal.ledger_events RENAME COLUMN gone TO state")
            connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(ROLE)))
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [ROLE]
            )
            wait_until(lambda: asked(here, "GET", USAGES, **known)[0] == 503)
            told += [asked(here, "POST", SET_USAGE, report, **known), asked(here, "GET", "/readyz")]
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(ROLE)))
        wait_until(lambda: asked(here, "GET", USAGES, **known)[0] == 200)
        log, token = log_of(here), here.demo_token
    assert [status for status, _ in told] == [401, 400, 303, 400, 500, 503, 503]
    for secret in (PASSWORD, token, GUESS, COOKIE):
        assert secret not in log, secret
        assert all(secret not in text for _, text in told), secret
    assert BODY not in log
    assert QUERY not in log
