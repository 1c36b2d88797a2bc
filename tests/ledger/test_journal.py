"""The journal: facts stay as they were written, and people stay out of it."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError
from msgspec import structs

from ledger.domain.people import Person
from ledger.events import Fact, UsageReported, UserDescribed, UserUsageReported
from ledger.journal.mapper import FactMapper
from tests import controls
from tests.support.read_models import append
from tests.world import CATALOGUE, World

CHANGES = {
    "update": "UPDATE journal.ledger_events SET state = state",
    "delete": "DELETE FROM journal.ledger_events",
    "truncate": "TRUNCATE journal.ledger_events",
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses_any_change_of_the_journal(world: World, change: str) -> None:
    before = world.facts()
    with (
        psycopg.connect(world.conninfo, autocommit=True) as connection,
        pytest.raises(psycopg.errors.RestrictViolation, match="the journal is append-only"),
    ):
        connection.execute(CHANGES[change].encode())
    assert world.facts() == before


def test_a_session_that_turns_triggers_off_can_not_change_the_journal_either(world: World) -> None:
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute("DELETE FROM journal.ledger_events")


def test_no_username_is_anywhere_in_the_journal(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "10"}])
    usage = world.usages()[0]["uuid"]
    world.report_user(usage, username="jane.doe@example.org", usage="4")
    names = [user["username"] for user in CATALOGUE["users"]] + ["member01", "jane.doe@example.org"]
    with psycopg.connect(world.conninfo) as connection:
        states = connection.execute(
            "SELECT convert_from(state, 'UTF8') FROM journal.ledger_events WHERE topic <> 'RoleDescribed'"
        ).fetchall()
    journal = "\n".join(state for (state,) in states)
    # Role names such as CUSTOMER.SUPPORT are no people; the words below stand for what could be one.
    assert [name for name in names if f'"{name}"' in journal] == []
    assert [name for name in ("jane", "doe", "@", "member01", "project-admin") if name in journal] == []


def test_a_fact_commits_to_the_name_of_its_person(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "10"}])
    world.report_user(world.usages()[0]["uuid"], username="jane", usage="4")
    person = person_named(world, "jane")
    (fact,) = world.facts(UserUsageReported)
    assert (fact.person, fact.commitment) == (person.uuid, person.commitment)
    assert Person(person.uuid, "john", person.salt).commitment != fact.commitment


def test_one_person_stands_for_a_username_wherever_it_appears(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "10"}])
    world.report_user(world.usages()[0]["uuid"], username="staff", usage="4")
    staff = next(
        fact for fact in world.facts(UserDescribed) if fact.entity.uuid == UUID(CATALOGUE["users"][0]["uuid"])
    )
    (reported,) = world.facts(UserUsageReported)
    assert reported.person == staff.entity.person


def test_every_kind_of_fact_has_a_pinned_topic_of_its_own() -> None:
    ours = [kind for kind in kinds(Fact) if kind.__module__ == "ledger.events"]
    assert sorted(kind.TOPIC for kind in ours) == [
        "AgentIdentityDescribed",
        "AgentProcessorDescribed",
        "AgentServiceDescribed",
        "BillingMonthDescribed",
        "CategoryDescribed",
        "ComponentDescribed",
        "CorrectionApplied",
        "CorrectionApproved",
        "CorrectionProposed",
        "CorrectionRejected",
        "CorrectionReverted",
        "CustomerDescribed",
        "ManifestSent",
        "OfferingDescribed",
        "OfferingUserDescribed",
        "PersonForgotten",
        "PlanComponentDescribed",
        "PlanDescribed",
        "PlanPeriodDescribed",
        "ProjectDescribed",
        "ReadModelsVerified",
        "RequestAnswered",
        "RequestDecided",
        "ResourceDescribed",
        "RoleDescribed",
        "ServiceProviderDescribed",
        "SigningKeyRotated",
        "TokenIssued",
        "TokenRevoked",
        "UsageCarriedOver",
        "UsageReported",
        "UserDescribed",
        "UserUsageLimitDescribed",
        "UserUsageLimitRemoved",
        "UserUsageReported",
    ]


def kinds(base: type[Fact]) -> list[type[Fact]]:
    found = [base] if "TOPIC" in vars(base) and base.__module__ == Fact.__module__ else []
    return found + [kind for each in base.__subclasses__() for kind in kinds(each)]


AS_LONG_AS_CAN_BE = controls.usage_reported(
    recorded_at=datetime(2026, 11, 15, 12, 0, 0, 123456, tzinfo=UTC),
    measured_at=datetime.fromisoformat("2026-11-01T00:00:00+02:00"),
    amount=Decimal("123456789012345678.99"),
    plan_amount=Decimal("0.00"),
    description="Ünïcode \N{SNOWMAN}",
)


@pytest.mark.parametrize("fact", [*controls.FACTS, AS_LONG_AS_CAN_BE], ids=lambda fact: fact.TOPIC)
def test_a_fact_is_read_as_it_was_written(fact: Fact) -> None:
    mapper = FactMapper()
    stored = mapper.to_stored_event(fact)
    assert stored.topic == type(fact).TOPIC
    assert mapper.to_domain_event(stored) == fact


def test_there_is_an_example_of_every_fact() -> None:
    assert sorted(type(fact).TOPIC for fact in controls.FACTS) == sorted(kind.TOPIC for kind in kinds(Fact))


def test_who_loses_a_race_stores_nothing_and_leaves_no_failed_statement_behind(world: World) -> None:
    """A failed statement is in the log of the database, with the names and figures in it."""
    world.report(usages=[{"type": "cpu", "amount": "10"}])
    before = world.facts()
    (fact,) = world.facts(UsageReported)
    free = structs.replace(fact, originator_id=UUID(int=7), originator_version=1)
    with pytest.raises(IntegrityError) as lost:
        append(world, [free, fact])
    assert (lost.value.__cause__, world.facts()) == (None, before)


def test_nobody_is_two_people_because_two_writers_met_a_name_first(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "10"}])
    world.report_user(world.usages()[0]["uuid"], username="jane", usage="4")
    (fact,) = world.facts(UsageReported)
    free = structs.replace(fact, originator_id=UUID(int=7), originator_version=1)
    jane = Person(UUID(int=9), "jane", b"salt")
    with pytest.raises(IntegrityError) as lost:
        append(world, [free], [jane])
    assert lost.value.__cause__ is None
    assert person_named(world, "jane") != jane


def person_named(world: World, username: str) -> Person:
    with world.ledger.transaction() as transaction:
        return transaction.people([username])[username]
