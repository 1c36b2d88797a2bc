"""`usage-ledger manifest` and `usage-ledger completeness`, as operators run them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Environment, output_of, run
from tests.world import CATALOGUE, CPU, OFFERING, PROVIDER, RESOURCE, uid

STATED = {"offering": OFFERING, "month": "2026-10", "reports": 1, "resources": 1, "totals": {"cpu": "5.00"}}


@pytest.fixture(name="there")
def a_ledger_with_usage(environment: Environment, tmp_path: Path) -> Environment:
    """Two months of cpu, which jumped."""
    usage = {"resource_uuid": RESOURCE, "component_uuid": CPU}
    months = [(0x700, "2026-09", "0.40"), (0x701, "2026-10", "5.00")]
    usages = [
        usage | {"uuid": uid(number), "usage": amount}
        | {"billing_period": f"{month}-01", "date": f"{month}-05T00:00:00Z"}
        for number, month, amount in months
    ]  # fmt: skip
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(CATALOGUE | {"component_usages": usages}))
    run(environment, "import", path)
    return environment


def file_of(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(STATED | changes))
    return path


def test_a_manifest_is_sent_from_a_file_and_listed(there: Environment, tmp_path: Path) -> None:
    told = output_of(there, "manifest", "send", file_of(tmp_path))
    assert told.startswith("2026-10 is as it was sent: manifest ")
    again = output_of(there, "manifest", "send", file_of(tmp_path))
    assert again == told.replace("manifest", "as manifest").replace(".\n", " said already.\n")
    wrong = run(there, "manifest", "send", file_of(tmp_path, reports=2, totals={}), "--format", "csv")
    assert wrong.returncode == 1
    assert wrong.stdout.splitlines() == ["name,stated,standing", "reports,2,1", "totals.cpu,,5.00"]
    assert wrong.stderr.startswith("2026-10 is not as it was sent: manifest ")
    rows = json.loads(output_of(there, "manifest", "list", "--format", "json"))
    assert [(row["matches"], row["still_holds"], row["totals"]) for row in rows] == [
        (False, False, []),
        (True, True, ["cpu 5.00"]),
    ]
    assert rows[0]["differences"] == ["reports 2, stands 1", "totals.cpu not stated, stands 5.00"]
    assert rows[0]["sent_by"] == "command line"
    output_of(there, "manifest", "send", file_of(tmp_path), "--by", "staff")
    rows = json.loads(output_of(there, "manifest", "list", "--format", "json"))
    assert rows[0]["sent_by"] == "staff"
    unknown = run(there, "manifest", "send", file_of(tmp_path), "--by", "nobody")
    assert "nobody is named 'nobody'" in unknown.stderr


def test_what_is_missing_of_a_month_is_shown_by_offering(there: Environment, tmp_path: Path) -> None:
    output_of(there, "manifest", "send", file_of(tmp_path))
    rows = json.loads(output_of(there, "completeness", "2026-10", "--format", "json"))
    assert [row["offering_name"] for row in rows] == ["Cloud", "Cluster", "Elsewhere"]
    assert (rows[1]["jumped"], rows[1]["resources_reported"], rows[1]["is_complete"]) == (1, 1, False)
    assert rows[1]["last_manifest"].endswith(" holds")
    of_one = ("--offering", OFFERING, "--jump", "100", "--format", "json")
    (row,) = json.loads(output_of(there, "completeness", "2026-10", *of_one))
    assert row["is_complete"]
    of_provider = json.loads(
        output_of(there, "completeness", "2026-10", "--provider", PROVIDER, "--format", "json")
    )
    assert len(of_provider) == 2
    lines = output_of(there, "completeness", "2026-10", "--figures", "--format", "csv").splitlines()
    assert lines[1].startswith("jumped,Consumer,Project,Resource,Cluster,CPU,hours,5.00,0.40,4.60,")
    none = output_of(there, "completeness", "2026-10", "--figures", "--kind", "fell", "--format", "json")
    assert none == "[]\n"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reports": -1}, "reports: Must be a whole number from 0 on."),
        ({"totals": {"cpu": "x"}}, "totals.cpu: A valid number is required."),
        ({"totals": {"cpus": 1}}, "totals.cpus: Unknown component type. Did you mean cpu?"),
        ({"offering": uid(0xFFFF)}, f"offering: Object with uuid={uid(0xFFFF)} does not exist."),
        ({"month": "2999-01"}, "month: This month has not begun."),
        ({"notes": ""}, "notes: Unknown field. Did you mean note?"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_told_and_nothing_stored(
    there: Environment, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    path = file_of(tmp_path, **changes)
    done = run(there, "manifest", "send", path)
    assert (done.returncode, done.stderr) == (1, f"Error: {path}: {told}\n")
    assert output_of(there, "manifest", "list", "--format", "json") == "[]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [("[]", "Invalid data. Expected a dictionary, but got list."), ("{", "JSON parse error - ")],
)
def test_a_file_that_is_no_manifest_is_told_to_be_none(
    there: Environment, tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    done = run(there, "manifest", "send", path)
    assert (done.returncode, done.stderr.startswith(f"Error: {path}: {told}")) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("October",), "billing_period: Must be a month like 2026-05, or its first day like 2026-05-01."),
        (("2999-01",), "billing_period: This month has not begun."),
        (("2026-10", "--offering", uid(0xFFFF)), f"there is no offering with the uuid {uid(0xFFFF)}"),
        (("2026-10", "--provider", uid(0xFFFF)), f"no customer with the uuid {uid(0xFFFF)} offers anything"),
        (("2026-10", "--jump", "1"), "jump: Enter a number above 1, and up to 1000000000."),
        (("2026-10", "--kind", "fell"), "--kind is about --figures."),
    ],
)
def test_what_is_wrong_with_a_question_is_told(there: Environment, words: tuple[str, ...], told: str) -> None:
    done = run(there, "completeness", *words)
    assert done.returncode != 0
    assert told in done.stderr
