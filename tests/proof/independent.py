"""Go's packages for transparency logs, an independent implementation, check what a ledger publishes."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.proof.bundling import SIGNER
from tests.support.programs import program

PACKAGES = Path("/usr/share/gocode")  # where Debian puts sources of Go
NOTE = PACKAGES / "src/golang.org/x/mod/sumdb/note"


@pytest.fixture(scope="session")
def check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile them. They are skipped where Go is not installed."""
    go = program("go")
    if not NOTE.exists():
        pytest.skip("golang.org/x/mod is not installed: `make programs` does it")
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **{"GO111MODULE": "off", "GOPATH": str(PACKAGES), "GOFLAGS": "", "CGO_ENABLED": "0"},
        **{"GOCACHE": str(folder / "cache"), "GOTMPDIR": str(folder), "GOTOOLCHAIN": "local"},
    }
    source = ROOT / "tests/proof/go/check.go"
    command = [go, "build", "-o", str(folder / "check"), str(source)]
    subprocess.run(command, check=True, env=environment, timeout=600)
    return folder / "check"


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Unpack files into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def told(check: Path, folder: Path, key: str = SIGNER.verifier_key) -> tuple[int, str]:
    """Return the exit code of the checks of a folder, and what they print."""
    done = subprocess.run([check, folder, key], check=False, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout
