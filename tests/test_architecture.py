"""The arrows of the architecture, read from the imports of the code itself."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "ledger": {"ledger"},
    # The read side knows the write side's words, its facts and values, and nothing that acts.
    "projections": {
        "projections",
        "ledger.catalogue",
        "ledger.digests",
        "ledger.errors",
        "ledger.events",
        "ledger.imports",
        "ledger.known",
        "ledger.months",
        "ledger.reports",
    },
    "web": {"web", "ledger", "projections"},
}

ONLY_IN_WEB = {"flask", "marshmallow", "werkzeug", "click", "granian", "httpx", "orjson"}

CLOCK_AND_CHANCE = {"now", "utcnow", "today", "uuid1", "uuid4", "token_bytes", "token_hex", "urandom"}


def modules(*packages: str) -> list[Path]:
    return [module for package in packages for module in sorted((ROOT / package).glob("**/*.py"))]


def imports(module: Path) -> set[str]:
    """Names of all modules that a module imports; of `from a import b` both a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert node.level == 0, f"{module.name}: relative imports hide where an arrow leads"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_arrows_point_one_way(package: str) -> None:
    for module in modules(package):
        ours = {name for name in imports(module) if name.split(".")[0] in MAY_IMPORT}
        allowed = MAY_IMPORT[package]
        wrong = {
            name
            for name in ours - {"ledger"}
            if not any(name == each or name.startswith(f"{each}.") for each in allowed)
        }
        assert wrong == set(), f"{module.relative_to(ROOT)} must not import these"


@pytest.mark.parametrize("module", modules("ledger", "projections"), ids=lambda path: path.stem)
def test_nothing_below_the_web_knows_of_http(module: Path) -> None:
    assert {name.split(".")[0] for name in imports(module)} & ONLY_IN_WEB == set()


@pytest.mark.parametrize("module", modules("ledger", "projections"), ids=lambda path: path.stem)
def test_time_and_chance_are_arguments_below_the_web(module: Path) -> None:
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call)
    }
    assert calls & CLOCK_AND_CHANCE == set()


def test_only_the_configuration_reads_the_environment() -> None:
    readers = {
        module.relative_to(ROOT).as_posix()
        for module in modules("ledger", "projections", "web")
        if {"os.environ", "os.getenv"} & attributes(module)
    }
    assert readers == {"web/config.py"}


def attributes(module: Path) -> set[str]:
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
