"""Reports that build on what their writer has seen hold only while their figure stands as it did then."""

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import cast
from uuid import UUID

from msgspec import structs

from ledger.decisions.state import DecisionState
from ledger.domain.metering import MeteredResource
from ledger.domain.records import record_stream
from ledger.domain.reports import ReadableReport, UserUsageReport
from ledger.errors import FigureChanged
from ledger.events import Fact, UsageReported, UserUsageReported
from ledger.journal.ledger import Ledger
from ledger.journal.recorder import Appending

Figure = tuple[UUID, str | None]
"""The stream of a record, and a username if it is the figure of a user."""


def figures_of(
    report: ReadableReport, resource: MeteredResource, now: datetime, zone: tzinfo
) -> Iterator[Figure]:
    """Yields the figures that a report states."""
    if isinstance(report, UserUsageReport):
        for user in report.items:
            month = user.month(report.month, zone)
            yield record_stream(report.resource_uuid, report.component_uuid, month), user.username
        return
    for item in report.items:
        if component := resource.find_component(item.component_type):
            yield record_stream(report.resource_uuid, component.uuid, report.month(now, zone)), None


def with_changes(
    known: DecisionState,
    reports: Sequence[tuple[ReadableReport, datetime]],
    appending: Appending,
    ledger: Ledger,
) -> DecisionState:
    """Return what is known, with what has changed of figures since the positions that reports build on."""
    asking = [(report, now) for report, now in reports if report.expected is not None]
    if not asking:
        return known
    changes: dict[UUID, tuple[tuple[int, Fact], ...]] = {
        stream: ()
        for report, now in asking
        for stream, _ in figures_of(report, known.resources[report.resource_uuid], now, ledger.zone)
    }
    after = min(report.expected for report, _ in asking if report.expected is not None)
    head = appending.head()
    for position, stored in appending.changes(list(changes), after):
        fact = cast(Fact, ledger.mapper.to_domain_event(stored))
        changes[fact.originator_id] += ((position, fact),)
    return structs.replace(known, changes=changes, head=head)


def check_expected(report: ReadableReport, known: DecisionState, now: datetime, zone: tzinfo) -> None:
    """Raises FigureChanged if a figure of the report does not stand as at the position that it builds on.

    Nor does it where the journal never was at that position.
    """
    expected = report.expected
    if expected is None:
        return
    for stream, username in figures_of(report, known.resources[report.resource_uuid], now, zone):
        facts = [fact for position, fact in known.changes.get(stream, ()) if position > expected]
        if any(_changes(fact, username, known) for fact in facts):
            raise FigureChanged(expected)
    if expected > known.head:
        raise FigureChanged(expected)


def _changes(fact: Fact, username: str | None, known: DecisionState) -> bool:
    if username is not None:
        person = known.people.get(username)
        return isinstance(fact, UserUsageReported) and person is not None and fact.person == person.uuid
    return isinstance(fact, UsageReported) or (isinstance(fact, UserUsageReported) and fact.total is not None)
