"""The service with the demo catalogue, and what is asked of it for the examples of the API's description.

A new route is asked by itself, with the objects of OBJECTS in its path. A new parameter needs a line in
PARAMETERS. `python -m tests.docs.examples` then records the answers, and says what is missing.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from ledger.journal.tree.keys import KeyFile
from tests.world import settings_of
from web import create_app
from web.commands import demo, tokens
from web.commands.audit import keys
from web.request.services import Services
from web.runtime.database import open_ledger, prepare_database, projector_of

ORIGIN = "usage-ledger/demo"

NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)


def uuid_of(number: int) -> str:
    """A uuid of the demo catalogue."""
    return f"0000000000004000800000000000{number:04d}"


RESOURCE, OFFERING, CPU, GPU = uuid_of(701), uuid_of(501), uuid_of(511), uuid_of(512)
CUSTOMER, PROVIDER, PROJECT = uuid_of(102), uuid_of(101), uuid_of(201)
OFFERING_USER, PLAN_PERIOD, AGENT_USER = uuid_of(901), uuid_of(911), uuid_of(3)

MORE: dict[str, list[dict[str, Any]]] = {
    "offering_users": [
        {
            "uuid": OFFERING_USER,
            "offering_uuid": OFFERING,
            "user_uuid": AGENT_USER,
            "username": "ann",
        }
    ],
    "resource_plan_periods": [
        {"uuid": PLAN_PERIOD, "resource_uuid": RESOURCE, "plan_uuid": uuid_of(601)},
    ],
}
"""What the demo catalogue has not, and some routes are about."""

PARAMETERS: dict[str, Any] = {
    "accept": "application/json",
    "after": 5,
    "as_of": "2026-11-15T12:00:00Z",
    "atomic": False,
    "backend_id": "hpc_sea_ice",
    "backend_type": "slurm",
    "backend_version": "23.02",
    "billing_period": "2026-11-01",
    "billing_period_month": 11,
    "billing_period_year": 2026,
    "billing_type": "usage",
    "category_uuid": uuid_of(301),
    "component_type": "cpu",
    "component_usage__billing_period": "2026-11-01",
    "created": "2026-01-01T00:00:00Z",
    "created_before": "2027-01-01T00:00:00Z",
    "customer_uuid": CUSTOMER,
    "date_after": "2026-11-01",
    "date_before": "2026-11-30",
    "dry_run": True,
    "end": "2026-11",
    "field": ["uuid"],
    "format": "json",
    "from": 1,
    "group_by": "resource",
    "by_month": False,
    "identity_uuid": "",
    "include_terminated": True,
    "is_closed": True,
    "is_restricted": False,
    "jump": 10,
    "kind": "fell",
    "last_restarted": "2026-11-15T12:00:00Z",
    "limit": 1,
    "limit_based": True,
    "matches": True,
    "min_position": 20,
    "missing_usage_policy": ["none"],
    "mode": "report",
    "most": 8,
    "modified": "2026-01-01T00:00:00Z",
    "modified_after": "2026-01-01T00:00:00Z",
    "modified_before": "2027-01-01T00:00:00Z",
    "name": "sea",
    "name_exact": "sea-ice",
    "offering_type": "Marketplace.Slurm",
    "offering_uuid": OFFERING,
    "page": 1,
    "page_size": 1,
    "parent_offering_uuid": OFFERING,
    "parent_uuid": OFFERING,
    "period_offset": 0,
    "plan_uuid": uuid_of(601),
    "project_name": "ice",
    "project_uuid": PROJECT,
    "proposed_by_uuid": uuid_of(1),
    "provider_uuid": PROVIDER,
    "resource": f"/api/marketplace-resources/{RESOURCE}/",
    "resource_uuid": RESOURCE,
    "service_uuid": "",
    "slug": "sea-ice",
    "start": "2026-01",
    "timestamp": "2026-11-15T12:00:00Z",
    "to": 20,
    "type": "cpu",
    "usage_based": True,
    "user_uuid": AGENT_USER,
    "user_username": "demo-reader",
    "username": "ann",
    "version": "1.0.7",
    "wait": 0,
    "Prefer": "handling=strict",
    "If-None-Match": '"0123456789abcdef0123456789abcdef"',
    "Idempotency-Key": '"sea-ice 2026-11"',
    "Ledger-Expect": 20,
    "Ledger-Reason": "jobs that ended after midnight",
    "Content-Encoding": "identity",
    "X-Request-ID": "0b2f7c1e",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}
"""A value of each parameter that is one of the demo catalogue's, by name."""

PATHS: dict[str, dict[str, Any]] = {
    "/api/ledger/events/{position}/proof": {"position": 5},
    "/api/ledger/tile/{place}": {"place": "0/000.p/2"},
    "/api/ledger/tile/entries/{place}": {"place": "000.p/2"},
    "/api/docs/{file}": {"file": "start.js"},
}
"""What stands in a path that is not the uuid of an object."""

OWN: dict[str, dict[str, Any]] = {
    "/api/marketplace-provider-offerings/": {
        "type": ["Marketplace.Slurm"],
        "name": "Borealis",
        "name_exact": "Borealis cluster",
    },
}
"""Parameters that mean something else on a route than on others."""

TOO_LARGE = {"/api/schema/", "/api/docs/", "/api/docs/{file}"}
"""Answers that are no example: the description itself, and its page."""


@contextmanager
def demo_service(url: str, folder: Path) -> Iterator["Demo"]:
    """The service on an empty database, which gets the demo catalogue."""
    settings = settings_of(url)
    conninfo = prepare_database(url, settings)
    with closing(open_ledger(conninfo, settings)) as ledger:
        projector, key = projector_of(ledger), KeyFile(folder / "signing-key")
        services = Services(ledger, projector, lambda: NOW, origin=ORIGIN, key_file=key)
        demo.load_if_empty(services)
        keys.create(services)
        app = create_app(
            ledger,
            projector,
            max_body_bytes=100_000,
            clock=lambda: NOW,
            origin=ORIGIN,
            key_file=key,
        )
        yield Demo(url, app.test_client(), services)


class Demo:
    """The demo's service, asked by its staff."""

    def __init__(self, url: str, client: FlaskClient, services: Services) -> None:
        self.url, self.now = url, NOW
        self.client, self.services, self.app = client, services, client.application
        self.token = tokens.create(services, demo.STAFF, days=1)
        self.headers = {"Authorization": f"Token {self.token}"}

    def token_of(self, username: str) -> str:
        """A token of another user of the demo."""
        return tokens.create(self.services, tokens.user_named(self.services, username), days=1)

    def get(self, path: str, **query: Any) -> Any:
        """The values of what staff is answered."""
        response = self.client.get(path, query_string=query, headers=self.headers)
        assert response.status_code == 200, response.data
        return response.get_json()
