"""The files for operators are what their programs take, and their commands are there, with these options."""

import os
import re
import shlex
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
import pytest
import yaml

from tests.paths import HANDBOOK, ROOT
from tests.support.command import COMMAND, Environment, free_port, output_of
from tests.support.programs import certificate, program
from tests.support.served import served
from tests.support.waiting import wait_until
from tests.world import RESOURCE, USAGES, World
from web.commands.main import main
from web.runtime.config import Settings
from web.runtime.variables import VARIABLES

FOLDER = ROOT / "web/operate"
UNITS = sorted((FOLDER / "systemd").glob("*.*"))
CONTAINERFILE = (FOLDER / "container/Containerfile").read_text()
COMPOSE = yaml.safe_load((FOLDER / "container/compose.yaml").read_text())
NGINX = FOLDER / "nginx/usage-ledger.conf"


def commands() -> dict[str, list[str]]:
    """What is run by each file, as words after `usage-ledger`."""
    found = {
        f"{unit.name}: {line}": shlex.split(
            re.sub(r"[$]{2}[(].*?[)]", "DAY", line).partition("bin/usage-ledger ")[2].rstrip("'")
        )
        for unit in UNITS
        for line in unit.read_text().splitlines()
        if line.startswith("ExecStart=")
    }
    [words] = re.findall(r"^CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    found["Containerfile"] = yaml.safe_load(words)
    for name in ("Install", "Move in"):
        for line in section(name):
            for match in re.finditer(r"(?:^|/| ledger |-m )usage-ledger ((?:[a-z]).*)", line):
                found[line] = shlex.split(match[1])
    for line in section("Install"):
        if line.startswith("ledger "):
            found[line] = shlex.split(line)[1:]
        if " run --rm ledger " in line:
            found[line] = shlex.split(line.partition(" run --rm ledger ")[2])
    return found


def section(title: str) -> list[str]:
    text = HANDBOOK.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


@pytest.mark.parametrize("words", commands().values(), ids=commands())
def test_a_command_is_there_with_these_options(words: list[str]) -> None:
    context: click.Context = click.Context(main, info_name="usage-ledger")
    command: click.Command = main
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, list(words))  # type: ignore[assignment]
        assert command, name
        context = command.make_context(str(name), list(words), parent=context, resilient_parsing=False)
        words = [*context._protected_args, *context.args] if isinstance(command, click.Group) else []  # noqa: SLF001


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with the command that is installed here, by a path without spaces."""
    folder, command = tmp_path / "units", tmp_path / "usage-ledger"
    folder.mkdir()
    command.symlink_to(COMMAND)
    for unit in UNITS:
        text = unit.read_text().replace("/opt/ledger/bin/usage-ledger", str(command))
        (folder / unit.name).write_text(text)
    return folder


def test_systemd_takes_every_unit(units: Path) -> None:
    names = [each.name for each in units.iterdir()]
    assert len(names) == 7
    done = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", *names], cwd=units, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in names:
        if name.endswith(".timer"):
            assert name.replace(".timer", ".service") in names


def test_timers_fire_when_the_handbook_says() -> None:
    told = {}
    for unit in UNITS:
        for calendar in re.findall("^OnCalendar=(.*)", unit.read_text(), re.MULTILINE):
            words = [program("systemd-analyze"), "calendar", "--base-time=2026-11-20 12:00:00", calendar]
            shown = subprocess.run(
                words, capture_output=True, text=True, check=True, env={"TZ": "UTC"}
            ).stdout
            told[unit.stem] = re.findall(r"Next elapse: \w+ (.*) UTC", shown)
    assert told == {
        "usage-ledger-carry-over": ["2026-12-01 00:10:00"],
        "usage-ledger-verify": ["2026-11-21 02:30:00"],
        "usage-ledger-backup": ["2026-11-21 01:30:00"],
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root takes another account")
def test_commands_of_an_operator_run_with_the_settings_of_the_services(
    environment: Environment, tmp_path: Path
) -> None:
    lines = [line for line in section("Install") if line.startswith("ledger")]
    lines[0] = lines[0].replace("-u usage-ledger", "-u root").replace("/etc/usage-ledger", str(tmp_path))
    (tmp_path / "usage-ledger").symlink_to(COMMAND)  # COMMAND's path may have a space
    lines[0] = lines[0].replace("/opt/ledger/bin/usage-ledger", str(tmp_path / "usage-ledger"))
    settings = (FOLDER / "systemd/environment").read_text().splitlines()
    changed = {"LEDGER_DATABASE_URL": environment["LEDGER_DATABASE_URL"], "LEDGER_DATA_DIR": str(tmp_path)}
    for index, line in enumerate(settings):
        name = line.partition("=")[0]
        settings[index] = f"{name}='{changed[name]}'" if name in changed else line
    (tmp_path / "environment").write_text("\n".join(settings))
    done = subprocess.run(
        ["/bin/sh", "-ec", "\n".join(lines)],
        env={"PATH": "/usr/sbin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    _key, user, token = done.stdout.splitlines()
    assert output_of(environment, "user", "list") == f"{user}  staff    active    admin\n"
    assert len(token) == 64
    assert (tmp_path / "signing-key").exists()


def test_the_services_of_systemd_are_shut_in() -> None:
    """All of them alike: a line that one has and another lacks is one that was forgotten."""
    services = {unit.name: unit.read_text() for unit in UNITS if unit.suffix == ".service"}
    shut = {
        name: re.findall(r"^(?:\w*Protect\w*|Private\w+|Restrict\w+s?=|NoNew\w+|User|UMask).*", text, re.M)
        for name, text in services.items()
    }
    assert len({tuple(sorted(lines)) for lines in shut.values()}) == 1, shut


def test_settings_of_the_files_are_settings() -> None:
    given = dict(
        line.split("=", 1)
        for line in (FOLDER / "systemd/environment").read_text().splitlines()
        if not line.startswith("#")
    )
    Settings.from_environment(given)
    named = {*given, *COMPOSE["services"]["ledger"]["environment"]}
    named |= set(re.findall(r"\b(LEDGER_\w+)=", CONTAINERFILE))
    assert named <= {variable.name for variable in VARIABLES}


def test_the_day_of_a_backup_is_in_its_name(tmp_path: Path) -> None:
    """The shell's words, with systemd's own signs read as it does."""
    [line] = re.findall(
        "^ExecStart=/bin/sh -c '(.*)'$", (FOLDER / "systemd/usage-ledger-backup.service").read_text(), re.M
    )
    shell = line.replace("%%", "%").replace("$$", "$").replace("exec /opt/ledger/bin/usage-ledger", "echo")
    told = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"backup --replace /var/backups/ledger/ledger-\d{4}-\d\d-\d\d\.tar\n", told)


# --- containers ---------------------------------------------------------------------------------------------


def test_the_container_has_what_is_copied_into_it() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = [
        name
        for line in re.findall("^COPY (?!--from)(.*) ", CONTAINERFILE, re.MULTILINE)
        for name in line.split()
    ]
    assert sorted(f"!{name}" for name in copied) == sorted(each for each in ignored if each.startswith("!"))
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_container_is_an_ordinary_user_and_only_reads() -> None:
    ledger = COMPOSE["services"]["ledger"]
    assert (ledger["read_only"], ledger["cap_drop"]) == (True, ["ALL"])
    assert re.findall("^USER (.*)", CONTAINERFILE, re.MULTILINE) == ["10001"]
    assert ledger["build"]["dockerfile"] == "web/operate/container/Containerfile"
    assert (FOLDER / "container" / ledger["build"]["context"]).resolve() == ROOT


def test_the_health_check_of_the_container_tells_who_answers(world_url: str) -> None:
    [words] = re.findall(r"^    CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    program, *arguments = yaml.safe_load(words)
    assert program == "python"
    with served(world_url) as service:
        here, nobody = (
            [sys.executable, *(each.replace(":8000", f":{port}") for each in arguments)]
            for port in (service.port, free_port())
        )
        assert subprocess.run(here, capture_output=True).returncode == 0
        assert subprocess.run(nobody, capture_output=True).returncode == 1


def test_each_database_has_room_for_the_connections_of_four_workers() -> None:
    places = Settings.from_environment({}).places
    (told,) = re.findall(r"with 4 workers and the defaults, up to (\d+)", HANDBOOK.read_text())
    assert int(told) == 4 * (2 * (places + 2) + 4 + 1 + 2)
    texts = [" ".join(COMPOSE["services"]["database"]["command"]), *section("Install")]
    texts.append((FOLDER / "patroni/patroni.yml").read_text())
    allowed = [int(each) for text in texts for each in re.findall(r"max_connections ?[=:] ?(\d+)", text)]
    assert len(allowed) == 3
    assert min(allowed) > int(told)


# --- nginx --------------------------------------------------------------------------------------------------

AROUND = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/usage-ledger.conf;
}}
"""


