"""Rows that were changed behind the journal's back are found, whichever they are."""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier, Literal

from tests.history.short_spans import short_spans as short_spans
from tests.history.telling import tell_of_moves
from tests.projections.test_rebuild import forget, report_users
from tests.support.everything import tell_of_everything
from tests.verification.verifying import execute, verified
from tests.world import World

SELECT_COLUMNS = """
SELECT c.relname AS name, a.attname AS column, t.typname AS type,
    array_position(i.indkey::smallint[], a.attnum) AS place
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relnamespace = 'read_models'::regnamespace AND c.relkind = 'r' AND c.relname <> 'read_position'
ORDER BY c.relname, a.attnum"""

CHANGED = {
    "bool": "NOT coalesce({0}, false)",
    "int4": "coalesce({0}, 0) + 1000",
    "int8": "coalesce({0}, 0) - 1000",
    "numeric": "coalesce({0}, 0) + 1",
    "text": "coalesce({0}, '') || '-changed'",
    "uuid": "md5(coalesce({0}::text, ''))::uuid",
    "date": "CASE WHEN isfinite({0}) THEN {0} + 1000 ELSE '2020-02-02' END",
    "timestamptz": "coalesce({0}, '2020-02-02') + interval '1 day'",
    "_uuid": "array_append({0}, '00000000-0000-0000-0000-000000000002')",
    "_date": "array_append({0}, '2020-02-02')",
    "jsonb": "jsonb_build_object('changed', {0})",
}
"""By the type of a column: a value that is not the one which is there."""


class Column(NamedTuple):
    name: str
    type: str
    place: int | None
    """In the key."""

    @property
    def is_key(self) -> bool:
        return self.place is not None

    @property
    def changed(self) -> SQL:
        return SQL(SQL(CHANGED[self.type]).format(Identifier(self.name)).as_string())


Tables = dict[str, list[Column]]


def tables(connection: Connection[DictRow]) -> Tables:
    found: Tables = {}
    for row in connection.execute(SELECT_COLUMNS):
        found.setdefault(row["name"], []).append(Column(row["column"], row["type"], row["place"]))
    assert len(found) > 30
    return found


