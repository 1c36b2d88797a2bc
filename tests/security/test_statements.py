"""SQL has its values as parameters, and nothing runs through a shell: read from the code itself.

A text is taken for a constant if it is one, or is put together of constants, whose names are in capitals, and
by `psycopg.sql`. Whatever else a statement is made of is listed here, with why no request has a say in it.
"""

import ast
from collections.abc import Iterator

from tests.paths import ROOT
from tests.test_architecture import modules

RUN = {"execute", "executemany", "stream", "copy"}
"""Methods that take a statement first."""

COMPOSED = {"SQL", "Identifier", "Literal", "Placeholder", "Composed"}

HANDLERS = {
    *("web/commands/accounts.py", "web/commands/audit/forget.py", "web/commands/audit/keys.py"),
    *("web/commands/audit/verify.py", "web/commands/carry_over.py", "web/commands/tokens.py"),
    *("web/importer/importer.py", "web/request/billing/months.py", "web/request/describing.py"),
    *("web/request/billing/corrections.py", "web/request/billing/manifests.py"),
}
"""Where `execute` is a command handler's, which takes a function."""


def is_constant(text: ast.expr) -> bool:
    """Return whether an expression is put together of constants, or by psycopg.sql."""
    match text:
        case ast.Constant():
            return True
        case ast.Name():
            return text.id.lstrip("_").isupper()
        case ast.Attribute():
            return text.attr.isupper()
        case ast.Subscript():
            return is_constant(text.value)
        case ast.BinOp(op=ast.Add()):
            return is_constant(text.left) and is_constant(text.right)
        case ast.IfExp():
            return is_constant(text.body) and is_constant(text.orelse)
        case ast.JoinedStr():
            return all(is_constant(each) for each in text.values)
        case ast.FormattedValue():
            return is_constant(text.value)
        case ast.Call(func=ast.Name(id=name)):
            return name in COMPOSED and all(is_constant(each) for each in text.args if name == "SQL")
        case ast.Call(func=ast.Attribute(attr="format" | "join" | "as_string" | "encode", value=of)):
            return is_constant(of)
    return False


def made_otherwise() -> Iterator[tuple[str, str]]:
    """Yield the module and the text of each statement that is made of something else."""
    for module in modules("ledger", "projections", "web"):
        for call in ast.walk(ast.parse(module.read_text())):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            is_run = isinstance(call.func, ast.Attribute) and call.func.attr in RUN
            is_sql = isinstance(call.func, ast.Name) and call.func.id == "SQL"
            if (is_run or is_sql) and not is_constant(call.args[0]):
                yield module.relative_to(ROOT).as_posix(), ast.unparse(call.args[0])


BEFORE = "it was put together before, of what is checked here too"
OF_CONSTANTS = "one of several constants"
OF_OURS = "names of our own columns and tables, and numbers, from constants"

NO_REQUEST_HAS_A_SAY: dict[str, tuple[str, set[str]]] = {
    "ledger/fast/prepared_batch.py": ("values are escaped by libpq", {"script.encode()"}),
    "ledger/journal/scripts.py": (OF_CONSTANTS, {"statement.encode()"}),
    "ledger/journal/transaction.py": (OF_CONSTANTS, {"statement"}),
    "projections/exports.py": (BEFORE, {"statement"}),
    "projections/fast/scopes.py": (OF_OURS, {"EVERYTHING.hex"}),
    "projections/forgotten_names.py": (BEFORE, {"union"}),
    "projections/history/spans.py": (
        OF_OURS,
        {"_count(SQL('0'), PASSED.format(span=span))", "each", "str(SPAN)"},
    ),
    "projections/lookups/decision_state.py": (OF_CONSTANTS, {"part"}),
    "projections/lookups/import_targets.py": (BEFORE, {"statement"}),
    "projections/queries/audit/changes.py": (OF_OURS, {"f'u.{name}'"}),
    "projections/queries/audit/revisions.py": (BEFORE, {"text"}),
    "projections/queries/billing/completeness.py": (OF_CONSTANTS, {"SEEN.replace('{silent}', silent)"}),
    "projections/queries/billing/corrections.py": (OF_OURS, {"f'k.{step}_at'", "rows"}),
    "projections/queries/component_usages.py": (BEFORE, {"statement"}),
    "projections/queries/figures/diff_totals.py": (OF_OURS, {"f't.{name}'"}),
    "projections/queries/figures/freshness.py": (OF_CONSTANTS, {"OFFERINGS.replace('{silent}', silent)"}),
    "projections/queries/figures/monthly_usages.py": (OF_CONSTANTS, {"grouping.name", "sums"}),
    "projections/queries/figures/movers.py": (OF_OURS, {"f'u.{name}'"}),
    "projections/queries/figures/scopes.py": (
        OF_CONSTANTS,
        {"f'WITH seen AS MATERIALIZED ({seen})'", "rows"},
    ),
    "projections/queries/figures/silence.py": (
        OF_CONSTANTS,
        {"ROWS.replace('{silent}', silent)", "f'SELECT count(*) AS total {silent}'"},
    ),
    "projections/queries/json_columns.py": (OF_OURS, {"column.kind.text"}),
    "projections/queries/list_query.py": (BEFORE, {"statement"}),
    "projections/queries/statistics/missing_usage.py": (OF_OURS, {"ROWS.replace('{few}', str(few))"}),
    "projections/queries/user_usage_limits.py": (BEFORE, {"statement"}),
    "projections/queries/user_usages.py": (OF_OURS, {"f'u.{name}'"}),
    "projections/verification/rows.py": (
        OF_OURS,
        {
            "_statement(table, live, replayed)",
            "f\"({{}}, {value.format('l')}, {value.format('r')}, l.{{c}} IS DISTINCT FROM r.{{c}})\"",
        },
    ),
    "projections/verification/verification.py": (OF_CONSTANTS, {"select.encode()", "setting"}),
    "projections/writers/catalogue.py": (OF_CONSTANTS, {"statement"}),
    "projections/writers/counters.py": (
        OF_CONSTANTS,
        {"_kept(change, moves)", "_with_counters(change, moves)", "change", "statement"},
    ),
    "projections/writers/provided.py": (OF_CONSTANTS, {"UUID(int=0).hex", "statement"}),
    "web/backup/dump.py": (OF_CONSTANTS, {"setting"}),
    "web/backup/script.py": ("what a backup says, which its operator restores", {"statement", "statements"}),
    "web/commands/audit/bundle.py": (OF_CONSTANTS, {"setting"}),
}
"""Texts by module, and why no request has a say in them."""


def test_statements_are_constants_or_composed() -> None:
    found: dict[str, set[str]] = {}
    for module, text in made_otherwise():
        if module not in HANDLERS:
            found.setdefault(module, set()).add(text)
    assert found == {module: texts for module, (_, texts) in NO_REQUEST_HAS_A_SAY.items()}


def test_nothing_runs_through_a_shell() -> None:
    for module in modules("ledger", "projections", "web"):
        for call in ast.walk(ast.parse(module.read_text())):
            if isinstance(call, ast.Call):
                name = ast.unparse(call.func)
                assert name not in ("os.system", "os.popen", "eval", "exec", "pickle.loads"), module
                assert not any(each.arg == "shell" for each in call.keywords), module
