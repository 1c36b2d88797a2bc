"""Takes manifests, of requests and from files, and compares them with what stands."""

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
from projections.lookups.catalogue import offerings
from projections.queries.billing.manifests import MANIFESTS
from projections.queries.billing.standing import standing
from web.request.references import check_keys
from web.request.services import Services
from web.wire.billing.manifests import MANIFEST, SEND_MANIFEST
from web.wire.billing.months import NOT_YET
from web.wire.body import (
    MOST_TOLD,
    NON_FIELD,
    Found,
    LoadContext,
    Loading,
    from_json,
    not_a_dictionary,
    only_once,
    unknown,
)
from web.wire.fields import uuid_of

Check = Callable[[Cursor[DictRow]], None]
"""Raises what the sender may not do."""


class Sending(NamedTuple):
    """A manifest, and who sends it."""

    manifest: Manifest
    sent_by: UUID | None = None
    source: Source = "command-line"
    provenance: Provenance = NOBODY_KNOWN


def manifest_in(services: Services, text: bytes) -> Manifest:
    """Return the manifest that a JSON text is, in the way of a request.

    Raises MalformedBody, ValidationError.
    """
    body = from_json(text, only_once)
    if not isinstance(body, dict):
        raise ValidationError({NON_FIELD: [not_a_dictionary(body)]})
    check_keys(SEND_MANIFEST, body)
    uuid = uuid_of(body.get("offering"))
    with services.deciding() as cursor:
        found = Found(offerings=offerings(cursor, [uuid] if uuid else []))
    with Loading(LoadContext(zone=services.ledger.zone, now=services.clock(), found=found)):
        manifest: Manifest = SEND_MANIFEST.load(body)
    return manifest


def nobody_asks(_: Cursor[DictRow]) -> None:
    """Do nothing: whoever runs commands may send manifests."""


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


def manifest_at(services: Services, position: int) -> dict[str, Any]:
    """Return the manifest of a fact, as the endpoint answers it."""
    with services.reading() as cursor:
        row, _ = MANIFESTS.one(cursor, MANIFEST.columns, {"position": position}, None)
    assert row, "it is kept"
    found: dict[str, Any] = orjson.loads(row)
    return found


def manifests(services: Services) -> Iterator[dict[str, Any]]:
    """Yield all manifests, the latest first, as the endpoint answers them."""
    services.projector.catch_up()
    with services.reading() as cursor, cursor.connection.transaction():
        yield from map(orjson.loads, MANIFESTS.every_row(cursor.connection, MANIFEST.columns, {}))
