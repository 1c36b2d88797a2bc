"""What schemathesis asks for, made such that the demo's service has something to say to it.

Left alone it asks for uuids that nothing has, and all that is learned of a route is its 404. So most of its
uuids are those of the demo, and some values of its bodies are the recorded ones. FUZZ names the folder in
which these are found, and the answers are counted.
"""

import atexit
import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import schemathesis
from schemathesis import Case, HookContext, Response, SerializationContext
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation

FOLDER = Path(os.environ["FUZZ"])
KNOWN: dict[str, Any] = json.loads((FOLDER / "known.json").read_text())
"""By method and path: the values of parameters, and a body."""

MOSTLY = 0.7
CHANCE = Random(int(os.environ["SEED"]))  # noqa: S311 - the same seed asks the same
HURRIED: set[str] = set()
ANSWERS: dict[str, Counter[int]] = defaultdict(Counter)


@schemathesis.serializer("application/x-ndjson")
def lines(context: SerializationContext, value: Any) -> bytes:
    """Return a body of lines as it is."""
    return str(value).encode()


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Replace what nothing has, but not where schemathesis means to be wrong."""
    known = KNOWN.get(f"{case.method} {case.operation.path}", {"parameters": {}, "request": None})
    values, meta = known["parameters"], case.meta
    if meta is None:
        return
    query = case.query or {}
    if not meta.is_negative_at(ParameterLocation.PATH):
        for name in case.path_parameters or {}:
            if name in values and CHANCE.random() < MOSTLY:
                case.path_parameters[name] = values[name]
    if not meta.is_negative_at(ParameterLocation.QUERY):
        for name in query:
            if name.endswith("uuid") and name in values and CHANCE.random() < MOSTLY:
                query[name] = values[name]
    if not meta.is_negative_at(ParameterLocation.BODY):
        replace(case.body, known["request"])
    hurry(case.id, query)


def replace(body: Any, recorded: Any) -> None:
    """Give a body some of the values of the recorded one."""
    if isinstance(body, list) and isinstance(recorded, list):
        for each in body:
            replace(each, CHANCE.choice(recorded))
    if isinstance(body, dict) and isinstance(recorded, dict):
        for name in recorded:
            if name in body and CHANCE.random() < MOSTLY:
                body[name] = recorded[name]


def hurry(case: str, query: dict[str, Any]) -> None:
    """Wait for nothing: neither for a position that is far away (3 seconds, then 503), nor for facts."""
    for name, most in (("min_position", 1), ("wait", 0)):
        try:
            is_long = float(query.get(name, 0)) > most
        except (TypeError, ValueError):
            continue  # which is a 400
        if is_long:
            query[name] = str(most)
            HURRIED.add(case)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Return whether this is one. Two things are taken that the description does not have.

    An empty parameter or header is as good as none, and unknown columns are, if the answer says that it has
    ignored them. Waldur does both. And a wait that was cut is none that had to be refused.
    """
    if b"The ledger is at position" in response.content:
        return False  # a position that is far away and came in another notation, which is a 503 as described
    query = parse_qsl(urlsplit(response.request.url or "").query, keep_blank_values=True)
    is_empty = not all(value for _, value in (*query, *response.request.headers.items()))
    is_told = "ledger-ignored" in response.headers
    is_ours = is_empty or is_told or case.id in HURRIED
    return not (isinstance(failure, AcceptedNegativeData) and is_ours)


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Count the answer."""
    ANSWERS[f"{case.method} {case.operation.path}"][response.status_code] += 1


@atexit.register
def tell() -> None:
    """Leave the counts where the test looks for them."""
    (FOLDER / "answers.json").write_text(json.dumps(ANSWERS))
