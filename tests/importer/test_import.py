"""Importing a file: what is stored, what is kept, and what is refused before anything is stored."""

import json
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ledger.domain.catalogue import Customer
from ledger.events import CustomerDescribed
from tests import controls
from tests.importer.files import (
    A_CUSTOMER,
    A_LIMIT,
    A_RESOURCE,
    A_ROLE,
    AN_USER,
    PERIODS,
    TWO_PLANS,
    USAGE,
    USER_USAGE,
    Object,
    counts,
    import_text,
)
from tests.support.command import run
from tests.world import (
    BASIC,
    CATALOGUE,
    CONSUMER,
    CPU,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_PROJECT,
    PROJECT,
    PROVIDER,
    SECOND_PROJECT,
    SERVICE_PROVIDER,
    World,
    as_lists,
    uid,
)
from web.commands import tokens
from web.importer import importer as importing
from web.importer.importer import import_lists
from web.importer.reading import StructureError, parsed, read_lists


def journal_bytes(world: World) -> bytes:
    with psycopg.connect(world.conninfo) as connection:
        rows = connection.execute("SELECT topic, state FROM journal.ledger_events").fetchall()
    return b"\n".join(topic.encode() + b" " + bytes(state) for topic, state in rows)


ANN, OTHER_ANN = {"uuid": uid(0x41), "username": "ann"}, {"uuid": uid(0x42), "username": "ann"}


INACTIVE = {"is_active": False}


def users_refused(world: World, *users: Object) -> str | None:
    facts = world.facts()
    try:
        world.describe(users=list(users), categories=[{"uuid": uid(0xCB), "title": "New"}])
    except StructureError as error:
        assert world.facts() == facts
        return str(error)
    return None


# --- names of users -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "users", "refused"),
    [
        ([], [ANN, OTHER_ANN], 'users[1].username = "ann": Is that of another active user of this list'),
        ([ANN], [OTHER_ANN], f'users[0].username = "ann": Is that of another active user, {uid(0x41)}'),
        ([ANN, OTHER_ANN | INACTIVE], [OTHER_ANN], f'users[0].username = "ann": Is that of another active '
         f"user, {uid(0x41)}"),
        ([ANN, OTHER_ANN | {"username": "eve"}], [OTHER_ANN | {"username": "bob"}, ANN], None),
        ([ANN], [OTHER_ANN, ANN | {"username": "eve"}], None),
        ([ANN], [ANN | {"username": "eve"}, OTHER_ANN], None),
        ([ANN], [OTHER_ANN, ANN | INACTIVE], None),
        ([ANN | INACTIVE], [OTHER_ANN], None),
        ([ANN], [OTHER_ANN | INACTIVE], None),
        ([], [ANN, OTHER_ANN | INACTIVE], None),
        ([ANN], [ANN], None),
        ([ANN], [OTHER_ANN | {"username": "Ann"}], None),
        ([ANN, OTHER_ANN | {"username": "eve"}], [OTHER_ANN, ANN | {"username": "eve"}], None),
    ],
)  # fmt: skip
def test_a_username_is_that_of_one_active_user_after_an_import(
    world: World, earlier: list[Object], users: list[Object], refused: str | None
) -> None:
    assert earlier == [] or users_refused(world, *earlier) is None
    assert users_refused(world, *users) == refused


def test_a_token_is_of_the_one_active_user_of_a_name(world: World) -> None:
    world.describe(users=[ANN | INACTIVE, OTHER_ANN])
    assert tokens.user_named(world.services, "ann") == UUID(uid(0x42))
    world.describe(users=[OTHER_ANN | INACTIVE])
    with pytest.raises(tokens.TokenError, match=r"^'ann' is not active$"):
        tokens.user_named(world.services, "ann")


def test_of_two_active_users_of_one_name_neither_gets_a_token(world: World) -> None:
    # Such as older versions did not refuse.
    users = list(parsed("users", as_lists({"users": [ANN, OTHER_ANN]})["users"], UTC))
    assert importing.Import(world.services).put("users", users)["new"] == 2
    told = f"^2 active users are named 'ann': {uid(0x41)}, {uid(0x42)}$"
    with pytest.raises(tokens.TokenError, match=told):
        tokens.user_named(world.services, "ann")
    assert users_refused(world, ANN, OTHER_ANN | INACTIVE) is None
    assert tokens.user_named(world.services, "ann") == UUID(uid(0x41))


def not_read(world: World, tmp_path: Path, text: Object) -> list[str]:
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(text))
    lists, told = read_lists(path)
    with suppress(StructureError):
        import_lists(lists, world.services, on_unread=told.append)
    return told


# --- what is not read ---------------------------------------------------------------------------------------


def test_lists_that_are_not_read_are_named_in_one_line(world: World, tmp_path: Path) -> None:
    text = {"_metadata": {}, "customers": [], "user": [1, 2], "\x1b[31m": []}
    assert not_read(world, tmp_path, text) == [
        f"{tmp_path / 'catalogue.json'}: not read: _metadata (no list), user (2 objects; is it users?), "
        "\ufffd[31m (0 objects)"
    ]
    assert not_read(world, tmp_path, CATALOGUE) == []


