"""Where a username stands in the free text of facts."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from ledger.domain import agents, catalogue
from ledger.domain.people import naming
from ledger.domain.reports import RecordedOutcome, RecordedRefusal
from ledger.events import Fact
from ledger.journal.free_text import Mention, free_texts, mentions
from tests import controls
from tests.support.read_models import append
from tests.world import RESOURCE, World, uid


@pytest.mark.parametrize(
    ("username", "text", "is_found"),
    [
        ("ann", "by ann", True),
        ("ann", "Ann's job", True),
        ("ann", "joann, anna and ann_b", False),
        ("ann", "ann-2 and ann.b", True),
        ("ann@example.org", "for ANN@EXAMPLE.ORG.", True),
        ("a.b", "axb", False),
        ("@ann", "to @ann", True),
        ("jürgen", "von JÜRGEN", True),
        ("o\\'n\"", "it is o\\'n\", too", True),
    ],
)
def test_a_name_is_found_as_whole_words_in_any_case(username: str, text: str, is_found: bool) -> None:
    assert naming(username)(text) == is_found


def test_texts_that_are_one_of_a_few_words_are_not_free() -> None:
    fields = {field for fact in controls.FACTS for field, _ in free_texts(fact)}
    assert fields >= {
        "description",
        "reason",
        "agent",
        "entity.name",
        "entity.attributes",
        "outcomes.refusal.values",
    }
    assert fields.isdisjoint(
        {"source", "missing_usage_policy", "entity.billing_type", "entity.scope_type", "outcomes.result"}
    )


IDENTITY = agents.AgentIdentity(
    uuid=UUID(uid(0x301)),
    offering_uuid=UUID(uid(0x302)),
    name="ann's agent",
    dependencies=(agents.AgentDependency("ann", "1"),),
    last_restarted=datetime(2026, 11, 1, tzinfo=UTC),
)
NAMED: tuple[tuple[Fact, list[str]], ...] = (
    (
        controls.usage_reported(originator_id=UUID(int=1), description="for ann", agent="ann/1"),
        ["agent", "description"],
    ),
    (
        controls.usage_reported(originator_id=UUID(int=2), request_id="ANN"),
        ["request_id"],
    ),
    (controls.usage_reported(originator_id=UUID(int=3), description="for anna"), []),
    (
        controls.described(
            catalogue.Resource(
                uuid=UUID(RESOURCE),
                name="ann",
                offering_uuid=UUID(int=5),
                project_uuid=UUID(int=6),
                backend_id="hpc/ann",
                backend_metadata={"owner": {"login": ["ann"]}},
                attributes={"ann": 1},
            ),
            originator_id=UUID(int=4),
        ),
        ["entity.name", "entity.backend_id", "entity.backend_metadata", "entity.attributes"],
    ),
    (controls.described(IDENTITY), ["entity.name", "entity.dependencies.package"]),
    (
        controls.request_decided(
            originator_id=UUID(int=7),
            outcomes=(
                RecordedOutcome("refused", refusal=RecordedRefusal("InvalidItem", ({"user": ["ann"]},))),
            ),
        ),
        ["outcomes.refusal.values"],
    ),
    (controls.request_answered(originator_id=UUID(int=8), body='{"username":"ann"}'), ["body"]),
    (controls.request_answered(originator_id=UUID(int=9), body='{"username":"\\"ann\\""}'), ["body"]),
)


def test_every_field_of_every_fact_that_names_somebody_is_told_once(world: World) -> None:
    first = world.ledger.facts_after(0, 1_000_000)[-1][0]
    append(world, [fact for fact, _ in NAMED])
    facts = world.ledger.facts_after(first, 100)
    expected = [
        Mention(position, type(fact).__name__, field)
        for (position, fact), (_, fields) in zip(facts, NAMED, strict=True)
        for field in fields
    ]
    found = list(mentions(world.ledger, "ann"))
    assert sorted(found) == sorted(expected)
    assert [each.position for each in found] == sorted(each.position for each in found)
