"""Signed notes (c2sp.org/signed-note): a text, a blank line, and lines with signatures of it by Ed25519.

Keys and notes are those of Go's `golang.org/x/mod/sumdb/note`, so its tools read and write them, too. A key
of a witness, which signs that it has seen a checkpoint and when, is of c2sp.org/tlog-cosignature, version 1.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.proof import Malformed, Unproven

ED25519 = 1
COSIGNATURE = 4
"""What a witness signs with: the text after a line that names the format and one with the time."""

LONGEST = 1_000_000
"""Bytes of the longest note that is read."""

MOST_SIGNATURES = 100

DASH = "— "
"""How a line with a signature begins: the dash of U+2014, and a space."""

CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
KEY_ID = re.compile("[0-9a-f]{8}")
SEED_BYTES = KEY_BYTES = 32


class Signature(NamedTuple):
    """A signature that held. `time` is in seconds since 1970, and only witnesses sign one."""

    name: str
    key: str
    time: int | None


class Note(NamedTuple):
    """A text, which ends with a line feed, and the signatures of it by keys that are known."""

    text: str
    signatures: tuple[Signature, ...]

    def is_signed_by(self, key: "Verifier") -> bool:
        """Return whether one of the signatures is of this key."""
        return any(each.key == key.line for each in self.signatures)


class Line(NamedTuple):
    """A line with a signature that nobody has checked yet."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key, with the name of who signs with it and the kind of what is signed."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Return the key that a line `<name>+<hash>+<base64>` is about. Raises Malformed."""
        name, _, rest = line.partition("+")
        key_id, _, encoded = rest.partition("+")
        _check_name(name)
        key = decode_base64(encoded, f"the key of {name}")
        found = cls(name, key[0], key[1:])
        if found.kind not in (ED25519, COSIGNATURE) or len(found.public) != KEY_BYTES:
            raise Malformed(f"the key of {name} is of an unknown kind")
        if not KEY_ID.fullmatch(key_id) or bytes.fromhex(key_id) != found.key_id:
            raise Malformed(f"the key of {name} has another hash than it says")
        return found

    @property
    def key_id(self) -> bytes:
        """Return the four bytes by which a signature says whose it is. They prove nothing."""
        return sha256(f"{self.name}\n".encode() + self._key).digest()[:4]

    @property
    def line(self) -> str:
        """Return the line that is given to whoever verifies."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(self._key).decode()}"

    @property
    def _key(self) -> bytes:
        return bytes([self.kind]) + self.public

    def check(self, text: str, signature: bytes) -> int | None:
        """Return the time that a witness signed, in seconds since 1970. Raises Unproven for a forgery."""
        time = None
        signed = text.encode()
        if self.kind == COSIGNATURE:
            time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            signed = f"cosignature/v1\ntime {time}\n".encode() + signed
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, signed)
        except (InvalidSignature, ValueError) as error:
            raise Unproven(f"the signature of {self.name}+{self.key_id.hex()} does not hold") from error
        return time


@dataclass(frozen=True, slots=True, repr=False)  # it has a secret
class Signer:
    """A private key, with the name of who signs with it."""

    name: str
    seed: bytes

    @classmethod
    def of(cls, name: str, seed: bytes) -> Self:
        """Return the signer with a secret of 32 random bytes. Raises Malformed for what can't be its name."""
        _check_name(name)
        if len(seed) != SEED_BYTES:
            raise Malformed(f"a secret of {len(seed)} bytes in place of {SEED_BYTES}")
        return cls(name, seed)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the signer of `PRIVATE+KEY+<name>+<hash>+<base64>`. Raises Malformed, without the secret."""
        private, key, name, key_id, encoded = (text.strip().split("+", 4) + [""] * 5)[:5]
        if (private, key) != ("PRIVATE", "KEY"):
            raise Malformed("not a private key: it does not begin with PRIVATE+KEY+")
        decoded = decode_base64(encoded, "the private key")
        if decoded[0] != ED25519:
            raise Malformed("a private key of an unknown kind")
        signer = cls.of(name, decoded[1:])
        if key_id != signer.verifier.key_id.hex():
            raise Malformed(f"the private key of {name} has another hash than it says")
        return signer

    @property
    def text(self) -> str:
        """Return the private key as it is kept in a file: keep it secret."""
        key = b64encode(bytes([ED25519]) + self.seed).decode()
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{key}"

    @property
    def verifier(self) -> Verifier:
        """Return the public key."""
        return Verifier(self.name, ED25519, self._private.public_key().public_bytes_raw())

    @property
    def verifier_key(self) -> str:
        """Return the line of the public key, `<name>+<hash>+<base64>`."""
        return self.verifier.line

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def line(self, text: str) -> str:
        """Return the line that signs a text."""
        signature = self.verifier.key_id + self._private.sign(text.encode())
        return f"{DASH}{self.name} {b64encode(signature).decode()}\n"


def sign(text: str, *signers: Signer) -> bytes:
    """Return the note of a text, which ends with a line feed. Raises Malformed."""
    if not text.endswith("\n") or CONTROL.search(text):
        raise Malformed("a text to sign has to end with a line feed and to have no control characters")
    return "".join([text, "\n", *(each.line(text) for each in signers)]).encode()


def open_note(note: bytes, verifiers: Iterable[Verifier]) -> Note:
    """Return a note with those of its signatures that are of keys that are known. Others are ignored.

    Raises Malformed, and Unproven where none is of such a key or one that says so does not hold.
    """
    text, lines = read_note(note)
    known = {(each.name, each.key_id): each for each in verifiers}
    signatures: dict[str, Signature] = {}
    for line in lines:
        if key := known.get((line.name, line.key_id)):
            signatures[key.line] = Signature(key.name, key.line, key.check(text, line.signature))
    if not signatures:
        signers = ", ".join(f"{each.name}+{each.key_id.hex()}" for each in lines)
        raise Unproven(f"signed by none of the keys that are known, but by {signers}")
    return Note(text, tuple(signatures.values()))


def read_note(note: bytes) -> tuple[str, Sequence[Line]]:
    """Return the text of a note and its signatures, of which none is checked. Raises Malformed."""
    if len(note) > LONGEST:
        raise Malformed(f"a note of more than {LONGEST} bytes")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise Malformed("a note that is not UTF-8") from error
    text, blank, signatures = whole.rpartition("\n\n")
    if CONTROL.search(whole):
        raise Malformed("a note with control characters")
    if not blank or not signatures.endswith("\n"):
        raise Malformed("not a signed note: it has to end with a blank line and lines of signatures")
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise Malformed(f"a note with more than {MOST_SIGNATURES} signatures")
    return text + "\n", [_line(each) for each in lines]


def _line(line: str) -> Line:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH):
        raise Malformed(f"not a line of a signature: {line!r}")
    _check_name(name)
    signature = decode_base64(encoded, f"the signature of {name}")
    if len(signature) < 5:
        raise Malformed(f"the signature of {name} is too short")
    return Line(name, signature[:4], signature[4:])


def _check_name(name: str) -> None:
    if not name or "+" in name or CONTROL.search(name) or any(map(str.isspace, name)):
        raise Malformed(f"not a name of a key: {name!r}")


def decode_base64(encoded: str, what: str) -> bytes:
    """Return the bytes, one or more, that base64 says in the one way to write it. Raises Malformed."""
    try:
        decoded = b64decode(encoded, validate=True)
    except ValueError as error:
        raise Malformed(f"{what} is not base64") from error
    if not decoded or b64encode(decoded).decode() != encoded:
        raise Malformed(f"{what} is not base64 as it has to be written")
    return decoded
