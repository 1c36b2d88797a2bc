"""What the handler of commands asks of others: read models that follow, and somebody who measures."""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Protocol, TypeVar

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.state import DecisionState
from ledger.domain.metering import VersionedResources
from ledger.domain.reports import ReadableReport
from ledger.events import Fact

P = TypeVar("P")
"""What read models know once they have projected facts."""


class ReadModels(Protocol[P]):
    """The port to the read models: all that the ledger knows of them."""

    def read(
        self,
        cursor: Cursor[DictRow],
        reports: Sequence[tuple[ReadableReport, datetime]],
        zone: tzinfo,
        looked_up: Iterable[VersionedResources] = (),
    ) -> DecisionState:
        """Return what reports are decided on, each with when it came, up to date with the journal.

        Resources that were looked up before are used where they are still what they were.
        """

    def catch_up(self) -> int:
        """Project all facts that are committed. Returns the position reached, and raises what prevents it."""

    def project(self, cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]], digest: int) -> P:
        """Project facts, each with its position, in the transaction that appends them.

        `digest` is the last one's. Returns what to `publish` once they are committed.
        """

    def publish(self, projected: P) -> None:
        """Tell every process that facts which were projected are committed. Does not fail."""

    def recover(self, position: int) -> None:
        """Project facts up to a position, which are committed and were not projected. Does not fail."""


class Observer(Protocol):
    """Is told how appending goes. Its methods take microseconds, and do not fail."""

    def grouped(self, commands: int) -> None:
        """Take note that so many commands are decided, appended and projected together."""

    def appended(self, facts: int, appending: float, projecting: float) -> None:
        """Take note that facts are committed, and how many seconds two parts of that took.

        `appending` has the wait for the lock in it, `projecting` the commit.
        """

    def retried(self, error: Exception) -> None:
        """Take note that all is tried again: another writer was faster, or the read models failed."""
