"""Many ledgers may feed one reading database one day: what that needs of each is held to."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.sql import Composable

from ledger.journal.scripts import statements_of
from tests.paths import ROOT
from tests.world import USAGES, World

MODULES = sorted(
    each.relative_to(ROOT)
    for package in ("ledger", "projections", "web")
    for each in (ROOT / package).rglob("*.py")
)

SQL_WORD = re.compile(r"\s*(--[^\n]*\s*)*(SELECT|WITH|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|SET|LOCK)\b")

RETURNED = {
    "INSERT_FACTS": "sorted, as positions are given in the order of the facts",
    "INSERT_PEOPLE": "counted",
    "MOVE_POSITION": "a table with one row",
}
"""Statements whose RETURNING reaches Python, and why its order does not matter."""


def texts_of(value: object) -> Iterator[str]:
    """The SQL in the value of a name."""
    match value:
        case str():
            yield value
        case bytes():
            yield value.decode(errors="replace")
        case Composable():
            yield value.as_string()
        case dict():
            for each in value.values():
                yield from texts_of(each)
        case list() | tuple():
            for each in value:
                yield from texts_of(each)


def statements(module: Path) -> dict[str, list[str]]:
    """The SQL of a module, by the name that it has there."""
    name = ".".join(module.with_suffix("").parts).removesuffix(".__init__")
    found = {
        name: [text for text in texts_of(value) if SQL_WORD.match(text)]
        for name, value in vars(importlib.import_module(name)).items()
        if name.isupper()
    }
    return {name: texts for name, texts in found.items() if texts}


def executed(module: Path) -> Iterator[ast.expr]:
    """What a module gives to `execute`."""
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "execute"
        ):
            yield from node.args[:1]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_call_executes_one_statement(module: Path) -> None:
    known = statements(module)
    scripts = {name for name, texts in known.items() if any(len([*statements_of(t)]) > 1 for t in texts)}
    for argument in executed(module):
        parts = [*ast.walk(argument)]
        names = {part.id for part in parts if isinstance(part, ast.Name)}
        assert names & scripts == set(), "run_script runs it one by one"
        written = [
            part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        assert [text for text in written if len([*statements_of(text)]) > 1] == []


def test_scripts_are_taken_apart_where_statements_end() -> None:
    script = (
        "CREATE TABLE a (b text DEFAULT ';');\n-- a; b\nSELECT 1 - 2; DO $$ BEGIN; END; $$ ;\n"
        "CREATE FUNCTION b() LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT BOTH; END;\n-- the end;\n"
    )
    assert [*statements_of(script)] == [
        "CREATE TABLE a (b text DEFAULT ';')",
        "-- a; b\nSELECT 1 - 2",
        "DO $$ BEGIN; END; $$",
        "CREATE FUNCTION b() LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT BOTH; END",
    ]
    scripts = {name for module in MODULES for name, texts in statements(module).items() if len(texts) > 1}
    assert {"TABLES", "REST"} <= scripts


def test_nobody_relies_on_the_order_of_returning() -> None:
    found = {
        name
        for module in MODULES
        for name, texts in statements(module).items()
        if any("RETURNING" in text and not text.lstrip().startswith("WITH") for text in texts)
    }
    assert found == RETURNED.keys()


def test_joins_to_user_usages_name_the_resource() -> None:
    sources = [*(ROOT / module for module in MODULES), *(ROOT / "projections").rglob("*.sql")]
    by_usage = re.compile(r"\w+\.component_usage_uuid = \w+|= \w+\.component_usage_uuid")
    joins = [
        (
            path.relative_to(ROOT).as_posix(),
            match.group(),
            text[max(match.start() - 130, 0) : match.end() + 70],
        )
        for path in sources
        for text in [path.read_text()]
        for match in by_usage.finditer(text)
    ]
    assert len(joins) > 5
    by_resource = re.compile(r"resource_uuid = \w+\.resource_uuid")
    without = {path for path, _, around in joins if not by_resource.search(around)}
    # As of a position they are joined by one id, for the plan: see there. So distributed tables have no past.
    assert without == {"projections/history/as_of.sql"}


def test_a_position_comes_with_the_name_of_its_ledger(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    staff, origin = world.as_("staff"), world.services.origin()
    assert re.fullmatch("usage-ledger/[0-9a-f]{32}", origin)
    for form in ("csv", "ndjson", "parquet"):
        for path in (USAGES, "/api/ledger/diff/"):
            query = {"format": form} | ({"from": 0} if "diff" in path else {})
            response = staff.get(path, **query)
            assert (response.status_code, response.headers["Ledger-Origin"]) == (200, origin)
    (event, *_) = staff.get("/api/ledger/events/").get_json()
    assert event["source"] == origin
    world.configure(origin="ledger.example.org/hpc")
    assert world.as_("staff").get(USAGES, format="csv").headers["Ledger-Origin"] == "ledger.example.org/hpc"
