"""Hands the description of an entity to the ledger, from requests that register or change one."""

from collections.abc import Callable
from typing import TypeVar

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.descriptions import describe
from ledger.decisions.requests import Decision
from ledger.domain.catalogue import Entity
from ledger.journal.transaction import JournalTransaction
from projections.lookups import catalogue
from projections.rows import digest
from web.request.authentication import caller, provenance
from web.request.services import services

E = TypeVar("E", bound=Entity)


def append_description(choose: Callable[[Cursor[DictRow]], E]) -> E:
    """Append the description of the entity that `choose` returns, unless it is the last one of that entity.

    `choose` reads with a cursor on read models that are up to date, in the transaction that appends, and is
    called again where another writer was faster. The fact says who asked. Raises what `choose` raises,
    Contended and Busy.
    """
    now, described_by, sent = services().clock(), caller().user_uuid, provenance()

    def decide(transaction: JournalTransaction) -> Decision[E]:
        entity = choose(transaction.cursor)
        known = catalogue.descriptions(transaction.cursor, [entity.stream])
        facts = describe([entity], known, [digest(entity)], now, "api", described_by, sent)
        return Decision(entity, facts)

    return services().handler.execute(decide)
