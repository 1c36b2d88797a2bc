"""The finished statement of each list: PostgreSQL can plan it, whatever is asked for.

To see one, and its plan: `print(query.statement(row.columns, {}, None).decode())`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from psycopg import Cursor
from psycopg.rows import DictRow

from projections.queries import component_usages, monthly_summary, user_usage_limits, user_usages
from projections.queries.agents import me, registrations
from projections.queries.audit.changes import CHANGES
from projections.queries.audit.unexplained import UNEXPLAINED
from projections.queries.audit.verifications import VERIFICATIONS
from projections.queries.billing.completeness import COMPLETENESS, COMPLETENESS_THEN
from projections.queries.billing.corrections import CORRECTIONS
from projections.queries.billing.manifests import MANIFESTS
from projections.queries.billing.months import MONTHS as CLOSED_MONTHS
from projections.queries.billing.suspects import SUSPECT_FIGURES
from projections.queries.catalogue import plan_periods
from projections.queries.catalogue.offering_users import OFFERING_USERS
from projections.queries.catalogue.offerings import OFFERINGS
from projections.queries.catalogue.resources import PROVIDED, RESOURCES
from projections.queries.catalogue.service_providers import SERVICE_PROVIDERS
from projections.queries.exports.focus import CHARGES
from projections.queries.figures.diff_totals import DIFF_TOTALS
from projections.queries.figures.freshness import FRESHNESS, FRESHNESS_THEN
from projections.queries.figures.monthly_usages import BY_MONTH, IN_ALL
from projections.queries.figures.movers import MOVERS
from projections.queries.figures.scopes import CUSTOMERS as CUSTOMERS_SEEN
from projections.queries.figures.scopes import OFFERINGS as OFFERINGS_SEEN
from projections.queries.figures.scopes import PROJECTS as PROJECTS_SEEN
from projections.queries.figures.silence import SILENT_RESOURCES, SILENT_RESOURCES_THEN
from projections.queries.list_query import ListQuery, Scopes
from projections.queries.statistics.component_usages import COMPONENT_USAGES
from projections.queries.statistics.missing_usage import MISSING_USAGE
from projections.queries.statistics.offering_usages import OFFERING_USAGES
from projections.queries.statistics.project_usages import PROJECT_USAGES
from projections.queries.statistics.usage_trends import USAGE_TRENDS
from tests.world import PROJECT, RESOURCE, World
from web.wire.billing import completeness
from web.wire.billing.manifests import MANIFEST
from web.wire.billing.rows import BILLING_MONTH, CORRECTION
from web.wire.exports.focus import CHARGE
from web.wire.rendering import DECLARED
from web.wire.responses import audit, catalogue, figures, statistics
from web.wire.responses.agents import AGENT_IDENTITY, AGENT_PROCESSOR, AGENT_SERVICE, USER_ME
from web.wire.responses.lists import (
    COMPONENT_USAGE,
    COMPONENT_USER_USAGE,
    MONTHLY_SUMMARY,
    USER_USAGE_LIMIT,
)
from web.wire.responses.schemas import RowSchema

LISTS = [
    (component_usages.USAGES, COMPONENT_USAGE),
    (user_usages.USAGES, COMPONENT_USER_USAGE),
    (user_usage_limits.LIMITS, USER_USAGE_LIMIT),
    (monthly_summary.SUMMARIES, MONTHLY_SUMMARY),
    (COMPONENT_USAGES, statistics.COMPONENT_USAGES),
    (COMPONENT_USAGES, statistics.COMPONENT_USAGES_PER_MONTH),
    (PROJECT_USAGES, statistics.COMPONENT_USAGES_PER_PROJECT),
    (OFFERING_USAGES, statistics.OFFERING_COMPONENT_STAT),
    (registrations.IDENTITIES, AGENT_IDENTITY),
    (registrations.SERVICES, AGENT_SERVICE),
    (registrations.PROCESSORS, AGENT_PROCESSOR),
    (me.USERS, USER_ME),
    (OFFERINGS, catalogue.OFFERING),
    (OFFERINGS, catalogue.USER_ATTRIBUTE_CONFIG),
    (SERVICE_PROVIDERS, catalogue.SERVICE_PROVIDER),
    (PROVIDED, catalogue.RESOURCE),
    (RESOURCES, catalogue.RESOURCE),
    (OFFERING_USERS, catalogue.OFFERING_USER),
    (plan_periods.PROVIDED, catalogue.PLAN_PERIOD),
    (plan_periods.SEEN, catalogue.PLAN_PERIOD),
    (USAGE_TRENDS, statistics.AGGREGATED_USAGE_TREND),
    (MISSING_USAGE, statistics.RESOURCE_MISSING_USAGE),
    (CHANGES, audit.CHANGE),
    (UNEXPLAINED, audit.UNEXPLAINED),
    (VERIFICATIONS, audit.VERIFICATION),
    (PROJECTS_SEEN, figures.PROJECT_SEEN),
    (CUSTOMERS_SEEN, figures.CUSTOMER_SEEN),
    (OFFERINGS_SEEN, figures.OFFERING_SEEN),
    *((query, figures.MONTHLY_USAGE) for lists in (*BY_MONTH, *IN_ALL) for query in lists.values()),
    (MOVERS, figures.MOVER),
    (SILENT_RESOURCES, figures.SILENT_RESOURCE),
    (SILENT_RESOURCES_THEN, figures.SILENT_RESOURCE),
    (FRESHNESS, figures.FRESHNESS),
    (FRESHNESS_THEN, figures.FRESHNESS),
    (DIFF_TOTALS, figures.DIFF_TOTAL),
    (CHARGES, CHARGE),
    (CLOSED_MONTHS, BILLING_MONTH),
    (MANIFESTS, MANIFEST),
    (COMPLETENESS, completeness.COMPLETENESS),
    (COMPLETENESS_THEN, completeness.COMPLETENESS),
    (SUSPECT_FIGURES, completeness.SUSPECT_FIGURE),
    (CORRECTIONS, CORRECTION),
]
MONTHS = ("current", "month", "month_start", "now", "start", "end", "month_before", "month_end")
"""Parameters of some lists."""

KINDS = ("customers", "providers", "projects", "offerings")
SCOPES: list[Scopes] = [None] + [
    {kind: [UUID(PROJECT), UUID(RESOURCE)][:number] if kind in kinds else [] for kind in KINDS}
    for size in range(len(KINDS) + 1)
    for kinds in combinations(KINDS, size)
    for number in (1, 2)
]


@pytest.fixture(name="cursor")
def cursor_on_the_world(world: World) -> Iterator[Cursor[DictRow]]:
    with world.services.reading() as cursor:
        yield cursor


def plan(
    cursor: Cursor[DictRow],
    query: ListQuery,
    row: RowSchema,
    filters: dict[str, Any],
    scopes: Scopes = None,
    order: Any = (),
) -> str:
    restrictions = {"root_url": "http://localhost/", **dict.fromkeys(MONTHS, "2026-11-01")} | filters
    statement = query.statement(row.columns, restrictions, scopes, order)
    others: dict[str, Any] = {"billing_period": None, "zone": "UTC", "from": 0, "to": 9, "most": 8}
    others |= {"limit": 10, "offset": 0, "currency": "EUR", "service_categories": ["Other"]}
    others |= {"jump": 10, "kind": None}
    others |= {"sees_all": False, "seen_providers": [], "seen_offerings": []}
    others |= {"begin": datetime(2026, 11, 1, tzinfo=UTC), "end": datetime(2026, 12, 1, tzinfo=UTC)}
    parameters = {**others, **restrictions, **(scopes or {})}
    rows = cursor.execute(b"EXPLAIN " + statement, parameters).fetchall()
    return "\n".join(line["QUERY PLAN"] for line in rows)


@pytest.mark.parametrize(("query", "row"), LISTS, ids=lambda each: type(each).__name__)
def test_every_filter_order_and_scope_of_a_list_can_be_planned(
    cursor: Cursor[DictRow], query: ListQuery, row: RowSchema
) -> None:
    for name in query.filters:
        assert plan(cursor, query, row, {name: None})
    for name in query.orders:
        assert plan(cursor, query, row, {}, order=[(name, True)])
    for scopes in SCOPES:
        assert plan(cursor, query, row, {}, scopes)
    assert plan(cursor, query, row, dict.fromkeys(query.filters), SCOPES[-1])


def test_every_list_of_the_api_is_among_these(world: World) -> None:
    views = {
        world.app.view_functions[rule.endpoint]
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
    }
    answers = [DECLARED[view] for view in views]
    assert {id(each.schema) for each in answers if isinstance(each.schema, RowSchema)} == {
        id(row) for _, row in LISTS
    }
