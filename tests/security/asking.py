"""Everything that can be asked about somebody else's objects, derived from what the routes declare.

Each question is asked twice: of what the others have, and of what nobody has. A route, parameter, key of a
body or header that is not here makes the test fail: whoever adds one says what of the others it can name.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from marshmallow import Schema

from tests.security.tenants import (
    MARK,
    NOBODYS,
    NOTHING,
    NOTHING_ELSE,
    THEIR_CATEGORY,
    THEIR_OFFERING_USER,
    THEIR_PARENT,
    THEIR_PERIOD,
    THEIR_PROVIDER,
    THEIR_USER,
    Tenants,
)
from tests.world import (
    CPU,
    OFFERING,
    OFFERING_USER,
    OTHER_CONSUMER,
    OTHER_CPU,
    OTHER_OFFERING,
    OTHER_PLAN,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    RESOURCE,
)
from web.docs.operations import headers_read
from web.docs.routes import Route, routes
from web.wire.billing.bodies import CorrectionItems
from web.wire.declared.strangers import OF_EVERY_GET
from web.wire.fields import Items
from web.wire.requests import COMPONENT_REPORT, USER_REPORT

Json = dict[str, Any]

HEADERS = {
    "Content-Encoding": ["identity"],
    "Idempotency-Key": ["a key"],
    "If-None-Match": ['"0123456789abcdef0123456789abcdef"', "*"],
    "Ledger-Expect": ["1"],
    "Ledger-Reason": ["none"],
    "Prefer": ["handling=strict"],
    "X-Request-ID": ["1"],
    "traceparent": ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
}
"""Headers that routes declare, with what they say while somebody else's object is asked for."""


class Ask(NamedTuple):
    """A request about somebody's objects."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


class Question(NamedTuple):
    """Two requests that differ in what they name: what the others have, and what nobody has."""

    about: str
    """The route, and what of it names the others' objects."""
    theirs: Ask
    nobodys: Ask
    is_of_some: bool = False
    """Whether some roles in turn ask it, and not all: it names no more than another one does."""

    @classmethod
    def about_either(cls, about: str, asks: Iterable[Ask], *, is_of_some: bool = False) -> "Question":
        theirs, nobodys = asks
        return cls(about, theirs, nobodys, is_of_some)


def resource_url(uuid: str) -> str:
    return f"http://localhost/api/marketplace-resources/{uuid}/"


def person_url(uuid: str) -> str:
    return f"http://localhost/api/marketplace-offering-users/{uuid}/"


PAIRS: dict[str, list[tuple[str, str]]] = {
    "category_uuid": [(THEIR_CATEGORY, NOTHING)],
    "customer_uuid": [(OTHER_CONSUMER, NOTHING), (OTHER_PROVIDER, NOTHING_ELSE)],
    "offering_uuid": [(OTHER_OFFERING, NOTHING)],
    "parent_offering_uuid": [(THEIR_PARENT, NOTHING)],
    "parent_uuid": [(THEIR_PARENT, NOTHING)],
    "plan_uuid": [(OTHER_PLAN, NOTHING)],
    "project_uuid": [(OTHER_PROJECT, NOTHING)],
    "proposed_by_uuid": [(THEIR_USER, NOTHING)],
    "provider_uuid": [(OTHER_PROVIDER, NOTHING)],
    "resource_uuid": [(OTHER_RESOURCE, NOTHING)],
    "resource": [(resource_url(OTHER_RESOURCE), resource_url(NOTHING))],
    "user_uuid": [(THEIR_USER, NOTHING)],
    **{
        name: [(f"{MARK}{rest}", f"{NOBODYS}{rest}")]
        for name, rest in {
            "backend_id": "-backend",
            "backend_type": "-6",
            "backend_version": "-7",
            "component_type": "-core",
            "mode": "-4",
            "name": "",
            "name_exact": " resource",
            "offering_type": ".Type",
            "project_name": "",
            "slug": "-slug",
            "type": "-core",
            "user_username": "-owner",
            "username": "-ann",
            "version": "-2",
        }.items()
    },
}
"""Parameters that name objects: of the others, and of nobody. Both are of one length."""

