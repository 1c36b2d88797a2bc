"""What lists of the API are shown as tables, each on a page of its own and the first rows of it on others."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flask import request

from web.dashboard.asking import Answer
from web.dashboard.frame import here, linked, page_asked_for
from web.dashboard.tables import Column, Pager, Row, Table

PAGE_ROWS = 50
FIRST_ROWS = 10


class Listed(NamedTuple):
    """A list: its title, where the API has it, its columns, and the filters that a page of it takes."""

    title: str
    path: str
    columns: Sequence[Column]
    filters: Sequence[str] = ()
    empty: str = "None."
    of_month: bool = False
    """Is it of one month, by default the current one?"""


def figure_of(row: Row) -> str | None:
    """Return the URL of the page of a row's figure."""
    return linked("figure_pages.figure", uuid=row["uuid"])


def scope_of(kind: str, key: str = "uuid") -> Callable[[Row], str | None]:
    """Return what leads from a row to the page of the project, or other kind, that a key names."""

    def url(row: Row) -> str | None:
        return linked("scope_pages.scope", kind=kind, uuid=row[key]) if row.get(key) else None

    return url


def fact_of(row: Row) -> str | None:
    """Return the URL of the page of the fact at a row's position, None where it has none."""
    return linked("figure_pages.fact", position=row["position"]) if row["position"] else None


PROJECT = Column("Project", "project_name", link=scope_of("projects", "project_uuid"))
CUSTOMER = Column("Customer", "customer_name", link=scope_of("customers", "customer_uuid"))
OFFERING = Column("Offering", "offering_name", link=scope_of("offerings", "offering_uuid"))
PROVIDER = Column("Provider", "provider_name", link=scope_of("providers", "provider_uuid"))
RESOURCE = Column("Resource", "resource_name", link=scope_of("resources", "resource_uuid"))
COMPONENT = Column("Component", "name")
MONTH = Column("Month", "billing_period", "month")
BEFORE = Column("Before", "usage_before", "amount", unit="measured_unit")
AFTER = Column("After", "usage_after", "amount", unit="measured_unit")
CHANGE = Column("Change", "delta", "delta", unit="measured_unit")
POSITION = Column("Position", "position", link=fact_of)

SCOPES = ("project_uuid", "customer_uuid", "offering_uuid", "provider_uuid")
OF_USAGES = ("project_uuid", "customer_uuid", "offering_uuid", "resource_uuid", "type")

FIGURE_MONTH = MONTH._replace(link=figure_of)

LISTS: Mapping[str, Listed] = {
    "projects": Listed(
        "Projects",
        "ledger/projects/",
        (
            Column("Project", "name", link=scope_of("projects")),
            CUSTOMER,
            Column("Resources", "resource_count", "count"),
        ),
        ("name", "customer_uuid"),
    ),
    "customers": Listed(
        "Customers",
        "ledger/customers/",
        (
            Column("Customer", "name", link=scope_of("customers")),
            Column("Resources", "resource_count", "count"),
        ),
        ("name",),
    ),
    "offerings": Listed(
        "Offerings",
        "ledger/offerings/",
        (
            Column("Offering", "name", link=scope_of("offerings")),
            PROVIDER,
            Column("Resources", "resource_count", "count"),
        ),
        ("name", "provider_uuid"),
    ),
    "usages": Listed(
        "Figures",
        "marketplace-component-usages/",
        (
            FIGURE_MONTH,
            RESOURCE,
            COMPONENT,
            Column("Usage", "usage", "amount", figure_of, unit="measured_unit"),
            PROJECT,
            CUSTOMER,
            OFFERING,
            Column("Measured", "date", "moment"),
        ),
        (*OF_USAGES, "billing_period"),
        empty="No usage has been reported.",
    ),
    "movers": Listed(
        "Largest changes against the month before",
        "ledger/movers/",
        (
            RESOURCE,
            COMPONENT,
            BEFORE,
            Column("This month", "usage", "amount", unit="measured_unit"),
            CHANGE,
            PROJECT,
            CUSTOMER,
            OFFERING,
        ),
        (*SCOPES, "type"),
        empty="Nothing was reported in this month and the one before.",
        of_month=True,
    ),
    "silent-resources": Listed(
        "Resources without a report",
        "ledger/silent-resources/",
        (
            Column("Resource", "name", link=scope_of("resources")),
            PROJECT,
            CUSTOMER,
            OFFERING,
            PROVIDER,
            Column("Last usage", "last_usage_date", "day"),
            Column("Days since", "days_since_last_report", "count"),
        ),
        SCOPES,
        empty="Every resource has reported.",
        of_month=True,
    ),
    "freshness": Listed(
        "How fresh offerings are",
        "ledger/freshness/",
        (
            OFFERING,
            PROVIDER,
            Column("Resources that reported", "resources_reported", "count"),
            Column("Silent", "resources_silent", "count"),
            Column("Last usage", "last_usage_date", "moment"),
            Column("Last report", "last_reported_at", "moment"),
        ),
        ("offering_uuid", "provider_uuid"),
        empty="There is no offering.",
        of_month=True,
    ),
    "suspect-figures": Listed(
        "Figures that somebody should look at",
        "ledger/completeness/figures/",
        (
            FIGURE_MONTH,
            RESOURCE,
            COMPONENT,
            Column("Why", "kind"),
            Column("Usage", "usage", "amount", figure_of, unit="measured_unit"),
            Column("Compared with", "compared_with", "amount", unit="measured_unit"),
            PROJECT,
            CUSTOMER,
            OFFERING,
        ),
        ("offering_uuid", "provider_uuid", "kind", "jump"),
        empty="No figure fell, jumped, or differs from those of its users.",
        of_month=True,
    ),
    "unexplained": Listed(
        "Lowered without a reason",
        "ledger/unexplained/",
        (
            FIGURE_MONTH,
            RESOURCE,
            COMPONENT,
            BEFORE,
            AFTER,
            CHANGE,
            PROJECT,
            CUSTOMER,
            OFFERING,
            Column("Recorded", "revision_date", "moment"),
        ),
        OF_USAGES,
        empty="No figure of a past month was lowered without a reason.",
    ),
}
"""By the name in the address of their pages."""


def first_rows(name: str, caption: str = "", **filters: str | None) -> Table:
    """Return the first rows of a list, with a link to the page of all where there are more."""
    listed = LISTS[name]
    answer = asked(listed, 1, FIRST_ROWS, filters)
    more = linked("lists.listing", name=name, **filters) if answer.total > FIRST_ROWS else ""
    return Table(caption or listed.title, listed.columns, answer, answer.data, listed.empty, more)


def whole_page(name: str) -> tuple[Table, Pager]:
    """Return the page of a list that the request asks for, with its filters."""
    listed = LISTS[name]
    filters = {each: request.args.get(each) for each in (*listed.filters, "billing_period")}
    number = page_asked_for()
    answer = asked(listed, number, PAGE_ROWS, filters)
    table = Table(listed.title, listed.columns, answer, answer.data, listed.empty)
    return table, Pager(number, PAGE_ROWS, answer.total)


def asked(listed: Listed, number: int, size: int, filters: Mapping[str, str | None]) -> Answer:
    """Return the API's answer to a page of a list. Raises Refused."""
    month = {"billing_period": filters.get("billing_period") or f"{here().month:%Y-%m}"}
    return here().asker.ask(
        listed.path,
        **{**filters, **(month if listed.of_month else {})},
        page=number if number > 1 else None,
        page_size=size,
    )
