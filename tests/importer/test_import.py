"""Importing a file: what is stored, what is kept, and what is refused before anything is stored."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ledger.domain.catalogue import Customer
from ledger.events import CustomerDescribed, ResourceDescribed, UsageReported, UserUsageReported
from projections.projector import ProjectingFailed
from tests.conftest import database
from tests.world import (
    BASIC,
    CATALOGUE,
    CONSUMER,
    CPU,
    GPU,
    NOW,
    OFFERING,
    OFFERING_USER,
    OTHER_CONSUMER,
    OTHER_CPU,
    OTHER_PROJECT,
    PREMIUM,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    SERVICE_PROVIDER,
    World,
    as_lists,
    open_world,
    uid,
)
from web.commands import tokens
from web.importer import importer as importing
from web.importer.importer import Summary, import_lists
from web.importer.reading import StructureError, parsed, read_lists
from web.request.services import Services
from web.wire.errors import DATABASE_IS_AWAY

Object = dict[str, Any]

USAGE: Object = {
    "uuid": uid(0x5001),
    "resource_uuid": RESOURCE,
    "component_uuid": CPU,
    "usage": "12.50",
    "billing_period": "2026-05-01",
    "date": "2026-05-15T00:00:00Z",
    "description": "from elsewhere",
}
USER_USAGE: Object = {
    "uuid": uid(0x6001),
    "component_usage_uuid": USAGE["uuid"],
    "username": "member01",
    "usage": "2.50",
    "offering_user_uuid": OFFERING_USER,
}
PERIODS = [
    {"uuid": uid(0x91), "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": "2026-05-10T00:00:00Z"},
    {"uuid": uid(0x92), "resource_uuid": RESOURCE, "plan_uuid": PREMIUM, "start": "2026-05-10T00:00:00Z"},
]
TWO_PLANS = [
    USAGE | {"usage": "100.00", "plan_period_uuid": uid(0x91), "missing_usage_policy": "reuse"},
    USAGE | {"uuid": uid(0x5002), "usage": "50.00", "plan_period_uuid": uid(0x92)},
]
AN_USER = {"uuid": uid(0x41), "username": "newcomer"}
A_CUSTOMER = {"uuid": uid(0x42), "name": "Newcomer"}
A_PROJECT = {"uuid": uid(0x43), "name": "New", "customer_uuid": CONSUMER}
A_RESOURCE = CATALOGUE["resources"][0]
A_COMPONENT = CATALOGUE["offering_components"][0]
A_PERIOD = PERIODS[0]
AN_OFFERING = CATALOGUE["offerings"][0]
A_ROLE = CATALOGUE["user_roles"][0]
A_LIMIT: Object = {
    "uuid": uid(0x45),
    "resource_uuid": RESOURCE,
    "component_uuid": CPU,
    "offering_user_uuid": OFFERING_USER,
    "limit": 5,
}
UNKNOWN = uid(0xDEAD)


def without(value: Object, key: str) -> Object:
    return {name: each for name, each in value.items() if name != key}


def import_text(world: World, folder: Path, text: str | bytes) -> Summary:
    path = folder / "catalogue.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_lists(read_lists(path)[0], world.services)


def counts(summary: Summary) -> dict[str, dict[str, int]]:
    """What a summary says of lists that had objects."""
    return {name: dict(+counted) for name, counted in summary.items() if +counted}


def journal_bytes(world: World) -> bytes:
    with psycopg.connect(world.conninfo) as connection:
        rows = connection.execute("SELECT topic, state FROM journal.ledger_events").fetchall()
    return b"\n".join(topic.encode() + b" " + bytes(state) for topic, state in rows)


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        # A list, and its objects.
        ({"users": {}}, "users = {}: Is not a list of objects"),
        ({"users": None}, "users = null: Is not a list of objects"),
        ({"component_usages": "none"}, 'component_usages = "none": Is not a list of objects'),
        ({"customers": [A_CUSTOMER, 5]}, "customers[1] = 5: Expected `object`, got `int`"),
        ({"customers": [[]]}, "customers[0] = []: Expected `object`, got `array`"),
        # Keys that are missing, and types that are wrong.
        ({"users": [without(AN_USER, "uuid")]}, "users[0].uuid: Is missing"),
        ({"users": [AN_USER, {"uuid": uid(0x99)}]}, "users[1].username: Is missing"),
        ({"component_usages": [without(USAGE, "usage")]}, "component_usages[0].usage: Is missing"),
        ({"users": [AN_USER | {"username": 5}]}, "users[0].username = 5: Expected `str`, got `int`"),
        ({"users": [AN_USER | {"username": None}]}, "users[0].username = null: Expected `str`, got `null`"),
        (
            {"users": [AN_USER | {"username": ""}]},
            'users[0].username = "": Expected `str` of length >= 1',
        ),
        (
            {"users": [AN_USER | {"is_staff": "yes"}]},
            'users[0].is_staff = "yes": Expected `bool`, got `str`',
        ),
        ({"users": [AN_USER | {"uuid": "zz"}]}, 'users[0].uuid = "zz": Invalid UUID'),
        ({"users": [AN_USER | {"uuid": 7}]}, "users[0].uuid = 7: Expected `uuid`, got `int`"),
        (
            {"customers": [A_CUSTOMER | {"name": "x" * 501}]},
            f'customers[0].name = "{"x" * 99}…: Expected `str` of length <= 500',
        ),
        (
            {"offering_components": [A_COMPONENT | {"type": "x" * 3000}]},
            f'offering_components[0].type = "{"x" * 99}…: Expected `str` of length <= 255',
        ),
        (
            {"offering_components": [A_COMPONENT | {"billing_type": "free"}]},
            "offering_components[0].billing_type = \"free\": Invalid enum value 'free'",
        ),
        (
            {"offering_components": [A_COMPONENT | {"unit_factor": 0}]},
            "offering_components[0].unit_factor = 0: Is zero, and amounts are divided by it",
        ),
        (
            {"offerings": [AN_OFFERING | {"state": 2**40}]},
            "offerings[0].state = 1099511627776: Expected `int` <= 1000",
        ),
        ({"resources": [A_RESOURCE | {"state": 7}]}, "resources[0].state = 7: Invalid enum value 7"),
        (
            {"resources": [A_RESOURCE | {"limits": {"cpu": "many"}}]},
            'resources[0].limits = {"cpu": "many"}: Invalid decimal string',
        ),
        (
            {"resources": [A_RESOURCE | {"limits": {"cpu": "NaN"}}]},
            'resources[0].limits = {"cpu": "NaN"}: Is no number',
        ),
        (
            {"resources": [A_RESOURCE | {"limits": {"cpu": "1e200000"}}]},
            'resources[0].limits = {"cpu": "1e200000"}: Has too many digits',
        ),
        (
            {"resources": [A_RESOURCE | {"attributes": [1]}]},
            "resources[0].attributes = [1]: Expected `object | null`, got `array`",
        ),
        (
            {"plan_components": [{"plan_uuid": BASIC, "component_uuid": CPU, "price": "Infinity"}]},
            'plan_components[0].price = "Infinity": Is no number',
        ),
        # Amounts.
        *(
            ({name: [value | {key: amount}]}, f"{name}[0].{key} = {json.dumps(amount)}: {reason}")
            for name, value, key in [
                ("component_usages", USAGE, "usage"),
                ("component_user_usages", USER_USAGE, "usage"),
                ("component_user_usage_limits", A_LIMIT, "limit"),
                ("offering_components", A_COMPONENT, "limit_amount"),
            ]
            for amount, reason in [
                ("0.005", "Ensure that there are no more than 2 decimal places."),
                (0.125, "Ensure that there are no more than 2 decimal places."),
                (10**18, "Ensure that there are no more than 18 digits before the decimal point."),
                ("NaN", "Is no number"),
                ("ten", "Invalid decimal string"),
            ]
        ),
        (
            {"component_usages": [USAGE | {"usage": True}]},
            "component_usages[0].usage = true: Expected `decimal`, got `bool`",
        ),
        # Dates.
        *(
            ({name: [value | {key: "31.05.2026"}]}, f'{name}[0].{key} = "31.05.2026": {reason}')
            for name, value, key, reason in [
                ("component_usages", USAGE, "date", "Is no date or time"),
                ("component_usages", USAGE, "created", "Is no date or time"),
                ("component_usages", USAGE, "billing_period", "Invalid RFC3339 encoded date"),
                ("component_user_usages", USER_USAGE, "created", "Is no date or time"),
                ("resources", A_RESOURCE, "created", "Is no date or time"),
                ("resource_plan_periods", A_PERIOD, "start", "Is no date or time"),
                ("resource_plan_periods", A_PERIOD, "end", "Is no date or time"),
            ]
        ),
        ({"component_usages": [USAGE | {"date": 5}]}, "component_usages[0].date = 5: Is no date or time"),
        (
            {"component_usages": [USAGE | {"date": "2026-02-30"}]},
            'component_usages[0].date = "2026-02-30": Is no date or time',
        ),
        (
            {"component_usages": [USAGE | {"date": "0001-01-01T00:00:00+05:00"}]},
            'component_usages[0].date = "0001-01-01T00:00:00+05:00": Is out of range',
        ),
        (
            {"component_usages": [USAGE | {"date": "9999-12-31T23:00:00-05:00"}]},
            'component_usages[0].date = "9999-12-31T23:00:00-05:00": Is out of range',
        ),
        (
            {"component_usages": [USAGE | {"billing_period": "2026-05-02"}]},
            'component_usages[0].billing_period = "2026-05-02": Is not the first day of a month',
        ),
        (
            {"component_usages": [USAGE | {"billing_period": "9999-12-01"}]},
            'component_usages[0].billing_period = "9999-12-01": Is out of range',
        ),
        (
            {"component_usages": [USAGE | {"description": "x" * 2001}]},
            f'component_usages[0].description = "{"x" * 99}…: Expected `str` of length <= 2000',
        ),
        (
            {"component_usages": [USAGE | {"missing_usage_policy": "guess"}]},
            "component_usages[0].missing_usage_policy = \"guess\": Invalid enum value 'guess'",
        ),
        (
            {"component_user_usages": [USER_USAGE | {"username": "x" * 101}]},
            f'component_user_usages[0].username = "{"x" * 99}…: Expected `str` of length <= 100',
        ),
        # Null characters, which PostgreSQL's texts can't hold.
        *(
            (
                {name: [value | {key: text}]},
                f"{name}[0].{key} = {json.dumps(text)}: {null}",
            )
            for null in ["Has a null character, which no database text can hold"]
            for name, value, key, text in [
                ("users", AN_USER, "username", "new\0comer"),
                ("customers", A_CUSTOMER, "name", "\0"),
                ("offering_components", A_COMPONENT, "type", "c\0"),
                ("resources", A_RESOURCE, "attributes", {"a": [{"b\0": 1}]}),
                ("component_usages", USAGE, "description", "a\0"),
            ]
        ),
        # Objects that are there twice.
        (
            {"users": [AN_USER, AN_USER]},
            f'users[1].uuid = "{uid(0x41)}": Is used by another object of this list',
        ),
        (
            {"customers": [A_CUSTOMER, A_CUSTOMER | {"uuid": str(UUID(uid(0x42)))}]},
            f'customers[1].uuid = "{UUID(uid(0x42))}": Is used by another object of this list',
        ),
        (
            {"plan_components": [{"plan_uuid": BASIC, "component_uuid": CPU}] * 2},
            f'plan_components[1].component_uuid = "{CPU}": Is there twice for the same references',
        ),
        (
            {"component_usages": [USAGE, USAGE | {"billing_period": "2026-06-01"}]},
            f'component_usages[1].uuid = "{USAGE["uuid"]}": Is used by another object of this list',
        ),
        (
            {"component_usages": [USAGE, USAGE | {"uuid": uid(0x5002), "usage": 7}]},
            'component_usages[1].billing_period = "2026-05-01": Is there twice for the same references',
        ),
        (
            {
                "resource_plan_periods": [PERIODS[0], PERIODS[1] | {"plan_uuid": BASIC}],
                "component_usages": TWO_PLANS,
            },
            'component_usages[1].billing_period = "2026-05-01": Is there twice for the same references',
        ),
        (
            {
                "component_usages": [USAGE],
                "component_user_usages": [USER_USAGE, USER_USAGE | {"uuid": uid(0x6002)}],
            },
            'component_user_usages[1].username = "member01": Is there twice for the same references',
        ),
        # References.
        *(
            (
                {name: [value | {key: UNKNOWN}]},
                f'{name}[0].{key} = "{UNKNOWN}": Is not in {target}, nor known',
            )
            for name, value, key, target in [
                ("projects", A_PROJECT, "customer_uuid", "customers"),
                ("service_providers", {"uuid": uid(0x44)}, "customer_uuid", "customers"),
                ("offerings", AN_OFFERING, "customer_uuid", "customers"),
                ("offerings", AN_OFFERING, "category_uuid", "categories"),
                ("offerings", AN_OFFERING, "project_uuid", "projects"),
                ("offerings", AN_OFFERING, "parent_uuid", "offerings"),
                ("offering_components", A_COMPONENT, "offering_uuid", "offerings"),
                ("plans", {"uuid": BASIC, "name": "Basic"}, "offering_uuid", "offerings"),
                ("plan_components", {"plan_uuid": BASIC}, "component_uuid", "offering_components"),
                ("plan_components", {"component_uuid": CPU}, "plan_uuid", "plans"),
                ("resources", A_RESOURCE, "offering_uuid", "offerings"),
                ("resources", A_RESOURCE, "project_uuid", "projects"),
                ("resources", A_RESOURCE, "plan_uuid", "plans"),
                ("resource_plan_periods", A_PERIOD, "resource_uuid", "resources"),
                ("resource_plan_periods", A_PERIOD, "plan_uuid", "plans"),
                ("offering_users", CATALOGUE["offering_users"][0], "offering_uuid", "offerings"),
                ("offering_users", CATALOGUE["offering_users"][0], "user_uuid", "users"),
                ("user_roles", A_ROLE, "user_uuid", "users"),
                ("user_roles", A_ROLE, "scope_uuid", "offerings"),
                ("user_roles", A_ROLE | {"scope_type": "structure.project"}, "scope_uuid", "projects"),
                ("component_user_usage_limits", A_LIMIT, "resource_uuid", "resources"),
                ("component_user_usage_limits", A_LIMIT, "component_uuid", "offering_components"),
                ("component_user_usage_limits", A_LIMIT, "offering_user_uuid", "offering_users"),
                ("component_usages", USAGE, "resource_uuid", "resources"),
                ("component_usages", USAGE, "component_uuid", "offering_components"),
                ("component_usages", USAGE, "plan_period_uuid", "resource_plan_periods"),
                ("component_user_usages", USER_USAGE, "component_usage_uuid", "component_usages"),
            ]
        ),
        (
            # The uuid is one of a customer, but no project's.
            {"user_roles": [A_ROLE | {"scope_type": "structure.project", "scope_uuid": CONSUMER}]},
            f'user_roles[0].scope_uuid = "{CONSUMER}": Is not in projects, nor known',
        ),
        (
            {"user_roles": [A_ROLE | {"scope_type": "galaxy"}]},
            'user_roles[0].scope_type = "galaxy": Is none of structure.customer, structure.project, '
            "marketplace.offering, marketplace.serviceprovider",
        ),
        (
            {"component_usages": [USAGE | {"component_uuid": OTHER_CPU}]},
            f'component_usages[0].component_uuid = "{OTHER_CPU}": '
            "Belongs to another offering than the resource",
        ),
        (
            {
                "resource_plan_periods": [A_PERIOD | {"resource_uuid": SECOND_RESOURCE}],
                "component_usages": [USAGE | {"plan_period_uuid": uid(0x91)}],
            },
            f'component_usages[0].plan_period_uuid = "{uid(0x91)}": Belongs to another resource',
        ),
    ],
)
def test_a_file_with_a_fault_is_refused_whole_and_the_fault_is_named(
    refusing_world: World, tmp_path: Path, lists: Object, message: str
) -> None:
    before = len(refusing_world.facts())
    # What comes first in the file is right, and is not imported either.
    text = json.dumps({"categories": [{"uuid": uid(0xCB), "title": "New"}]} | lists)
    with pytest.raises(StructureError) as refused:
        import_text(refusing_world, tmp_path, text)
    assert str(refused.value) == message
    assert len(refusing_world.facts()) == before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Input data was truncated"),
        ("users:", "JSON is malformed: invalid character (byte 0)"),
        ('{"users": [', "Input data was truncated"),
        ('{"users": []} {}', "JSON is malformed: trailing characters (byte 15)"),
        ("[]", "Expected `object`, got `array`"),
        ("null", "Expected `object`, got `null`"),
        ('"users"', "Expected `object`, got `str`"),
    ],
)
def test_what_is_no_json_object_is_refused(
    refusing_world: World, tmp_path: Path, text: str, reason: str
) -> None:
    before = len(refusing_world.facts())
    with pytest.raises(StructureError) as refused:
        import_text(refusing_world, tmp_path, text)
    assert str(refused.value) == f"{tmp_path / 'catalogue.json'}: {reason}"
    assert len(refusing_world.facts()) == before


@pytest.mark.parametrize(
    ("value", "message"),  # after the place, what is wrong is in the words of msgspec, which change
    [
        (b'"\xff"', "{item}: "),
        (b'"\\ud800"', "{path}: "),
        (b"[" * 5000 + b"]" * 5000, "{path}: "),
    ],
)
def test_a_text_that_is_no_unicode_or_too_deep_is_refused(
    refusing_world: World, tmp_path: Path, value: bytes, message: str
) -> None:
    before = len(refusing_world.facts())
    customer = b'{"uuid": "%032x", "name": %s}' % (0x42, value)
    with pytest.raises(StructureError) as refused:
        import_text(refusing_world, tmp_path, b'{"customers": [%s]}' % customer)
    item = f"customers[0] = {customer.decode(errors='replace')}"
    place = message.format(item=item, path=tmp_path / "catalogue.json")
    assert str(refused.value).startswith(place)
    assert len(str(refused.value)) > len(place)
    assert len(refusing_world.facts()) == before


@pytest.fixture(scope="module")
def refusing_world(server: str, world_template: str) -> Iterator[World]:
    """One world for all files that are refused, as nothing may change there."""
    with database(server, world_template) as url, open_world(url) as here:
        yield here


@pytest.mark.parametrize("text", ["{}", '{"user": [{"uuid": "1"}]}'])
def test_a_file_without_any_list_that_we_know_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(StructureError, match="has none of the lists of Waldur's structure format: users, "):
        read_lists(path)


def test_a_list_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text('{"customers": [], "note": 1, "note": 2, "customers": []}')
    with pytest.raises(StructureError, match=r"catalogue\.json: customers is there 2 times$"):
        read_lists(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_a_file_in_another_encoding_is_refused_in_one_line(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps({"customers": [A_CUSTOMER]}), encoding=encoding)
    with pytest.raises(StructureError) as refused:
        read_lists(path)
    assert str(refused.value) == f"{path}: Is in UTF-16 or UTF-32, and only UTF-8 is read"


def test_a_file_may_begin_with_a_byte_order_mark(world: World, tmp_path: Path) -> None:
    text = json.dumps({"customers": [A_CUSTOMER | {"name": "Tallinna Tehnikaülikool"}]}, ensure_ascii=False)
    summary = import_text(world, tmp_path, text.encode("utf-8-sig"))
    assert counts(summary) == {"customers": {"new": 1}}
    assert [fact.entity.name for fact in world.facts(CustomerDescribed)][-1] == "Tallinna Tehnikaülikool"


# --- names of users -----------------------------------------------------------------------------------------

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


# --- what is not read ---------------------------------------------------------------------------------------


def not_read(world: World, tmp_path: Path, text: Object) -> list[str]:
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(text))
    lists, told = read_lists(path)
    with suppress(StructureError):
        import_lists(lists, world.services, tell=told.append)
    return told


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
    assert fact == CustomerDescribed(
        originator_id=Customer(uuid=UUID(CONSUMER), name="").stream,
        originator_version=2,
        recorded_at=NOW,
        source="import",
        entity=Customer(uuid=UUID(CONSUMER), name="Renamed"),
    )


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


# --- usages -------------------------------------------------------------------------------------------------


def test_an_imported_usage_is_shown_under_its_own_uuid(world: World) -> None:
    world.describe(component_usages=[USAGE | {"created": "2026-05-16T10:00:00"}])
    (row,) = world.usages()
    expected = {
        "uuid": USAGE["uuid"],
        "created": "2026-05-16T10:00:00+00:00",
        "description": "from elsewhere",
        "type": "cpu",
        "usage": "12.50",
        "date": "2026-05-15T00:00:00+00:00",
        "billing_period": "2026-05-01",
        "resource_uuid": RESOURCE,
        "modified_by": None,
        "missing_usage_policy": "none",
    }
    assert {key: row[key] for key in expected} == expected
    assert world.as_("staff").get(f"/api/marketplace-component-usages/{USAGE['uuid']}/").get_json() == row
    (fact,) = world.facts(UsageReported)
    assert isinstance(fact, UsageReported)
    assert (fact.usage_uuid, fact.month, fact.amount, fact.plan_amount, fact.source, fact.reported_by) == (
        UUID(uid(0x5001)),
        date(2026, 5, 1),
        Decimal("12.50"),
        Decimal("12.50"),
        "import",
        None,
    )


def test_a_usage_without_a_date_is_of_the_first_of_its_month(world: World) -> None:
    world.describe(component_usages=[without(USAGE, "date") | {"usage": -0.0, "recurring": True}])
    (row,) = world.usages()
    assert (row["date"], row["usage"], row["missing_usage_policy"], row["recurring"]) == (
        "2026-05-01T00:00:00+00:00",
        "0.00",
        "reuse",
        True,
    )


def test_an_imported_user_usage_is_shown_under_its_own_uuid(world: World) -> None:
    world.describe(
        component_usages=[USAGE],
        component_user_usages=[USER_USAGE, USER_USAGE | {"uuid": uid(0x6002), "username": "member02"}],
    )
    rows = world.user_usages(o="username")
    assert [
        (row["uuid"], row["component_usage"].split("/")[-2], row["username"], row["usage"]) for row in rows
    ] == [
        (uid(0x6001), USAGE["uuid"], "member01", "2.50"),
        (uid(0x6002), USAGE["uuid"], "member02", "2.50"),
    ]
    assert [row["usage"] for row in world.usages()] == ["12.50"]
    facts = world.facts(UserUsageReported)
    assert [
        (fact.originator_version, fact.source) for fact in facts if isinstance(fact, UserUsageReported)
    ] == [
        (2, "import"),
        (3, "import"),
    ]


def test_a_file_may_hold_usages_of_what_earlier_files_described(world: World) -> None:
    world.describe(resource_plan_periods=PERIODS)
    world.describe(component_usages=TWO_PLANS)
    world.describe(component_user_usages=[USER_USAGE])
    assert len(world.usages()) == 2
    assert [row["uuid"] for row in world.user_usages()] == [USER_USAGE["uuid"]]


def test_usages_of_several_plans_in_one_month_stand_side_by_side(world: World) -> None:
    lists: Any = {"resource_plan_periods": PERIODS, "component_usages": TWO_PLANS}
    world.describe(**lists)
    rows = {row["uuid"]: (row["usage"], row["missing_usage_policy"]) for row in world.usages()}
    # An import is no report, which would end the policy of the other row.
    assert rows == {uid(0x5001): ("100.00", "reuse"), uid(0x5002): ("50.00", "none")}
    assert counts(world.describe(**lists))["component_usages"] == {"unchanged": 2}
    # And a report goes on from there: 150 in all are 50 under the second plan.
    response = world.report(date="2026-05-20T00:00:00Z", usages=[{"type": "cpu", "amount": 160}])
    assert response.status_code == 201
    rows = {row["uuid"]: (row["usage"], row["missing_usage_policy"]) for row in world.usages()}
    assert rows == {uid(0x5001): ("100.00", "none"), uid(0x5002): ("60.00", "none")}


def test_a_usage_that_was_reported_meanwhile_is_kept(world: World) -> None:
    world.describe(component_usages=[USAGE], component_user_usages=[USER_USAGE])
    world.report(date="2026-05-20T00:00:00Z", usages=[{"type": "cpu", "amount": 99}])
    world.report_user(uid(0x5001), username="member01", usage=9)
    before = world.usages(), world.user_usages(), world.facts()
    summary = world.describe(component_usages=[USAGE], component_user_usages=[USER_USAGE])
    assert counts(summary) == {"component_usages": {"kept": 1}, "component_user_usages": {"kept": 1}}
    assert (world.usages(), world.user_usages(), world.facts()) == before
    assert [row["usage"] for row in world.usages()] == ["99.00"]


def test_a_usage_of_another_uuid_that_is_there_for_the_same_month_is_kept(world: World) -> None:
    world.report(date="2026-05-20T00:00:00Z", usages=[{"type": "cpu", "amount": 99}])
    (reported,) = world.usages()
    world.report_user(reported["uuid"], username="member01", usage=9)
    users = [USER_USAGE, USER_USAGE | {"uuid": uid(0x6002), "username": "member02"}]
    summary = world.describe(component_usages=[USAGE], component_user_usages=users)
    assert counts(summary) == {
        "component_usages": {"kept": 1},
        "component_user_usages": {"kept": 1, "new": 1},
    }
    # Users that nobody has reported yet are added to what stands.
    rows = world.user_usages(o="username")
    assert [(row["username"], row["usage"], row["component_usage"].split("/")[-2]) for row in rows] == [
        ("member01", "9.00", reported["uuid"]),
        ("member02", "2.50", reported["uuid"]),
    ]
    assert world.usages() == [reported]
    again = world.describe(component_usages=[USAGE], component_user_usages=users)
    assert counts(again) == {
        "component_usages": {"kept": 1},
        "component_user_usages": {"kept": 1, "unchanged": 1},
    }


def test_a_uuid_that_stands_for_something_else_is_kept(world: World) -> None:
    world.describe(component_usages=[USAGE])
    before = world.usages()
    summary = world.describe(component_usages=[USAGE | {"component_uuid": GPU}])
    assert counts(summary) == {"component_usages": {"kept": 1}}
    assert world.usages() == before


def test_naive_times_are_local_times_of_the_ledger(world_url: str) -> None:
    with open_world(world_url, "Europe/Tallinn") as tallinn:
        tallinn.describe(component_usages=[USAGE | {"date": "2026-05-15T00:00:00"}])
        (fact,) = tallinn.facts(UsageReported)
        assert isinstance(fact, UsageReported)
        assert fact.measured_at == datetime(2026, 5, 14, 21, 0, tzinfo=UTC)


# --- cut short, and at the same time ------------------------------------------------------------------------

MANY: Any = {
    "users": [{"uuid": uid(0x10000 + n), "username": f"user-{n}"} for n in range(20)],
    "resources": [
        {"uuid": uid(0x20000 + n), "name": f"R{n}", "offering_uuid": OFFERING, "project_uuid": PROJECT}
        | {"plan_uuid": BASIC}
        for n in range(20)
    ],
    "component_usages": [
        USAGE | {"uuid": uid(0x30000 + n), "resource_uuid": uid(0x20000 + n), "usage": n} for n in range(20)
    ],
    "component_user_usages": [
        USER_USAGE
        | {"uuid": uid(0x40000 + n), "component_usage_uuid": uid(0x30000 + n), "username": f"user-{n}"}
        for n in range(20)
    ],
}


@pytest.mark.parametrize("steps", [1, 4, 7, 10])
def test_an_import_that_was_cut_short_is_finished_by_running_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 7)
    done = []

    def lose_the_database(name: str, _: int) -> None:
        if name != "checking":
            done.append(name)
        if len(done) == steps:
            with psycopg.connect(world.conninfo, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    before = len(world.facts())
    with pytest.raises((*DATABASE_IS_AWAY, ProjectingFailed)):
        import_lists(as_lists(MANY), world.services, lose_the_database)
    stored = sum(min(20, 7 * done.count(name)) for name in MANY)
    assert len(world.facts()) - before == stored
    world.ledger.check_connections()  # another process has other ones
    summary = world.describe(**MANY)
    assert sum(counted["new"] for counted in summary.values()) == 80 - stored
    assert sum(counted["unchanged"] for counted in summary.values()) == stored
    assert len(world.facts()) - before == 80
    assert world.as_("staff").get("/api/marketplace-component-usages/").headers["X-Result-Count"] == "20"
    assert counts(world.describe(**MANY)) == {name: {"unchanged": 20} for name in MANY}


def test_reports_that_come_in_during_an_import_are_neither_lost_nor_overridden(world: World) -> None:
    world.describe(resources=MANY["resources"])
    client = world.as_("staff")
    months = [f"2026-{month:02}" for month in range(1, 7)]
    usages = [
        USAGE
        | {"uuid": uid(0x30000 + n * 16 + m), "resource_uuid": uid(0x20000 + n)}
        | {"usage": 1, "billing_period": f"{month}-01", "date": f"{month}-15"}
        for n in range(20)
        for m, month in enumerate(months)
    ]

    def report(n: int) -> list[int]:
        return [
            client.post(
                "/api/marketplace-component-usages/set_usage/",
                {
                    "resource": uid(0x20000 + n),
                    "date": f"{month}-20",
                    "usages": [{"type": "cpu", "amount": amount}],
                },
            ).status_code
            for month in months
            for amount in (2, 3)
        ]

    with ThreadPoolExecutor(6) as threads:
        reports = [threads.submit(report, n) for n in range(0, 20, 2)]
        imports = [threads.submit(world.describe, component_usages=usages) for _ in range(2)]
        assert [status for each in reports for status in each.result()] == [201] * 120
        summaries = [each.result()["component_usages"] for each in imports]
    assert all(sum(summary.values()) == 120 for summary in summaries)
    rows = world.usages(page_size=300)
    standing = {(row["resource_uuid"], row["billing_period"][:7]): row["usage"] for row in rows}
    assert len(rows) == 120
    assert standing == {
        (uid(0x20000 + n), month): "1.00" if n % 2 else "3.00" for n in range(20) for month in months
    }
    by_stream: dict[UUID, list[int]] = {}
    for fact in world.facts(UsageReported):
        by_stream.setdefault(fact.originator_id, []).append(fact.originator_version)
    assert all(versions == list(range(1, len(versions) + 1)) for versions in by_stream.values())
    assert len(by_stream) == 120


def test_reports_that_always_are_faster_hold_up_an_import_but_do_not_stop_it(world: World) -> None:
    world.describe(resources=MANY["resources"])
    faster = MANY["resources"][1:16]
    ahead = iter(faster)

    def reporting_clock() -> datetime:
        """Between each decision of the import and its append, somebody reports what it decided about."""
        for resource in ahead:
            usages = [{"type": "cpu", "amount": 77}]
            assert (
                world.report(resource=resource["uuid"], date="2026-05-20", usages=usages).status_code == 201
            )
            break
        return NOW

    services = Services(world.ledger, world.projector, reporting_clock)
    summary = import_lists(as_lists({"component_usages": MANY["component_usages"]}), services)
    assert counts(summary) == {"component_usages": {"new": 5, "kept": 15}}
    rows = world.usages(page_size=100)
    assert len(rows) == 20
    reported = {row["resource_uuid"] for row in rows if row["usage"] == "77.00"}
    assert reported == {resource["uuid"] for resource in faster}


def test_an_import_of_a_catalogue_changes_no_older_fact(world: World) -> None:
    before = world.facts()
    world.describe(resources=[A_RESOURCE | {"name": "Renamed"}])
    assert world.facts()[: len(before)] == before
    described = [fact for fact in world.facts(ResourceDescribed) if isinstance(fact, ResourceDescribed)]
    assert [fact.entity.name for fact in described if fact.entity.uuid == UUID(RESOURCE)] == [
        "Resource",
        "Renamed",
    ]
