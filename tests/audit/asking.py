"""All GETs that there are, derived from the application's routes, and asked of two ledgers."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import psycopg
from flask import Flask
from flask.testing import FlaskClient
from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier
from werkzeug.test import TestResponse

from ledger.domain.agents import AgentIdentity, AgentService
from tests.agents.registering import IDENTITY, SERVICE
from tests.conftest import database
from tests.world import (
    BASIC,
    CATEGORY,
    CONSUMER,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    open_world,
    uid,
)
from web.wire.declared.parameters import TAKEN
from web.wire.fields import uuid_of

AS_OF = "as_of"

OF_THE_TREE = {
    "/api/ledger/checkpoint": "what is signed",
    "/api/ledger/consistency": "sizes of the tree",
    "/api/ledger/tile/<path:place>": "hashes, by place",
    "/api/ledger/tile/entries/<path:place>": "the journal, by place",
    "/api/ledger/events/<position>/proof": "the journal, by position",
}
"""The GETs that prove something, which `tests/tree` is about."""

OF_NOW = {
    **OF_THE_TREE,
    "/api/": "a map of the API",
    "/api/docs/": "a page",
    "/api/docs/<file>": "what it loads",
    "/api/schema/": "the API",
    "/api/version/": "the software",
    "/api/users/me/": "who asks, now",
    "/api/ledger/events/": "the journal, by position",
}
"""The GETs that have no past, and what they show."""

OFFERING_UUID = uuid_of(OFFERING)
assert OFFERING_UUID
AGENT = AgentIdentity.uuid_of(OFFERING_UUID, str(IDENTITY["name"]))
DAY = "2026-11-15T12:00:00Z"

VALUES: dict[str, list[str]] = {
    "backend_id": ["b2"],
    "backend_type": ["slurm"],
    "backend_version": ["1.0.7"],
    "billing_period": ["2026-10-01", "2026-11"],
    "billing_period_month": ["11"],
    "billing_period_year": ["2026"],
    "billing_type": ["usage", "limit"],
    "category_uuid": [CATEGORY],
    "component_type": ["cpu"],
    "component_usage__billing_period": ["2026-11-01"],
    "created": [DAY],
    "created_before": [DAY],
    "customer_uuid": [CONSUMER, PROVIDER],
    "date_after": ["2026-11-05"],
    "date_before": ["2026-11-05"],
    "end": ["2026-11"],
    "from": ["60", "2026-11-01T00:00:00Z"],
    "group_by": ["resource", "project", "customer", "offering", "user", "component"],
    "by_month": ["false", "true"],
    "identity_uuid": [AGENT.hex],
    "include_terminated": ["true"],
    "is_closed": ["true"],
    "jump": ["1.01"],
    "kind": ["fell"],
    "matches": ["true"],
    "is_restricted": ["false"],
    "last_restarted": [str(IDENTITY["last_restarted"])],
    "limit_based": ["true"],
    "missing_usage_policy": ["reuse", "none"],
    "mode": ["report"],
    "most": ["1", "100"],
    "modified": [DAY],
    "modified_after": [DAY],
    "modified_before": [DAY],
    "name": ["e"],
    "name_exact": ["Cluster"],
    "o": [
        *("-usage", "billing_period", "missing_usage_policy", "username", "component_usage__billing_period"),
        *(
            "-usage_percent",
            "total_allocated",
            "-name",
            "state",
            "-delta",
            "usage_after",
            "customer_name",
            "project_name",
            "type",
        ),
        *("plan_name", "-offering_name", "modified", "usage", "-usage_before", "figures", "provider_name"),
    ],
    "offering_type": ["Marketplace.Slurm"],
    "offering_uuid": [OFFERING, SECOND_OFFERING],
    "page": ["2", "last"],
    "page_size": ["1", "3", "300"],
    "parent_offering_uuid": [SECOND_OFFERING],
    "parent_uuid": [SECOND_OFFERING],
    "period_offset": ["-1"],
    "plan_uuid": [BASIC],
    "project_name": ["o"],
    "project_uuid": [PROJECT, SECOND_PROJECT],
    "proposed_by_uuid": [uid(4)],
    "provider_uuid": [PROVIDER],
    "resource": [f"http://localhost/api/marketplace-resources/{RESOURCE}/"],
    "resource_uuid": [RESOURCE],
    "service_uuid": [AgentService.uuid_of(AGENT, SERVICE["name"]).hex],
    "slug": ["s2"],
    "start": ["2026-10"],
    "state": ["OK", "Terminated", "Active", "1", "applied", "proposed"],
    "timestamp": [DAY, "2026-12-01T00:00:00Z"],
    "to": ["64", "2026-11-02T00:00:00Z"],
    "type": ["cpu", "Marketplace.Slurm"],
    "usage_based": ["true"],
    "user_username": ["project-member"],
    "user_uuid": [uid(9)],
    "username": ["ann", "member01"],
    "version": ["1.0.7"],
}
"""Values of every parameter that a GET takes."""

NEEDED: dict[str, dict[str, str]] = {
    "/api/ledger/diff/": {"from": "0"},
    "/api/ledger/diff-totals/": {"from": "0"},
    "/api/ledger/exports/focus/": {"billing_period": "2026-11"},
    "/api/ledger/completeness/": {"billing_period": "2026-11"},
    "/api/ledger/completeness/figures/": {"billing_period": "2026-11"},
}
"""Parameters without which nothing is answered."""

TOGETHER: list[dict[str, str]] = [
    {"start": "2026-10", "end": "2026-12"},
    {"page": "2", "page_size": "2"},
    {"offering_uuid": OFFERING, "billing_period": "2026-11-01", "o": "-usage"},
    {"customer_uuid": CONSUMER, "offering_uuid": OFFERING},
    {"offering_uuid": OFFERING, "component_type": "gpu", "include_terminated": "true"},
    {"offering_uuid": OFFERING, "period_offset": "-1"},
    {"group_by": "resource", "most": "1", "page_size": "300"},
    {"group_by": "resource", "most": "1", "by_month": "false"},
    {"group_by": "project", "resource_uuid": RESOURCE},
    {"customer_uuid": CONSUMER, "provider_uuid": PROVIDER},
]

OBJECTS = {
    "marketplace-project-usage": [PROJECT, SECOND_PROJECT, OTHER_PROJECT],
    "marketplace-customer-usage": [CONSUMER, OTHER_CONSUMER, PROVIDER, OTHER_PROVIDER],
    "marketplace-resources": [RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE],
}
"""Objects that no list of the same path has."""

ROLES = (
    *("staff", "support", "provider-owner", "offering-manager", "service-provider-manager"),
    *("consumer-owner", "customer-support", "project-admin", "project-member", "stranger"),
)


class Question(NamedTuple):
    """A GET, without the position that it is asked of."""

    path: str
    query: tuple[tuple[str, str], ...] = ()


class Asked:
    """An application, asked by users as whom a ledger knows them now."""

    def __init__(self, app: Flask, world: World) -> None:
        self._client, self._world = FlaskClient(app), world

    def get(self, question: Question, by: str, **more: Any) -> TestResponse:
        headers = {"Authorization": self._world.as_(by).authorization}
        query = {name: str(value) for name, value in [*question.query, *more.items()]}
        return self._client.get(question.path, query_string=query, headers=headers)


def rules(app: Flask) -> list[tuple[str, frozenset[str], frozenset[str]]]:
    """Every path that has a past, with the parameters and the columns that it takes."""
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.rule.startswith("/api/") and rule.rule not in OF_NOW:
            taken = TAKEN[app.view_functions[rule.endpoint]]
            found.append((rule.rule, taken.names, taken.columns))
    return sorted(found)


def uuids_of(world: World, rule: str, positions: Iterable[int]) -> list[str]:
    """Some objects that a path may name, now or at one of these positions, and one that is none."""
    collection = rule.split("/")[2]
    found = dict.fromkeys(OBJECTS.get(collection, ()))
    if not found:
        asked = Asked(world.app, world)
        for position in positions:
            rows = asked.get(Question(rule.partition("<")[0]), "staff", page_size=300, as_of=position)
            found |= dict.fromkeys(row["uuid"] for row in rows.get_json())
        assert found, f"there must be something at {rule}"
    return [*list(found)[:4], uid(0xDEAD)]


def least(world: World, rule: str, positions: Iterable[int]) -> list[Question]:
    """The least that can be asked of a path: of some objects where it names one, with what it needs."""
    uuids = uuids_of(world, rule, positions) if "<" in rule else [""]
    needed = tuple(NEEDED.get(rule, {}).items())
    return [Question(re.sub("<.*?>", uuid, rule), needed) for uuid in uuids]


def questions(world: World, positions: Iterable[int]) -> list[Question]:
    """Everything that can be asked, with every parameter of every path."""
    found, asked = [], Asked(world.app, world)
    for rule, names, columns in rules(world.app):
        queries = [{name: value} for name in names & VALUES.keys() for value in VALUES[name]]
        queries += [each for each in TOGETHER if each.keys() <= names]
        if columns:
            queries.append({"field": sorted(columns)[0]})
        known = least(world, rule, positions)
        first = known[0].path
        for query in queries:
            query = NEEDED.get(rule, {}) | query
            question = Question(first, tuple(sorted(query.items())))
            if asked.get(question, "staff").status_code != 400:
                known.append(question)
        forgotten = names - {AS_OF} - {name for each in known for name, _ in each.query}
        assert not forgotten, f"{rule} takes parameters without a value that it accepts"
        found += known
    return found


PREVIEWED = ("uuid", "usage_now", "usage_after", "delta", "has_moved", "errors")


def without_previews(body: bytes) -> bytes:
    """Return an answer without what would become of the figures of a correction, which is told of now alone.

    Where a figure was new when it was proposed, that is told of the past: it has no uuid to be found by.
    """
    if b'"has_moved"' not in body:
        return body
    correction = orjson.loads(body)
    if correction["state"] in ("proposed", "approved"):
        for each in correction["items"]:
            for name in PREVIEWED:
                del each[name]
    return orjson.dumps(correction)


LINK_AS_OF = re.compile("as_of=[^&>]*&?")


def told(response: TestResponse) -> dict[str, Any]:
    """Return what an answer says, but for its tag and the position that it was asked of.

    Whoever may not ask is told so before it is known of when.
    """
    headers = response.headers
    links = LINK_AS_OF.sub("", headers.get("Link", "")).replace("?>", ">").replace("&>", ">")
    return {
        "status": response.status_code,
        "body": without_previews(response.data),
        "type": headers.get("Content-Type"),
        "count": headers.get("X-Result-Count"),
        "links": links,
        "position": headers["Ledger-Position"] if response.status_code != 403 else None,
    }


class Replayed:
    """A ledger of its own into which a journal is copied, fact by fact: it knows nothing of what came later.

    It asks the first ledger who its callers are and what they may see, as rights are those of now.
    """

    def __init__(self, world: World, original: World) -> None:
        self._world, self._original, self._position = world, original, 0
        world.app.extensions["usage-ledger"].credentials = original.services.credentials
        self.asked = Asked(world.app, original)

    def forward(self, position: int, recorded_at: datetime) -> None:
        """Go on to where a fact is the last one, at the time at which it was recorded."""
        new = SQL("notification_id > {} AND notification_id <= {}").format(self._position, position)
        with (
            psycopg.connect(self._original.conninfo) as source,
            psycopg.connect(self._world.conninfo) as sink,
        ):
            copied(source, sink, "person", SQL("uuid NOT IN (SELECT uuid FROM journal.person)"))
            copied(source, sink, "ledger_events", new)
        self._position, self._world.now = position, recorded_at
        assert self._world.projector.catch_up() == position


def copied(source: Connection[Any], sink: Connection[Any], table: str, condition: Composable) -> None:
    """Copy rows of a table of the journal which are not there yet."""
    names = {"table": Identifier("journal", table), "condition": condition}
    sink.execute(SQL("CREATE TEMPORARY TABLE copied (LIKE {table})").format(**names))
    with (
        source.cursor().copy(SQL("COPY {table} TO STDOUT").format(**names)) as rows,
        sink.cursor().copy("COPY copied FROM STDIN") as into,
    ):
        for block in rows:
            into.write(block)
    sink.execute(SQL("INSERT INTO {table} SELECT * FROM copied WHERE {condition}").format(**names))
    sink.execute("DROP TABLE copied")


@contextmanager
def replayed(server: str, empty_template: str, original: World) -> Iterator[Replayed]:
    """An empty ledger to copy the journal of another one into."""
    with database(server, empty_template) as url, open_world(url) as world:
        yield Replayed(world, original)
