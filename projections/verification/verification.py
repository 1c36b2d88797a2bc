"""Verifies that the live read models follow from the journal.

The journal is replayed into temporary tables, on a connection of its own. Live and replayed rows are then
read in one snapshot: the copy is filled up to the position that the live rows have in it. So nobody waits,
and whatever becomes of the process, the copy is gone with its connection.

Where a fact can't be read, or no row can be made of it, the rest of the journal is checked all the same, and
no rows are compared.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow

from ledger.journal.tree.keys import KeyFile
from projections.projector import BATCH, SYNCHRONOUS_COMMIT_OFF, project_batch, reason_of
from projections.read_position import SELECT_HEAD, position_of
from projections.replay import LOADED_MODELS, Progress, Replay
from projections.schema import create_tables, is_of_this_version, snapshot
from projections.verification.findings import Finding, OnFinding, of_journal
from projections.verification.journal import CheckedFacts, check_streams
from projections.verification.rows import COPY, differences, live_rows, past_rows
from projections.verification.tree import check_tree

SETTINGS = (
    # A rebuild is waited for, and findings for whoever reads them.
    "SET lock_timeout TO 0",
    "SET idle_in_transaction_session_timeout TO 0",
    "SET temp_buffers TO '64MB'",
)

SELECT_LIVE_POSITION = "SELECT position FROM read_models.read_position"

Connect = Callable[[], Connection[DictRow]]


class Verified(NamedTuple):
    """The result of a verification: up to which position, how many facts that were, and how many findings.

    `is_compared`: were rows compared, or was the journal not fit for a replay?
    """

    to: int
    facts: int
    differences: int
    is_compared: bool = True


class OtherVersion(Exception):
    """The live read models are those of another version, which has other tables."""


class NotThere(Exception):
    """The journal does not have this position yet."""


class NotReplayed(Exception):
    """There are facts that no rows can be made of."""


class Verification:
    """One verification. Findings are told to `on_finding` one by one, as there may be any number.

    `key_file` has the key that checkpoints are to be signed with.
    """

    def __init__(
        self,
        connect: Connect,
        facts: CheckedFacts,
        on_finding: OnFinding,
        *,
        progress: Progress = lambda _facts, _head: None,
        key_file: KeyFile | None = None,
    ) -> None:
        self._connect, self._facts, self._key_file = connect, facts, key_file
        self._on_finding, self._progress = on_finding, progress
        facts.on_finding = self._found
        self._differences = 0
        self.is_of_its_tree = False
        """Does the tree follow from the journal, and do all checkpoints from the tree?"""

    def run(self, to: int | None = None) -> Verified:
        """Verify the read models as they are when the replay has come to their position.

        `to`: as they were at this position, and nothing after it. Tables whose past is not kept are left out.
        Raises OtherVersion, NotThere.
        """
        with closing(self._connect()) as connection:
            if not is_of_this_version(connection):
                raise OtherVersion("the read models were built by another version; a rebuild makes them anew")
            for setting in SETTINGS:
                connection.execute(setting)
            head = _number(connection, SELECT_HEAD)
            if to is not None and to > head:
                raise NotThere("The journal has not got that far.")
            last = head if to is None else to
            try:
                self._compare(connection, to)
                is_compared = True
            except NotReplayed as error:
                self._tell_why(connection, error)
                is_compared = False
            self._facts.last = max(last, self._facts.last)
            self._facts.check_rest()
            with connection.transaction():
                check_streams(connection, self._facts.last, self._found)
            before = self._differences
            check_tree(connection, to, self._key_file, self._found)
            self.is_of_its_tree = self._differences == before
        return Verified(self._facts.reached, self._facts.count, self._differences, is_compared)

    def _compare(self, connection: Connection[DictRow], to: int | None) -> None:
        """Compare the rows. Raises NotReplayed."""
        with _in_copy(connection):
            create_tables(connection)
        live = _number(connection, SELECT_LIVE_POSITION)
        self._facts.last = live if to is None else min(to, live)
        replay = Replay(lambda: _in_copy(connection), self._facts, progress=self._progress)
        with self._replaying(connection):
            replay.load()
            replay.complete()
        with snapshot(connection):
            live = _number(connection, SELECT_LIVE_POSITION)
            position = self._facts.last = live if to is None else min(to, live)
            with self._replaying(connection):
                replay.fill()
            rows = live_rows(connection) if position == live else past_rows(connection, position)
            for table, of_table in rows:
                for finding in differences(connection, table, of_table, self._facts.reached):
                    self._found(finding)

    def _found(self, finding: Finding) -> None:
        self._differences += 1
        self._on_finding(finding)

    @contextmanager
    def _replaying(self, connection: Connection[DictRow]) -> Iterator[None]:
        """Turn what the rows say to a fact into a finding. Raises NotReplayed."""
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:
            raise NotReplayed from error
        if self._facts.is_broken:
            raise NotReplayed

    def _tell_why(self, connection: Connection[DictRow], error: NotReplayed) -> None:
        """Tell of the first fact that no rows can be made of. One that can't be read is told of already."""
        if error.__cause__ is None:
            return
        assert isinstance(error.__cause__, Exception)
        position, why = self._facts.last, error.__cause__
        try:
            while facts := self._facts.unchecked(_copied(connection), BATCH):
                for each in facts:
                    position = each[0]
                    with _in_copy(connection) as cursor:
                        project_batch(cursor, [each], LOADED_MODELS)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as alone:
            why = alone
        self._found(of_journal(position, f"no rows can be made of it: {reason_of(why)}"))


def _number(connection: Connection[DictRow], select: str) -> int:
    row = connection.execute(select.encode()).fetchone()
    assert row is not None
    (number,) = row.values()
    return int(number)


def _copied(connection: Connection[DictRow]) -> int:
    with _in_copy(connection) as cursor:
        return position_of(cursor)


@contextmanager
def _in_copy(connection: Connection[DictRow]) -> Iterator[Cursor[DictRow]]:
    with connection.transaction():
        cursor = connection.cursor()
        cursor.execute(f"SET LOCAL search_path TO {COPY}")
        cursor.execute(SYNCHRONOUS_COMMIT_OFF)
        yield cursor