def test_keys_that_are_not_read_are_named_once_for_a_list_with_how_many_objects_have_them(
    world: World, tmp_path: Path
) -> None:
    text: Object = {
        "customers": [
            A_CUSTOMER | {"email": "a", "abreviation": "N"},
            {"uuid": uid(0x44), "name": "Other", "email": "b", "abreviation": "O", "abbreviation": "P"},
            {"uuid": uid(0x45), "name": "Third"},
        ],
        "user_roles": [A_ROLE | {"user_username": "staff", "role": 1}],
        "component_usages": [USAGE | {"plan_period": uid(0x91), "backend_id": ""}],
        "component_user_usages": [USER_USAGE | {"user": 1}],
    }
    assert not_read(world, tmp_path, text) == [
        "customers: not read: abreviation (of 2; is it abbreviation?), email (of 2)",
        "user_roles: not read: role (of 1)",
        "component_usages: not read: backend_id (of 1), plan_period (of 1; is it plan_period_uuid?)",
        "component_user_usages: not read: user (of 1)",
    ]


@pytest.mark.parametrize("odd", [{"customer": []}, {"customers": [A_CUSTOMER | {"nmae": "N"}]}])
def test_a_strict_import_stores_nothing_of_a_file_with_names_that_are_not_read(
    world: World, tmp_path: Path, odd: Object
) -> None:
    path, before = tmp_path / "lab.json", world.facts()
    path.write_text(json.dumps({"customers": [A_CUSTOMER]} | odd))
    on_world = {"LEDGER_DATABASE_URL": world.conninfo}
    done = run(on_world, "import", "--strict", str(path))
    assert (done.returncode, done.stdout, world.facts()) == (1, "", before)
    named, error = done.stderr.splitlines()
    assert ": not read: " in named
    assert error == f"Error: {importing.NOT_READ}"
    assert run(on_world, "import", str(path)).returncode == 0
    assert len(world.facts()) == len(before) + 1


def test_of_very_many_keys_that_are_not_read_the_first_are_named(world: World, tmp_path: Path) -> None:
    odd = [{"uuid": uid(0x7000 + n), "name": "New", f"x{n:03}": 1} for n in range(100)]
    [line] = not_read(world, tmp_path, {"customers": odd})
    assert line.startswith("customers: not read: x000 (of 1), x001 (of 1), ")
    assert line.endswith(" x019 (of 1), and more")


def test_a_key_that_is_misspelt_is_named_where_it_is_missing(world: World, tmp_path: Path) -> None:
    project = {"uuid": uid(0x43), "name": "New", "customer_uid": CONSUMER}
    with pytest.raises(StructureError) as refused:
        import_text(world, tmp_path, json.dumps({"projects": [project]}))
    assert str(refused.value) == "projects[0].customer_uuid: Is missing; is it customer_uid?"


# --- what is described --------------------------------------------------------------------------------------


def test_the_same_file_again_appends_nothing(world: World) -> None:
    lists: Any = CATALOGUE | {
        "resource_plan_periods": PERIODS,
        "component_usages": TWO_PLANS,
        "component_user_usages": [USER_USAGE],
        "component_user_usage_limits": [A_LIMIT],
        "plan_components": [{"plan_uuid": BASIC, "component_uuid": CPU, "price": "0.10"}],
    }
    first = world.describe(**lists)
    facts = world.facts()
    again = world.describe(**lists)
    assert {name: dict(+first[name]) for name in ("users", "component_usages")} == {
        "users": {"unchanged": 12},
        "component_usages": {"new": 2},
    }
    assert counts(again) == {name: {"unchanged": len(objects)} for name, objects in lists.items()}
    assert world.facts() == facts


def test_a_changed_description_is_one_more_fact(world: World) -> None:
    before = len(world.facts())
    renamed = {"uuid": CONSUMER, "name": "Renamed"}
    summary = world.describe(customers=[*CATALOGUE["customers"][2:], renamed])
    assert counts(summary) == {"customers": {"unchanged": 2, "changed": 1}}
    (fact,) = world.facts()[before:]
    assert fact == controls.described(Customer(uuid=UUID(CONSUMER), name="Renamed"), originator_version=2)


def test_an_entity_that_a_file_does_not_name_stays_as_it_is(world: World) -> None:
    world.describe(component_usages=[USAGE])
    before = world.usages()
    world.describe(customers=[{"uuid": OTHER_CONSUMER, "name": "Renamed"}])
    assert world.usages() == before


def test_unknown_lists_and_keys_are_ignored(world: World, tmp_path: Path) -> None:
    text = {
        "_metadata": {"version": "1"},
        "invoices": [1],
        "customers": [A_CUSTOMER | {"email": "a@b.c", "note": "a\0"}],
    }
    assert counts(import_text(world, tmp_path, json.dumps(text))) == {"customers": {"new": 1}}


def test_a_backslash_before_u0000_is_no_null_character(world: World) -> None:
    world.describe(customers=[A_CUSTOMER | {"name": "\\u0000"}])
    assert [fact.entity.name for fact in world.facts(CustomerDescribed)][-1] == "\\u0000"


