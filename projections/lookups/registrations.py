"""Looks up what agents registered."""

from typing import TypeVar
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from ledger.domain.agents import AgentIdentity, AgentProcessor, AgentService
from ledger.domain.catalogue import Entity

E = TypeVar("E", bound=Entity)

TABLES: dict[type[Entity], str] = {
    AgentIdentity: "agent_identity",
    AgentService: "agent_service",
    AgentProcessor: "agent_processor",
}
SELECT = {
    kind: SQL("SELECT to_json(t)::text AS value FROM {} t WHERE uuid = %(uuid)s").format(Identifier(table))
    for kind, table in TABLES.items()
}


def registered(cursor: Cursor[DictRow], kind: type[E], uuid: UUID) -> E | None:
    """Return an agent, a service or a processor as it was last described, None if there is none."""
    row = cursor.execute(SELECT[kind], {"uuid": uuid}).fetchone()
    return None if row is None else msgspec.json.decode(row["value"], type=kind)
