"""A username is forgotten: it is nowhere any more, and all else is as it was."""

import json
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest

from ledger.events import PersonForgotten, TokenRevoked, UserDescribed, UserUsageReported
from projections.forgotten_names import PAST, naming_tables
from projections.lookups import accounts
from projections.projector import Projector
from projections.rebuild import Rebuild, Rebuilt
from projections.writers.audit.forgotten_people import FORGOTTEN_PEOPLE
from tests.audit.reading import as_lines, lines_of
from tests.audit.test_feed_rights import make_auditor
from tests.ledger.test_old_journals import expected_of, world_of
from tests.people.naming import (
    ACCOUNT,
    LISTS,
    OFFERING_USER,
    OFFERING_USER_LIST,
    OFFERING_USERS,
    REASON,
    USERS,
    WILMA,
    forget_wilma,
    name_wilma,
    person_named,
    places_of,
)
from tests.request.freshness import ask
from tests.request.keys import post
from tests.user_limits.limiting import LIMITS
from tests.world import CONSUMER, PROJECT, RESOURCE, USAGES, USER_USAGES, World, open_world, uid
from web.commands.accounts import create_user
from web.commands.audit.forget import ForgetError, forget
from web.commands.tokens import TokenError, user_named

ME = "/api/users/me/"


@pytest.fixture(name="named")
def world_that_names_wilma(world: World) -> World:
    name_wilma(world)
    return world


TOLD_OF_LATER_FACTS = {"/api/ledger/events/", "/readyz"}


