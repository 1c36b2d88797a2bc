"""An archive is files with names that are expected, and nothing else."""

import io
import tarfile
from pathlib import Path

import pytest

from ledger.proof import Malformed
from ledger.proof.bundles.archive import Archive
from tests.proof.bundling import SIGNER, Auditor, packed

FILES = {"one": b"1" * 700, "two": b"", "three": b"3" * 3_000_000}


def opened(archive: bytes) -> Archive:
    return Archive(io.BytesIO(archive), {*FILES, "b" * 150}.__contains__)


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        archive.addfile(info)
    return out.getvalue()


def test_files_are_read_by_name() -> None:
    archive = opened(packed(FILES))
    assert list(archive.names()) == list(FILES)
    assert {name: archive.read(name, 3_000_000) for name in FILES} == FILES
    assert {name: b"".join(archive.chunks(name)) for name in FILES} == FILES
    assert [name in archive for name in ("one", "four")] == [True, False]


def test_files_of_other_writers_are_read_too() -> None:
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = io.BytesIO()
        name = "b" * 150 if form != tarfile.USTAR_FORMAT else "one"
        with tarfile.open(fileobj=out, mode="w", format=form) as archive:
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))
        assert opened(out.getvalue()).read(name, 3) == b"abc"


def test_a_file_that_is_missing_or_too_long_is_not_read() -> None:
    archive = opened(packed(FILES))
    with pytest.raises(Malformed, match="four is missing"):
        archive.read("four", 10)
    with pytest.raises(Malformed, match="one has 700 bytes, more than 699"):
        archive.read("one", 699)


@pytest.mark.parametrize(
    ("archive", "what"),
    [
        (b"", "not a tar archive"),
        (b"some text\n", "not a tar archive"),
        (b"x" * 2_000, "not a tar archive"),
        (packed({"four": b""}), "'four' is no file of a bundle"),
        (packed({"../one": b""}), "'../one' is no file of a bundle"),
        (packed({"/one": b""}), "'/one' is no file of a bundle"),
        (packed({"./one": b""}), "'./one' is no file of a bundle"),
        (member("one", tarfile.SYMTYPE, "/etc/passwd"), "'one' is no file"),
        (member("one", tarfile.LNKTYPE, "two"), "'one' is no file"),
        (member("one", tarfile.DIRTYPE), "'one' is no file"),
        (member("one", tarfile.FIFOTYPE), "'one' is no file"),
        (member("one", tarfile.GNUTYPE_SPARSE), "'one' is no file"),
        (packed({"one": b""})[:512] + packed({"one": b""}), "'one' is there twice"),
        (packed(FILES) + packed({"one": b""}), "something follows"),
        (packed(FILES) + b"\0" * 9_000 + b"1", "something follows"),
        (packed({"one": b"1" * 700})[:1_000], "not a tar archive|ends within"),
        (packed({"one": b"1" * 700})[:512], "not a tar archive|ends within"),
    ],
)  # fmt: skip
def test_other_archives_are_refused(archive: bytes, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        opened(archive)


@pytest.mark.parametrize("cut", [1, 100, 511, 512, 1_000])
def test_an_archive_that_ends_early_is_refused_or_lacks_its_last_file(cut: int) -> None:
    whole = packed({"one": b"1" * 700, "two": b"2" * 700})
    end = 512 + 1_024 + 512 + 700 - cut
    try:
        archive = opened(whole[:end])
    except Malformed:
        return
    assert list(archive.names()) == ["one"]


@pytest.mark.parametrize("text", [b"", b"text", b"\x1f\x8b" + b"0" * 100])
def test_a_file_that_is_no_bundle_is_told_apart(tmp_path: Path, text: bytes) -> None:
    lines = Auditor(tmp_path).findings(text)
    assert len(lines) == 1
    assert lines[0].startswith("audit.tar: not a tar archive")
    assert SIGNER.text not in lines[0]
