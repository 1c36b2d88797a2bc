"""Who may report what: one table of everybody there is. Contract sections 1.8, 2.1.3 and 2.2."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.events import Report
from tests.world import CATALOGUE, CONSUMER, OFFERING, OTHER_OFFERING, PROJECT, PROVIDER, USAGES, World, uid

DONE = (201, None)
FORBIDDEN = (403, {"detail": "You do not have permission to perform this action."})
UNSEEN = (404, {"detail": "No ComponentUsage matches the given query."})
INACTIVE = (401, {"detail": "User inactive or deleted."})
NO_DATES = (400, {"date": ["Only staff users and service providers can specify date for backfilling."]})
CLOSED = (
    400,
    {
        "date": [
            "Service providers can only specify date for limit-based or prepaid billing components "
            "when backfilling past billing periods."
        ]
    },
)

Answer = tuple[int, Any]

# user, report undated, dated this month, dated in a past month (usage-billed), one user's usage
MATRIX: list[tuple[str, Answer, Answer, Answer, Answer]] = [
    ("staff", DONE, DONE, DONE, DONE),
    ("support", FORBIDDEN, NO_DATES, NO_DATES, FORBIDDEN),
    ("offering-manager", DONE, DONE, CLOSED, DONE),
    ("provider-owner", DONE, DONE, CLOSED, DONE),
    ("service-provider-manager", DONE, DONE, CLOSED, DONE),
    ("consumer-owner", FORBIDDEN, NO_DATES, NO_DATES, FORBIDDEN),
    ("project-admin", FORBIDDEN, NO_DATES, NO_DATES, FORBIDDEN),
    ("project-manager", FORBIDDEN, NO_DATES, NO_DATES, FORBIDDEN),
    ("project-member", FORBIDDEN, NO_DATES, NO_DATES, FORBIDDEN),
    ("customer-support", FORBIDDEN, NO_DATES, NO_DATES, FORBIDDEN),
    ("stranger", FORBIDDEN, NO_DATES, NO_DATES, UNSEEN),
    ("former-owner", FORBIDDEN, NO_DATES, NO_DATES, UNSEEN),
]

ITEMS = [{"type": "cpu", "amount": 5}]
THIS_MONTH, PAST_MONTH = "2026-11-01T00:00:00Z", "2026-10-01T00:00:00Z"


def answer(response: TestResponse) -> Answer:
    return response.status_code, response.get_json() if response.data else None


def reports_of(world: World, user: str) -> tuple[Answer, Answer, Answer, Answer]:
    """What a user is answered to each kind of report, in the order of the table."""
    undated = answer(world.report(by=user, usages=ITEMS))
    dated = answer(world.report(by=user, usages=ITEMS, date=THIS_MONTH))
    past = answer(world.report(by=user, usages=ITEMS, date=PAST_MONTH))
    assert len(world.facts(Report)) == [undated, dated, past].count(DONE)
    world.report(by="staff", usages=ITEMS)
    usage_uuid = world.usages()[0]["uuid"]
    return undated, dated, past, answer(world.report_user(usage_uuid, by=user, username="ann", usage=1))


@pytest.mark.parametrize(("user", "undated", "dated", "past", "of_a_user"), MATRIX)
def test_everybody_may_report_what_their_roles_permit(
    world: World, user: str, undated: Answer, dated: Answer, past: Answer, of_a_user: Answer
) -> None:
    assert reports_of(world, user) == (undated, dated, past, of_a_user)


def test_the_table_has_everybody() -> None:
    everybody = {row[0] for row in MATRIX}
    assert {user["username"] for user in CATALOGUE["users"]} == everybody


@pytest.mark.parametrize(("user", "bulk"), [(row[0], row[4]) for row in MATRIX])
def test_many_users_are_reported_by_those_who_may_report_one(world: World, user: str, bulk: Answer) -> None:
    world.report(usages=ITEMS)
    path = f"{USAGES}{world.usages()[0]['uuid']}/set_user_usages/"
    response = world.as_(user).post(path, {"usages": [{"username": "ann", "usage": 1}]})
    assert answer(response) == bulk


def give_role(world: World, role_name: str, scope_type: str, scope_uuid: str) -> None:
    """Makes the stranger somebody."""
    role = {"uuid": uid(0x91), "user_uuid": uid(10), "role_name": role_name}
    world.describe(user_roles=[role | {"scope_type": scope_type, "scope_uuid": scope_uuid}])


@pytest.mark.parametrize(
    ("role_name", "scope_type", "scope_uuid", "undated", "of_a_user"),
    [
        ("CUSTOMER.OWNER", "structure.customer", PROVIDER, DONE, DONE),
        ("CUSTOMER.MANAGER", "structure.customer", PROVIDER, DONE, DONE),
        ("CUSTOMER.SUPPORT", "structure.customer", PROVIDER, FORBIDDEN, FORBIDDEN),
        ("OFFERING.MANAGER", "marketplace.offering", OFFERING, DONE, DONE),
        ("OFFERING.MANAGER", "marketplace.offering", OTHER_OFFERING, FORBIDDEN, UNSEEN),
        ("CUSTOM.READER", "marketplace.offering", OFFERING, FORBIDDEN, FORBIDDEN),
        ("CUSTOMER.OWNER", "structure.customer", CONSUMER, FORBIDDEN, FORBIDDEN),
        ("OFFERING.MANAGER", "structure.project", PROJECT, FORBIDDEN, FORBIDDEN),
    ],
)
def test_a_role_counts_for_what_it_permits_and_where_it_is_held(
    world: World, role_name: str, scope_type: str, scope_uuid: str, undated: Answer, of_a_user: Answer
) -> None:
    give_role(world, role_name, scope_type, scope_uuid)
    answers = reports_of(world, "stranger")
    assert (answers[0], answers[3]) == (undated, of_a_user)


def test_a_role_that_ends_takes_the_right_to_report_along(world: World) -> None:
    (role,) = (role for role in CATALOGUE["user_roles"] if role["user_uuid"] == uid(3))
    world.describe(user_roles=[role | {"is_active": False}])
    assert reports_of(world, "offering-manager") == (FORBIDDEN, NO_DATES, NO_DATES, UNSEEN)


def test_an_inactive_user_may_do_nothing_however_much_they_were(world: World) -> None:
    world.as_("staff")
    world.describe(users=[{"uuid": uid(1), "username": "staff", "is_staff": True, "is_active": False}])
    assert answer(world.report(usages=ITEMS)) == INACTIVE
    assert world.facts(Report) == []