def answers(world: World, **query: Any) -> dict[str, Any]:
    """Return what staff is answered by every GET, about everything that its lists name."""
    rules = [rule.rule for rule in world.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    lists = {path for path in rules if "<" not in path} - TOLD_OF_LATER_FACTS
    asked: dict[str, Any] = {"page_size": 100} | query
    staff, answered = world.as_("staff"), dict[str, Any]()
    for path in lists:
        answered[path] = staff.get(path, **asked).get_json()
    uuids = {
        "/api/marketplace-project-usage/": [PROJECT],
        "/api/marketplace-customer-usage/": [CONSUMER],
        "/api/marketplace-resources/": [RESOURCE],
    } | {
        path: [row["uuid"] for row in answered[path] if "uuid" in row]
        for path in lists
        if isinstance(answered[path], list)
    }
    for path, object_id, rest in (rule.partition("<object_id:uuid>") for rule in rules):
        for uuid in uuids.get(path, ()) if object_id else ():
            answered[path + uuid + rest] = staff.get(path + uuid + rest, **asked).get_json()
    return answered


def without_name(answered: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(answered)
    assert WILMA in text
    return cast("dict[str, Any]", json.loads(text.replace(f'"{WILMA}"', '""')))


def rebuild(world: World) -> Rebuilt:
    return Rebuild(world.ledger.pool, world.ledger.facts_after).run()


# --- where the name is ---


def test_the_name_is_in_no_table_any_more_nor_after_a_rebuild_and_a_restart(
    named: World, world_url: str
) -> None:
    assert set(places_of(named, WILMA)) >= {
        *("journal.person", "read_models.account", "read_models.offering_user", "read_models.user_usage")
    }
    forget_wilma(named)
    assert places_of(named, WILMA) == []
    assert rebuild(named) == Rebuilt(is_live=True)
    assert places_of(named, WILMA) == []
    with open_world(world_url) as restarted:
        restarted.report(usages=[{"type": "cpu", "amount": 11}])
        assert places_of(restarted, WILMA) == []


def test_every_answer_is_as_it_was_but_for_the_name(named: World) -> None:
    before = answers(named)
    forget_wilma(named)
    assert answers(named) == without_name(before)
    assert rebuild(named).is_live
    assert answers(named) == without_name(before)


def test_the_past_is_as_it_was_but_for_the_name(named: World) -> None:
    positions = [position for position, _ in named.ledger.facts_after(0, 1_000_000)][-1:-30:-7]
    before = {str(position): answers(named, as_of=position) for position in positions}
    assert min(map(len, before.values())) > 40
    forget_wilma(named)
    assert {str(position): answers(named, as_of=position) for position in positions} == without_name(before)


def test_nothing_is_found_by_the_name(named: World) -> None:
    paths = (
        (USER_USAGES, "username"),
        *((OFFERING_USER_LIST, each) for each in ("username", "user_username")),
        (LIMITS, "username"),
    )
    staff = named.as_("staff")

    def found() -> list[bool]:
        return [staff.get(path, **{name: WILMA}).get_json() != [] for path, name in paths]

    assert all(found())
    forget_wilma(named)
    assert not any(found())


@pytest.mark.parametrize("is_past", [False, True])
def test_an_answer_with_the_name_is_not_confirmed(named: World, is_past: bool) -> None:
    position = named.ledger.facts_after(0, 1_000_000)[-1][0]
    staff, query = named.as_("staff"), {"as_of": position} if is_past else {}
    etags = {path: staff.get(path, **query).headers["ETag"] for path in LISTS}
    for path, etag in etags.items():
        assert ask(staff, path, etag, query_string=query).status_code == 304
    forget_wilma(named)
    for path, etag in etags.items():
        answered = ask(staff, path, etag, query_string=query)
        assert (answered.status_code, WILMA in answered.text) == (200, False)
        etag = answered.headers["ETag"]
        assert ask(staff, path, etag, query_string=query).status_code == 304


def test_every_table_with_names_is_one_that_the_read_model_writes(named: World) -> None:
    with named.services.reading() as cursor:
        tables = naming_tables(cursor)
    assert {*FORGOTTEN_PEOPLE.writes} - {"forgotten_person"} == {each.removesuffix(PAST) for each in tables}


# --- who had it ---


def test_the_fact_says_whom_by_whom_and_why_and_no_name(named: World) -> None:
    wilma = person_named(named, WILMA)
    assert wilma
    forgotten = forget(named.services, WILMA, REASON, UUID(uid(1)))
    assert forgotten.people == [wilma.uuid]
    assert named.facts(PersonForgotten) == [
        PersonForgotten(
            originator_id=wilma.uuid,
            originator_version=1,
            recorded_at=named.now,
            person=wilma.uuid,
            reason=REASON,
            forgotten_by=UUID(uid(1)),
        )
    ]


def test_the_fact_is_for_staff_and_support_only(named: World) -> None:
    make_auditor(named, CONSUMER)
    forget_wilma(named)
    for username, is_shown in (("staff", True), ("support", True), ("stranger", False)):
        events = lines_of(as_lines(named.as_(username)))
        assert [each["data"]["reason"] for each in events if each["type"] == "PersonForgotten"] == (
            [REASON] * is_shown
        )
        assert WILMA not in json.dumps(events)


def test_accounts_become_inactive_and_tokens_end_in_every_process(named: World, world_url: str) -> None:
    token = named.token_of(WILMA)
    with open_world(world_url) as other:
        clients = [named.client(token), other.client(token)]
        etags = [client.get(ME).headers["ETag"] for client in clients]
        assert [client.get(ME).get_json()["username"] for client in clients] == [WILMA] * 2
        forgotten = forget_wilma(named)
        assert (forgotten.accounts, forgotten.tokens) == (1, 2)
        assert [client.get(ME).status_code for client in clients] == [401, 401]
        statuses = [ask(each, ME, etag).status_code for each, etag in zip(clients, etags, strict=True)]
        assert statuses == [401, 401]
        assert other.as_("support").get(ME).status_code == 200
    last = named.facts(UserDescribed)[-1]
    assert (last.entity.uuid, last.entity.is_active, last.source) == (UUID(ACCOUNT), False, "command-line")
    assert len(named.facts(TokenRevoked)) == 2
    with pytest.raises(TokenError, match="nobody is named"):
        user_named(named.services, WILMA)


def test_forgetting_twice_or_somebody_unknown_stores_nothing(named: World) -> None:
    forget_wilma(named)
    facts = named.facts()
    for username in (WILMA, WILMA.upper(), "nobody", ""):
        with pytest.raises(ForgetError, match=r"nobody is named '.*' here, or not any more$"):
            forget(named.services, username, REASON)
    with pytest.raises(ForgetError, match="there is 'fred', and case counts"):
        forget(named.services, "Fred", REASON)
    assert named.facts() == facts


def test_a_dry_run_changes_nothing(named: World) -> None:
    facts, before = named.facts(), answers(named)
    would = forget(named.services, WILMA, REASON, is_dry_run=True)
    assert (named.facts(), answers(named)) == (facts, before)
    assert forget_wilma(named) == would


# --- who is named so later ---


def test_whoever_is_named_so_later_is_somebody_new(named: World) -> None:
    before = person_named(named, WILMA)
    forget_wilma(named)
    usage = named.usages(type="cpu")[0]
    assert named.report_user(usage["uuid"], username=WILMA, usage=4).status_code == 201
    after = person_named(named, WILMA)
    assert before
    assert after
    assert after.username == before.username
    assert after.uuid != before.uuid
    assert after.salt != before.salt
    last = named.facts(UserUsageReported)[-1]
    assert (last.person, last.commitment) == (after.uuid, after.commitment)
    rows = named.user_usages(component_usage__billing_period="2026-11-01", o="usage")
    assert [(row["username"], row["usage"]) for row in rows] == [
        *(("fred", "2.00"), ("", "3.00"), (WILMA, "4.00"))
    ]
    assert rebuild(named) == Rebuilt(is_live=True)
    forget_wilma(named)
    assert places_of(named, WILMA) == []


def test_an_account_and_an_offering_user_that_are_imported_again_are_of_somebody_new(named: World) -> None:
    before = person_named(named, WILMA)
    token = named.token_of(WILMA)
    forget_wilma(named)
    named.describe(users=USERS, offering_users=OFFERING_USERS)
    after = person_named(named, WILMA)
    assert before
    assert after
    assert after.uuid != before.uuid
    staff = named.as_("staff")
    [offering_user] = staff.get(OFFERING_USER_LIST, username=WILMA).get_json()
    assert offering_user["uuid"] == OFFERING_USER
    assert named.client(token).get(ME).status_code == 401
    assert named.client(named.token_of(WILMA)).get(ME).get_json()["username"] == WILMA
    assert "" in {row["username"] for row in named.user_usages()}
    assert WILMA not in {row["username"] for row in named.user_usages()}


def test_a_user_who_is_created_again_has_another_account(named: World) -> None:
    forget_wilma(named)
    uuid = create_user(named.services, WILMA)
    assert uuid != UUID(ACCOUNT)
    with named.services.reading() as cursor:
        assert [each["uuid"] for each in accounts.accounts_named(cursor, WILMA)] == [uuid]


@pytest.mark.parametrize("path", ["set_user_usage", "reports"])
def test_a_request_that_is_sent_again_does_not_bring_the_name_back(named: World, path: str) -> None:
    usage = named.usages(type="cpu")[0]["uuid"]
    asked: tuple[str, Any] = (
        (f"{USAGES}{usage}/set_user_usage/", {"username": WILMA, "usage": 4})
        if path == "set_user_usage"
        else ("/api/ledger/reports/", [{"component_usage": usage, "username": WILMA, "usage": 4}])
    )
    told = post(named, *asked)
    assert told.status_code == 201
    forget_wilma(named)
    facts = named.facts()
    again = post(named, *asked)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.data) == (told.status_code, told.data)
    assert named.facts() == facts
    assert places_of(named, WILMA) == []


# --- people whom somebody deleted by hand, or brought back ---


def test_a_name_whose_person_was_deleted_by_hand_is_forgotten_too(named: World) -> None:
    wilma = person_named(named, WILMA)
    assert wilma
    with psycopg.connect(named.conninfo, autocommit=True) as connection:
        connection.execute("DELETE FROM journal.person WHERE username = %s", [WILMA])
    named.report_user(named.usages(type="cpu")[0]["uuid"], username=WILMA, usage=4)
    again = person_named(named, WILMA)
    assert again
    forgotten = forget_wilma(named)
    assert forgotten.people == sorted([wilma.uuid, again.uuid])
    assert {fact.person for fact in named.facts(PersonForgotten)} == {wilma.uuid, again.uuid}
    assert places_of(named, WILMA) == []
    assert rebuild(named) == Rebuilt(is_live=True)


def test_a_person_who_comes_back_with_a_table_is_forgotten_at_the_next_start(
    named: World, world_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    wilma, fred = person_named(named, WILMA), person_named(named, "fred")
    assert wilma
    forget_wilma(named)
    with psycopg.connect(named.conninfo, autocommit=True) as connection:
        row = [wilma.uuid, wilma.username, wilma.salt]
        connection.execute("INSERT INTO journal.person VALUES (%s, %s, %s)", row)
    with open_world(world_url) as restarted:
        assert "People who had been forgotten were there again: 1, forgotten anew" in caplog.text
        assert WILMA not in caplog.text
        assert person_named(restarted, WILMA) is None
        assert person_named(restarted, "fred") == fred


def test_names_are_erased_where_the_fact_is_projected_later(named: World) -> None:
    """The process that forgets ends before it has projected."""
    wilma = person_named(named, WILMA)
    assert wilma
    fact = PersonForgotten(
        originator_id=wilma.uuid, originator_version=1, recorded_at=named.now, person=wilma.uuid, reason="x"
    )
    with named.ledger.transaction() as transaction:
        transaction.append([fact])
    assert set(places_of(named, WILMA)) > {"read_models.user_usage"}
    Projector(named.ledger.pool, named.ledger.facts_after).catch_up()
    assert places_of(named, WILMA) == []
    assert rebuild(named) == Rebuilt(is_live=True)


# --- journals of earlier versions ---


@pytest.mark.parametrize("name", ["2026_11", "2026_11_forgotten"])
def test_people_of_a_journal_of_november_2026_can_be_forgotten(database_url: str, name: str) -> None:
    expected = expected_of(name)
    usernames = {row["username"] for row in expected["user_usages"]} - {""}
    assert usernames
    with world_of(name, database_url) as world:
        for username in usernames:
            forget(world.services, username, REASON)
            assert places_of(world, username) == []
        assert world.user_usages() == [row | {"username": ""} for row in expected["user_usages"]]
        assert world.usages() == expected["component_usages"]
        assert rebuild(world) == Rebuilt(is_live=True)
