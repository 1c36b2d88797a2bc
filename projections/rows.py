"""How facts become rows: values travel to PostgreSQL as one JSON text and are spread there.

One parameter a statement whatever the size of a batch, exact decimals, and columns by their names. Where rows
only have to be inserted, many at once, they are copied.
"""

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from typing import Any, LiteralString

import msgspec
from msgspec import Struct
from msgspec.structs import astuple
from psycopg import Cursor
from psycopg.sql import SQL, Composed, Identifier

from ledger.domain.catalogue import Entity, ResourceState

SELECT_NONE = SQL("SELECT {columns} FROM {table} LIMIT 0")
COPY = SQL("COPY {table} ({columns}) FROM STDIN (FORMAT binary)")

IS_TERMINATED = f"r.state = {ResourceState.TERMINATED:d}"
"""The condition that `resource r` is terminated."""

_encoder = msgspec.json.Encoder(uuid_format="hex", decimal_format="number")


def as_json(rows: Iterable[Any]) -> str:
    """Return structs or dicts as a JSON array, for `json_populate_recordset` and `json_to_recordset`."""
    return _encoder.encode(list(rows)).decode()


def digest(entity: Entity) -> str:
    """Return the SHA-256 of an entity: equal exactly for equal descriptions."""
    return sha256(msgspec.json.encode(entity, order="deterministic")).hexdigest()


def insert(cursor: Cursor[Any], table: LiteralString, rows: Sequence[Struct]) -> None:
    """Insert rows that meet no others, by COPY: it takes a third of the time. Their fields are columns."""
    if not rows:
        return
    columns = SQL(", ").join(map(Identifier, rows[0].__struct_fields__))
    names = {"table": Identifier(table), "columns": columns}
    described = cursor.execute(SELECT_NONE.format(**names)).description
    with cursor.copy(COPY.format(**names)) as copy:
        copy.set_types([column.type_code for column in described or ()])
        for row in rows:
            copy.write_row(astuple(row))


def upsert(
    table: str, columns: Iterable[str], key: Iterable[str] = ("uuid",), kept: Collection[str] = ()
) -> Composed:
    """Return an INSERT … ON CONFLICT DO UPDATE of these columns from the JSON parameter `rows`.

    Those that are `kept` are as the first insert made them.
    """
    columns, key = tuple(columns), tuple(key)
    changing = [column for column in columns if column not in (*key, *kept)]
    return SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns}"
        " FROM json_populate_recordset(NULL::{table}, %(rows)s)"
        " ON CONFLICT ({key}) DO UPDATE SET {updates}"
    ).format(
        table=Identifier(table),
        columns=SQL(", ").join(map(Identifier, columns)),
        key=SQL(", ").join(map(Identifier, key)),
        updates=SQL(", ").join(SQL("{0} = EXCLUDED.{0}").format(Identifier(column)) for column in changing),
    )
