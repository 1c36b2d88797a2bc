"""Tells commands whether all that is expected of a month is there."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from marshmallow import Schema

from projections.queries.billing.completeness import COMPLETENESS
from projections.queries.billing.suspects import SUSPECT_FIGURES
from projections.queries.list_query import ListQuery
from web.request.services import Services
from web.wire.billing import completeness as wire
from web.wire.body import LoadContext, Loading
from web.wire.responses.schemas import RowSchema


def completeness(services: Services, asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the offerings of which there is something to tell, as the endpoint answers them.

    `asked` are its parameters. Raises ValidationError.
    """
    return _rows(services, COMPLETENESS, wire.COMPLETENESS, wire.COMPLETENESS_QUERY, asked)


def suspect_figures(services: Services, asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the figures that somebody should look at, in the same way. Raises ValidationError."""
    return _rows(services, SUSPECT_FIGURES, wire.SUSPECT_FIGURE, wire.SUSPECT_FIGURES_QUERY, asked)


def _rows(
    services: Services, query: ListQuery, row: RowSchema, schema: Schema, asked: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    with Loading(LoadContext(zone=services.ledger.zone, now=services.clock())):
        restrictions = schema.load(asked)
    services.projector.catch_up()
    return _read(services, query, row, restrictions)


def _read(
    services: Services, query: ListQuery, row: RowSchema, restrictions: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    with services.reading() as cursor, cursor.connection.transaction():
        yield from map(orjson.loads, query.every_row(cursor.connection, row.columns, restrictions))
