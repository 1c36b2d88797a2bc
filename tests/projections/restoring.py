"""Journals that are restored."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ledger.journal.guard import ledger_id
from tests.world import World, open_world

BEHIND = {"detail": "The read models can't be brought up to date at the moment. Try again."}

AS_SUPERUSER = "The service runs as a superuser, who can drop what guards the journal."
"""The note of `/readyz`: tests run as one."""

UPDATE = "UPDATE journal.ledger_events SET state = state"


@pytest.fixture
def url(world_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """A database with the world in it, for this test alone."""
    with world_database() as url:
        yield url


@pytest.fixture
def here(url: str) -> Iterator[World]:
    with open_world(url) as world:
        yield world


def execute(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def report(world: World, amount: str, **body: Any) -> int:
    """Reports gpu hours. Returns the position of the answer."""
    response = world.report(usages=[{"type": "gpu", "amount": amount}], **body)
    assert response.status_code == 201, response.text
    return int(response.headers["Ledger-Position"])


def figures(world: World) -> list[str]:
    return [row["usage"] for row in world.usages(o="billing_period")]


def head_of(url: str) -> int:
    ((head,),) = execute(url, "SELECT coalesce(max(notification_id), 0) FROM journal.ledger_events")
    return int(head)


def identity(url: str) -> Any:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return ledger_id(connection)
