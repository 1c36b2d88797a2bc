"""The demo's service as it is served, and who asks it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import database
from tests.docs.demo import ORIGIN, PARAMETERS, demo_service
from tests.docs.examples import Recorder, prepare
from tests.paths import ROOT
from tests.support.served import Served, served
from web.commands import tokens
from web.docs.examples import EXAMPLES
from web.docs.routes import Route, routes

SEED = os.environ.get("SEED") or "15"
CONFIG = ROOT / "tests/docs/real/schemathesis.toml"
PEOPLE = ("demo-staff", "demo-provider", "demo-reader")


class Fuzzed(NamedTuple):
    """The demo's service, what there is in it, and who asks."""

    service: Served
    routes: list[Route]
    known: dict[str, Any]
    tokens: dict[str, str]

    def ask(self, folder: Path, who: str | None, *options: str) -> dict[str, dict[str, int]]:
        """Let schemathesis ask as somebody, or as nobody. Return the numbers of answers by status."""
        (folder / "known.json").write_text(json.dumps(self.known))
        token = ["--header", f"Authorization: Token {self.tokens[who]}"] if who else []
        program = Path(sys.executable).with_name("schemathesis")
        command = [
            *(f"{program}", "--config-file", f"{CONFIG}", "--no-color", "run"),
            *(f"http://127.0.0.1:{self.service.port}/api/schema/", "--seed", SEED, *token, *options),
        ]
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"SEED": SEED, "FUZZ": str(folder), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"SEED={SEED}\n{done.stdout[-20_000:]}\n{done.stderr[-2_000:]}"
        answers: dict[str, dict[str, int]] = json.loads((folder / "answers.json").read_text())
        return answers


def known_of(route: Route, recorder: Recorder) -> dict[str, Any]:
    """Return what a route may be asked with such that there is something to answer."""
    recorded = EXAMPLES["operations"].get(f"{route.method} {route.path}", {})
    return {
        "parameters": PARAMETERS | recorder.own_parameters(route),
        "request": recorded.get("request"),
    }


@pytest.fixture(scope="session")
def fuzzed(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """The service, with the demo's year and something of everything, in processes of its own."""
    print(f"SEED={SEED}")  # noqa: T201
    folder = tmp_path_factory.mktemp("demo")
    with database(server) as url:
        with demo_service(url, folder) as here:
            prepare(here)
            recorder = Recorder(here)
            recorder.write()
            found = list(routes(here.app))
            known = {f"{each.method} {each.path}": known_of(each, recorder) for each in found}
            people = {name: tokens.user_named(here.services, name) for name in PEOPLE}
            made = {name: tokens.create(here.services, user, days=None) for name, user in people.items()}
        key = str(folder / "signing-key")
        with served(url, LEDGER_SIGNING_KEY=key, LEDGER_ORIGIN=ORIGIN) as service:
            yield Fuzzed(service, found, known, made)
