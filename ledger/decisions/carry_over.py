"""Decides what is carried over into a month that nobody has reported yet. See `ledger/decisions/usage.py`.

A usage that is carried over is a fact of its own kind, `UsageCarriedOver`, and names the usage that it comes
from. It is only ever the first fact of its record, so it never competes with a report.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import uuid5

from msgspec import structs

from ledger.domain.records import LastUsage, record_stream
from ledger.events import Fact, UsageCarriedOver


def carry_over(usages: Sequence[LastUsage], month: date, now: datetime) -> list[Fact]:
    """Return a usage of `month` for each: the same amount or zero, by its policy. None has one there yet.

    The policy goes along, so that it holds for the next month too.
    """
    facts: list[Fact] = []
    for last in usages:
        stream = record_stream(last.ownership.resource_uuid, last.ownership.component_uuid, month)
        amount = last.amount if last.missing_usage_policy == "reuse" else Decimal("0.00")
        facts.append(
            UsageCarriedOver(
                originator_id=stream,
                originator_version=1,
                recorded_at=now,
                **structs.asdict(last.ownership),
                month=month,
                usage_uuid=uuid5(stream, "1"),
                measured_at=now,
                amount=amount,
                plan_amount=amount,
                plan_uuid=last.plan_uuid,
                plan_period_uuid=last.plan_period_uuid,
                missing_usage_policy=last.missing_usage_policy,
                description=last.description,
                reported_by=last.reported_by,
                carried_from=last.usage_uuid,
            )
        )
    return facts
