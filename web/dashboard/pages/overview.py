"""The first page: this month's consumption against what is allocated, what moved, and who is silent."""

from flask import Response

from web.dashboard.frame import here, page, page_asked_for, pages, show
from web.dashboard.lists import OFFERING, PROVIDER, first_rows, scope_of
from web.dashboard.months import month_asked_for
from web.dashboard.tables import Column, Pager, Table
from web.request.audit.past import AS_OF

blueprint = pages("overview")

ROWS = 25

COLUMNS = (
    OFFERING,
    Column("Component", "component_name"),
    Column("Consumed", "total_consumed", "amount", unit="measured_unit"),
    Column("Allocated", "total_allocated", "amount", unit="measured_unit"),
    Column("Share", "usage_percent", "meter"),
    PROVIDER._replace(key="service_provider_name", link=scope_of("providers", "service_provider_uuid")),
)


@page(blueprint, "/", "billing_period", "page", AS_OF)
def overview() -> Response:
    month = month_asked_for()
    number = page_asked_for()
    ask = here().asker.ask
    consumed = ask(
        "marketplace-component-usage-monthly/",
        billing_period=f"{month:%Y-%m}",
        page_size=ROWS,
        page=number,
    )
    return show(
        "overview.html",
        month=month,
        consumed=Table("Consumed and allocated", COLUMNS, consumed, consumed.data, "Nothing in this month."),
        pager=Pager(number, ROWS, consumed.total),
        movers=first_rows("movers", billing_period=f"{month:%Y-%m}"),
        silent=first_rows("silent-resources", billing_period=f"{month:%Y-%m}"),
        freshness=first_rows("freshness", billing_period=f"{month:%Y-%m}"),
        position=consumed.position,
    )