def test_what_is_null_or_left_out_has_a_default(world: World) -> None:
    minimal = {"uuid": uid(0x14), "name": "Bare", "offering_uuid": OFFERING, "project_uuid": PROJECT}
    nulls = dict.fromkeys(("limits", "slug", "backend_id", "created", "attributes", "plan_uuid", "state"))
    world.describe(resources=[minimal])
    assert counts(world.describe(resources=[minimal | nulls])) == {"resources": {"unchanged": 1}}


def test_kinds_of_entities_may_share_one_uuid(world: World) -> None:
    one = uid(0x77)
    shared: Any = {
        "users": [{"uuid": one, "username": "one"}],
        "customers": [{"uuid": one, "name": "One"}],
        "projects": [{"uuid": one, "name": "One", "customer_uuid": one}],
        "categories": [{"uuid": one, "title": "One"}],
        "service_providers": [{"uuid": one, "customer_uuid": one}],
        "offerings": [{"uuid": one, "name": "One", "customer_uuid": one}],
        "offering_components": [{"uuid": one, "offering_uuid": one, "type": "cpu", "name": "CPU"}],
        "plans": [{"uuid": one, "name": "One", "offering_uuid": one}],
        # A resource and a component of one uuid, but of two offerings.
        "resources": [{"uuid": one, "name": "One", "offering_uuid": OFFERING, "project_uuid": PROJECT}],
        "component_usages": [USAGE | {"uuid": one, "resource_uuid": one}],
    }
    assert counts(world.describe(**shared)) == {name: {"new": 1} for name in shared}
    assert counts(world.describe(**shared)) == {name: {"unchanged": 1} for name in shared}
    (row,) = world.usages(resource_uuid=one)
    assert (row["uuid"], row["resource_name"], row["type"]) == (one, "One", "cpu")


@pytest.mark.parametrize(
    ("scope_type", "scope_uuid", "sees"),
    [
        ("structure.customer", CONSUMER, 1),
        ("structure.customer", PROVIDER, 1),
        ("structure.customer", OTHER_CONSUMER, 0),
        ("structure.project", PROJECT, 1),
        ("structure.project", SECOND_PROJECT, 0),
        ("marketplace.offering", OFFERING, 1),
        ("marketplace.serviceprovider", SERVICE_PROVIDER, 1),
    ],
)
def test_a_role_is_held_on_what_its_scope_type_says(
    world: World, scope_type: str, scope_uuid: str, sees: int
) -> None:
    role = {"uuid": uid(0x8A), "user_uuid": uid(10), "role_name": "AUDITOR"}
    world.describe(
        component_usages=[USAGE],
        user_roles=[role | {"scope_type": scope_type, "scope_uuid": scope_uuid, "user_username": "stranger"}],
    )
    path = "/api/marketplace-component-usages/"
    assert len(world.as_("stranger").get(path).get_json()) == sees
    world.describe(
        user_roles=[role | {"scope_type": scope_type, "scope_uuid": scope_uuid, "is_active": False}]
    )
    assert world.as_("stranger").get(path).get_json() == []


def test_no_username_is_in_the_journal(world: World) -> None:
    world.describe(
        users=[AN_USER],
        offering_users=[{"uuid": uid(0x32), "offering_uuid": OFFERING, "username": "newcomer-there"}],
        user_roles=[A_ROLE | {"uuid": uid(0x8A), "user_uuid": uid(0x41), "user_username": "newcomer"}],
        component_usages=[USAGE],
        component_user_usages=[USER_USAGE | {"username": "newcomer-elsewhere"}],
    )
    stored = journal_bytes(world)
    usernames = [user["username"] for user in CATALOGUE["users"]] + ["member01", "newcomer"]
    # "support" and "staff" are parts of other words.
    texts = [name.encode() for name in usernames if name not in ("staff", "support")]
    assert [text for text in texts if text in stored] == []
    assert stored.count(b"UserUsageReported") == 1


def test_a_resource_that_moves_takes_its_usages_along(world: World) -> None:
    world.describe(component_usages=[USAGE], component_user_usages=[USER_USAGE])
    world.describe(resources=[A_RESOURCE | {"project_uuid": OTHER_PROJECT}])
    assert [row["uuid"] for row in world.usages(project_uuid=OTHER_PROJECT)] == [USAGE["uuid"]]
    assert [row["uuid"] for row in world.usages(customer_uuid=OTHER_CONSUMER)] == [USAGE["uuid"]]
    assert (world.usages(project_uuid=PROJECT), world.usages(customer_uuid=CONSUMER)) == ([], [])
    assert [row["project_uuid"] for row in world.user_usages()] == [OTHER_PROJECT]
    # A project that changes hands, too.
    world.describe(projects=[{"uuid": OTHER_PROJECT, "name": "Sold", "customer_uuid": CONSUMER}])
    (row,) = world.usages(customer_uuid=CONSUMER)
    assert (row["project_name"], row["customer_name"]) == ("Sold", "Consumer")
