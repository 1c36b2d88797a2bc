"""What was once written can be read for ever: stored journals of earlier versions, and upcasting.

`journals/2026_11.jsonl` is a journal as it was stored in November 2026, people first, then the facts in
order; `journals/2026_11.expected.json` is what the API answered then. Neither is ever written anew: a fact
that new code can't read, or reads differently, is found here. A new kind of fact gets a new file:
`2026_11_requests` has requests that named themselves, and what they were told; `2026_11_decided` has others,
whose facts keep the outcomes and not the answers; `2026_11_agents` has registrations of an
agent, `2026_11_limits` has limits of users, some of them removed, `2026_11_verified` has verifications,
`2026_11_forgotten` somebody who was forgotten, and somebody else who was named so later,
`2026_11_rotated` a signing key that was replaced twice, `2026_11_closed` months that were closed, one of
them opened again, `2026_11_manifests` what was said to have been sent, of which some held, and
`2026_11_corrections` corrections in each state.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from ledger import events
from ledger.domain.people import Person
from ledger.events import Fact
from ledger.journal.mapper import FactMapper
from tests.paths import JOURNALS
from tests.user_limits.limiting import LIMITS
from tests.world import USAGES, USER_USAGES, World, open_world

LISTS = {
    "component_usages": USAGES,
    "user_usages": USER_USAGES,
    "monthly": "/api/marketplace-component-usage-monthly/",
    "agent_identities": "/api/marketplace-site-agent-identities/",
    "agent_services": "/api/marketplace-site-agent-services/",
    "limits": LIMITS,
    "offering_users": "/api/marketplace-offering-users/",
    "agent_processors": "/api/marketplace-site-agent-processors/",
    "verifications": "/api/ledger/verifications/",
    "months": "/api/ledger/months/",
    "manifests": "/api/ledger/manifests/",
    "corrections": "/api/ledger/corrections/",
}


NAMES = sorted(path.stem for path in JOURNALS.glob("*.jsonl"))


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (JOURNALS / f"{name}.jsonl").read_text().splitlines()]


def expected_of(name: str) -> dict[str, Any]:
    """What was answered when the journal was stored."""
    expected: dict[str, Any] = json.loads((JOURNALS / f"{name}.expected.json").read_text())
    return expected


def stored_facts(name: str) -> list[StoredEvent]:
    return [
        StoredEvent(UUID(line["stream"]), line["version"], line["topic"], msgspec.json.encode(line["state"]))
        for line in lines(name)
        if "topic" in line
    ]


def people(name: str) -> list[Person]:
    return [
        Person(UUID(line["person"]), line["username"], bytes.fromhex(line["salt"]))
        for line in lines(name)
        if "person" in line
    ]


@contextmanager
def world_of(name: str, database_url: str) -> Iterator[World]:
    with open_world(database_url) as world:
        world.ledger.recorder.insert_events(stored_facts(name), people=people(name))
        yield world


@pytest.mark.parametrize("name", NAMES)
def test_a_journal_of_november_2026_answers_what_it_answered_then(database_url: str, name: str) -> None:
    expected = expected_of(name)
    expected.pop("requests", None)
    with world_of(name, database_url) as world:
        staff = world.as_("staff")
        whole = {"monthly": {"start": ""}}
        answers = {
            each: staff.get(LISTS[each], page_size=100, **whole.get(each, {})).json for each in expected
        }
    assert answers == expected


@pytest.mark.parametrize("name", ["2026_11_decided", "2026_11_requests"])
def test_a_request_of_november_2026_is_told_what_it_was_told_then(database_url: str, name: str) -> None:
    requests = expected_of(name)["requests"]
    assert requests
    with world_of(name, database_url) as world:
        staff = world.as_("staff")
        facts = world.facts()
        for asked in requests:
            response = staff.send(
                "POST",
                asked["path"],
                data=asked["body"].encode(),
                content_type=asked["content_type"],
                headers={"Idempotency-Key": asked["key"]},
            )
            assert response.headers["Idempotency-Replayed"] == "true"
            assert (response.status_code, response.text) == (asked["status"], asked["answer"])
        assert world.facts() == facts


def test_every_kind_of_fact_is_in_a_stored_journal() -> None:
    kinds = {
        vars(kind)["TOPIC"] for kind in vars(events).values() if "TOPIC" in getattr(kind, "__dict__", {})
    }
    assert {fact.topic for name in NAMES for fact in stored_facts(name)} == kinds


@pytest.mark.parametrize("name", NAMES)
def test_a_fact_is_stored_as_it_was_in_november_2026(name: str) -> None:
    mapper = FactMapper()
    for stored in stored_facts(name):
        again = mapper.to_stored_event(mapper.to_domain_event(stored))
        assert mapper.to_domain_event(again) == mapper.to_domain_event(stored)
        assert json.loads(again.state).items() <= json.loads(stored.state).items()


class Measured(Fact, frozen=True, kw_only=True):
    """A kind of fact that has changed twice: at first it had minutes, then hours without a unit."""

    TOPIC = "OnlyInTests:Measured"
    class_version: ClassVar[int] = 3

    hours: float
    unit: str
    note: str = "none"

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["hours"] = state.pop("minutes") / 60

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        state["unit"] = "hours"


def read(state: dict[str, Any]) -> Fact:
    encoded = msgspec.json.encode({"recorded_at": "2026-01-01T00:00:00Z", **state})
    return FactMapper().to_domain_event(StoredEvent(UUID(int=1), 4, Measured.TOPIC, encoded))


def test_states_of_earlier_versions_are_brought_up_to_date_when_they_are_read() -> None:
    expected = read({"class_version": 3, "hours": 1.5, "unit": "hours"})
    assert read({"minutes": 90}) == expected
    assert read({"class_version": 2, "hours": 1.5}) == expected
    assert json.loads(FactMapper().to_stored_event(expected).state)["class_version"] == 3


def test_a_field_that_is_missing_has_its_default_and_one_that_nobody_knows_is_left_out() -> None:
    fact = read({"class_version": 3, "hours": 1.5, "unit": "hours", "from_the_future": [1, 2]})
    assert fact == read({"class_version": 3, "hours": 1.5, "unit": "hours", "note": "none"})


def test_a_fact_that_can_not_be_read_stops_the_projector_and_not_the_journal(world: World) -> None:
    position = world.projector.catch_up()
    broken = StoredEvent(UUID(int=2), 1, "UsageReported", b'{"recorded_at":"2026-01-01T00:00:00Z"}')
    world.ledger.recorder.insert_events([broken])
    ready = world.anonymous.get("/readyz")
    assert ready.status_code == 503
    assert "Object missing required field" in ready.get_json()["reason"]
    with psycopg.connect(world.conninfo) as connection:
        rows = connection.execute("SELECT position FROM read_position").fetchall()
    assert rows == [(position,)]
