"""The list of verifications: who reads it, and in which order."""

import pytest

from tests.audit.reading import FEED
from tests.support.everything import record_verification
from tests.world import CATALOGUE, World

VERIFICATIONS = "/api/ledger/verifications/"


def test_the_newest_comes_first_in_pages_like_those_of_lists(world: World) -> None:
    for to, differences in ((40, 0), (41, 2), (42, 0)):
        record_verification(world, to, 39, differences)
    staff = world.as_("staff")
    first = staff.get(VERIFICATIONS, page_size=2)
    assert first.headers["X-Result-Count"] == "3"
    assert f'{VERIFICATIONS}?page=2&page_size=2>; rel="next"' in first.headers["Link"]
    rows = first.get_json() + staff.get(VERIFICATIONS, page_size=2, page=2).get_json()
    last = world.projector.catch_up()
    assert rows == [
        {
            "position": last - back,
            "recorded_at": "2026-11-15T12:00:00+00:00",
            "to": 42 - back,
            "facts": 39,
            "differences": differences,
            "ok": not differences,
        }
        for back, differences in enumerate((0, 2, 0))
    ]
    assert [row["ok"] for row in rows] == [True, False, True]
    assert staff.get(VERIFICATIONS, field="ok").get_json() == [{"ok": row["ok"]} for row in rows]
    assert staff.get(VERIFICATIONS, page=4).status_code == 404


@pytest.mark.parametrize("user", [each["username"] for each in CATALOGUE["users"]])
def test_only_staff_and_support_read_it(world: World, user: str) -> None:
    record_verification(world)
    response = world.as_(user).get(VERIFICATIONS)
    if user in ("staff", "support"):
        assert len(response.get_json()) == 1
    else:
        detail = "You do not have permission to perform this action."
        assert (response.status_code, response.get_json()) == (403, {"detail": detail})


def test_nobody_reads_it_without_a_token(world: World) -> None:
    assert world.anonymous.get(VERIFICATIONS).status_code == 401


def test_a_parameter_that_nobody_knows_is_refused(world: World) -> None:
    assert world.as_("staff").get(VERIFICATIONS, ok="true").status_code == 400


def test_the_feed_tells_of_it(world: World) -> None:
    record_verification(world, 40, 39, 1)
    after = world.projector.catch_up() - 1
    (event,) = world.as_("support").get(FEED, after=after).get_json()
    assert event["type"] == "ReadModelsVerified"
    assert event["data"] == {
        "recorded_at": "2026-11-15T12:00:00Z",
        "to": 40,
        "facts": 39,
        "differences": 1,
    }


def test_those_that_were_made_later_are_not_in_the_list_as_of_then(world: World) -> None:
    record_verification(world, 40)
    first = world.projector.catch_up()
    record_verification(world, 41)
    then = world.as_("staff").get(VERIFICATIONS, as_of=first)
    assert [row["position"] for row in then.get_json()] == [first]
    assert then.headers["X-Result-Count"] == "1"
    assert world.as_("staff").get(VERIFICATIONS, as_of=first - 1).get_json() == []
