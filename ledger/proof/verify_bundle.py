"""Checks an audit bundle without database and network. Nothing of it is believed before it is checked.

    python -m ledger.proof.verify_bundle FILE --key VERIFIER_KEY [--checkpoint FILE]... [--witness-key KEY]...

Exit status 0 with a line that says what was found to be true, or 1 with a line for each finding. One in the
journal names the position of the first fact that does not fit, if hashes in the bundle tell it. If not, it
names the positions between the checkpoints that bound it, and where the end is missing, what it comes after.

What it shows: the facts are those that the ledger signed, at each of the checkpoints that are known here. Not
that they are true, nor that tables follow from them: `usage-ledger verify` compares those with a replay.
"""

import argparse
import sys
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ledger.proof import Malformed, Unproven
from ledger.proof.bundles.archive import Archive
from ledger.proof.bundles.manifest import CHECKPOINT, KEPT, MANIFEST, NOTE, Manifest, is_file, note_text
from ledger.proof.bundles.replaying import Misfit, Replay, hashed_heads
from ledger.proof.checkpoints import Checkpoint, open_checkpoint
from ledger.proof.notes import LONGEST, Signature, Verifier, open_note, read_note
from ledger.proof.rotations import Keys

LARGEST_MANIFEST = 1 << 28
"""Bytes of the longest manifest that is read: of a journal of some 300 million facts."""


class Claim(NamedTuple):
    """A checkpoint, where it is from, and the note that it is in. Nobody has checked who signed it.

    `is_kept`: elsewhere, and not in the bundle.
    """

    source: str
    checkpoint: Checkpoint
    note: bytes
    is_kept: bool = False


class Findings:
    """Lines about what is not as it should be. Of what may be found in each of a million facts, the first."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._kinds: set[str] = set()

    def tell(self, line: str) -> None:
        """Add a line. Names in it may be of whoever made the bundle, and move no terminal's cursor."""
        self.lines.append(line if line.isprintable() else ascii(line)[1:-1])

    def tell_first(self, kind: str, line: str) -> None:
        """Add a line unless there is one of this kind."""
        if kind not in self._kinds:
            self._kinds.add(kind)
            self.tell(line)


