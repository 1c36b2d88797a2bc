"""Files with a fault: nothing of them is stored, and the fault is named."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from ledger.events import CustomerDescribed
from tests.conftest import database
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
    without,
)
from tests.world import (
    BASIC,
    CATALOGUE,
    CONSUMER,
    CPU,
    OTHER_CPU,
    SECOND_RESOURCE,
    World,
    open_world,
    uid,
)
from web.importer.reading import StructureError, read_lists

A_PROJECT = {"uuid": uid(0x43), "name": "New", "customer_uuid": CONSUMER}


A_COMPONENT = CATALOGUE["offering_components"][0]


A_PERIOD = PERIODS[0]


AN_OFFERING = CATALOGUE["offerings"][0]


UNKNOWN = uid(0xDEAD)


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
