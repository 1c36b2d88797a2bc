"""Reports that build on what their writer has seen hold only while their figure stands as it did then."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from uuid import UUID

from ledger.decisions.state import NOT_STORED_YET, DecisionState
from ledger.domain.metering import MeteredResource
from ledger.domain.records import record_stream
from ledger.domain.reports import ReadableReport, UserUsageReport
from ledger.errors import FigureChanged
from ledger.events import Fact, UsageReported, UserUsageReported

Figure = tuple[UUID, str | None]
"""The stream of a record, and a username if it is the figure of a user."""


def figures_of(
    report: ReadableReport, resource: MeteredResource, now: datetime, zone: tzinfo
) -> Iterator[Figure]:
    """Yield the figures that a report states."""
    if isinstance(report, UserUsageReport):
        for user in report.items:
            month = user.month(report.month, zone)
            yield record_stream(report.resource_uuid, report.component_uuid, month), user.username
        return
    for item in report.items:
        if component := resource.find_component(item.component_type):
            yield record_stream(report.resource_uuid, component.uuid, report.month(now, zone)), None


def streams_of(
    reports: Sequence[tuple[ReadableReport, datetime]],
    resources: Mapping[UUID, MeteredResource],
    zone: tzinfo,
) -> set[UUID]:
    """Return the streams of all figures that reports state."""
    return {
        stream
        for report, now in reports
        for stream, _ in figures_of(report, resources[report.resource_uuid], now, zone)
    }


def check_expected(
    report: ReadableReport, expected: int, state: DecisionState, now: datetime, zone: tzinfo
) -> None:
    """Raise FigureChanged if a figure of the report does not stand as at the position `expected`.

    Nor does it where the journal never was at that position. Items of one correction are of different
    figures: what one did to its month does not change that of another one's plan.
    """
    for stream, username in figures_of(report, state.resources[report.resource_uuid], now, zone):
        facts = [
            fact
            for position, fact in state.changes.get(stream, ())
            if position > expected and not (position == NOT_STORED_YET and _is_of_correction(fact))
        ]
        if any(_changes(fact, username, state) for fact in facts):
            raise FigureChanged(expected)
    if expected > state.head:
        raise FigureChanged(expected)


def _is_of_correction(fact: Fact) -> bool:
    return isinstance(fact, UsageReported | UserUsageReported) and fact.correction_uuid is not None


def _changes(fact: Fact, username: str | None, state: DecisionState) -> bool:
    if username is not None:
        person = state.people.get(username)
        return isinstance(fact, UserUsageReported) and person is not None and fact.person == person.uuid
    return isinstance(fact, UsageReported) or (isinstance(fact, UserUsageReported) and fact.total is not None)
