"""The recipes of `web/exports/README.md`, run as they stand there."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.support.served import served
from tests.world import World

README = (ROOT / "web" / "exports" / "README.md").read_text()
PYTHON = ROOT / ".venv-recipes" / "bin" / "python"
[FETCH] = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
RECIPES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(name="reported")
def world_with_usages(world: World) -> World:
    for day, amount in (("2026-10-05", "12.25"), ("2026-11-05", "0.50")):
        assert world.report(date=day, usages=[{"type": "cpu", "amount": amount}]).status_code == 201
    return world


def test_pandas_and_duckdb_read_what_the_ledger_says(reported: World, tmp_path: Path) -> None:
    with served(reported.conninfo) as service:
        environment = os.environ | {
            "LEDGER": f"http://127.0.0.1:{service.port}",
            "LEDGER_API_TOKEN": reported.as_("staff").authorization.split()[1],
        }
        subprocess.run(["sh", "-ec", FETCH], cwd=tmp_path, env=environment, check=True)  # noqa: S607
        told = [
            subprocess.run(
                [PYTHON, "-c", recipe],
                cwd=tmp_path,
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for recipe in RECIPES
        ]
    by_duckdb, by_pandas = told
    assert re.search(r"Project +│ cpu +│ +0\.50", by_duckdb)
    assert "decimal(38,2)" in by_duckdb
    assert re.search(r"2026-10-01 +12\.25", by_pandas)
    assert re.search(r"2026-11-01 +0\.5", by_pandas)
