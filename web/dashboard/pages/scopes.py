"""What a project, customer, offering, provider or resource used: against its limits, and month by month."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from flask import Response, request
from markupsafe import Markup

from web.dashboard.asking import Answer
from web.dashboard.charts import stacked_bars
from web.dashboard.formats import decimal, month
from web.dashboard.frame import here, linked, page, pages, show
from web.dashboard.lists import COMPONENT, FIRST_ROWS, LISTS, OFFERING, first_rows
from web.dashboard.months import months_asked_for
from web.dashboard.pages.billing.months import closing
from web.dashboard.tables import Column, Table
from web.dashboard.writing.forms import EMPTY, Form
from web.request.audit.past import AS_OF
from web.wire.errors import Missing

blueprint = pages("scope_pages")

MOST_CHARTS = 3
"""Components that are drawn at once; others are a click away."""

MANY = 200
"""Of more resources than these one component is drawn at first, and what moved is a page of its own.

Both are added up from all the usages.
"""

MOST_PAGES = 3
"""Of 300 rows of the API: sixty months of nine groups are 540."""


class Scope(NamedTuple):
    """A kind of page: what it is of, where the API names it, the filter of its figures, and its parts."""

    title: str
    path: str
    restricts: str
    groups: Sequence[str]
    lists: Sequence[str]
    limits: str = ""
    """Where the API has usage against limits, in the current period of each component."""
    group_of_many: str = ""
    """What usages are grouped by at first where there are many resources."""


SCOPES = {
    "projects": Scope(
        "Project",
        "ledger/projects",
        "project_uuid",
        ("resource", "user", "offering"),
        ("usages", "movers", "silent-resources", "unexplained"),
        "marketplace-project-usage",
    ),
    "customers": Scope(
        "Customer",
        "ledger/customers",
        "customer_uuid",
        ("project", "resource", "user", "offering"),
        ("projects", "usages", "movers", "silent-resources", "unexplained"),
        "marketplace-customer-usage",
    ),
    "offerings": Scope(
        "Offering",
        "ledger/offerings",
        "offering_uuid",
        ("resource", "project", "customer", "user"),
        ("silent-resources", "unexplained", "usages", "movers"),
        group_of_many="project",
    ),
    "providers": Scope(
        "Provider",
        "ledger/customers",
        "provider_uuid",
        ("offering", "customer", "project", "resource"),
        ("offerings", "silent-resources", "unexplained", "movers"),
    ),
    "resources": Scope(
        "Resource",
        "marketplace-resources",
        "resource_uuid",
        ("resource", "user"),
        ("usages", "unexplained"),
    ),
}

LIMITS = (
    COMPONENT,
    OFFERING,
    Column("Period", "current_period_label"),
    Column("Used", "used", "amount", unit="measured_unit"),
    Column("Limit", "limit", "amount", unit="measured_unit"),
    Column("Share", "share", "meter"),
)

ALLOCATED = (
    Column("Component", "component_name"),
    OFFERING,
    Column("Consumed", "total_consumed", "amount", unit="measured_unit"),
    Column("Allocated", "total_allocated", "amount", unit="measured_unit"),
    Column("Share", "usage_percent", "meter"),
)


PARAMETERS = ("by", "start", "end", "component", AS_OF)


class Chart(NamedTuple):
    """A component by month: the drawing, the names of its colours, and the figures as a table."""

    title: str
    drawing: Markup
    names: Sequence[str]
    table: Table


@page(blueprint, "/<any(projects, customers, offerings, providers, resources):kind>/<uuid>/", *PARAMETERS)
def scope(kind: str, uuid: str) -> Response:
    return shown(kind, uuid, EMPTY)


def shown(kind: str, uuid: str, form: Form) -> Response:
    """Return the page, where a form that closes months was sent with what the API has against it."""
    of = SCOPES[kind]
    named = here().asker.ask(f"{of.path}/{uuid}/")
    months = months_asked_for()
    has_many = named.data.get("resource_count", 1) > MANY
    by = request.args.get("by") or (has_many and of.group_of_many) or of.groups[0]
    within = {of.restricts: named.data["uuid"]}
    elsewhere = [name for name in of.lists if has_many and name == "movers"]
    components = _components(within, months)
    chosen = _chosen(components, 1 if has_many else MOST_CHARTS)
    return show(
        "scope.html",
        form.status,
        kind=kind,
        scope=of,
        named=named.data,
        position=named.position,
        months=months,
        by=by,
        components=components,
        chosen=chosen,
        charts=[_chart(each, within, by, months) for each in chosen.values()],
        limits=_limits(kind, named.data["uuid"]),
        tables=[(name, first_rows(name, **within)) for name in of.lists if name not in elsewhere],
        elsewhere={LISTS[name].title: linked("lists.listing", name=name, **within) for name in elsewhere},
        usages=within,
        closing=closing(kind, named.data, form),
    )


def _components(within: dict[str, str], months: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return a row of each component that was used in these months, by what an address calls it."""
    rows = _monthly(within | {"group_by": "component", "by_month": "false"}, months)[1]
    return {f"{row['offering_uuid']}.{row['type']}": row for row in rows}


