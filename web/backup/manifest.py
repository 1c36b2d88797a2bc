"""Says what is in a backup: what has to be found again where it was restored."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import DictRow

from ledger.errors import TreeDamaged
from ledger.journal.guard import ledger_id
from ledger.journal.tree.reading import Tree
from ledger.proof.merkle import root
from web.backup import BackupError

FORMAT = "usage-ledger backup 1"

SELECT_HEAD = "SELECT coalesce(max(notification_id), 0) AS head FROM journal.ledger_events"


class Content(Struct, frozen=True, kw_only=True):
    """Which facts of which journal: its id, the last position, their number, their root hash."""

    ledger_id: UUID
    position: int
    facts: int
    root: bytes


class Manifest(Content, frozen=True, kw_only=True):
    """What a backup says of itself. `origin` names the ledger, `created` is the time of its snapshot."""

    format: str
    origin: str
    version: str
    postgresql: int
    created: datetime


def content_of(connection: Connection[DictRow]) -> Content:
    """Return what is in the journal, in the connection's snapshot. Raises BackupError."""
    tree, row = Tree(connection.cursor()), connection.execute(SELECT_HEAD).fetchone()
    assert row is not None
    try:
        size = tree.reach().size
        return Content(
            ledger_id=ledger_id(connection),
            position=row["head"],
            facts=size,
            root=root(size, tree.read),
        )
    except TreeDamaged as error:
        told = f"{error}: `usage-ledger verify` says more, and plain pg_dump saves the journal as it is"
        raise BackupError(told) from error


def read_manifest(text: bytes) -> Manifest:
    """Return what a manifest says. Raises BackupError."""
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BackupError(f"manifest.json: {error}") from error
    if manifest.format != FORMAT:
        raise BackupError(f"manifest.json: a {manifest.format!r}, and this version reads {FORMAT!r}")
    return manifest


def differences(expected: Content, found: Content) -> str:
    """Return in words in what a journal differs from a manifest, nothing where it does not."""

    def shown(value: Any) -> Any:
        return value.hex() if isinstance(value, bytes) else value

    return "; ".join(
        f"{name} is {shown(getattr(found, name))}, not {shown(getattr(expected, name))}"
        for name in Content.__struct_fields__
        if getattr(found, name) != getattr(expected, name)
    )
