"""Read model of corrections: each with its steps so far. What they do to figures is told by reports."""

from collections.abc import Sequence
from typing import Any

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import (
    CorrectionApplied,
    CorrectionApproved,
    CorrectionProposed,
    CorrectionRejected,
    CorrectionReverted,
    CorrectionStep,
)
from projections.rows import as_json
from projections.writers.read_model import ReadModel

INSERT = """
INSERT INTO correction (
    uuid, id, proposed_at, provider_uuid, proposed_by, reverts, is_by_proposer, figures, state, title, reason,
    ticket, offerings, months, sums, since)
VALUES (
    %(uuid)s, %(position)s, %(at)s, %(provider_uuid)s, %(by)s, %(reverts)s, false, %(figures)s, 'proposed',
    %(title)s, %(reason)s, %(ticket)s, %(offerings)s::uuid[], %(months)s::date[], %(sums)s::jsonb,
    %(position)s)"""

APPROVE = """
UPDATE correction SET state = 'approved', approved_at = %(at)s, approved_by = %(by)s,
    is_by_proposer = %(is_by_proposer)s, since = %(position)s
WHERE uuid = %(uuid)s"""

REJECT = """
UPDATE correction SET state = 'rejected', rejected_at = %(at)s, rejected_by = %(by)s,
    rejection = %(rejection)s, since = %(position)s
WHERE uuid = %(uuid)s"""

APPLY = """
UPDATE correction SET state = 'applied', applied_at = %(at)s, applied_by = %(by)s, applied = %(position)s,
    sums = %(sums)s::jsonb, since = %(position)s
WHERE uuid = %(uuid)s"""

REVERT = """
UPDATE correction SET state = 'reverted', reverted_at = %(at)s, reverted_by = %(by)s, since = %(position)s
WHERE uuid = %(uuid)s"""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, CorrectionStep]]) -> None:
    """Write the row of each proposal, and what the steps after it make of it."""
    for position, fact in facts:
        values: dict[str, Any] = {
            "uuid": fact.correction_uuid,
            "position": position,
            "at": fact.recorded_at,
            "by": fact.done_by,
        }
        match fact:
            case CorrectionProposed():
                cursor.execute(INSERT, values | _proposed(fact))
            case CorrectionApproved():
                cursor.execute(APPROVE, values | {"is_by_proposer": fact.is_by_proposer})
            case CorrectionRejected():
                cursor.execute(REJECT, values | {"rejection": fact.reason})
            case CorrectionApplied():
                cursor.execute(APPLY, values | {"sums": as_json(fact.sums)})
            case CorrectionReverted():
                cursor.execute(REVERT, values)


def _proposed(fact: CorrectionProposed) -> dict[str, Any]:
    return {
        "provider_uuid": fact.provider_uuid,
        "reverts": fact.reverts,
        "figures": len(fact.items),
        "title": fact.title,
        "reason": fact.reason,
        "ticket": fact.ticket,
        "offerings": sorted({item.ownership.offering_uuid for item in fact.items}),
        "months": sorted({item.month for item in fact.items}),
        "sums": as_json(fact.sums),
    }


CORRECTIONS = ReadModel(
    handles=(
        *(CorrectionProposed, CorrectionApproved, CorrectionRejected, CorrectionApplied, CorrectionReverted),
    ),
    project=project,
    writes=("correction",),
)
