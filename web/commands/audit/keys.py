"""`usage-ledger key`: makes the key that checkpoints are signed with, shows it, and replaces it."""

import logging
import secrets

import click

from ledger.decisions.audit.rotations import rotated
from ledger.decisions.requests import Decision
from ledger.errors import SigningRefused
from ledger.events import SigningKeyRotated
from ledger.journal.transaction import JournalTransaction
from ledger.journal.tree import checkpoints
from ledger.journal.tree.keys import KeyFile, KeyUnusable
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.notes import SEED_BYTES, Signer, read_note
from web.commands.errors import Group
from web.request.services import Services
from web.runtime.database import open_services

log = logging.getLogger(__name__)


class NoSuchKey(click.ClickException):
    """A key can't be made, replaced or shown; the message is one line for people."""


@click.group("key", cls=Group)
def key_group() -> None:
    """Make, show or replace the key that checkpoints of the journal are signed with.

    It is in a file, see LEDGER_SIGNING_KEY. Keep a copy of it where no copy of the database is, and give the
    verifier key to auditors.
    """


@key_group.command("create")
@click.option(
    "--rotate",
    "is_rotation",
    is_flag=True,
    help="Replace the key, which signs the next one into the journal.",
)
def create_command(is_rotation: bool) -> None:
    """Make the signing key of this ledger, and print its verifier key."""
    with open_services() as services:
        click.echo(rotate(services) if is_rotation else create(services))


@key_group.command("show")
def show_command() -> None:
    """Print the verifier key, with which anybody can check what is signed: <origin>+<hash>+<base64>."""
    with open_services(may_rebuild=False, only_reads=True) as services:
        files = _files(services)
        signer = files.signer()
        if signer is None:
            told = "bring it back" if _has_signed(services) else "`usage-ledger key create` makes one"
            raise NoSuchKey(f"there is no signing key in {files.path}; {told}")
        click.echo(signer.verifier_key)


def create(services: Services) -> str:
    """Make a key where there is none, and return its verifier key. Raises NoSuchKey, KeyUnusable."""
    files = _files(services)
    if files.signer() is not None:
        raise NoSuchKey(f"there is a signing key in {files.path}; --rotate replaces it by another one")
    if _has_signed(services):
        raise NoSuchKey(
            f"{services.origin()} has signed checkpoints, and their key is not in {files.path}: bring it"
            " back, or go on under another LEDGER_ORIGIN"
        )
    signer = _new(services)
    files.create(signer)
    return signer.verifier_key


def create_if_missing(services: Services) -> None:
    """Make a key where there is none, and none is missing. What speaks against it is logged."""
    files = _files(services)
    try:
        if files.signer() is None:
            log.info("The signing key in %s is new. Its verifier key: %s", files.path, create(services))
    except (KeyUnusable, NoSuchKey) as error:
        log.error("Nothing can be signed: %s", error)


def rotate(services: Services) -> str:
    """Replace the key, and return the verifier key of the next one. Raises NoSuchKey, KeyUnusable.

    The next one is in a file before the journal names it. Where a rotation was cut off, this one ends it.
    """
    files = _files(services)
    old, new = files.signer(), files.next_signer()
    if old is None:
        raise NoSuchKey(f"there is no signing key in {files.path} that could be replaced")
    if new is not None and new.verifier_key in _replacing(services):
        files.rotate()
        return new.verifier_key
    try:
        services.signing.check()
    except SigningRefused as error:
        raise NoSuchKey(f"nothing is signed now, and no other key either: {error}") from error
    files.discard_next()
    new = _new(services)
    files.prepare(new)
    _note(services, old, new)
    files.rotate()
    return new.verifier_key


def _note(services: Services, old: Signer, new: Signer) -> None:
    """Append the fact that a key follows another one. Raises NoSuchKey unless that one is in force."""
    if old.name != new.name:
        raise NoSuchKey(f"the signing key is that of {old.name}, and this ledger is {new.name}")

    def decide(transaction: JournalTransaction) -> Decision[None]:
        earlier = _rotations(transaction)
        if earlier and earlier[-1].verifier_key != old.verifier_key:
            raise NoSuchKey("the signing key was replaced already, by one that is not here")
        return Decision(None, [rotated(old, new, len(earlier), services.clock())])

    services.handler.execute(decide)


def _rotations(transaction: JournalTransaction) -> list[SigningKeyRotated]:
    facts = transaction.facts_since(0, [SigningKeyRotated.STREAM])
    return [fact for _, fact in facts if isinstance(fact, SigningKeyRotated)]


def _replacing(services: Services) -> list[str]:
    """Return the verifier keys that took the place of others."""
    with services.ledger.transaction() as transaction:
        return [each.verifier_key for each in _rotations(transaction)]


def _has_signed(services: Services) -> bool:
    with services.reading() as cursor:
        kept = checkpoints.newest(cursor)
    return kept is not None and Checkpoint.parse(read_note(kept.note)[0]).origin == services.origin()


def _new(services: Services) -> Signer:
    return Signer.of(services.origin(), secrets.token_bytes(SEED_BYTES))


def _files(services: Services) -> KeyFile:
    files = services.signing.key_file
    assert files, "commands have one"
    return files
