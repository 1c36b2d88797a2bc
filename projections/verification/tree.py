"""Verifies the tree: that its leaves are the facts of the journal, and its roots those that were signed.

The hashes are made anew in Python, where the database made them in SQL. Facts and leaves are then read side
by side, in one snapshot. A fact's hash depends on its position, so where they differ it can nearly always be
said which fact was changed, which one nobody had appended, and between which two some are missing. Memory is
for WINDOW of each.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeVar

from psycopg import Connection, Cursor, IsolationLevel
from psycopg.rows import DictRow

from ledger.errors import TreeDamaged
from ledger.journal.tree.checkpoints import Kept, all_of_them
from ledger.journal.tree.keys import KeyFile
from ledger.journal.tree.reading import Tree
from ledger.journal.tree.signing import keys_of
from ledger.proof import Malformed, Unproven
from ledger.proof.checkpoints import Checkpoint, open_checkpoint
from ledger.proof.entries import entry_of
from ledger.proof.hashing import HASH_BYTES, leaf_hash
from ledger.proof.merkle import GrowingTree
from ledger.proof.notes import Signer, read_note
from ledger.proof.rotations import Keys
from ledger.proof.tiles import TILE_WIDTH, Tile
from projections.verification.findings import Finding, OnFinding, of_journal, of_place

SELECT_HEAD = "SELECT coalesce(max(notification_id), 0) AS head FROM journal.ledger_events"

SELECT_FACTS = """
SELECT originator_id, originator_version, notification_id, topic, state FROM journal.ledger_events
WHERE notification_id <= %(last)s ORDER BY notification_id"""

NOT_IN_TREE = "is not in the tree: it was not appended there"

T = TypeVar("T")

WINDOW = 2_048
"""How many facts and leaves are looked through for the next that is the same."""

AT_A_TIME = 250
"""Rows that are read at a time. A few of a journal are megabytes long."""


class Leaf(NamedTuple):
    """A fact by its position, and its hash."""

    position: int
    hash: bytes


class Signed(NamedTuple):
    """A checkpoint: its size, the position of its last fact as it was then, the note, and what it says."""

    size: int
    position: int
    note: bytes
    checkpoint: Checkpoint


def check_tree(
    connection: Connection[DictRow], last: int | None, files: KeyFile | None, on_finding: OnFinding
) -> None:
    """Look for facts that the tree has otherwise, and for checkpoints of another tree.

    `last` is the position of the last fact that is looked at; None is for all of them. `files` has the
    signing key, which checkpoints are to be signed with.
    """
    signer = files.signer() if files else None
    remembered = files.last_checkpoint() if files else None  # before what it is held against is read
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection.transaction(), connection.cursor() as cursor:
        _TreeChecks(cursor, on_finding, signer, remembered).run(last)


class _Ahead:
    """Checkpoints, of which the next can be looked at before it is taken."""

    def __init__(self, signed: Iterator[Signed]) -> None:
        self._signed = signed
        self.next = next(signed, None)

    def take(self) -> Signed:
        assert self.next
        taken, self.next = self.next, next(self._signed, None)
        return taken


class _TreeChecks:
    """One look at the tree, from the first leaf to the last."""

    def __init__(
        self, cursor: Cursor[DictRow], on_finding: OnFinding, signer: Signer | None, remembered: bytes | None
    ) -> None:
        self._cursor, self._tree, self._on_finding = cursor, Tree(cursor), on_finding
        self._signer, self._note = signer, remembered
        self._made = GrowingTree()
        self._good = 0
        self._is_damaged = False

    def run(self, last: int | None) -> None:
        reach, head = self._tree.reach(), self._head()
        last = head if last is None else last
        is_whole = last >= head
        keys = keys_of(self._cursor, self._signer.verifier) if self._signer else None
        signed = _Ahead(self._signed(keys))
        facts = _facts(self._cursor.connection, last)
        stored = self._taken(self._stored(reach.size), signed)
        end = _align(facts, stored, self._on_finding, is_whole=is_whole)
        while is_whole and signed.next:
            what = f"facts are missing that a checkpoint of {signed.take().size} facts has"
            self._on_finding(of_place(f"after {end}", what))

    def _head(self) -> int:
        row = self._cursor.execute(SELECT_HEAD).fetchone()
        assert row
        return int(row["head"])

    def _stored(self, size: int) -> Iterator[bytes]:
        """Yield the leaves as the tree has them. A tile that is missing has none that fits."""
        for first in range(0, size, TILE_WIDTH):
            tile = Tile(0, first // TILE_WIDTH, min(TILE_WIDTH, size - first))
            hashes = self._tree.find(tile)
            if hashes is None:
                self._tell_tile(tile, "is missing in the tree")
                hashes = bytes(tile.width * HASH_BYTES)
            for at in range(0, len(hashes), HASH_BYTES):
                yield hashes[at : at + HASH_BYTES]

    def _taken(self, leaves: Iterable[bytes], signed: "_Ahead") -> Iterator[bytes]:
        """Yield leaves, and check what stands above them on the way."""
        self._check_root(signed)
        for leaf in leaves:
            for tile, hashes in self._made.append(leaf):
                if tile.level and self._tree.find(tile) != hashes:
                    self._tell_tile(tile, "does not follow from the tiles below it")
            self._check_root(signed)
            yield leaf
        for tile, hashes in self._made.edge():
            if tile.level and self._tree.find(tile) != hashes:
                self._tell_tile(tile, "does not follow from the tiles below it")

    def _check_root(self, signed: "_Ahead") -> None:
        while signed.next and signed.next.size == self._made.size:
            each = signed.take()
            if self._made.root() == each.checkpoint.root:
                if not self._is_damaged:
                    self._good = each.position
            elif not self._is_damaged:
                self._is_damaged = True
                what = f"have another root than the checkpoint of {each.size} facts has signed"
                self._on_finding(of_place(f"positions {self._good + 1}..{each.position}", what))

    def _tell_tile(self, tile: Tile, what: str) -> None:
        first, end = tile.first, (tile.index + 1) << 8 * (tile.level + 1)
        self._on_finding(of_place(f"leaves {first}..{end - 1}", f"{tile.path} {what}"))

    def _signed(self, keys: Keys | None) -> Iterator[Signed]:
        """Yield the checkpoints that are kept, and the one that is remembered, with checked signatures."""
        remembered = self._remembered()
        for kept in all_of_them(self._cursor):
            if remembered and remembered.size <= kept.size:
                if remembered.note != kept.note:
                    yield from self._opened(remembered, keys)
                remembered = None
            yield from self._opened(kept, keys)
        if remembered:
            yield from self._opened(remembered, keys)

    def _remembered(self) -> Kept | None:
        if self._note is None:
            return None
        try:
            size = Checkpoint.parse(read_note(self._note)[0]).size
        except Malformed as error:
            self._on_finding(of_place("-", f"the checkpoint beside the key is none: {error}"))
            return None
        return Kept(size, self._position(size), self._note, datetime.min)

    def _position(self, size: int) -> int:
        """Return the position of the last of so many facts, in the journal as it is."""
        try:
            return self._tree.position(size - 1) if size else 0
        except TreeDamaged:
            return self._head()

    def _opened(self, kept: Kept, keys: Keys | None) -> Iterator[Signed]:
        try:
            checkpoint = Checkpoint.parse(read_note(kept.note)[0])
            if checkpoint.size != kept.size:
                raise Malformed(f"it is of {checkpoint.size} facts")
            if keys and self._signer and checkpoint.origin == self._signer.name:
                open_checkpoint(kept.note, keys.of(kept.size))
        except Malformed as error:
            self._on_finding(
                of_journal(kept.position, f"the checkpoint of {kept.size} facts is none: {error}")
            )
            return
        except Unproven as error:
            what = f"the checkpoint of {kept.size} facts is not signed by this ledger: {error}"
            self._on_finding(of_journal(kept.position, what))
        yield Signed(kept.size, kept.position, kept.note, checkpoint)


def _facts(connection: Connection[DictRow], last: int) -> Iterator[Leaf]:
    with connection.cursor("facts of the tree", binary=True) as cursor:
        cursor.itersize = AT_A_TIME
        for row in cursor.execute(SELECT_FACTS, {"last": last}):
            stream, version, position = (
                row["originator_id"].hex,
                row["originator_version"],
                row["notification_id"],
            )
            try:
                entry = entry_of(stream, version, position, row["topic"], bytes(row["state"]))
            except Malformed:  # no fact is like that, so no leaf is
                yield Leaf(position, b"")
            else:
                yield Leaf(position, leaf_hash(entry))


def _align(facts: Iterator[Leaf], stored: Iterator[bytes], on_finding: OnFinding, *, is_whole: bool) -> int:
    """Tell of facts and leaves that have none on the other side. Returns the position of the last fact.

    `is_whole`: are all facts of the journal there, so that no leaf may be left?
    """
    ahead: deque[Leaf] = deque()
    leaves: deque[bytes] = deque()
    position = 0
    while _fill(ahead, facts, 1) and _fill(leaves, stored, 1):
        if ahead[0].hash != leaves[0]:
            _fill(ahead, facts, WINDOW)
            _fill(leaves, stored, WINDOW)
            ours, theirs = _next_that_is_same(ahead, leaves)
            others = [ahead.popleft().position for _ in range(ours)]
            for _ in range(theirs):
                leaves.popleft()
            for finding in _told(position, others, theirs, ahead[0].position if ahead else None):
                on_finding(finding)
            position = others[-1] if others else position
        else:
            position = ahead.popleft().position
            leaves.popleft()
    while _fill(ahead, facts, 1):
        position = ahead.popleft().position
        on_finding(of_journal(position, NOT_IN_TREE))
    if is_whole and (left := len(leaves) + sum(1 for _ in stored)):
        on_finding(of_place(f"after {position}", f"{left} facts are missing that the tree has"))
    return position


def _fill(queue: deque[T], source: Iterator[T], number: int) -> bool:
    """Have so many in a queue, as far as there are more. Returns whether there are any."""
    queue.extend(islice(source, number - len(queue)) if len(queue) < number else ())
    return bool(queue)


def _next_that_is_same(ahead: deque[Leaf], leaves: deque[bytes]) -> tuple[int, int]:
    """Return how many on each side come before the next that is on both; where none is, as many of each."""
    places = {leaf: place for place, leaf in enumerate(leaves)}
    for ours, each in enumerate(ahead):
        if each.hash in places:
            return ours, places[each.hash]
    least = min(len(ahead), len(leaves))
    return least, least


def _told(before: int, others: list[int], leaves: int, after: int | None) -> Iterator[Finding]:
    """Yield what it means that these facts stand in the place of so many leaves, between two that fit."""
    if len(others) == leaves:
        yield from (of_journal(position, "is not the fact that the tree has there") for position in others)
        return
    if len(others) > leaves:
        what = "does not fit the tree" if leaves else NOT_IN_TREE
        yield from (of_journal(position, what) for position in others)
        return
    assert after is not None, "else there were as many of each"
    for position in others:
        yield of_journal(position, "does not fit the tree")
    free = [
        position for position in range(before + 1, min(after, before + 1 + WINDOW)) if position not in others
    ]
    lost = leaves - len(others)
    if len(free) == lost:
        yield from (of_journal(position, "is missing: the tree has it") for position in free)
    else:
        yield of_place(
            f"positions {before + 1}..{after - 1}", f"{lost} facts are missing between them that the tree has"
        )
