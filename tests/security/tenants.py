"""Two tenants in one ledger: those of `tests/world.py`, who ask, and others, whom they must not notice.

All that the others have has MARK in its names, and FIGURE in its figures: so nothing of it can be in an
answer unseen. Their uuids are `their(…)`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from flask.testing import FlaskClient

from ledger.domain.access import TokenUses
from tests.agents.registering import register, register_processor, register_service
from tests.api.monthly import entity
from tests.request.freshness import position_of
from tests.world import (
    BASIC,
    CONSUMER,
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
    PROVIDER,
    RESOURCE,
    USAGES,
    Client,
    World,
    open_world,
    uid,
)
from web.commands import tokens

MARK, FIGURE = "zanzibar", "98765"
NOBODYS = "qanzibar"
"""As long as MARK, and nothing is called so."""

NOTHING, NOTHING_ELSE = uid(0xDEAD0000DEAD), uid(0xDEAD0000BEEF)
"""Uuids of nothing."""


def their(number: int) -> str:
    return uid(0xF00D00000000 + number)


THEIR_CATEGORY, THEIR_PROVIDER, THEIR_PARENT = their(0xCA), their(0xD1), their(0xF0)
THEIR_USER, THEIR_OFFERING_USER, THEIR_PERIOD = their(1), their(0x31), their(0x98)
THEIRS = {
    *(OTHER_CONSUMER, OTHER_PROVIDER, OTHER_PROJECT, OTHER_OFFERING, OTHER_RESOURCE, OTHER_PLAN, OTHER_CPU),
    *(THEIR_CATEGORY, THEIR_PROVIDER, THEIR_PARENT, THEIR_USER, THEIR_OFFERING_USER, THEIR_PERIOD),
    *(their(number) for number in (2, 0x97, *range(0x80, 0x83))),
}

KEY = "the month of November"
"""An Idempotency-Key that one of them has used."""

ROLES: dict[str, tuple[str, TokenUses, str | None]] = {
    "stranger": ("stranger", "all", None),
    "project member": ("project-member", "all", None),
    "project manager": ("project-manager", "all", None),
    "project admin": ("project-admin", "all", None),
    "owner": ("consumer-owner", "all", None),
    "customer support": ("customer-support", "all", None),
    "former owner": ("former-owner", "all", None),
    "provider": ("provider-owner", "all", None),
    "offering manager": ("offering-manager", "all", None),
    "service manager": ("service-provider-manager", "all", None),
    "auditor": ("auditor", "all", None),
    "provider, to read": ("provider-owner", "read", None),
    "provider, to report": ("provider-owner", "report", None),
    "provider, of one offering": ("provider-owner", "all", OFFERING),
    "staff, of one offering": ("staff", "all", OFFERING),
    "support, of one offering": ("support", "all", OFFERING),
    "staff, to report for one offering": ("staff", "report", OFFERING),
}
"""Those who ask: by what they are, whose token it is, what for, and for which offering alone."""

SEE_ALL = {"staff", "support"}
"""To whom nobody is foreign."""


class Tenants(NamedTuple):
    """The world with both, the uuids of what both have by kind, and a client of each role."""

    world: World
    ours: dict[str, str]
    theirs: dict[str, str]
    clients: dict[str, Client]
    their_position: int
    """Of a fact of the others."""

    @property
    def uuids(self) -> set[str]:
        """Return the uuids of all that the others have."""
        return {*THEIRS, *self.theirs.values()}


@contextmanager
def two_tenants(url: str) -> Iterator[Tenants]:
    """Yield both, in a database with the catalogue of `tests/world.py`."""
    with open_world(url) as world:
        world.describe(**_described())
        ours = _used(world, RESOURCE, "cpu", "7", "ann", "agent", OFFERING)
        theirs = _used(world, OTHER_RESOURCE, f"{MARK}-core", FIGURE, f"{MARK}-ann", MARK, OTHER_OFFERING)
        ours |= {"limit": uid(0x97), "offering user": OFFERING_USER}
        theirs |= {"limit": their(0x97), "offering user": THEIR_OFFERING_USER}
        body = {"resource": OTHER_RESOURCE, "usages": [{"type": f"{MARK}-core", "amount": f"{FIGURE}.50"}]}
        their_client = world.client(world.token_of(f"{MARK}-owner"))
        for offering, note in ((OFFERING, "Ours"), (OTHER_OFFERING, MARK)):
            month = {"offering": offering, "month": "2026-09", "note": note}
            assert world.as_("staff").post("/api/ledger/months/close/", month).status_code == 201
            manifest = {"reports": 0, "resources": 0, "totals": {}}
            assert world.as_("staff").post("/api/ledger/manifests/", month | manifest).status_code == 201
        ours["correction"] = _corrected(world, world.as_("provider-owner"), RESOURCE, "cpu", "7", "Ours")
        theirs["correction"] = _corrected(world, their_client, OTHER_RESOURCE, f"{MARK}-core", FIGURE, MARK)
        asked = their_client.send("POST", f"{USAGES}set_usage/", json=body, headers={"Idempotency-Key": KEY})
        assert asked.status_code == 201, asked.text
        clients = {name: _client(world, *of) for name, of in ROLES.items()}
        yield Tenants(world, ours, theirs, clients, position_of(asked))


def _corrected(world: World, by: Client, resource: str, kind: str, amount: str, title: str) -> str:
    """Correct what a resource used in October. Returns the correction's uuid."""
    items = [{"resource": resource, "type": kind, "date": "2026-10-05", "amount": f"{amount}.30"}]
    said = {"title": title, "reason": f"Reason of {title}", "ticket": f"{title}-7", "items": items}
    done = by.post("/api/ledger/corrections/", said)
    assert done.status_code == 201, done.text
    uuid: str = done.get_json()["uuid"]
    for step in ("approve", "apply"):
        done = world.as_("staff").post(f"/api/ledger/corrections/{uuid}/{step}/", {})
        assert done.status_code == 200, done.text
    return uuid


