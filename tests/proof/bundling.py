"""Journals of a few hundred facts, bundles of them, and whoever tampers with those."""

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from ledger.proof.bundles.manifest import note_text
from ledger.proof.bundles.writing import write_bundle
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.entries import entry_of, pack_entries, parse_entry
from ledger.proof.notes import Signer, sign
from ledger.proof.tiles import Tile
from ledger.proof.verify_bundle import verify_bundle
from tests.proof.naive import NaiveTree, leaf

ORIGIN = "usage-ledger/0701"
CREATED = datetime(2026, 11, 30, 12, tzinfo=UTC)

SIGNER, NEXT, THIRD, STRANGER = (Signer.of(ORIGIN, each * 32) for each in (b"1", b"2", b"3", b"s"))

STREAMS = 7
TABLES = {"component_usage": [b"uuid,usage\r\n", b"1,2.00\r\n"], "customer": [b"uuid\r\n"]}

Entries = list[bytes]
Files = dict[str, bytes]


def entry(number: int, state: bytes = b"") -> bytes:
    """Return a fact of one of seven streams."""
    stream, version = f"{number % STREAMS:032x}", number // STREAMS + 1
    state = state or b'{"amount":"%d.00"}' % number
    return entry_of(stream, version, position(number), "UsageReported", state)


def journal(count: int) -> Entries:
    return [entry(number) for number in range(count)]


def position(index: int) -> int:
    """Return 1, 3, 5 and so on: there are gaps."""
    return 2 * index + 1


def checkpoint(entries: Entries, size: int, *signers: Signer) -> bytes:
    """Return the signed checkpoint of the first entries."""
    root = NaiveTree([leaf(each) for each in entries[:size]]).root(size)
    return sign(Checkpoint(ORIGIN, size, root).text, *(signers or [SIGNER]))


def bundle(entries: Entries, *sizes: int, signer: Signer = SIGNER) -> bytes:
    """Return the bundle of a journal that has checkpoints at some sizes, and one of all."""
    checkpoints = [checkpoint(entries, size, signer) for size in {*sizes, len(entries)}]
    return bundle_with(entries, checkpoints, signer)


def bundle_with(entries: Entries, checkpoints: Iterable[bytes], signer: Signer = SIGNER) -> bytes:
    out = io.BytesIO()
    last = parse_entry(entries[-1]).position if entries else 0
    write_bundle(
        out,
        signer=signer,
        position=last,
        created=CREATED,
        checkpoints=checkpoints,
        entries=iter(entries),
        tables=TABLES.items(),
    )
    return out.getvalue()


def files_of(archive: bytes) -> Files:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {each.name: opened.extractfile(each).read() for each in opened}  # type: ignore[union-attr]


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of files, made with nothing of what is tested."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return out.getvalue()


def signed_anew(files: Files, signer: Signer = SIGNER, **changes: object) -> Files:
    """Return files with a manifest that fits them, signed by somebody."""
    listed = {name: text for name, text in files.items() if not name.startswith("manifest.")}
    manifest = json.loads(files["manifest.json"])
    manifest |= changes | {"files": {name: sha256(text).hexdigest() for name, text in listed.items()}}
    text = json.dumps(manifest).encode()
    note = sign(note_text(manifest["origin"], manifest["size"], text), signer)
    return listed | {"manifest.json": text, "manifest.note": note}


def with_entries(files: Files, entries: Entries, *, and_hashes: bool) -> Files:
    """Return a bundle's files with other entries, and with the hashes of these or those of before."""
    tiles = {name: text for name, text in files.items() if name.startswith("tile/")}
    others = {name: text for name, text in files.items() if name not in tiles}
    kept = {name: text for name, text in tiles.items() if not name.startswith("tile/entries/")}
    made: Files = {}
    tree = NaiveTree([leaf(each) for each in entries])
    for level in (0, 1):
        count = len(entries) >> 8 * level
        for index in range(-(-count // 256)):
            tile = Tile(level, index, min(256, count - 256 * index))
            made[tile.path] = tree.read_tile(tile)
            if level == 0:
                others[tile.entries_path] = pack_entries(entries[256 * index :][: tile.width])
    return others | (made if and_hashes else kept)


class Auditor:
    """Has a key of the ledger, and what it kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def findings(self, archive: bytes | Files, *kept: bytes, keys: Iterable[Signer] = (SIGNER,)) -> list[str]:
        return self.verified(archive, *kept, keys=keys)[0]

    def verified(
        self, archive: bytes | Files, *kept: bytes, keys: Iterable[Signer] = (SIGNER,)
    ) -> tuple[list[str], str]:
        file = self._folder / "audit.tar"
        file.write_bytes(archive if isinstance(archive, bytes) else packed(archive))
        paths = []
        for number, note in enumerate(kept):
            paths.append(self._folder / f"kept-{number}")
            paths[-1].write_bytes(note)
        lines, summary = verify_bundle(file, [each.verifier for each in keys], paths)
        return [line.replace(f"{self._folder}/", "") for line in lines], summary


Tamper = Callable[[Entries], Entries]


def changed(index: int) -> Tamper:
    return lambda entries: [*entries[:index], entries[index].replace(b".00", b".01"), *entries[index + 1 :]]


def deleted(index: int) -> Tamper:
    return lambda entries: [*entries[:index], *entries[index + 1 :]]


def swapped(index: int) -> Tamper:
    return lambda entries: [
        *entries[:index],
        entries[index + 1],
        entries[index],
        *entries[index + 2 :],
    ]


def inserted(index: int) -> Tamper:
    stranger = entry_of("f" * 32, 1, position(index) - 1, "UsageReported", b"{}")
    return lambda entries: [*entries[:index], stranger, *entries[index:]]


def truncated(index: int) -> Tamper:
    return lambda entries: entries[:index]
