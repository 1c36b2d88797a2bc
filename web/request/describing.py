"""Hands the description of an entity to the ledger, where requests or commands make, change or remove one."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.descriptions import describe, remove
from ledger.decisions.requests import Decision
from ledger.domain.catalogue import Entity, UserUsageLimit
from ledger.domain.provenance import NOBODY_KNOWN, Provenance
from ledger.events import Fact, Source
from ledger.journal.transaction import JournalTransaction
from projections.lookups import catalogue
from projections.rows import digest
from web.request.authentication import caller, identify_again, provenance
from web.request.idempotency import refuse_key
from web.request.services import services
from web.wire.urls import root_url

E = TypeVar("E", bound=Entity)


def append_description(choose: Callable[[Cursor[DictRow]], E], *, is_locked: bool = False) -> E:
    """Append the description of the entity that `choose` returns, unless it is the last one of that entity.

    `choose` reads with a cursor on read models that are up to date, in the transaction that appends, and is
    called again where another writer was faster. `is_locked`: nobody else appends meanwhile, so that what it
    reads of other entities still holds. The fact says who asked. Raises what `choose` raises, BadHeader,
    UnusableHost, Contended and Busy.
    """
    refuse_key()
    root_url()  # the answer has links: where none can be made, nothing is to be stored
    now, described_by, sent = services().clock(), caller().user_uuid, provenance()

    def decide(transaction: JournalTransaction) -> Decision[E]:
        identify_again(services().projector.shared_position.known().described)
        entity = choose(transaction.cursor)
        facts = described(entity, transaction.cursor, now, "api", described_by, sent)
        return Decision(entity, facts)

    return services().handler.execute(decide, is_locked=is_locked)


def described(
    entity: Entity,
    cursor: Cursor[DictRow],
    now: datetime,
    source: Source,
    described_by: UUID | None = None,
    provenance: Provenance = NOBODY_KNOWN,
) -> list[Fact]:
    """Return the description of an entity as a fact, none if it is the last one of that entity."""
    known = catalogue.descriptions(cursor, [entity.stream])
    return describe([entity], known, [digest(entity)], now, source, described_by, provenance)


def append_removal(choose: Callable[[Cursor[DictRow]], UserUsageLimit]) -> None:
    """Append the removal of the limit that `choose` returns, which is called as in `append_description`."""
    refuse_key()
    now, removed_by, sent = services().clock(), caller().user_uuid, provenance()

    def decide(transaction: JournalTransaction) -> Decision[None]:
        identify_again(services().projector.shared_position.known().described)
        limit = choose(transaction.cursor)
        known = catalogue.descriptions(transaction.cursor, [limit.stream])
        return Decision(None, [remove(limit, known, now, "api", removed_by, sent)])

    services().handler.execute(decide)
