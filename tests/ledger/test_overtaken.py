"""What reports rest on changes between the moment at which they are decided and the append."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from ledger.decisions.state import DecisionState
from ledger.events import PlanPeriodDescribed, UsageCarriedOver, UsageReported, UserUsageReported
from ledger.handler import CommandHandler
from projections.lookups.carry_over import candidates
from projections.rebuild import Rebuilt
from tests.projections.rebuilding import rebuild_of
from tests.support.queueing import REPORTS, Overtaken, of
from tests.user_limits.limiting import LIMITS, describe_members
from tests.user_limits.limiting import body as limit_body
from tests.world import (
    CATALOGUE,
    CONSUMER,
    CPU,
    NOW,
    OFFERING_USER,
    OTHER_CONSUMER,
    PROJECT,
    RESOURCE,
    SECOND_PROJECT,
    World,
    as_lists,
    open_world,
    uid,
)
from web.commands.carry_over import carry_into
from web.importer.importer import import_lists
from web.request.services import Services

Describe = Callable[[World], object]
KNOWN = CATALOGUE["resources"][0]


def moved(world: World) -> None:
    world.describe(resources=[KNOWN | {"project_uuid": SECOND_PROJECT}])


def terminated(world: World) -> None:
    world.describe(resources=[KNOWN | {"state": 6}])


def overtake(world: World, other: World, describe: Describe, reads: int = 1) -> list[str]:
    """Have what `describe` does come between the next decision and its append. Return what was done."""
    done: list[str] = []

    def faster() -> None:
        describe(other)
        done.append("described")

    world.app.extensions["usage-ledger"].handler = CommandHandler(
        world.ledger, Overtaken(world, faster, reads)
    )
    return done


def projects_of(world: World) -> list[tuple[UUID, UUID]]:
    """Return project and customer of every report, as its fact says them."""
    return [(fact.project_uuid, fact.customer_uuid) for fact in world.facts(UsageReported)]


def assert_rebuilt_rows_are_the_live_ones(world: World) -> None:
    shown = world.usages()
    assert rebuild_of(world).run() == Rebuilt(is_live=True)
    assert world.usages() == shown


@pytest.mark.parametrize("is_first", [True, False])
def test_a_report_is_of_the_project_that_its_resource_is_in_when_it_is_stored(
    world: World, world_url: str, is_first: bool
) -> None:
    if not is_first:
        world.report(usages=[{"type": "cpu", "amount": 1}])
    with open_world(world_url) as other:
        done = overtake(world, other, moved, reads=2)
        response = world.report(date="2026-11-10", usages=[{"type": "cpu", "amount": 5}])
        assert (response.status_code, done) == (201, ["described"])
        assert projects_of(world)[-1] == (UUID(SECOND_PROJECT), UUID(CONSUMER))
        assert [row["project_uuid"] for row in world.usages()] == [SECOND_PROJECT]
        assert_rebuilt_rows_are_the_live_ones(world)


def test_a_report_is_of_the_customer_that_its_project_has_when_it_is_stored(
    world: World, world_url: str
) -> None:
    with open_world(world_url) as other:
        overtake(
            world,
            other,
            lambda here: here.describe(
                projects=[{"uuid": PROJECT, "name": "Project", "customer_uuid": OTHER_CONSUMER}]
            ),
        )
        assert world.as_("staff").post(REPORTS, [of(RESOURCE, 5)]).status_code == 201
        assert projects_of(world) == [(UUID(PROJECT), UUID(OTHER_CONSUMER))]
        assert_rebuilt_rows_are_the_live_ones(world)


def test_nothing_is_stored_of_a_resource_that_was_terminated_before(world: World, world_url: str) -> None:
    with open_world(world_url) as other:
        overtake(world, other, terminated)
        response = world.report(usages=[{"type": "cpu", "amount": 5}])
        assert (response.status_code, response.get_json()) == (
            400,
            {"resource": ["Resource is not in valid state."]},
        )
        assert [*world.facts(UsageReported), *world.facts(PlanPeriodDescribed)] == []


def test_a_users_limit_holds_from_the_moment_at_which_it_is_stored(world: World, world_url: str) -> None:
    describe_members(world)
    world.report(usages=[{"type": "cpu", "amount": 5}])
    usage = world.usages()[0]["uuid"]
    user = f"/api/marketplace-offering-users/{OFFERING_USER}/"
    with open_world(world_url) as other:
        set_limit = lambda here: here.as_("staff").post(LIMITS, limit_body(RESOURCE, limit="2.00"))  # noqa: E731
        overtake(world, other, set_limit, reads=2)
        response = world.report_user(usage, username="member01", usage="4", user=user)
        assert response.status_code == 400
        assert "Usage limit exceeded" in response.get_json()["non_field_errors"][0]
        assert world.facts(UserUsageReported) == []


def test_an_imported_usage_is_of_the_project_that_its_resource_is_in(world: World, world_url: str) -> None:
    asked = []
    with open_world(world_url) as other:

        def moving_clock() -> datetime:
            asked.append(1)
            if len(asked) == 1:
                moved(other)
            return NOW

        services = Services(world.ledger, world.projector, moving_clock)
        usage = {"uuid": uid(0x5001), "resource_uuid": RESOURCE, "component_uuid": CPU, "usage": "1.00"}
        usage |= {"billing_period": "2026-10-01", "date": "2026-10-02T00:00:00Z"}
        import_lists(as_lists({"component_usages": [usage]}), services)
        assert projects_of(world) == [(UUID(SECOND_PROJECT), UUID(CONSUMER))]
        assert_rebuilt_rows_are_the_live_ones(world)


def test_what_is_carried_over_is_of_the_project_that_its_resource_is_in(
    world: World, world_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.report(usages=[{"type": "cpu", "amount": 5, "missing_usage_policy": "reuse"}])
    world.now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    asked = []
    with open_world(world_url) as other:

        def overtaken(*arguments: object) -> object:
            found = candidates(*arguments)  # type: ignore[arg-type]
            asked.append(1)
            if len(asked) == 1:
                moved(other)
            return found

        monkeypatch.setattr("web.commands.carry_over.candidates", overtaken)
        assert carry_into(NOW.date().replace(month=12, day=1), world.services, lambda *_: None) == 1
        assert [fact.project_uuid for fact in world.facts(UsageCarriedOver)] == [UUID(SECOND_PROJECT)]
        assert_rebuilt_rows_are_the_live_ones(world)


def test_other_reports_do_not_have_a_report_decided_anew(world: World, world_url: str) -> None:
    read: list[int] = []

    class Counting(Overtaken):
        def read(self, *arguments: Any) -> DecisionState:
            read.append(1)
            return super().read(*arguments)

    with open_world(world_url) as other:
        other.report(usages=[{"type": "cpu", "amount": 1}])
        counting = Counting(world, lambda: other.report(usages=[{"type": "gpu", "amount": 1}]))
        world.app.extensions["usage-ledger"].handler = CommandHandler(world.ledger, counting)
        assert world.report(usages=[{"type": "setup", "amount": 5}]).status_code == 201
        assert len(other.usages()) == 3
        assert read == [1]
