"""What is known after a fact, in values, is what the read models say after it, in rows."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, tzinfo
from itertools import count
from typing import Any

from hypothesis import given
from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.state import DecisionState
from ledger.domain.metering import MeteredResource, VersionedResources
from ledger.domain.reports import ReadableReport
from ledger.handler import CommandHandler
from projections.fast.cache import VersionedCache
from projections.lookups.decision_state import PostgresReadModels
from tests.support.histories import OF_A_HISTORY, Item, histories, placed, twins
from tests.world import RESOURCE, World


class Watched(PostgresReadModels):
    """Keeps what it was asked for last, and what it answered, which the decisions go on from."""

    def read(
        self,
        cursor: Cursor[DictRow],
        reports: Sequence[tuple[ReadableReport, datetime]],
        zone: tzinfo,
        looked_up: Iterable[VersionedResources] = (),
    ) -> DecisionState:
        self.asked, self.zone = reports, zone
        self.known = super().read(cursor, reports, zone, looked_up)
        return self.known


def watch(world: World) -> Watched:
    """Has the world's reports decided on what can be looked into."""
    watched = Watched(world.projector, VersionedCache())
    world.app.extensions["usage-ledger"].handler = CommandHandler(world.ledger, watched)
    return watched


def read_anew(world: World, watched: Watched) -> DecisionState:
    """What is known of the same reports now, with nothing remembered."""
    with world.ledger.transaction() as transaction:
        return PostgresReadModels(world.projector, VersionedCache()).read(
            transaction.cursor, watched.asked, watched.zone
        )


def comparable(known: DecisionState) -> tuple[Any, ...]:
    """Plan periods come in no order, and totals are known of some usages only: see `check_totals`."""
    resources = {uuid: in_order(resource) for uuid, resource in known.resources.items()}
    records = {key: structs.replace(record, totals={}) for key, record in known.records.items()}
    return resources, records, known.user_limits


def check_totals(known: DecisionState, anew: DecisionState) -> None:
    """Check what users have in all wherever it is known: of usages at zero whose users are reported."""
    for key, record in anew.records.items():
        for row in record.rows:
            there, here = (each.totals.get(row.usage_uuid, 0) for each in (record, known.records[key]))
            assert row.amount != 0 or not record.users or None not in (there, here)
            assert None in (there, here) or there == here


def in_order(resource: MeteredResource) -> MeteredResource:
    periods = sorted(resource.plan_periods, key=lambda period: period.uuid)
    return structs.replace(resource, plan_periods=tuple(periods))


def test_what_follows_from_facts_is_what_is_read_once_they_are_projected(
    server: str, world_database: Callable[[], AbstractContextManager[str]]
) -> None:
    with twins(server, world_database()) as (world, _):
        watched, numbers = watch(world), count()

        @OF_A_HISTORY
        @given(histories)
        def check(history: list[Item]) -> None:
            items = placed(history, next(numbers))
            response = world.as_("staff").post("/api/ledger/reports/?atomic=false", items)
            assert response.status_code in (200, 201, 400)
            anew = read_anew(world, watched)
            assert comparable(watched.known) == comparable(anew)
            check_totals(watched.known, anew)

        check()


def test_a_report_ends_the_policies_of_the_other_plans_rows(
    server: str, world_database: Callable[[], AbstractContextManager[str]]
) -> None:
    with twins(server, world_database()) as (world, _):
        watched = watch(world)
        gpu = {"resource": 1, "type": "gpu", "amount": 5, "missing_usage_policy": "reuse"}
        dates = ("2026-11-12", "2026-11-05", "2026-11-12", "2026-11-12")
        items = placed([gpu | {"date": date} for date in dates], 0)
        told = world.as_("staff").post("/api/ledger/reports/", items).get_json()["results"]
        assert [each["result"] for each in told] == ["created", "created", "changed", "unchanged"]
        assert comparable(watched.known) == comparable(read_anew(world, watched))


def test_what_is_tried_and_refused_is_not_known(world: World) -> None:
    watched = watch(world)
    items = [
        {"resource": RESOURCE, "type": "cpu", "amount": 1},
        {"resource": RESOURCE, "type": "fee", "amount": 1},
    ]
    assert world.as_("staff").post("/api/ledger/reports/", items).status_code == 400
    assert comparable(watched.known) == comparable(read_anew(world, watched))
    assert watched.known.records == {}
