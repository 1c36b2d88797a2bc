"""Compares what is told, and done, of what others have with what is of nobody.

Answers are compared with their headers, and so is the work behind them: the statements that PostgreSQL was
sent. Those are the same each time, where clocks would tell something else.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from werkzeug.test import TestResponse

from ledger.fast.prepared_batch import PreparedBatch
from tests.security.asking import Ask, Question
from tests.security.tenants import FIGURE, MARK, NOBODYS, NOTHING, NOTHING_ELSE, Tenants
from tests.world import Client, World
from web.request.services import Services
from web.request.validators.kept import Kept

OF_THE_ADDRESS = {"ETag", "Content-Disposition"}
"""Headers that the address goes into; `test_a_tag_tells_nothing_of_others` is about the first."""


class Answered(NamedTuple):
    """What came of a request: what was told, and what was done for it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    statements: tuple[str, ...]
    whole: str
    """What was told, with all names in it."""
    is_done: bool
    """Whether something was written."""


SENT: list[str] = []
"""The statements that were sent to PostgreSQL."""


@contextmanager
def noted_statements() -> Iterator[None]:
    """Note the text of every statement that is sent meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (psycopg.Cursor, psycopg.ServerCursor, PreparedBatch):
            patch.setattr(kind, "execute", noting(kind))
        yield


def noting(kind: Any) -> Any:
    """Return the method that sends a statement, which notes its text as well: values are apart from it."""
    send = kind.execute

    def execute(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        if kind is PreparedBatch or not isinstance(self, PreparedBatch):
            SENT.append(query.decode() if isinstance(query, bytes) else str(query))
        return send(self, query, *args, **more)

    return execute


def head_of(world: World) -> int:
    return world.ledger.journal.max_notification_id() or 0


def ask(client: Client, asked: Ask) -> tuple[TestResponse, tuple[str, ...]]:
    SENT.clear()
    body = {} if asked.body is None else {"json": asked.body}
    response = client.send(
        asked.method, asked.path, query_string=dict(asked.query), headers=dict(asked.headers), **body
    )
    return response, tuple(SENT)


class Comparing:
    """Compares what a role is told of the others with what it is told of nobody."""

    def __init__(self, tenants: Tenants, role: str, client: Client | None = None) -> None:
        """Compare what a role is told, with the client of its token unless it has another one."""
        self._world, self._client = tenants.world, client or tenants.clients[role]
        uuids = [form for each in tenants.uuids for form in (each, str(UUID(each)))]
        nobodys = [form for each in (NOTHING, NOTHING_ELSE) for form in (each, str(UUID(each)))]
        self._names = re.compile("|".join([MARK, *uuids, *nobodys]))
        # A hash, a request's id or the fraction of a second may have the digits of the figure in them.
        figure = rf"(?<![0-9a-f.]){FIGURE}(?![0-9]*[a-f])"
        self._traces = re.compile("|".join([MARK, figure, *uuids]), re.IGNORECASE)
        self.differences: dict[str, str] = {}
        """What differs, by what the question is about."""

    def compare(self, question: Question) -> None:
        """Ask both, and note a difference. Nothing of the others is told, and nothing refused is stored."""
        before = head_of(self._world)
        theirs = self._asked(question.theirs)
        self._check_nothing_of_theirs(theirs, question)
        if question.nobodys == question.theirs:
            return
        nobodys = self._asked(question.nobodys)
        if min(theirs.status, nobodys.status) >= 400 or question.theirs.method == "GET":
            assert head_of(self._world) == before, f"{question.about} appended something"
        if theirs[:3] == nobodys[:3] and theirs.statements != nobodys.statements:
            # The first one may have found what is ours in no cache.
            theirs, nobodys = self._asked(question.theirs), self._asked(question.nobodys)
        told = _difference(theirs, nobodys)
        if told:
            self.differences[question.about] = told

    def _asked(self, asked: Ask) -> Answered:
        services: Services = self._world.app.extensions["usage-ledger"]
        services.kept = Kept()  # as if nobody had asked before
        response, statements = ask(self._client, asked)
        headers = tuple(
            (name, self._unnamed(value)) for name, value in response.headers if name not in OF_THE_ADDRESS
        )
        text = response.data.decode("utf-8", "replace")
        return Answered(
            response.status_code,
            headers,
            self._unnamed(text),
            statements,
            f"{response.headers} {text}",
            asked.method != "GET",
        )

    def _unnamed(self, text: str) -> str:
        """Return a text without the names of what was asked for."""
        return self._names.sub(lambda found: NOBODYS if found[0] == MARK else "-" * len(found[0]), text)

    def _check_nothing_of_theirs(self, told: Answered, question: Question) -> None:
        """Find nothing in an answer that the others have and that was not in the question."""
        known = {each.lower() for each in self._traces.findall(str(question.theirs))}
        found = {each.lower() for each in self._traces.findall(told.whole)} - known
        assert not found, f"{question.about} tells of {found}"


def _difference(theirs: Answered, nobodys: Answered) -> str:
    """Return what tells an answer about the others from one about nobody, empty if nothing does.

    Of two that were both done, the first one may have had more to do.
    """
    if theirs.status != nobodys.status:
        return f"{theirs.status} {theirs.body}, {nobodys.status} {nobodys.body}"
    if theirs.status < 300 and theirs.is_done:
        return ""
    if theirs.body != nobodys.body:
        return f"{theirs.body}, {nobodys.body}"
    if theirs.headers != nobodys.headers:
        return str({*theirs.headers} ^ {*nobodys.headers})
    if theirs.statements != nobodys.statements:
        return f"{len(theirs.statements)} statements, {len(nobodys.statements)}"
    return ""
