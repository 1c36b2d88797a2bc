"""`usage-ledger user` and `usage-ledger role`: who there is and what they may, for those who import no users.

What these say is described as an import does it, so a later import of the same user or role replaces it.
"""

from difflib import get_close_matches
from typing import get_args
from uuid import UUID, uuid4, uuid5

import click
import msgspec
from msgspec import structs

from ledger.decisions.requests import Decision
from ledger.domain.access import ROLE_PERMISSIONS, ROLE_SCOPES
from ledger.domain.catalogue import NAMESPACE, Role, ScopeType, User
from ledger.journal.transaction import JournalTransaction
from projections.lookups import accounts
from projections.lookups import import_targets as imports
from web.commands.errors import Group
from web.commands.tokens import user_named
from web.request.describing import described
from web.request.services import Services
from web.runtime.database import open_services

LONGEST_USERNAME = 255
LIKENESS = 0.5
"""A role name so like another one is taken for a misspelt one: `owner` is 0.53 of `CUSTOMER.OWNER`."""


class AccountError(click.ClickException):
    """A user or role can't be described; the message is one line for people."""


def create_user(
    services: Services, username: str, *, is_staff: bool = False, is_support: bool = False
) -> UUID:
    """Describe a new user and return their uuid. Raises AccountError if an active one has the name."""
    uuid = uuid4()

    def decide(transaction: JournalTransaction) -> Decision[UUID]:
        for account in accounts.accounts_named(transaction.cursor, username):
            if account["is_active"]:
                raise AccountError(f"{username!r} is there already, with the uuid {account['uuid'].hex}")
        known = transaction.people([username])
        new = services.ledger.new_people({username} - known.keys())
        person = (known | new)[username]
        user = User(
            uuid=uuid,
            person=person.uuid,
            commitment=person.commitment,
            is_staff=is_staff,
            is_support=is_support,
        )
        facts = described(user, transaction.cursor, services.clock(), "command-line")
        return Decision(uuid, facts, new.values())

    return services.handler.execute(decide, is_locked=True)  # the streams of namesakes do not meet


def grant(
    services: Services, user_uuid: UUID, role_name: str, scope_type: ScopeType, scope_uuid: UUID
) -> tuple[UUID, bool]:
    """Describe a user's role. Return its uuid, and whether it is new; the one that they hold if it is not.

    Raises AccountError if the scope does not exist.
    """
    name = f"Role:{user_uuid.hex}:{role_name}:{scope_type}:{scope_uuid.hex}"
    role = Role(
        uuid=uuid5(NAMESPACE, name),
        user_uuid=user_uuid,
        role_name=role_name,
        scope_type=scope_type,
        scope_uuid=scope_uuid,
    )

    def decide(transaction: JournalTransaction) -> Decision[tuple[UUID, bool]]:
        if not imports.owners(transaction.cursor, f"{scope_type}s", [scope_uuid]):
            raise AccountError(f"there is no {scope_type} with the uuid {scope_uuid.hex}")
        for row in accounts.roles(transaction.cursor):
            if structs.replace(role, uuid=row["uuid"]) == msgspec.convert(row, Role):
                return Decision((row["uuid"], False))
        facts = described(role, transaction.cursor, services.clock(), "command-line")
        return Decision((role.uuid, True), facts)

    return services.handler.execute(decide)


def revoke(services: Services, role_uuid: UUID) -> bool:
    """Describe a role as held no more; return False if it was not. Raises AccountError if there is none."""

    def decide(transaction: JournalTransaction) -> Decision[bool]:
        rows = accounts.roles(transaction.cursor)
        row = next((each for each in rows if each["uuid"] == role_uuid), None)
        if row is None:
            raise AccountError(f"there is no role with the uuid {role_uuid.hex}")
        role = structs.replace(msgspec.convert(row, Role), is_active=False)
        facts = described(role, transaction.cursor, services.clock(), "command-line")
        return Decision(row["is_active"], facts)

    return services.handler.execute(decide)


