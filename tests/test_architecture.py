"""The arrows of the architecture, read from the imports of the code itself."""

import ast
from pathlib import Path

import pytest

from tests.paths import ROOT

MAY_IMPORT = {
    # The write side. Its words know nobody, decisions know its words, and the handler all of it.
    "ledger.errors": set(),
    "ledger.domain": {"ledger.errors"},
    "ledger.events": {"ledger.domain"},
    "ledger.decisions": {"ledger.domain", "ledger.errors", "ledger.events", "ledger.proof"},
    "ledger.fast": set(),
    "ledger.proof": set(),  # an auditor runs it alone
    "ledger.journal": {"ledger.domain", "ledger.errors", "ledger.events", "ledger.fast", "ledger.proof"},
    "ledger.ports": {"ledger.decisions", "ledger.domain", "ledger.events"},
    "ledger.handler": {
        *("ledger.decisions", "ledger.domain", "ledger.errors", "ledger.events"),
        *("ledger.fast", "ledger.journal", "ledger.ports"),
    },
    # The read side knows the write side's words, its facts and values, and nothing that acts.
    "projections.rows": {"ledger.domain"},
    "projections.fast": {"ledger.journal.digests"},
    "projections.writers": {
        *("ledger.domain", "ledger.events"),
        *("projections.fast", "projections.forgotten_names", "projections.rows"),
    },
    "projections.history": {
        *("ledger.events", "ledger.journal.digests", "ledger.journal.scripts", "projections.fast"),
        *("projections.rows", "projections.writers"),
    },
    "projections.queries": {
        *("ledger.domain", "projections.fast", "projections.history", "projections.read_position"),
    },
    "projections.read_models": {"ledger.events", "projections.history", "projections.writers"},
    "projections.read_position": {"ledger.journal.digests", "projections.fast"},
    "projections.projector": {
        *("ledger.events", "projections.fast", "projections.history"),
        *("projections.read_models", "projections.read_position", "projections.schema"),
    },
    "projections.lookups": {
        *("ledger.decisions", "ledger.domain", "ledger.journal.digests"),
        *("projections.fast", "projections.projector", "projections.read_position", "projections.rows"),
    },
    "projections.schema": {"ledger.journal.scripts", "projections.history", "projections.read_position"},
    "projections.forgotten_names": set(),
    "projections.comparison": {"projections.forgotten_names"},
    "projections.replay": {
        "ledger.journal.scripts",
        *("projections.fast", "projections.projector", "projections.read_models"),
        *("projections.read_position", "projections.schema", "projections.writers"),
    },
    "projections.verification": {
        *("ledger.domain", "ledger.errors", "ledger.events", "ledger.journal.tree", "ledger.proof"),
        *("projections.forgotten_names", "projections.history"),
        *("projections.projector", "projections.read_position", "projections.replay", "projections.schema"),
    },
    "projections.exports": {"projections.forgotten_names", "projections.history", "projections.schema"},
    "projections.rebuild": {
        "ledger.journal.scripts",
        *("projections.comparison", "projections.fast", "projections.forgotten_names"),
        *("projections.projector", "projections.read_position", "projections.replay", "projections.schema"),
    },
    # HTTP and commands. They ask read models by queries and lookups, and know nothing of their writers.
    "web.fast": set(),
    "web.wire": {
        *("ledger.decisions", "ledger.domain", "ledger.errors"),
        *("projections.projector", "projections.queries", "web.fast"),
    },
    "web.edge": {"web.wire"},
    "web.limits": {"ledger.errors", "web.wire"},
    "web.request": {
        *("ledger", "projections.fast", "projections.lookups", "projections.projector"),
        *("projections.history", "projections.queries", "projections.rows", "projections.schema"),
        *("web.limits", "web.wire"),
    },
    "web.exports": {
        *("projections.fast", "projections.history", "projections.queries"),
        *("web.limits", "web.request", "web.wire"),
    },
    "web.api": {
        "web.exports",
        *("ledger", "projections.fast", "projections.history", "projections.lookups"),
        *(
            "projections.projector",
            "projections.queries",
            "web.fast",
            "web.limits",
            "web.request",
            "web.wire",
        ),
    },
    "web.dashboard": {
        *("ledger.domain", "ledger.journal.scripts", "projections.lookups"),
        *("web.limits", "web.request", "web.sender.lines", "web.sender.tables", "web.wire"),
    },
    "web.docs": {"ledger", "projections.projector", "web.request", "web.wire"},
    "web": {
        "ledger",
        "projections.projector",
        "web.api",
        "web.dashboard",
        "web.docs",
        "web.edge",
        "web.exports",
        "web.limits",
        "web.request",
        "web.wire",
    },
    "web.telemetry": {
        *("ledger", "projections.fast", "projections.queries.operation", "web.limits", "web.request"),
    },
    "web.backup": {
        *("ledger.errors", "ledger.journal", "ledger.proof"),
        *("web.request", "web.runtime"),
    },
    "web.runtime": {
        *("web.backup.records", "web.telemetry"),
        *("ledger", "projections.fast", "projections.projector", "projections.read_position"),
        *("projections.rebuild", "projections.schema", "web", "web.dashboard.sessions", "web.edge"),
        *("web.limits", "web.request"),
    },
    "web.sender": {"ledger", "web.wire"},
    "web.importer": {
        *("ledger", "projections.lookups", "projections.rows"),
        *("web.request", "web.sender.client", "web.wire"),
    },
    "web.commands": {
        *("ledger", "projections.exports", "projections.fast", "projections.forgotten_names"),
        *("projections.lookups", "projections.projector", "projections.rebuild", "projections.replay"),
        *("projections.schema", "projections.verification"),
        *("web", "web.backup", "web.exports", "web.importer", "web.limits", "web.request"),
        *("web.runtime", "web.sender", "web.telemetry", "web.wire"),
    },
}
"""Which rooms each room may import, besides itself. Those after others may be read after them."""

