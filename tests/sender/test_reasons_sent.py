"""`usage-ledger report --reason`: why all lines of a file are reported, unless they say it themselves."""

import json
from io import BytesIO
from pathlib import Path

from ledger.events import UsageReported
from tests.sender.sending import line, written
from tests.support.command import Environment, output_of, run
from tests.support.reporting import Front, answers, lets_through
from tests.world import RESOURCE, World
from web.sender.summing import SummedFile


def reasons(world: World) -> list[str]:
    return [fact.reason for fact in world.facts(UsageReported)]


def test_lines_have_the_reason_of_the_file_or_their_own(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    table = tmp_path / "usage.csv"
    table.write_text(f"resource,type,amount,reason\n{RESOURCE},cpu,1,\n{RESOURCE},gpu,2,Zähler: 50%\n")
    output_of(shell, "report", table, "--url", front.url, "--reason", " 100 % größer\N{EURO SIGN} ")
    assert reasons(world) == ["100 % größer\N{EURO SIGN}", "Zähler: 50%"]


def test_what_broke_off_goes_on_with_its_reason_only(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1), line(2)])
    command = ("report", file, "--url", front.url, "--chunk", "1")
    front.moods.extend([lets_through, answers("400 BAD REQUEST", '{"detail": "no"}')])
    assert run(shell, *command, "--reason", "a").returncode == 1
    for other in ((), ("--reason", "b")):
        told = run(shell, *command, *other)
        assert told.returncode == 1
        assert "A sending with the --reason 'a' is not finished" in told.stderr
    assert run(shell, *command, "--reason", "a").returncode == 0
    assert reasons(world) == ["a", "a"]


def test_a_reason_that_is_none_is_refused_before_anything_is_sent(
    front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1)])
    for reason, error in {"a\nb": "Line breaks", "x" * 501: "no more than 500 characters"}.items():
        told = run(shell, "report", file, "--url", front.url, "--reason", reason)
        assert told.returncode == 2
        assert error in told.stderr
    assert front.keys == []


def test_the_token_is_refused_as_a_reason(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1)])
    told = run(shell, "report", file, "--url", front.url, "--reason", shell["LEDGER_TOKEN"])
    assert told.returncode == 1
    assert "must not be in it" in told.stderr
    assert reasons(world) == []


def test_a_sum_has_the_reason_that_all_its_lines_share() -> None:
    lines = [
        {"type": "cpu", "amount": 1, "reason": "a", "description": "one"},
        {"type": "cpu", "amount": 2, "reason": "a", "description": "two"},
        {"type": "gpu", "amount": 1, "reason": "a", "description": "one"},
        {"type": "gpu", "amount": 2, "description": "one"},
    ]
    text = "".join(json.dumps(each) + "\n" for each in lines)
    items = SummedFile(BytesIO(text.encode()), "ndjson", "2026-11-15T12:00:00+00:00").chunk(10)
    sums = [json.loads(item.body) for item in items]
    assert [(each["amount"], each.get("reason"), each.get("description")) for each in sums] == [
        ("3.00", "a", None),
        ("3.00", None, "one"),
    ]
