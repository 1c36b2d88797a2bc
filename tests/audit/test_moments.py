"""What positions and times stand for."""

from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from marshmallow import ValidationError

from projections.history.moments import EMPTY, fact_at_or_before, position_at
from projections.rebuild import Rebuilt
from tests.history.short_spans import SHORT
from tests.history.short_spans import short_spans as short_spans
from tests.projections.rebuilding import rebuild_of
from tests.world import World, uid
from web.wire.audit.positions import MALFORMED, position_or_time

NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "0": 0,
        "152": 152,
        "000152": 152,
        "9" * 5000: int("9" * 19),
        "2026-11-15T12:00:00Z": NOON,
        "2026-11-15t12:00:00z": NOON,
        "2026-11-15T14:30:00+02:30": NOON,
        "2026-11-15T12:00:00-00:00": NOON,
        "2026-11-15T12:00:00.25Z": NOON + timedelta(milliseconds=250),
        "2026-11-15T12:00:00.1234569Z": NOON + timedelta(microseconds=123456),
        "2016-12-31T23:59:60Z": datetime(2016, 12, 31, 23, 59, 59, 999999, UTC),
        "2016-12-31T23:59:60.5Z": datetime(2016, 12, 31, 23, 59, 59, 999999, UTC),
        "0001-01-01T00:00:00+23:59": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23, minutes=59))),
    }.items(),
)
def test_a_position_or_a_time_is_read(text: str, expected: int | datetime) -> None:
    assert position_or_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "-1", "+1", "1.0", " 1", "1_0", "0x1", "\u0661", "1\x00", "1\n"),
        *("2026-11-15", "2026-11-15T12:00:00", "2026-11-15T12:00Z", "20261115T120000Z"),
        *("2026-11-15 12:00:00Z", "2026-11-15T12:00:00 02:00", "2026-11-15T12:00:00+0200"),
        *("2026-02-30T12:00:00Z", "2026-13-01T12:00:00Z", "2026-11-15T24:00:00Z", "2026-11-15T12:60:00Z"),
        *("2026-11-15T12:00:00,5Z", "2026-11-15T12:00:00.Z", "2026-11-15T12:00:00+24:00"),
        *("0000-01-01T00:00:00Z", "2026-W46-7T12:00:00Z", "now"),
    ],
)
def test_nothing_else_is(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        position_or_time(text)
    assert refused.value.messages == [MALFORMED]


def tell(world: World, minutes: int) -> int:
    """Record something so many minutes after noon, and return its position."""
    world.now = NOON + timedelta(minutes=minutes)
    world.describe(
        projects=[{"uuid": uid(0x5000), "name": f"{len(world.facts())}", "customer_uuid": uid(0xC2)}]
    )
    return world.projector.catch_up()


def found_at(world: World, *minutes: int) -> list[int]:
    with world.services.reading() as cursor:
        return [
            fact_at_or_before(cursor, position_at(cursor, NOON + timedelta(minutes=each))).end.position
            for each in minutes
        ]


def test_a_time_stands_for_the_greatest_position_at_and_below_which_nothing_was_recorded_later(
    world: World,
) -> None:
    start = world.projector.catch_up()
    one, two, late, two_again, three = (tell(world, minutes) for minutes in (1, 20, 10, 20, 30))
    assert one < two < late < two_again < three
    assert found_at(world, 0, 1, 9, 10, 19, 20, 29, 30, 1000) == [
        *(start, one, one, one, one, two_again, two_again, three, three)
    ]
    assert found_at(world, -1_000_000_000 // 1440) == [0]


@pytest.mark.usefixtures("short_spans")
def test_times_are_found_in_whichever_span_of_positions(world: World) -> None:
    minutes = [7 * each % 31 for each in range(5 * SHORT)]
    told = [(tell(world, each), each) for each in minutes]
    expected = {
        asked: min([position - 1 for position, each in told if each > asked], default=told[-1][0])
        for asked in range(31)
    }
    assert len(set(expected.values())) > 4
    assert found_at(world, *expected) == [*expected.values()]
    for batch in (1, 3, 1000):
        assert rebuild_of(world, batch=batch).run() == Rebuilt(is_live=True)
        assert found_at(world, *expected) == [*expected.values()]


def test_a_position_in_a_gap_stands_for_the_fact_before_it(world: World) -> None:
    before = tell(world, 1)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("SELECT setval('journal.ledger_events_notification_id_seq', %s)", [before + 10])
    behind = tell(world, 2)
    assert behind == before + 11
    with world.services.reading() as cursor:
        found = [fact_at_or_before(cursor, at) for at in (before, before + 1, before + 10, behind)]
        assert fact_at_or_before(cursor, 0) == EMPTY
        assert position_at(cursor, NOON + timedelta(minutes=1)) in range(before, behind)
    assert [each.end.position for each in found] == [before, before, before, behind]
    assert found[0].recorded_at == NOON + timedelta(minutes=1)
    assert found[0].end == found[1].end != found[3].end


def test_the_digest_of_a_fact_is_that_which_read_models_end_with(world: World) -> None:
    last = tell(world, 1)
    with world.services.reading() as cursor:
        assert fact_at_or_before(cursor, last).end == world.projector.reached().end
