"""Signs checkpoints of the tree, and refuses to where they would contradict an earlier one.

One signs at a time, for all workers and servers of a database: a lock in the database sees to it. Before that
the tree is held against the newest checkpoint that is kept, and against the last one that left the house,
which is remembered beside the key. And the facts since then are held against their hashes in the tree, as
far as that is a matter of a second; all others are for a verification.

A checkpoint is remembered before it is kept, and kept before anybody gets it. So whatever breaks between, the
next one can't contradict it.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import DictRow

from ledger.errors import NoSigningKey, SigningRefused, TreeDamaged
from ledger.events import SigningKeyRotated
from ledger.journal.tree.checkpoints import Kept, keep, newest, of_size
from ledger.journal.tree.keys import KeyFile, KeyUnusable
from ledger.journal.tree.reading import Reach, Tree
from ledger.proof import Malformed, Unproven
from ledger.proof.checkpoints import Checkpoint, open_checkpoint
from ledger.proof.hashing import HASH_BYTES
from ledger.proof.merkle import root
from ledger.proof.notes import Signer, Verifier, read_note, sign
from ledger.proof.rotations import Keys
from ledger.proof.tiles import TILE_WIDTH, Tile

LOCK_SIGNING = "SELECT pg_advisory_xact_lock(hashtext('usage-ledger: signing'))"

SELECT_HEAD = """
SELECT coalesce(max(notification_id), 0) AS head,
    (SELECT last_position FROM journal.tree_tail ORDER BY first_leaf DESC LIMIT 1) AS reached
