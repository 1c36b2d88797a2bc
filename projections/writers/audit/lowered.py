"""Read model of lowered figures: facts that made the figure of a past month smaller, and do not say why.

Whether a month is past depends on the ledger's zone, which writers do not know. So facts are taken here whose
month is past in any zone, and `projections/queries/audit/unexplained.py` tells those that are not in ours.

Price: reports of past months without a reason are compared with the figures that they replace, in one
statement for a batch.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.months import month_of
from ledger.events import Report, UsageReported, UserUsageReported
from projections.rows import as_json
from projections.writers.read_model import ReadModel

AHEAD = timedelta(days=1)
"""No zone is so far ahead of UTC."""

# `usage_before` is null where no other fact of the batch stated the figure before: it is as it was before the
# batch. What was not there was not lowered.
INSERT = """
INSERT INTO lowered (
    position, recorded_at, billing_period, resource_uuid, usage_uuid, reported_by, usage_before, usage_after)
SELECT
    n.position, n.recorded_at, n.billing_period, n.resource_uuid, n.usage_uuid, n.reported_by,
    coalesce(n.usage_before, u.usage), n.usage_after
FROM json_populate_recordset(NULL::lowered, %(rows)s) n
LEFT JOIN LATERAL (
    SELECT usage FROM component_usage WHERE resource_uuid = n.resource_uuid
    AND billing_period = n.billing_period AND uuid = n.usage_uuid OFFSET 0
) u ON n.usage_before IS NULL
WHERE n.usage_after < coalesce(n.usage_before, u.usage)"""

Reports = Sequence[tuple[int, Report]]


def project(cursor: Cursor[DictRow], facts: Reports) -> None:
    """Write the facts of the batch that lowered a figure."""
    if any(_has_to_say_why(fact) for _, fact in facts) and (rows := [*_suspects(facts)]):
        cursor.execute(INSERT, {"rows": as_json(rows)})


def _suspects(facts: Iterable[tuple[int, Report]]) -> Iterator[dict[str, Any]]:
    """Yield the rows of facts that lowered a figure, and of those of which only the table knows it."""
    figures: dict[UUID, Decimal] = {}
    for position, fact in facts:
        if (figure := _figure(fact)) is None:
            continue
        before = figures.get(fact.usage_uuid)
        figures[fact.usage_uuid] = figure
        if _has_to_say_why(fact) and (before is None or figure < before):
            yield {
                "position": position,
                "recorded_at": fact.recorded_at,
                "billing_period": fact.month,
                "resource_uuid": fact.resource_uuid,
                "usage_uuid": fact.usage_uuid,
                "reported_by": fact.reported_by,
                "usage_before": before,
                "usage_after": figure,
            }


def _has_to_say_why(fact: Report) -> bool:
    """Return whether a fact may have changed the figure of a past month, and gives no reason."""
    return (
        fact.originator_version > 1
        and not fact.reason
        and _figure(fact) is not None
        and fact.month < month_of(fact.recorded_at + AHEAD)
    )


def _figure(fact: Report) -> Decimal | None:
    """Return what a fact makes the figure of its component usage, None if it leaves that as it is."""
    match fact:
        case UsageReported():
            return fact.plan_amount
        case UserUsageReported():
            return fact.total
    return None


LOWERED = ReadModel(
    handles=(UsageReported, UserUsageReported),
    project=project,
    writes=("lowered",),
    reads_before=("component_usage",),
)