OF_KINDS = {"identity_uuid": "identity", "service_uuid": "service"}
"""Parameters that name what is made while the tenants are."""

OWN: dict[str, dict[str, list[tuple[str, str]]]] = {
    "/api/marketplace-provider-offerings/": {
        "type": [(f"{MARK}.Type", f"{NOBODYS}.Type")],
        "name_exact": [(f"{MARK} offering", f"{NOBODYS} offering")],
    },
    "/api/marketplace-site-agent-identities/": {"name": [(f"{MARK}-1", f"{NOBODYS}-1")]},
    "/api/ledger/reports/": {},
}
"""Parameters that name something else on a route than on others."""

NAME_NOTHING: dict[str, list[str]] = {
    "after": ["0", "{their position}"],
    "as_of": ["{their position}", "{head}", "2026-11-15T12:00:00Z"],
    "atomic": ["false"],
    "billing_period": ["2026-11"],
    "billing_period_month": ["11"],
    "billing_period_year": ["2026"],
    "billing_type": ["usage"],
    "by_month": ["false"],
    "component_usage__billing_period": ["2026-11-01"],
    "created": ["2020-01-01T00:00:00Z"],
    "created_before": ["2030-01-01T00:00:00Z"],
    "date_after": ["2026-11-01"],
    "date_before": ["2026-11-30"],
    "dry_run": ["true"],
    "end": ["2026-11"],
    "field": ["uuid", "name"],
    "format": ["csv", "ndjson"],
    "from": ["0", "{their position}"],
    "group_by": ["resource", "project", "customer", "offering", "user"],
    "include_terminated": ["true"],
    "is_closed": ["true"],
    "is_restricted": ["false"],
    "jump": ["2"],
    "kind": ["fell", "jumped", "differs_from_users"],
    "last_restarted": ["2026-11-15T11:59:58.125Z"],
    "limit": ["1000"],
    "limit_based": ["false"],
    "matches": ["true"],
    "min_position": ["{their position}"],
    "missing_usage_policy": ["none"],
    "modified": ["2020-01-01T00:00:00Z"],
    "modified_after": ["2020-01-01T00:00:00Z"],
    "modified_before": ["2030-01-01T00:00:00Z"],
    "most": ["100"],
    "o": ["-usage", "name", "-delta", "created"],
    "page": ["last", "2"],
    "page_size": ["300"],
    "period_offset": ["0"],
    "size": ["1"],
    "start": ["2026-11"],
    "state": ["OK", "Active", "1", "applied"],
    "timestamp": ["2026-11-20T00:00:00Z"],
    "to": ["{head}"],
    "usage_based": ["true"],
    "wait": ["0"],
}
"""Parameters that name no object: nothing of the others may be in an answer, whatever they are."""

TOGETHER = {
    "/api/ledger/diff/": {"from": "0"},
    "/api/ledger/diff-totals/": {"from": "0"},
    "/api/ledger/consistency": {"from": "1", "to": "2"},
    "/api/ledger/exports/focus/": {"billing_period": "2026-11"},
    "/api/ledger/completeness/": {"billing_period": "2026-11"},
    "/api/ledger/completeness/figures/": {"billing_period": "2026-11"},
    "/api/marketplace-component-usage-monthly/": {"start": "2026-10", "end": "2026-11"},
}
"""Parameters without which nothing is answered, or little."""