@contextmanager
def behind_nginx(folder: Path, upstream: int) -> Iterator[tuple[int, int, ssl.SSLContext]]:
    """The ports of the example, plain and TLS, on this machine, and who trusts its certificate."""
    (made, key), plain, tls = certificate(folder), free_port(), free_port()
    text = NGINX.read_text()
    for there, here in {
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl;\n": "",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        "/etc/ssl/certs/ledger.example.org.pem": str(made),
        "/etc/ssl/private/ledger.example.org.key": str(key),
    }.items():
        assert there in text
        text = text.replace(there, here)
    (folder / "usage-ledger.conf").write_text(text)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    command = [program("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", "stderr"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr
    trusting = ssl.create_default_context(cafile=made)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: process.poll() is not None or answers(tls, trusting))
            assert process.poll() is None
            yield plain, tls, trusting
        finally:
            process.terminate()


def answers(port: int, trusting: ssl.SSLContext) -> bool:
    try:
        return httpx.get(f"https://127.0.0.1:{port}/healthz", verify=trusting).status_code == 200
    except httpx.TransportError:
        return False


def test_the_example_of_nginx_serves_by_tls(world: World, world_url: str, tmp_path: Path) -> None:
    program("nginx")
    headers = {"Authorization": world.as_("staff").authorization}
    with (
        served(world_url, LEDGER_PROXIES="1", LEDGER_METRICS="open") as service,
        behind_nginx(tmp_path, service.port) as ports,
    ):
        plain, tls, trusting = ports
        with httpx.Client(base_url=f"https://127.0.0.1:{tls}", verify=trusting, headers=headers) as client:
            body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": "12.50"}]}
            assert client.post(f"{USAGES}set_usage/", json=body).status_code == 201
            page = client.get(USAGES)
            assert [row["usage"] for row in page.json()] == ["12.50"]
            assert page.links["first"]["url"].startswith(f"https://127.0.0.1:{tls}/api/")
            assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
            hidden = client.get("/metrics")
            assert hidden.status_code == 404
            assert hidden.headers["Strict-Transport-Security"] == "max-age=31536000"
            most = Settings.from_environment({}).max_body_bytes
            bodies = b" " * most, b" " * (most + 1)
            kind = {"Content-Type": "application/json"}
            told = [
                client.post(f"{USAGES}set_usage/", content=each, headers=kind).status_code for each in bodies
            ]
            assert told == [400, 413]
            assert client.get("/api/ledger/events/?limit=1").status_code == 200
        moved = httpx.get(f"http://127.0.0.1:{plain}/dashboard/?a=b")
        assert (moved.status_code, moved.headers["Location"]) == (308, "https://127.0.0.1/dashboard/?a=b")
