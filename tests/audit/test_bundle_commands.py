"""Auditors check bundles with a command, too."""

from pathlib import Path

import pytest

from tests.proof.bundling import SIGNER, bundle, changed, checkpoint, files_of, journal, packed, with_entries
from tests.support.command import run

ENTRIES = journal(40)
KEY = SIGNER.verifier_key


@pytest.fixture(name="file")
def bundle_of_forty_facts(tmp_path: Path) -> Path:
    file = tmp_path / "audit.tar"
    file.write_bytes(bundle(ENTRIES, 20))
    return file


def test_a_bundle_is_told_to_be_as_it_was_signed_without_a_database(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(checkpoint(ENTRIES, 30))
    done = run({}, "verify-bundle", file, "--key", KEY, "--checkpoint", kept)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage-ledger/0701: 40 facts up to position 79, root ")
    assert done.stdout.endswith(", signed checkpoints: 3, 1 of them kept elsewhere\n")


def test_what_is_found_is_a_line_each_and_the_exit_code(file: Path) -> None:
    files = with_entries(files_of(file.read_bytes()), changed(25)(ENTRIES), and_hashes=False)
    file.write_bytes(packed(files))
    done = run({}, "verify-bundle", file, "--key", KEY)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "tile/entries/000.p/40 has another SHA-256 than in the manifest",
        "tile/0/000.p/40 is not what the entries hash to",
        "journal 51 does not lead to the checkpoint of 40 facts (checkpoints/40)",
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "Missing option '--key'"),
        (("--key", "none"), "not base64"),
        (("--key", KEY, "--checkpoint", "/nowhere"), "'/nowhere' does not exist"),
        (("--key", KEY, "--witness-key", "a b"), "not a name of a key"),
    ],
)
def test_wrong_arguments_are_told(file: Path, options: tuple[str, ...], told: str) -> None:
    done = run({}, "verify-bundle", file, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
