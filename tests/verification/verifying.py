"""Verifying, and changing what is not to be changed."""

from contextlib import suppress
from typing import LiteralString

import psycopg
from psycopg import sql

from projections.projector import ProjectingFailed
from projections.verification.verification import Verified
from tests.world import World
from web.commands.audit.verify import verification_of


def verified(world: World, to: int | None = None) -> tuple[Verified, list[str]]:
    """Verify without noting the result."""
    lines: list[str] = []
    with suppress(ProjectingFailed):
        world.projector.catch_up()
    result = verification_of(world.services, lambda finding: lines.append(finding.line)).run(to)
    assert result.differences == len(lines)
    return result, lines


def execute(world: World, statement: LiteralString, *names: str) -> int:
    """Execute a statement with names in it, as an operator may, and return how many rows it was about."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        return connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names))).rowcount
