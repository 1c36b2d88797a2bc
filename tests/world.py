"""One small world that the tests of the API share: who there is, what they own, and what time it is.

The catalogue goes the way of any import, reports go through HTTP. Nothing is mocked but the clock, and
that only by passing another one in.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast, overload

import msgspec
from flask.testing import FlaskClient
from msgspec import Raw
from werkzeug.test import TestResponse

from ledger.events import Fact
from ledger.journal.ledger import Ledger
from ledger.journal.tree.keys import KeyFile
from projections.lookups import accounts
from projections.projector import Projector
from tests.declared import DeclaredClient
from web import create_app
from web.commands import tokens
from web.commands.audit import keys
from web.importer.importer import Summary, import_lists
from web.importer.structure import LISTS
from web.request.authentication import hash_of
from web.request.services import Services
from web.runtime.config import Settings
from web.runtime.database import open_ledger, prepare_database, projector_of

F = TypeVar("F", bound=Fact)

NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)


def uid(number: int) -> str:
    """A uuid that is easily told from others, as 32 hex digits."""
    return f"{number:032x}"


PROVIDER, CONSUMER, OTHER_CONSUMER, OTHER_PROVIDER = uid(0xC1), uid(0xC2), uid(0xC3), uid(0xC4)
SERVICE_PROVIDER = uid(0xD1)
PROJECT, SECOND_PROJECT, OTHER_PROJECT = uid(0xA1), uid(0xA2), uid(0xA3)
CATEGORY = uid(0xCA)
OFFERING, SECOND_OFFERING, OTHER_OFFERING = uid(0xF1), uid(0xF2), uid(0xF3)
CPU, GPU, SETUP, SUPPORT_FEE, SEATS = uid(0xE1), uid(0xE2), uid(0xE3), uid(0xE4), uid(0xE5)
SECOND_CPU, OTHER_CPU = uid(0xE6), uid(0xE7)
BASIC, PREMIUM, SECOND_PLAN, OTHER_PLAN = uid(0xB1), uid(0xB2), uid(0xB3), uid(0xB4)
RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE = uid(0x11), uid(0x12), uid(0x13)
OFFERING_USER = uid(0x31)

CATALOGUE: dict[str, list[dict[str, Any]]] = {
    "users": [
        {"uuid": uid(1), "username": "staff", "is_staff": True},
        {"uuid": uid(2), "username": "support", "is_support": True},
        {"uuid": uid(3), "username": "offering-manager"},
        {"uuid": uid(4), "username": "provider-owner"},
        {"uuid": uid(5), "username": "service-provider-manager"},
        {"uuid": uid(6), "username": "consumer-owner"},
        {"uuid": uid(7), "username": "project-admin"},
        {"uuid": uid(8), "username": "project-manager"},
        {"uuid": uid(9), "username": "project-member"},
        {"uuid": uid(10), "username": "stranger"},
        {"uuid": uid(11), "username": "customer-support"},
        {"uuid": uid(12), "username": "former-owner"},
    ],
    "customers": [
        {"uuid": PROVIDER, "name": "Provider"},
        {"uuid": CONSUMER, "name": "Consumer"},
        {"uuid": OTHER_CONSUMER, "name": "Other consumer"},
        {"uuid": OTHER_PROVIDER, "name": "Other provider"},
    ],
    "projects": [
        {"uuid": PROJECT, "name": "Project", "customer_uuid": CONSUMER},
        {"uuid": SECOND_PROJECT, "name": "Second project", "customer_uuid": CONSUMER},
        {"uuid": OTHER_PROJECT, "name": "Other project", "customer_uuid": OTHER_CONSUMER},
    ],
    "categories": [{"uuid": CATEGORY, "title": "HPC"}],
    "service_providers": [{"uuid": SERVICE_PROVIDER, "customer_uuid": PROVIDER}],
    "offerings": [
        {"uuid": OFFERING, "name": "Cluster", "type": "Marketplace.Slurm", "customer_uuid": PROVIDER},
        {"uuid": SECOND_OFFERING, "name": "Cloud", "type": "Marketplace.Basic", "customer_uuid": PROVIDER},
        {"uuid": OTHER_OFFERING, "name": "Elsewhere", "type": "Basic", "customer_uuid": OTHER_PROVIDER},
    ],
    "offering_components": [
        {"uuid": CPU, "offering_uuid": OFFERING, "type": "cpu", "name": "CPU", "measured_unit": "hours"},
        {
            "uuid": GPU,
            "offering_uuid": OFFERING,
            "type": "gpu",
            "name": "GPU",
            "measured_unit": "GPU hours",
            "billing_type": "limit",
        },
        {"uuid": SETUP, "offering_uuid": OFFERING, "type": "setup", "name": "Setup", "billing_type": "one"},
        {
            "uuid": SUPPORT_FEE,
            "offering_uuid": OFFERING,
            "type": "fee",
            "name": "Fee",
            "billing_type": "fixed",
        },
        {"uuid": SEATS, "offering_uuid": OFFERING, "type": "seats", "name": "Seats", "billing_type": "few"},
        {"uuid": SECOND_CPU, "offering_uuid": SECOND_OFFERING, "type": "cpu", "name": "vCPU"},
        {"uuid": OTHER_CPU, "offering_uuid": OTHER_OFFERING, "type": "cpu", "name": "Core"},
    ],
    "plans": [
        {"uuid": BASIC, "name": "Basic", "offering_uuid": OFFERING},
        {"uuid": PREMIUM, "name": "Premium", "offering_uuid": OFFERING},
        {"uuid": SECOND_PLAN, "name": "Default", "offering_uuid": SECOND_OFFERING},
        {"uuid": OTHER_PLAN, "name": "Default", "offering_uuid": OTHER_OFFERING},
    ],
    "resources": [
        {
            "uuid": RESOURCE,
            "name": "Resource",
            "offering_uuid": OFFERING,
            "project_uuid": PROJECT,
            "plan_uuid": BASIC,
            "created": "2026-01-01T00:00:00Z",
        },
        {
            "uuid": SECOND_RESOURCE,
            "name": "Second resource",
            "offering_uuid": SECOND_OFFERING,
            "project_uuid": SECOND_PROJECT,
            "plan_uuid": SECOND_PLAN,
            "created": "2026-01-01T00:00:00Z",
        },
        {
            "uuid": OTHER_RESOURCE,
            "name": "Other resource",
            "offering_uuid": OTHER_OFFERING,
            "project_uuid": OTHER_PROJECT,
            "plan_uuid": OTHER_PLAN,
            "created": "2026-01-01T00:00:00Z",
        },
    ],
    "offering_users": [
        {"uuid": OFFERING_USER, "offering_uuid": OFFERING, "user_uuid": uid(9), "username": "member01"}
    ],
    "user_roles": [
        {
            "uuid": uid(number),
            "user_uuid": uid(user),
            "role_name": role,
            "scope_type": scope,
            "scope_uuid": on,
        }
        | ({"is_active": False} if user == 12 else {})
        for number, user, role, scope, on in [
            (0x81, 3, "OFFERING.MANAGER", "marketplace.offering", OFFERING),
            (0x82, 4, "CUSTOMER.OWNER", "structure.customer", PROVIDER),
            (0x83, 5, "CUSTOMER.MANAGER", "marketplace.serviceprovider", SERVICE_PROVIDER),
            (0x84, 6, "CUSTOMER.OWNER", "structure.customer", CONSUMER),
            (0x85, 7, "PROJECT.ADMIN", "structure.project", PROJECT),
            (0x86, 8, "PROJECT.MANAGER", "structure.project", PROJECT),
            (0x87, 9, "PROJECT.MEMBER", "structure.project", PROJECT),
            (0x88, 11, "CUSTOMER.SUPPORT", "structure.customer", CONSUMER),
            (0x89, 12, "CUSTOMER.OWNER", "structure.customer", PROVIDER),
        ]
    ],
}

TOKENS: dict[str, str] = {}
"""A token of each user, in a database in which they were issued."""

USAGES = "/api/marketplace-component-usages/"
USER_USAGES = "/api/marketplace-component-user-usages/"


class World:
    """An open ledger with the catalogue above, the application on it, and a clock that stands still."""

    def __init__(self, conninfo: str, ledger: Ledger, projector: Projector) -> None:
        self.now = NOW
        self.conninfo, self.ledger, self.projector = conninfo, ledger, projector
        self.settings = settings_of(conninfo)
        self.services = Services(ledger, projector, lambda: self.now)
        self.configure()

    def configure(self, **options: Any) -> None:
        """Makes the application, or another one in its place: options as of `create_app`."""
        options.setdefault("max_body_bytes", self.settings.max_body_bytes)
        self.app = create_app(self.ledger, self.projector, clock=lambda: self.now, **options)
        self.app.test_client_class = DeclaredClient
        self._clients: dict[str, Client] = {}

    def sign_with(self, path: Path, *, origin: str = "", checkpoint_seconds: float = 1.0) -> str:
        """Has the world sign checkpoints with the key in a file, made first if it is not there.

        Returns the verifier key.
        """
        files = KeyFile(path)
        self.services = Services(
            self.ledger,
            self.projector,
            lambda: self.now,
            origin=origin,
            key_file=files,
            checkpoint_seconds=checkpoint_seconds,
        )
        if files.signer() is None:
            keys.create(self.services)
        self.configure(key_file=files, origin=origin, checkpoint_seconds=checkpoint_seconds)
        signer = files.signer()
        assert signer
        return signer.verifier_key

    def as_(self, username: str) -> "Client":
        """A client with a token of this user's."""
        if username not in self._clients:
            token = TOKENS.get(username)
            with self.services.reading() as cursor:
                known = token and accounts.credentials(cursor, hash_of(token))
            self._clients[username] = self.client(token if token and known else self.token_of(username))
        return self._clients[username]

    def client(self, token: str) -> "Client":
        return Client(self.app.test_client(), {"Authorization": f"Token {token}"})

    def token_of(self, username: str) -> str:
        """A new token."""
        return tokens.create(self.services, tokens.user_named(self.services, username), days=None)

    def issue_tokens(self) -> None:
        """Gives everybody a token, for the databases that are copied from this one."""
        TOKENS.update({user["username"]: self.token_of(user["username"]) for user in CATALOGUE["users"]})

    @property
    def anonymous(self) -> "Client":
        return Client(self.app.test_client(), {})

    def describe(self, **lists: list[dict[str, Any]]) -> Summary:
        """Imports lists in the structure format."""
        return import_lists(as_lists(lists), self.services)

    def report(self, *, by: str = "staff", **body: Any) -> TestResponse:
        """Reports usage of RESOURCE, unless told otherwise."""
        if "plan_period" not in body:
            body.setdefault("resource", RESOURCE)
        return self.as_(by).post(f"{USAGES}set_usage/", body)

    def report_user(self, usage_uuid: str, *, by: str = "staff", **body: Any) -> TestResponse:
        """Reports one user's share of a component usage."""
        return self.as_(by).post(f"{USAGES}{usage_uuid}/set_user_usage/", body)

    def usages(self, **query: Any) -> list[dict[str, Any]]:
        """The first page of component usages that staff sees."""
        rows = self.as_("staff").get(USAGES, **query).get_json()
        return cast("list[dict[str, Any]]", rows)

    def user_usages(self, **query: Any) -> list[dict[str, Any]]:
        """The first page of user usages that staff sees."""
        rows = self.as_("staff").get(USER_USAGES, **query).get_json()
        return cast("list[dict[str, Any]]", rows)

    @overload
    def facts(self) -> list[Fact]: ...

    @overload
    def facts(self, kind: type[F]) -> list[F]: ...

    def facts(self, kind: type[Any] = Fact) -> list[Any]:
        """All facts of a kind, in the order of the journal."""
        return [fact for _, fact in self.ledger.facts_after(0, 1_000_000) if isinstance(fact, kind)]


