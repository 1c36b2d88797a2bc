"""Files of an audit bundle, and its manifest, which says what they hash to."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from ledger.proof import Malformed
from ledger.proof.hashing import HASH_BYTES
from ledger.proof.notes import decode_base64
from ledger.proof.tiles import Tile, parse_entries_tile, parse_tile

MANIFEST = "manifest.json"
NOTE = "manifest.note"
CHECKPOINT = "checkpoint"
KEPT = "checkpoints/"
TABLES = "tables/"

OTHER = re.compile(r"checkpoint|checkpoints/(?:0|[1-9][0-9]{0,18})|tables/[a-z0-9_]+\.csv")

HEX = re.compile("[0-9a-f]{64}")
FIELDS = {"origin": str, "position": int, "size": int, "root": str, "created": str, "files": dict}


def tile_at(name: str) -> Tile | None:
    """Return the tile whose hashes or entries a file has."""
    try:
        return parse_entries_tile(name) if name.startswith("tile/entries/") else parse_tile(name)
    except Malformed:
        return None


def is_listed(name: str) -> bool:
    """Return whether a bundle may have a file of this name, which its manifest has to list."""
    return bool(OTHER.fullmatch(name) or tile_at(name))


def is_file(name: str) -> bool:
    """Return whether a bundle may have a file of this name."""
    return name in (MANIFEST, NOTE) or is_listed(name)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle has: facts up to a position, the root over them, and its files with their SHA-256."""

    origin: str
    position: int
    size: int
    root: bytes
    created: str
    files: dict[str, str]

    def to_json(self) -> bytes:
        """Return the file."""
        values = {name: getattr(self, name) for name in FIELDS} | {"root": b64encode(self.root).decode()}
        return json.dumps(values, ensure_ascii=False, indent=1).encode() + b"\n"

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Return what the file says. Raises Malformed."""
        try:
            values = json.loads(text, object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"not JSON as a manifest is: {error}") from error
        if not isinstance(values, dict) or values.keys() != FIELDS.keys():
            raise Malformed(f"a manifest has other fields than {', '.join(FIELDS)}")
        if wrong := [name for name, kind in FIELDS.items() if type(values[name]) is not kind]:
            raise Malformed(f"the manifest's {wrong[0]} is of the wrong type")
        for name, digest in values["files"].items():
            if not is_listed(name) or not isinstance(digest, str) or not HEX.fullmatch(digest):
                raise Malformed(f"the manifest lists {name!r}, no file of a bundle, or no SHA-256 of it")
        root = decode_base64(values.pop("root"), "the root of a manifest")
        if len(root) != HASH_BYTES:
            raise Malformed("the root of a manifest is no SHA-256")
        return cls(root=root, **values)


def note_text(origin: str, size: int, manifest: bytes) -> str:
    """Return what is signed of a bundle: whose it is, how many facts it has, and the hash of its manifest."""
    return f"{origin}/bundle\n{size}\n{sha256(manifest).hexdigest()}\n"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name is there twice")
    return values
