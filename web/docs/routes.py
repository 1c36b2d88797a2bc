"""The routes of an application as the description names them: methods, paths, tags and words about each."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from inspect import getdoc, getmodule, isfunction
from typing import Any, NamedTuple

from flask import Flask

from web.wire.declared.parameters import Taken, taken_by
from web.wire.rendering import DECLARED, READ, Declared, Read

LINE = re.compile(r"\| ([A-Z]+) \| `(/[^`]*)` \| (.+) \|")


class Route(NamedTuple):
    """A method of a path, and the view that answers it."""

    method: str
    path: str
    """As in OpenAPI, with names in braces."""
    name: str
    view: Callable[..., Any]

    @property
    def needs_token(self) -> bool:
        """Return whether nobody is answered without a token."""
        return self.path.startswith("/api/") and not self.path.startswith(WITHOUT_TOKEN)

    @property
    def taken(self) -> Taken:
        """Return the parameters that the view reads."""
        return taken_by(self.view)

    @property
    def declared(self) -> Declared:
        """Return what the view answers."""
        return DECLARED[self.view]

    @property
    def read(self) -> Read | None:
        """Return the body that the view reads, None if it reads none."""
        return READ.get(self.view)

    @property
    def description(self) -> str:
        """Return what the view's docstring, or that of its module, has to say; empty if it is not its own."""
        if not isfunction(self.view):
            return ""
        if told := getdoc(self.view):
            return told
        _, _, rest = (getattr(getmodule(self.view), "__doc__", "") or "").partition("\n\n")
        return rest.strip()


OF_API = ("/api/", "/healthz", "/readyz")
"""How paths begin that are no pages for people."""

WITHOUT_TOKEN = ("/api/docs/", "/api/schema/")


def routes(app: Flask) -> Iterator[Route]:
    """Yield all routes of the API, but HEAD and OPTIONS, which each path answers."""
    for rule in app.url_map.iter_rules():
        kind = "".join(f"_{value}" for value in (rule.defaults or {}).values())
        name = rule.endpoint.replace(".", "_") + kind
        if not rule.rule.startswith(OF_API):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(method, path_of(rule.rule), name, app.view_functions[rule.endpoint])


def path_of(rule: str) -> str:
    """Return a path as OpenAPI writes it."""
    return re.sub("<(?:[^:>]*:)?([^>]*)>", r"{\1}", rule)


class Words(NamedTuple):
    """What the list of endpoints says of one: the heading that it stands below, and what it is."""

    heading: str
    summary: str


NOT_LISTED = Words("Others", "")


@cache
def words() -> dict[tuple[str, str], Words]:
    """Return the words of `web/api/README.md` by method and path."""
    found, heading = {}, ""
    for line in files("web.api").joinpath("README.md").read_text("utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif match := LINE.fullmatch(line):
            method, path, told = match.groups()
            found[method, path_of(path)] = Words(heading, told.replace("\\|", "|"))
    return found
