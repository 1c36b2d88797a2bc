"""Checkpoints, what a ledger signs of its tree, and proofs that a fact is in it.

They are written as c2sp.org/tlog-checkpoint and c2sp.org/tlog-proof say.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from ledger.proof import Malformed, Unproven
from ledger.proof.checking import check_inclusion
from ledger.proof.hashing import HASH_BYTES, leaf_hash
from ledger.proof.notes import Verifier, decode_base64, open_note, read_note

NUMBER = re.compile("0|[1-9][0-9]{0,18}")

PROOF = "c2sp.org/tlog-proof@v1"
LONGEST_PROOF = 63
"""Hashes of the longest proof: a tree is not higher."""


class Checkpoint(NamedTuple):
    """What is signed: whose tree it is, how many leaves it has, and their root. Further lines are kept."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the text to sign."""
        lines = self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a text says. Raises Malformed."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise Malformed("not a checkpoint: it has to be of three lines or more, and none of them empty")
        origin, size, root, *extensions = lines
        if not NUMBER.fullmatch(size):
            raise Malformed(f"a checkpoint whose size is no number: {size!r}")
        return cls(origin, int(size), _hash(root, "the root of a checkpoint"), tuple(extensions))


def open_checkpoint(note: bytes, verifiers: Iterable[Verifier]) -> Checkpoint:
    """Return the checkpoint that a ledger has signed: one of the keys of its own name has.

    Raises Malformed or Unproven. Signatures of witnesses are checked where their keys are among `verifiers`.
    """
    opened = open_note(note, verifiers)
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin not in {each.name for each in opened.signatures if each.time is None}:
        raise Unproven(f"a checkpoint of {checkpoint.origin} that is not signed by a key of that name")
    return checkpoint


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Proof that an entry is in the tree of a checkpoint, which is there as a signed note.

    `hashes` go from the leaf's neighbour to the root. Nothing proves `extra`.
    """

    index: int
    hashes: Sequence[bytes]
    checkpoint: bytes
    extra: bytes | None = None

    @property
    def text(self) -> str:
        """Return the proof as it is handed out."""
        lines = [PROOF]
        if self.extra is not None:
            lines.append(f"extra {b64encode(self.extra).decode()}")
        lines += [f"index {self.index}", *(b64encode(each).decode() for each in self.hashes), ""]
        return "".join(f"{line}\n" for line in lines) + self.checkpoint.decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the proof that a text is. Raises Malformed."""
        head, blank, checkpoint = text.partition("\n\n")
        kind, *lines = head.split("\n")
        if kind != PROOF or not blank:
            raise Malformed(f"not a proof: it does not begin with {PROOF}, or has no checkpoint")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "), "what is extra in a proof")
        word, _, index = lines.pop(0).partition(" ") if lines else ("", "", "")
        if word != "index" or not NUMBER.fullmatch(index):
            raise Malformed("a proof without an index")
        if len(lines) > LONGEST_PROOF:
            raise Malformed(f"a proof of more than {LONGEST_PROOF} hashes")
        hashes = [_hash(line, "a hash of a proof") for line in lines]
        Checkpoint.parse(read_note(checkpoint.encode())[0])
        return cls(int(index), hashes, checkpoint.encode(), extra)

    def check(self, entry: bytes, verifiers: Iterable[Verifier]) -> Checkpoint:
        """Return the signed checkpoint whose tree has this entry. Raises Malformed or Unproven."""
        checkpoint = open_checkpoint(self.checkpoint, verifiers)
        check_inclusion(self.index, checkpoint.size, leaf_hash(entry), self.hashes, checkpoint.root)
        return checkpoint


def _hash(encoded: str, what: str) -> bytes:
    found = decode_base64(encoded, what)
    if len(found) != HASH_BYTES:
        raise Malformed(f"{what} has {len(found)} bytes in place of {HASH_BYTES}")
    return found
