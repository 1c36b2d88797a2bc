"""Ledgers that are backed up, and databases that they are restored into."""

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import database, name_of
from tests.support.command import COMMAND, Environment, output_of
from tests.world import open_world
from web.backup.manifest import Manifest

FACTS = "SELECT notification_id, topic, originator_id, originator_version, state FROM journal.ledger_events"


class Model(NamedTuple):
    """A ledger with a catalogue, some reports and a signing key, made once: its database, key and backup."""

    template: str
    key: Path
    backup: Path


@pytest.fixture(scope="session")
def model(server: str, world_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    folder = tmp_path_factory.mktemp("house")
    key, backup = folder / "house.key", folder / "ledger.tar"
    with database(server, world_template) as url:
        with open_world(url) as world:
            for amount in range(1, 9):
                assert world.report(usages=[{"type": "cpu", "amount": amount}]).status_code == 201
        environment = {"LEDGER_DATABASE_URL": url, "LEDGER_SIGNING_KEY": str(key), "HOME": str(folder)}
        output_of(environment, "key", "create")
        output_of(environment, "backup", backup)
        yield Model(name_of(url), key, backup)


@pytest.fixture
def house(server: str, model: Model, tmp_path: Path) -> Iterator[Environment]:
    """The environment of a copy of that ledger."""
    for each in (model.key, checkpoint_beside(model.key)):
        shutil.copy(each, tmp_path)
    with database(server, model.template) as url:
        key = str(tmp_path / model.key.name)
        yield {"LEDGER_DATABASE_URL": url, "LEDGER_SIGNING_KEY": key} | elsewhere(tmp_path)


@pytest.fixture
def file(model: Model, tmp_path: Path) -> Path:
    """A copy of its backup."""
    return Path(shutil.copy(model.backup, tmp_path / "ledger.tar"))


def checkpoint_beside(key: Path | str) -> Path:
    return Path(f"{key}.checkpoint")


def elsewhere(folder: Path) -> Environment:
    """The environment of a shell in which no ledger is named."""
    return {"HOME": str(folder), "PATH": "/usr/bin:/bin"}


def report(environment: Environment, amount: int) -> None:
    """Appends a report."""
    with open_world(environment["LEDGER_DATABASE_URL"]) as world:
        assert world.report(usages=[{"type": "cpu", "amount": amount}]).status_code == 201


@pytest.fixture
def empty(server: str, tmp_path: Path) -> Iterator[Environment]:
    """The environment of a database with nothing in it."""
    with database(server) as url:
        yield {"LEDGER_DATABASE_URL": url} | elsewhere(tmp_path)


def rows(environment: Environment, statement: str) -> list[dict[str, Any]]:
    with psycopg.connect(environment["LEDGER_DATABASE_URL"], row_factory=dict_row) as connection:
        return connection.execute(statement.encode()).fetchall()


def facts(environment: Environment, to: int = 1 << 60) -> list[dict[str, Any]]:
    return rows(environment, f"{FACTS} WHERE notification_id <= {to} ORDER BY 1")


def schemas(environment: Environment) -> set[str]:
    found = rows(environment, r"SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information)'")
    return {row["nspname"] for row in found}


def members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {each.name: found.read() for each in tar if (found := tar.extractfile(each))}


def manifest_of(file: Path) -> Manifest:
    return msgspec.json.decode(members(file)["manifest.json"], type=Manifest)


@contextmanager
def started(environment: Environment, *words: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs beside us, and has ended when the block has."""
    with subprocess.Popen(
        [COMMAND, *words], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def child_of(process: "subprocess.Popen[str]", name: str) -> int:
    """The number of the process of a program that another one has started, once it has.

    One that was only asked for its version is no such, nor is what is left of it when it has ended.
    """
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                number, _, rest = each.read_text().partition(" (")
                if not rest.startswith(f"{name})"):
                    continue
                words = command_line(int(number)).split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            is_child = int(rest.rpartition(") ")[2].split()[1]) == process.pid
            if is_child and words and "--version" not in words:
                return int(number)
        time.sleep(0.02)
    raise AssertionError(f"{name} was not started")


def command_line(number: int) -> str:
    return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def is_gone(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False
