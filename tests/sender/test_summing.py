"""`usage-ledger report --sum`: lines for one figure are added up before they are sent."""

import json
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.command import COMMAND, PATIENCE_SECONDS, Environment, output_of, run
from tests.support.reporting import Front, answers, lets_through
from tests.world import RESOURCE, SECOND_RESOURCE, World
from web.sender.files import Format
from web.sender.lines import FilePosition
from web.sender.summing import SummedFile

BEGUN = "2026-11-15T12:00:00+00:00"


def summed(text: str, kind: Format = "csv") -> SummedFile:
    return SummedFile(BytesIO(text.encode()), kind, BEGUN)


def sums(text: str, kind: Format = "csv") -> list[tuple[int, dict[str, Any]]]:
    """What is sent, with the line that each begins at. All of it has to be good."""
    items = summed(text, kind).chunk(100)
    assert [item.errors for item in items] == [None] * len(items)
    return [(item.line, json.loads(item.body)) for item in items]


def refused(text: str, kind: Format = "csv") -> dict[int, Any]:
    return {item.line: item.errors for item in summed(text, kind).chunk(100) if item.errors}


def lines(*items: dict[str, Any]) -> str:
    return "".join(json.dumps(item) + "\n" for item in items)


def sent(text: str, kind: Format = "csv") -> list[int]:
    return [item.line for item in summed(text, kind).chunk(100) if item.errors is None]


def test_jobs_are_added_up_by_what_they_are_of_and_by_the_month_that_they_are_written_in() -> None:
    text = """\
resource,type,amount,date,description
R,cpu,0.10,2026-05-01,first job
R,cpu,0.20,2026-05-31T23:30:00-05:00,second job
R,gpu,1,2026-05-31,
R,cpu,999999999999999999.99,2026-06-01T00:30:00+02:00,third job
R,cpu,-0.01,2026-05-31T23:59:59Z,
R,gpu,2,2026-05-02,
"""
    may, june = "2026-05-01T00:00:00", "2026-06-01T00:00:00"
    assert sums(text) == [
        (2, {"resource": "R", "type": "cpu", "amount": "0.29", "date": may}),
        (4, {"resource": "R", "type": "gpu", "amount": "3.00", "date": may}),
        (5, {"resource": "R", "type": "cpu", "amount": "999999999999999999.99", "date": june}
        | {"description": "third job"}),
    ]  # fmt: skip


def test_what_is_undated_is_of_the_sendings_begin_and_users_are_added_up_each() -> None:
    of = {"resource": RESOURCE, "type": "cpu"}
    text = lines(
        {**of, "username": "ann", "usage": 1.5},
        {**of, "username": "bob", "usage": "2"},
        {**of, "amount": 4},
        {"usage": 1, "type": " cpu ", "resource": str(UUID(RESOURCE)), "username": "ann"},
        {**of, "username": "ann", "usage": 7, "date": "2026-11-02"},
        {"component_usage": "U", "username": "ann", "usage": 1},
        {"component_usage": "U", "username": "ann", "usage": 1},
    )
    assert sums(text, "ndjson") == [
        (1, {**of, "username": "ann", "usage": "2.50", "date": BEGUN}),
        (2, {**of, "username": "bob", "usage": "2.00", "date": BEGUN}),
        (3, {**of, "amount": "4.00", "date": BEGUN}),
        (5, {**of, "username": "ann", "usage": "7.00", "date": "2026-11-01T00:00:00"}),
        (6, {"component_usage": "U", "username": "ann", "usage": "2.00"}),
    ]


def test_no_cent_is_lost_however_many_lines_there_are() -> None:
    text = "resource,type,amount\n" + "R,cpu,0.01\n" * 9_999 + "R,cpu,123456789012345678.01\n"
    assert [item["amount"] for _, item in sums(text)] == ["123456789012345778.00"]


@pytest.mark.parametrize(
    ("bad", "errors"),
    [
        ({"amount": "x"}, {"amount": ["A valid number is required."]}),
        ({"amount": "1.234"}, {"amount": ["Ensure that there are no more than 2 decimal places."]}),
        ({"amount": None}, {"amount": ["This field may not be null."]}),
        ({}, {"amount": ["This field is required."]}),
        ({"amount": 1, "Description": "x"}, {"Description": ["Unknown field. Did you mean description?"]}),
    ],
)
def test_a_line_that_can_not_be_added_up_takes_its_sum_with_it(
    bad: dict[str, Any], errors: dict[str, Any]
) -> None:
    cpu, gpu = {"type": "cpu", "date": "2026-05-02"}, {"type": "gpu", "date": "2026-05-02"}
    text = lines({**cpu, "amount": 1}, {**gpu, "amount": 2}, {**cpu, **bad}, {**cpu, "amount": 3})
    text += lines({**cpu, "amount": 3, "date": "2026-06-02"})
    of_the_same = {"detail": "Line 3 is refused, and is of the same sum, or may be."}
    assert refused(text, "ndjson") == {1: of_the_same, 3: errors, 4: of_the_same}
    assert sent(text, "ndjson") == [2, 5]


