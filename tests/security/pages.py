"""Everything that the dashboard's pages can be asked about somebody else's objects, derived from its routes.

A page, or a parameter of one, that is not here makes the test fail, as with `tests/security/asking.py`.
"""

from collections.abc import Iterator

from flask.testing import FlaskClient

from ledger.events import TokenIssued
from tests.dashboard.reading import SIGN_IN
from tests.security.asking import NAME_NOTHING, OWN, PAIRS, Ask, Asking, Question
from tests.security.tenants import MARK, NOBODYS, NOTHING, Tenants
from tests.world import (
    OTHER_CONSUMER,
    OTHER_CPU,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    RESOURCE,
    Client,
)
from web.dashboard.lists import LISTS
from web.wire.declared.parameters import NOTHING as TAKES_NOTHING
from web.wire.declared.parameters import TAKEN

DASHBOARD = "/dashboard/"

KIND = "<any(projects, customers, offerings, providers, resources):kind>"

SCOPES = {
    "projects": OTHER_PROJECT,
    "customers": OTHER_CONSUMER,
    "offerings": OTHER_OFFERING,
    "providers": OTHER_PROVIDER,
    "resources": OTHER_RESOURCE,
}

OPEN = {"/dashboard/sign-in/", "/dashboard/static/<path:filename>", "/dashboard/<path:rest>"}
"""What tells everybody the same: who signs in, style and script, and that there is no such page."""

WAYS = {"by", "months"}
"""Parameters that say how a page shows what it shows."""

REQUIRED = {"compare/": (("from", "0"), ("to", "10000"))}


def signed_in(tenants: Tenants, role: str) -> Client:
    """Return a client of the pages, with the cookie of a role that signed in."""
    browser = FlaskClient(tenants.world.app)
    token = tenants.clients[role].authorization.removeprefix("Token ")
    assert browser.post(SIGN_IN, data={"token": token}).status_code == 303
    return Client(browser, {})


def of_a_token(tenants: Tenants) -> int:
    """Return the position of the newest token, which only staff and support read of.

    Whether a position is beyond the journal's end is told by every answer (`Ledger-Position`).
    """
    return max(
        fact.id for fact in tenants.world.ledger.stored_after(0, 10_000) if fact.topic == TokenIssued.TOPIC
    )


class AskingPages:
    """All questions of pages about two tenants."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants
        self._places = {
            f"{DASHBOARD}figures/<uuid>/": [(tenants.theirs["usage"], NOTHING)],
            f"{DASHBOARD}corrections/<uuid>/": [(tenants.theirs["correction"], NOTHING)],
            f"{DASHBOARD}facts/<position>/": [(str(tenants.their_position), str(of_a_token(tenants)))],
        }

    def about(self) -> Iterator[Question]:
        """Yield the questions of every page, with every parameter that it reads, and of every file."""
        app = self._tenants.world.app
        for rule in app.url_map.iter_rules():
            if not rule.rule.startswith(DASHBOARD) or "GET" not in (rule.methods or ()) or rule.rule in OPEN:
                continue
            names = TAKEN.get(app.view_functions[rule.endpoint], TAKES_NOTHING).names
            unknown = {each for each in names if each not in {*PAIRS, *NAME_NOTHING, *WAYS, "component"}}
            assert not unknown, f"{rule.rule} reads parameters of which nobody said what they name: {unknown}"
            if rule.rule == f"{DASHBOARD}download/<path:path>":
                yield from self._files()
            elif rule.rule == f"{DASHBOARD}lists/<name>/":
                for name, listed in LISTS.items():
                    own = {*listed.filters, *(["billing_period"] if listed.of_month else []), "as_of"}
                    yield from self._of_path(f"{DASHBOARD}lists/{name}/", names & own)
            else:
                for theirs, nobodys in self._paths(rule.rule):
                    asks = (Ask("GET", path) for path in (theirs, nobodys))
                    yield Question.about_either(f"{rule.rule} by place", asks)
                    for name in sorted(names):
                        yield from self._with_nothing(theirs, nobodys, name)
                if "component" in names:
                    page = rule.rule.replace(KIND, "resources").replace("<uuid>", RESOURCE)
                    for pair in ((OTHER_CPU, NOTHING), (f"{MARK}-core", f"{NOBODYS}-core")):
                        asks = (Ask("GET", page, (("component", each),)) for each in pair)
                        yield Question.about_either(f"{rule.rule}?component", asks)
                if "<" not in rule.rule:
                    yield from self._of_path(rule.rule, names)

    def _of_path(self, path: str, names: set[str] | frozenset[str]) -> Iterator[Question]:
        """Yield questions of a page that names nothing in its path."""
        needed = REQUIRED.get(path.removeprefix(DASHBOARD), ())
        yield Question(path, Ask("GET", path, needed), Ask("GET", path, needed))
        for name in sorted(names):
            for pair in OWN.get(path, {}).get(name, PAIRS.get(name, [])):
                asks = (Ask("GET", path, (*needed, (name, value))) for value in pair)
                yield Question.about_either(f"{path}?{name}", asks)

    def _paths(self, rule: str) -> Iterator[tuple[str, str]]:
        """Yield the addresses of pages of what the others have, and of what nobody has."""
        if KIND in rule:
            for kind, uuid in SCOPES.items():
                place = rule.replace(KIND, kind)
                yield place.replace("<uuid>", uuid), place.replace("<uuid>", NOTHING)
            return
        if "<" in rule:
            assert rule in self._places, f"{rule} names something, and nobody said what"
            start, end = rule.split("<")[0], rule.split(">")[1]
            for theirs, nobodys in self._places[rule]:
                yield f"{start}{theirs}{end}", f"{start}{nobodys}{end}"

    def _with_nothing(self, theirs: str, nobodys: str, name: str) -> Iterator[Question]:
        for value in ("1",) if name == "page" else ("{position}",) if name == "as_of" else ():
            query = ((name, value.format(position=self._tenants.their_position)),)
            asks = (Ask("GET", path, query) for path in (theirs, nobodys))
            yield Question.about_either(f"{theirs}?{name}", asks)

    def _files(self) -> Iterator[Question]:
        """Yield questions of files, which are answers of the API."""
        for question in Asking.about(self._tenants):
            both = (question.theirs, question.nobodys)
            if question.is_of_some or question.theirs.method != "GET":
                continue
            asks = [
                each._replace(
                    path=each.path.replace("/api/", f"{DASHBOARD}download/", 1),
                    query=(*each.query, ("format", "csv")),
                )
                for each in both
                if each.path.startswith("/api/")
            ]
            if asks:
                yield Question.about_either(f"file of {question.about}", asks, is_of_some=True)
