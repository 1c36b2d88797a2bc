"""Rebuilding read models."""

from projections.rebuild import Rebuild
from tests.world import (
    World,
)
from web.commands.carry_over import carry_into, plan_of


def rebuild_of(world: World, batch: int = 5_000) -> Rebuild:
    return Rebuild(world.ledger.pool, world.ledger.facts_after, batch=batch)


def carried(world: World) -> object:
    return sum(
        carry_into(month, world.services, lambda _name, _usage: None)
        for month in plan_of(None, world.services).months
    )
