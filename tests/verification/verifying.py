"""Verifying, and changing what is not to be changed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import LiteralString

import psycopg
from psycopg import Connection, sql
from psycopg.rows import DictRow, dict_row

from projections.projector import ProjectingFailed
from projections.verification.verification import Verified
from tests.world import World
from web.commands.audit.verify import verification_of


def verified(world: World, to: int | None = None) -> tuple[Verified, list[str]]:
    """Verify without noting the result."""
    lines: list[str] = []
    with suppress(ProjectingFailed):
        world.projector.catch_up()
    result = verification_of(world.services, lambda finding: lines.append(finding.line)).run(to)
    assert result.differences == len(lines)
    return result, lines


def execute(world: World, statement: LiteralString, *names: str) -> int:
    """Execute a statement with names in it, as an operator may, and return how many rows it was about."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        return connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names))).rowcount


@contextmanager
def unguarded(world: World) -> Iterator[Connection[DictRow]]:
    """Turn the journal's guards off for a block."""
    tables = ("ledger_events", "append_only"), ("ledger_events", "no_gap"), ("person", "only_removal")
    with psycopg.connect(world.conninfo, autocommit=True, row_factory=dict_row) as connection:
        for table, guard in tables:
            connection.execute(f"ALTER TABLE journal.{table} DISABLE TRIGGER {guard}".encode())
        yield connection
        for table, guard in tables:
            connection.execute(f"ALTER TABLE journal.{table} ENABLE ALWAYS TRIGGER {guard}".encode())


def change_state(world: World, position: int, before: str, after: str) -> None:
    """Replace a text in the state of a fact."""
    with unguarded(world) as connection:
        changed = connection.execute(
            "UPDATE journal.ledger_events"
            " SET state = convert_to(replace(convert_from(state, 'UTF8'), %s, %s), 'UTF8')"
            " WHERE notification_id = %s AND strpos(convert_from(state, 'UTF8'), %s) > 0",
            [before, after, position, before],
        )
        assert changed.rowcount == 1
