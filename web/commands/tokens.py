"""`usage-ledger token`: issues, lists and revokes API tokens."""

import secrets
from datetime import timedelta
from uuid import UUID

import click
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.requests import Decision
from ledger.decisions.tokens import issue_token, revoke_token
from ledger.domain.access import TokenUses
from ledger.journal.transaction import JournalTransaction
from projections.lookups import accounts
from web.commands.errors import Group
from web.request.authentication import hash_of
from web.request.services import Services
from web.runtime.database import open_services
from web.telemetry.uses import last_uses
from web.wire.fields import uuid_of

TOKEN_BYTES = 32  # 256 bits: 64 hex digits, where Waldur's are 40


class TokenError(click.ClickException):
    """A token can't be issued or revoked; the message is one line for people."""


def create(
    services: Services,
    user_uuid: UUID,
    days: int | None,
    *,
    uses: TokenUses = "all",
    offering_uuid: UUID | None = None,
) -> str:
    """Issue a token to a user and return it; it can't be read again. It is valid for so many days.

    It is for some `uses` only, and with an offering for what the user may do about that. Raises TokenError
    if there is no such offering, or the user may see nothing of it.
    """
    token = secrets.token_hex(TOKEN_BYTES)
    now = services.clock()
    expires_at = now + timedelta(days=days) if days is not None else None
    fact = issue_token(hash_of(token), user_uuid, expires_at, now, uses=uses, offering_uuid=offering_uuid)

    def decide(transaction: JournalTransaction) -> Decision[str]:
        if offering_uuid is not None:
            _check_offering(transaction.cursor, user_uuid, offering_uuid)
        return Decision(token, [fact])

    return services.handler.execute(decide)


def _check_offering(cursor: Cursor[DictRow], user_uuid: UUID, offering_uuid: UUID) -> None:
    """Raise TokenError where a token of this user for this offering alone would be for nothing."""
    caller = accounts.caller_at(cursor, user_uuid, offering_uuid)
    if caller is None:
        raise TokenError(f"there is no offering with the uuid {offering_uuid.hex}")
    if not caller.roles:
        raise TokenError(f"the user has no role on the offering {offering_uuid.hex}, nor on its provider")


def user_named(services: Services, username: str) -> UUID:
    """Return the one active user of this name. Raises TokenError."""
    with services.deciding() as cursor:
        found = accounts.accounts_named(cursor, username)
    active: list[UUID] = [account["uuid"] for account in found if account["is_active"]]
    if not found:
        raise TokenError(f"nobody is named {username!r}; `usage-ledger user list` shows who there is")
    if not active:
        raise TokenError(f"{username!r} is not active")
    if len(active) > 1:
        uuids = ", ".join(sorted(uuid.hex for uuid in active))
        raise TokenError(f"{len(active)} active users are named {username!r}: {uuids}")
    return active[0]


def user_with(services: Services, uuid: UUID) -> UUID:
    """Return the uuid of an active user. Raises TokenError if there is no such user."""
    with services.deciding() as cursor:
        is_active = {each["uuid"]: each["is_active"] for each in accounts.accounts(cursor)}
    if uuid not in is_active:
        raise TokenError(f"nobody has the uuid {uuid.hex}; `usage-ledger user list` shows who there is")
    if not is_active[uuid]:
        raise TokenError(f"the user with the uuid {uuid.hex} is not active")
    return uuid


def revoke(services: Services, token_uuid: UUID) -> None:
    """End a token; one that has ended already stays as it is. Raises TokenError if there is none."""

    def decide(transaction: JournalTransaction) -> Decision[None]:
        tokens = accounts.tokens(transaction.cursor)
        token = next((each for each in tokens if each["token_uuid"] == token_uuid), None)
        if token is None:
            raise TokenError(f"there is no token with the id {token_uuid.hex}")
        if token["revoked_at"] is not None:
            return Decision(None)
        return Decision(None, [revoke_token(token_uuid, token["version"], services.clock())])

    services.handler.execute(decide)


def listed(services: Services) -> list[DictRow]:
    """Return every token, with its user and its end."""
    with services.deciding() as cursor:
        return accounts.tokens(cursor)


@click.group("token", cls=Group)
def token_group() -> None:
    """Create, list and revoke API tokens."""


@token_group.command("create")
@click.argument("username", required=False)
@click.option("--user-uuid", type=click.UUID, metavar="UUID", help="The user, in place of USERNAME.")
@click.option("--expires", type=click.IntRange(1, 36_500), metavar="DAYS", help="Default: never.")
@click.option("--only", type=click.Choice(["read", "report"]), help="What it is for. Default: all.")
@click.option("--offering", type=click.UUID, metavar="UUID", help="The only one that it is for.")
@click.pass_context
def create_command(
    context: click.Context,
    username: str | None,
    user_uuid: UUID | None,
    expires: int | None,
    only: TokenUses | None,
    offering: UUID | None,
) -> None:
    """Issue a token to USERNAME and print it. It is shown only now: the ledger keeps its hash.

    With it one may do what USERNAME may, or a part of that: `--only report` is for a reporter that reads
    nothing, `--only read` for a portal, `--offering` for who provides this one, among all that USERNAME may.
    """
    if (username is None) == (user_uuid is None):
        raise click.UsageError("Either USERNAME or --user-uuid names the user.", context)
    with open_services() as services:
        user = user_with(services, user_uuid) if user_uuid else user_named(services, username or "")
        click.echo(create(services, user, expires, uses=only or "all", offering_uuid=offering))


@token_group.command("list")
def list_command() -> None:
    """List all tokens: id, issued (UTC), expires, state, last used, uses, offering, username."""
    with open_services(only_reads=True) as services:
        now = services.clock()
        tokens = listed(services)
        with services.reading() as cursor:
            used = last_uses(cursor)
        if not tokens:
            click.echo("No token was ever issued here.", err=True)
        for each in tokens:
            expires = each["expires_at"]
            state = "revoked" if each["revoked_at"] else "expired" if expires and expires <= now else "valid"
            until = f"{expires:%Y-%m-%d %H:%M}" if expires else "never"
            issued = f"{each['issued_at']:%Y-%m-%d %H:%M}"
            last = f"{used[each['token_uuid']]:%Y-%m-%d %H:%M}" if each["token_uuid"] in used else "-"
            offering = each["offering_uuid"].hex if each["offering_uuid"] else "-"
            click.echo(
                f"{each['token_uuid'].hex}  {issued}  {until:<16}  {state:<7}  {last:<16}  {each['uses']:<6}"
                f"  {offering:<32}  {each['username'] or '-'}"
            )


@token_group.command("revoke")
@click.argument("token_id")
def revoke_command(token_id: str) -> None:
    """End the token with TOKEN_ID, the first column of `token list`."""
    uuid = uuid_of(token_id)
    if uuid is None:
        raise TokenError(f"{token_id!r} is no token id; `usage-ledger token list` shows them")
    with open_services() as services:
        revoke(services, uuid)
