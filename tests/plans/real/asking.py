"""What can be asked: every list, by each of its filters, in each of its orders, as the declarations have it.

A new list, filter or order is asked by itself. The values are those of the description's examples, by name;
objects of the demo there are those of the million here.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from flask import Flask
from marshmallow.fields import Field

from tests.audit.asking import OF_THE_TREE
from tests.docs.demo import OWN, PARAMETERS
from web.docs.parameters import QUERY
from web.docs.routes import Route, path_of, routes
from web.wire.figures.filters import GROUPINGS, GroupFilter
from web.wire.parameters import BooleanFilter, ChoicesFilter, Ordering, PlainMonthFilter

Query = dict[str, str]

OF_THE_SERVICE = {"/api/", "/api/docs/", "/api/docs/{file}", "/api/schema/", "/api/version/"}
NO_LISTS = OF_THE_SERVICE | {path_of(rule) for rule in OF_THE_TREE}
"""What is said of the service itself, and proofs, which are rows of a tree by their numbers."""

ASKED_APART = {"page", "page_size", "field", "format", "as_of", "min_position", "wait"}
"""What makes the same statement, or is asked by itself."""

RANGE = ("start", "end")
"""Months that are named both or not at all."""


class Question(NamedTuple):
    """A GET of a route."""

    route: str
    query: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.route}?{'&'.join(f'{name}={value}' for name, value in self.query)}"


def questions(app: Flask, values: Mapping[str, str]) -> Iterator[Question]:
    """Yield everything: each list, by each of its filters, in each order, its end, and as of then."""
    for route in routes(app):
        if route.method == "GET" and route.path.startswith("/api/") and route.path not in NO_LISTS:
            for query in queries(route, {**PARAMETERS, **OWN.get(route.path, {}), **values}):
                yield Question(route.path, tuple(sorted(query.items())))


def queries(route: Route, values: Mapping[str, str]) -> Iterator[Query]:
    """Yield the queries of a route: all orders with each of the filters, for each choice that there is."""
    declared = [schema.fields.items() for schema in route.taken.schemas]
    fields = {field.data_key or name: field for each in declared for name, field in each}
    months = {name for name, field in fields.items() if isinstance(field, PlainMonthFilter)}
    values = {**values, **{name: str(values[name])[:7] for name in months}}
    needed = {
        name: str(values[name]) for name in sorted(route.taken.names) if is_needed(name, fields.get(name))
    }
    filters: list[Query] = [{}]
    orders: list[Query] = [{}]
    choices: list[list[Query]] = []
    for name in sorted(route.taken.names - ASKED_APART - needed.keys()):
        field = fields.get(name)
        if isinstance(field, Ordering):
            orders += [{name: f"{sign}{key}"} for key in sorted(field.keys) for sign in ("", "-")]
        elif isinstance(field, GroupFilter):
            choices.append([{name: each} for each in GROUPINGS])
        elif isinstance(field, BooleanFilter):
            choices.append([{name: each} for each in ("true", "false")])
        elif name in RANGE and months.issuperset(RANGE):
            filters += [{each: values[each] for each in RANGE}] if name == RANGE[0] else []
        elif isinstance(field, ChoicesFilter):
            filters += [{name: each} for each in field.choices]
        else:
            filters.append({name: str(values[name])})
    for chosen in product(*choices):
        choice = {name: value for each in chosen for name, value in each.items()}
        for narrowed, order in product(filters, orders):
            yield needed | choice | narrowed | order
    if "as_of" in route.taken.names and "from" not in route.taken.names:  # diffs are as of `to`
        yield from (needed | narrowed | {"as_of": str(values["as_of"])} for narrowed in filters)
    if "page" in route.taken.names:
        yield needed | {"page": "last"}


def is_needed(name: str, field: Field[Any] | None) -> bool:
    """Return whether nothing is answered without a parameter."""
    return field.required if field else name in QUERY and QUERY[name].is_required
