"""How new an answer is: `Ledger-Position`, `ETag` and `If-None-Match`, and `?min_position=`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier

import psycopg
import pytest

from ledger.events import Report
from projections.rebuild import Rebuild
from tests.request.freshness import MONTHLY, SCOPES, ask, etag_of, head_of, position_of
from tests.world import (
    RESOURCE,
    USAGES,
    USER_USAGES,
    World,
    open_world,
    uid,
)
from web import create_app


@pytest.fixture
def paths(world: World, usage: str) -> list[str]:
    """Every path that answers a GET."""
    user_usage = world.user_usages()[0]["uuid"]
    return [USAGES, f"{USAGES}{usage}/", USER_USAGES, f"{USER_USAGES}{user_usage}/", MONTHLY, *SCOPES]


# Ledger-Position


def test_every_answer_says_how_far_the_ledger_is(world: World, usage: str) -> None:
    staff, anonymous = world.as_("staff"), world.anonymous
    head = head_of(world)
    answers = {
        200: [staff.get(USAGES), staff.head(USAGES), anonymous.get("/healthz"), anonymous.get("/readyz")],
        301: [anonymous.get(USAGES.rstrip("/"))],
        400: [staff.get(USAGES, resource_uuid="zzz"), staff.post(f"{USAGES}set_usage/", [])],
        401: [anonymous.get(USAGES), anonymous.post(USAGES, {}), anonymous.post("/healthz", {})],
        403: [world.report_user(usage, by="project-member", username="ann", usage=1)],
        404: [staff.get(f"{USAGES}{uid(1)}/"), anonymous.get("/nowhere")],
        405: [staff.post(USAGES, {}), staff.post("/healthz", {})],
        415: [staff.send("POST", "/api/ledger/reports/", data="x", content_type="text/csv")],
    }
    for status, responses in answers.items():
        for response in responses:
            assert (response.status_code, position_of(response)) == (status, head)


def test_a_post_is_told_a_position_that_its_facts_are_in(world: World) -> None:
    for amount in range(3):
        response = world.report(usages=[{"type": "cpu", "amount": amount}])
        assert response.status_code == 201
        assert position_of(response) == head_of(world)
    (fact,) = (fact for _, fact in world.ledger.facts_after(position_of(response) - 1, 10))
    assert isinstance(fact, Report)


def test_what_another_process_reported_counts_in_the_next_answer(world: World, world_url: str) -> None:
    world.usages()
    with open_world(world_url) as other:
        told = position_of(other.report(usages=[{"type": "cpu", "amount": 1}]))
    assert position_of(world.as_("staff").get(USAGES)) == told == head_of(world)


def test_positions_only_grow_for_many_who_read_and_report(world: World) -> None:
    client, barrier = world.as_("staff"), Barrier(8)

    def work(number: int) -> list[int]:
        barrier.wait()
        positions = []
        for amount in range(12):
            body = {"resource": RESOURCE, "date": f"2026-{number + 1:02}-02"}
            reported = client.post(
                f"{USAGES}set_usage/", body | {"usages": [{"type": "cpu", "amount": amount}]}
            )
            positions += [position_of(reported)]
            positions += [position_of(client.get(USAGES, page_size=1)), position_of(client.get("/healthz"))]
            (row,) = client.get(USAGES, billing_period=f"2026-{number + 1:02}-01").get_json()
            assert row["usage"] == f"{amount}.00"
        return positions

    with ThreadPoolExecutor(8) as pool:
        for positions in pool.map(work, range(8)):
            assert positions == sorted(positions)
    assert position_of(client.get(USAGES)) == head_of(world)


# ETag


def test_every_get_has_a_strong_tag_that_stays_while_nothing_happens(world: World, paths: list[str]) -> None:
    staff = world.as_("staff")
    tags = [etag_of(staff, path) for path in paths]
    assert all(len(tag) == 34 and tag[0] == tag[-1] == '"' for tag in tags)
    assert len(set(tags)) == len(tags)
    world.now = world.now.replace(hour=23)
    assert [etag_of(staff, path) for path in paths] == tags
    assert [ask(staff, path, method="HEAD").headers["ETag"] for path in paths] == tags


def test_a_tag_outlives_the_process_and_a_rebuild(world: World, world_url: str, paths: list[str]) -> None:
    tags = [etag_of(world.as_("staff"), path) for path in paths]
    with open_world(world_url) as other:
        assert [etag_of(other.as_("staff"), path) for path in paths] == tags
        Rebuild(other.ledger.pool, other.ledger.facts_after).run()
    assert [etag_of(world.as_("staff"), path) for path in paths] == tags


def test_tokens_of_one_user_are_told_one_tag(world: World, usage: str) -> None:
    second = world.client(world.token_of("staff"))
    assert etag_of(world.as_("staff"), USAGES) == etag_of(second, USAGES)


def test_a_tag_is_another_one_after_every_report(world: World, paths: list[str]) -> None:
    staff = world.as_("staff")
    before = {path: etag_of(staff, path) for path in paths}
    world.report(usages=[{"type": "gpu", "amount": 1}])
    after = {path: etag_of(staff, path) for path in paths}
    assert [path for path in paths if before[path] == after[path]] == []


def test_a_tag_is_of_url_query_and_host(world: World, usage: str) -> None:
    staff = world.as_("staff")
    tags = [
        etag_of(staff, USAGES),
        etag_of(staff, f"{USAGES}?page_size=5"),
        etag_of(staff, f"{USAGES}?field=uuid"),
        etag_of(staff, f"{USAGES}?field=usage"),
        etag_of(staff, f"{USAGES}{usage}/"),
        etag_of(staff, f"{USAGES}{usage.upper()}/"),
        etag_of(staff, USER_USAGES),
        etag_of(staff, USER_USAGES, base_url="https://localhost"),
        etag_of(staff, USER_USAGES, base_url="http://example.org"),
    ]
    assert len(set(tags)) == len(tags)


def test_a_tag_is_of_the_callers_rights(world: World, usage: str) -> None:
    tags = {etag_of(world.as_(by), USAGES) for by in ("staff", "support", "offering-manager", "stranger")}
    assert len(tags) == 4


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 24), ("Europe/Tallinn", 22), ("America/New_York", 29)])
def test_a_tag_is_of_the_day_where_the_answer_is(world_url: str, zone: str, hour: int) -> None:
    with open_world(world_url, zone=zone) as world:
        staff = world.as_("staff")
        world.report(usages=[{"type": "cpu", "amount": 1}])
        paths = [USAGES, f"{USAGES}?billing_period_month=11", USER_USAGES, MONTHLY, *SCOPES]
        midnight = world.now.replace(hour=0) + timedelta(hours=hour)
        world.now = midnight - timedelta(seconds=1)
        before = [etag_of(staff, path) for path in paths]
        world.now = midnight
        after = [etag_of(staff, path) for path in paths]
        changed = [path for path, one, other in zip(paths, before, after, strict=True) if one != other]
        assert changed == [MONTHLY, *SCOPES]


@pytest.mark.parametrize("reads", range(8))
def test_an_answer_of_the_last_month_is_never_taken_for_one_of_this(world: World, reads: int) -> None:
    # The month ends while the request is under way, at one reading of the clock or another.
    world.report(usages=[{"type": "cpu", "amount": 1}])
    end = world.now.replace(month=12, day=1, hour=0)
    times: Iterator[datetime] = iter(())
    app = create_app(
        world.ledger,
        world.projector,
        max_body_bytes=world.settings.max_body_bytes,
        clock=lambda: next(times, end),
    )
    headers = {"Authorization": world.as_("staff").authorization}
    for path in (MONTHLY, SCOPES[0]):
        times = iter([end - timedelta(seconds=1)] * reads)
        first = app.test_client().get(path, headers=headers)
        times = iter(())
        later = app.test_client().get(path, headers=headers | {"If-None-Match": first.headers["ETag"]})
        assert later.status_code == 200 or first.data == app.test_client().get(path, headers=headers).data


def test_only_what_can_be_asked_for_again_has_a_tag(world: World, usage: str) -> None:
    staff = world.as_("staff")
    for response in (
        staff.get(USAGES, resource_uuid="zzz"),
        staff.get(USAGES, page=9),
        staff.get(f"{USAGES}{uid(1)}/"),
        world.anonymous.get(USAGES),
        world.anonymous.get("/healthz"),
        staff.send("OPTIONS", USAGES),
        world.report(usages=[{"type": "cpu", "amount": 1}]),
        staff.post(USAGES, {}),
    ):
        assert "ETag" not in response.headers


# If-None-Match


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', '"x" , W/{} ,"y"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_the_answer_is_told_so(world: World, paths: list[str], form: str, method: str) -> None:
    staff = world.as_("staff")
    for path in paths:
        etag = etag_of(staff, path)
        response = ask(staff, path, form.format(etag), method)
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == etag
        assert position_of(response) == head_of(world)
        assert "Content-Type" not in response.headers
        assert "X-Result-Count" not in response.headers


@pytest.mark.parametrize("form", ['"x"', "{}x", "", '"x", "y"', 'W/"x"'])
def test_who_has_another_answer_gets_this_one(world: World, usage: str, form: str) -> None:
    staff = world.as_("staff")
    whole = staff.get(USAGES)
    response = ask(staff, USAGES, form.format('"' + "0" * 32))
    assert (response.status_code, response.data) == (200, whole.data)


def test_an_answer_is_not_anothers(world: World, usage: str) -> None:
    etag = etag_of(world.as_("staff"), USAGES)
    response = ask(world.as_("stranger"), USAGES, etag)
    assert (response.status_code, response.get_json()) == (200, [])
    assert ask(world.anonymous, USAGES, etag).status_code == 401


def test_after_a_report_the_old_answer_is_no_more(world: World, usage: str) -> None:
    staff = world.as_("staff")
    etag = etag_of(staff, USAGES)
    world.report(usages=[{"type": "cpu", "amount": 101}])
    response = ask(staff, USAGES, etag)
    assert (response.status_code, [row["usage"] for row in response.get_json()]) == (200, ["101.00"])


def test_whatever_the_client_has_an_error_is_an_error(world: World, usage: str) -> None:
    staff = world.as_("staff")
    assert ask(staff, f"{USAGES}?resource_uuid=zzz", "*").status_code == 400
    assert ask(staff, f"{USAGES}{uid(1)}/", "*").status_code == 404
    assert ask(staff, USAGES, "*", "POST", json={}).status_code == 405


@contextmanager
def unreadable(world: World, *tables: str) -> Iterator[None]:
    """Takes tables away for a while."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        for table in tables:
            connection.execute(f"ALTER TABLE read_models.{table} RENAME TO {table}_away".encode())
        try:
            yield
        finally:
            for table in tables:
                connection.execute(f"ALTER TABLE read_models.{table}_away RENAME TO {table}".encode())


def test_that_nothing_changed_is_told_before_a_row_is_read(world: World, paths: list[str]) -> None:
    staff = world.as_("staff")
    tags = {path: etag_of(staff, path) for path in paths}
    tables = ("component_usage", "user_usage", "monthly_consumption", "resource", "project", "customer")
    with unreadable(world, *tables):
        for path, etag in tags.items():
            assert ask(staff, path).status_code == 503
            assert ask(staff, path, etag).status_code == 304
