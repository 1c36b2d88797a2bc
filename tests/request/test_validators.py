"""What an ETag changes with: with all that its answer may show, and with nothing that others report."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs
from werkzeug.test import TestResponse

from ledger.events import UsageReported, UserUsageReported
from projections.rebuild import Rebuild
from tests.api.monthly import entity
from tests.audit.asking import ROLES, Question, questions, told
from tests.audit.happenings import EVERYTHING, Step, bulk, described, role, steps
from tests.request.freshness import MONTHLY, SCOPES, ask, etag_of, head_of, position_of
from tests.support.read_models import append
from tests.world import (
    CONSUMER,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_RESOURCE,
    USAGES,
    USER_USAGES,
    World,
    open_world,
    uid,
)
from web.commands import tokens
from web.request.validators.dependencies import CATALOGUE, NARROWED
from web.request.validators.kept import Store

WorldDatabase = Callable[[], AbstractContextManager[str]]

RESOURCES = "/api/marketplace-provider-resources/"

LISTS = (
    *(USAGES, USER_USAGES, RESOURCES, f"/api/marketplace-resources/{RESOURCE}/"),
    *("/api/ledger/monthly-usages/", "/api/ledger/monthly-usages/?group_by=user", "/api/ledger/movers/"),
    *("/api/ledger/freshness/", "/api/ledger/projects/", "/api/ledger/customers/", "/api/users/me/"),
    *("/api/marketplace-provider-offerings/", "/api/component-user-usage-limits/"),
)
"""What portals ask for, and nobody else's reports change."""

TENANTS = ("consumer-owner", "customer-support", "project-admin", "project-member", "provider-owner")
"""Who sees nothing of OTHER_RESOURCE, in roles of several kinds."""