@contextmanager
def tampering(world: World) -> Iterator[Connection[DictRow]]:
    """A connection of somebody who knows what triggers are."""
    with psycopg.connect(world.conninfo, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("SET session_replication_role TO replica")
        yield connection


def one_row(connection: Connection[DictRow], table: str) -> tuple[str, dict[str, str | None]] | None:
    """The place of a row, and its cells as JSON."""
    row = connection.execute(
        SQL("SELECT ctid::text AS place, to_jsonb(t) AS row FROM ONLY {} t LIMIT 1").format(Identifier(table))
    ).fetchone()
    return (row["place"], cells(connection, table, row["place"])) if row else None


def cells(connection: Connection[DictRow], table: str, place: str) -> dict[str, str | None]:
    rows = connection.execute(
        SQL(
            "SELECT e.key, e.value::text FROM ONLY {} t CROSS JOIN LATERAL jsonb_each(to_jsonb(t)) e"
            " WHERE t.ctid = {}"
        ).format(Identifier(table), Literal(place))
    )
    return {row["key"]: row["value"] for row in rows}


OF_PAST = {("uuid", "since"), ("plan_uuid", "component_uuid", "since"), ("offering_uuid", "month", "since")}
"""What tells the rows of a table without a key apart: the first of these that it has."""


def of_past(names: Collection[str]) -> tuple[str, ...]:
    """Return what tells the rows of a table with these columns apart, which is one of the past."""
    return next(each for each in sorted(OF_PAST, key=len) if set(each) <= set(names))


def has_key(columns: list[Column]) -> bool:
    return any(column.is_key for column in columns)


def key_of(columns: list[Column], row: dict[str, Any]) -> str:
    key = sorted((column.place, column.name) for column in columns if column.place is not None)
    return ",".join(str(row[name]).strip('"') for name in [name for _, name in key] or of_past(row))


def test_what_follows_from_the_journal_is_found_to_do_so(world: World) -> None:
    tell_of_everything(world)
    result, lines = verified(world)
    assert lines == []
    assert result == (world.projector.catch_up(), len(world.facts()), 0, True)


@pytest.mark.usefixtures("short_spans")
@pytest.mark.parametrize("tell", [tell_of_everything, tell_of_moves])
def test_a_changed_cell_is_named_with_both_values_in_every_column_of_every_table(
    world: World, tell: Callable[[World], None]
) -> None:
    tell(world)
    position = world.projector.catch_up()
    expected = []
    with tampering(world) as connection:
        for table, columns in tables(connection).items():
            found = one_row(connection, table)
            # Whoever is another person has another name, or none: that is below.
            telling = () if has_key(columns) else of_past([column.name for column in columns])
            changing = [
                column for column in columns if not (column.is_key or column.name in ("person", *telling))
            ]
            if not found or not changing:
                continue
            place, before = found
            changes = SQL(", ").join(
                SQL("{} = {}").format(Identifier(column.name), column.changed) for column in changing
            )
            row = connection.execute(
                SQL("UPDATE ONLY {} SET {} WHERE ctid = {} RETURNING ctid::text AS place").format(
                    Identifier(table), changes, Literal(place)
                )
            ).fetchone()
            assert row
            after = cells(connection, table, row["place"])
            key = key_of(columns, before)
            expected += [
                f"{table} {key} {column.name} {after[column.name]} {before[column.name]} {position}"
                for column in changing
            ]
    if tell is tell_of_moves:
        changed = {line.split()[0] for line in expected}
        assert changed > {"component_usage_past", "user_usage_past", "resource_past", "user_usage_limit_past"}
    else:
        with tampering(world) as connection:
            empty = {table for table in tables(connection) if not one_row(connection, table)}
        assert all(table.endswith(("_past", "_versions")) for table in empty)
    assert sorted(verified(world)[1]) == sorted(expected)


@pytest.mark.usefixtures("short_spans")
def test_a_row_that_is_missing_is_shown_as_the_journal_has_it(world: World) -> None:
    tell_of_everything(world)
    position, expected = world.projector.catch_up(), []
    with tampering(world) as connection:
        for table, columns in tables(connection).items():
            if found := one_row(connection, table):
                place, row = found
                connection.execute(
                    SQL("DELETE FROM ONLY {} WHERE ctid = {}").format(Identifier(table), Literal(place))
                )
                expected.append((table, key_of(columns, row), "*", "-", of_cells(row)))
    _, lines = verified(world)
    assert sorted(told_of_rows(lines, position), key=str) == sorted(expected, key=str)


@pytest.mark.usefixtures("short_spans")
def test_a_row_too_many_is_shown_as_it_is(world: World) -> None:
    tell_of_everything(world)
    position, expected = world.projector.catch_up(), []
    with tampering(world) as connection:
        for table, columns in tables(connection).items():
            found = one_row(connection, table)
            if not found:
                of_now = table.rpartition("_")[0]
                connection.execute(
                    SQL(
                        "INSERT INTO {} SELECT (jsonb_populate_record(NULL::{},"
                        " to_jsonb(t) || jsonb_build_object('until', {}::bigint))).* FROM ONLY {} t LIMIT 1"
                    ).format(Identifier(table), Identifier(table), Literal(position), Identifier(of_now))
                )
                found = one_row(connection, table)
                assert found
                expected.append((table, key_of(columns, found[1]), "*", of_cells(found[1]), "-"))
                continue
            place, _ = found
            unique = [
                column
                for column in columns
                if column.is_key
                or (table, column.name) in UNIQUE
                or (not has_key(columns) and column.name == of_past([each.name for each in columns])[-2])
            ]
            row = connection.execute(
                SQL(
                    "INSERT INTO {table} SELECT (jsonb_populate_record(t, {changes})).* FROM ONLY {table} t"
                    " WHERE ctid = {place} RETURNING ctid::text AS place"
                ).format(
                    table=Identifier(table),
                    changes=SQL("jsonb_build_object({})").format(
                        SQL(", ").join(
                            SQL("{}, {}").format(Literal(column.name), column.changed) for column in unique
                        )
                    ),
                    place=Literal(place),
                )
            ).fetchone()
            assert row
            added = cells(connection, table, row["place"])
            expected.append((table, key_of(columns, added), "*", of_cells(added), "-"))
    _, lines = verified(world)
    with tampering(world) as connection:  # nobody else writes there, so that nobody takes it back
        for table in tables(connection):
            if table.endswith("_versions"):
                connection.execute(SQL("DELETE FROM ONLY {}").format(Identifier(table)))
    assert sorted(told_of_rows(lines, position), key=str) == sorted(expected, key=str)


UNIQUE = {
    *(("account", "id"), ("correction", "id"), ("token", "token_hash")),
    *((f"agent_{each}", "id") for each in ("identity", "service", "processor")),
}
"""Columns that are unique besides keys."""


def told_of_rows(lines: list[str], position: int) -> list[tuple[Any, ...]]:
    """Findings of rows on one side, with the row as cells."""
    found = []
    for line in lines:
        words, end = line.rsplit(" ", 1)
        table, key, column, sides = words.split(" ", 3)
        assert int(end) == position
        live, replayed = ("-", sides[2:]) if sides.startswith("- ") else (sides[:-2], "-")
        rows = [each if each == "-" else parsed(each) for each in (live, replayed)]
        found.append((table, key, column, *rows))
    return found


def of_cells(row: dict[str, str | None]) -> dict[str, Any]:
    return {name: parsed(cell or "null") for name, cell in row.items()}


def parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def test_another_person_is_a_difference_and_so_is_their_name(world: World) -> None:
    report_users(world, ann="1", bob="2")
    execute(
        world,
        "UPDATE user_usage u SET person = b.person FROM user_usage b"
        " WHERE u.username = 'ann' AND b.username = 'bob'",
    )
    (line,) = verified(world)[1]
    assert (line.split()[0], line.split()[2]) == ("user_usage", "person")
    execute(world, "UPDATE user_usage SET person = gen_random_uuid() WHERE username = 'ann'")
    lines = verified(world)[1]
    assert [line.split()[2] for line in lines] == ["person", "username"]
    assert 'null "ann"' in lines[1]


def test_names_of_forgotten_people_are_no_difference(world: World) -> None:
    report_users(world, ann="1", bob="2")
    forget(world, "ann")
    assert verified(world)[1] == []
    execute(world, "UPDATE user_usage SET username = 'mallory' WHERE username = 'bob'")
    assert [line.split(" ", 2)[2].rsplit(" ", 1)[0] for line in verified(world)[1]] == [
        'username "mallory" "bob"'
    ]


def test_a_counter_that_says_one_more_is_found(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "1.5"}])
    execute(world, "UPDATE monthly_consumption SET total = total + 1")
    (line,) = verified(world)[1]
    assert line.startswith(
        "monthly_consumption 00000000-0000-0000-0000-0000000000e1,2026-11-01 total 2.50 1.50 "
    )


def test_where_there_are_more_decimals_the_amount_is_the_same(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "1.5"}])
    execute(world, "UPDATE monthly_consumption SET total = total + 0.000")
    assert verified(world)[1] == []
