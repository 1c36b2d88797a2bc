"""`usage-ledger verify`: do the figures follow from the journal?"""

import logging
import sys
import time
from collections.abc import Collection, Mapping
from uuid import UUID

import click
from psycopg.errors import InsufficientPrivilege

from ledger.decisions.audit.verifications import verified
from ledger.decisions.requests import Decision
from ledger.domain.people import Person
from ledger.errors import NoSigningKey, SigningRefused
from ledger.journal.transaction import JournalTransaction
from projections.lookups.verifications import earlier_verifications, known_people
from projections.projector import ProjectingFailed
from projections.replay import Progress
from projections.verification.findings import Finding, OnFinding
from projections.verification.journal import CheckedFacts
from projections.verification.verification import Verification, Verified
from web.commands.audit.tables import printable
from web.commands.errors import EXPECTED, told_in_one_line
from web.request.services import Services
from web.runtime.database import open_services

MOST_FINDINGS = 1_000
"""How many are printed. Where a whole table differs there are as many as it has cells."""

log = logging.getLogger(__name__)


MAY_NOT = (
    "A verification makes temporary tables and notes its result in the journal, and the role of"
    " LEDGER_DATABASE_URL may not: {}"
)


class NoResult(click.ClickException):
    """A verification did not come to its end."""

    exit_code = 3


@click.command("verify")
@click.option("--to", type=click.IntRange(0), metavar="POSITION", help="As of then, and nothing later.")
@click.pass_context
def verify_command(context: click.Context, to: int | None) -> None:
    """Replay the journal beside the live read models, while the service runs, and compare every row.

    A line is printed for each finding: `table key column live replayed position` of a cell that differs, with
    `*` for the column where only one side has the row, or `journal position what`. Exits with 1 if there are
    any, with 3 where there is no result. The journal keeps the result.

    The tree of the journal is made anew, too, and held against the one that grew with it and against all
    checkpoints that were signed; then another one is signed.

    With --to those tables are compared whose past is kept, as they were at that position.
    """
    start = time.monotonic()
    with told_in_one_line(NoResult), open_services(may_rebuild=False) as services:
        try:
            result = verify(services, to)
        except InsufficientPrivilege as error:
            raise NoResult(MAY_NOT.format(error.diag.message_primary)) from error
        log.info(
            "Verified %d facts up to position %d in %.1f s: %d differences%s",
            result.facts,
            result.to,
            time.monotonic() - start,
            result.differences,
            "" if result.is_compared else "; rows were not compared, as the journal can't be replayed",
        )
    context.exit(1 if result.differences else 0)


def verify(services: Services, to: int | None = None) -> Verified:
    """Print what differs, and note the result in the journal."""
    findings = 0

    def tell(finding: Finding) -> None:
        nonlocal findings
        findings += 1
        if findings <= MOST_FINDINGS:
            click.echo(printable(finding.line))

    try:
        head = services.projector.catch_up()
    except ProjectingFailed as error:
        log.warning("The read models are behind the journal: %s", error)
        head = 0
    with click.progressbar(length=head, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        verification = verification_of(services, tell, lambda facts, _head: bar.update(facts))
        result = verification.run(to)
    if findings > MOST_FINDINGS:
        click.echo(f"{findings - MOST_FINDINGS} more are not shown")
    try:
        note(services, result)
    except EXPECTED as error:
        if not result.differences:
            raise
        log.error("The result could not be noted in the journal: %s", error)
    if verification.is_of_its_tree:
        sign(services)
    return result


def sign(services: Services) -> None:
    """Sign the journal as it is, if there is a key. What speaks against it is logged."""
    try:
        services.signing.checkpoint(services.clock(), is_due=True)
    except NoSigningKey:
        log.info("No checkpoint is signed, as this ledger has no signing key")
    except SigningRefused as refused:
        log.error("No checkpoint is signed: %s", refused)


def verification_of(
    services: Services,
    on_finding: OnFinding,
    progress: Progress = lambda _facts, _head: None,
    *,
    is_alone: bool = False,
) -> Verification:
    """Return a verification of the ledger's read models, to be run.

    `is_alone`: what the database has is all there is, and what is beside the key is not looked at.
    """

    def people(uuids: Collection[UUID]) -> Mapping[UUID, Person]:
        with services.reading() as cursor:
            return known_people(cursor, uuids)

    ledger = services.ledger
    return Verification(
        ledger.connect,
        CheckedFacts(ledger.journal.select_texts, ledger.fact, people),
        on_finding,
        progress=progress,
        key_file=None if is_alone else services.signing.key_file,
    )


def note(services: Services, result: Verified) -> None:
    """Append the fact of a verification that came to its end."""

    def decide(transaction: JournalTransaction) -> Decision[None]:
        earlier = earlier_verifications(transaction.cursor)
        fact = verified(result.to, result.facts, result.differences, earlier, services.clock())
        return Decision(None, [fact])

    services.handler.execute(decide)
