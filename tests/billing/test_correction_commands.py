"""`usage-ledger correction`, as two people run it against a service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.command import DEMO_RESOURCE, Done, Environment, Served, output_of, run, served

HEADER = "resource,type,date,amount\n"
MAY = f"{DEMO_RESOURCE},cpu,2026-05-31"
WORDS = ("--title", "Minutes", "--reason", "The agent sent minutes")


class Desk(NamedTuple):
    """A service with the demo, and the tokens of two who may report there."""

    here: Served
    environment: Environment
    tokens: dict[str, str]
    folder: Path

    def run(self, who: str, *words: str | Path) -> Done:
        token = {"LEDGER_TOKEN": self.tokens.get(who, who)}
        return run(self.environment | token, "correction", *words, "--url", self.here.url)

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def proposed(self, file: Path, *words: str) -> str:
        """Return the uuid of what `ann` proposes."""
        done = self.run("ann", "propose", file, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[0]


@pytest.fixture
def desk(environment: Environment, tmp_path: Path) -> Iterator[Desk]:
    with served(environment, "--workers", "1") as here:
        users = {"ann": "demo-provider", "bob": "demo-staff"}
        tokens = {
            who: output_of(environment, "token", "create", user).split()[-1] for who, user in users.items()
        }
        yield Desk(here, environment, tokens, tmp_path)


def test_two_people_correct_a_figure_and_put_it_back(desk: Desk) -> None:
    uuid = desk.proposed(desk.file("may.csv", f"{HEADER}{MAY},230.00\n"), *WORDS, "--ticket", "OPS-1")
    assert desk.run("ann", "approve", uuid).stderr.startswith("Error: Who proposed a correction does not")
    assert "It can be applied or rejected." in desk.run("bob", "approve", uuid).stdout
    shown = desk.run("bob", "show", uuid, "--format", "csv")
    assert f"{uuid} approved: Minutes\n  The agent sent minutes (OPS-1)\n" in shown.stderr
    assert shown.stdout.splitlines()[1] == "0,sea-ice,cpu,CPU hours,2026-05,,,,230.00,230.00,,"
    assert "cpu: 0.00 CPU hours become 230.00, in 1 figure\n" in desk.run("ann", "apply", uuid).stdout
    again = desk.run("ann", "apply", uuid)
    assert (again.returncode, again.stderr) == (1, "Error: This correction is applied: it can be reverted.\n")
    reverted = desk.run("ann", "revert", uuid, "--reason", "Hours")
    assert "proposed: Revert: Minutes" in reverted.stdout
    rejected = desk.run("bob", "reject", reverted.stdout.split()[0], "--reason", "They were minutes")
    assert " rejected: Revert: Minutes\n" in rejected.stdout
    rows = json.loads(desk.run("ann", "list", "--format", "json").stdout)
    assert [(row["state"], row["proposed_by"]) for row in rows] == [
        ("rejected", "demo-provider"),
        ("applied", "demo-provider"),
    ]
    one = desk.run("ann", "list", "--state", "applied", "--format", "csv").stdout.splitlines()
    assert [line.split(",")[0] for line in one[1:]] == [uuid]


def test_what_moved_since_it_was_seen_or_approved_is_told_and_nothing_done(desk: Desk) -> None:
    def correct(amount: str) -> str:
        return desk.proposed(desk.file("may.csv", f"{HEADER}{MAY},{amount}\n"), *WORDS)

    def position(uuid: str) -> str:
        return desk.run("bob", "show", uuid).stderr.split("As of position ")[1].split(".")[0]

    first, second = correct("230.00"), correct("240.00")
    seen = position(first)
    assert desk.run("bob", "approve", first, "--expect", seen).returncode == 0
    assert desk.run("bob", "approve", second).returncode == 0
    assert desk.run("ann", "apply", second, "--as-approved", "--expect", seen).returncode == 2
    assert desk.run("ann", "apply", second, "--as-approved").returncode == 0
    refused = desk.run("ann", "apply", first, "--as-approved")
    moved = f"The figure does not stand as it did at position {seen}: it was not there, and is 240.00."
    nothing = "Error: 1 of 1 figures moved since that position. Nothing was done.\n"
    told = f"sea-ice cpu 2026-05: expect: {moved}\n{nothing}"
    assert (refused.returncode, refused.stderr) == (1, told)
    assert desk.run("ann", "apply", first, "--expect", seen).stderr == told
    shown = desk.run("bob", "show", first, "--format", "csv").stdout.splitlines()[1]
    assert shown == "0,sea-ice,cpu,CPU hours,2026-05,,,240.00,230.00,-10.00,since approval of none,"
    assert desk.run("ann", "apply", first, "--expect", position(first)).returncode == 0


def test_a_file_has_items_by_line_or_is_one_object(desk: Desk) -> None:
    item = {"resource": DEMO_RESOURCE, "type": "cpu", "date": "2026-05-31", "amount": "1.00"}
    lines = desk.file("items.ndjson", json.dumps(item) + "\n" + json.dumps(item | {"type": "gpu"}) + "\n")
    whole = desk.file("whole.json", json.dumps({"title": "T", "reason": "R", "items": [item]}))
    for file, words, figures in ((lines, WORDS, 2), (whole, (), 1)):
        uuid = desk.proposed(file, *words)
        row = json.loads(desk.run("ann", "list", "--format", "json").stdout)[0]
        assert (row["uuid"], row["figures"]) == (uuid, figures)


EXACT = (
    f'{{"resource": "{DEMO_RESOURCE}", "type": "cpu", "date": "2026-05-31", "amount": 5.0000000000000001}}'
)
TWICE = EXACT.replace("5.0000000000000001", '"5", "amount": "500"')
TWICE_TOLD = 'The key "amount" is there more than once.'


def test_what_is_wrong_is_told_and_nothing_proposed(desk: Desk) -> None:
    wrong = desk.file("wrong.csv", f"{HEADER}{MAY},1\n{DEMO_RESOURCE},tape,2026-05-31,1\n")
    refused = desk.run("ann", "propose", wrong, *WORDS)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines() == [
        'Line 3 is refused: {"non_field_errors":["These components are invalid: tape."]}',
        "Error: nothing was proposed, as items are refused",
    ]
    good = desk.file("good.csv", f"{HEADER}{MAY},1\n")
    table = desk.file("table.xlsx", "PK")
    cases: list[tuple[str, tuple[str | Path, ...], int, str]] = [
        ("ann", ("propose", good), 1, "title: This field is required.; reason: This field is required."),
        ("ann", ("propose", table, *WORDS), 2, "FILE must end with .csv, .ndjson, .jsonl or .json"),
        ("ann", ("propose", desk.folder / "none.csv", *WORDS), 1, "No such file or directory"),
        ("ann", ("propose", desk.file("x.json", "[1]"), *WORDS), 1, "it is no JSON object"),
        ("ann", ("propose", desk.file("y.json", '{"items": 5}'), *WORDS), 1, "it is no JSON object"),
        ("ann", ("propose", desk.file("z.json", '{"items": ['), *WORDS), 1, "z.json: JSON parse error - "),
        ("ann", ("propose", desk.file("twice.ndjson", TWICE), *WORDS), 1, TWICE_TOLD),
        ("ann", ("propose", desk.file("twice.json", f'{{"items": [{TWICE}]}}'), *WORDS), 1, TWICE_TOLD),
        ("ann", ("propose", desk.file("exact.ndjson", EXACT), *WORDS), 1, "Line 1 is refused"),
        ("ann", ("approve", "0" * 32), 1, "No Correction matches the given query."),
        ("nobody", ("list",), 1, "does not accept LEDGER_TOKEN: Invalid token."),
    ]
    for who, words, code, told in cases:
        done = desk.run(who, *words)
        assert (done.returncode, done.stdout) == (code, "")
        assert told in done.stderr
    assert desk.run("bob", "list", "--format", "json").stdout == "[]\n"
