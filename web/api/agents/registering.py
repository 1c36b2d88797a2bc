"""What registrations of agents, services and processors have in common.

To register again describes the same thing anew: an agent that never got the answer to its first attempt gets
it with the next one. An unchanged description is not appended again.
"""

from typing import TypeVar

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.agents import AgentIdentity, AgentProcessor, AgentService
from ledger.domain.catalogue import Entity
from ledger.errors import NotFound, NotPermitted
from projections.lookups.catalogue import offerings
from projections.lookups.registrations import registered
from projections.queries.list_query import ListQuery
from web.request.authentication import caller, visible
from web.request.describing import append_description
from web.wire.fields import uuid_of

E = TypeVar("E", bound=Entity)


def named(cursor: Cursor[DictRow], query: ListQuery, kind: type[E], uuid: str) -> E:
    """Return what a path names. Raises NotFound if there is no such thing that the caller sees.

    Both take one query, so that it can't be told from the time which it was.
    """
    wanted = uuid_of(uuid)
    is_seen = wanted and query.count(cursor, {"uuid": wanted}, visible())
    found = registered(cursor, kind, wanted) if wanted and is_seen else None
    if found is None:
        raise NotFound(kind.__name__)
    return found


def check_right(cursor: Cursor[DictRow], identity: AgentIdentity) -> None:
    """Raise NotPermitted if the caller may not register for an agent."""
    offering = offerings(cursor, [identity.offering_uuid])[identity.offering_uuid]
    if not caller().may_report(identity.offering_uuid, offering["provider_uuid"]):
        raise NotPermitted


def register(entity: AgentService | AgentProcessor) -> bool:
    """Append the description of a service or a processor, and return whether it is a new one."""
    is_new = True

    def choose(cursor: Cursor[DictRow]) -> AgentService | AgentProcessor:
        nonlocal is_new
        is_new = registered(cursor, type(entity), entity.uuid) is None
        return entity

    append_description(choose)
    return is_new
