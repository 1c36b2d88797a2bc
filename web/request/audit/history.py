"""The revisions of usages, each with what its fact says and the row as it was after it."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple, cast
from uuid import UUID

import orjson
from eventsourcing.persistence import StoredEvent
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import Fact, Report, UsageReported, UserUsageReported
from projections.queries.audit import revisions
from projections.queries.audit.revisions import History, Revision
from web.wire.responses.audit import REVISION_CORRECTION
from web.wire.responses.lists import COMPONENT_USAGE, COMPONENT_USER_USAGE
from web.wire.responses.schemas import RowSchema

FactOf = Callable[[StoredEvent, int], Fact]
"""Returns the fact at a position. Raises UnreadableFact."""

Version = dict[str, Any]
"""The values of an answer of `history/`, by their names there."""


class Recorded(NamedTuple):
    """A kind of rows that have a history."""

    kind: str
    history: History
    row: RowSchema

    def versions(
        self, cursor: Cursor[DictRow], uuid: UUID, found: list[Revision], fact_of: FactOf, root_url: str
    ) -> Iterator[Version]:
        """Yield what is shown of these revisions of a row. The cursor must be in a transaction."""
        restrictions = {"uuid": uuid, "root_url": root_url}
        for revision in found:
            row = self.history.row_at(cursor, revision.position, self.row.columns, restrictions)
            fact = cast(Report, fact_of(revision.stored, revision.position))
            yield _version(uuid, revision, fact, orjson.Fragment(row))


COMPONENT_USAGES = Recorded("ComponentUsage", revisions.COMPONENT_USAGES, COMPONENT_USAGE)
USER_USAGES = Recorded("ComponentUserUsage", revisions.USER_USAGES, COMPONENT_USER_USAGE)


def _version(uuid: UUID, revision: Revision, fact: Report, row: orjson.Fragment) -> Version:
    before, after = revision.usage_before, revision.usage_after
    return {
        "id": revision.position,
        "revision_date": fact.recorded_at,
        "revision_user": revision.reporter and revision.reporter._asdict(),
        "revision_comment": fact.reason,
        "serialized_data": row,
        "position": revision.position,
        "fact": fact.TOPIC,
        "source": fact.source,
        "amount": _stated(uuid, fact),
        "usage_before": before,
        "usage_after": after,
        "delta": after if before is None else after - before,
        "measured_at": fact.measured_at,
        "token_uuid": fact.token_uuid,
        "agent": fact.agent,
        "request_id": fact.request_id,
        "correction": revision.correction and REVISION_CORRECTION.load(revision.correction),
    }


def _stated(uuid: UUID, fact: Report) -> Decimal | None:
    """Return the amount that a fact states of this row, None if it states nothing of it."""
    match fact:
        case UserUsageReported():
            return fact.amount if fact.user_usage_uuid == uuid else fact.total
        case UsageReported():
            return fact.amount if fact.usage_uuid == uuid else None
    return None
