"""How facts become rows: values travel to PostgreSQL as one JSON text and are spread there.

One parameter a statement whatever the size of a batch, exact decimals, and columns by their names.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from psycopg.sql import SQL, Composed, Identifier

_encoder = msgspec.json.Encoder(uuid_format="hex", decimal_format="number")


def as_json(rows: Iterable[Any]) -> str:
    """A JSON array of structs or dicts, for `json_populate_recordset` and `json_to_recordset`."""
    return _encoder.encode(list(rows)).decode()


def upsert(table: str, columns: Iterable[str], key: Iterable[str] = ("uuid",)) -> Composed:
    """INSERT … ON CONFLICT DO UPDATE of these columns from the JSON parameter `rows`."""
    columns, key = tuple(columns), tuple(key)
    return SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns}"
        " FROM json_populate_recordset(NULL::{table}, %(rows)s)"
        " ON CONFLICT ({key}) DO UPDATE SET {updates}"
    ).format(
        table=Identifier(table),
        columns=SQL(", ").join(map(Identifier, columns)),
        key=SQL(", ").join(map(Identifier, key)),
        updates=SQL(", ").join(
            SQL("{0} = EXCLUDED.{0}").format(Identifier(column)) for column in columns if column not in key
        ),
    )
