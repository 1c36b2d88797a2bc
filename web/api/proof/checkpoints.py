"""/api/ledger/checkpoint: what the ledger has signed of its tree. It signs anew where that is too old."""

from typing import Any

from flask import Response, request
from marshmallow import Schema

from ledger.errors import NoSigningKey
from ledger.journal.tree.checkpoints import Kept, newest, of_size
from web.request.pipeline import api
from web.request.services import services
from web.wire.audit.proofs import CHECKPOINT_QUERY
from web.wire.declared.parameters import takes
from web.wire.errors import Missing
from web.wire.parameters import last_of
from web.wire.rendering import TEXT, answers_with, raises

blueprint = api("ledger_checkpoint", "/api/ledger")


@blueprint.get("/checkpoint")
@takes(CHECKPOINT_QUERY)
@answers_with(TEXT)
@raises(Missing)
def checkpoint() -> Response:
    return Response(checkpoint_asked_for().note, content_type=TEXT)


def checkpoint_asked_for() -> Kept:
    """Return the checkpoint of the size in the query, or the newest, which a replica has from its primary.

    Raises ValidationError, Missing, NoSigningKey, SigningRefused.
    """
    size = query_of(CHECKPOINT_QUERY)["size"]
    if size is None and services().replica is None:
        return services().signing.checkpoint(services().clock())
    with services().reading() as cursor:
        kept = newest(cursor) if size is None else of_size(cursor, size)
    if kept is None and size is None:
        raise NoSigningKey
    if kept is None:
        raise Missing(f"No checkpoint of {size} facts was kept.")
    return kept


def query_of(schema: Schema) -> dict[str, Any]:
    """Return what the query says. Raises ValidationError by parameter."""
    names = [field.data_key or name for name, field in schema.fields.items()]
    found: dict[str, Any] = schema.load({name: last_of(name) for name in names if name in request.args})
    return found
