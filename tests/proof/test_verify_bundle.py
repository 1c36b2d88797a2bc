"""Whatever is done to a bundle is found, and the position of it named."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.proof.checkpoints import Checkpoint
from ledger.proof.entries import parse_entry
from ledger.proof.notes import sign
from ledger.proof.verify_bundle import main, verify_bundle
from tests.proof.bundling import (
    NEXT,
    ORIGIN,
    SIGNER,
    STRANGER,
    Auditor,
    Tamper,
    bundle,
    changed,
    checkpoint,
    deleted,
    entry,
    files_of,
    inserted,
    journal,
    packed,
    position,
    signed_anew,
    swapped,
    truncated,
    with_entries,
)  # fmt: skip
from tests.proof.naive import NaiveTree, leaf
from tests.proof.test_notes import cosigned

COUNT = 600
ENTRIES = journal(COUNT)
BUNDLE = bundle(ENTRIES, 100, 256, 400)
FILES = files_of(BUNDLE)
NEWEST = checkpoint(ENTRIES, COUNT)


@pytest.fixture(name="auditor")
def auditor_with_a_folder(tmp_path: Path) -> Auditor:
    return Auditor(tmp_path)


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 511, 512, 513])
def test_nothing_is_found_in_a_bundle_as_it_was_written(auditor: Auditor, count: int) -> None:
    entries = journal(count)
    lines, summary = auditor.verified(bundle(entries, count // 2), checkpoint(entries, count // 3))
    assert lines == []
    last = position(count - 1) if count else 0
    assert summary.startswith(f"{ORIGIN}: {count} facts up to position {last}, root ")


def test_the_order_of_files_in_the_archive_does_not_matter(auditor: Auditor) -> None:
    assert auditor.findings(packed(dict(sorted(FILES.items(), reverse=True)))) == []


def wrong_at(where: str, size: int = COUNT, source: str = "checkpoint", more: int = 1) -> str:
    others = f", nor to {more} more" if more else ""
    return f"journal {where} does not lead to the checkpoint of {size} facts ({source}){others}"


WITH_HASHES_LEFT = {
    "changed": (changed(300), 300, f"{position(300)}"),
    "first changed": (changed(0), 0, "1"),
    "last changed": (changed(599), 599, f"{position(599)}"),
    "deleted": (deleted(300), 300, f"positions {position(299) + 1}..{position(301) - 1}"),
    "first of a tile deleted": (deleted(256), 256, f"positions {position(255) + 1}..{position(257) - 1}"),
    "last of a tile deleted": (deleted(255), 255, f"positions {position(254) + 1}..{position(256) - 1}"),
    "swapped": (swapped(300), 300, f"positions {position(299) + 1}..{position(301) - 1}"),
    "inserted": (inserted(300), 300, f"{position(300) - 1}"),
    "truncated": (truncated(350), 350, f"after {position(349)}"),
}


@pytest.mark.parametrize("name", WITH_HASHES_LEFT)
def test_other_entries_beside_the_hashes_are_named_by_position(auditor: Auditor, name: str) -> None:
    tamper, index, where = WITH_HASHES_LEFT[name]
    lines = auditor.findings(with_entries(FILES, tamper(ENTRIES), and_hashes=False))
    about = [line for line in lines if "does not lead" in line]
    assert about
    assert {line.split(" does not lead")[0] for line in about} == {f"journal {where}"}
    sizes = [size for size in (100, 256, 400, 600) if size > index]
    assert f"of {sizes[0]} facts" in about[0]


WITHOUT_HASHES: dict[str, tuple[Tamper, str]] = {
    "changed": (changed(300), f"positions {position(255) + 1}..{position(399)}"),
    "first changed": (changed(0), f"positions 1..{position(99)}"),
    "last changed": (changed(599), f"positions {position(399) + 1}..{position(599)}"),
    "deleted": (deleted(300), f"positions {position(255) + 1}..{position(400)}"),
    "swapped": (swapped(300), f"positions {position(255) + 1}..{position(399)}"),
    "inserted": (inserted(300), f"positions {position(255) + 1}..{position(398)}"),
    "truncated": (truncated(256), f"after {position(255)}"),
}


@pytest.mark.parametrize("name", WITHOUT_HASHES)
def test_other_entries_whose_hashes_were_made_anew_are_named_by_checkpoints(
    auditor: Auditor, name: str
) -> None:
    """The operator has the key and signs all of it anew: what others have kept is against that."""
    tamper, where = WITHOUT_HASHES[name]
    entries = tamper(ENTRIES)
    forged = bundle(entries)
    kept = [checkpoint(ENTRIES, size) for size in (COUNT, 256, 100, 400)]
    lines = [line for line in auditor.findings(forged, *kept) if "does not lead" in line]
    assert lines[0].startswith(f"journal {where} does not lead to the checkpoint of ")
    assert "(kept-" in lines[0]


def test_without_a_checkpoint_of_before_the_operator_is_believed(auditor: Auditor) -> None:
    """Nobody can know better, which is why checkpoints have to leave the house."""
    assert auditor.findings(bundle(changed(300)(ENTRIES), 400)) == []


def test_a_stream_that_lacks_a_fact_is_found_without_a_checkpoint(auditor: Auditor) -> None:
    assert auditor.findings(bundle(deleted(300)(ENTRIES))) == [
        f"journal {position(307)} is version 44 of its stream, after version 42"
    ]


def test_facts_out_of_order_are_found_without_a_checkpoint(auditor: Auditor) -> None:
    assert auditor.findings(bundle(swapped(300)(ENTRIES))) == [
        f"journal {position(300)} comes after {position(301)}"
    ]


def test_a_fork_is_named_from_where_it_begins(auditor: Auditor) -> None:
    """A backup of 400 facts was restored, and others came after it."""
    forked = [*ENTRIES[:400], *(each.replace(b"Reported", b"CarriedOver") for each in ENTRIES[400:])]
    kept = [checkpoint(ENTRIES, size) for size in (256, 400, 500)]
    assert auditor.findings(bundle(forked, 400, 550), *kept) == [
        wrong_at(f"positions {position(399) + 1}..{position(499)}", 500, "kept-2", more=0)
    ]


def test_a_bundle_that_ends_before_what_was_kept_is_named(auditor: Auditor) -> None:
    restored = bundle(ENTRIES[:400], 256)
    told = wrong_at(f"after {position(399)}", 600, "kept-0", more=0)
    unknown = f"{told}, and nothing shows that facts after {{}} are those"
    assert auditor.findings(restored, NEWEST) == [unknown.format(0)]
    kept = [checkpoint(ENTRIES, size) for size in (256, 400)]
    assert auditor.findings(restored, NEWEST, kept[0]) == [unknown.format(position(255))]
    assert auditor.findings(restored, NEWEST, *kept) == [told]


def test_who_has_no_key_can_not_sign_what_it_made(auditor: Auditor) -> None:
    entries = changed(300)(ENTRIES)
    forged = files_of(bundle(entries, 100, 256, 400, signer=STRANGER))
    lines = auditor.findings(forged)
    assert len(lines) == 5
    assert all("signed by none of the keys that are known" in line for line in lines)
    assert [line.split(": ")[0] for line in lines] == [
        *("manifest.note", "checkpoints/600", "checkpoints/100", "checkpoints/256", "checkpoints/400"),
    ]


def test_checkpoints_of_others_are_refused(auditor: Auditor) -> None:
    root = NaiveTree([leaf(each) for each in ENTRIES]).root(COUNT)
    other_ledger = sign(Checkpoint("usage-ledger/0702", COUNT, root).text, SIGNER)
    lines = auditor.findings(BUNDLE, checkpoint(ENTRIES, 300, STRANGER), other_ledger, b"none at all")
    assert [line.split(": ")[0] for line in lines] == ["kept-2", "kept-0", "kept-1"]
    assert "signed by none of the keys" in lines[1]
    assert "not signed by a key of that name" in lines[2]


def test_a_forged_signature_is_found(auditor: Auditor) -> None:
    forged = NEWEST.replace(b"\n600\n", b"\n601\n")
    assert auditor.findings(BUNDLE, forged) == [
        f"kept-0: the signature of {SIGNER.verifier_key.rpartition('+A')[0]} does not hold"
    ]


FILES_CHANGED = {
    "checkpoints/256": ["checkpoints/256 has another SHA-256 than in the manifest", "checkpoints/256: "],
    "tables/customer.csv": ["tables/customer.csv has another SHA-256 than in the manifest"],
    "tile/0/000": [
        "tile/0/000 has another SHA-256 than in the manifest",
        "tile/0/000 is not what the entries hash to",
    ],
    "tile/1/000.p/2": [
        "tile/1/000.p/2 has another SHA-256 than in the manifest",
        "tile/1/000.p/2 is not what the entries hash to",
    ],
    "manifest.note": ["manifest.note: "],
    "manifest.json": ["manifest.note is about another manifest"],
}


@pytest.mark.parametrize("name", FILES_CHANGED)
def test_a_file_that_was_changed_is_named(auditor: Auditor, name: str) -> None:
    text = FILES[name].replace(b"\n", b" \n", 1) if b"\n" in FILES[name] else FILES[name][::-1]
    if name == "tables/customer.csv":
        text += b"9\r\n"
    lines = auditor.findings(FILES | {name: text})
    assert len(lines) == len(FILES_CHANGED[name])
    assert all(line.startswith(said) for line, said in zip(lines, FILES_CHANGED[name], strict=True))


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("manifest")])
def test_a_file_that_is_missing_is_named(auditor: Auditor, name: str) -> None:
    lines = auditor.findings({each: text for each, text in FILES.items() if each != name})
    assert lines[0] == f"{name} is in the manifest alone"


@pytest.mark.parametrize("name", ["manifest.json", "manifest.note", "checkpoint"])
def test_what_has_to_be_there_is_missed(auditor: Auditor, name: str) -> None:
    files = {each: text for each, text in FILES.items() if each != name}
    lines = auditor.findings(files if name.startswith("manifest") else signed_anew(files))
    assert lines == [f"{name}: {name} is missing"]


@pytest.mark.parametrize(
    "name", ["tables/more.csv", "checkpoints/700", "tile/0/003", "tile/2/000.p/1", "tile/entries/002.p/1"]
)
def test_a_file_that_is_not_listed_is_named(auditor: Auditor, name: str) -> None:
    text = NEWEST if name.startswith("checkpoints") else b""
    lines = auditor.findings(FILES | {name: text})
    assert lines[0] == f"{name} is not in the manifest"
    lines = auditor.findings(signed_anew(FILES | {name: text}))
    if name.startswith("tile"):
        assert lines == [f"{name} is no tile of 600 facts"]
    if name.startswith("checkpoints"):
        assert lines == ["checkpoints/700 is the checkpoint of 600 facts"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"position": 1}, "manifest.json is of 600 facts up to position 1, the bundle has 600 up to 1199"),
        ({"size": 599}, "manifest.json is of 599 facts up to position 1199, the bundle has 600 up to 1199"),
        ({"origin": "elsewhere"}, "checkpoint is of another tree than the manifest"),
        ({"root": "A" * 43 + "="}, "checkpoint is of another tree than the manifest"),
    ],
)
def test_a_manifest_that_says_something_else_is_found(
    auditor: Auditor, changes: dict[str, Any], what: str
) -> None:
    assert what in auditor.findings(signed_anew(FILES, **changes))


def test_entries_that_are_none_are_found(auditor: Auditor) -> None:
    entries = [*ENTRIES[:300], b"no entry", *ENTRIES[301:]]
    lines = auditor.findings(with_entries(FILES, entries, and_hashes=True))
    assert f"journal after {position(299)} has not an entry" in lines
    name = "tile/entries/001"
    cut = auditor.findings(FILES | {name: FILES[name][:-1]})
    assert (
        f"journal after {position(255)} can't be read: {name} ends within the entry after 255 others" in cut
    )
    fewer = auditor.findings(FILES | {name: FILES[name][: -len(ENTRIES[511]) - 2]})
    assert f"{name} has 255 entries" in fewer


def test_facts_that_are_too_long_are_there_by_their_hash(auditor: Auditor) -> None:
    long = [entry(number, b'{"a":"%s"}' % (b"x" * 70_000 + b"%d" % number)) for number in range(3)]
    assert all(parse_entry(each).is_hashed for each in long)
    assert auditor.findings(bundle(long)) == []
    other = [*long[:2], entry(2, b'{"a":"%s"}' % (b"y" * 70_000))]
    told = wrong_at(f"positions 1..{position(2)}", 3, "kept-0", more=0)
    assert auditor.findings(bundle(other), checkpoint(long, 3)) == [told]


def test_a_key_of_another_ledger_is_no_use(auditor: Auditor) -> None:
    assert len(auditor.findings(BUNDLE, keys=[NEXT])) == 5


def test_the_command_needs_nothing_of_the_project_but_its_folder(tmp_path: Path) -> None:
    file, kept = tmp_path / "audit.tar", tmp_path / "kept"
    file.write_bytes(BUNDLE)
    kept.write_bytes(checkpoint(ENTRIES, 500))
    command = [sys.executable, "-W", "error", "-m", "ledger.proof.verify_bundle", str(file)]
    command += ["--key", SIGNER.verifier_key, "--checkpoint", str(kept)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.startswith(f"{ORIGIN}: 600 facts up to position 1199, root ")
    assert done.stdout.endswith(", signed checkpoints: 5, 1 of them kept elsewhere\n")
    file.write_bytes(packed(FILES | {"tables/customer.csv": b"1"}))
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (refused.returncode, refused.stdout, refused.stderr) == (
        1,
        "tables/customer.csv has another SHA-256 than in the manifest\n",
        "",
    )


def test_a_witness_has_to_have_seen_a_checkpoint(tmp_path: Path) -> None:
    witness, line = cosigned(NEWEST.decode().partition("\n\n")[0] + "\n", 1_679_315_147)
    file, kept = tmp_path / "audit.tar", tmp_path / "kept"
    file.write_bytes(BUNDLE)
    kept.write_bytes(NEWEST + f"{line}\n".encode())
    lines, summary = verify_bundle(file, [SIGNER.verifier], [kept], [witness])
    assert lines == []
    assert summary.endswith(", that of 600 facts seen by witness.example/w1 at 2023-03-20T12:25:47Z")
    assert verify_bundle(file, [SIGNER.verifier], [], [witness])[0] == [
        "no checkpoint is signed by the witness witness.example/w1"
    ]
    assert verify_bundle(file, [SIGNER.verifier], [kept], [SIGNER.verifier])[0] == [
        f"the witness {ORIGIN} is the ledger itself"
    ]


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    file = tmp_path / "audit.tar"
    assert verify_bundle(file, [SIGNER.verifier]) == ([f"{file}: No such file or directory"], "")
    file.write_bytes(BUNDLE)
    kept = tmp_path / "kept"
    assert verify_bundle(file, [SIGNER.verifier], [kept])[0] == [f"{kept}: No such file or directory"]


def test_a_key_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "audit.tar"), "--key", SIGNER.verifier_key + "A"])
    assert ended.value.code == 2
    assert "is not base64" in capsys.readouterr().err


SMALL = journal(60)
SMALL_FILES = files_of(bundle(SMALL, 20, 40))
KINDS = (changed, deleted, swapped, inserted, truncated)


def position_of(kind: Callable[[int], Tamper], index: int) -> int:
    """Return the position of the first fact that is not what it was."""
    return position(index) - 1 if kind is inserted else position(index)


def names(line: str, at: int) -> bool:
    """Return whether a finding names a place that a position is at, or says what it can't tell."""
    if found := re.search("nothing shows that facts after ([0-9]+) are", line):
        return at > int(found[1])
    where = line.removeprefix("journal ").partition(" does not lead")[0]
    if where.startswith("after "):
        return at > int(where.removeprefix("after "))
    first, _, last = where.removeprefix("positions ").partition("..")
    return int(first) <= at <= int(last or first)


@given(st.sampled_from(KINDS), st.integers(1, 58), st.sets(st.integers(1, 60), max_size=4), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_named_is_where_somebody_tampered(
    auditor: Auditor, kind: Callable[[int], Tamper], index: int, sizes: set[int], are_hashes_left: bool
) -> None:
    entries = kind(index)(SMALL)
    kept = [checkpoint(SMALL, size) for size in sizes]
    files = with_entries(SMALL_FILES, entries, and_hashes=False)
    own = (min(size, len(entries)) for size in (30, 50))  # which fit, and bound nothing
    forged = packed(files) if are_hashes_left else bundle(entries, *own)
    about = [line for line in auditor.findings(forged, *kept) if "does not lead" in line]
    assert bool(about) == (are_hashes_left or any(size > index for size in sizes))
    assert all(names(line, position_of(kind, index)) for line in about)


@given(st.sampled_from(sorted(SMALL_FILES)), st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_byte_of_a_file_can_be_changed(auditor: Auditor, name: str, data: st.DataObject) -> None:
    text = SMALL_FILES[name]
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.binary(max_size=3).filter(lambda new: new != text[at : at + 1]))
    assert auditor.findings(SMALL_FILES | {name: text[:at] + new + text[at + 1 :]})
