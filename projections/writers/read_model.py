"""How a writer declares its read model: the facts that it handles, and the tables that it needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import Fact

F = TypeVar("F", bound=Fact)

Project = Callable[[Cursor[DictRow], Sequence[tuple[int, F]]], None]
"""Writes the rows that facts demand, which come with their positions, in order."""


@dataclass(frozen=True, eq=False)
class ReadModel(Generic[F]):
    """Tables that follow from facts of some kinds, and the function that makes them follow.

    A model is given the facts of a step that it `handles` (`projections/history/steps.py`), and is not
    entered if there are none. `reads` are tables of other models that it needs as this step leaves them,
    `reads_before` those that it needs as they were before it: they decide the order of the models, and tests
    hold the models to them.
    """

    handles: tuple[type[F], ...]
    project: Project[F]
    writes: tuple[str, ...]
    reads: tuple[str, ...] = ()
    reads_before: tuple[str, ...] = ()
    load: Project[F] | None = None
    """Writes the rows in a rebuild, where there are neither counters nor indexes, instead of `project`."""
    complete: Callable[[Cursor[DictRow]], None] | None = None
    """Ends a rebuild: adds what follows from all the rows together."""
    is_cached: bool = False
    """Do processes keep rows of it until the next fact that it handles?"""
