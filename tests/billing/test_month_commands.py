"""`usage-ledger month`, as operators run it."""

import json
from pathlib import Path

import pytest

from tests.support.command import Environment, output_of, run
from tests.world import CATALOGUE, CPU, OFFERING, PROVIDER, RESOURCE, SECOND_OFFERING, uid

OF_ONE = ("--offering", OFFERING, "--month", "2026-10")


def test_months_are_closed_listed_and_opened_again(environment: Environment, catalogue: Path) -> None:
    run(environment, "import", catalogue)
    told = output_of(environment, "month", "close", *OF_ONE, "--note", "Audited")
    assert told == "2026-10 was closed for 1 of 1 offerings.\n"
    both = output_of(environment, "month", "close", "--provider", PROVIDER, "--month", "2026-10")
    assert both == "2026-10 was closed for 1 of 2 offerings.\n"
    lines = output_of(environment, "month", "list", "--format", "csv").splitlines()
    assert lines[0].startswith("offering_uuid,offering_name,provider_uuid")
    assert [line.partition(",")[0] for line in lines[1:]] == [OFFERING, SECOND_OFFERING]
    assert "Audited" in lines[1]
    assert ",2026-10," in lines[1]
    again = output_of(environment, "month", "close", *OF_ONE)
    assert again == "2026-10 was closed already for 1 of 1 offerings.\n"
    opened = output_of(environment, "month", "reopen", "--offering", OFFERING, "--month", "2026-10-01")
    assert opened == "2026-10 was opened again for 1 of 1 offerings.\n"


def test_a_month_is_closed_by_whoever_is_named_or_by_the_command_line(
    environment: Environment, catalogue: Path
) -> None:
    run(environment, "import", catalogue)

    def rows() -> list[tuple[str, str, str]]:
        listed = json.loads(output_of(environment, "month", "list", "--format", "json"))
        return [(row["changed_by"], row["closed_by"], row["closed_note"]) for row in listed]

    output_of(environment, "month", "close", *OF_ONE, "--note", "Audited")
    assert rows() == [("command line", "command line", "Audited")]
    output_of(environment, "month", "reopen", *OF_ONE, "--by", "staff")
    assert rows() == [("staff", "command line", "Audited")]
    output_of(environment, "month", "close", *OF_ONE, "--by", "staff")
    assert rows() == [("staff", "staff", "")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("reopen", *OF_ONE), "2026-10 is not closed here: it can only be closed."),
        (("close", "--offering", OFFERING, "--month", "2999-01"), "This month has not begun."),
        (("close", *OF_ONE, "--by", "nobody"), "nobody is named 'nobody'"),
        (("close", "--month", "2026-10"), "Name an --offering, or a --provider for all of its offerings."),
        (
            ("close", "--offering", uid(0xFFFF), "--month", "2026-10"),
            f"there is no offering with the uuid {uid(0xFFFF)}",
        ),
        (
            ("close", "--provider", uid(0xFFFF), "--month", "2026-10"),
            f"no customer with the uuid {uid(0xFFFF)} offers anything",
        ),
        (("close", "--offering", OFFERING, "--month", "October"), "'October' does not match the format"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_stored(
    environment: Environment, catalogue: Path, words: tuple[str, ...], told: str
) -> None:
    run(environment, "import", catalogue)
    done = run(environment, "month", *words)
    assert done.returncode != 0
    assert told in done.stderr
    assert output_of(environment, "month", "list", "--format", "json") == "[]\n"


def test_carrying_over_tells_of_offerings_that_it_left_out(environment: Environment, tmp_path: Path) -> None:
    usage = {
        "uuid": uid(0x700),
        "resource_uuid": RESOURCE,
        "component_uuid": CPU,
        "usage": "3.00",
        "billing_period": "2026-09-01",
        "date": "2026-09-05T00:00:00Z",
        "missing_usage_policy": "reuse",
    }
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(CATALOGUE | {"component_usages": [usage]}))
    run(environment, "import", path)
    run(environment, "month", "close", *OF_ONE)
    done = run(environment, "carry-over", "--month", "2026-10")
    assert done.stdout == "0 usages were carried over into 2026-10.\n"
    assert done.stderr == "Offerings whose usages were left out, as 2026-10 is closed for them: 1.\n"
