"""The whole ledger in a file: what is in it, and that nobody rewrites it on the way there."""

import csv
import io
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.proof.checkpoints import InclusionProof
from ledger.proof.merkle import consistency_proof, inclusion_proof
from ledger.proof.tiles import Tile
from tests.ledger.tree.test_growth import DROP_TREE
from tests.ledger.tree.trees import as_administrator, entries, execute
from tests.proof.bundling import Files, files_of
from tests.proof.independent import check as check
from tests.proof.independent import told, write
from tests.support.command import Done, Environment, output_of, positions, run
from tests.support.command import catalogue as catalogue


class House:
    """A ledger with a key, and an auditor who was given the verifier key and keeps checkpoints."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment, self.folder = environment, folder
        self.url = environment["LEDGER_DATABASE_URL"]
        self.key = output_of(environment, "key", "create").strip()
        self._bundles = 0

    def audit_bundle(self, *options: str) -> tuple[Done, Path]:
        self._bundles += 1
        file = self.folder / f"audit-{self._bundles}.tar"
        return run(self.environment, "audit-bundle", file, *options), file

    def bundle(self, *options: str) -> Path:
        done, file = self.audit_bundle(*options)
        assert done.returncode == 0, done.stderr
        return file

    def kept_of(self, bundle: Path) -> Path:
        kept = bundle.with_suffix(".checkpoint")
        kept.write_bytes(files_of(bundle.read_bytes())["checkpoint"])
        return kept

    def verify(self, bundle: Path, *kept: Path, key: str = "") -> Done:
        options = [option for each in kept for option in ("--checkpoint", each)]
        return run({}, "verify-bundle", bundle, "--key", key or self.key, *options)

    def administrate(self, statements: Sequence[str], at: int) -> None:
        """Do what nobody may, with all guards off."""
        with as_administrator(self.url) as connection:
            for statement in statements:
                connection.execute(statement.encode(), {"at": at})


@pytest.fixture(name="house")
def house_with_a_catalogue(environment: Environment, catalogue: Path, tmp_path: Path) -> House:
    output_of(environment, "import", catalogue)
    return House(environment, tmp_path)


def files(bundle: Path) -> Files:
    return files_of(bundle.read_bytes())


def report(house: House) -> None:
    """Append some facts: accounts are described again."""
    number = len(positions(house.environment))
    output_of(house.environment, "user", "create", f"person-{number}")


def test_a_bundle_has_the_whole_ledger_and_is_as_signed(house: House) -> None:
    done, bundle = house.audit_bundle()
    last = positions(house.environment)[-1]
    count = len(positions(house.environment))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{count} facts up to position {last}, {bundle.stat().st_size} bytes\n"
    assert bundle.stat().st_mode & 0o077 == 0
    manifest = json.loads(files(bundle)["manifest.json"])
    assert (manifest["size"], manifest["position"]) == (count, last)
    packed = files(bundle)[f"tile/entries/000.p/{count}"]
    assert packed == b"".join(len(each).to_bytes(2, "big") + each for each in entries(house.url))
    customers = csv.DictReader(io.StringIO(files(bundle)["tables/customer.csv"].decode(), newline=""))
    assert "Provider" in {row["name"] for row in customers}
    verified = house.verify(bundle)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert f"{count} facts up to position {last}" in verified.stdout


def test_an_independent_implementation_agrees_with_a_bundle(
    house: House, check: Path, tmp_path: Path
) -> None:
    old = json.loads(files(house.bundle("--to", "30"))["manifest.json"])["size"]
    published = files(house.bundle())
    size = json.loads(published["manifest.json"])["size"]

    def read_tile(tile: Tile) -> bytes:
        return published[tile.path]

    proof = InclusionProof(7, inclusion_proof(7, size, read_tile), published["checkpoint"])
    hashes = [b64encode(each).decode() for each in consistency_proof(old, size, read_tile)]
    published["proof"] = proof.text.encode()
    published["consistency.json"] = json.dumps({"from": old, "to": size, "hashes": hashes}).encode()
    write(tmp_path / "published", published)
    status, line = told(check, tmp_path / "published", house.key)
    assert line.startswith(f"{size} entries, entry 7 and {old} -> {size} as signed, root ")
    assert status == 0


def test_checkpoints_of_before_are_in_later_bundles_which_go_on_from_them(house: House) -> None:
    first = house.bundle()
    kept = house.kept_of(first)
    report(house)
    second = house.bundle()
    assert (
        files(second)[f"checkpoints/{json.loads(files(first)['manifest.json'])['size']}"] == kept.read_bytes()
    )
    assert house.verify(second, kept).returncode == 0


def test_an_earlier_position_has_what_was_known_then(house: House) -> None:
    earlier = positions(house.environment)[20]
    first = house.bundle()
    report(house)
    bundle = house.bundle("--to", str(earlier))
    manifest = json.loads(files(bundle)["manifest.json"])
    assert (manifest["size"], manifest["position"]) == (21, earlier)
    assert len(files(bundle)["tables/resource.csv"]) < len(files(first)["tables/resource.csv"])
    assert house.verify(bundle).returncode == 0
    later = house.bundle()
    assert "checkpoints/21" in files(later)
    assert house.verify(later, house.kept_of(bundle), house.kept_of(first)).returncode == 0


def test_a_position_that_is_not_there_yet_is_refused(house: House) -> None:
    done, bundle = house.audit_bundle("--to", "1000000")
    assert done.returncode == 1
    assert "The journal has not got that far" in done.stderr
    assert not bundle.exists()


def test_nothing_is_written_over(house: House) -> None:
    bundle = house.bundle()
    done = run(house.environment, "audit-bundle", bundle)
    assert (done.returncode, done.stderr) == (1, f"Error: {bundle}: is there already\n")
    done = run(house.environment, "audit-bundle", house.folder / "none/audit.tar")
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr


def test_without_a_key_there_is_no_bundle(environment: Environment, catalogue: Path, tmp_path: Path) -> None:
    output_of(environment, "import", catalogue)
    done = run(environment, "audit-bundle", tmp_path / "audit.tar")
    assert done.returncode == 1
    assert "`usage-ledger key create` makes one" in done.stderr
    assert list(tmp_path.glob("audit*")) == []


def test_a_key_that_was_replaced_hands_over_to_the_next(house: House) -> None:
    first = house.bundle()
    new = output_of(house.environment, "key", "create", "--rotate").strip()
    assert new != house.key
    second = house.bundle()
    for key in (house.key, new):
        assert house.verify(second, house.kept_of(first), key=key).returncode == 0


TAMPERINGS = {
    "change": [
        "UPDATE journal.ledger_events SET state = state || ' ' WHERE notification_id = %(at)s",
    ],
    "delete": ["DELETE FROM journal.ledger_events WHERE notification_id = %(at)s"],
    "swap": [
        "UPDATE journal.ledger_events SET notification_id = -1 WHERE notification_id = %(at)s",
        "UPDATE journal.ledger_events SET notification_id = %(at)s WHERE notification_id = %(at)s + 1",
        "UPDATE journal.ledger_events SET notification_id = %(at)s + 1 WHERE notification_id = -1",
    ],
    "insert": [
        "UPDATE journal.ledger_events SET notification_id = -notification_id WHERE notification_id >= %(at)s",
        "UPDATE journal.ledger_events SET notification_id = 1 - notification_id WHERE notification_id < 0",
        """
        INSERT INTO journal.ledger_events (notification_id, originator_id, originator_version, topic, state)
        SELECT %(at)s, gen_random_uuid(), 1, topic, convert_to(regexp_replace(
            convert_from(state, 'UTF8'), '"uuid":"[0-9a-f]{32}"', '"uuid":"000000000000000000000000000000ee"'
        ), 'UTF8') FROM journal.ledger_events WHERE topic = 'CustomerDescribed' LIMIT 1""",
    ],
    "truncate": ["DELETE FROM journal.ledger_events WHERE notification_id >= %(at)s"],
}


BY_CHECKPOINTS = "the journal differs positions 1..48 from what the checkpoint of 48 facts was signed of"
REFUSED = {
    "change": BY_CHECKPOINTS,
    "delete": "the journal differs after 0 from what the checkpoint of 48 facts was signed of",
    "swap": BY_CHECKPOINTS,
    "insert": "The fact at position {at} is not the one that the tree has there",
    "truncate": "The journal ends at position {before}, and its tree at 48",
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_no_bundle_is_written_of_a_journal_that_was_changed(house: House, name: str) -> None:
    house.bundle()
    at = positions(house.environment)[20]
    house.administrate(TAMPERINGS[name], at)
    done, bundle = house.audit_bundle()
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(REFUSED[name].format(at=at, before=at - 1), done.stderr)
    assert not bundle.exists()


@pytest.mark.parametrize("name", TAMPERINGS)
def test_who_signs_a_forged_journal_anew_is_found_out_by_what_others_kept(house: House, name: str) -> None:
    """The operator has the key, and throws away the tree and every checkpoint that is in the house."""
    early, late = positions(house.environment)[10], positions(house.environment)[-1]
    kept = [house.kept_of(house.bundle("--to", str(at))) for at in (early, late)]
    at = positions(house.environment)[20]
    house.administrate(TAMPERINGS[name], at)
    execute(house.url, DROP_TREE)
    for each in house.folder.glob("**/*.checkpoint"):
        if each not in kept:
            each.unlink()
    bundle = house.bundle()
    assert house.verify(bundle, kept[0]).returncode == 0
    found = house.verify(bundle, *kept)
    assert found.returncode == 1
    about = [line for line in found.stdout.splitlines() if "does not lead" in line]
    assert len(about) == 1
    assert ("after" in about[0]) == (name in ("delete", "truncate"))
    if name not in ("delete", "truncate"):
        assert about[0].startswith(f"journal positions {early + 1}..")
