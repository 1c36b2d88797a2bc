"""What the README names is there, and nothing is missing: endpoints, modules, rooms, commands, packages."""

import json
import re
import shlex
import subprocess
import textwrap
import tomllib
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request

import click
import pytest

from tests.paths import ENDPOINTS, HANDBOOK, PAGES, README, ROOT
from tests.support.command import COMMAND, Environment, executed, output_of, run, served
from tests.world import RESOURCE, World
from web.commands import demo
from web.commands.main import main

TEXT = README.read_text()
CATALOGUE = ROOT / "web" / "importer" / "README.md"
ROOMS = ("ledger", "ledger/proof", "projections", "web", "web/dashboard")
OTHERS = [ENDPOINTS, CATALOGUE, HANDBOOK, *(ROOT / room / "README.md" for room in ROOMS)]
BENCHMARKS = ROOT / "tests/benchmarks/README.md"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
UUIDS = re.compile(r"\b[0-9a-f]{32}\b")
MODULE = re.compile(r"(?<![\w./-])(?:ledger|projections|tests|web)/[\w./-]*\w")
QUOTED = re.compile(rf"`({MODULE.pattern})`")
ROOM = re.compile(r"^([\w.]+/?) +\S", re.MULTILINE)


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def layout() -> list[str]:
    """The folders of the README's tree, and what is in the trees of their own pages, as paths."""
    tops = ROOM.findall(section("Layout").split("```")[1])
    pages = [(top, ROOT / top / "README.md") for top in tops]
    return tops + [
        top + each
        for top, page in pages
        if page.exists()
        for each in ROOM.findall(page.read_text().split("```")[1])
    ]