FROM journal.ledger_events"""

SELECT_FIRST_AFTER = """
SELECT state FROM journal.ledger_events WHERE notification_id > %(position)s
ORDER BY notification_id LIMIT 1"""

SELECT_ROTATIONS = """
SELECT notification_id AS position, state FROM journal.ledger_events
WHERE originator_id = %(stream)s ORDER BY originator_version"""

MOST_COMPARED = 65_536
"""Facts that are held against the tree before it is signed: the last ones since the last checkpoint."""

AT_A_TIME = 8_192

log = logging.getLogger(__name__)


class _Recorded(msgspec.Struct):
    recorded_at: datetime


_STATES = msgspec.json.Decoder(_Recorded)


class Outlook(NamedTuple):
    """What is known before signing: the key, how far the tree is, and the newest checkpoint."""

    signer: Signer
    reach: Reach
    newest: Kept | None
    remembered: bytes | None


class Signing:
    """Signs the checkpoints of a ledger.

    `connect` lends a connection in autocommit, whose rows are dicts; `origin` is the name of the ledger,
    which its key has to have; a checkpoint that is older than `seconds` is followed by another one.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Connection[DictRow]]],
        key_file: KeyFile | None,
        origin: Callable[[], str],
        seconds: float,
    ) -> None:
        self._connect, self.key_file, self.origin = connect, key_file, origin
        self._age = timedelta(seconds=seconds)
        self._told = ""

    def checkpoint(self, now: datetime, *, is_due: bool = False) -> Kept:
        """Return the newest checkpoint, which is signed first where it lacks facts for too long.

        `is_due`: where it lacks any. Raises NoSigningKey, SigningRefused.
        """
        with self._connect() as connection:
            cursor = connection.cursor()
            with self._refusing():
                outlook = self._outlook(cursor)
                if (kept := self._fresh(cursor, outlook, now, is_due=is_due)) and _is_kept(outlook):
                    return kept
                with connection.transaction():
                    cursor.execute(LOCK_SIGNING)
                    outlook = self._outlook(cursor)
                    if self._keep_remembered(cursor, outlook, now):
                        outlook = self._outlook(cursor)
                    kept = self._fresh(cursor, outlook, now, is_due=is_due)
                    if kept is None:
                        kept = self._sign(cursor, outlook, now)
                        keep(cursor, kept)
                    elif not _is_kept(outlook):
                        self._files.remember(kept.note)
            return kept

    def check(self) -> None:
        """Raise SigningRefused where nothing can be signed, but for want of a key."""
        with self._refusing():
            if self.key_file is None or self.key_file.signer() is None:
                return
            with self._connect() as connection:
                cursor = connection.cursor()
                outlook = self._outlook(cursor)
                _compare(cursor, outlook, TILE_WIDTH)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn what speaks against signing into SigningRefused, which is logged once."""
        try:
            yield
        except KeyUnusable as error:
            self._tell(str(error))
            raise SigningRefused("The signing key can't be used; the log says why.") from error
        except (Malformed, Unproven, TreeDamaged) as error:
            self._tell(str(error))
            raise SigningRefused(f"The tree can't be signed: {error}.") from error
        except SigningRefused as error:
            self._tell(str(error))
            raise
        except NoSigningKey:
            raise
        self._told = ""

    def _tell(self, reason: str) -> None:
        if reason != self._told:
            log.error("Nothing is signed: %s", reason)
        self._told = reason

    @property
    def _files(self) -> KeyFile:
        if self.key_file is None:
            raise NoSigningKey
        return self.key_file

    def _outlook(self, cursor: Cursor[DictRow]) -> Outlook:
        """Return what there is to sign, and with what. Raises SigningRefused where it does not fit."""
        signer = self._files.signer()
        if signer is None:
            raise NoSigningKey
        if signer.name != (origin := self.origin()):
            raise SigningRefused(f"The signing key is that of {signer.name}, and this ledger is {origin}.")
        # The tree at last: what others sign meanwhile would be ahead of it.
        remembered, last = self._files.last_checkpoint(), newest(cursor)
        outlook = Outlook(signer, _reach(cursor), last, remembered)
        keys = keys_in_force(cursor, signer)
        if outlook.newest:
            _check_signature(outlook.newest.note, outlook, keys)
            _check_root(cursor, outlook.newest.note, outlook.reach, "is kept")
        if outlook.remembered and (outlook.newest is None or outlook.newest.note != outlook.remembered):
            _check_root(cursor, outlook.remembered, outlook.reach, "has left this ledger")
        return outlook

    def _fresh(
        self, cursor: Cursor[DictRow], outlook: Outlook, now: datetime, *, is_due: bool
    ) -> Kept | None:
        """Return the newest checkpoint, None where it is time for another one."""
        kept = outlook.newest
        if kept is None or kept.size == outlook.reach.size:
            return kept
        if is_due or kept.signed_at < now - self._age:
            return None
        # One that was recorded before that may have been committed after it.
        row = cursor.execute(SELECT_FIRST_AFTER, {"position": kept.position}).fetchone()
        try:
            recorded_at = _STATES.decode(bytes(row["state"])).recorded_at if row else now
        except msgspec.DecodeError:
            return None
        return None if recorded_at < now - self._age else kept

    def _keep_remembered(self, cursor: Cursor[DictRow], outlook: Outlook, now: datetime) -> bool:
        """Keep the checkpoint that is remembered, where the database lost it, or never got it."""
        if outlook.remembered is None:
            return False
        size = _parsed(outlook.remembered).size
        if of_size(cursor, size) is not None:
            return False
        log.warning("The checkpoint of %d facts, which is remembered, was not kept: it is now", size)
        position = Tree(cursor).position(size - 1) if size else 0
        keep(cursor, Kept(size, position, outlook.remembered, now))
        return True

    def _sign(self, cursor: Cursor[DictRow], outlook: Outlook, now: datetime) -> Kept:
        _compare(cursor, outlook, MOST_COMPARED)
        reach = outlook.reach
        found = root(reach.size, Tree(cursor).read)
        note = sign(Checkpoint(outlook.signer.name, reach.size, found).text, outlook.signer)
        self._files.remember(note)
        return Kept(reach.size, reach.position, note, now)


def keys_of(cursor: Cursor[DictRow], trusted: Verifier) -> Keys:
    """Return the keys that the journal has rotated, among them one that is trusted."""
    keys = Keys([trusted])
    for row in cursor.execute(SELECT_ROTATIONS, {"stream": SigningKeyRotated.STREAM}).fetchall():
        leaf = Tree(cursor).leaves([row["position"]])[row["position"]]
        with suppress(Malformed, Unproven):  # whoever wrote it had not the key
            keys.rotate(bytes(row["state"]), leaf)
    return keys


def keys_in_force(cursor: Cursor[DictRow], signer: Signer) -> Keys:
    """Return the keys of a ledger. Raises SigningRefused where this one was replaced."""
    keys = keys_of(cursor, signer.verifier)
    in_force = keys.of(_reach(cursor).size)
    if signer.verifier not in in_force:
        raise SigningRefused("The signing key of this server was replaced by another one.")
    return keys


def _is_kept(outlook: Outlook) -> bool:
    """Return whether what is remembered and what is kept are the same checkpoint."""
    return outlook.newest is not None and outlook.newest.note == outlook.remembered


def _reach(cursor: Cursor[DictRow]) -> Reach:
    """Return how far the tree is. Raises SigningRefused where the journal is not as far."""
    row = cursor.execute(SELECT_HEAD).fetchone()
    assert row
    if row["head"] != row["reached"]:
        raise SigningRefused(
            f"The journal ends at position {row['head']}, and its tree at {row['reached'] or 0}."
        )
    return Tree(cursor).reach()


def _parsed(note: bytes) -> Checkpoint:
    """Return what a note says. Raises Malformed."""
    return Checkpoint.parse(read_note(note)[0])


def _check_signature(note: bytes, outlook: Outlook, keys: Keys) -> None:
    """Check who signed the newest checkpoint: two keys of one name would be two ledgers."""
    parsed = _parsed(note)
    if parsed.origin == outlook.signer.name:
        try:
            open_checkpoint(note, keys.of(parsed.size))
        except Unproven as error:
            raise SigningRefused(
                f"The checkpoint of {parsed.size} facts is signed by another key of this name."
            ) from error


def _check_root(cursor: Cursor[DictRow], note: bytes, reach: Reach, where: str) -> None:
    """Hold the tree against an earlier checkpoint. Raises SigningRefused."""
    parsed = _parsed(note)
    told = f"A checkpoint of {parsed.size} facts {where}"
    if parsed.size > reach.size:
        raise SigningRefused(f"{told}, and the journal has {reach.size}: facts are missing.")
    if root(parsed.size, Tree(cursor).read) != parsed.root:
        raise SigningRefused(f"{told}, and those of the journal are others.")


def _compare(cursor: Cursor[DictRow], outlook: Outlook, most: int) -> None:
    """Hold the last facts since the newest checkpoint against the tree. Raises SigningRefused."""
    tree, size = Tree(cursor), outlook.reach.size
    since = max(outlook.newest.size if outlook.newest else 0, size - most)
    tile = since // TILE_WIDTH
    after = tree.before(tile)
    if after is None:
        raise TreeDamaged(f"the tree lacks {Tile(0, tile - 1).path}")
    for first in range(tile * TILE_WIDTH, size, AT_A_TIME):
        count = min(AT_A_TIME, size - first)
        facts = tree.hashed(after, count)
        hashes = b"".join(
            tree.read(Tile(0, start // TILE_WIDTH, min(TILE_WIDTH, size - start)))
            for start in range(first, first + count, TILE_WIDTH)
        )
        if facts.hashes != hashes:
            raise SigningRefused(_told(facts.hashes, hashes, facts.positions))
        after = facts.positions[-1]


def _told(facts: bytes, hashes: bytes, positions: list[int]) -> str:
    for place, position in enumerate(positions):
        part = slice(place * HASH_BYTES, (place + 1) * HASH_BYTES)
        if facts[part] != hashes[part]:
            return f"The fact at position {position} is not the one that the tree has there."
    return f"The tree has a fact after position {positions[-1] if positions else 0} that the journal lacks."
