"""PostgreSQL writes the rows of lists, byte for byte as orjson writes what Python would."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from projections.queries.json_columns import Column, json_object
from tests.conftest import database
from tests.world import (
    CPU,
    GPU,
    OFFERING,
    OFFERING_USER,
    RESOURCE,
    USAGES,
    USER_USAGES,
    World,
    open_world,
    uid,
)
from web.wire.responses import agents, audit, catalogue, columns, figures, statistics
from web.wire.responses.columns import ColumnField, Object, Objects
from web.wire.responses.lists import (
    COMPONENT_USAGE,
    COMPONENT_USER_USAGE,
    MONTHLY_SUMMARY,
    USER_USAGE_LIMIT,
)
from web.wire.responses.schemas import RowSchema

HOST = 'http://localhost:8000/"ö\\/'

TEXTS = [
    "",
    "plain",
    'said "no" \\ and / left',
    "tab\tnewline\nreturn\rbackspace\bfeed\f and \x01\x1b\x1f\x7f",
    "ööd, 漢字, 🙂, \u2028\u2029\u00a0\ufeff, </script>",
    "{}[],:%s%(limit)s'; --",
]

MOMENTS = [
    "2026-11-02T00:00:00Z",
    "2026-11-02T03:04:05.25Z",
    "2026-11-02T03:04:05.000001Z",
    "2026-11-02T03:04:05.999999+05:30",
    "2026-11-01T23:59:59.100-07:00",
    "0002-01-01T00:00:00Z",
    "1900-02-28T12:00:00.5Z",
    "9998-12-31T23:59:59.999990Z",
]

AMOUNTS = ["0", "-1.5", "0.01", "999999999999999999.99", "-999999999999999999.99", "12.3"]

UUIDS = [UUID(int=0), UUID(uid(0xABCDEF)), UUID(int=2**128 - 1)]

VALUES: dict[type[ColumnField], tuple[str, list[Any]]] = {
    columns.Text: ("text", TEXTS),
    columns.Word: ("text", ["reuse"]),
    columns.Hex: ("uuid", UUIDS),
    columns.Link: ("uuid", UUIDS),
    columns.Moment: ("timestamptz", [datetime.fromisoformat(each) for each in MOMENTS]),
    columns.Month: ("date", [date(2026, 11, 1), date(2, 1, 1), date(9998, 12, 1)]),
    columns.Date: ("date", [date(2026, 11, 1), date(2, 1, 1), date(9998, 12, 31)]),
    columns.Decimal: ("numeric", [Decimal(each).quantize(Decimal("0.01")) for each in AMOUNTS]),
    columns.Integer: ("numeric", [0, 1, -1, 10**18]),
    columns.Boolean: ("boolean", [True, False]),
    columns.Empty: ("text", [None]),
    columns.Constant: ("text", [None]),
    columns.HexIfAny: ("uuid", UUIDS),
    columns.Number: ("numeric", [0, 1, -1, 10**18, 12.3, 0.01]),
    columns.Integers: ("bigint[]", [[], [152], [1, 2**62]]),
    columns.Texts: ("text[]", [[], TEXTS]),
    columns.Json: ("jsonb", [{}, [], {"cpu": 1, "größe": [1.5, None, True]}, *TEXTS]),
}
"""Values of each type of column, and their type in PostgreSQL."""

LISTED = [
    *(COMPONENT_USAGE, COMPONENT_USER_USAGE, USER_USAGE_LIMIT, MONTHLY_SUMMARY),
    *(statistics.COMPONENT_USAGES, statistics.COMPONENT_USAGES_PER_MONTH),
    *(statistics.COMPONENT_USAGES_PER_PROJECT, statistics.OFFERING_COMPONENT_STAT),
    *(statistics.AGGREGATED_USAGE_TREND, statistics.RESOURCE_MISSING_USAGE),
    *agents.ROWS,
    *(catalogue.OFFERING, catalogue.USER_ATTRIBUTE_CONFIG, catalogue.SERVICE_PROVIDER),
    *(catalogue.RESOURCE, catalogue.OFFERING_USER, catalogue.PLAN_PERIOD),
    *(audit.CHANGE, audit.UNEXPLAINED, audit.VERIFICATION),
    *figures.FIGURES,
]
ROWS = [
    *LISTED,
    *(field.row for row in LISTED for field in row.fields.values() if isinstance(field, Object | Objects)),
]


@pytest.mark.parametrize(
    ("row", "column"),
    [(row, column) for row in ROWS for column in row.columns if not column.members],
    ids=lambda each: each.name if isinstance(each, Column) else type(each).__name__,
)
def test_a_column_is_written_as_its_field_dumps_it(odd: World, row: RowSchema, column: Column) -> None:
    field = row.fields[column.name]
    sql_type, values = VALUES[type(field)]  # type: ignore[index]
    statement = SQL("SELECT {}").format(json_object([column], {column.shows: SQL(f"%(value)s::{sql_type}")}))
    with odd.services.reading() as cursor:
        for value in [*values, None] if field.allow_none else values:
            shown = {column.shows: value, "root_url": HOST}
            expected = field.serialize(column.shows, shown)
            parameter = Jsonb(value) if sql_type == "jsonb" else value
            (written,) = cursor.execute(statement, {"value": parameter, "root_url": HOST})
            is_left_out = value is None and column.left_out
            assert written["json"].encode() == orjson.dumps({} if is_left_out else {column.name: expected})


@pytest.fixture(scope="module", name="odd")
def world_with_odd_values(server: str, world_template: str) -> Iterator[World]:
    """Imported usages, reported by nobody, with every text, moment and amount. For tests that only read."""
    with database(server, world_template) as url, open_world(url) as world:
        world.describe(
            component_usages=[
                {
                    "uuid": uid(0x8000 + number),
                    "resource_uuid": RESOURCE,
                    "component_uuid": CPU,
                    "usage": AMOUNTS[number % len(AMOUNTS)],
                    "billing_period": f"2025-{1 + number:02}-01",
                    "date": MOMENTS[number],
                    "created": MOMENTS[-1 - number],
                    "description": TEXTS[number % len(TEXTS)],
                }
                for number in range(len(MOMENTS))
            ]
        )
        yield world


def iso(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def test_every_value_is_written_as_python_writes_it(odd: World) -> None:
    expected = [
        {
            "uuid": uid(0x8000 + number),
            "created": iso(MOMENTS[-1 - number]),
            "description": TEXTS[number % len(TEXTS)],
            "usage": str(Decimal(AMOUNTS[number % len(AMOUNTS)]).quantize(Decimal("0.01"))),
            "date": iso(MOMENTS[number]),
            "recurring": False,
            "billing_period": f"2025-{1 + number:02}-01",
            "modified_by": None,
        }
        for number in range(len(MOMENTS))
    ]
    response = odd.as_("staff").get(USAGES, field=list(expected[0]), o="billing_period")
    assert response.data == orjson.dumps(expected)
    for row in expected:
        assert odd.as_("staff").get(f"{USAGES}{row['uuid']}/", field=list(row)).data == orjson.dumps(row)


def test_columns_come_in_the_order_of_the_row_and_not_of_the_query(odd: World) -> None:
    response = odd.as_("staff").get(
        USAGES, field=["modified_by", "type", "uuid", "bogus"], billing_period="2025-01-01"
    )
    assert response.data == orjson.dumps([{"uuid": uid(0x8000), "type": "cpu", "modified_by": None}])


def test_a_page_without_rows_is_an_empty_array(odd: World) -> None:
    response = odd.as_("staff").get(USAGES, resource_uuid=uid(0xDEAD))
    assert (response.data, response.headers["X-Result-Count"]) == (b"[]", "0")


@pytest.mark.parametrize("name", TEXTS[1:])
def test_names_are_written_as_python_writes_them(world: World, name: str) -> None:
    component = {"uuid": GPU, "offering_uuid": OFFERING, "type": "gpu", "billing_type": "limit"}
    world.describe(offering_components=[component | {"name": name, "measured_unit": name}])
    world.report(usages=[{"type": "gpu", "amount": 1}])
    fields = ["name", "measured_unit"]
    expected = [{"name": name, "measured_unit": name}]
    assert world.as_("staff").get(USAGES, field=fields).data == orjson.dumps(expected)


def test_urls_and_constants_of_user_usages_are_written_as_python_writes_them(world: World) -> None:
    world.report(usages=[{"type": "gpu", "amount": 1}])
    usage = world.usages()[0]["uuid"]
    user = f"http://localhost/api/marketplace-offering-users/{OFFERING_USER}/"
    for item in ({"username": 'a"b\\ö', "user": user}, {"username": "nobody's"}):
        assert world.report_user(usage, usage=1, **item).status_code == 201
    rows = [
        {
            "user": url,
            "username": name,
            "component_usage": f"http://localhost{USAGES}{usage}/",
            "description": "",
            "backend_id": "",
        }
        for url, name in ((user, 'a"b\\ö'), (None, "nobody's"))
    ]
    assert world.as_("staff").get(USER_USAGES, field=list(rows[0])).data == orjson.dumps(rows)
