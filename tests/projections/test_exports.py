"""Read tables are written as CSV as they were at a position."""

import csv
import io
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from projections.exports import SELECT_VIEWS, WRITTEN, tables_as_of
from projections.schema import snapshot
from tests.api.monthly import entity
from tests.projections.test_rebuild import forget
from tests.support.everything import tell_of_everything
from tests.world import PROJECT, RESOURCE, World

Exported = dict[str, bytes]


@pytest.fixture(name="connection")
def connection_of_its_own(world: World) -> Iterator[Connection[DictRow]]:
    with psycopg.connect(world.conninfo, row_factory=dict_row, autocommit=True) as connection:
        yield connection


def exported(connection: Connection[DictRow], position: int) -> Exported:
    with snapshot(connection):
        return {name: b"".join(lines) for name, lines in tables_as_of(connection, position)}


def rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


def test_a_table_is_written_as_it_was(world: World, connection: Connection[DictRow]) -> None:
    for amount in ("4", "5.5"):
        world.report(usages=[{"type": "gpu", "amount": amount, "description": 'a "b",\nc'}])
    last = world.projector.catch_up()
    now, before = (rows(exported(connection, at)["component_usage"]) for at in (last, last - 1))
    assert [[row["usage"] for row in each] for each in (now, before)] == [["5.50"], ["4.00"]]
    [row] = now
    assert (row["resource_uuid"], row["billing_period"]) == (RESOURCE, "2026-11-01")
    assert row["description"] == 'a "b",\nc'
    assert row["created"] == "2026-11-15T12:00:00.000000Z"
    assert "until" not in row


def test_lines_are_those_of_rfc_4180(world: World, connection: Connection[DictRow]) -> None:
    tell_of_everything(world)
    for text in exported(connection, world.projector.catch_up()).values():
        cells = list(csv.reader(io.StringIO(text.decode(), newline=""), strict=True))
        assert len(cells) > 1
        assert {len(line) for line in cells} == {len(cells[0])}
        assert text.endswith(b"\r\n")
        assert text.count(b"\n") == text.count(b"\r\n")  # no text has a line feed in it


def test_every_table_whose_past_is_kept_is_there_at_every_position(
    world: World, connection: Connection[DictRow]
) -> None:
    tell_of_everything(world)
    views = connection.execute(
        "SELECT viewname FROM pg_views WHERE schemaname = 'read_models_as_of'"
    ).fetchall()
    names = {row["viewname"] for row in views} - {"read_position", "usage_count_span", "listed_usage"}
    positions = [position for position, _ in world.ledger.facts_after(0, 1_000)]
    empty = {name: text for name, text in exported(connection, 0).items() if text.count(b"\n") > 1}
    assert empty == {}
    for position in positions[:: len(positions) // 4]:
        assert exported(connection, position).keys() == names


def test_an_export_does_not_change_while_the_journal_grows(
    world: World, connection: Connection[DictRow]
) -> None:
    tell_of_everything(world)
    position = world.projector.catch_up()
    before = exported(connection, position)
    world.describe(projects=[entity("projects", PROJECT, name="Renamed")])
    assert world.projector.catch_up() > position
    assert b"Renamed" in exported(connection, position + 1)["project"]
    assert exported(connection, position) == before


def test_nothing_and_an_empty_text_are_told_apart(world: World, connection: Connection[DictRow]) -> None:
    tables = exported(connection, world.projector.catch_up())
    header, line, *_ = tables["component"].decode().split("\r\n")
    cells = dict(zip(header.split(","), line.split(","), strict=True))
    assert (cells["description"], cells["limit_amount"]) == ('""', "")


def test_who_was_forgotten_has_no_name_at_any_position(world: World, connection: Connection[DictRow]) -> None:
    before = world.projector.catch_up()
    assert any(b"stranger" in text for text in exported(connection, before).values())
    forget(world, "stranger")
    assert not any(b"stranger" in text for text in exported(connection, before).values())


def test_every_type_of_a_column_is_written_for_other_programs(connection: Connection[DictRow]) -> None:
    views = connection.execute(SELECT_VIEWS, {"schema": "read_models_as_of"}).fetchall()
    plain = {"text", "integer", "bigint", "numeric", "date", "jsonb", "smallint"}
    assert {kind for view in views for kind in view["types"]} - plain - WRITTEN.keys() == set()
