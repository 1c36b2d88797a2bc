"""`usage-ledger user` and `role`: who there is and what they may, where no file brings users."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from msgspec import structs

from ledger.domain.access import ROLE_PERMISSIONS, ROLE_SCOPES
from ledger.domain.provenance import NOBODY_KNOWN
from ledger.events import OfferingUserDescribed, RoleDescribed, UserDescribed
from tests.request.test_provenance import provenance_of
from tests.support.command import Done, Environment, output_of, positions, run
from tests.world import (
    CONSUMER,
    OFFERING,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SERVICE_PROVIDER,
    USAGES,
    World,
    open_world,
    uid,
)
from web.commands import tokens
from web.commands.accounts import AccountError, create_user, grant, revoke

SCOPES = {
    "customer": CONSUMER,
    "project": PROJECT,
    "offering": OFFERING,
    "service_provider": SERVICE_PROVIDER,
}
Command = Callable[..., Done]


@pytest.fixture
def command(world: World, environment: Environment) -> Command:
    """Runs a command on the ledger of `tests/world.py`."""
    return lambda *words: run(environment | {"LEDGER_DATABASE_URL": world.conninfo}, *words)


def told(done: Done, message: str, code: int = 1) -> None:
    """Check that a command failed with this message alone."""
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"Error: {message}\n")


# --- users --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "rank"), [([], "-"), (["--staff"], "staff"), (["--support"], "support")])
def test_the_first_user_is_created_and_may_what_they_are_created_for(
    environment: Environment, options: list[str], rank: str
) -> None:
    uuid = output_of(environment, "user", "create", "ann", *options)
    assert uuid == f"{UUID(uuid.strip()).hex}\n"
    assert output_of(environment, "user", "list") == f"{uuid.strip()}  {rank:<7}  active    ann\n"
    token = output_of(environment, "token", "create", "ann").strip()
    with open_world(environment["LEDGER_DATABASE_URL"]) as world:
        assert world.client(token).get(USAGES).status_code == 200
        (described,) = world.facts(UserDescribed)
    assert (described.source, described.described_by) == ("command-line", None)
    assert provenance_of(described) == NOBODY_KNOWN
    assert (described.entity.is_staff, described.entity.is_support) == (rank == "staff", rank == "support")


def test_a_name_is_that_of_one_active_user(world: World, command: Command) -> None:
    before = world.facts()
    told(command("user", "create", "staff"), f"'staff' is there already, with the uuid {uid(1)}")
    assert world.facts() == before
    world.describe(users=[{"uuid": uid(9), "username": "project-member", "is_active": False}])
    uuid = command("user", "create", "project-member").stdout.strip()
    assert tokens.user_named(world.services, "project-member") == UUID(uuid) != UUID(uid(9))
    told(
        command("user", "create", "project-member"),
        f"'project-member' is there already, with the uuid {uuid}",
    )


def test_of_two_who_create_a_user_at_once_one_is_told(world: World) -> None:
    people = 6
    world.describe(offering_users=[{"uuid": uid(0x32), "offering_uuid": OFFERING, "username": "ann"}])
    barrier = Barrier(people)

    def create(_: int) -> UUID | None:
        barrier.wait()
        try:
            return create_user(world.services, "ann")
        except AccountError:
            return None

    with ThreadPoolExecutor(people) as pool:
        created = [uuid for uuid in pool.map(create, range(people)) if uuid]
    assert created == [tokens.user_named(world.services, "ann")]


def test_a_person_whom_the_ledger_knows_is_no_new_one(world: World) -> None:
    uuid = create_user(world.services, "member01")
    user, offering_user = world.facts(UserDescribed)[-1].entity, world.facts(OfferingUserDescribed)[-1].entity
    assert (user.uuid, user.person, user.commitment) == (uuid, offering_user.person, offering_user.commitment)


@pytest.mark.parametrize("username", ["", " ann", "ann ", "a\nb", "a\x1bb", "x" * 256])
def test_a_username_that_nobody_could_type_again_is_refused(environment: Environment, username: str) -> None:
    done = run(environment, "user", "create", username)
    assert (done.returncode, done.stdout, positions(environment)) == (2, "", [])
    assert "1 to 255 printable characters, without spaces around them, are a username" in done.stderr


# --- roles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "scope_type"),
    [(role, scope_type) for role, scope_types in ROLE_SCOPES.items() for scope_type in scope_types],
)
def test_a_role_is_granted_once_and_revoked_once(
    world: World, command: Command, role: str, scope_type: str
) -> None:
    words = ("role", "grant", "stranger", role, scope_type, SCOPES[scope_type])
    granted = command(*words)
    assert (granted.returncode, granted.stderr) == (0, "")
    uuid = granted.stdout.strip()
    described = world.facts(RoleDescribed)[-1]
    assert (described.source, described.entity.uuid.hex) == ("command-line", uuid)
    before = world.facts()
    assert command(*words) == (0, f"{uuid}\n", "stranger holds this role already; nothing was stored.\n")
    assert world.facts() == before
    line = f"{uuid}  {{}}  {role:<16}  {scope_type:<16}  {SCOPES[scope_type]}  stranger"
    assert line.format("active ") in command("role", "list").stdout.splitlines()
    assert command("role", "revoke", uuid) == (0, "", "")
    assert world.facts(RoleDescribed)[-1].entity == structs.replace(described.entity, is_active=False)
    before = world.facts()
    assert command("role", "revoke", uuid) == (0, "", "It was revoked before; nothing was stored.\n")
    assert world.facts() == before
    assert line.format("revoked") in command("role", "list").stdout.splitlines()
    assert command(*words) == (0, f"{uuid}\n", "")
    assert world.facts(RoleDescribed)[-1].entity == described.entity


def test_who_is_granted_a_role_may_do_what_it_permits_at_once(world: World) -> None:
    item = {"usages": [{"type": "cpu", "amount": 1}]}
    assert world.report(by="stranger", **item).status_code == 403
    stranger = tokens.user_named(world.services, "stranger")
    uuid, is_new = grant(world.services, stranger, "OFFERING.MANAGER", "offering", UUID(OFFERING))
    assert is_new
    assert world.report(by="stranger", **item).status_code == 201
    assert revoke(world.services, uuid)
    assert world.report(by="stranger", **item).status_code == 403


def test_a_role_that_was_imported_is_the_same_one(world: World) -> None:
    owner = tokens.user_named(world.services, "provider-owner")
    before = world.facts()
    held = grant(world.services, owner, "CUSTOMER.OWNER", "customer", UUID(PROVIDER))
    assert held == (UUID(uid(0x82)), False)
    assert world.facts() == before
    assert revoke(world.services, UUID(uid(0x82)))
    assert world.report(by="provider-owner", usages=[]).status_code == 403


def test_an_auditor_sees_what_any_role_on_a_customer_sees_and_reports_nothing(world: World) -> None:
    role = {"uuid": uid(0x99), "user_uuid": uid(10), "role_name": "AUDITOR", "is_active": True}
    world.report(usages=[{"type": "cpu", "amount": 1}])
    world.describe(user_roles=[role | {"scope_type": "structure.customer", "scope_uuid": PROVIDER}])
    assert [row["resource_uuid"] for row in world.as_("stranger").get(USAGES).get_json()] == [RESOURCE]
    assert world.report(by="stranger", usages=[{"type": "cpu", "amount": 2}]).status_code == 403


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("grant", "nobody", "AUDITOR", "customer", CONSUMER),
            1,
            "nobody is named 'nobody'; `usage-ledger user list` shows who there is",
        ),
        (("grant", "former", "AUDITOR", "customer", CONSUMER), 1, "'former' is not active"),
        (
            ("grant", "staff", "AUDITOR", "customer", uid(0xDEAD)),
            1,
            f"there is no customer with the uuid {uid(0xDEAD)}",
        ),
        (  # uuids are of one kind of objects
            ("grant", "staff", "CUSTOMER.MANAGER", "service_provider", PROVIDER),
            1,
            f"there is no service_provider with the uuid {PROVIDER}",
        ),
        (
            ("grant", "staff", "owner", "customer", CONSUMER),
            2,
            f"Invalid value for 'ROLE': 'owner' is none of {', '.join(ROLE_PERMISSIONS)};"
            " is it CUSTOMER.OWNER?",
        ),
        (
            ("grant", "staff", "AUDITOR", "cluster", CONSUMER),
            2,
            "Invalid value for 'SCOPE_TYPE': 'cluster' is not one of 'customer', 'project', 'offering', "
            "'service_provider'.",
        ),
        (
            ("grant", "staff", "OFFERING.MANAGER", "project", PROJECT),
            2,
            "Invalid value for 'SCOPE_TYPE': OFFERING.MANAGER is for: offering.",
        ),
        (
            ("grant", "staff", "AUDITOR", "customer", "zz"),
            2,
            "Invalid value for 'SCOPE_UUID': 'zz' is not a valid UUID.",
        ),
        (("revoke", uid(0xDEAD)), 1, f"there is no role with the uuid {uid(0xDEAD)}"),
        (
            ("revoke", "zz"),
            2,
            "Invalid value for 'UUID': 'zz' is not a valid UUID.",
        ),
    ],
)
def test_what_is_wrong_with_a_role_is_named(
    world: World, command: Command, words: tuple[str, ...], code: int, message: str
) -> None:
    world.describe(users=[{"uuid": uid(13), "username": "former", "is_active": False}])
    before = world.facts()
    more = f" `usage-ledger role {words[0]} --help` says more." if code == 2 else ""
    told(command("role", *words), message + more, code)
    assert world.facts() == before


def test_an_empty_ledger_has_neither_users_nor_roles(environment: Environment) -> None:
    assert run(environment, "user", "list") == (0, "", "There is no user here.\n")
    assert run(environment, "role", "list") == (0, "", "Nobody has a role here.\n")


# --- tokens by uuid -----------------------------------------------------------------------------------------


def test_a_token_is_issued_by_the_uuid_of_a_user(world: World, command: Command) -> None:
    for written in (uid(1), str(UUID(uid(1)))):
        issued = command("token", "create", "--user-uuid", written)
        assert (issued.returncode, issued.stderr) == (0, "")
        assert world.client(issued.stdout.strip()).get(USAGES).status_code == 200


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "Either USERNAME or --user-uuid names the user."),
        (("staff", "--user-uuid", uid(1)), 2, "Either USERNAME or --user-uuid names the user."),
        (("--user-uuid", "zz"), 2, "Invalid value for '--user-uuid': 'zz' is not a valid UUID."),
        (
            ("--user-uuid", uid(0xDEAD)),
            1,
            f"nobody has the uuid {uid(0xDEAD)}; `usage-ledger user list` shows who there is",
        ),
        (("--user-uuid", uid(13)), 1, f"the user with the uuid {uid(13)} is not active"),
    ],
)
def test_a_token_is_of_one_active_user(
    world: World, command: Command, words: tuple[str, ...], code: int, message: str
) -> None:
    world.describe(users=[{"uuid": uid(13), "username": "former", "is_active": False}])
    before = world.facts()
    more = " `usage-ledger token create --help` says more." if code == 2 else ""
    told(command("token", "create", *words), message + more, code)
    assert world.facts() == before