class Reader:
    """Asks as a client that has the last answer to each question, and holds each tag to its first answer."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._has: dict[tuple[str, Question], tuple[str, dict[str, Any]]] = {}
        self._named: dict[str, dict[str, Any]] = {}
        self.kept = 0

    def ask(self, by: str, question: Question) -> None:
        tag, had = self._has.get((by, question), ("", {}))
        now = self._get(by, question)
        if tag:
            again = self._get(by, question, tag)
            if again.status_code == 304:
                assert without_position(now) == had, (by, question)
                assert now.headers["ETag"] == again.headers["ETag"] == tag
                self.kept += 1
            else:
                assert told(again) == told(now)
                assert again.headers.get("ETag") != tag or question_of_the_moment(question)
        if now.status_code == 200:
            tag = now.headers["ETag"]
            assert self._named.setdefault(tag, without_position(now)) == without_position(now)
            self._has[by, question] = tag, without_position(now)

    def _get(self, by: str, question: Question, tag: str = "") -> TestResponse:
        headers = {"If-None-Match": tag} if tag else {}
        return self._world.as_(by).send(
            "GET", question.path, query_string=dict(question.query), headers=headers
        )


def question_of_the_moment(question: Question) -> bool:
    return question.path.endswith(("/silent-resources/", "/resources_missing_usage/", "/plan_periods/"))


def without_position(response: TestResponse) -> dict[str, Any]:
    return {name: value for name, value in told(response).items() if name != "position"}


def test_a_tag_changes_with_whatever_its_answer_shows(world_database: WorldDatabase) -> None:
    with world_database() as url, open_world(url) as world:
        for step in EVERYTHING[:10]:
            step(world)  # so that there is something to ask for
        choice = random.Random(17)  # noqa: S311 - no secret
        known = questions(world, [world.projector.catch_up()])
        of_usage = [each for each in known if route_of(world, each.path) in NARROWED.keys() | CATALOGUE]
        pairs = [(by, each) for by in ROLES for each in of_usage]
        chosen = choice.sample(pairs, 60) + [("staff", each) for each in choice.sample(known, 15)]
        reader = Reader(world)
        for step in EVERYTHING[10:]:
            step(world)
            for by, question in chosen:
                reader.ask(by, question)
        assert reader.kept > 300


def route_of(world: World, path: str) -> str:
    rule, _ = world.app.url_map.bind("localhost").match(path, return_rule=True)
    return str(rule.rule)


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(steps, min_size=10, max_size=25), st.randoms(use_true_random=False))
def test_a_tag_changes_with_whatever_happens_in_any_order(
    world_database: WorldDatabase, history: list[Step], choice: random.Random
) -> None:
    with world_database() as url, open_world(url) as world:
        asked = [
            (by, Question(path, query))
            for by in ROLES
            for path in NARROWED
            if "<" not in path
            for query in (
                (),
                (("project_uuid", PROJECT),),
                (("customer_uuid", CONSUMER),),
                (("offering_uuid", OFFERING),),
                (("resource_uuid", SECOND_RESOURCE),),
                (("provider_uuid", PROVIDER),),
                (("customer_uuid", CONSUMER), ("offering_uuid", OFFERING)),
            )
        ]
        asked += [(by, Question(path)) for by in ROLES for path in (*SCOPES[:1], SCOPES[2], MONTHLY)]
        asked += [(by, Question(f"{RESOURCES}{RESOURCE}/")) for by in ROLES]
        reader = Reader(world)
        chosen = choice.sample(asked, 60)
        for step in history:
            step(world)
            for by, question in chosen:
                reader.ask(by, question)


def report_first(world: World) -> None:
    """The first report of a resource opens its plan period, which is of the catalogue."""
    world.report(resource=OTHER_RESOURCE, usages=[{"type": "cpu", "amount": 1}])


def test_what_others_report_changes_no_tag_and_is_told_by_none(world: World, usage: str) -> None:
    report_first(world)
    for by in TENANTS:
        before = {path: ask(world.as_(by), path) for path in (*LISTS, *SCOPES)}
        world.report(resource=OTHER_RESOURCE, usages=[{"type": "cpu", "amount": len(by)}])
        bulk({"resource": OTHER_RESOURCE, "type": "cpu", "username": "ann", "usage": len(by)})(world)
        world.as_("staff").send(
            "POST",
            f"{USAGES}set_usage/",
            json={"resource": OTHER_RESOURCE, "usages": [{"type": "cpu", "amount": 1}]},
            headers={"Idempotency-Key": f'"{by}"'},
        )
        for path, first in before.items():
            if first.status_code != 200:
                continue
            again = ask(world.as_(by), path, first.headers["ETag"])
            assert (again.status_code, position_of(again)) == (304, head_of(world)), (by, path)
            assert etag_of(world.as_(by), path) == first.headers["ETag"]
            assert ask(world.as_(by), path, first.headers["ETag"]).status_code == 304
        assert sum(first.status_code == 200 for first in before.values()) >= len(LISTS) - 2


def test_what_is_reported_of_ones_own_changes_the_tag(world: World, usage: str) -> None:
    paths = [path for path in (*LISTS[:8], *SCOPES) if path != "/api/ledger/freshness/"]
    for number, by in enumerate(TENANTS):
        before = {path: ask(world.as_(by), path) for path in paths}
        world.report(usages=[{"type": "cpu", "amount": 200 + number}])
        for path, first in before.items():
            if first.status_code == 200 and first.get_json():
                again = ask(world.as_(by), path, first.headers["ETag"])
                assert (again.status_code, again.headers["ETag"] != first.headers["ETag"]) == (200, True)


def test_a_filter_of_staffs_narrows_what_changes_the_tag(world: World, usage: str) -> None:
    report_first(world)
    staff = world.as_("staff")
    of_one = [
        f"{USAGES}?resource_uuid={RESOURCE}",
        f"{USAGES}?project_uuid={PROJECT}",
        f"{USAGES}?customer_uuid={CONSUMER.upper()}&page_size=3",
        f"{USAGES}?offering_uuid={OFFERING}",
        f"{USER_USAGES}?customer_uuid={CONSUMER}",
        f"{RESOURCES}?provider_uuid={PROVIDER}",
        f"{RESOURCES}{RESOURCE}/",
        f"/api/ledger/movers/?customer_uuid={CONSUMER}",
        SCOPES[0],
        SCOPES[2],
    ]
    of_all = [
        USAGES,
        MONTHLY,
        f"{USAGES}?customer_uuid=",
        f"{USAGES}?customer_uuid={CONSUMER}&customer_uuid={OTHER_CONSUMER}",
        f"{RESOURCES}?offering_uuid={OFFERING}&offering_uuid={OTHER_OFFERING}",
        f"{USAGES}?resource=http://localhost/api/marketplace-resources/{RESOURCE}/",
    ]
    before = {path: etag_of(staff, path) for path in (*of_one, *of_all)}
    world.report(resource=OTHER_RESOURCE, usages=[{"type": "cpu", "amount": 9}])
    assert [path for path in of_one if etag_of(staff, path) != before[path]] == []
    assert [path for path in of_all if etag_of(staff, path) == before[path]] == []
    world.report(usages=[{"type": "cpu", "amount": 9}])
    assert [path for path in (*of_one, *of_all) if etag_of(staff, path) == before[path]] == []


def test_a_route_that_nobody_thought_of_is_of_the_whole_journal(world: World) -> None:
    routes = {rule.rule for rule in world.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert routes > NARROWED.keys() | CATALOGUE
    assert not NARROWED.keys() & CATALOGUE
    world.report(usages=[{"type": "cpu", "amount": 5}])
    staff, path = world.as_("staff"), "/api/marketplace-stats/aggregated_usage_trends/"
    assert path not in NARROWED.keys() | CATALOGUE
    tag = etag_of(staff, path)
    world.report(resource=OTHER_RESOURCE, usages=[{"type": "cpu", "amount": 9}])
    assert etag_of(staff, path) != tag


def test_who_loses_a_role_has_another_tag(world: World, usage: str) -> None:
    granted = (0x90, 10, "PROJECT.MEMBER", "project", PROJECT)
    stranger = world.as_("stranger")
    role(*granted)(world)
    tag = etag_of(stranger, USAGES)
    assert ask(stranger, USAGES, tag).status_code == 304
    role(*granted, is_active=False)(world)
    response = ask(stranger, USAGES, tag)
    assert (response.status_code, response.get_json()) == (200, [])


def test_what_moves_away_and_comes_changes_the_tags_of_both(world: World, usage: str) -> None:
    role(0x90, 10, "CUSTOMER.OWNER", "customer", OTHER_CONSUMER)(world)
    tags = {by: etag_of(world.as_(by), USAGES) for by in ("stranger", "consumer-owner")}
    described("projects", uuid=PROJECT, name="Moved", customer_uuid=OTHER_CONSUMER)(world)
    for by, rows in (("stranger", 1), ("consumer-owner", 0)):
        response = ask(world.as_(by), USAGES, tags[by])
        assert (response.status_code, len(response.get_json())) == (200, rows)
    tags = {by: etag_of(world.as_(by), USAGES) for by in tags}
    world.report(usages=[{"type": "cpu", "amount": 77}])
    assert etag_of(world.as_("stranger"), USAGES) != tags["stranger"]
    assert etag_of(world.as_("consumer-owner"), USAGES) == tags["consumer-owner"]


def test_a_report_that_was_decided_before_its_resource_moved_touches_where_it_is(
    world: World, usage: str
) -> None:
    role(0x90, 10, "CUSTOMER.OWNER", "customer", OTHER_CONSUMER)(world)
    stranger, before = world.as_("stranger"), world.facts(UsageReported)[-1]
    world.describe(resources=[entity("resources", RESOURCE, project_uuid=OTHER_PROJECT)])
    tag = etag_of(stranger, USAGES)
    version = world.facts(UserUsageReported)[-1].originator_version + 1
    late = structs.replace(before, originator_version=version, plan_amount=Decimal("5.00"))
    append(world, [late])
    response = ask(stranger, USAGES, tag)
    assert (response.status_code, response.get_json()[0]["usage"]) == (200, "5.00")
    assert Rebuild(world.ledger.pool, world.ledger.facts_after).run().differences == ()


def test_a_rebuild_that_made_other_rows_changes_tags_and_another_does_not(
    world: World, world_url: str, usage: str
) -> None:
    owner, rebuild = world.as_("consumer-owner"), Rebuild(world.ledger.pool, world.ledger.facts_after)
    tag = etag_of(owner, USAGES)
    assert rebuild.run(accept=True).is_live
    assert ask(owner, USAGES, tag).status_code == 304
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("UPDATE component_usage SET usage = 6")
    with open_world(world_url) as other:  # another process, which hears of it
        assert ask(other.as_("consumer-owner"), USAGES, tag).status_code == 304
        assert not rebuild.run().is_live
        assert ask(owner, USAGES, tag).status_code == 304
        assert rebuild.run(accept=True).is_live
        for client in (owner, other.as_("consumer-owner")):
            response = ask(client, USAGES, tag)
            assert (response.status_code, response.get_json()[0]["usage"]) == (200, "100.00")
    tag = etag_of(owner, USAGES)
    assert rebuild.run().is_live
    assert etag_of(owner, USAGES) == tag


def test_a_token_that_expires_is_told_so(world: World, usage: str) -> None:
    user = tokens.user_named(world.services, "consumer-owner")
    client = world.client(tokens.create(world.services, user, days=1))
    tag = etag_of(client, USAGES)
    assert ask(client, USAGES, tag).status_code == 304
    world.now += timedelta(days=1)
    assert ask(client, USAGES, tag).status_code == 401


def test_a_tag_names_one_answer_while_many_report_and_read(world: World) -> None:
    bodies: dict[str, bytes] = {}

    def report(number: int) -> None:
        for amount in range(20):
            resource = (RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE)[amount % 3]
            body = {"resource": resource, "date": f"2026-{number + 1:02}-02"}
            sent = world.as_("staff").post(
                f"{USAGES}set_usage/", body | {"usages": [{"type": "cpu", "amount": amount}]}
            )
            assert sent.status_code == 201

    def read(by: str) -> int:
        tag, kept = "", 0
        for _ in range(60):
            response = ask(world.as_(by), USAGES, tag)
            if response.status_code == 304:
                kept += 1
                continue
            tag = response.headers["ETag"]
            assert bodies.setdefault(tag, response.data) == response.data
        return kept

    readers = ("consumer-owner", "provider-owner", "project-member", "staff", "stranger")
    for by in (*readers, "staff"):
        world.as_(by)
    with ThreadPoolExecutor(9) as pool:
        reports = [pool.submit(report, number) for number in range(4)]
        reads = [pool.submit(read, by) for by in readers]
        assert [each.result() for each in reports] == [None] * 4
        assert reads[-1].result() == 59
        assert all(each.result() is not None for each in reads)
    for by in readers:
        response = ask(world.as_(by), USAGES)
        assert bodies.setdefault(response.headers["ETag"], response.data) == response.data


def test_what_is_remembered_is_bounded() -> None:
    store: Store[int, int] = Store(3)
    for number in range(5):
        store.put(number, number)
        store.put(number, -number)
    assert [store.get(number) for number in range(5)] == [None, None, -2, -3, -4]


def test_an_offering_that_nobody_uses_has_a_tag_too(world: World) -> None:
    path = f"{USAGES}?resource_uuid={uid(0xDEAD)}"
    tag = etag_of(world.as_("staff"), path)
    assert ask(world.as_("staff"), path, tag).status_code == 304
