"""Answers of the demo's service while something is wrong with it, or too much is asked of it.

All of it is really so: keys are taken away, the journal is locked, tables are broken. So this comes last.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import psycopg
from flask.testing import FlaskClient
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from werkzeug.test import Client, TestResponse

from ledger.handler import CommandHandler
from projections.fast.cache import VersionedCache
from projections.lookups.decision_state import PostgresReadModels
from tests.docs.demo import Demo
from tests.docs.failures import SET_USAGE, USAGES, Told, report
from tests.support.queueing import await_waiting, locked
from tests.support.waiting import wait_until
from web import create_app
from web.limits import admission, deadline
from web.limits.admission import Places, admitting
from web.limits.memory import ROOM
from web.request.services import Replica

CHECKPOINT, READY = "/api/ledger/checkpoint", "/readyz"

BREAK_A_ROW = "ALTER TABLE read_models.component_usage ADD CONSTRAINT broken CHECK (usage < 0) NOT VALID"
MEND_IT = "ALTER TABLE read_models.component_usage DROP CONSTRAINT broken"

LOSE_A_TILE = """
ALTER TABLE journal.tree_tile DISABLE TRIGGER USER;
DELETE FROM journal.tree_tile WHERE level = 0"""

CHANGE_A_FACT = """
ALTER TABLE journal.ledger_events DISABLE TRIGGER USER;
UPDATE journal.ledger_events SET topic = 'Rumour' WHERE notification_id = {position}"""

LOSE_A_COLUMN = "ALTER TABLE read_models.user_usage RENAME COLUMN usage TO used"


def of_trouble(here: Demo) -> Told:
    """Yield the names of what can be wrong, and what the service answers then."""
    yield from _of_crowds(here)
    yield from _of_turns(here)
    yield "ReadOnly", _of_a_standby(here).post(SET_USAGE, json=report("17.00"), headers=here.headers)
    yield from _of_keys(here)
    yield from _of_the_database(here)


@contextmanager
def behind(here: Demo) -> Iterator[None]:
    """Keep the read models from following the journal, which has a report more, for the time of a block."""
    with psycopg.connect(here.url, autocommit=True) as connection:
        connection.execute(BREAK_A_ROW)
        here.client.post(SET_USAGE, json=report("16.00"), headers=here.headers)
        yield
        connection.execute(MEND_IT)


def _of_crowds(here: Demo) -> Told:
    with _set(admission, "SLOW_BODY_SECONDS", -1):
        slow, half = Client(admitting(here.app, Places()), TestResponse), BytesIO(b"{")
        sent: Any = {"headers": here.headers | {"Content-Type": "application/json"}, "input_stream": half}
        yield "RequestTimeout", slow.post(SET_USAGE, **sent, environ_overrides={"CONTENT_LENGTH": "100"})
    full = Client(admitting(here.app, Places(0, 0)), TestResponse)
    yield "Overloaded", full.get(USAGES, headers=here.headers)
    gate = here.app.extensions["usage-ledger"].gates.of_reporters
    assert gate.enter(ROOM)
    large = {**report("1"), "usages": [{"type": "cpu", "amount": 1}] * 3_000}
    yield "Busy", here.client.post(SET_USAGE, json=large, headers=here.headers)
    gate.leave(ROOM)


def _of_turns(here: Demo) -> Told:
    services, key = here.app.extensions["usage-ledger"], {"Idempotency-Key": "sea-ice 2026-11, again"}

    def post(**headers: str) -> TestResponse:
        return here.client.post(SET_USAGE, json=report("17.00"), headers=here.headers | headers)

    with _set(deadline, "LONGEST_SECONDS", -1):
        yield "Overdue", post()
    models = PostgresReadModels(services.projector, VersionedCache())
    impatient = CommandHandler(services.ledger, models, queue_seconds=0.05)
    with _set(services, "handler", impatient), ThreadPoolExecutor(1) as pool:
        with locked(here.url):
            first = pool.submit(post, **key)
            await_waiting(here.url)
            yield "Contended", post()
            yield "UnderWay", post(**key)
        assert first.result().status_code == 201


def _of_a_standby(here: Demo) -> FlaskClient:
    services, primary = here.app.extensions["usage-ledger"], Replica("https://ledger.example.org")
    app = create_app(services.ledger, services.projector, max_body_bytes=100_000, replica=primary)
    return app.test_client()


def _of_keys(here: Demo) -> Told:
    path = here.app.extensions["usage-ledger"].signing.key_file.path
    away = path.with_name("away")
    path.rename(away)
    yield "NoSigningKey", here.client.get(CHECKPOINT, headers=here.headers)
    away.rename(path)
    path.chmod(0o644)  # now others may read it
    yield "SigningRefused", here.client.get(CHECKPOINT, headers=here.headers)
    path.chmod(0o600)


def _of_the_database(here: Demo) -> Told:
    name = str(conninfo_to_dict(here.url)["dbname"])
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(make_conninfo(here.url, dbname="postgres"), autocommit=True) as other:
        other.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield "OperationalError", here.client.get(USAGES, headers=here.headers)
        other.execute(allow.format(sql.Identifier(name), sql.Literal(True)))
    with psycopg.connect(here.url, autocommit=True) as connection:
        connection.execute(LOSE_A_TILE)
        wait_until(lambda: here.client.get(USAGES, headers=here.headers).status_code == 200)
        yield "TreeDamaged", here.client.get("/api/ledger/events/5/proof", headers=here.headers)
        history = f"{USAGES}{here.get(USAGES)[-1]['uuid']}/history/"
        position = here.get(history)[-1]["position"]
        connection.execute(sql.SQL(CHANGE_A_FACT).format(position=position))
        yield "UnreadableFact", here.client.get(history, headers=here.headers)
        connection.execute(LOSE_A_COLUMN)
    yield "Exception", here.client.get("/api/marketplace-component-user-usages/", headers=here.headers)


@contextmanager
def _set(holder: Any, name: str, value: object) -> Iterator[None]:
    """Give something another value for the time of a block."""
    before = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, before)
