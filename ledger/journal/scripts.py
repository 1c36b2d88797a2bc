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

PART = re.compile(r"\$\$.*?\$\$|'[^']*'|--[^\n]*|;|[^$'\-;]+|.", re.DOTALL)
"""A body in dollar quotes, a text, a comment, the end of a statement, and what is none of these."""


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
