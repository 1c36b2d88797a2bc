"""Writes audit bundles: one tar archive that an auditor checks without database and network.

Tiles are made of the entries themselves, not copied from where the ledger keeps them. A bundle that does not
lead to what was signed is refused before it is complete, so write to a file that is thrown away then.
"""

import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from ledger.proof import Malformed, Unproven
from ledger.proof.bundles.heads import Heads
from ledger.proof.bundles.manifest import (
    CHECKPOINT,
    KEPT,
    MANIFEST,
    NOTE,
    TABLES,
    Manifest,
    is_file,
    note_text,
)
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.entries import pack_entries, parse_entry
from ledger.proof.hashing import leaf_hash
from ledger.proof.notes import Signer, read_note, sign
from ledger.proof.tiles import TILE_WIDTH, Tile

Table = tuple[str, Iterable[bytes]]
"""The name of a read table, and its rows as CSV, in pieces."""


def write_bundle(
    out: BinaryIO,
    *,
    signer: Signer,
    position: int,
    created: datetime,
    checkpoints: Iterable[bytes],
    entries: Iterable[bytes],
    tables: Iterable[Table],
    folder: Path | None = None,
) -> Manifest:
    """Write facts up to a position, with the notes of all checkpoints up to there, and return the manifest.

    One of the checkpoints has to be of exactly these facts. Memory is for the checkpoints, a tile of entries
    and a hash a file. A table is on disk once more while it is written: in `folder`, or with temporary files.
    Raises Malformed for what is no entry or no checkpoint, and Unproven where the entries do not lead to the
    checkpoints: it says from where on.
    """
    with tarfile.open(fileobj=out, mode="w") as archive:
        writer = _Writer(archive, created, folder)
        notes = {_checkpoint(note).size: note for note in checkpoints}
        heads = Heads(notes)
        for path, packed in _tiles(entries, heads):
            writer.write(path, packed)
        _check(heads, notes, position)
        newest = _checkpoint(notes[heads.size])
        if newest.origin != signer.name:
            raise Malformed(f"a bundle of {newest.origin} can't be signed by a key of {signer.name}")
        writer.write(CHECKPOINT, notes[heads.size])
        for size in sorted(notes):
            writer.write(f"{KEPT}{size}", notes[size])
        for name, rows in tables:
            writer.spool(f"{TABLES}{name}.csv", rows)
        manifest = Manifest(
            newest.origin, position, newest.size, newest.root, created.isoformat(), writer.digests
        )
        text = manifest.to_json()
        writer.write(MANIFEST, text)
        writer.write(NOTE, sign(note_text(newest.origin, newest.size, text), signer))
        return manifest


def _checkpoint(note: bytes) -> Checkpoint:
    return Checkpoint.parse(read_note(note)[0])


def _tiles(entries: Iterable[bytes], heads: Heads) -> Iterator[tuple[str, bytes]]:
    """Return tiles of entries and of hashes with their paths, while the tree grows."""
    held: list[bytes] = []
    for entry in entries:
        held.append(entry)
        full = heads.append(leaf_hash(entry), parse_entry(entry).position)
        if full:
            yield full[0][0].entries_path, pack_entries(held)
            held.clear()
        yield from ((tile.path, hashes) for tile, hashes in full)
    if held:
        yield Tile(0, heads.size // TILE_WIDTH, len(held)).entries_path, pack_entries(held)
    yield from ((tile.path, hashes) for tile, hashes in heads.edge())


def _check(heads: Heads, notes: dict[int, bytes], position: int) -> None:
    """Raise Unproven unless all checkpoints are of this tree, and one of the whole."""
    fitting: list[int] = []
    for size in sorted(notes):
        if not heads.fits(size, _checkpoint(notes[size]).root):
            where = heads.span(size, fitting)
            raise Unproven(
                f"the journal differs {where} from what the checkpoint of {size} facts was signed of"
            )
        fitting.append(size)
    if heads.size not in notes or heads.position != position:
        raise Unproven(f"there is no checkpoint of the {heads.size} facts up to position {heads.position}")


class _Writer:
    """Files of an archive, and what they hash to."""

    def __init__(self, archive: tarfile.TarFile, created: datetime, folder: Path | None) -> None:
        self._archive, self._created, self._folder = archive, int(created.timestamp()), folder
        self.digests: dict[str, str] = {}

    def write(self, path: str, text: bytes) -> None:
        self._add(path, BytesIO(text), len(text), sha256(text).hexdigest())

    def spool(self, path: str, pieces: Iterable[bytes]) -> None:
        """Write a file whose length nobody knows before: an archive has the length first."""
        digest = sha256()
        with tempfile.TemporaryFile(dir=self._folder) as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
            size = file.tell()
            file.seek(0)
            self._add(path, file, size, digest.hexdigest())

    def _add(self, path: str, file: BinaryIO, size: int, digest: str) -> None:
        if path in self.digests or not is_file(path):
            raise Malformed(f"{path!r} is no file of a bundle, or one that it has already")
        self.digests[path] = digest
        member = tarfile.TarInfo(path)
        member.size, member.mtime = size, self._created
        self._archive.addfile(member, file)
        self._archive.members = []  # type: ignore[attr-defined] # or each is held
