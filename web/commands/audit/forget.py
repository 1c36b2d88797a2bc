"""`usage-ledger forget`: a username is deleted wherever the ledger has it, and what was used stays.

Whoever had the name can't log in any more: their accounts become inactive and their tokens end, as nobody
could name the account that they belong to. Where a file or an agent names them later, they are somebody new.

Only this output tells whom the id stood for, and it does not repeat the name.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import click
import psycopg
from marshmallow import ValidationError
from msgspec import structs

from ledger.decisions.audit.forgetting import forget_people
from ledger.decisions.requests import Decision
from ledger.decisions.tokens import revoke_token
from ledger.domain.catalogue import User
from ledger.domain.people import naming
from ledger.events import Fact, UserDescribed
from ledger.journal.free_text import Mention, mentions
from ledger.journal.transaction import JournalTransaction
from projections.forgotten_names import clean_up, count_rows, people_named
from projections.lookups import people as lookups
from projections.rebuild import drop_leftovers
from web.commands.tokens import user_named
from web.request.describing import described
from web.request.services import Services
from web.runtime.database import open_services
from web.wire.audit.reasons import reason_of

NOT_CLEANED_UP = (
    "PostgreSQL keeps the name in rows that nobody reads any more until it is told to `VACUUM (ANALYZE)`."
)


class ForgetError(click.ClickException):
    """Nobody can be forgotten; the message is one line for people."""


class Forgotten(NamedTuple):
    """Who is forgotten, by their ids: what names them, by table, and how many accounts and tokens end."""

    people: Sequence[UUID]
    rows: dict[str, int]
    accounts: int
    tokens: int


def forget(
    services: Services,
    username: str,
    reason: str,
    forgotten_by: UUID | None = None,
    *,
    is_dry_run: bool = False,
) -> Forgotten:
    """Delete a username; return what was named so. Raises ForgetError if there is none.

    `is_dry_run`: nothing is deleted.
    """
    with services.deciding() as cursor:
        named = people_named(cursor, username)  # also those who were deleted from `journal.person` by hand

    def decide(transaction: JournalTransaction) -> Decision[Forgotten]:
        cursor, now = transaction.cursor, services.clock()
        known = {person.uuid for person in transaction.people([username]).values()}
        people = sorted(known | (named - lookups.forgotten(cursor, named)))  # another one was faster
        if not people:
            raise ForgetError(unknown(services, username))
        facts: list[Fact] = [*forget_people(people, reason, forgotten_by, now)]
        accounts = lookups.active_accounts(cursor, people)
        for user in _last_described(transaction, accounts):
            inactive = structs.replace(user, is_active=False)
            facts += described(inactive, cursor, now, "command-line", forgotten_by)
        tokens = lookups.valid_tokens(cursor, people)
        facts += [revoke_token(uuid, version, now) for uuid, version in tokens]
        forgotten = Forgotten(people, count_rows(cursor, people), len(accounts), len(tokens))
        return Decision(forgotten, () if is_dry_run else facts)

    return services.handler.execute(decide, is_locked=True)  # nobody is given an account meanwhile


def unknown(services: Services, username: str) -> str:
    with services.reading() as cursor:
        others = lookups.usernames_like(cursor, username)
    told = f"nobody is named {username!r} here, or not any more"
    return f"{told}; there is {', '.join(map(repr, others))}, and case counts" if others else told


def _last_described(transaction: JournalTransaction, accounts: Iterable[UUID]) -> list[User]:
    """Return the users of accounts, as they were last described."""
    streams = {User(uuid=uuid, person=uuid, commitment="").stream for uuid in accounts}
    facts = transaction.facts_since(0, streams)
    last = {fact.entity.uuid: fact.entity for _, fact in facts if isinstance(fact, UserDescribed)}
    return [*last.values()]


def check_username(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value:
        raise click.BadParameter("a username is not empty")
    return value


def check_reason(context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Return a reason, trimmed. It is in the journal for ever."""
    try:
        reason = reason_of(value, "")
    except ValidationError as error:
        raise click.BadParameter(" ".join(error.messages)) from None
    if not reason:
        raise click.BadParameter("a reason is not empty")
    if naming(context.params["username"])(reason):
        raise click.BadParameter("the username must not be in it: it would stay in the journal")
    return reason


@click.command("forget")
@click.argument("username", callback=check_username, is_eager=True)
@click.option("--reason", required=True, callback=check_reason, help="Why, without the name: it is kept.")
@click.option("--by", "decided_by", metavar="USERNAME", help="The active user who decides it.")
@click.option("--dry-run", is_flag=True, help="Forget nobody, and print what would be.")
def forget_command(username: str, reason: str, decided_by: str | None, dry_run: bool) -> None:
    """Delete USERNAME wherever the ledger has it: this can't be undone.

    What was used stays, as that of somebody without a name. Accounts of this name can't log in any more, and
    their tokens end. That somebody was forgotten, by whom and why is a fact.

    The name stays in free text of the journal: each place is printed, with its position, the kind of fact
    and the field. It stays in backups, too, and comes back where a file or an agent names it again.
    """
    with open_services() as services:
        by = user_named(services, decided_by) if decided_by else None
        forgotten = forget(services, username, reason, by, is_dry_run=dry_run)
        for line in summary(forgotten, is_dry_run=dry_run):
            click.echo(line)
        with services.reading() as cursor:
            others = lookups.usernames_like(cursor, username)
        if others:
            click.echo(f"Others stay, as case counts: {', '.join(map(repr, others))}.")
        if not dry_run:
            _clean_up(services)
        print_mentions(mentions(services.ledger, username))


def summary(forgotten: Forgotten, *, is_dry_run: bool) -> Iterable[str]:
    """Yield what was forgotten, in lines for people."""
    done = "Would be forgotten" if is_dry_run else "Forgotten"
    yield f"{done}: {', '.join(person.hex for person in forgotten.people)}."
    rows = ", ".join(f"{table} {rows}" for table, rows in forgotten.rows.items())
    yield f"Rows without a name: {rows or 'none'}."
    yield f"Accounts that became inactive: {forgotten.accounts}. Tokens that ended: {forgotten.tokens}."


def _clean_up(services: Services) -> None:
    try:
        with services.ledger.pool.connection() as connection:
            drop_leftovers(connection)
            clean_up(connection)
    except psycopg.Error:
        click.echo(NOT_CLEANED_UP, err=True)


def print_mentions(found: Iterable[Mention]) -> None:
    """Print where the name stands in free text, as it is found."""
    is_first = True
    for each in found:
        if is_first:
            click.echo("The name stays in free text, at position, fact and field:")
        is_first = False
        click.echo(f"{each.position:>12}  {each.kind:<24}  {each.field}")
    if is_first:
        click.echo("The name is in no free text.")