def _chosen(components: dict[str, dict[str, Any]], most: int) -> dict[str, dict[str, Any]]:
    """Return the components that are drawn: the one that is asked for, or the first ones. Raises Missing."""
    if asked := request.args.get("component"):
        if asked not in components:
            raise Missing("Nothing of this component was used in these months.")
        return {asked: components[asked]}
    return dict(list(components.items())[:most])


def _monthly(parameters: dict[str, str], months: Sequence[str]) -> tuple[Answer, list[dict[str, Any]]]:
    """Return the first answer about usage by month, and its rows with those of the next pages."""
    asked = parameters | {"start": months[0][:7], "end": months[-1][:7], "page_size": "300"}
    first = here().asker.ask("ledger/monthly-usages/", **asked)
    rows = list(first.data)
    for number in range(2, min(-(-first.total // 300), MOST_PAGES) + 1):
        rows += here().asker.ask("ledger/monthly-usages/", **asked, page=number).data
    return first, rows


def _chart(component: dict[str, Any], within: dict[str, str], by: str, months: Sequence[str]) -> Chart:
    """Return a component's months, in a colour for each of the largest groups and one for the rest."""
    of_it = {"group_by": by, "type": component["type"], "offering_uuid": component["offering_uuid"]}
    answer, rows = _monthly(within | of_it, months)
    series: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        series.setdefault(_name_of(row), {})[row["billing_period"]] = decimal(row["usage"])
    ordered = sorted(series, key=lambda name: (name == REST, -sum(series[name].values()), name))
    unit = component["measured_unit"]
    title = f"{component['name']} of {component['offering_name']}, by {by}"
    drawing = stacked_bars(
        f"{title}, from {month(months[0])} to {month(months[-1])}; the table below has the figures",
        [_short(each, months) for each in months],
        {name: [series[name].get(each) for each in months] for name in ordered},
        unit,
    )
    heading = [Column(by.capitalize(), "name"), *(Column(month(each), each, "amount") for each in months)]
    table = Table(
        f"{title}, in {unit or 'units'}",
        [*heading, Column("Total", "total", "amount")],
        answer,
        [{"name": name, **series[name], "total": sum(series[name].values())} for name in ordered],
        "Nothing in these months.",
    )
    return Chart(title, drawing, ordered, table)


REST = "all others"


def _name_of(row: dict[str, Any]) -> str:
    return REST if row["is_rest"] else row["group_name"]


def _short(each: str, months: Sequence[str]) -> str:
    """Return a month as an axis has it: the year where it begins."""
    name = month(each)
    return f"{name[:3]} {name[-4:]}" if each == months[0] or each[5:7] == "01" else name[:3]


def _limits(kind: str, uuid: str) -> Table | None:
    """Return usage against limits in the current periods, or what was allocated in the month."""
    scope, asker = SCOPES[kind], here().asker
    if scope.limits:
        answer = asker.ask_if_allowed(f"{scope.limits}/{uuid}/components-usage/")
        return answer and Table(
            "Usage against limits, in the current periods",
            LIMITS,
            answer,
            [_against_limit(each) for each in answer.data["components"]],
            "Nothing is limited here.",
        )
    if kind not in ("offerings", "providers"):
        return None
    month_shown = f"{here().month:%Y-%m}"
    restricts = "offering_uuid" if kind == "offerings" else "customer_uuid"
    answer = asker.ask(
        "marketplace-component-usage-monthly/",
        billing_period=month_shown,
        page_size=FIRST_ROWS * 5,
        **{restricts: uuid},
    )
    caption = f"Consumed and allocated, {month(month_shown)}"
    return Table(caption, ALLOCATED, answer, answer.data, "Nothing in this month.")


def _against_limit(row: dict[str, Any]) -> dict[str, Any]:
    """Return a component with one figure, whichever way it is billed, and its share of the limit."""
    used = decimal(row["usage"] or row["limit_usage"])
    limit = None if row["limit"] is None else decimal(row["limit"])
    share = used * 100 / limit if limit else None
    return row | {"used": used, "limit": limit, "share": share}
