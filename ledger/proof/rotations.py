"""Rotations of the signing key: the key in force signs its successor, and the journal keeps that as a fact.

The tree has that fact like any other, so whoever trusts one key of a ledger can trust those before and after.
A key that was replaced signs no tree that has the fact which replaced it, so a thief of an old key is no use.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ledger.proof import Malformed, Unproven
from ledger.proof.notes import Signer, Verifier, open_note, sign

TOPIC = "SigningKeyRotated"
"""The topic of the fact. Its state has the texts `verifier_key`, `replaced` and `note`."""


def rotation_text(new: Verifier) -> str:
    """Return what the key in force signs: a line with what it is about, and one with the next key."""
    return f"{new.name}/key\n{new.line}\n"


def rotation_note(old: Signer, new: Verifier) -> str:
    """Return the note by which a key names its successor, which has to be of the same ledger."""
    if old.name != new.name:
        raise Malformed(f"a key of {old.name} can't be replaced by one of {new.name}")
    return sign(rotation_text(new), old).decode()


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key, the one that it replaced, and the note of that one."""

    new: Verifier
    old: Verifier
    note: str

    @classmethod
    def parse(cls, state: bytes) -> Self:
        """Return what the state of a fact says. Raises Malformed, and Unproven for a note of no use."""
        try:
            fact = json.loads(state)
        except (ValueError, RecursionError) as error:
            raise Malformed("a rotation that is not JSON") from error
        texts = [
            fact.get(name) if isinstance(fact, dict) else None
            for name in ("verifier_key", "replaced", "note")
        ]
        new, old, note = (text if isinstance(text, str) else "" for text in texts)
        rotation = cls(Verifier.parse(new), Verifier.parse(old), note)
        rotation.check()
        return rotation

    def check(self) -> None:
        """Raise Malformed or Unproven unless the old key has signed the new one."""
        if open_note(self.note.encode(), [self.old]).text != rotation_text(self.new):
            raise Unproven("the note of a rotation is about another key")
        if self.old.name != self.new.name:
            raise Unproven(f"a key of {self.old.name} was replaced by one of {self.new.name}")


class Keys:
    """Keys of a ledger: those that somebody trusts, and those that its journal adds to them."""

    def __init__(self, trusted: Iterable[Verifier]) -> None:
        self._trusted = list(trusted)
        self._chain: list[Verifier] = []
        self._ends: list[int] = []

    def rotate(self, state: bytes, index: int) -> None:
        """Take up a rotation, the fact of this index. Raises Malformed or Unproven, and ignores it then."""
        rotation = Rotation.parse(state)
        chain = self._chain or [rotation.old]
        if rotation.old != chain[-1]:
            raise Unproven("a key was replaced that was not in force")
        if rotation.new in chain:
            raise Unproven("a key was replaced by one that had been in force before")
        self._chain = [*chain, rotation.new]
        self._ends.append(index)

    @property
    def all(self) -> list[Verifier]:
        """Return the keys that are trusted, and those of the chain, whether they are or not."""
        return [*self._trusted, *self._chain]

    def of(self, size: int) -> list[Verifier]:
        """Return the keys that may sign a tree of this size. A later key may sign an earlier tree."""
        known = self._chain if any(each in self._chain for each in self._trusted) else []
        replaced = len([end for end in self._ends if end < size])
        return known[replaced:] + [each for each in self._trusted if each not in self._chain]