def test_the_table_of_endpoints_has_each_of_them_and_no_other(world: World) -> None:
    tables = ENDPOINTS.read_text() + PAGES.read_text()
    listed = re.findall(r"^\| ([A-Z]+) \| `(/[^`]*)` \| \S", tables, re.MULTILINE)
    assert sorted(listed) == sorted(
        (method, re.sub("<object_id:(.*?)>", r"{\1}", rule.rule))
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def test_the_requests_of_the_readme_report_and_read(world: World) -> None:
    report, read, *_ = (shlex.split(line) for line in TEXT.splitlines() if line.startswith("    curl "))
    body = json.loads(report[report.index("-d") + 1].replace(demo.RESOURCE.hex, RESOURCE))
    staff, url = world.as_("staff"), urlsplit(read[-1])
    assert staff.post(urlsplit(report[-1]).path, body).status_code == 201
    rows = staff.send("GET", url.path, query_string=url.query).get_json()
    assert [(row["type"], row["usage"]) for row in rows] == [("cpu", "12.50")]


def test_the_lines_about_a_catalogue_of_ones_own_lead_to_a_report_and_a_read(
    environment: Environment, tmp_path: Path
) -> None:
    part = CATALOGUE.read_text()
    catalogue, text = (textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n)+", part, re.MULTILINE))
    (tmp_path / "lab.yaml").write_text(catalogue)
    with served(environment, "--no-demo") as here:
        *lines, read = text.replace("http://127.0.0.1:8000", here.url).splitlines()
        done = subprocess.run(
            ["/bin/sh", "-ec", "\n".join([*lines, 'echo "$LEDGER_TOKEN"'])],
            env=environment | {"PATH": f"{COMMAND.parent}:{environment['PATH']}"},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        token = done.stdout.splitlines()[-1]
        (row,) = json.loads(executed(read.replace("$LEDGER_TOKEN", token)))
    assert [row[name] for name in ("resource_name", "type", "usage")] == ["sea-ice", "cpu", "12.50"]


def test_the_walk_of_two_people_prints_what_the_readme_shows(
    environment: Environment, tmp_path: Path
) -> None:
    shown = textwrap.dedent("\n".join(re.findall(r"^    .*$", section("Audit and correct"), re.MULTILINE)))
    commands = [part.splitlines() for part in shown.split("$ usage-ledger ")[1:]]
    assert [arguments.split()[0] for arguments, *_ in commands] == ["correction"] * 3 + [
        "history",
        "correction",
    ]
    may = tmp_path / "may.csv"
    may.write_text(f"resource,type,date,amount\n{demo.RESOURCE.hex},cpu,2026-05-31,230.00\n")
    in_readme: list[str] = []
    printed: list[str] = []
    with served(environment) as here:
        in_minutes = [{"type": "cpu", "amount": "13800.00"}]
        body = {"resource": demo.RESOURCE.hex, "date": "2026-05-31", "usages": in_minutes}
        headers = {"Authorization": f"Token {here.demo_token}", "Content-Type": "application/json"}
        url = f"{here.url}/api/marketplace-component-usages/set_usage/"
        report = Request(url, json.dumps(body).encode(), headers | {"User-Agent": "site-agent/1.0.7"})  # noqa: S310 (it is http)
        assert here.send(report)[0] == 201
        for arguments, *lines in commands:
            who = "demo-staff" if "approve" in arguments else "demo-provider"
            token = output_of(environment, "token", "create", who).split()[-1]
            uuid = UUIDS.findall(printed[0])[0] if printed else ""
            words = [str(may) if each == may.name else each for each in shlex.split(arguments)]
            if words[0] == "correction":
                words = [uuid if UUIDS.fullmatch(each) else each for each in words] + ["--url", here.url]
            else:
                words += ["--format", "table"]
            done = run(environment | {"LEDGER_TOKEN": token}, *words)
            assert done.returncode == 0, done.stderr
            if lines:
                in_readme += lines
                printed += [line.rstrip() for line in (done.stderr + done.stdout).splitlines()]
    told = [UUIDS.sub("-", MOMENT.sub("-", "\n".join(each))) for each in (printed, in_readme)]
    assert told[0] == told[1]


def test_the_lines_of_an_auditor_check_the_journal(environment: Environment, tmp_path: Path) -> None:
    lines = textwrap.dedent("\n".join(re.findall(r"^    .*$", section("Proof"), re.MULTILINE)))
    assert run(environment, "key", "create").returncode == 0
    with served(environment) as here:
        paths = {"PATH": f"{COMMAND.parent}:{environment['PATH']}", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            ["/bin/sh", "-ec", lines.replace("http://127.0.0.1:8000", here.url)],
            env=environment | paths | {"TOKEN": here.demo_token},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    size, *told = done.stdout.splitlines()
    assert len(lines.splitlines()) == 5
    assert int(size.split()[0]) > 10
    assert [f" {size.split(',')[0]}, root " in each for each in told] == [True, True]


def test_every_module_and_folder_that_is_named_is_there() -> None:
    named = {*MODULE.findall(TEXT), *layout()}
    for each in (*OTHERS, BENCHMARKS):
        named.update(found := MODULE.findall(each.read_text()))
        assert found
    assert len(named) > 80
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_module_that_is_named_in_code_is_there() -> None:
    modules = (
        path for top in ("ledger", "projections", "tests", "web") for path in (ROOT / top).rglob("*.py")
    )
    named = {each for path in modules for each in QUOTED.findall(path.read_text())}
    assert len(named) > 40
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_layout_has_every_room() -> None:
    rooms = {
        f"{package}/{each.parent.name}/"
        for package in ("ledger", "projections", "web")
        for each in (ROOT / package).glob("*/__init__.py")
    }
    assert rooms - set(layout()) == set()


def test_the_commands_of_the_handbook_are_those_of_the_program() -> None:
    handbook, readme = (
        set(re.findall(r"\busage-ledger ([a-z][a-z-]+)\b", text)) for text in (HANDBOOK.read_text(), TEXT)
    )
    assert handbook == set(main.list_commands(click.Context(main)))
    assert readme <= handbook


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z-]+)`", TEXT))))
def test_the_targets_of_the_readme_are_those_of_the_makefile(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_dependencies_of_the_readme_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [re.split(r"[^a-z-]", each)[0] for each in project["dependencies"]]
    assert sorted(re.findall(r"^\* ([a-z-]+):", section("Dependencies"), re.MULTILINE)) == sorted(needed)
