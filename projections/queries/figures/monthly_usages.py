"""Usage by month, component and group, for charts: the largest groups of each component, and the rest as one.

Of projects and more `project_usage` has the sums. For those whose it all is to see a component belongs to its
offering, as in statistics: what a resource used before it went to another one stays with the old one. All
others see it where the resource is now. Resources and users are added up from their usages. Components of
different offerings are never added up. Without `by_month` each group has one sum, of all the months.
"""

from collections.abc import Mapping
from typing import LiteralString, NamedTuple

from psycopg.sql import SQL

from projections.queries import component_usages
from projections.queries.list_query import ListQuery

FILTERS = {
    name: component_usages.FILTERS[name]
    for name in (
        *("project_uuid", "customer_uuid", "offering_uuid", "provider_uuid", "resource_uuid"),
        "component_type",
    )
}

IN_RANGE = "billing_period BETWEEN %(start)s AND %(end)s"

COUNTED = """(
    SELECT
        n.month AS billing_period, n.used AS usage, n.component_uuid, c.component_type, n.project_uuid,
        p.customer_uuid, o.uuid AS offering_uuid, o.customer_uuid AS provider_uuid,
        NULL::uuid AS resource_uuid
    FROM project_usage n
    JOIN project p ON p.uuid = n.project_uuid
    JOIN component c ON c.uuid = n.component_uuid
    JOIN offering o ON o.uuid = c.offering_uuid
)"""

SEEN = COUNTED.replace("o.uuid = c.offering_uuid", "o.uuid = n.offering_uuid")

CONSUMED = """(
    SELECT
        n.month AS billing_period, n.total AS usage, n.component_uuid, c.component_type, c.offering_uuid,
        o.customer_uuid AS provider_uuid, NULL::uuid AS project_uuid, NULL::uuid AS customer_uuid,
        NULL::uuid AS resource_uuid
    FROM monthly_consumption n
    JOIN component c ON c.uuid = n.component_uuid
    JOIN offering o ON o.uuid = c.offering_uuid
)"""

COMPONENT_USAGES, USER_USAGES = "component_usage", "user_usage"

# Groups are ranked without a join: PostgreSQL takes sums for few, and would compare each with all the others.
SUMS = """
WITH sums AS MATERIALIZED (
    SELECT
        u.offering_uuid, u.component_uuid, {month} AS billing_period, {group} AS group_uuid,
        sum(u.usage) AS usage, {label} AS label
    FROM {source} u WHERE u.{in_range} AND {where}
    GROUP BY 1, 2, 3, {group}
), shown AS MATERIALIZED (
    SELECT
        offering_uuid, component_uuid, billing_period, least(place, %(most)s + 1) AS place,
        place > %(most)s AS is_rest, CASE WHEN place <= %(most)s THEN group_uuid END AS group_uuid,
        CASE WHEN place <= %(most)s THEN label END AS label, sum(usage) AS usage
    FROM (
        SELECT s.*, dense_rank() OVER (
            PARTITION BY offering_uuid, component_uuid ORDER BY whole DESC, group_uuid) AS place
        FROM (
            SELECT
                offering_uuid, component_uuid, billing_period, group_uuid, usage,
                sum(usage) OVER of_group AS whole, max(label) OVER of_group AS label
            FROM sums WINDOW of_group AS (PARTITION BY offering_uuid, component_uuid, group_uuid)
        ) s
    ) s
    GROUP BY 1, 2, 3, 4, 5, 6, 7
), parts AS MATERIALIZED (
    SELECT k.*, o.name AS offering_name, c.component_type, c.name, c.measured_unit
    FROM (SELECT DISTINCT offering_uuid, component_uuid FROM shown) k
    LEFT JOIN LATERAL (SELECT name FROM offering WHERE uuid = k.offering_uuid OFFSET 0) o ON true
    LEFT JOIN LATERAL (
        SELECT component_type, name, measured_unit FROM component WHERE uuid = k.component_uuid OFFSET 0
    ) c ON true
)"""

