"""Go's own packages for transparency logs, an independent implementation, agree with what is signed here."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from ledger.proof.checkpoints import InclusionProof
from ledger.proof.merkle import consistency_proof, inclusion_proof
from ledger.proof.notes import Signer
from ledger.proof.tiles import Tile
from tests.proof.bundling import (
    SIGNER,
    STRANGER,
    bundle,
    changed,
    checkpoint,
    entry,
    files_of,
    journal,
    with_entries,
)  # fmt: skip
from tests.proof.independent import check as check
from tests.proof.independent import told, write

SIZES = [1, 2, 255, 256, 257, 700]


def published(folder: Path, size: int, old: int, index: int, signer: Signer = SIGNER) -> Path:
    """Write what a ledger publishes of a journal into a folder."""
    entries = journal(size)
    files = files_of(bundle(entries, old, signer=signer))

    def read_tile(tile: Tile) -> bytes:
        return files[tile.path]

    note = files["checkpoint"]
    proof = InclusionProof(index, inclusion_proof(index, size, read_tile), note)
    hashes = [b64encode(each).decode() for each in consistency_proof(old, size, read_tile)]
    files["proof"] = proof.text.encode()
    files["consistency.json"] = json.dumps({"from": old, "to": size, "hashes": hashes}).encode()
    write(folder, files)
    return folder


@pytest.mark.parametrize("size", SIZES)
def test_go_agrees_with_checkpoint_tiles_entries_and_proofs(check: Path, tmp_path: Path, size: int) -> None:
    old, index = max(1, size // 3), size // 2
    status, line = told(check, published(tmp_path, size, old, index))
    assert line.startswith(f"{size} entries, entry {index} and {old} -> {size} as signed, root ")
    assert status == 0


def test_go_refuses_the_signature_of_another_key(check: Path, tmp_path: Path) -> None:
    assert told(check, published(tmp_path, 300, 100, 5, STRANGER)) == (
        1, "note has no verifiable signatures\n",
    )  # fmt: skip


def test_go_refuses_an_entry_that_was_changed(check: Path, tmp_path: Path) -> None:
    published(tmp_path, 300, 100, 5)
    files = files_of(bundle(journal(300)))
    write(tmp_path, with_entries(files, changed(200)(journal(300)), and_hashes=False))
    assert told(check, tmp_path) == (1, "entry 200 is not what was signed\n")


def test_go_refuses_tiles_that_were_made_anew(check: Path, tmp_path: Path) -> None:
    published(tmp_path, 300, 100, 5)
    files = files_of(bundle(journal(300)))
    write(tmp_path, with_entries(files, changed(200)(journal(300)), and_hashes=True))
    assert told(check, tmp_path) == (1, "downloaded inconsistent tile\n")


def test_go_refuses_a_checkpoint_of_another_history(check: Path, tmp_path: Path) -> None:
    published(tmp_path, 300, 100, 5)
    forked = [*journal(99), entry(99, b"{}")]
    (tmp_path / "checkpoints/100").write_bytes(checkpoint(forked, 100))
    assert told(check, tmp_path) == (1, "invalid transparency proof\n")
