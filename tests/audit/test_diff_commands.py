"""`usage-ledger diff` and `usage-ledger unexplained`: for people, in names."""

import csv
import io
import json

import pytest

from tests.audit.test_diff import end, report
from tests.support.command import Environment, output_of, run
from tests.world import World

MALFORMED = "Enter a position of the journal or an RFC 3339 time."


@pytest.fixture(name="here")
def shell_on_the_world(world: World) -> Environment:
    return {"LEDGER_DATABASE_URL": world.conninfo}


def test_the_diff_is_a_table_of_names(world: World, here: Environment) -> None:
    begin = end(world)
    first = report(world, 10, date="2026-09-05T00:00:00Z")
    middle = report(world, 8, date="2026-09-05T00:00:00Z", reason="Meter of node 7")
    last = report(world, 3, type="gpu")
    cpu, gpu = (world.usages(type=each)[0]["uuid"] for each in ("cpu", "gpu"))
    assert output_of(here, "diff", str(begin), "--format", "table").splitlines() == [
        "billing period  customer name  project name  resource name  offering name  name  measured unit"
        "  usage before  usage after  delta  positions  reasons          uuid",
        "2026-10         Consumer       Project       Resource       Cluster        GPU   GPU hours    "
        f"             -         3.00   3.00  {last:<9}  -                {gpu}",
        "2026-09         Consumer       Project       Resource       Cluster        CPU   hours        "
        f"             -         8.00   8.00  {first}; {middle}     Meter of node 7  {cpu}",
    ]


def test_the_diff_is_csv_and_json(world: World, here: Environment) -> None:
    begin = report(world, 10)
    middle = report(world, 8, reason="Meter of node 7")
    last = report(world, 12)
    rows = list(csv.DictReader(io.StringIO(output_of(here, "diff", str(begin), str(middle)))))
    expected = {
        "billing_period": "2026-10",
        "customer_name": "Consumer",
        "project_name": "Project",
        "resource_name": "Resource",
        "offering_name": "Cluster",
        "name": "CPU",
        "measured_unit": "hours",
        "usage_before": "10.00",
        "usage_after": "8.00",
        "delta": "-2.00",
        "positions": str(middle),
        "reasons": "Meter of node 7",
        "uuid": world.usages()[0]["uuid"],
    }
    assert rows == [expected]
    since = "2020-01-01T00:00:00Z"
    (row,) = json.loads(output_of(here, "diff", since, str(last), "--format", "json"))
    assert row == expected | {
        "usage_before": None,
        "usage_after": "12.00",
        "delta": "12.00",
        "positions": [begin, middle, last],
        "reasons": ["Meter of node 7"],
    }


def test_no_figure_differs(world: World, here: Environment) -> None:
    done = run(here, "diff", str(end(world)))
    assert (done.returncode, done.stderr) == (0, "No figure differs.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["yesterday"], 2, f"Invalid value for 'FROM': 'yesterday': {MALFORMED}"),
        (["1", ""], 2, f"Invalid value for '[TO]': '': {MALFORMED}"),
        (["999999999999"], 1, "from: The journal has not got that far."),
        (["1", "999999999999"], 1, "to: The journal has not got that far."),
        (["1", "9999-01-01T00:00:00Z"], 1, "to: Must not be in the future."),
        (["3", "2"], 1, "from: Must not be after `to`."),
    ],
    ids=str,
)
def test_points_that_are_none_are_told(here: Environment, arguments: list[str], code: int, told: str) -> None:
    done = run(here, "diff", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"Error: {told}")


def test_what_is_unexplained_is_a_list_of_names(world: World, here: Environment) -> None:
    assert run(here, "unexplained").stderr == "Nothing is unexplained.\n"
    for amount in (10, 8):
        report(world, amount)
    report(world, 7, reason="said")
    last = report(world, 6)
    header, newest, oldest = output_of(here, "unexplained", "--format", "table").splitlines()
    assert header.split()[:4] == ["position", "recorded", "at", "reported"]
    assert newest.split()[:4] == [str(last), "2026-11-15", "12:00:00", "staff"]
    assert newest.split()[-4:-1] == ["7.00", "6.00", "-1.00"]
    assert oldest.split()[-4:-1] == ["10.00", "8.00", "-2.00"]
    first, second = json.loads(output_of(here, "unexplained", "--format", "json"))
    assert (first["position"], first["recorded_at"]) == (last, "2026-11-15T12:00:00Z")
    assert (second["reported_by"], second["resource_name"], second["delta"]) == ("staff", "Resource", "-2.00")


def test_all_rows_are_printed(world: World, here: Environment) -> None:
    begin, items = end(world), []
    for year in range(1, 40):
        for month in range(1, 13):
            date = f"{1980 + year}-{month:02}-05"
            items += [{"resource": f"{0x11:032x}", "type": "cpu", "amount": 1, "date": date}]
    for change in ({}, {"amount": 0}):
        told = [item | change for item in items]
        assert world.as_("staff").post("/api/ledger/reports/", told).status_code == 201
    assert len(output_of(here, "diff", str(begin)).splitlines()) == len(items) + 1
    months = [line.split(",")[3] for line in output_of(here, "unexplained").splitlines()[1:]]
    assert len(months) == len(items) == 468
    assert months == sorted(months, reverse=True)