def _client(world: World, username: str, uses: TokenUses, offering: str | None) -> Client:
    """Return a client with a token. Its answers are not held to the description, which takes long."""
    user, at = tokens.user_named(world.services, username), UUID(offering) if offering else None
    token = tokens.create(world.services, user, None, uses=uses, offering_uuid=at)
    return Client(FlaskClient(world.app), {"Authorization": f"Token {token}"})


def _described() -> dict[str, list[dict[str, Any]]]:
    """Return the lists of what the others have, one of each kind, and of what our catalogue lacks."""
    return {
        "customers": [
            entity("customers", OTHER_CONSUMER, name=f"{MARK} customer"),
            entity("customers", OTHER_PROVIDER, name=f"{MARK} provider"),
        ],
        "projects": [entity("projects", OTHER_PROJECT, name=f"{MARK} project")],
        "categories": [{"uuid": THEIR_CATEGORY, "title": f"{MARK} category"}],
        "service_providers": [{"uuid": THEIR_PROVIDER, "customer_uuid": OTHER_PROVIDER}],
        "offerings": [
            {"uuid": THEIR_PARENT, "name": f"{MARK} parent", "customer_uuid": OTHER_PROVIDER},
            entity("offerings", OTHER_OFFERING, name=f"{MARK} offering", type=f"{MARK}.Type")
            | {"category_uuid": THEIR_CATEGORY, "parent_uuid": THEIR_PARENT, "project_uuid": OTHER_PROJECT},
        ],
        "offering_components": [
            {"uuid": OTHER_CPU, "offering_uuid": OTHER_OFFERING, "type": f"{MARK}-core", "name": MARK}
        ],
        "plans": [entity("plans", OTHER_PLAN, name=f"{MARK} plan")],
        "plan_components": [{"plan_uuid": OTHER_PLAN, "component_uuid": OTHER_CPU, "price": FIGURE}],
        "resources": [
            entity("resources", OTHER_RESOURCE, name=f"{MARK} resource", slug=f"{MARK}-slug")
            | {"backend_id": f"{MARK}-backend", "limits": {f"{MARK}-core": int(FIGURE)}}
        ],
        "resource_plan_periods": [
            {"uuid": THEIR_PERIOD, "resource_uuid": OTHER_RESOURCE, "plan_uuid": OTHER_PLAN}
            | {"start": "2026-01-01T00:00:00Z"},
            {"uuid": uid(0x98), "resource_uuid": RESOURCE, "plan_uuid": BASIC},
        ],
        "users": [
            {"uuid": THEIR_USER, "username": f"{MARK}-owner"},
            {"uuid": their(2), "username": f"{MARK}-member"},
            {"uuid": uid(14), "username": "auditor"},
        ],
        "offering_users": [
            {"uuid": THEIR_OFFERING_USER, "offering_uuid": OTHER_OFFERING, "user_uuid": their(2)}
            | {"username": f"{MARK}-ann"},
        ],
        "user_roles": [
            {"uuid": their(0x80 + number), "user_uuid": user, "role_name": role}
            | {"scope_type": f"structure.{scope}", "scope_uuid": on}
            for number, (user, role, scope, on) in enumerate(
                (
                    (THEIR_USER, "CUSTOMER.OWNER", "customer", OTHER_PROVIDER),
                    (THEIR_USER, "CUSTOMER.OWNER", "customer", OTHER_CONSUMER),
                    (their(2), "PROJECT.MEMBER", "project", OTHER_PROJECT),
                    (uid(14), "AUDITOR", "customer", CONSUMER),
                    (uid(14), "AUDITOR", "customer", PROVIDER),
                )
            )
        ],
        "component_user_usage_limits": [
            {"uuid": their(0x97), "resource_uuid": OTHER_RESOURCE, "component_uuid": OTHER_CPU}
            | {"offering_user_uuid": THEIR_OFFERING_USER, "limit": 98765098},
            {"uuid": uid(0x97), "resource_uuid": RESOURCE, "component_uuid": CPU}
            | {"offering_user_uuid": OFFERING_USER, "limit": 500},
        ],
    }