PATHS = {
    "/api/component-user-usage-limits/": "limit",
    "/api/marketplace-component-usages/": "usage",
    "/api/marketplace-component-user-usages/": "user usage",
    "/api/marketplace-offering-users/": "offering user",
    "/api/marketplace-resources/": "resource",
    "/api/marketplace-provider-resources/": "resource",
    "/api/marketplace-site-agent-identities/": "identity",
    "/api/marketplace-site-agent-processors/": "processor",
    "/api/marketplace-site-agent-services/": "service",
    "/api/ledger/corrections/": "correction",
    "/api/ledger/customers/": OTHER_CONSUMER,
    "/api/ledger/offerings/": OTHER_OFFERING,
    "/api/ledger/projects/": OTHER_PROJECT,
    "/api/marketplace-customer-usage/": OTHER_CONSUMER,
    "/api/marketplace-project-usage/": OTHER_PROJECT,
    "/api/marketplace-provider-offerings/": OTHER_OFFERING,
    "/api/marketplace-service-providers/": THEIR_PROVIDER,
}
"""What a uuid in a path names: a kind, or one of the others' objects."""

OTHER_PLACES = {
    "/api/docs/{file}": ("start.js", "start.js"),
    "/api/ledger/events/{position}/proof": ("{their position}", "{beyond}"),
    "/api/ledger/tile/{place}": ("0/000.p/2", "0/000.p/2"),
    "/api/ledger/tile/entries/{place}": ("000.p/2", "000.p/2"),
}
"""What else stands in paths: places of hashes are the same for all, and a page has no owner."""

KEYS: dict[str, list[tuple[Any, Any]]] = {
    "component": [(OTHER_CPU, NOTHING)],
    "component_usage": [("{usage}", NOTHING)],
    "name": [(f"{MARK}-1", f"{NOBODYS}-1")],
    "offering": [(OTHER_OFFERING, NOTHING)],
    "plan_period": [(THEIR_PERIOD, NOTHING)],
    "provider": [(OTHER_PROVIDER, NOTHING)],
    "resource": [(OTHER_RESOURCE, NOTHING)],
    "type": [(f"{MARK}-core", f"{NOBODYS}-core")],
    "user": [(person_url(THEIR_OFFERING_USER), person_url(NOTHING))],
    "username": [(f"{MARK}-ann", f"{NOBODYS}-ann")],
}
"""Keys of bodies that name objects."""

INSTEAD = {"provider": "offering"}
"""Keys that stand in place of others."""

OF_LIMITS = {"resource": [(resource_url(OTHER_RESOURCE), resource_url(NOTHING))]}

KEYS_THAT_NAME_NOTHING = {
    *("month", "note", "reports", "resources", "totals"),
    *("amount", "backend_type", "backend_version", "config_file_content", "config_file_path", "date"),
    *("dependencies", "description", "expect", "last_restarted", "limit", "missing_usage_policy", "mode"),
    *("package", "reason", "recurring", "ticket", "title", "usage", "usages", "version"),
}

