"""POST /api/ledger/reports/: the answer to many reports."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.events import Fact, PlanPeriodDescribed, Report, UserUsageReported
from tests import controls
from tests.api.bulk import REPORTS, answer, of, of_user, refused, results, rows, send, shares, words
from tests.world import (
    RESOURCE,
    SECOND_RESOURCE,
    World,
)


def last_facts(world: World, number: int) -> list[tuple[int, Fact]]:
    """The last facts of the journal with their positions."""
    return world.ledger.facts_after(0, 1_000_000)[-number:]


# What is told


def test_items_are_decided_in_order_and_each_sees_those_before_it(world: World) -> None:
    response = send(
        world,
        [
            of("cpu", "10", date="2026-11-10"),
            of("cpu", "10.00", date="2026-11-10"),
            of("cpu", 11, date="2026-11-10"),
            of_user("ann", "4"),
            of_user("ann", "4", resource=SECOND_RESOURCE, date="2026-10-01"),
            of_user("ann", "5", resource=SECOND_RESOURCE, date="2026-10-01"),
        ],
    )
    assert response.status_code == 201
    assert words(response) == ["created", "unchanged", "changed", "created", "created", "changed"]
    assert rows(world) == [
        (RESOURCE, "cpu", "2026-11-01", "11.00"),
        (SECOND_RESOURCE, "cpu", "2026-10-01", "4.00"),
    ]
    assert shares(world) == [("2026-10-01", "ann", "5.00"), ("2026-11-01", "ann", "4.00")]


def test_an_item_is_told_the_uuid_that_reads_show_and_the_position_of_its_fact(world: World) -> None:
    world.report(usages=[{"type": "gpu", "amount": 1}], date="2026-11-02")
    items = [of("gpu", 1, date="2026-11-02"), of("cpu", 3), of_user("ann", 2)]
    response = send(world, items)
    (cpu_position, cpu), (ann_position, ann) = last_facts(world, 2)
    assert isinstance(cpu, Report)
    assert isinstance(ann, UserUsageReported)
    uuids = {row["type"]: row["uuid"] for row in world.usages()}
    (user,) = world.user_usages()
    assert uuids["cpu"] == cpu.usage_uuid.hex
    assert user["uuid"] == ann.user_usage_uuid.hex
    assert answer(response) == (
        201,
        controls.bulk_answer(
            controls.bulk_result(result="unchanged", uuid=uuids["gpu"], position=None),
            controls.bulk_result(uuid=uuids["cpu"], position=cpu_position),
            controls.bulk_result(uuid=user["uuid"], position=ann_position),
        ),
    )
    assert response.headers["Ledger-Position"] == str(ann_position)


def test_an_item_with_several_facts_is_told_the_position_of_its_last(world: World) -> None:
    # The first report of a resource describes its plan period, the user of a month without any makes one.
    response = send(world, [of("cpu", 1), of_user("ann", 5, type="gpu")])
    (_, period), (first, _), (_, made), (last, user) = last_facts(world, 4)
    assert isinstance(period, PlanPeriodDescribed)
    assert isinstance(made, Report)
    assert isinstance(user, UserUsageReported)
    assert [each["position"] for each in results(response)] == [first, last]


def test_what_stores_nothing_is_answered_200_and_appends_nothing(world: World) -> None:
    items = [of("cpu", 1, date="2026-11-03"), of_user("ann", 1, date="2026-11-03")]
    assert send(world, items).status_code == 201
    before, uuids = world.facts(), [each["uuid"] for each in results(send(world, items))]
    assert answer(send(world, items)) == (
        200,
        controls.bulk_answer(
            *(controls.bulk_result(result="unchanged", uuid=uuid, position=None) for uuid in uuids)
        ),
    )
    assert world.facts() == before


def test_by_default_all_are_stored_or_none(world: World) -> None:
    before = world.facts()
    response = send(world, [of("cpu", 1), of("fee", 2), of_user("ann", 3), of("cpu", 1)])
    status, body = answer(response)
    assert status == 400
    # The last one would repeat what the first would have stored: it is not there either.
    assert [each["result"] for each in body["results"]] == [
        "not_stored",
        "refused",
        "not_stored",
        "not_stored",
    ]
    assert {name: body[name] for name in body if name != "results"} == {
        "created": 0,
        "changed": 0,
        "unchanged": 0,
        "refused": 1,
        "not_stored": 3,
    }
    assert body["results"][1] == refused({"non_field_errors": ["These components are invalid: fee."]})
    assert {each.get("position") for each in body["results"]} == {None}
    assert (world.facts(), world.usages()) == (before, [])


def test_what_stands_already_is_unchanged_in_a_refused_request_too(world: World) -> None:
    items = [of("cpu", 1, date="2026-11-02"), of("gpu", 1, date="2026-11-02")]
    assert send(world, items).status_code == 201
    more = [*items, of("cpu", 2, date="2026-11-02"), of("cpu", 2, date="2026-11-02"), of("fee", 1)]
    response = send(world, more)
    assert words(response) == ["unchanged", "unchanged", "not_stored", "not_stored", "refused"]
    assert rows(world) == [(RESOURCE, kind, "2026-11-01", "1.00") for kind in ("cpu", "gpu")]
    tried = send(world, more, dry_run="true")
    assert words(tried) == ["unchanged", "unchanged", "changed", "unchanged", "refused"]
    assert "not_stored" not in tried.get_json()


def test_a_refused_request_that_names_itself_is_told_again_what_was_not_stored(world: World) -> None:
    def again() -> TestResponse:
        return world.as_("staff").send(
            "POST", REPORTS, json=[of("cpu", 1), of("fee", 1)], headers={"Idempotency-Key": "june"}
        )

    first, second = again(), again()
    assert words(first) == ["not_stored", "refused"]
    assert (second.status_code, second.data) == (400, first.data)
    assert second.headers["Idempotency-Replayed"] == "true"


def test_with_atomic_false_the_good_ones_are_stored(world: World) -> None:
    response = send(world, [of("cpu", 1), of("fee", 2), of_user("ann", 3)], atomic="false")
    status, body = answer(response)
    assert (status, body["created"], body["refused"]) == (201, 2, 1)
    assert rows(world) == [(RESOURCE, "cpu", "2026-11-01", "1.00")]
    assert shares(world) == [("2026-11-01", "ann", "3.00")]


def test_with_atomic_false_a_request_of_which_nothing_is_good_is_a_400(world: World) -> None:
    before = world.facts()
    assert send(world, [of("fee", 2)], atomic="false").status_code == 400
    world.report(usages=[{"type": "cpu", "amount": 1}], date="2026-11-02")
    unchanged = send(world, [of("fee", 2), of("cpu", 1, date="2026-11-02")], atomic="false")
    assert (unchanged.status_code, words(unchanged)) == (400, ["refused", "unchanged"])
    assert len(world.facts(Report)) == 1
    assert len(world.facts()) == len(before) + 2


# member01 is known. What somebody new gets for an id can't be foretold: it derives from a person to come.
MIXED = [of("cpu", 1), of_user("member01", 3), of("fee", 2), of("cpu", 1), of("gpu", 4), of("gpu", 5)]


@pytest.mark.parametrize(
    ("items", "atomic"),
    [(MIXED[:2], "true"), (MIXED, "false"), (MIXED[:2], "false"), (MIXED[2:3], "false")],
)
def test_a_dry_run_stores_nothing_and_answers_the_same_without_positions(
    world: World, items: list[Any], atomic: str
) -> None:
    world.report(usages=[{"type": "gpu", "amount": 4}])
    before = world.facts()
    tried = send(world, items, atomic=atomic, dry_run="true")
    assert world.facts() == before
    status, told = answer(send(world, items, atomic=atomic))
    for each in told["results"]:
        if each["result"] != "refused":
            each["position"] = None
    assert answer(tried) == (status, told)
    assert (len(world.facts()) > len(before)) == (status == 201)


def test_a_dry_run_of_what_would_be_refused_says_what_would_become_of_each(world: World) -> None:
    response = send(world, MIXED, dry_run="true")
    told = response.get_json()
    assert words(response) == ["created", "created", "refused", "unchanged", "created", "changed"]
    assert (response.status_code, told["created"], told["changed"]) == (400, 3, 1)


def test_people_who_are_named_in_vain_are_not_kept(world: World) -> None:
    before = count_people(world)
    send(world, [of_user("ann", 1)], dry_run="true")
    send(world, [of_user("bob", 1), of("fee", 1)])
    send(world, [of_user("eve", "x"), of_user("joe", 1, type="fie")], atomic="false")
    assert count_people(world) == before
    send(world, [of_user("ann", 1), of_user("ann", 2), of_user("bob", 1)])
    assert count_people(world) == before + 2


def count_people(world: World) -> int:
    with world.services.reading() as cursor:
        (row,) = cursor.execute("SELECT count(*) AS people FROM journal.person").fetchall()
    people: int = row["people"]
    return people


@pytest.mark.parametrize("word", ["0", "False", "no", "OFF"])
def test_switches_are_written_as_booleans_are_elsewhere_and_the_last_one_counts(
    world: World, word: str
) -> None:
    items = [of("cpu", 1), of("fee", 2)]
    assert world.as_("staff").post(f"{REPORTS}?atomic=true&atomic={word}", items).status_code == 201
    assert world.as_("staff").post(f"{REPORTS}?dry_run=1&dry_run={word}", items[:1]).status_code == 200


@pytest.mark.parametrize("name", ["atomic", "dry_run"])
def test_a_switch_that_is_no_boolean_is_refused(world: World, name: str) -> None:
    assert answer(send(world, [of("cpu", 1)], **{name: "maybe"})) == (
        400,
        {name: ["Must be a valid boolean."]},
    )
    assert answer(send(world, [of("cpu", 1)], **{name: ""})) == (400, {name: ["Must be a valid boolean."]})
    assert world.facts(Report) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dry_runn", "Unknown parameter. Did you mean dry_run?"),
        ("Dry-Run", "Unknown parameter. Did you mean dry_run?"),
        ("ATOMIC", "Unknown parameter. Did you mean atomic?"),
        ("min_position", "Unknown parameter. Known are atomic, dry_run."),
    ],
)
def test_a_parameter_that_nobody_knows_is_refused_with_the_one_that_was_meant(
    world: World, name: str, told: str
) -> None:
    assert answer(send(world, [of("cpu", 1)], **{name: "true"})) == (400, {name: [told]})
    assert world.facts(Report) == []
