"""Facts that can't be read: what needs one says which it is, and what to do, and the feed has it."""

from base64 import b64encode
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent

from ledger.errors import UnreadableFact
from tests.audit.reading import FEED, as_lines, lines_of
from tests.billing.correcting import CORRECTIONS, october, proposed, take
from tests.dashboard.reading import reader
from tests.verification.verifying import change_state, unguarded
from tests.world import USAGES, World
from web.wire.errors import TAMPERED

WHAT_TO_DO = (
    "Either a newer version wrote it, and is to be installed here, or the journal was changed:"
    " `usage-ledger verify` tells of all that can't be read."
)

UNKNOWN = "of the kind Rumour, can't be read: this version knows no such kind."
LACKING = (
    "of the kind UsageReported, can't be read: ValidationError: Object missing required field `plan_amount`."
)

NO_JSON = b"{minutes"


def rename(world: World, position: int) -> None:
    """Make a fact one of a kind that nobody knows."""
    with unguarded(world) as connection:
        connection.execute(
            "UPDATE journal.ledger_events SET topic = 'Rumour' WHERE notification_id = %s", [position]
        )


def strip(world: World, position: int) -> None:
    """Take from a fact what all of its kind have."""
    change_state(world, position, '"plan_amount":', '"planned":')


def spoil(world: World, position: int) -> None:
    """Make a fact say what is no JSON."""
    with unguarded(world) as connection:
        connection.execute(
            "UPDATE journal.ledger_events SET state = %s WHERE notification_id = %s", [NO_JSON, position]
        )


@pytest.fixture
def at(world: World) -> int:
    """The position of the second of three reports of one figure."""
    for amount in ("4", "5", "6"):
        usages = [{"type": "cpu", "amount": amount}]
        assert world.report(date="2026-10-05", usages=usages).status_code == 201
    return world.projector.catch_up() - 1


def figure(world: World) -> str:
    (row,) = world.usages()
    return str(row["uuid"])


@pytest.mark.parametrize(("change", "told"), [(rename, UNKNOWN), (strip, LACKING)])
def test_a_history_names_the_fact_and_what_to_do(world: World, at: int, change: Any, told: str) -> None:
    change(world, at)
    answer = world.as_("staff").get(f"{USAGES}{figure(world)}/history/")
    detail = f"The fact at position {at}, {told} {WHAT_TO_DO}"
    assert (answer.status_code, answer.get_json()) == (503, {"detail": detail})
    page = reader(world, "staff").open(f"/dashboard/figures/{figure(world)}/")
    assert (page.status, page.messages) == (503, [detail])


@pytest.mark.parametrize("change", [rename, strip, spoil])
def test_what_rests_on_rows_only_is_answered(world: World, at: int, change: Any) -> None:
    before = world.usages()
    change(world, at)
    assert world.usages() == before
    assert world.report(date="2026-10-05", usages=[{"type": "cpu", "amount": "7"}]).status_code == 201


@pytest.mark.parametrize("change", [rename, strip, spoil])
def test_the_feed_has_every_fact_as_it_is_stored(world: World, at: int, change: Any) -> None:
    change(world, at)
    (stored,) = world.ledger.stored_after(at - 1, 1)
    for events in (
        world.as_("staff").get(FEED, after=at - 1).get_json(),
        lines_of(as_lines(world.as_("staff"), after=at - 1)),
    ):
        assert [each["id"] for each in events] == [f"{at}", f"{at + 1}"]
        assert events[0]["type"] == stored.topic
        if change is spoil:
            assert events[0]["data_base64"] == b64encode(NO_JSON).decode()
            assert events[0].keys().isdisjoint({"data", "time"})
        else:
            assert {"data", "time"} <= events[0].keys()
    page = reader(world, "staff").open(f"/dashboard/facts/{at}/")
    assert (page.status, stored.topic in page.text) == (200, True)
    for form in ("csv", "ndjson", "parquet"):
        assert world.as_("staff").get(FEED, after=at - 1, format=form).status_code == 200


def test_a_fact_without_a_time_has_none_in_the_feed_and_the_past_is_there_all_the_same(
    world: World, at: int
) -> None:
    before = world.as_("staff").get(USAGES, as_of=at).get_json()
    change_state(world, at, '"recorded_at":', '"recorded":')
    event = world.as_("staff").get(FEED, after=at - 1).get_json()[0]
    assert (event["id"], "time" in event, "recorded" in event["data"]) == (f"{at}", False, True)
    assert world.as_("staff").get(USAGES, as_of=at).get_json() == before


@pytest.mark.parametrize("path", ["history/", "as_of"])
def test_what_reads_a_fact_that_is_no_json_is_told_to_rest_on_one(world: World, at: int, path: str) -> None:
    usage = figure(world)
    spoil(world, at)
    staff = world.as_("staff")
    answer = {
        "history/": lambda: staff.get(f"{USAGES}{usage}/history/"),
        "as_of": lambda: staff.get(USAGES, as_of=at),
    }[path]()
    assert (answer.status_code, answer.get_json()) == (503, {"detail": TAMPERED})


def test_a_correction_whose_step_can_not_be_read_names_it(world: World) -> None:
    october(world)
    uuid = proposed(world)
    at = world.projector.catch_up()
    october(world, "6")
    rename(world, at)
    told = {"detail": f"The fact at position {at}, {UNKNOWN} {WHAT_TO_DO}"}
    for answer in (world.as_("staff").get(f"{CORRECTIONS}{uuid}/"), take(world, uuid, "approve", by="staff")):
        assert (answer.status_code, answer.get_json()) == (503, told)


def test_facts_of_a_newer_version_stop_the_read_models_and_are_named(world: World) -> None:
    world.projector.catch_up()
    newer = StoredEvent(UUID(int=2), 1, "Rumour", b'{"recorded_at":"2026-01-01T00:00:00Z"}')
    (at,) = world.ledger.journal.insert_events([newer])
    told = f"The fact at position {at}, {UNKNOWN} {WHAT_TO_DO}"
    ready = world.anonymous.get("/readyz")
    assert (ready.status_code, ready.get_json()["reason"]) == (503, f"UnreadableFact: {told}")
    report = world.report(usages=[{"type": "cpu", "amount": "1"}])
    assert (report.status_code, report.get_json()) == (503, {"detail": told})
    with pytest.raises(UnreadableFact):
        world.ledger.facts_after(0, 1_000)


def test_a_topic_is_never_looked_for_among_modules(world: World) -> None:
    stored = StoredEvent(UUID(int=2), 1, "os:system", b"{}")
    with pytest.raises(UnreadableFact, match="no such kind"):
        world.ledger.fact_of(stored, 1)
