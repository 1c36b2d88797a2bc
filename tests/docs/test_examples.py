"""Every example is an answer of the service, and everything has one."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.docs.demo import PARAMETERS, demo_service
from tests.docs.examples import FILE, Recorder, prepare, record, required
from web.docs.routes import routes

HOW = "run `python -m tests.docs.examples`, and look at what it wrote"


def shape(value: Any) -> Any:
    """The types of a value: of objects by their names, of lists that of the first item."""
    match value:
        case dict():
            return {name: shape(each) for name, each in value.items()}
        case list():
            return [shape(each) for each in value[:1]]
        case bool() | None:
            return str(type(value))
        case int() | float():
            return "number"
    return str(type(value))


def test_the_examples_are_of_the_shape_of_what_the_service_answers_now(
    database_url: str, tmp_path: Path
) -> None:
    kept = json.loads(FILE.read_text())
    recorded, lacking = record(database_url, tmp_path)
    assert lacking == []
    for name, operation in recorded["operations"].items():
        assert shape(kept["operations"].get(name)) == shape(operation), f"{name}: {HOW}"
    assert shape(kept) == shape(recorded), HOW


def test_every_example_of_a_parameter_is_taken(database_url: str, tmp_path: Path) -> None:
    with demo_service(database_url, tmp_path) as here:
        prepare(here)
        recorder = Recorder(here)
        recorder.write()
        for route in routes(here.app):
            if route.method != "GET":
                continue
            values = PARAMETERS | recorder.own_parameters(route)
            for name in route.taken.names:
                query = {each: values[each] for each in {name, *required(route)} | together(name)}
                response = recorder.ask(route, **query)
                assert response.status_code == 200, (route.path, name, response.data)
                assert "Ledger-Ignored" not in response.headers


def together(name: str) -> set[str]:
    """Parameters that are taken together only."""
    return {"start", "end"} if name in ("start", "end") else set()


@pytest.mark.parametrize("name", ["operations", "errors", "parameters"])
def test_examples_tell_no_secrets(name: str) -> None:
    text = json.dumps(json.loads(FILE.read_text())[name])
    assert "Token " not in text
