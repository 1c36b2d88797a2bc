"""Statements that go to the database together: one round trip for all until somebody wants a result.

Most statements of a report take PostgreSQL less time than it takes both sides to pass them on, and the
journal is locked meanwhile. psycopg's pipeline spares the waiting only. So each statement is prepared once on
a connection, and then a text of many `EXECUTE` is sent as a single message.

So the journal has connections of its own. Price: twice as many connections at most, and this class.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import count
from typing import Any, Self
from weakref import WeakKeyDictionary

from psycopg import Connection, Cursor, NotSupportedError
from psycopg.pq import Escaping
from psycopg.rows import DictRow
from psycopg.sql import Literal

PLACEHOLDER = re.compile(r"%\((\w+)\)s")

names = count(1)
prepared: WeakKeyDictionary[Connection[DictRow], dict[str, str]] = WeakKeyDictionary()
"""By connection and text: the names of the statements that are prepared there."""


class PreparedBatch(Cursor[DictRow]):
    """A cursor whose `execute` waits for the next fetch, or for `send`, where its errors come, too.

    A cursor, so that the same functions read and write through it as through any other. What can't wait is
    refused. Parameters are by name. A statement without any is sent as it is. The connection must be in
    autocommit, and with a `prepare_threshold` of None: psycopg would drop all prepared statements after a
    rollback.
    """

    def __init__(self, connection: Connection[DictRow]) -> None:
        super().__init__(connection)
        self._waiting: list[tuple[str, Mapping[str, Any] | None]] = []

    def execute(self, query: Any, params: Any = None, **_: Any) -> Self:
        self._waiting.append((_text(query), params))
        return self

    def send(self) -> None:
        """Execute what waits, up to the first statement that fails."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            known = prepared.setdefault(self.connection, {})
            new: dict[str, str] = {}
            script = ";".join(part for call in waiting for part in self._parts(*call, known, new))
            super().execute(script.encode(), prepare=False)
            self.set_result(-1)
            known |= new  # not earlier: of those that a failure left out nobody knows

    def _parts(
        self, text: str, params: Mapping[str, Any] | None, known: dict[str, str], new: dict[str, str]
    ) -> Iterator[str]:
        if not params:
            yield text
            return
        numbered, order = _numbered(text)
        name = known.get(text) or new.get(text)
        if name is None:
            name = new[text] = f"ledger_{next(names)}"
            yield f"PREPARE {name} AS {numbered}"
        values = ",".join([self._literal(params[each]) for each in order])
        yield f"EXECUTE {name}({values})"

    def _literal(self, value: Any) -> str:
        if isinstance(value, str) and "\0" not in value:  # most are JSON, and long
            return bytes(Escaping(self.connection.pgconn).escape_literal(value.encode())).decode()
        return str(value) if type(value) is int else Literal(value).as_string(self)

    def fetchone(self) -> DictRow | None:
        self.send()
        return super().fetchone()

    def fetchall(self) -> list[DictRow]:
        self.send()
        return super().fetchall()

    def __iter__(self) -> Self:
        self.send()
        return super().__iter__()

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise NotSupportedError("statements wait here: what this asks for would be of an older one")

    copy = executemany = fetchmany = scroll = stream = _refuse


def _text(query: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    return query if isinstance(query, str) else query.as_string()


@lru_cache
def _numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a statement with $1, $2 and so on, and the names of their values."""
    order = tuple(dict.fromkeys(PLACEHOLDER.findall(text)))
    return PLACEHOLDER.sub(lambda match: f"${order.index(match[1]) + 1}", text), order
