"""SQL scripts, run one statement a call.

A call with several statements has one result, can't be prepared, and is not taken by all that stands before a
database, or spreads tables over several.
"""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus
from psycopg.sql import Composable

PART = re.compile(
    r"\$\$.*?\$\$|\bBEGIN ATOMIC\b.*?\bEND\b|'[^']*'|--[^\n]*|;|[^$'\-;B]+|.",
    re.DOTALL,
)
"""A body in dollar quotes or of SQL, a text, a comment, the end of a statement, and what is none of these."""


FIND_TABLE = "SELECT FROM pg_tables WHERE schemaname = %(schema)s AND tablename = %(table)s"


def statements_of(script: str) -> Iterator[str]:
    """Yield the statements of a script, without the semicolons behind them."""
    statement = ""
    for part in PART.findall(f"{script};"):
        if part == ";":
            if re.sub(r"--[^\n]*", "", statement).strip():
                yield statement.strip()
            statement = ""
        else:
            statement += part


def run_script(connection: Connection[Any] | Cursor[Any], script: str | Composable) -> None:
    """Execute the statements of a script without parameters, all of them or none."""
    text = script.as_string(connection) if isinstance(script, Composable) else script
    owner = connection.connection if isinstance(connection, Cursor) else connection
    is_outermost = owner.info.transaction_status == TransactionStatus.IDLE
    with owner.transaction() if is_outermost else nullcontext():
        for statement in statements_of(text):
            connection.execute(statement.encode())


def ensure_table(connection: Connection[Any], schema: str, table: str, script: str) -> None:
    """Run the script that makes a table, if it is missing. The caller holds LOCK_CREATION.

    Where it is there nothing is asked for that the role of a command may lack.
    """
    if connection.execute(FIND_TABLE, {"schema": schema, "table": table}).fetchone() is None:
        run_script(connection, script)