class Verification:
    """What was found in a bundle: `lines` of findings, or none, and `summary` for then."""

    def __init__(
        self,
        archive: Archive,
        keys: Iterable[Verifier],
        kept: Iterable[tuple[str, bytes]] = (),
        witnesses: Iterable[Verifier] = (),
    ) -> None:
        """Check a bundle. `kept` are checkpoints that were kept elsewhere, each with where it is from."""
        self._archive, self._keys, self._witnesses = archive, Keys(keys), list(witnesses)
        self._findings = Findings()
        self._seen: dict[str, tuple[int, Signature]] = {}
        self.summary = ""
        manifest = self._manifest()
        found = {each.note: each for each in self._signed_here()}
        found |= {each.note: each._replace(is_kept=True) for each in self._claims(kept)}
        claims = [*found.values()]  # each note once
        self._replay = Replay(archive, {each.checkpoint.size for each in claims}, self._findings.tell_first)
        self._rotate()
        if manifest:
            self._check_manifest(manifest)
        self._compare([each for each in claims if self._is_signed(each)])
        self._check_witnesses()
        if manifest:
            self.summary = self._summary(manifest, claims)

    @property
    def lines(self) -> list[str]:
        """Return the findings."""
        return self._findings.lines

    def _manifest(self) -> Manifest | None:
        """Return the manifest, after all files have been compared with it."""
        try:
            manifest = Manifest.parse(self._archive.read(MANIFEST, LARGEST_MANIFEST))
        except Malformed as error:
            self._findings.tell(f"{MANIFEST}: {error}")
            return None
        for name in self._archive.names():
            if name in (MANIFEST, NOTE):
                continue
            if name not in manifest.files:
                self._findings.tell(f"{name} is not in the manifest")
            elif manifest.files[name] != self._digest(name):
                self._findings.tell(f"{name} has another SHA-256 than in the manifest")
        for name in manifest.files:
            if name not in self._archive:
                self._findings.tell(f"{name} is in the manifest alone")
        return manifest

    def _digest(self, name: str) -> str:
        digest = sha256()
        for chunk in self._archive.chunks(name):
            digest.update(chunk)
        return digest.hexdigest()

    def _signed_here(self) -> Iterator[Claim]:
        names = [name for name in self._archive.names() if name == CHECKPOINT or name.startswith(KEPT)]
        for claim in self._claims((name, self._archive.read(name, LONGEST)) for name in names):
            if claim.source not in (CHECKPOINT, f"{KEPT}{claim.checkpoint.size}"):
                self._findings.tell(f"{claim.source} is the checkpoint of {claim.checkpoint.size} facts")
            yield claim

    def _claims(self, notes: Iterable[tuple[str, bytes]]) -> Iterator[Claim]:
        for source, note in notes:
            try:
                yield Claim(source, Checkpoint.parse(read_note(note)[0]), note)
            except Malformed as error:
                self._findings.tell(f"{source}: {error}")

    def _rotate(self) -> None:
        for each in self._replay.rotated:
            try:
                self._keys.rotate(each.state, each.index)
            except (Malformed, Unproven) as error:
                self._findings.tell(f"journal {each.position} does not replace the signing key: {error}")

    def _check_manifest(self, manifest: Manifest) -> None:
        """Check who signed the manifest, and that it is about these facts."""
        text = self._archive.read(MANIFEST, LARGEST_MANIFEST)
        try:
            note = open_note(self._archive.read(NOTE, LONGEST), self._keys.of(manifest.size))
            if note.text != note_text(manifest.origin, manifest.size, text):
                self._findings.tell(f"{NOTE} is about another manifest")
        except (Malformed, Unproven) as error:
            self._findings.tell(f"{NOTE}: {error}")
        heads = self._replay.heads
        if (manifest.size, manifest.position) != (heads.size, heads.position):
            said = f"{manifest.size} facts up to position {manifest.position}"
            self._findings.tell(
                f"{MANIFEST} is of {said}, the bundle has {heads.size} up to {heads.position}"
            )
        try:
            newest = Checkpoint.parse(read_note(self._archive.read(CHECKPOINT, LONGEST))[0])
            if newest[:3] != (manifest.origin, manifest.size, manifest.root):
                self._findings.tell(f"{CHECKPOINT} is of another tree than the manifest")
        except Malformed as error:
            self._findings.tell(f"{CHECKPOINT}: {error}")

    def _is_signed(self, claim: Claim) -> bool:
        """Return whether a key that may sign such a tree has signed it, and note which witnesses have."""
        size = claim.checkpoint.size
        try:
            open_checkpoint(claim.note, self._keys.of(size))
            note = open_note(claim.note, [*self._keys.of(size), *self._witnesses])
        except (Malformed, Unproven) as error:
            self._findings.tell(f"{claim.source}: {error}")
            return False
        for each in note.signatures:
            if size >= self._seen.get(each.key, (0, each))[0]:
                self._seen[each.key] = size, each
        return True

    def _compare(self, claims: Sequence[Claim]) -> None:
        """Compare the facts with what was signed, and say where they begin to differ.

        Whoever forges with the key signs checkpoints that fit. So where one that was kept elsewhere does not,
        only others that were kept elsewhere bound the place.
        """
        heads = self._replay.heads
        wrong = [each for each in claims if not heads.fits(each.checkpoint.size, each.checkpoint.root)]
        wrong.sort(key=lambda each: each.checkpoint.size)
        for is_kept in (False, True):
            fitting = {each.checkpoint.size for each in claims if each.is_kept or not is_kept}
            fitting -= {each.checkpoint.size for each in wrong}
            of_kind = [each for each in wrong if each.is_kept == is_kept]
            self._tell_of([each for each in of_kind if each.checkpoint.size <= heads.size], fitting)
            self._tell_of([each for each in of_kind if each.checkpoint.size > heads.size], fitting)

    def _tell_of(self, wrong: Sequence[Claim], fitting: Collection[int]) -> None:
        """Tell of checkpoints that do not fit, the smallest first. All are within the journal, or beyond."""
        if not wrong:
            return
        heads, size = self._replay.heads, wrong[0].checkpoint.size
        what = f"the checkpoint of {size} facts ({wrong[0].source})"
        what += f", nor to {len(wrong) - 1} more" if len(wrong) > 1 else ""
        where, known = self._exactly(wrong), heads.known(size, fitting)
        if size > heads.size and not where and known < heads.position:
            where = f"after {heads.position}"
            what += f", and nothing shows that facts after {known} are those"
        self._findings.tell(f"journal {where or heads.span(size, fitting)} does not lead to {what}")

    def _exactly(self, wrong: Sequence[Claim]) -> str | None:
        """Return where the first fact is that does not hash to what was signed, if the hashes are here."""
        end = self._replay.heads
        first = self._replay.misfit or Misfit(end.size, f"after {end.position}")
        heads = hashed_heads(self._archive, {each.checkpoint.size for each in wrong})
        signed = (each.checkpoint for each in wrong if each.checkpoint.size > first.index)
        return first.where if any(heads.fits(each.size, each.root) for each in signed) else None

    def _check_witnesses(self) -> None:
        own = {each.line for each in self._keys.all}
        for witness in self._witnesses:
            if witness.line in own:
                self._findings.tell(f"the witness {witness.name} is the ledger itself")
            elif witness.line not in self._seen:
                self._findings.tell(f"no checkpoint is signed by the witness {witness.name}")

    def _summary(self, manifest: Manifest, claims: Collection[Claim]) -> str:
        """Say what fits, and whether anybody but the ledger answers for it."""
        kept = sum(each.is_kept for each in claims)
        elsewhere = (
            f"{kept} of them kept elsewhere" if kept else "none kept elsewhere, so the key is believed"
        )
        seen = [self._seen[each.line] for each in self._witnesses if each.line in self._seen]
        by = "".join(f", that of {size} facts seen by {each.name}{_time(each.time)}" for size, each in seen)
        root = b64encode(manifest.root).decode()
        facts = f"{manifest.size} facts up to position {manifest.position}"
        return f"{manifest.origin}: {facts}, root {root}, signed checkpoints: {len(claims)}, {elsewhere}{by}"