ROWS = SQL("""
SELECT {json}
FROM (
    SELECT * FROM (
        SELECT s.*, k.offering_name, k.component_type, k.name, k.measured_unit
        FROM shown s JOIN parts k USING (offering_uuid, component_uuid)
    ) s
    ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
) s
ORDER BY {order}""")

ORDER = SQL("s.offering_name, s.component_type, s.offering_uuid, s.component_uuid, s.billing_period, s.place")


class Grouping(NamedTuple):
    """A way to group usages: where they are read, the key of a group, its name, and what that needs."""

    source: LiteralString
    key: LiteralString
    name: LiteralString
    label: LiteralString = "NULL::text"


OF_USERS = Grouping(
    USER_USAGES, "u.person", "CASE WHEN NOT s.is_rest THEN coalesce(s.label, '') END", "max(u.username)"
)
"""Whoever was forgotten has an empty name."""


def _named(table: LiteralString) -> LiteralString:
    return f"(SELECT name FROM {table} WHERE uuid = s.group_uuid)"  # noqa: S608 - of constants


def _list(grouping: Grouping, month: LiteralString) -> ListQuery:
    sums = (
        SUMS.replace("{month}", month).replace("{group}", grouping.key).replace("{source}", grouping.source)
    )
    sums = sums.replace("{label}", grouping.label).replace("{in_range}", IN_RANGE)
    return ListQuery(
        ROWS,
        SQL("SELECT count(*) AS total FROM shown"),
        {
            "billing_period": SQL("s.billing_period"),
            "offering_uuid": SQL("s.offering_uuid"),
            "offering_name": SQL("s.offering_name"),
            "component_type": SQL("s.component_type"),
            "component_name": SQL("s.name"),
            "measured_unit": SQL("s.measured_unit"),
            "group_uuid": SQL("s.group_uuid"),
            "group_name": SQL(grouping.name),
            "is_rest": SQL("s.is_rest"),
            "usage": SQL("s.usage"),
        },
        FILTERS,
        orders={},
        default=ORDER,
        last=ORDER,
        visibility=component_usages.VISIBLE_BY,
        prelude=SQL(sums),
    )


_KEYS: dict[str, tuple[LiteralString, LiteralString]] = {
    "component": ("u.component_uuid", _named("component")),
    "offering": ("u.offering_uuid", _named("offering")),
    "project": ("u.project_uuid", _named("project")),
    "customer": ("u.customer_uuid", _named("customer")),
}

Lists = Mapping[str, ListQuery]
"""Lists by the names of their groups."""


class Sources(NamedTuple):
    """The lists by where they are read.

    `consumed`: of all there is, whosever it is; restrictions have no project, customer or resource.
    `counted`: from the counters of projects, by the offerings of components; restrictions have no resource.
    `seen`: the same by the offerings of resources. `read`: from the usages, which tells what `seen` does.
    """

    consumed: Lists
    counted: Lists
    seen: Lists
    read: Lists


def _sources(month: LiteralString) -> Sources:
    def of(source: LiteralString, *names: str) -> dict[str, ListQuery]:
        return {name: _list(Grouping(source, *_KEYS[name]), month) for name in names}

    of_resources = Grouping(COMPONENT_USAGES, "u.resource_uuid", _named("resource"))
    others = {"resource": _list(of_resources, month), "user": _list(OF_USERS, month)}
    return Sources(
        of(CONSUMED, "component", "offering"),
        of(COUNTED, *_KEYS),
        of(SEEN, *_KEYS),
        of(COMPONENT_USAGES, *_KEYS) | others,
    )


BY_MONTH, IN_ALL = _sources("u.billing_period"), _sources("NULL::date")
"""A sum for each month, and one for all the months.

Restrictions must have `start` and `end`, the first and the last month, and `most`, the groups of a component.
"""
