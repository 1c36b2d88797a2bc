"""The walks of a request through the project, as they are: the files and functions of our own that it enters.

`python -m tests.test_walks [report|list|unmodified]` prints them, file by file in the order of the walk.
"""

import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

import pytest
from werkzeug.test import TestResponse

from tests.conftest import database
from tests.paths import README, ROOT
from tests.world import CATALOGUE, USAGES, World, open_world
from web.runtime.postgres.embedded import embedded_postgres

PACKAGES = tuple(f"{ROOT / name}/" for name in ("ledger", "projections", "web"))

STATED = re.compile(
    r"A report enters (\d+) files and (\d+) functions, a list (\d+) and (\d+), "
    r"a list that has not changed (\d+) and (\d+)"
)
"""The sentence of the README."""

WALKS = ("report", "list", "unmodified")


class Call(NamedTuple):
    """A call of a function of ours, its depth counted in ours, and the file that it was called from."""

    file: str
    function: str
    depth: int
    caller: str | None

    @property
    def crosses(self) -> bool:
        """Whether it leads from one top-level package into another."""
        return self.caller is not None and self.caller.split("/")[0] != self.file.split("/")[0]


class Walk(NamedTuple):
    """The calls of one request, in order."""

    calls: list[Call]

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(call.file for call in self.calls))

    @property
    def functions(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((call.file, call.function) for call in self.calls))

    def __str__(self) -> str:
        lines = [
            f"{len(self.files)} files, {len(self.functions)} functions, {len(self.calls)} calls, "
            f"{max(call.depth for call in self.calls)} deep, "
            f"{sum(call.crosses for call in self.calls)} from package to package"
        ]
        for number, file in enumerate(self.files, 1):
            names = ", ".join(name for where, name in self.functions if where == file)
            lines.append(f"{number:3} {file}: {names}")
        return "\n".join(lines)


def is_ours(code: CodeType) -> bool:
    """Return whether code is a named function of the project: no lambda, comprehension or module."""
    return code.co_filename.startswith(PACKAGES) and "<" not in code.co_name


def file_of(code: CodeType) -> str:
    return Path(code.co_filename).relative_to(ROOT).as_posix()


@contextmanager
def traced() -> Iterator[Walk]:
    """Follow the calls of this thread until the end of the block."""
    walk = Walk([])
    around: list[FrameType] = []
    begun: set[FrameType] = set()

    def follow(frame: FrameType, event: str, _: object) -> None:
        if event not in ("call", "return") or not is_ours(frame.f_code):
            return
        if event == "return":
            around.pop()
            return
        if frame not in begun:  # a generator is called once, however often it goes on
            caller = file_of(around[-1].f_code) if around else None
            walk.calls.append(Call(file_of(frame.f_code), frame.f_code.co_qualname, len(around) + 1, caller))
        begun.add(frame)
        around.append(frame)

    sys.setprofile(follow)
    try:
        yield walk
    finally:
        sys.setprofile(None)


def walks(world: World) -> dict[str, Walk]:
    """Return the walk of each kind of request, once the same kind has been served before.

    Databases are watched by a listener while a service runs, so that no request has to ask for news.
    """
    world.projector.shared_position.live_until(time.monotonic() + 60)
    staff, amounts, etag = world.as_("staff"), count(1), ""

    def report() -> TestResponse:
        return world.report(usages=[{"type": "cpu", "amount": next(amounts)}])

    def read() -> TestResponse:
        return staff.get(USAGES)

    def read_again() -> TestResponse:
        return staff.send("GET", USAGES, headers={"If-None-Match": etag})

    requests = {"report": (report, 201), "list": (read, 200), "unmodified": (read_again, 304)}
    found = {}
    for name, (request, status) in requests.items():
        request(), request()
        etag = read().headers["ETag"]
        with traced() as found[name]:
            response = request()
        assert response.status_code == status
    return found


@pytest.fixture(scope="module")
def measured(server: str, world_template: str) -> Iterator[dict[str, Walk]]:
    with database(server, world_template) as url, open_world(url) as world:
        yield walks(world)


@pytest.mark.parametrize("name", WALKS)
def test_no_walk_is_longer_than_the_readme_says(measured: dict[str, Walk], name: str) -> None:
    found = STATED.search(" ".join(README.read_text().split()))
    assert found, "the README states the numbers in another sentence"
    numbers = [int(each) for each in found.groups()]
    files, functions = numbers[WALKS.index(name) * 2 :][:2]
    walk = measured[name]
    assert (len(walk.files) <= files, len(walk.functions) <= functions) == (True, True), (
        f"the README says {files} files and {functions} functions, and this is the walk now:\n{walk}"
    )


def main(names: Sequence[str]) -> None:
    """Print the walks with these names, or all, on an embedded PostgreSQL of its own."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="usage-ledger-")))
        directory.chmod(0o755)
        url = stack.enter_context(embedded_postgres(directory))
        with open_world(url) as world:
            world.describe(**CATALOGUE)
            world.issue_tokens()
            found = walks(world)
    for name in names or WALKS:
        print(f"{name}: {found[name]}\n")  # noqa: T201 - that is what it is for


if __name__ == "__main__":
    main(sys.argv[1:])
