"""Runs the script that pg_restore makes of a dump, in the transaction of the caller.

psql would do so in a transaction of its own, which is over before anybody could look at what was restored.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any

from psycopg import Cursor

COPY = re.compile(rb"COPY (\S+) \(.*\) FROM stdin;\n")
END_OF_COPY = b"\\.\n"

TO_PSQL = (b"\\restrict ", b"\\unrestrict ")
"""Lines by which pg_restore keeps psql from obeying what is dumped. Nobody here obeys a backslash."""

UNKNOWN_TO_OLDER = b"SET transaction_timeout = 0;\n"
"""A setting that pg_restore 17 and later write, and servers before do not know. It is the default."""

AT_A_TIME = 1 << 16
"""Bytes of rows that are sent together."""

OnRows = Callable[[str, int], None]


def run_dump(cursor: Cursor[Any], script: IO[bytes], on_rows: OnRows) -> None:
    """Execute a script, statements and rows. `on_rows` is told a table and how many rows it was sent."""
    statements = b""
    lines = iter(script.readline, b"")
    for line in lines:
        if found := COPY.fullmatch(line):
            _execute(cursor, statements)
            statements = b""
            _copy(cursor, line, lines, partial(on_rows, found[1].decode()))
        elif not line.startswith(TO_PSQL) and line != UNKNOWN_TO_OLDER:
            statements += line
    _execute(cursor, statements)


def _execute(cursor: Cursor[Any], statements: bytes) -> None:
    if statements.strip():
        cursor.execute(statements)


def _copy(
    cursor: Cursor[Any], statement: bytes, lines: Iterator[bytes], on_rows: Callable[[int], None]
) -> None:
    waiting: list[bytes] = []
    size = 0
    with cursor.copy(statement) as copy:
        for line in lines:
            if line == END_OF_COPY:
                break
            waiting.append(line)
            size += len(line)
            if size > AT_A_TIME:
                copy.write(b"".join(waiting))
                on_rows(len(waiting))
                waiting, size = [], 0
        else:
            raise EOFError("the script ends within the rows of a table")
        copy.write(b"".join(waiting))
        on_rows(len(waiting))
