"""Hands the description of an entity to the ledger, from requests that register, change or remove one."""

from collections.abc import Callable
from typing import TypeVar

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.descriptions import describe, remove
from ledger.decisions.requests import Decision
from ledger.domain.catalogue import Entity, UserUsageLimit
from ledger.journal.transaction import JournalTransaction
from projections.lookups import catalogue
from projections.rows import digest
from web.request.authentication import caller, provenance
from web.request.idempotency import refuse_key
from web.request.services import services

E = TypeVar("E", bound=Entity)


def append_description(choose: Callable[[Cursor[DictRow]], E], *, is_locked: bool = False) -> E:
    """Append the description of the entity that `choose` returns, unless it is the last one of that entity.

    `choose` reads with a cursor on read models that are up to date, in the transaction that appends, and is
    called again where another writer was faster. `is_locked`: nobody else appends meanwhile, so that what it
    reads of other entities still holds. The fact says who asked. Raises what `choose` raises, BadHeader,
    Contended and Busy.
    """
    refuse_key()
    now, described_by, sent = services().clock(), caller().user_uuid, provenance()

    def decide(transaction: JournalTransaction) -> Decision[E]:
        entity = choose(transaction.cursor)
        known = catalogue.descriptions(transaction.cursor, [entity.stream])
        facts = describe([entity], known, [digest(entity)], now, "api", described_by, sent)
        return Decision(entity, facts)

    return services().handler.execute(decide, is_locked=is_locked)


def append_removal(choose: Callable[[Cursor[DictRow]], UserUsageLimit]) -> None:
    """Append the removal of the limit that `choose` returns, which is called as in `append_description`."""
    refuse_key()
    now, removed_by, sent = services().clock(), caller().user_uuid, provenance()

    def decide(transaction: JournalTransaction) -> Decision[None]:
        limit = choose(transaction.cursor)
        known = catalogue.descriptions(transaction.cursor, [limit.stream])
        return Decision(None, [remove(limit, known, now, "api", removed_by, sent)])

    services().handler.execute(decide)
