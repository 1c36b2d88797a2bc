"""Reads what an export says, and what it has to say: the rows of the JSON, page by page."""

import csv
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any, cast

import orjson
from arro3.core import DataType, Table
from arro3.io import read_parquet
from waldur_api_client.utils import parse_link_header
from werkzeug.test import TestResponse

Row = dict[str, Any]
Ask = Callable[..., TestResponse]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def all_pages(ask: Ask, **query: str) -> list[bytes]:
    """Return the rows of a list as JSON, each as it stands there, from pages of three."""
    rows: list[bytes] = []
    number = 1
    while True:
        response = ask(**query, page=number, page_size=3)
        assert response.status_code == 200, response.data
        rows += map(orjson.dumps, fragments(response.data))
        if "next" not in parse_link_header(response.headers.get("Link", "")):
            return rows
        number += 1


def fragments(rows: bytes) -> list[Any]:
    """Return the rows of a JSON array. Those of catalogues have spaces that orjson leaves out."""
    return cast("list[Any]", orjson.loads(rows))


def lines(response: TestResponse) -> list[bytes]:
    assert response.content_type == "application/x-ndjson"
    assert response.data[-1:] in (b"", b"\n")
    return [orjson.dumps(orjson.loads(line)) for line in response.data.splitlines()]


def cells(response: TestResponse) -> list[dict[str, str]]:
    """Return the rows of a CSV file by its header."""
    assert response.content_type == "text/csv; charset=utf-8; header=present"
    text = response.data.decode()
    assert text.startswith("\ufeff")
    assert text.endswith("\r\n")
    return list(csv.DictReader(StringIO(text[1:], newline=""), strict=True))


def table(response: TestResponse) -> Table:
    assert response.content_type == "application/vnd.apache.parquet"
    return read_parquet(BytesIO(response.data)).read_all()


def records(response: TestResponse) -> list[Row]:
    """Return the rows of a Parquet file."""
    found = table(response)
    columns = [[found[name][place].as_py() for place in range(found.num_rows)] for name in found.schema.names]
    return [dict(zip(found.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def as_cell(value: Any) -> str:
    """Return what a value of the JSON is in CSV."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return f"'{value}" if value.startswith(FORMULA_STARTS) and not is_figure(value) else value
        case dict() | list():
            return orjson.dumps(value).decode()
    return str(value)


def is_figure(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False


def plain(name: str, cell: str, value: Any) -> str:
    """Return a cell without the spaces that PostgreSQL writes into what is nested."""
    return orjson.dumps(orjson.loads(cell)).decode() if isinstance(value, dict | list) else cell


def as_value(kind: DataType, value: Any) -> Any:
    """Return what a value of the JSON is in a column of this type in Parquet."""
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    if value is None:
        return None
    if DataType.is_decimal128(kind):
        return Decimal(str(value))
    if DataType.is_date32(kind):
        return date.fromisoformat(value)
    if DataType.is_timestamp(kind):
        return datetime.fromisoformat(value)
    return value