ONLY_IN_WEB = {"flask", "marshmallow", "werkzeug", "click", "granian", "httpx", "orjson"}

MOST_MODULES = 10

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


def name_of(module: Path) -> str:
    return ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(name: str) -> str:
    """The room that a module, or something in a module, is in."""
    parts = name.split(".")
    return next(
        (".".join(parts[:length]) for length in (2, 1) if ".".join(parts[:length]) in MAY_IMPORT), name
    )


@pytest.mark.parametrize("module", modules("ledger", "projections", "web"), ids=name_of)
def test_arrows_between_rooms_point_one_way(module: Path) -> None:
    name = name_of(module)
    if name in ("ledger", "projections"):
        return
    room = room_of(name)
    ours = {each for each in imports(module) if each.split(".")[0] in ("ledger", "projections", "web")}
    allowed = MAY_IMPORT[room] | {room}
    wrong = {
        other
        for each in ours - {"ledger", "projections", "web"}
        if (other := room_of(each)) not in allowed
        and not any(f"{each}.".startswith(f"{may}.") for may in allowed - {"web"})
    }
    assert wrong == set(), f"{name} must not import these"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_are_small(room: str) -> None:
    folder = ROOT / room.replace(".", "/")
    assert len([each for each in folder.glob("*.py") if each.stem != "__init__"]) <= MOST_MODULES


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
    assert readers == {"web/runtime/config.py"}


def attributes(module: Path) -> set[str]:
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


NO_VERBS = {
    *("A", "All", "An", "Any", "As", "At", "Each", "How", "If", "In", "It", "Its", "No", "None", "Of"),
    *("Once", "One", "Only", "That", "The", "This", "Those", "Up", "What", "When", "Where", "Whether"),
    *("Who", "Whoever"),
}


@pytest.mark.parametrize("module", modules("ledger", "projections", "web"), ids=name_of)
def test_docstrings_of_functions_begin_with_a_verb(module: Path) -> None:
    functions = (
        node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.FunctionDef)
    )
    first = {
        node.name: text.split(maxsplit=1)[0].rstrip(":,.")
        for node in functions
        if (text := ast.get_docstring(node)) and node.name != "main"  # it is the help of the command
    }
    assert {name: word for name, word in first.items() if word in NO_VERBS or word.endswith("s")} == {}
