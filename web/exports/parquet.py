"""Rows as Parquet, written by arro3, which the extra `parquet` brings.

arro3 asks for rows and writes to a file, and an answer is asked for its parts. So it writes to a pipe, in a
thread of its own, and the answer is what comes out: whoever takes it slowly has the rows read slowly. In
memory there is one group of rows, compressed.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec

from web.exports.columns import Column, Holds
from web.exports.csv_text import Parts

if TYPE_CHECKING:
    from arro3.core import DataType, RecordBatch, Schema

GROUP_ROWS = 50_000
"""Rows of a group, which readers read at a time."""

PART_BYTES = 64 * 1024

COMPRESSION = "zstd(3)"

DIGITS, DECIMALS, MOST_DECIMALS = 38, 2, 12
"""How many digits a figure may have, and how many after the point: two, or as many as it needs."""


def parquet_of(columns: Sequence[Column], batches: Iterator[Sequence[str]]) -> Parts:
    """Yield the parts of a file with these columns of the rows, which come as JSON objects.

    Raises what the batches raise, behind parts that are no whole file.
    """
    from arro3.core import RecordBatchReader
    from arro3.io import write_parquet

    schema = _schema(columns)
    rows = (_batch(schema, columns, batch) for batch in batches)

    def write(end: int) -> None:
        with open(end, "wb", buffering=PART_BYTES) as file:
            reader = RecordBatchReader.from_batches(schema, rows)
            write_parquet(reader, file, compression=COMPRESSION, max_row_group_size=GROUP_ROWS)

    return _through_a_pipe(write)


def _through_a_pipe(write: Callable[[int], None]) -> Parts:
    """Yield what a function writes to the end of a pipe that it is called with, and closes."""
    taken, given = os.pipe()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            write(given)
        except BaseException as error:  # whatever it is: told by who takes the parts
            failures.append(error)

    writer = Thread(target=run, name="parquet", daemon=True)
    writer.start()
    try:
        while part := os.read(taken, PART_BYTES):
            yield part
    finally:
        os.close(taken)  # a writer that is not done finds the pipe broken
        writer.join()
    if failures:
        raise failures[0]


def _schema(columns: Sequence[Column]) -> "Schema":
    from arro3.core import Field, Schema

    fields: list[Field] = [Field(column.name, _type(column.holds), nullable=True) for column in columns]
    return Schema(fields)


def _type(holds: Holds) -> "DataType":
    from arro3.core import DataType

    match holds:
        case Holds.DECIMAL:
            return DataType.decimal128(DIGITS, DECIMALS)
        case Holds.NUMBER:
            return DataType.decimal128(DIGITS, MOST_DECIMALS)
        case Holds.MOMENT:
            return DataType.timestamp("us", tz="UTC")
    plain: dict[Holds, Callable[[], DataType]] = {
        Holds.INTEGER: DataType.int64,
        Holds.FLOAT: DataType.float64,
        Holds.BOOLEAN: DataType.bool,
        Holds.DATE: DataType.date32,
    }
    return plain.get(holds, DataType.utf8)()


def _batch(schema: "Schema", columns: Sequence[Column], rows: Sequence[str]) -> "RecordBatch":
    """Return rows in columns: arro3 reads their JSON, in which what is nested is a text."""
    from arro3.io import read_json

    if nested := [column.name for column in columns if column.holds is Holds.NESTED]:
        lines = ENCODER.encode_lines([_with_texts(row, nested) for row in rows])
    else:
        lines = "\n".join(rows).encode()
    return read_json(BytesIO(lines), schema, batch_size=len(rows)).read_next_batch()


ENCODER = msgspec.json.Encoder()

READ: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _with_texts(row: str, nested: Sequence[str]) -> dict[str, Any]:
    """Return a row whose nested values are texts, of their JSON."""
    values: dict[str, Any] = dict(READ.decode(row))
    for name in nested:
        if name in values and (text := bytes(values[name]).decode()) != "null":
            values[name] = text
    return values
