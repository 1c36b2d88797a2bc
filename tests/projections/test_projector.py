"""The projector: every fact reaches every read model, once, and an honest word when it does not."""

from collections.abc import Sequence
from threading import Barrier, Thread
from uuid import uuid5

import psycopg
import pytest
from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.catalogue import NAMESPACE
from ledger.events import Fact, Report, TokenIssued
from ledger.handler import CommandHandler
from projections.fast.cache import VersionedCache
from projections.fast.position import End, KnownPosition
from projections.lookups.decision_state import PostgresReadModels
from projections.projector import ProjectingFailed, Projector
from projections.read_models import READ_MODELS
from projections.rebuild import Rebuild
from tests.support.read_models import CREATE_WITNESS, WITNESS, Dying, append
from tests.support.wire import end_connections
from tests.world import RESOURCE, USAGES, World, open_world

TRANSACTIONS = """
SELECT array[e.xmin, u.xmin, p.xmin]::text[]
FROM journal.ledger_events e, read_models.component_usage u, read_models.read_position p
ORDER BY notification_id DESC LIMIT 1"""


def test_every_fact_reaches_the_read_models_once_under_concurrent_writers(world: World) -> None:
    client = world.as_("staff")
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute(CREATE_WITNESS)
        (start,) = connection.execute("SELECT position FROM read_models.read_position").fetchone() or (0,)
    writers, reports = 8, 25
    barrier = Barrier(writers)

    def write(number: int) -> None:
        # Two projectors, as of two worker processes, compete for the batches.
        projector = Projector(world.ledger.pool, world.ledger.facts_after, (*READ_MODELS, WITNESS), batch=7)
        barrier.wait()
        for amount in range(reports):
            date = f"2026-{number + 1:02}-03"
            body = {"resource": RESOURCE, "date": date, "usages": [{"type": "cpu", "amount": amount}]}
            assert client.post(f"{USAGES}set_usage/", body).status_code == 201
            projector.catch_up()

    world.projector.models = (*READ_MODELS, WITNESS)
    threads = [Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with psycopg.connect(world.conninfo) as connection:
        seen = [
            row[0] for row in connection.execute("SELECT position FROM read_models.witness ORDER BY seen_at")
        ]
        journal = [
            row[0]
            for row in connection.execute(
                "SELECT notification_id FROM journal.ledger_events WHERE notification_id > %s"
                " ORDER BY notification_id",
                [start],
            )
        ]
    assert len(journal) == writers * reports
    assert seen == journal


def break_read_models(world: World) -> None:
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute(
            "ALTER TABLE read_models.component_usage ADD CONSTRAINT broken CHECK (usage < 100)"
        )


def mend_read_models(world: World) -> None:
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("ALTER TABLE read_models.component_usage DROP CONSTRAINT broken")


def test_a_report_is_stored_and_stays_a_201_when_projecting_fails(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    break_read_models(world)
    assert world.report(usages=[{"type": "gpu", "amount": "100"}]).status_code == 201
    assert len(world.facts(Report)) == 1
    assert "Facts are stored, but the read models are behind the journal" in caplog.text
    ready = world.anonymous.get("/readyz")
    assert ready.status_code == 503
    assert ready.json == {
        "status": "unavailable",
        "reason": 'CheckViolation: new row for relation "component_usage" violates check constraint "broken"',
    }


def test_readers_are_served_what_there_is_while_projecting_fails(world: World) -> None:
    world.report(usages=[{"type": "gpu", "amount": "5"}])
    break_read_models(world)
    world.report(usages=[{"type": "gpu", "amount": "100"}])
    assert [row["usage"] for row in world.usages()] == ["5.00"]


def test_nothing_is_decided_on_read_models_that_are_behind(world: World) -> None:
    break_read_models(world)
    world.report(usages=[{"type": "gpu", "amount": "100"}])
    response = world.report(usages=[{"type": "gpu", "amount": "7"}])
    assert (response.status_code, response.json) == (
        503,
        {"detail": "The read models can't be brought up to date at the moment. Try again."},
    )
    assert len(world.facts(Report)) == 1


def test_the_next_request_tries_again(world: World) -> None:
    break_read_models(world)
    world.report(usages=[{"type": "gpu", "amount": "100"}])
    mend_read_models(world)
    assert [row["usage"] for row in world.usages()] == ["100.00"]
    assert world.anonymous.get("/readyz").status_code == 200


def test_a_failed_batch_leaves_no_rows_and_no_position(world: World) -> None:
    world.as_("staff")
    before = world.projector.catch_up()
    break_read_models(world)
    world.report(usages=[{"type": "cpu", "amount": "5"}, {"type": "gpu", "amount": "100"}])
    with pytest.raises(ProjectingFailed):
        world.projector.catch_up()
    with world.services.reading() as cursor:
        rows = cursor.execute("SELECT position, (SELECT count(*) FROM component_usage) FROM read_position")
        assert rows.fetchall() == [{"position": before, "count": 0}]


def test_what_another_process_appended_and_did_not_live_to_project_shows_in_the_next_read(
    world: World, world_url: str
) -> None:
    with open_world(world_url) as other:
        other.app.extensions["usage-ledger"].handler = CommandHandler(other.ledger, Dying(other))
        assert other.report(usages=[{"type": "gpu", "amount": "8"}]).status_code == 201
        with other.services.reading() as cursor:
            assert cursor.execute("SELECT FROM component_usage").fetchall() == []
    assert [row["usage"] for row in world.usages()] == ["8.00"]


class Cut(PostgresReadModels):
    """The read side of a process whose connections are cut before it can commit."""

    def __init__(self, world: World) -> None:
        super().__init__(world.projector, VersionedCache())
        self._world = world
        self.project = self.project_and_be_cut

    def project_and_be_cut(
        self, cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]], digest: int
    ) -> KnownPosition:
        projected = self._world.projector.project_appended(cursor, facts, digest)
        end_connections(self._world)
        return projected