def check_username(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.isprintable() or value != value.strip() or not 0 < len(value) <= LONGEST_USERNAME:
        raise click.BadParameter(
            f"1 to {LONGEST_USERNAME} printable characters, without spaces around them, are a username"
        )
    return value


def check_role_name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value not in ROLE_PERMISSIONS:
        like = get_close_matches(value.upper(), ROLE_PERMISSIONS, n=1, cutoff=LIKENESS)
        instead = f"; is it {like[0]}?" if like else ""
        raise click.BadParameter(f"{value!r} is none of {', '.join(ROLE_PERMISSIONS)}{instead}")
    return value


def check_scope_type(context: click.Context, _parameter: click.Parameter, value: ScopeType) -> ScopeType:
    role_name = context.params["role"]
    if value not in ROLE_SCOPES[role_name]:
        raise click.BadParameter(f"{role_name} is for: {', '.join(ROLE_SCOPES[role_name])}")
    return value


@click.group("user", cls=Group)
def user_group() -> None:
    """Create and list users."""


@user_group.command("create")
@click.argument("username", callback=check_username)
@click.option("--staff", is_flag=True, help="May see and report everything.")
@click.option("--support", is_flag=True, help="May see everything.")
def create_command(username: str, staff: bool, support: bool) -> None:
    """Create the user USERNAME and print their uuid. An active user of this name is an error.

    `usage-ledger role grant` says what they may, and `usage-ledger token create` lets them in.
    """
    with open_services() as services:
        click.echo(create_user(services, username, is_staff=staff, is_support=support).hex)


@user_group.command("list")
def list_users_command() -> None:
    """List all users: uuid, rank, state, username."""
    with open_services(only_reads=True) as services, services.deciding() as cursor:
        found = accounts.accounts(cursor)
    if not found:
        click.echo("There is no user here.", err=True)
    for each in found:
        rank = "staff" if each["is_staff"] else "support" if each["is_support"] else "-"
        state = "active" if each["is_active"] else "inactive"
        click.echo(f"{each['uuid'].hex}  {rank:<7}  {state:<8}  {each['username'] or '-'}")


@click.group("role", cls=Group)
def role_group() -> None:
    """Grant, list and revoke roles."""


@role_group.command("grant")
@click.argument("username")
@click.argument("role", callback=check_role_name)
@click.argument(
    "scope_type",
    metavar="SCOPE_TYPE",
    type=click.Choice(get_args(ScopeType)),
    callback=check_scope_type,
)
@click.argument("scope_uuid", type=click.UUID)
def grant_command(username: str, role: str, scope_type: ScopeType, scope_uuid: UUID) -> None:
    """Grant ROLE on an object to the active user USERNAME, and print the uuid of what is granted.

    SCOPE_TYPE and SCOPE_UUID name the object. ROLE is one that is held on objects of this type: on a
    customer CUSTOMER.OWNER, CUSTOMER.SUPPORT, CUSTOMER.MANAGER or AUDITOR; on a service_provider
    CUSTOMER.MANAGER; on a project PROJECT.ADMIN, PROJECT.MANAGER or PROJECT.MEMBER; on an offering
    OFFERING.MANAGER. A role that they hold already is left as it is.

    CUSTOMER.OWNER of the provider, CUSTOMER.MANAGER and OFFERING.MANAGER may report.
    """
    with open_services() as services:
        uuid, is_new = grant(services, user_named(services, username), role, scope_type, scope_uuid)
    if not is_new:
        click.echo(f"{username} holds this role already; nothing was stored.", err=True)
    click.echo(uuid.hex)


@role_group.command("list")
def list_roles_command() -> None:
    """List all roles: uuid, state, role, type and uuid of the object, username."""
    with open_services(only_reads=True) as services, services.deciding() as cursor:
        found = accounts.roles(cursor)
    if not found:
        click.echo("Nobody has a role here.", err=True)
    for each in found:
        state = "active" if each["is_active"] else "revoked"
        scope = f"{each['scope_type']:<16}  {each['scope_uuid'].hex}"
        click.echo(
            f"{each['uuid'].hex}  {state:<7}  {each['role_name']:<16}  {scope}  {each['username'] or '-'}"
        )


@role_group.command("revoke")
@click.argument("uuid", type=click.UUID)
def revoke_command(uuid: UUID) -> None:
    """Revoke the role with UUID, the first column of `role list`. Importing it as active grants it again."""
    with open_services() as services:
        if not revoke(services, uuid):
            click.echo("It was revoked before; nothing was stored.", err=True)