def _used(
    world: World, resource: str, kind: str, amount: str, name: str, agent: str, offering: str
) -> dict[str, str]:
    """Report usage of a resource, thrice, and register an agent. Returns the uuids by kind."""
    for date, figure in (("2026-10-05", f"{amount}.10"), ("2026-11-02", f"{amount}.20")):
        body = {"type": kind, "amount": figure, "description": f"of {agent}"}
        assert world.report(resource=resource, date=date, usages=[body]).status_code == 201
    lowered = {"type": kind, "amount": f"{amount}.00", "description": f"of {agent}"}
    assert world.report(resource=resource, date="2026-11-03", usages=[lowered]).status_code == 201
    (usage,) = world.usages(resource_uuid=resource, billing_period="2026-11-01")
    assert world.report_user(usage["uuid"], username=name, usage=f"{amount}.00").status_code == 201
    (shown,) = world.user_usages(resource_uuid=resource)
    of_agent = {"name": f"{agent}-1", "version": f"{agent}-2", "config_file_path": agent}
    identity = register(world, offering=offering, **of_agent).get_json()["uuid"]
    service = register_service(world, identity, name=f"{agent}-3", mode=f"{agent}-4").get_json()["uuid"]
    of_processor = {"name": f"{agent}-5", "backend_type": f"{agent}-6", "backend_version": f"{agent}-7"}
    processor = register_processor(world, service, **of_processor).get_json()["uuid"]
    return {
        "usage": usage["uuid"],
        "user usage": shown["uuid"],
        "identity": identity,
        "service": service,
        "processor": processor,
        "resource": resource,
    }
