"""Fills empty read models from the journal, in bulk: rows first, then what follows from all of them at once.

Statements name tables without their schema, so the same code fills the live tables and any copy of them.
While PostgreSQL works on one batch the next one is read.
"""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import LiteralString

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.journal.scripts import run_script
from projections.fast import plans
from projections.projector import BATCH, Facts, ReadFacts, project_batch
from projections.read_models import READ_MODELS, ReadModels
from projections.read_position import SELECT_HEAD, position_of
from projections.schema import complete_tables
from projections.writers import counters

# For this transaction: most of the time goes into indexes.
USE_MEMORY = "SET LOCAL maintenance_work_mem TO '256MB'; SET LOCAL work_mem TO '64MB'"

LOADED_MODELS = tuple(replace(model, project=model.load or model.project) for model in READ_MODELS)
"""The read models as they are written while there are neither counters nor indexes."""

FEW = 50
"""How many facts may be left for those who wait while a copy takes over: a few hundredths of a second."""

Progress = Callable[[int, int], None]
"""Told after every batch how many facts it had, and how many positions the journal has in all."""

Entered = Callable[[], AbstractContextManager[Cursor[DictRow]]]
"""Opens a transaction in the schema of the copy, or a part of the one that is open."""


class Replay:
    """A copy of the read models that is filled from the journal. `entered` leads to its tables."""

    def __init__(
        self,
        entered: Entered,
        read_facts: ReadFacts,
        *,
        batch: int = BATCH,
        progress: Progress = lambda _facts, _head: None,
    ) -> None:
        self._entered, self._read_facts, self._batch = entered, read_facts, batch
        self._progress = progress

    def load(self) -> None:
        """Write the rows of all facts into tables that are empty."""
        with ThreadPoolExecutor(1) as reader, gc_disabled():
            facts: Facts = self._read_facts(0, self._batch)
            while facts:
                next_facts = reader.submit(self._read_facts, facts[-1][0], self._batch)
                with self._entered() as cursor:
                    self._project(cursor, facts, LOADED_MODELS)
                facts = next_facts.result()

    def complete(self, before_indexes: LiteralString = "") -> None:
        """Add what follows from all the rows: the models' own ends, counters and indexes.

        `before_indexes` is a script to be run when all the rows are there.
        """
        with self._entered() as cursor:
            run_script(cursor, USE_MEMORY)
            for model in READ_MODELS:
                if model.complete:
                    model.complete(cursor)
            run_script(cursor, before_indexes)
            counters.count_all(cursor)
            complete_tables(cursor)
            plans.analyze_all(cursor)
            cursor.execute("ANALYZE silence")

    def fill(self, last: int | None = None) -> None:
        """Project what is new, up to `last`.

        Without it until it was a `FEW` at last, or more than half of what it was before: facts come nearly as
        fast as they are projected then.
        """
        before = 2 * self._batch
        while True:
            with self._entered() as cursor:
                facts = self._read_facts(position_of(cursor), self._batch)
                if last is not None:
                    facts = [(position, fact) for position, fact in facts if position <= last]
                if facts:
                    self._project(cursor, facts, READ_MODELS)
            is_near = len(facts) <= FEW or len(facts) > before / 2
            if not facts or (last is None and len(facts) < self._batch and is_near):
                return
            before = len(facts)

    def _project(self, cursor: Cursor[DictRow], facts: Facts, models: ReadModels) -> None:
        project_batch(cursor, facts, models)
        row = cursor.execute(SELECT_HEAD).fetchone()
        assert row is not None
        self._progress(len(facts), row["head"])


@contextmanager
def gc_disabled() -> Iterator[None]:
    """Disable cyclic GC: facts form no cycles, and looking for some took half of the CPU time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
