"""Takes manifests, and compares them with what stands."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from marshmallow import ValidationError
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.billing.manifests import manifest_sent, same_again
from ledger.decisions.requests import Decision
from ledger.domain.billing.manifests import Manifest
from ledger.domain.months import month_of
from ledger.domain.provenance import NOBODY_KNOWN, Provenance
from ledger.events import ManifestSent, Source
from ledger.journal.transaction import JournalTransaction
from projections.queries.billing.manifests import MANIFESTS
from projections.queries.billing.standing import standing
from web.request.billing.months import NOT_YET
from web.request.services import Services
from web.wire.billing.manifests import MANIFEST
from web.wire.body import MOST_TOLD, unknown

Check = Callable[[Cursor[DictRow]], None]
"""Raises what the sender may not do."""


class Sending(NamedTuple):
    """A manifest, and who sends it."""

    manifest: Manifest
    sent_by: UUID | None = None
    source: Source = "command-line"
    provenance: Provenance = NOBODY_KNOWN


def send_manifest(services: Services, sending: Sending, check: Check) -> tuple[int, bool]:
    """Compare a manifest with what stands, and keep it, unless the sender's last one says the same of that.

    Returns the position of the manifest, and whether it is a new one. `check` is called again where another
    writer was faster. Raises what it raises, ValidationError for a month of the future or types that the
    offering does not have, Contended and Busy.
    """
    manifest = sending.manifest
    if manifest.month > month_of(services.clock(), services.ledger.zone):
        raise ValidationError({"month": [NOT_YET]})

    def decide(transaction: JournalTransaction) -> Decision[tuple[int, bool]]:
        check(transaction.cursor)
        found = standing(transaction.cursor, manifest.offering_uuid, manifest.month)
        if strangers := [name for name in manifest.stated.totals if name not in found.component_types]:
            raise ValidationError({"totals": _strangers(strangers, found.component_types)})
        earlier = [
            (position, fact)
            for position, fact in transaction.facts_since(0, [manifest.stream])
            if isinstance(fact, ManifestSent)
        ]
        if (position := same_again(manifest, found, earlier, sending.sent_by)) is not None:
            return Decision((position, False))
        about = (sending.source, sending.sent_by, sending.provenance)
        fact = manifest_sent(manifest, found, earlier, services.clock(), *about)
        return Decision((0, True), [fact], conclude=lambda _, positions: ((positions[0], True), ()))

    return services.handler.execute(decide)


def _strangers(names: list[str], known: frozenset[str]) -> dict[str, list[str]]:
    return {name: [unknown("component type", name, known)] for name in names[:MOST_TOLD]}


def manifests(services: Services, restrictions: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Yield all manifests, or those that are asked for, the latest first, as the endpoint answers them."""
    services.projector.catch_up()
    with services.reading() as cursor, cursor.connection.transaction():
        rows = MANIFESTS.every_row(cursor.connection, MANIFEST.columns, restrictions or {})
        yield from map(orjson.loads, rows)