class Client:
    """Talks to the application in the way of an HTTP client with a token."""

    def __init__(self, client: FlaskClient, headers: Mapping[str, str]) -> None:
        self._client, self._headers = client, dict(headers)

    @property
    def authorization(self) -> str:
        return self._headers["Authorization"]

    def get(self, path: str, **query: Any) -> TestResponse:
        return self._client.get(path, query_string=query, headers=self._headers)

    def head(self, path: str, **query: Any) -> TestResponse:
        return self._client.head(path, query_string=query, headers=self._headers)

    def post(self, path: str, body: Any) -> TestResponse:
        return self._client.post(path, json=body, headers=self._headers)

    def send(self, method: str, path: str, **arguments: Any) -> TestResponse:
        """Any request: arguments as of werkzeug's EnvironBuilder."""
        headers = {**self._headers, **arguments.pop("headers", {})}
        return self._client.open(path, method=method, headers=headers, **arguments)


def as_lists(lists: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[Raw]]:
    return {name: [Raw(msgspec.json.encode(each)) for each in lists.get(name, [])] for name in LISTS}


@contextmanager
def open_world(database_url: str, zone: str = "UTC") -> Iterator[World]:
    """The world on a database in which the catalogue is already."""
    settings = settings_of(database_url, zone)
    conninfo = prepare_database(database_url, settings)
    with closing(open_ledger(conninfo, settings)) as ledger:
        yield World(conninfo, ledger, projector_of(ledger))


def settings_of(url: str, zone: str = "UTC", **variables: str) -> Settings:
    """Settings on a database; `variables` are further ones of the environment."""
    return Settings.from_environment({"LEDGER_DATABASE_URL": url, "LEDGER_TIME_ZONE": zone} | variables)


def plain_headers(response: TestResponse) -> dict[str, str]:
    """Headers but for those that every answer has, which `tests/request/test_conditional.py` is about."""
    headers = dict(response.headers)
    assert int(headers.pop("Ledger-Position")) >= 0
    headers.pop("ETag", None)
    return headers
