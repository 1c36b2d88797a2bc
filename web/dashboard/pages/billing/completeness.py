"""Whether all that is expected of a month is there, and the manifests that were sent of it."""

from typing import Any

from flask import Response, request

from web.dashboard.asking import Answer
from web.dashboard.frame import here, linked, page, page_asked_for, pages, show
from web.dashboard.lists import MONTH, OFFERING, PAGE_ROWS, POSITION, PROVIDER
from web.dashboard.months import before, month_named
from web.dashboard.tables import Column, Pager, Row, Table
from web.request.audit.past import AS_OF
from web.wire.billing.rows import done_by

blueprint = pages("completeness")

FILTERS = ("offering_uuid", "provider_uuid", "jump")

OF_MANIFESTS = ("offering_uuid", "provider_uuid", "billing_period", "matches")


def figures(key: str, kind: str) -> Column:
    """Return the column of how many figures are suspect in this way, which leads to them."""

    def url(row: Row) -> str | None:
        month = {"billing_period": row["billing_period"][:7], "offering_uuid": row["offering_uuid"]}
        asked = {"kind": kind, "jump": request.args.get("jump")}
        return linked("lists.listing", name="suspect-figures", **month, **asked) if row[kind] else None

    return Column(key, kind, "count", url)


def silent_of(row: Row) -> str | None:
    """Return the URL of the resources without a report, None where there are none."""
    month = {"billing_period": row["billing_period"][:7], "offering_uuid": row["offering_uuid"]}
    return linked("lists.listing", name="silent-resources", **month) if row["resources_silent"] else None


def manifests_of(row: Row) -> str | None:
    """Return the URL of the manifests of an offering's month, None where none was sent."""
    month = {"billing_period": row["billing_period"][:7], "offering_uuid": row["offering_uuid"]}
    return linked("completeness.manifests", **month) if row["manifests"] else None


COLUMNS = (
    OFFERING,
    Column("Complete", "complete"),
    Column("Month", "closed"),
    Column("Expected", "resources_expected", "count"),
    Column("Reported", "resources_reported", "count"),
    Column("Silent", "resources_silent", "count", silent_of),
    figures("Fell", "fell"),
    figures("Jumped", "jumped"),
    figures("Differ from users", "differs_from_users"),
    Column("Carried over", "carried_over", "count"),
    Column("Manifests", "manifests", "count", manifests_of),
    Column("The last one", "last"),
    PROVIDER,
)

MANIFESTS = (
    MONTH,
    OFFERING,
    Column("Sent", "sent_at", "moment"),
    Column("By", "by"),
    Column("Held when sent", "matched"),
    Column("Holds now", "holds"),
    Column("Differences", "told", "texts"),
    Column("Note", "note"),
    POSITION,
)


@page(blueprint, "/completeness/", *FILTERS, "billing_period", "page", AS_OF)
def completeness() -> Response:
    """Show a month, by default the one before this one: the one that is invoiced."""
    month, number = month_named("billing_period") or before(here().month), page_asked_for()
    answer = _asked("ledger/completeness/", number, FILTERS, billing_period=f"{month:%Y-%m}")
    rows = [*map(_row, answer.data)]
    return show(
        "completeness.html",
        month=month,
        table=Table("By offering", COLUMNS, answer, rows, "There is no offering."),
        pager=Pager(number, PAGE_ROWS, answer.total),
        position=answer.position,
    )


@page(blueprint, "/manifests/", *OF_MANIFESTS, "page", AS_OF)
def manifests() -> Response:
    number = page_asked_for()
    answer = _asked("ledger/manifests/", number, OF_MANIFESTS)
    rows = [*map(_manifest, answer.data)]
    return show(
        "manifests.html",
        table=Table("What was said to be sent", MANIFESTS, answer, rows, "No manifest was sent."),
        pager=Pager(number, PAGE_ROWS, answer.total),
        position=answer.position,
    )


def _asked(path: str, number: int, names: tuple[str, ...], **more: str) -> Answer:
    filters = {name: request.args.get(name) for name in names} | more
    return here().asker.ask(path, **filters, page=number if number > 1 else None, page_size=PAGE_ROWS)


def _row(row: Row) -> dict[str, Any]:
    last = row["last_manifest"]
    held = "holds" if last and last["still_holds"] else "differs" if last else None
    return {
        **row,
        "complete": _yes(row["is_complete"]),
        "closed": "closed" if row["is_closed"] else "open",
        "last": held,
    }


def _manifest(row: Row) -> dict[str, Any]:
    told = [
        f"{each['name']}: {each['stated'] or 'nothing'} was stated, {each['standing']} stands"
        for each in row["differences"]
    ]
    return {
        **row,
        "by": done_by(row["sent_by"], row["source"]),
        "matched": _yes(row["matches"]),
        "holds": _yes(row["still_holds"]),
        "told": told,
    }


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
