"""An auditor runs the proof with Python and `cryptography` alone, and reads all of it in an evening."""

import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.test_architecture import imports, modules, name_of

NOTES = ROOT / "ledger/proof/notes.py"


@pytest.mark.parametrize("module", modules("ledger/proof"), ids=name_of)
def test_the_proof_imports_nothing_else(module: Path) -> None:
    others = {name for name in imports(module) if not f"{name}.".startswith("ledger.proof.")}
    packages = {name.split(".")[0] for name in others} - sys.stdlib_module_names
    assert packages == ({"cryptography"} if module == NOTES else set())


def test_importing_it_imports_nothing_of_the_project() -> None:
    assert imports(ROOT / "ledger/__init__.py") == set()


def test_it_is_no_longer_than_an_evening() -> None:
    assert sum(len(module.read_text().splitlines()) for module in modules("ledger/proof")) < 2_000
