"""A world in which somebody is named wherever there can be names, and looking for that name."""

import psycopg
from psycopg.sql import SQL, Identifier

from ledger.domain.people import Person
from tests.agents.registering import register_all
from tests.user_limits.limiting import LIMITS
from tests.world import OFFERING, PROJECT, RESOURCE, USAGES, USER_USAGES, World, uid
from web.commands.audit.forget import Forgotten, forget

WILMA = "wilma.w"
ACCOUNT, OFFERING_USER, LIMIT = uid(0x201), uid(0x202), uid(0x203)
REASON = "GDPR, ticket 12"

USERS = [{"uuid": ACCOUNT, "username": WILMA, "is_staff": True}]
OFFERING_USERS = [{"uuid": OFFERING_USER, "offering_uuid": OFFERING, "user_uuid": ACCOUNT, "username": WILMA}]

OFFERING_USER_LIST = "/api/marketplace-offering-users/"
LISTS = (USAGES, USER_USAGES, OFFERING_USER_LIST, LIMITS)


def name_wilma(world: World) -> None:
    """Make her a user and an offering user, described anew twice, with a limit and with usage of her own."""
    world.describe(users=[*USERS, {"uuid": uid(0x20F), "username": "fred"}], offering_users=OFFERING_USERS)
    world.describe(
        users=[USERS[0] | {"is_staff": False}],
        offering_users=[OFFERING_USERS[0] | {"user_uuid": None}],
        user_roles=[
            {"uuid": uid(0x20A), "user_uuid": ACCOUNT, "role_name": "PROJECT.MEMBER"}
            | {"scope_type": "structure.project", "scope_uuid": PROJECT}
        ],
    )
    world.describe(users=USERS, offering_users=OFFERING_USERS)
    world.report(by=WILMA, usages=[{"type": "cpu", "amount": 10}])
    world.report(date="2026-10-02", usages=[{"type": "gpu", "amount": 20}])
    for each in world.usages():
        for usage in (1, 3):
            user = f"http://localhost{OFFERING_USER_LIST}{OFFERING_USER}/"
            world.report_user(each["uuid"], username=WILMA, usage=usage, user=user)
        world.report_user(each["uuid"], username="fred", usage=2)
    cpu = world.usages(type="cpu")[0]
    world.describe(
        component_user_usage_limits=[
            {"uuid": LIMIT, "resource_uuid": RESOURCE, "component_uuid": uid(0xE1)}
            | {"offering_user_uuid": OFFERING_USER, "limit": 5}
        ]
    )
    assert cpu["usage"] == "10.00"
    register_all(world)


def forget_wilma(world: World, reason: str = REASON) -> Forgotten:
    return forget(world.services, WILMA, reason)


def person_named(world: World, username: str) -> Person | None:
    with world.ledger.transaction() as transaction:
        return transaction.people([username]).get(username)


def places_of(world: World, text: str) -> list[str]:
    """The tables, of all schemas but PostgreSQL's own, in which a text is, each as often as it is there."""
    with psycopg.connect(world.conninfo) as connection:
        tables = connection.execute("""
            SELECT schemaname, tablename FROM pg_tables
            WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'kept') ORDER BY 1, 2""").fetchall()
        assert len(tables) > 30
        found = []
        for table in tables:
            row = (
                SQL("t::text")
                if table != ("journal", "ledger_events")
                else SQL("convert_from(state, 'UTF8')")
            )
            select = SQL("SELECT {row} FROM {table} t").format(row=row, table=Identifier(*table))
            for (line,) in connection.execute(select):
                found += [".".join(table)] * (text.lower() in line.lower())
        return found
