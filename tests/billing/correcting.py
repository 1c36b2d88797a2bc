"""Corrections over the API: Ann, `provider-owner`, proposes, and `offering-manager` is the second person."""

from typing import Any

from werkzeug.test import TestResponse

from tests.world import RESOURCE, World

CORRECTIONS = "/api/ledger/corrections/"
PROPOSER, SECOND = "provider-owner", "offering-manager"

WRONG = {"detail": "Who proposed a correction does not approve it: a second person who may report it does."}


def item(amount: str = "50", **changes: Any) -> dict[str, Any]:
    """Return an item about cpu in October, unless told otherwise."""
    return {"resource": RESOURCE, "type": "cpu", "date": "2026-10-05", "amount": amount} | changes


def of_user(username: str = "ann", usage: str = "4", **changes: Any) -> dict[str, Any]:
    """Return an item about a user's share of gpu in October, unless told otherwise."""
    item = {"resource": RESOURCE, "type": "gpu", "username": username, "usage": usage, "date": "2026-10-05"}
    return item | changes


def shares(world: World) -> dict[str, str]:
    return {row["username"]: row["usage"] for row in world.user_usages()}


def propose(world: World, *items: dict[str, Any], by: str = PROPOSER, **words: Any) -> TestResponse:
    body = {"title": "Minutes", "reason": "Counted in minutes", "items": items or [item()], **words}
    return world.as_(by).post(CORRECTIONS, body)


def proposed(world: World, *items: dict[str, Any], **words: Any) -> str:
    """Return the uuid of a proposal."""
    done = propose(world, *items, **words)
    assert done.status_code == 201, done.text
    uuid: str = done.get_json()["uuid"]
    return uuid


def take(world: World, uuid: str, step: str, by: str = SECOND, **body: Any) -> TestResponse:
    return world.as_(by).post(f"{CORRECTIONS}{uuid}/{step}/", body)


def applied(world: World, *items: dict[str, Any], second: str = SECOND, **words: Any) -> str:
    """Return the uuid of a correction that was proposed, approved and applied."""
    uuid = proposed(world, *items, **words)
    for step in ("approve", "apply"):
        done = take(world, uuid, step, by=second)
        assert done.status_code == 200, done.text
    return uuid


def reject(world: World, uuid: str, by: str = SECOND) -> TestResponse:
    return take(world, uuid, "reject", by, reason="Of another ticket")


def revert(world: World, uuid: str, by: str = PROPOSER, **words: Any) -> TestResponse:
    return take(world, uuid, "revert", by, **({"reason": "The minutes were hours"} | words))


def reverted(world: World, uuid: str, second: str = SECOND) -> str:
    """Return the uuid of the correction that put back another one, which was applied."""
    done = revert(world, uuid)
    assert done.status_code == 201, done.text
    back: str = done.get_json()["uuid"]
    for step in ("approve", "apply"):
        done = take(world, back, step, by=second)
        assert done.status_code == 200, done.text
    return back


def shown(world: World, uuid: str, by: str = "staff", **query: Any) -> Any:
    return world.as_(by).get(f"{CORRECTIONS}{uuid}/", **query).get_json()


def october(world: World, amount: str = "5", kind: str = "cpu", resource: str = RESOURCE) -> None:
    """Report what stands before the correction."""
    done = world.report(resource=resource, date="2026-10-05", usages=[{"type": kind, "amount": amount}])
    assert done.status_code == 201, done.text
