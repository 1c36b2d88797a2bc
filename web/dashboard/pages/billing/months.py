"""Months that were closed, by whom and why, and what has moved in them since."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from flask import Response, request

from ledger.domain.access import SET_USAGE
from web.dashboard.asking import Answer
from web.dashboard.frame import here, linked, page, page_asked_for, pages, show
from web.dashboard.lists import FIRST_ROWS, MONTH, OFFERING, PAGE_ROWS, POSITION, PROVIDER
from web.dashboard.months import before
from web.dashboard.tables import Column, Pager, Row, Table
from web.dashboard.writing.forms import EMPTY, Form
from web.request.audit.past import AS_OF
from web.wire.billing.rows import done_by

blueprint = pages("months")

PATH = "ledger/months/"

FILTERS = ("offering_uuid", "provider_uuid", "billing_period", "is_closed")

STATES = {"": "closed or open", "true": "closed", "false": "opened again"}
"""By what the API takes for `is_closed`."""

NEVER = "No month was closed."


def moved_since(row: Row) -> str | None:
    """Return the URL of what has moved in a closed month since, None where nothing has."""
    if not row["figures_moved"]:
        return None
    month = {"offering_uuid": row["offering_uuid"], "billing_period": row["billing_period"]}
    return linked("compare.compare", **{"from": row["position"]}, **month)


OF_ONE = (
    MONTH,
    Column("State", "state"),
    Column("Since", "changed_at", "moment"),
    Column("By", "by"),
    Column("Note", "note"),
    Column("Closed", "closed_at", "moment"),
    Column("Closed by", "closed_by"),
    Column("Closed with", "closed_note"),
    Column("Figures moved", "figures_moved", "count", moved_since),
    Column("Of users", "user_figures_moved", "count"),
    POSITION,
)

OF_ALL = (MONTH, OFFERING, *OF_ONE[1:], PROVIDER)


class Closing(NamedTuple):
    """The months of an offering, or of a provider's offerings, and the form that closes one of them."""

    table: Table
    form: Form
    is_offered: bool
    month: str
    """Which one the form begins with: the month before this one."""
    of_all: bool
    """Is it of all of a provider's offerings?"""
    restricts: Mapping[str, str]
    """The filter of lists to it."""


@page(blueprint, "/months/", *FILTERS, "page", AS_OF)
def months() -> Response:
    number = page_asked_for()
    filters = {name: request.args.get(name) for name in FILTERS}
    answer = here().asker.ask(PATH, **filters, page=number if number > 1 else None, page_size=PAGE_ROWS)
    return show(
        "months.html",
        table=Table("Months that were closed", OF_ALL, answer, _rows(answer), NEVER),
        pager=Pager(number, PAGE_ROWS, answer.total),
        states=STATES,
        position=answer.position,
    )


def closing(kind: str, named: Row, form: Form = EMPTY) -> Closing | None:
    """Return the months of an offering or a provider, None of others, and where they are not the reader's.

    Whoever has sent the form is told what the API has against it.
    """
    if kind not in ("offerings", "providers") or not (form.step or here().vouches):
        return None
    of_all = kind == "providers"
    restricts = {"provider_uuid" if of_all else "offering_uuid": named["uuid"]}
    answer = here().asker.ask(PATH, **restricts, page_size=FIRST_ROWS)
    more = linked("months.months", **restricts) if answer.total > FIRST_ROWS else ""
    columns = OF_ALL[:-1] if of_all else OF_ONE
    return Closing(
        Table("Closed months", columns, answer, _rows(answer), NEVER, more),
        form,
        bool(form.step) or (here().may_change and _may_close(kind, named)),
        f"{before(here().month):%Y-%m}",
        of_all,
        restricts,
    )


def _may_close(kind: str, named: Row) -> bool:
    """Return whether the API would let the reader close a month here."""
    who = here().caller
    if kind == "providers":
        return who.is_staff or UUID(named["uuid"]) in who.providers_with(SET_USAGE)
    return who.may_report(UUID(named["uuid"]), UUID(named["provider_uuid"]))


def closer(row: Row) -> str | None:
    """Return who closed a month, also once it is open again."""
    return done_by(row["closed_by"], row["closed_source"]) if row["closed_at"] else None


def _rows(answer: Answer) -> list[dict[str, Any]]:
    return [
        each
        | {
            "state": STATES["true" if each["is_closed"] else "false"],
            "by": done_by(each["changed_by"], each["source"]),
            "closed_by": closer(each),
        }
        for each in answer.data
    ]
