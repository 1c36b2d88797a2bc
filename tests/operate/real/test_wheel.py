"""The wheel, installed where nothing else of the project is, and run by who may write nowhere but at home."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import pytest

from tests.paths import HANDBOOK, ROOT
from tests.support.command import free_port
from tests.support.waiting import wait_until

NOBODY = 65534
RESOURCE = "00000000000040008000000000000701"
SECONDS = 120


INSTALL = [
    line.strip()
    for line in HANDBOOK.read_text().partition("\n## Install\n")[2].partition("\n**systemd**")[0].splitlines()
    if line.startswith("    ")
]
"""The handbook's commands, without those that change the machine itself."""

assert all("/opt/ledger" in line or "pip wheel" in line for line in INSTALL)


@pytest.fixture(scope="module")
def source() -> Iterator[Path]:
    """The files that are in version control, as somebody has them who has cloned them."""
    folder = Path(mkdtemp(prefix="usage-ledger-source-"))
    try:
        for name in tracked():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        yield folder
    finally:
        shutil.rmtree(folder)


def pasted(line: str, source: Path, venv: Path | str = "", python: str = "python3") -> None:
    """Run a line of the handbook, with the Python of these tests and another venv than the one below /opt."""
    meant = {".venv/bin/python": sys.executable, "python3": python, "/opt/ledger": str(venv)}
    words = re.sub("|".join(map(re.escape, meant)), lambda found: shlex.quote(meant[found[0]]), line)
    done = subprocess.run(["/bin/sh", "-ec", words], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    pasted(INSTALL[0], source)
    [made] = (source / "dist").iterdir()
    return made


def tracked() -> list[str]:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).exists()]


def test_the_wheel_has_every_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert inside == {name for name in tracked() if name.startswith(("ledger/", "projections/", "web/"))}


@pytest.fixture(scope="module")
def home(wheel: Path, source: Path) -> Iterator[Path]:
    """The home of an ordinary user, with a venv in it that has the wheel and what is locked."""
    folder, python = Path(mkdtemp(prefix="usage-ledger-home-")), python_of_everybody()
    try:
        for line in INSTALL[1:]:
            pasted(line, source, folder / "venv", python)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder)


def python_of_everybody() -> str:
    """A Python that an ordinary user can run: one that is made for root alone is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        script = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
        with suppress(OSError):
            if subprocess.run([python, "-c", script], **as_nobody(Path("/"))).returncode == 0:
                return python
    pytest.skip("there is no Python 3.11 with venv that other users than root can run")


def command(home: Path, *arguments: str) -> list[str]:
    return [str(home / "venv/bin/usage-ledger"), *arguments]


def run(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        command(home, *arguments), capture_output=True, text=True, timeout=SECONDS, **as_nobody(home)
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def as_nobody(home: Path) -> dict[str, Any]:
    """Return how processes are started: at home, with nothing in the environment, by no root."""
    user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return {"cwd": home, "env": {"HOME": str(home), "PATH": "/usr/bin:/bin"}, **user}


def test_it_serves_reports_and_shows_pages_where_nothing_else_is(home: Path) -> None:
    port, words = free_port(), home / "words"
    with words.open("wb") as output:
        process = subprocess.Popen(
            command(home, "serve", "--bind", f"127.0.0.1:{port}"),
            stdout=output,
            stderr=subprocess.STDOUT,
            **as_nobody(home),
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: process.poll() is not None or "token, valid" in words.read_text(), SECONDS)
        assert process.poll() is None, words.read_text()
        found = re.search(r": ([0-9a-f]{64})$", words.read_text(), re.MULTILINE)
        assert found
        with httpx.Client(base_url=url, headers={"Authorization": f"Token {found[1]}"}) as client:
            body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": "12.50"}]}
            sent = client.post("/api/marketplace-component-usages/set_usage/", json=body)
            assert sent.status_code == 201, sent.text
            [row] = client.get("/api/marketplace-component-usages/?type=cpu&page_size=1").json()
            assert row["usage"] == "12.50"
            for path in ("/api/docs/", "/api/schema/", "/readyz", "/api/version/"):
                assert client.get(path).status_code == 200, path
        signed_in(url, found[1])
        run(home, "verify")
        run(home, "export", "marketplace-component-usages", "usages.parquet")
        assert (home / "usages.parquet").read_bytes()[:4] == b"PAR1"
        assert "UsageReported" in run(home, "facts")
    finally:
        process.terminate()
        process.wait(60)


def test_what_needs_an_extra_says_so(home: Path) -> None:
    words = command(home, "import", "--from-waldur", "http://127.0.0.1:1")
    start = as_nobody(home)
    start["env"]["LEDGER_WALDUR_TOKEN"] = "0" * 40
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, **start)
    told = "--from-waldur needs Waldur's client: pip install 'usage-ledger[waldur]' brings it"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {told}\n")


def signed_in(url: str, token: str) -> None:
    """Look at the dashboard as a browser does: its pages, styles and scripts."""
    with httpx.Client(base_url=url, follow_redirects=True) as browser:
        assert "token" in browser.get("/dashboard/").text
        inside = browser.post("/dashboard/sign-in/", data={"token": token}, headers={"Origin": url})
        assert inside.status_code == 200
        assert "<table" in inside.text
        parts = re.findall(r'(?:href|src)="([^"]+\.(?:css|js|svg)[^"]*)"', inside.text)
        assert parts
        for part in parts:
            assert browser.get(str(inside.url.join(part))).status_code == 200, part