def _time(seconds: int | None) -> str:
    """Write when a witness signed, in seconds since 1970. It may have signed any number, or none."""
    if seconds is None:
        return ""
    try:
        return f" at {datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, OSError, ValueError):
        return f" at {seconds}"


def verify_bundle(
    file: Path, keys: Iterable[Verifier], checkpoints: Iterable[Path] = (), witnesses: Iterable[Verifier] = ()
) -> tuple[list[str], str]:
    """Return what is wrong with the bundle in a file, a line for each, and a line for when nothing is."""
    try:
        kept = [(str(path), path.read_bytes()) for path in checkpoints]
        with file.open("rb") as opened:
            verification = Verification(Archive(opened, is_file), keys, kept, witnesses)
            return verification.lines, verification.summary
    except Malformed as error:
        return [f"{file}: {error}"], ""
    except OSError as error:
        return [f"{error.filename or file}: {error.strerror}"], ""


def _key(line: str) -> Verifier:
    try:
        return Verifier.parse(line)
    except Malformed as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    parser = argparse.ArgumentParser("verify_bundle", description="Check an audit bundle.")
    parser.add_argument("file", type=Path, help="the bundle")
    parser.add_argument("--key", type=_key, action="append", required=True, help="a public key of the ledger")
    parser.add_argument(
        "--checkpoint", type=Path, action="append", default=[], help="a checkpoint that was kept elsewhere"
    )
    parser.add_argument(
        "--witness-key", type=_key, action="append", default=[], help="the public key of a witness"
    )
    chosen = parser.parse_args(arguments)
    for path in (chosen.file, *chosen.checkpoint):
        if not path.is_file():
            parser.error(f"{path} is no file")
    findings, summary = verify_bundle(chosen.file, chosen.key, chosen.checkpoint, chosen.witness_key)
    print("\n".join(findings) if findings else summary)  # noqa: T201 (it is a command)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
