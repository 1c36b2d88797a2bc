"""What is found in the journal itself, once somebody has turned its guards off."""

from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent

from tests.projections.test_rebuild import report_users
from tests.verification.verifying import change_state, unguarded, verified
from tests.world import World

CHANGED = "is not the fact that the tree has there"


@pytest.fixture(name="reported")
def world_with_reports(world: World) -> World:
    """A world in which the last three facts are reports of one record."""
    for amount in ("4", "5", "6"):
        world.report(usages=[{"type": "cpu", "amount": amount}])
    return world


def test_rows_that_follow_from_another_fact_differ(reported: World) -> None:
    last = reported.projector.catch_up()
    change_state(reported, last, '"amount":"6.00"', '"amount":"7.00"')
    change_state(reported, last, '"plan_amount":"6.00"', '"plan_amount":"7.00"')
    result, lines = verified(reported)
    assert result.is_compared
    assert any(" usage 6.00 7.00 " in line for line in lines if line.startswith("component_usage "))
    assert any(" total 6.00 7.00 " in line for line in lines if line.startswith("monthly_consumption "))
    assert any(line.startswith("read_position true digest ") for line in lines)


def test_what_can_not_be_read_is_told_fact_by_fact_and_no_row_is_compared(reported: World) -> None:
    last = reported.projector.catch_up()
    for position in (last - 2, last):
        change_state(reported, position, '"amount":', '"amounts":')
    result, lines = verified(reported)
    why = "can't be read: ValidationError: Object missing required field `amount`"
    assert lines == [f"journal {position} {each}" for each in (why, CHANGED) for position in (last - 2, last)]
    assert result == (last, len(reported.ledger.stored_after(0, 1_000)), 4, False)


def test_a_fact_that_nobody_could_project_is_told(world: World) -> None:
    position = world.projector.catch_up()
    broken = StoredEvent(UUID(int=2), 1, "UsageReported", b'{"recorded_at":"2026-01-01T00:00:00Z"}')
    (at,) = world.ledger.journal.insert_events([broken])
    assert at > position
    result, lines = verified(world)
    assert (result.to, result.is_compared) == (at, True)
    (line,) = lines
    assert line.startswith(f"journal {at} can't be read: ValidationError: ")


def test_a_kind_of_fact_that_nobody_knows_is_told(reported: World) -> None:
    last = reported.projector.catch_up()
    with unguarded(reported) as connection:
        connection.execute(
            "UPDATE journal.ledger_events SET topic = 'Rumour' WHERE notification_id = %s", [last]
        )
    _, lines = verified(reported)
    assert [line.partition(":")[0] for line in lines] == [
        f"journal {last} {told}" for told in ("can't be read", CHANGED)
    ]


def test_a_fact_that_no_rows_can_be_made_of_is_told(reported: World) -> None:
    last = reported.projector.catch_up()
    for name in ("amount", "plan_amount"):
        change_state(reported, last, f'"{name}":"6.00"', f'"{name}":"{10**19}"')
    result, lines = verified(reported)
    why = "no rows can be made of it: NumericValueOutOfRange: numeric field overflow"
    assert lines == [f"journal {last} {each}" for each in (why, CHANGED)]
    assert not result.is_compared


def test_a_gap_in_a_stream_is_told(reported: World) -> None:
    last = reported.projector.catch_up()
    with unguarded(reported) as connection:
        connection.execute("DELETE FROM journal.ledger_events WHERE notification_id = %s", [last - 1])
    _, lines = verified(reported)
    assert f"journal {last} is version 3 of its stream, after version 1" in lines


def test_versions_out_of_order_are_told(reported: World) -> None:
    last = reported.projector.catch_up()
    with unguarded(reported) as connection:
        for before, after in ((last, 0), (last - 1, last), (0, last - 1)):
            connection.execute(
                "UPDATE journal.ledger_events SET notification_id = %s WHERE notification_id = %s",
                [after, before],
            )
    _, lines = verified(reported)
    assert f"journal {last - 1} comes before the version before, which is at {last}" in lines


def test_a_report_in_the_stream_of_another_record_is_told(reported: World) -> None:
    last = reported.projector.catch_up()
    change_state(reported, last, '"month":"2026-11-01"', '"month":"2026-10-01"')
    assert f"journal {last} is in the stream of another resource, component or month" in verified(reported)[1]


def test_a_month_that_begins_on_another_day_is_told(reported: World) -> None:
    last = reported.projector.catch_up()
    change_state(reported, last, '"month":"2026-11-01"', '"month":"2026-11-02"')
    assert f"journal {last} counts for a day that begins no month" in verified(reported)[1]


def test_an_entity_in_the_stream_of_another_is_told(world: World) -> None:
    world.describe(customers=[{"uuid": "c" * 32, "name": "New"}])
    last = world.projector.catch_up()
    with unguarded(world) as connection:
        connection.execute(
            "UPDATE journal.ledger_events SET originator_id = gen_random_uuid() WHERE notification_id = %s",
            [last],
        )
    assert f"journal {last} is in the stream of another entity" in verified(world)[1]


def test_another_name_of_a_person_is_told(world: World) -> None:
    report_users(world, ann="1")
    last = world.projector.catch_up()
    with unguarded(world) as connection:
        connection.execute("UPDATE journal.person SET username = 'eve' WHERE username = 'ann'")
    _, lines = verified(world)
    assert lines[0] == f"journal {last} names somebody who had another username then"
    assert any(line.startswith("user_usage ") and ' username "ann" "eve" ' in line for line in lines)
