"""Every list, in every form: all rows of the JSON, whoever asks, as of now and as of then.

The lists and their parameters are those of the application: a new list is exported, or the tests fail.
"""

from functools import partial
from typing import Any

import orjson
import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.api.monthly import entity
from tests.audit.asking import ROLES, Question, least, questions
from tests.exports.reading import all_pages, as_cell, as_value, cells, lines, plain, records, table
from tests.support.everything import tell_of_everything
from tests.world import PROJECT, RESOURCE, World
from web.wire.declared.parameters import is_taken
from web.wire.rendering import DECLARED

FEED = "/api/ledger/events/"
PAGES = {"page", "page_size"}


@pytest.fixture(name="told")
def world_that_was_told(world: World) -> World:
    tell_of_everything(world)
    world.describe(
        projects=[entity("projects", PROJECT, name='=HYPERLINK("x")')],
        resources=[entity("resources", RESOURCE, name="-1,\nü")],
    )
    return world


def lists(app: Flask) -> list[str]:
    """The paths of all routes that answer a GET with rows."""
    return sorted(rule.rule for rule in gets(app) if DECLARED[app.view_functions[rule.endpoint]].is_list)


def gets(app: Flask) -> list[Rule]:
    """All routes of the API that answer a GET."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.rule.startswith("/api/")
    ]


def of_lists(world: World) -> list[Question]:
    """Return what can be asked of lists, without pages."""
    routes = world.app.url_map.bind("")
    found = []
    for question in questions(world, [world.ledger.recorder.max_notification_id() or 0]):
        view = world.app.view_functions[routes.match(question.path)[0]]
        names = {name for name, _ in question.query}
        if DECLARED[view].is_list and not names & PAGES:
            found.append(question)
    return found


def test_every_list_takes_a_format_and_nothing_else_does(world: World) -> None:
    known = lists(world.app)
    for rule in gets(world.app):
        assert is_taken("format", world.app.view_functions[rule.endpoint]) == (rule.rule in known), rule


def test_every_question_to_a_list_is_answered_with_the_same_rows_in_lines(told: World) -> None:
    asked = of_lists(told)
    assert {route_of(told, each.path) for each in asked} == {*lists(told.app)} - {FEED}
    for question in asked:
        ask = partial(told.as_("staff").get, question.path)
        query = dict(question.query)
        if "field" in query and (columns := ask(**query).get_json()) and not columns[0]:
            continue
        exported = ask(**query, format="ndjson")
        known = ask(**query)
        if known.status_code != 200:
            assert (exported.status_code, exported.data) == (known.status_code, known.data), question
            continue
        assert lines(exported) == all_pages(ask, **query), question
        if "X-Result-Count" in known.headers:
            assert exported.headers["X-Result-Count"] == known.headers["X-Result-Count"]
        assert exported.headers["Ledger-Position"] == known.headers["Ledger-Position"]


def route_of(world: World, path: str) -> str:
    rule, _ = world.app.url_map.bind("").match(path, return_rule=True)
    return str(rule.rule)


@pytest.mark.parametrize("role", ROLES)
def test_every_list_has_the_same_rows_in_every_form(told: World, role: str) -> None:
    end = told.ledger.recorder.max_notification_id() or 0
    client = told.as_(role)
    for path, query in first_questions(told).items():
        for past in ({}, {"as_of": str(end - 12)}):
            ask = partial(client.get, path, **query, **past)
            exported = {form: ask(format=form) for form in ("csv", "ndjson", "parquet")}
            if (known := ask()).status_code != 200:
                for response in exported.values():
                    assert (response.status_code, response.data) == (known.status_code, known.data), path
                continue
            rows = all_pages(ask)
            assert lines(exported["ndjson"]) == rows, path
            assert_same_cells(path, cells(exported["csv"]), [*map(orjson.loads, rows)])
            kinds = dict(zip(table(exported["parquet"]).schema.names, types_of(exported), strict=True))
            expected = [
                {name: as_value(kind, row.get(name)) for name, kind in kinds.items()}
                for row in map(orjson.loads, rows)
            ]
            assert [*map(without_spaces, records(exported["parquet"]))] == expected, path


def types_of(exported: dict[str, Any]) -> list[Any]:
    schema = table(exported["parquet"]).schema
    return [schema.field(name).type for name in schema.names]


def without_spaces(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: orjson.dumps(orjson.loads(value)).decode()
        if isinstance(value, str) and value[:1] in ("{", "[")
        else value
        for name, value in row.items()
    }


def first_questions(world: World) -> dict[str, dict[str, str]]:
    """The least that can be asked of an object of each list, by path."""
    end = world.ledger.recorder.max_notification_id() or 0
    asked = [least(world, rule, [end])[0] for rule in lists(world.app) if rule != FEED]
    return {each.path: dict(each.query) for each in asked}


def assert_same_cells(path: str, found: list[dict[str, str]], rows: list[dict[str, Any]]) -> None:
    assert len(found) == len(rows), path
    for cell, row in zip(found, rows, strict=True):
        assert {name: plain(name, cell[name], value) for name, value in row.items()} == {
            name: as_cell(value) for name, value in row.items()
        }, path


@pytest.mark.parametrize("role", ["staff", "support"])
def test_every_fact_is_in_every_form(told: World, role: str) -> None:
    ask = partial(told.as_(role).get, FEED)
    facts = ask(limit="1000").get_json()
    assert [*map(orjson.loads, lines(ask(format="ndjson")))] == facts
    assert_same_cells(FEED, cells(ask(format="csv")), facts)
    found = records(ask(format="parquet"))
    assert [row["data"] for row in found] == [orjson.dumps(fact["data"]).decode() for fact in facts]
    assert [row["id"] for row in found] == [fact["id"] for fact in facts]
    assert ask(format="json").get_json() == facts[:100]


def test_a_constant_is_a_column_like_others(world: World) -> None:
    [row] = cells(world.as_("staff").get("/api/marketplace-offering-users/", format="csv"))
    assert row["is_restricted"] == "false"
