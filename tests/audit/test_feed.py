"""The feed: every fact as an event, in the order of the journal."""

from typing import Any

import orjson
import pytest

from tests.audit.reading import FEED, as_lines, lines_of, pages, stored
from tests.request.freshness import head_of, position_of
from tests.world import World, plain_headers
from web.wire.audit.feed import BATCH, LINES


def test_an_event_says_everything_that_the_journal_has_of_a_fact(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "12.50", "description": 'a "naïve"\n line'}])
    fact = world.ledger.stored_after(head_of(world) - 1, 1)[0]
    response = world.as_("staff").get(FEED, after=fact.id - 1)
    with world.ledger.pool.connection() as connection:
        row = connection.execute("SELECT ledger_id FROM journal.ledger").fetchone()
    assert row is not None
    leaf = len(world.facts()) - 1
    stream, state = fact.originator_id.hex, fact.state  # type: ignore[union-attr]
    recorded_at = orjson.loads(state)["recorded_at"]
    assert response.data.decode() == (
        f'[{{"specversion":"1.0","id":"{fact.id}","source":"usage-ledger/{row["ledger_id"].hex}",'
        f'"type":"UsageReported","subject":"{stream}","time":"{recorded_at}",'
        f'"datacontenttype":"application/json","sequence":"{fact.id}",'
        f'"originatorversion":{fact.originator_version},"leafindex":{leaf},"data":{state.decode()}}}]'
    )
    assert position_of(response) == fact.id
    assert plain_headers(response) == {
        "Content-Type": BATCH,
        "Content-Length": str(len(response.data)),
        "Link": f'<http://localhost{FEED}?after={fact.id}&limit=100>; rel="next"',
        "Vary": "Accept",
    }


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_and_lines_have_every_fact_once(world: World, limit: int) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    everything = [(str(at), topic) for at, topic, _ in stored(world)]
    paged = pages(world.as_("staff"), limit)
    assert [(each["id"], each["type"]) for each in paged] == everything
    lines = as_lines(world.as_("staff"), limit=limit)
    assert lines.content_type == LINES
    assert lines_of(lines) == paged


def test_without_a_limit_there_are_a_hundred_events(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    usage = world.usages()[0]["uuid"]
    for number in range(101 - len(stored(world))):
        world.report_user(usage, username="ann", usage=number + 1)
    assert len(stored(world)) >= 101
    assert len(world.as_("staff").get(FEED).get_json()) == 100


def test_behind_the_last_fact_there_is_nothing(world: World) -> None:
    for after in (head_of(world), 10**18 - 1):
        response = world.as_("staff").get(FEED, after=after)
        assert (response.data, response.content_type) == (b"[]", BATCH)
        assert "Link" not in response.headers
        assert as_lines(world.as_("staff"), after=after).data == b""


POSITION = "Must be a position: a whole number from 0 on."
LIMIT = "Must be a whole number from 1 to 1000."
WAIT = "Must be a number of seconds from 0 to 30."


def test_wrong_parameters_are_refused_by_name(world: World) -> None:
    wrong: list[tuple[dict[str, str], dict[str, Any]]] = [
        *[({"after": each}, {"after": [POSITION]}) for each in ("", "-1", "x", "1.0", "1_0", "9" * 19)],
        *[({"limit": each}, {"limit": [LIMIT]}) for each in ("", "0", "1001", "-1", "x", "10.5")],
        *[({"wait": each}, {"wait": [WAIT]}) for each in ("", "-1", "30.1", "31", "x", "nan", "1e1", "1_0")],
        (
            {"after": "x", "limit": "0", "wait": "31"},
            {"after": [POSITION], "limit": [LIMIT], "wait": [WAIT]},
        ),
    ]
    for query, problems in wrong:
        response = world.as_("staff").get(FEED, **query)
        assert (response.status_code, response.get_json()) == (400, problems), query


def test_an_unknown_parameter_is_refused(world: World) -> None:
    response = world.as_("staff").get(FEED, since=1)
    assert response.status_code == 400
    assert list(response.get_json()) == ["since"]


def test_lines_are_for_those_who_ask_for_them(world: World) -> None:
    forms = {
        "*/*": BATCH,
        "application/json": BATCH,
        LINES: LINES,
        f"{LINES}, */*": LINES,
        f"{LINES};q=0.5, {BATCH}": BATCH,
        f"{LINES};q=0": BATCH,
        "text/html": BATCH,
    }
    for accept, form in forms.items():
        for method in ("GET", "HEAD"):
            response = world.as_("staff").send(method, FEED, headers={"Accept": accept})
            assert (response.status_code, response.content_type) == (200, form), accept
            assert position_of(response) == head_of(world)
            assert bool(response.data) == (method == "GET")


def test_an_answer_of_a_moment_ago_may_be_another_one_now(world: World) -> None:
    etag = world.as_("staff").get(FEED).headers["ETag"]
    world.now = world.now.replace(microsecond=1)
    response = world.as_("staff").send("GET", FEED, headers={"If-None-Match": etag})
    assert response.status_code == 200


def test_the_source_is_what_the_operator_calls_the_ledger(world: World) -> None:
    world.configure(origin="ledger.example.org/hpc")
    assert {each["source"] for each in pages(world.as_("staff"), 1000)} == {"ledger.example.org/hpc"}


def test_lines_that_nobody_takes_make_room_for_others(world: World) -> None:
    world.configure()
    for _ in range(10):
        as_lines(world.as_("staff")).close()
        world.as_("staff").send("HEAD", FEED, headers={"Accept": LINES})
        world.as_("staff").send("GET", FEED, headers={"Accept": LINES, "If-None-Match": "*"})
    assert as_lines(world.as_("staff")).status_code == 200
