"""Which parameters each view reads: what it does not declare is a stranger, and not in the description."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, ParamSpec

from flask import Response
from marshmallow import Schema

from web.wire.rendering import DECLARED

P = ParamSpec("P")


class Taken(NamedTuple):
    """The parameters that a view reads, the columns that one of them may name, and schemas of some."""

    names: frozenset[str]
    columns: frozenset[str]
    schemas: tuple[Schema, ...] = ()


TAKEN: dict[Callable[..., Any], Taken] = {}

NOTHING = Taken(frozenset(), frozenset())

OF_EVERY_LIST = {"format"}


def takes(
    *taken: str | Schema, columns: Iterable[str] | None = None
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return a decorator that declares which parameters a view reads, besides those that every GET may have.

    They are told by name or by their schema. With `columns` there is one more, `field`, which names some.
    """
    schemas = tuple(each for each in taken if isinstance(each, Schema))
    names = {each for each in taken if isinstance(each, str)} | ({"field"} if columns is not None else set())
    names.update(field.data_key or name for each in schemas for name, field in each.fields.items())
    declared = Taken(frozenset(names), frozenset(columns or ()), schemas)

    def declare(view: Callable[P, Response]) -> Callable[P, Response]:
        TAKEN[view] = declared
        return view

    return declare


def is_taken(name: str, view: Callable[..., Any]) -> bool:
    """Return whether a view reads a parameter."""
    return name in taken_by(view).names


def taken_by(view: Callable[..., Any]) -> Taken:
    """Return what a view reads: what it declares, and of lists also the form that is asked for."""
    taken = TAKEN.get(view, NOTHING)
    if view in DECLARED and DECLARED[view].is_list:
        return taken._replace(names=taken.names | OF_EVERY_LIST)
    return taken
