"""A bundle has what the contract lists, and is not written of a journal that was changed."""

import io
import json
import re
import tarfile
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

import pytest

from ledger.proof import Malformed, Unproven
from ledger.proof.bundles.manifest import Manifest
from ledger.proof.bundles.writing import write_bundle
from ledger.proof.entries import pack_entries
from ledger.proof.notes import sign
from tests.proof.bundling import (
    CREATED,
    ORIGIN,
    SIGNER,
    Tamper,
    bundle,
    bundle_with,
    changed,
    checkpoint,
    deleted,
    entry,
    files_of,
    inserted,
    journal,
    position,
    swapped,
    truncated,
)  # fmt: skip
from tests.proof.naive import NaiveTree, leaf

COUNT = 300
ENTRIES = journal(COUNT)
FILES = files_of(bundle(ENTRIES, 100))
TREE = NaiveTree([leaf(each) for each in ENTRIES])


def test_a_bundle_has_entries_hashes_checkpoints_and_tables() -> None:
    assert {name: text for name, text in FILES.items() if not name.startswith("manifest")} == {
        "tile/entries/000": pack_entries(ENTRIES[:256]),
        "tile/entries/001.p/44": pack_entries(ENTRIES[256:]),
        "tile/0/000": b"".join(TREE.leaves[:256]),
        "tile/0/001.p/44": b"".join(TREE.leaves[256:]),
        "tile/1/000.p/1": TREE.mth(0, 256),
        "checkpoint": checkpoint(ENTRIES, COUNT),
        "checkpoints/100": checkpoint(ENTRIES, 100),
        "checkpoints/300": checkpoint(ENTRIES, COUNT),
        "tables/component_usage.csv": b"uuid,usage\r\n1,2.00\r\n",
        "tables/customer.csv": b"uuid\r\n",
    }


def test_the_manifest_lists_them_and_is_signed() -> None:
    text = FILES["manifest.json"]
    assert json.loads(text) == {
        "origin": ORIGIN,
        "position": 599,
        "size": 300,
        "root": b64encode(TREE.root(COUNT)).decode(),
        "created": "2026-11-30T12:00:00+00:00",
        "files": {
            name: sha256(content).hexdigest()
            for name, content in FILES.items()
            if not name.startswith("manifest")
        },
    }
    assert FILES["manifest.note"] == sign(f"{ORIGIN}/bundle\n300\n{sha256(text).hexdigest()}\n", SIGNER)


def test_a_bundle_is_the_same_whenever_it_is_written_of_the_same() -> None:
    assert bundle(ENTRIES, 100) == bundle(ENTRIES, 100)


def test_entries_are_taken_one_by_one_and_written_as_they_come() -> None:
    out = io.BytesIO()

    def entries() -> Iterator[bytes]:
        for number in range(1_000):
            yield entry(number)
            if number == 600:
                assert len(out.getvalue()) > 512 * 30

    write_bundle(
        out,
        signer=SIGNER,
        position=position(999),
        created=CREATED,
        checkpoints=[checkpoint(journal(1_000), 1_000)],
        entries=entries(),
        tables=(("table", (b"%d\r\n" % number for number in range(9))) for _ in "1"),
    )
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        assert archive.getmember("tables/table.csv").size == 27


@pytest.mark.parametrize(
    ("tamper", "where"),
    [
        (changed(50), f"positions 1..{position(99)}"),
        (changed(200), f"positions {position(99) + 1}..{position(299)}"),
        (swapped(200), f"positions {position(99) + 1}..{position(299)}"),
        (inserted(200), f"positions {position(99) + 1}..{position(298)}"),
        (deleted(200), f"after {position(99)}"),
        (truncated(200), f"after {position(99)}"),
    ],
)
def test_no_bundle_is_written_of_a_journal_that_was_changed(tamper: Tamper, where: str) -> None:
    notes = [checkpoint(ENTRIES, size) for size in (100, COUNT)]
    with pytest.raises(Unproven, match=re.escape(f"the journal differs {where} from what")):
        bundle_with(tamper(ENTRIES), notes)


def test_no_bundle_is_written_without_a_checkpoint_of_all_of_it() -> None:
    for notes in ([], [checkpoint(ENTRIES, 200)]):
        with pytest.raises(Unproven, match="no checkpoint of the 300 facts up to position 599"):
            bundle_with(ENTRIES, notes)


def test_no_bundle_is_written_with_other_names_or_the_key_of_another_ledger() -> None:
    def write(table: str, origin: str = ORIGIN, last: int = 599) -> None:
        write_bundle(
            io.BytesIO(),
            signer=SIGNER.of(origin, b"1" * 32),
            position=last,
            created=CREATED,
            checkpoints=[checkpoint(ENTRIES, COUNT)],
            entries=ENTRIES,
            tables=[(table, [])],
        )

    write("customer")
    for table in ("../customer", "Customer", "", "a.b", "/etc"):
        with pytest.raises(Malformed, match="no file of a bundle"):
            write(table)
    with pytest.raises(Malformed, match="can't be signed by a key of elsewhere"):
        write("customer", origin="elsewhere")
    with pytest.raises(Unproven, match="no checkpoint"):
        write("customer", last=601)


def test_bytes_that_are_no_entry_are_refused() -> None:
    with pytest.raises(Malformed, match="not an entry"):
        bundle_with([*ENTRIES, b"none"], [checkpoint(ENTRIES, COUNT)])
    with pytest.raises(Malformed, match="not a signed note"):
        bundle_with(ENTRIES, [b"none"])


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = Manifest.parse(FILES["manifest.json"])
    assert (manifest.size, manifest.root) == (300, TREE.root(COUNT))
    assert Manifest.parse(manifest.to_json()) == manifest
    assert manifest.to_json() == FILES["manifest.json"]


GOOD = json.loads(FILES["manifest.json"])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"size": 1, "size": 2}', "a name is there twice"),
        (b"[]", "other fields"),
        (json.dumps(GOOD | {"more": 1}).encode(), "other fields"),
        (json.dumps(GOOD | {"size": "300"}).encode(), "size is of the wrong type"),
        (json.dumps(GOOD | {"size": True}).encode(), "size is of the wrong type"),
        (json.dumps(GOOD | {"size": 300.0}).encode(), "size is of the wrong type"),
        (json.dumps(GOOD | {"root": "?"}).encode(), "not base64"),
        (json.dumps(GOOD | {"root": "AAAA"}).encode(), "no SHA-256"),
        (json.dumps(GOOD | {"files": {"../x": "0" * 64}}).encode(), "no file of a bundle"),
        (json.dumps(GOOD | {"files": {"manifest.json": "0" * 64}}).encode(), "no file of a bundle"),
        (json.dumps(GOOD | {"files": {"tile/0/0": "0" * 64}}).encode(), "no file of a bundle"),
        (json.dumps(GOOD | {"files": {"checkpoint": "0" * 63}}).encode(), "no SHA-256"),
        (json.dumps(GOOD | {"files": {"checkpoint": 1}}).encode(), "no SHA-256"),
    ],
)
def test_other_texts_are_no_manifest(text: bytes, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        Manifest.parse(text)
