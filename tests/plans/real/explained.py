"""What is wrong with the plans of a ledger's statements: with those that the service itself has made.

Each statement is explained before it is carried out, with the plan for any values. Where it would read all of
a usage table, or sort too much by its estimates, it is not carried out, as that would take long. All others
say what they met (`auto_explain`): estimates are of the average, and some projects are larger.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson
from psycopg import Cursor
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import Diagnostic
from psycopg.rows import DictRow, dict_row

from ledger.journal.ledger import Ledger

Node = dict[str, Any]

OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "session_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_level=notice",
        "auto_explain.log_format=json",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",  # of each node: rows are wanted
    )
)
"""Have what was carried out told to the connection that asked for it."""

USAGE_TABLES = {
    *("component_usage", "component_usage_past", "user_usage", "user_usage_past", "ledger_events"),
}

MOST_SORTED = 10_000
MOST_ADDED_UP = 100_000
"""Rows of usage tables that an aggregate or a hash is made of: a tenth of all."""

SEQUENTIAL, SORTS, ADDS_UP = "reads a whole table", "sorts many", "adds up many"

PARAMETER = re.compile(r"%\((\w+)\)s|%%")
TOLD = re.compile(r"duration: [\d.]+ ms  plan:\n")


class TakesTooMuch(Exception):
    """A statement that is not carried out."""


class Explained:
    """The faults of a ledger's statements. The ledger must have one connection of each kind, and no more."""

    def __init__(self, ledger: Ledger) -> None:
        self.faults: set[str] = set()
        self._known: dict[tuple[str, str], set[str]] = {}
        for pool in (ledger.pool, ledger.journal.datastore.pool):
            with pool.connection() as connection:
                connection.add_notice_handler(self._hear)
                connection.cursor_factory = self._cursors()

    def _cursors(self) -> type[Cursor[Any]]:
        explain = self._explain

        class ExplainingCursor(Cursor[DictRow]):
            """Explains a statement before it is carried out."""

            def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
                text = query.decode() if isinstance(query, bytes) else query
                if isinstance(text, str) and re.match(r"\s*(SELECT|WITH)\b", text):
                    explain(self, text, params or {})
                return super().execute(query, params, **options)

        return ExplainingCursor

    def _explain(self, cursor: Cursor[DictRow], text: str, parameters: dict[str, Any]) -> None:
        plain = Cursor[DictRow](cursor.connection, row_factory=dict_row)
        where = str(first(plain, "SHOW search_path")["search_path"])
        if (where, text) not in self._known:
            self._known[where, text] = {*faults(planned(plain, text, parameters))}
        if known := self._known[where, text]:
            self.faults |= known
            raise TakesTooMuch

    def _hear(self, notice: Diagnostic) -> None:
        words = notice.message_primary or ""
        if found := TOLD.match(words):
            self.faults.update(faults(orjson.loads(words[found.end() :])["Plan"]))


def planned(cursor: Cursor[DictRow], text: str, parameters: dict[str, Any]) -> Node:
    """Return the plan of a statement for any values, which is the one that the service uses."""
    names = list(dict.fromkeys(found[1] for found in PARAMETER.finditer(text) if found[1]))
    values = Transformer(cursor)
    values.dump_sequence([parameters[name] for name in names], [PyFormat.AUTO] * len(names))
    types = [str(first(cursor, f"SELECT {oid}::regtype::text AS name")["name"]) for oid in values.types or ()]
    types = ["unknown" if each == "-" else each for each in types]
    numbered = PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}" if found[1] else "%", text)
    of_types, of_values = (f"({', '.join(each)})" if names else "" for each in (types, ["NULL"] * len(names)))
    cursor.execute(f"PREPARE explained {of_types} AS {numbered}".encode(), prepare=False)
    plan: Node = first(cursor, f"EXPLAIN (FORMAT JSON) EXECUTE explained {of_values}")["QUERY PLAN"][0][
        "Plan"
    ]
    cursor.execute("DEALLOCATE explained")
    return plan


def first(cursor: Cursor[DictRow], statement: str) -> DictRow:
    row = cursor.execute(statement.encode(), prepare=False).fetchone()
    assert row is not None
    return row


def faults(plan: Node) -> Iterator[str]:
    """Yield what is wrong with a plan: by what it met, or where it was not carried out, by its estimates."""
    for node in nodes(plan):
        kind, is_met = node["Node Type"], "Actual Rows" in node
        if kind == "Seq Scan" and node["Relation Name"] in USAGE_TABLES and node.get("Actual Loops", 1):
            yield SEQUENTIAL
        # How much of it comes before a page is full is only known of what was carried out.
        is_sort = kind == "Sort" or (kind == "Incremental Sort" and is_met)
        if is_sort and sum(rows(each) for each in node["Plans"]) > MOST_SORTED:
            yield SORTS
        is_sum = kind in ("Aggregate", "Hash", "WindowAgg", "Group", "Unique") and is_met
        if is_sum and sum(read(each) for each in nodes(node)) > MOST_ADDED_UP:
            yield ADDS_UP


def nodes(plan: Node) -> Iterator[Node]:
    yield plan
    for each in plan.get("Plans", []):
        yield from nodes(each)


def rows(node: Node) -> float:
    """How many rows a node has given, or is expected to give."""
    if "Actual Rows" in node:
        return float(node["Actual Rows"] * node["Actual Loops"])
    return float(node["Plan Rows"])


def read(node: Node) -> float:
    """How many rows of a usage table a node has looked at."""
    if node.get("Relation Name") not in USAGE_TABLES:
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return rows(node) + float(removed * node["Actual Loops"])
