"""Group commit: reports that come together are decided and appended together, and none harms another."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import datetime, tzinfo
from decimal import Decimal
from threading import Barrier, Event
from uuid import UUID

import psycopg
import pytest
from psycopg import Cursor
from psycopg.rows import DictRow
from werkzeug.test import TestResponse

from ledger.decisions.requests import ReportCommand
from ledger.decisions.state import DecisionState
from ledger.domain.access import Caller
from ledger.domain.metering import VersionedResources
from ledger.domain.reports import ReadableReport, UserUsageItem, UserUsageReport
from ledger.events import Fact, PlanPeriodDescribed, Report, UsageReported
from ledger.fast.group_commit import GroupCommit, Pending, TookTooLong, TooMany
from ledger.handler import CommandHandler
from projections.fast.cache import VersionedCache
from projections.lookups.decision_state import PostgresReadModels
from projections.read_models import READ_MODELS
from tests.support.queueing import REPORTS, Overtaken, be_patient, locked, of, queue, report
from tests.support.read_models import CREATE_WITNESS, WITNESS, Dying
from tests.world import CPU, RESOURCE, SECOND_RESOURCE, USAGES, World, open_world
from web.request.authentication import hash_of

TOO_MANY = {"detail": "Too many reports at once. Nothing was stored; send it again."}


def test_reports_of_many_threads_and_two_processes_are_all_stored_and_projected_once(
    world: World, world_url: str
) -> None:
    threads, rounds = 12, 8
    with psycopg.connect(world_url, autocommit=True) as connection:
        connection.execute(CREATE_WITNESS)
    with open_world(world_url) as other:
        clients = [world.as_("staff"), other.as_("staff")]
        before = len(world.facts())
        for each in (world, other):
            each.projector.models = (*READ_MODELS, WITNESS)
        barrier = Barrier(threads)

        def write(number: int) -> list[int]:
            barrier.wait()
            # All meet in one record; each has one of its own, and names somebody new.
            date = f"2026-{number % 10 + 1:02}-{number + 1:02}"
            return [
                clients[number % 2]
                .post(
                    REPORTS,
                    [
                        of(RESOURCE, f"{number}.{again:02}"),
                        of(SECOND_RESOURCE, again, date=date),
                        {"resource": RESOURCE, "type": "cpu", "username": f"u{again}", "usage": number},
                    ],
                )
                .status_code
                for again in range(rounds)
            ]

        with ThreadPoolExecutor(threads) as pool:
            statuses = Counter(status for each in pool.map(write, range(threads)) for status in each)
    assert statuses == {201: threads * rounds}, "who was overtaken once decides anew with the journal locked"
    facts = world.facts(UsageReported)
    assert len([fact for fact in facts if fact.resource_uuid == UUID(RESOURCE)]) == statuses[201]
    assert gaps(world.facts(Report)) == []
    with psycopg.connect(world_url) as connection:
        seen = connection.execute("SELECT position FROM read_models.witness ORDER BY seen_at").fetchall()
    assert [position for (position,) in seen] == [
        position for position, _ in world.ledger.facts_after(0, 1_000_000)[before:]
    ]


def gaps(facts: Sequence[Fact]) -> list[UUID]:
    """Streams whose versions are not 1, 2, 3 …"""
    versions: dict[UUID, list[int]] = {}
    for fact in facts:
        versions.setdefault(fact.originator_id, []).append(fact.originator_version)
    return [stream for stream, each in versions.items() if each != list(range(1, len(each) + 1))]


def transactions(world: World, number: int) -> int:
    """In how many transactions the last facts were appended."""
    with psycopg.connect(world.conninfo) as connection:
        rows = connection.execute(
            "SELECT xmin::text FROM journal.ledger_events ORDER BY notification_id DESC LIMIT %s", [number]
        ).fetchall()
    assert len(rows) == number
    return len(set(rows))


def test_those_who_wait_together_are_stored_together_each_upon_the_one_before(
    world: World, world_url: str
) -> None:
    with queue(world, world_url) as waiting:
        staff = world.as_("staff")
        futures = [waiting.add(report(staff, amount, date="2026-10-02")) for amount in (1, 1, 2, 3)]
    assert [future.result().status_code for future in futures] == [201] * 4
    facts = world.facts(UsageReported)[-3:]
    assert [fact.amount for fact in facts] == [Decimal("1.00"), Decimal("2.00"), Decimal("3.00")]
    assert [fact.originator_version for fact in facts] == [1, 2, 3]
    assert transactions(world, 3) == 1
    assert transactions(world, 4) == 2
    assert [row["usage"] for row in world.usages(billing_period="2026-10-01")] == ["3.00"]


def test_a_bad_report_among_those_who_wait_harms_nobody_else(world: World, world_url: str) -> None:
    fault = ReportCommand(
        reports=[
            # Of a component usage that there is not: nothing that comes through the API leads here.
            UserUsageReport(
                usage_uuid=UUID(int=9),
                resource_uuid=UUID(RESOURCE),
                component_uuid=UUID(CPU),
                month=world.now.date().replace(day=1),
                items=(UserUsageItem(username="ann", amount=Decimal(1)),),
                expected=0,  # else it is looked at before it waits
            )
        ],
        caller=staff_of(world),
        now=world.now,
        form="single",
    )
    desk = world.app.extensions["usage-ledger"].handler
    staff, member = world.as_("staff"), world.as_("project-member")
    with queue(world, world_url) as waiting:
        good = waiting.add(report(staff, 1, date="2026-10-02"))
        failing = waiting.add(lambda: desk.report(fault))
        refused = waiting.add(report(staff, 2, usages=[{"type": "fee", "amount": 2}]))
        forbidden = waiting.add(report(member, 3))
        atomic = waiting.add(lambda: staff.post(REPORTS, [of(RESOURCE, 9), of("no resource", 9)]))
        also_good = waiting.add(report(staff, 4, date="2026-10-02"))
    assert isinstance(failing.exception(), StopIteration | RuntimeError)
    statuses = [each.result().status_code for each in (good, refused, forbidden, atomic, also_good)]
    assert statuses == [201, 400, 403, 400, 201]
    assert [fact.amount for fact in world.facts(UsageReported)[1:]] == [Decimal("1.00"), Decimal("4.00")]
    assert transactions(world, 2) == 1


def staff_of(world: World) -> Caller:
    credentials = world.services.credentials(hash_of(world.as_("staff").authorization.split()[1]))
    assert credentials is not None
    return credentials.caller


def test_one_key_among_those_who_wait_is_done_once(world: World, world_url: str) -> None:
    staff = world.as_("staff")

    def send(amount: int) -> Callable[[], TestResponse]:
        headers = {"Idempotency-Key": "k"}
        return lambda: staff.send("POST", REPORTS, json=[of(RESOURCE, amount)], headers=headers)

    with queue(world, world_url) as waiting:
        futures = [waiting.add(send(amount)) for amount in (1, 1, 2, 1)]
    first, again, other, last = (future.result() for future in futures)
    assert [each.status_code for each in (first, again, other, last)] == [201, 201, 422, 201]
    assert first.data == again.data == last.data
    assert [each.headers.get("Idempotency-Replayed") for each in (first, again, last)] == [
        None,
        "true",
        "true",
    ]
    assert [fact.amount for fact in world.facts(UsageReported)[1:]] == [Decimal("1.00")]


def test_one_key_among_those_who_wait_whose_refusal_is_not_remembered(world: World, world_url: str) -> None:
    stranger = world.as_("stranger")
    before = len(world.facts())

    def send(amount: int) -> Callable[[], TestResponse]:
        headers = {"Idempotency-Key": "k"}
        return lambda: stranger.send("POST", REPORTS, json=[of(RESOURCE, amount)], headers=headers)

    with queue(world, world_url) as waiting:
        futures = [waiting.add(send(amount)) for amount in (1, 1, 2)]
    first, again, other = (future.result() for future in futures)
    assert [each.status_code for each in (first, again, other)] == [400, 400, 400]
    assert first.data == again.data
    assert [type(fact) for fact in world.facts()[before:]] == [PlanPeriodDescribed, UsageReported]


def test_who_waits_too_long_is_told_and_has_stored_nothing(world: World, world_url: str) -> None:
    be_patient(world, 0.05)
    with queue(world, world_url):
        contended = report(world.as_("staff"), 5)()
        assert (contended.status_code, contended.get_json()) == (409, TOO_MANY)
        assert contended.headers["Retry-After"] == "1"
    assert [fact.resource_uuid for fact in world.facts(UsageReported)] == [UUID(SECOND_RESOURCE)]
    assert report(world.as_("staff"), 5)().status_code == 201


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("resource", [RESOURCE, SECOND_RESOURCE])
def test_who_is_overtaken_decides_anew_and_nothing_is_left_out(
    world: World, world_url: str, resource: str, *, dies: bool
) -> None:
    with open_world(world_url) as other:
        if dies:
            other.app.extensions["usage-ledger"].handler = CommandHandler(other.ledger, Dying(other))

        def overtake() -> None:
            body = [of(resource, 3, date="2026-11-02")]
            assert other.as_("staff").post(REPORTS, body).status_code == 201

        desk = CommandHandler(world.ledger, Overtaken(world, overtake))
        world.app.extensions["usage-ledger"].handler = desk
        response = world.as_("staff").post(REPORTS, [of(RESOURCE, 3, date="2026-11-02")])
        if resource == RESOURCE:
            assert [each["result"] for each in response.get_json()["results"]] == ["unchanged"]
            assert len(world.facts(Report)) == 1
        else:
            assert [each["result"] for each in response.get_json()["results"]] == ["created"]
            assert len(world.facts(Report)) == 2
        assert gaps(world.facts(Report)) == []
        assert {row["usage"] for row in other.usages()} == {"3.00"}
        assert len(other.usages()) == len(world.facts(Report))


def test_what_is_raised_goes_to_all_who_wait_and_the_next_turn_is_as_if_nothing_was() -> None:
    def work(tasks: Sequence[Pending[int, int]]) -> None:
        for task in tasks:
            task.result = 10 // task.subject

    turns: GroupCommit[int, int] = GroupCommit(work, patience=5)
    with pytest.raises(ZeroDivisionError):
        turns.submit(0)
    assert turns.submit(5) == 2


def test_a_task_whose_turn_does_not_come_is_not_begun_later() -> None:
    begun: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        started, goes_on = Barrier(2), Barrier(2)

        def work(tasks: Sequence[Pending[str, str]]) -> None:
            for task in tasks:
                begun.append(task.subject)
                task.result = task.subject
            if begun == ["slow"]:
                started.wait()
                goes_on.wait()

        turns: GroupCommit[str, str] = GroupCommit(work, patience=0.01)
        slow = pool.submit(turns.submit, "slow")
        started.wait()
        with pytest.raises(TookTooLong):
            turns.submit("late")
        goes_on.wait()
        assert slow.result() == "slow"
        assert turns.submit("next") == "next"
    assert begun == ["slow", "next"]


class Slow(PostgresReadModels):
    """Reads what bulks are about only when it is told so."""

    def __init__(self, world: World) -> None:
        super().__init__(world.projector, VersionedCache())
        self.reads, self.goes_on = Barrier(2), Event()

    def read(
        self,
        cursor: Cursor[DictRow],
        reports: Sequence[tuple[ReadableReport, datetime]],
        zone: tzinfo,
        looked_up: Iterable[VersionedResources] = (),
    ) -> DecisionState:
        if len(reports) > 1 and not self.goes_on.is_set():
            self.reads.wait()
            self.goes_on.wait()
        return super().read(cursor, reports, zone, looked_up)


def test_nobody_else_waits_for_a_bulk_to_be_decided(world: World) -> None:
    slow = Slow(world)
    world.app.extensions["usage-ledger"].handler = CommandHandler(world.ledger, slow)
    staff, other = world.as_("staff"), world.as_("offering-manager")
    with ThreadPoolExecutor(1) as pool:
        bulk = pool.submit(staff.post, REPORTS, [of(RESOURCE, number) for number in range(200)])
        slow.reads.wait()
        single = report(other, 300)()
        is_open = not bulk.done()
        slow.goes_on.set()
        told = bulk.result()
    assert (single.status_code, is_open, told.status_code) == (201, True, 201)
    assert [row["usage"] for row in world.usages()] == ["199.00"], "decided anew upon the one that was faster"
    assert gaps(world.facts(Report)) == []


def test_a_turn_takes_as_many_as_go_together_and_one_alone_in_any_case() -> None:
    turns_taken: list[list[int]] = []
    started, goes_on = Barrier(2), Event()

    def work(tasks: Sequence[Pending[int, int]]) -> None:
        turns_taken.append([task.subject for task in tasks])
        if len(turns_taken) == 1:
            started.wait()
            goes_on.wait()
        for task in tasks:
            task.result = task.subject

    turns: GroupCommit[int, int] = GroupCommit(work, patience=5, size=lambda subject: subject, most=10)
    sizes = [1, 4, 6, 1, 50, 2]
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(turns.submit, sizes[0])]
        started.wait()
        for place, size in enumerate(sizes[1:]):
            futures.append(pool.submit(turns.submit, size))
            while turns.waiting == place:
                assert not futures[-1].done()
        goes_on.set()
        assert [future.result() for future in futures] == sizes
    assert turns_taken == [[1], [4, 6], [1], [50], [2]]


def test_while_a_turn_stands_still_few_wait_and_others_are_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ledger.fast.group_commit.STALLED_SECONDS", 0.05)
    started, goes_on = Barrier(2), Event()

    def work(tasks: Sequence[Pending[str, str]]) -> None:
        if tasks[0].subject == "slow":
            started.wait()
            goes_on.wait()
        for task in tasks:
            task.result = task.subject

    turns: GroupCommit[str, str] = GroupCommit(work, patience=60, room=2)
    with ThreadPoolExecutor(5) as pool:
        slow = pool.submit(turns.submit, "slow")
        started.wait()
        waiting = [pool.submit(turns.submit, "patient") for _ in range(4)]
        _, refused = wait(waiting, timeout=5, return_when=FIRST_EXCEPTION)
        while sum(each.done() for each in waiting) < 2:
            assert refused
        with pytest.raises(TooMany):
            turns.submit("late")
        goes_on.set()
        assert slow.result() == "slow"
        assert turns.submit("next") == "next"
        told = [type(each.exception()) for each in waiting]
    assert sorted(told, key=str) == sorted([type(None)] * 2 + [TooMany] * 2, key=str)


def test_with_the_journal_locked_few_wait_and_reads_and_refusals_are_answered_at_once(
    world: World, world_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.fast.group_commit.STALLED_SECONDS", 0.05)
    message = "Too much is being worked on at the moment. Nothing was stored; send it again."
    with queue(world, world_url) as waiting:
        staff = world.as_("staff")
        futures = [waiting.add(report(staff, amount)) for amount in (1, 2, 3)]
        deadline = time.monotonic() + 5
        while not waiting.is_stalled:
            assert time.monotonic() < deadline
        busy = report(staff, 4)()
        assert (busy.status_code, busy.get_json()) == (503, {"detail": message})
        assert busy.headers["Retry-After"] == "1"
        assert staff.get(USAGES).status_code == 200
    assert [future.result().status_code for future in futures] == [201] * 3
    assert [fact.amount for fact in world.facts(UsageReported)[1:]] == [Decimal(1), Decimal(2), Decimal(3)]


def test_where_the_journal_stays_locked_a_report_is_to_be_sent_again(
    world_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.journal.connections.OPTIONS", "-c lock_timeout=100ms")
    with open_world(world_url) as world:
        before = len(world.facts())
        with locked(world_url):
            busy = report(world.as_("staff"), 4)()
        assert (busy.status_code, busy.headers["Retry-After"]) == (503, "1")
        assert busy.get_json()["detail"].startswith("Too much is being worked on")
        assert len(world.facts()) == before
        assert report(world.as_("staff"), 4)().status_code == 201
