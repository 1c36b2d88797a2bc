"""People, kept apart from the journal.

A journal that can't forget must not hold names. A fact names a person by a random id, and commits to
the username with SHA-256 over a random salt and the name. Username and salt live in the table `person`,
the only rows that may ever be deleted: then the name is gone while every sum stays, and nobody can put
another name in its place without the commitment showing it.

`usage-ledger forget` does so, and appends a `PersonForgotten`. Whoever is named so later is another person.
Price: a join when facts are projected. Free text, such as a description, is not covered: reporters keep it
clean.
"""

import re
from collections.abc import Callable
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

Entropy = Callable[[int], bytes]
"""Gives so many random bytes. Passed in, so that nothing below `web/` is random by itself."""


class Person(Struct, frozen=True):
    """A username with the random id and the salt that stand for it."""

    uuid: UUID
    username: str
    salt: bytes

    @property
    def commitment(self) -> str:
        return sha256(self.salt + self.username.encode()).hexdigest()


def new_person(username: str, entropy: Entropy) -> Person:
    return Person(UUID(bytes=entropy(16), version=4), username, entropy(16))


def naming(username: str) -> Callable[[str], bool]:
    """Return what tells whether a username is in a text: as whole words, in any case."""
    name = username.casefold()
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")

    def is_in(text: str) -> bool:
        folded = text.casefold()
        return name in folded and whole.search(folded) is not None

    return is_in