BODIES: dict[str, Json] = {
    "ChangeMonth": {"offering": OFFERING, "month": "2026-08", "note": "Audited"},
    "ChangeUserUsageLimit": {"limit": "20.00"},
    "ComponentReport": {"resource": RESOURCE, "type": "cpu", "amount": "3.00"},
    "IdentityBody": {"offering": OFFERING, "name": "agent-1", "version": "1"},
    "IdentityChanges": {"version": "1"},
    "TakeStep": {},
    "ProcessorBody": {"name": "a", "backend_type": "slurm"},
    "ProposeCorrection": {"title": "Minutes", "reason": "Counted in minutes"}
    | {"items": [{"resource": RESOURCE, "type": "cpu", "amount": "3.00", "date": "2026-10-05"}]},
    "RejectCorrection": {"reason": "Of another ticket"},
    "RevertCorrection": {"reason": "The minutes were hours"},
    "SendManifest": {"offering": OFFERING, "month": "2026-08"}
    | {"reports": 1, "resources": 1, "totals": {"cpu": "1.00"}},
    "ServiceBody": {"name": "a"},
    "SetUsage": {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": "3.00"}]},
    "SetUserUsage": {"username": "ann", "usage": "1.00"},
    "SetUserUsages": {"usages": [{"username": "ann", "usage": "1.00"}]},
    "SetUserUsageLimit": {"resource": resource_url(RESOURCE), "component": CPU}
    | {"user": person_url(OFFERING_USER), "limit": "20.00"},
    "UserReport": {"username": "ann", "usage": "1.00", "resource": RESOURCE, "type": "cpu"},
}
"""A good body of each schema about what is ours, in which one key after the other names what is not."""


class Asking(NamedTuple):
    """All questions about two tenants."""

    tenants: Tenants
    places: dict[str, str]
    """Positions by the names that they have above."""

    @classmethod
    def about(cls, tenants: Tenants) -> Iterator[Question]:
        """Yield the questions of every route, with every parameter, key and header that it declares."""
        head = tenants.world.ledger.journal.max_notification_id()
        places = {"their position": str(tenants.their_position), "head": str(head), "beyond": "999999"}
        for route in routes(tenants.world.app):
            yield from cls(tenants, places).of_route(route)

    def of_route(self, route: Route) -> Iterator[Question]:
        """Yield the questions of a route."""
        names = route.taken.names | (OF_EVERY_GET if route.needs_token and route.method == "GET" else set())
        unknown = {each for each in names if each not in {*PAIRS, *OF_KINDS, *NAME_NOTHING}}
        assert not unknown, f"{route.path} takes parameters of which nobody said what they name"
        unknown = {each for each in headers_read(route) if each not in HEADERS}
        assert not unknown, f"{route.path} reads headers of which nobody said what they do"
        bodies: list[Json | None] = [*self._bodies(route)] or [None]
        for about, *paths in self._paths(route):
            about = f"{route.method} {route.path} {about}"
            yield Question.about_either(about, (self._ask(route, each, bodies[0]) for each in paths))
            for name in sorted(names):
                for value in self._nothing(name):
                    asks = [self._ask(route, each, bodies[0], (name, value)) for each in paths]
                    yield Question.about_either(f"{about}, {name}", asks, is_of_some=True)
            for name in headers_read(route):
                for value in HEADERS[name]:
                    asks = [
                        self._ask(route, each, bodies[0])._replace(headers=((name, value),)) for each in paths
                    ]
                    yield Question.about_either(f"{about}, {name}", asks, is_of_some=True)
        kept = self._kept(route)
        for name in sorted(names):
            for pair in self._pairs(route, name):
                asks = [self._ask(route, kept, bodies[0], (name, value)) for value in pair]
                yield Question.about_either(f"{route.method} {route.path}?{name}", asks)
            for value in self._nothing(name):
                asked = self._ask(route, kept, bodies[0], (name, value))
                yield Question(f"{route.method} {route.path}?{name}", asked, asked, is_of_some=True)
        for body in filter(None, bodies):
            for key, swapped in self._swapped(route, body):
                asks = [self._ask(route, kept, each) for each in swapped]
                yield Question.about_either(f"{route.method} {route.path} {{{key}}}", asks)

    def _ask(self, route: Route, path: str, body: Json | None, *query: tuple[str, str]) -> Ask:
        needed = tuple((name, value) for name, value in TOGETHER.get(route.path, {}).items())
        needed = tuple(each for each in needed if each[0] not in {name for name, _ in query})
        if body is not None and route.read and route.read.is_list:
            return Ask(route.method, path, needed + query, [body])
        return Ask(route.method, path, needed + query, body)

    def _kept(self, route: Route) -> str:
        """Return the path of what is ours, or of something that all may see."""
        if "{uuid}" in route.path:
            return route.path.replace("{uuid}", self._object(route, self.tenants.ours) or NOTHING)
        return next((nobodys for _, _, nobodys in self._paths(route)), route.path)

    def _object(self, route: Route, of: dict[str, str]) -> str | None:
        prefix = route.path.partition("{uuid}")[0]
        kind = PATHS[prefix]
        return of.get(kind) if kind in self.tenants.theirs else (kind if of is self.tenants.theirs else None)

    def _paths(self, route: Route) -> Iterator[tuple[str, str, str]]:
        """Yield paths to what the others have, and to what nobody has."""
        if "{uuid}" in route.path:
            theirs = self._object(route, self.tenants.theirs)
            assert theirs, f"{route.path} names something, and nobody said what"
            yield "by uuid", route.path.replace("{uuid}", theirs), route.path.replace("{uuid}", NOTHING)
        elif "{" in route.path:
            name = re.findall("{.*?}", route.path)[0]
            theirs, nobodys = (self._placed(each) for each in OTHER_PLACES[route.path])
            yield "by place", route.path.replace(name, theirs), route.path.replace(name, nobodys)

    def _placed(self, text: str) -> str:
        for name, value in chain(self.places.items(), self.tenants.theirs.items()):
            text = text.replace(f"{{{name}}}", value)
        return text

    def _nothing(self, name: str) -> list[str]:
        """Return values of a parameter that names nothing."""
        return [self._placed(each) for each in NAME_NOTHING.get(name, ())]

    def _pairs(self, route: Route, name: str) -> list[tuple[str, str]]:
        """Return values of a parameter that name what the others have, and what nobody has."""
        if name in OF_KINDS:
            return [(self.tenants.theirs[OF_KINDS[name]], NOTHING)]
        return OWN.get(route.path, {}).get(name, PAIRS.get(name, []))

    def _bodies(self, route: Route) -> Iterator[Json]:
        for schema in route.read.bodies if route.read else ():
            yield BODIES[type(schema).__name__]

    def _swapped(self, route: Route, body: Json) -> Iterator[tuple[str, tuple[Json, Json]]]:
        """Yield a body with one key after the other that names what is not ours."""
        assert route.read
        schema = next(each for each in route.read.bodies if BODIES[type(each).__name__] is body)
        yield from self._swapped_of(schema, route, body)

    def _swapped_of(
        self, schema: Schema, route: Route, body: Json
    ) -> Iterator[tuple[str, tuple[Json, Json]]]:
        for key, listed in keys_of(schema):
            if isinstance(schema.fields.get(key), CorrectionItems):
                yield from self._items_swapped(route, body, key)
                continue
            if key in KEYS_THAT_NAME_NOTHING:
                continue
            assert key in KEYS, f"{route.path} reads a key of which nobody said what it names: {key}"
            pairs = KEYS[key]
            if type(schema).__name__.endswith("UserUsageLimit"):
                pairs = OF_LIMITS.get(key, pairs)
            for pair in pairs:
                values = [self._placed(each) for each in pair]
                if listed:
                    theirs, nobodys = ({**body, listed: [body[listed][0] | {key: each}]} for each in values)
                else:
                    others = {name: each for name, each in body.items() if name != INSTEAD.get(key)}
                    theirs, nobodys = (others | {key: each} for each in values)
                yield key, (theirs, nobodys)

    def _items_swapped(
        self, route: Route, body: Json, listed: str
    ) -> Iterator[tuple[str, tuple[Json, Json]]]:
        """Yield a body with items of either kind, in which one key after the other names what is not ours."""
        for schema in (COMPONENT_REPORT, USER_REPORT):
            item = BODIES[type(schema).__name__] | {"date": "2026-10-05"}
            for key, (theirs, nobodys) in self._swapped_of(schema, route, item):
                yield f"{listed}.{key}", ({**body, listed: [theirs]}, {**body, listed: [nobodys]})


def keys_of(schema: Schema) -> Iterable[tuple[str, str]]:
    """Yield the keys of a body, and those of the objects that are listed in it, with the key of the list."""
    for name, field in schema.fields.items():
        yield name, ""
        if isinstance(field, Items):
            yield from ((inner, name) for inner in field.schema.fields)
