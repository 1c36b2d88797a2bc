"""/api/ledger/months/: months of offerings that somebody closed, and what has moved in them since.

A closed month takes no reports, of staff neither, and nothing is carried over into it. Nothing is closed by
itself. Whoever may report for an offering closes its months, and auditors see them; for all others there are
none.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import ValidationError
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.access import READ_FACTS, SET_USAGE
from ledger.errors import NotPermitted, WrongStep
from projections.lookups.catalogue import offerings_of
from projections.queries.billing.months import MONTHS
from projections.queries.list_query import Scopes
from web.api.pages import page_of
from web.request.authentication import caller, identify_again, provenance
from web.request.billing.months import MonthChange, change_month
from web.request.idempotency import refuse_key
from web.request.pipeline import api
from web.request.references import load
from web.request.services import current, services
from web.wire.billing.bodies import CHANGE_MONTH
from web.wire.billing.filters import MONTHS_QUERY
from web.wire.billing.rows import BILLING_MONTH
from web.wire.fields import no_such
from web.wire.rendering import answers, json_bytes, raises, reads

blueprint = api("ledger_months", "/api/ledger/months")


def vouching() -> Scopes:
    """Return whose months the caller may see: those that they may report into, or audit; None for all."""
    who = caller()
    if who.sees_all:
        return None
    return {
        "providers": [
            provider
            for permission in (SET_USAGE, READ_FACTS)
            for provider in who.providers_with(permission)
            if provider
        ],
        "offerings": who.scopes("offering", SET_USAGE),
    }


blueprint.add_url_rule("/", "index", page_of(MONTHS, MONTHS_QUERY, BILLING_MONTH, scopes=vouching))


@blueprint.post("/close/")
@reads(CHANGE_MONTH)
@answers(BILLING_MONTH, 200, 201, is_list=True)
@raises(WrongStep)
def close() -> Response:
    return _change(is_closed=True)


@blueprint.post("/reopen/")
@reads(CHANGE_MONTH)
@answers(BILLING_MONTH, 201, is_list=True)
@raises(WrongStep)
def reopen() -> Response:
    return _change(is_closed=False)


def _change(*, is_closed: bool) -> Response:
    """Return the rows of the months that are meant: 201 where one was changed, 200 where all were so."""
    refuse_key()
    values, _ = load(CHANGE_MONTH)
    change = MonthChange(
        values["month"], is_closed, values.get("note", ""), caller().user_uuid, "api", provenance()
    )
    offerings, changed = change_month(services(), change, partial(_offerings, values))
    restrictions = {"billing_period": change.month, "offerings": list(offerings)}
    with services().reading() as cursor:
        found = MONTHS.page(cursor, BILLING_MONTH.columns, restrictions, None, limit=None)
    current().end = found.end
    return json_bytes(found.rows, 201 if changed else 200)


def _offerings(values: dict[str, Any], cursor: Cursor[DictRow]) -> Sequence[UUID]:
    """Return the offerings that a body means.

    Raises NotPermitted, ValidationError, Unauthenticated, Contended.
    """
    identify_again(services().projector.shared_position.known().described)
    if offering := values.get("offering"):
        if not caller().may_report(offering["offering_uuid"], offering["provider_uuid"]):
            raise NotPermitted
        return [offering["offering_uuid"]]
    provider = values["provider"]
    found = offerings_of(cursor, provider)
    who = caller()
    if not found or not (who.sees_all or provider in who.providers):
        raise ValidationError({"provider": [no_such(provider.hex)]})
    if not (who.is_staff or provider in who.providers_with(SET_USAGE)):
        raise NotPermitted
    return found
