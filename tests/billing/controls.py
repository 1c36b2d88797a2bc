"""A fact of each step of a correction, as `tests/controls.py` has one of each other kind."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from ledger import events
from ledger.domain.billing.corrections import ComponentSum, CorrectedFigure, CorrectionItem
from ledger.domain.metering import Ownership
from tests import world as w

FIGURE = UUID(int=0x51)
"""The uuid of the figure of `usage_reported`."""

CORRECTION_UUID = UUID(int=0x66)
SUMS = (
    ComponentSum(
        component_uuid=UUID(w.CPU),
        component_type="cpu",
        figures=1,
        before=Decimal("12.50"),
        after=Decimal("10.00"),
    ),
)
CORRECTION_ITEM = CorrectionItem(
    ownership=Ownership(
        resource_uuid=UUID(w.RESOURCE),
        component_uuid=UUID(w.CPU),
        component_type="cpu",
        project_uuid=UUID(w.PROJECT),
        customer_uuid=UUID(w.CONSUMER),
        offering_uuid=UUID(w.OFFERING),
        provider_uuid=UUID(w.PROVIDER),
    ),
    month=date(2026, 11, 1),
    amount=Decimal("10.00"),
    measured_at=w.NOW,
    written_date="2026-11-15T12:00:00Z",
    figure_uuid=FIGURE,
    amount_seen=Decimal("12.50"),
    amount_after=Decimal("10.00"),
)
"""An item about the figure of `usage_reported`."""


def _of_step(version: int, **changes: Any) -> dict[str, Any]:
    example = {
        "originator_id": CORRECTION_UUID,
        "originator_version": version,
        "recorded_at": w.NOW,
        "correction_uuid": CORRECTION_UUID,
        "provider_uuid": UUID(w.PROVIDER),
        "done_by": UUID(w.uid(version)),
    }
    return example | changes


def correction_proposed(**changes: Any) -> events.CorrectionProposed:
    """Return the fact that somebody proposed to change the figure of `usage_reported`."""
    example = _of_step(
        1,
        title="Minutes",
        reason="Counted in minutes",
        ticket="BILL-7",
        items=(CORRECTION_ITEM,),
        sums=SUMS,
        reverts=None,
        fingerprint="",
    )
    return events.CorrectionProposed(**(example | changes))


def correction_approved(**changes: Any) -> events.CorrectionApproved:
    """Return the fact that somebody else stood behind it."""
    return events.CorrectionApproved(**_of_step(2, **changes))


def correction_rejected(**changes: Any) -> events.CorrectionRejected:
    """Return the fact that it was ended instead of being applied."""
    return events.CorrectionRejected(**_of_step(3, reason="Of another ticket", **changes))


def correction_applied(**changes: Any) -> events.CorrectionApplied:
    """Return the fact that its figure was changed."""
    figure = CorrectedFigure(uuid=FIGURE, before=Decimal("12.50"), after=Decimal("10.00"), position=2)
    return events.CorrectionApplied(**_of_step(3, figures=(figure,), sums=SUMS, **changes))


def correction_reverted(**changes: Any) -> events.CorrectionReverted:
    """Return the fact that what it changed was put back."""
    return events.CorrectionReverted(**_of_step(4, reverted_with=UUID(int=0x67), **changes))


CORRECTION_STEPS = (
    correction_proposed(),
    correction_approved(),
    correction_rejected(),
    correction_applied(),
    correction_reverted(),
)