def test_nobody_is_told_of_facts_whose_commit_failed(world: World, world_url: str) -> None:
    """What others appended at their position, and did not live to project, was taken for projected."""
    world.usages()
    before = world.projector.shared_position.known()
    world.app.extensions["usage-ledger"].handler = CommandHandler(world.ledger, Cut(world))
    assert world.report(usages=[{"type": "gpu", "amount": "7"}]).status_code == 503
    assert world.projector.shared_position.known() == before
    with open_world(world_url) as other:
        other.app.extensions["usage-ledger"].handler = CommandHandler(other.ledger, Dying(other))
        assert other.report(usages=[{"type": "gpu", "amount": "8"}]).status_code == 201
    head = world.ledger.facts_after(0, 1_000_000)[-1][0]
    answer = world.as_("staff").get(USAGES, min_position=head)
    assert (answer.status_code, answer.headers["Ledger-Position"]) == (200, str(head))
    assert [row["usage"] for row in answer.get_json()] == ["8.00"]


def test_a_report_and_its_rows_are_of_one_transaction(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "10"}])
    world.report(usages=[{"type": "cpu", "amount": "11"}])
    with psycopg.connect(world.conninfo) as connection:
        (written,) = connection.execute(TRANSACTIONS).fetchone() or ("",)
    assert len(set(written)) == 1, written


def test_a_rebuild_tells_nobody_the_positions_of_its_copy(world: World) -> None:
    with psycopg.connect(world.conninfo, autocommit=True) as listener:
        listener.execute("LISTEN usage_ledger")
        assert Rebuild(world.ledger.pool, world.ledger.facts_after, batch=5).run().is_live
        world.report(usages=[{"type": "cpu", "amount": "10"}])
        (first,) = listener.notifies(stop_after=1)
        assert first.payload.split()[0] == str(world.ledger.facts_after(0, 1_000_000)[-1][0])


def test_facts_are_projected_even_if_the_shared_position_says_that_they_are(world: World) -> None:
    token = world.facts(TokenIssued)[-1]
    world.projector.shared_position.advance(KnownPosition(0, End(10**9, 1)))
    again = structs.replace(token, originator_id=uuid5(NAMESPACE, "x"), token_uuid=uuid5(NAMESPACE, "x"))
    again = structs.replace(again, originator_version=1, token_hash="0" * 64)
    append(world, [again])
    assert world.report(usages=[{"type": "cpu", "amount": "10"}]).status_code == 201
    assert [row["usage"] for row in world.usages()] == ["10.00"]