@pytest.mark.parametrize(
    ("date", "is_future"),
    [
        ("2026-11-15T12:01:00Z", False),
        ("2026-11-15T14:01:01+02:00", True),
        ("2026-11-15T04:01:01-08:00", True),
        # Without an offset it is of the ledger's zone, whichever that is.
        ("2026-11-16", False),
        ("2026-11-16T02:01:00", False),
        ("2026-11-16T02:01:01", True),
        ("2026-11-29", True),
    ],
)
def test_a_line_of_the_future_does_not_pass_as_one_of_the_first_of_its_month(
    date: str, is_future: bool
) -> None:
    text = f"type,amount,date\ncpu,1,2026-11-14\ncpu,1,{date}\n"
    future = ["Cannot submit usage for future dates. Date must be current date or earlier."]
    assert (list(refused(text)), sent(text)) == (([2, 3], []) if is_future else ([], [2]))
    assert not is_future or refused(text)[3] == {"date": future}


def test_a_figure_of_the_other_kind_of_report_takes_its_sum_with_it() -> None:
    text = "resource,type,username,amount,usage\nR,cpu,ann,,1\nR,cpu,ann,5,2\nR,cpu,,1,\nR,cpu,bob,,1\n"
    assert list(refused(text)) == [2, 3]
    assert list(refused(text)[3]) == ["amount"]
    assert sent(text) == [4, 5]


def test_a_line_of_which_nobody_knows_the_month_takes_those_of_all_months_with_it() -> None:
    text = (
        "type,amount,date\ncpu,1,2026-05-01\ncpu,1,\ncpu,1,2026-06-01\ngpu,1,2026-06-01\ngpu,1,2026-07-01\n"
    )
    assert list(refused(text)) == [2, 3, 4]
    assert sent(text) == [5, 6]
    assert list(refused(text.replace("cpu,1,\n", "cpu,1,June\n"))) == [2, 3, 4]


def test_a_line_of_which_nobody_knows_what_it_is_of_takes_all_with_it() -> None:
    for bad in ("cpu,1", 'cpu,1,"2026', "cpu,1,2,3"):
        assert list(refused(f"type,amount,date\ncpu,1,2026-05-01\ngpu,1,2026-05-01\n{bad}\n")) == [2, 3, 4]
    for bad in ('{"amount"', "[1]", '{"amount": 1, "amount": 2}'):
        assert list(refused(f'{{"type": "cpu", "amount": 1}}\n{bad}\n', "ndjson")) == [1, 2]


def test_refused_lines_are_those_of_the_file_so_that_they_can_be_mended_and_sent_again() -> None:
    text = "type,amount,date\ncpu,1,2026-05-01\ncpu,x,2026-05-02\n"
    assert [(item.line, json.loads(item.body)) for item in summed(text).chunk(9)] == [
        (2, {"type": "cpu", "amount": "1", "date": "2026-05-01"}),
        (3, {"type": "cpu", "amount": "x", "date": "2026-05-02"}),
    ]


def test_sums_are_gone_on_with_where_they_broke_off_unless_any_line_has_changed() -> None:
    text = "type,amount\na,1\nb,x\nc,1\nd,1\na,2\n"
    first = summed(text)
    begin = first.chunk(3)
    place, rest = first.place, first.chunk(9)
    again = summed(text)
    assert again.skip_to(place)
    assert (again.chunk(9), len(begin), len(rest)) == (rest, 3, 1)
    assert not summed(text.replace("a,2", "a,3")).skip_to(place)
    assert not summed("type,amount\na,1\n").skip_to(FilePosition(3, 3, place.digest))


def item(amount: object, **more: Any) -> dict[str, Any]:
    return {"resource": RESOURCE, "type": "cpu", "amount": amount} | more


def test_the_command_adds_up_and_goes_on_where_it_broke_off(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = tmp_path / "jobs.ndjson"
    file.write_text(lines(item("1.25"), item(2, resource=SECOND_RESOURCE), item("1.50"), item(3, type="gpu")))
    command: list[str | Path] = ["report", file, "--sum", "--chunk", "1", "--url", front.url]
    front.moods.extend([lets_through, answers("404 Not Found")])
    assert run(shell, *command).returncode == 1
    plain = run(shell, *(each for each in command if each != "--sum"))
    told = "A sending with --sum is not finished; finish it, or remove the .progress file"
    assert (plain.returncode, plain.stderr) == (1, f"Error: {told}\n")
    done = run(shell, *command)
    assert (done.stdout, done.stderr) == (
        "3 created, 0 changed, 0 unchanged, 0 refused\n",
        "1 sums were sent before.\n",
    )
    assert sorted((row["type"], row["usage"]) for row in world.usages()) == [
        ("cpu", "2.00"),
        ("cpu", "2.75"),
        ("gpu", "3.00"),
    ]


def test_standard_input_is_added_up_too_and_sums_for_one_figure_are_told(
    world: World, front: Front, shell: Environment
) -> None:
    text = lines(item(1), item("x", type="gpu"), item(2, missing_usage_policy="reuse"), item(4))
    done = subprocess.run(
        [COMMAND, "report", "-", "--format", "ndjson", "--sum", "--url", front.url],
        input=text.encode(),
        env=shell,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.stdout == b"1 created, 1 changed, 0 unchanged, 1 refused\n"
    assert done.stderr.decode().splitlines() == [
        'Line 2 is refused: {"amount":["A valid number is required."]}',
        "Replaced by a later sum for the same figure: at least 1; "
        "their lines differ in more than what is added up.",
    ]
    assert [row["usage"] for row in world.usages()] == ["2.00"]


def test_the_help_says_what_is_added_up(shell: Environment) -> None:
    told = " ".join(output_of(shell, "report", "--help").split())
    assert "alike in all but amount or usage, date, description and reason" in told
