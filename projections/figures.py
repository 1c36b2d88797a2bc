"""Figures that are kept, not counted: how many usages there are, and what was used of a component.

They follow by differences: what the touched rows say after a statement, minus what they said before it, in
the same statement. So a report costs the same however many rows there are, and no figure depends on how often
or in what order facts are projected. A rebuild counts them from the rows instead, and so proves them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, LiteralString

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable

Write = Callable[[Cursor[DictRow], LiteralString, Mapping[str, Any]], None]
"""Executes a statement that ends before its RETURNING and calls the usages that it changes `u`."""

# `before` are the same rows: a statement does not see what it writes itself. The scopes of `counts` are those
# that lists are restricted to; `own` is a customer that is its own provider.
FOLLOW = SQL("""
WITH after AS ({change}
    RETURNING u.resource_uuid, u.component_uuid, u.billing_period, u.uuid, u.project_uuid, u.customer_uuid,
        u.offering_uuid, u.provider_uuid, u.is_terminated, u.users, u.usage
), changed AS (
    SELECT 1 AS sign, a.* FROM after a
    UNION ALL
    SELECT -1, b.resource_uuid, b.component_uuid, b.billing_period, b.uuid, b.project_uuid, b.customer_uuid,
        b.offering_uuid, b.provider_uuid, b.is_terminated, b.users, b.usage
    FROM after JOIN component_usage b USING (resource_uuid, component_uuid, billing_period, uuid)
), counts AS (
    INSERT INTO usage_count (kind, scope, month, component_usages, user_usages)
    SELECT s.kind, s.scope, c.billing_period, sum(c.sign), sum(c.sign * c.users)
    FROM changed c CROSS JOIN LATERAL (VALUES
        ('all', '00000000-0000-0000-0000-000000000000'::uuid),
        ('offering', c.offering_uuid), ('project', c.project_uuid),
        ('customer', c.customer_uuid), ('provider', c.provider_uuid),
        ('own', CASE WHEN c.customer_uuid = c.provider_uuid THEN c.customer_uuid END)) s(kind, scope)
    WHERE s.scope IS NOT NULL
    GROUP BY s.kind, s.scope, c.billing_period
    HAVING sum(c.sign) <> 0 OR sum(c.sign * c.users) <> 0
    ON CONFLICT (kind, scope, month) DO UPDATE SET
        component_usages = usage_count.component_usages + EXCLUDED.component_usages,
        user_usages = usage_count.user_usages + EXCLUDED.user_usages
), consumption AS (
    INSERT INTO monthly_consumption (component_uuid, month, total)
    SELECT component_uuid, billing_period, sum(sign * usage) FROM changed
    GROUP BY component_uuid, billing_period
    HAVING sum(sign) <> 0 OR sum(sign * usage) <> 0
    ON CONFLICT (component_uuid, month) DO UPDATE SET total = monthly_consumption.total + EXCLUDED.total
)
INSERT INTO project_usage (
    project_uuid, component_uuid, month, usages, usages_terminated, used, used_terminated)
SELECT
    project_uuid, component_uuid, billing_period, sum(sign), sum(sign * is_terminated::integer),
    sum(sign * usage), sum(sign * is_terminated::integer * usage)
FROM changed
GROUP BY project_uuid, component_uuid, billing_period
HAVING sum(sign) <> 0 OR sum(sign * is_terminated::integer) <> 0
    OR sum(sign * usage) <> 0 OR sum(sign * is_terminated::integer * usage) <> 0
ON CONFLICT (project_uuid, component_uuid, month) DO UPDATE SET
    usages = project_usage.usages + EXCLUDED.usages,
    usages_terminated = project_usage.usages_terminated + EXCLUDED.usages_terminated,
    used = project_usage.used + EXCLUDED.used,
    used_terminated = project_usage.used_terminated + EXCLUDED.used_terminated""")


# The scopes that are counted, by the filter that restricts a list to one of them, and by the kinds of scopes
# that a caller has. What a customer has as a customer and as a provider overlaps in its own.
KEPT_BY_FILTER = {
    "offering_uuid": SQL("n.kind = 'offering' AND n.scope = %(offering_uuid)s"),
    "project_uuid": SQL("n.kind = 'project' AND n.scope = %(project_uuid)s"),
    "customer_uuid": SQL("n.kind = 'customer' AND n.scope = %(customer_uuid)s"),
}
KEPT_BY_KIND = {
    "offerings": SQL("n.kind = 'offering' AND n.scope = ANY(%(offerings)s)"),
    "projects": SQL("n.kind = 'project' AND n.scope = ANY(%(projects)s)"),
    "providers": SQL("n.kind = 'provider' AND n.scope = ANY(%(providers)s)"),
}
KEPT_FOR_ALL = SQL("n.kind = 'all'")
KEPT_FOR_ONE_CUSTOMER = SQL(
    "n.kind IN ('customer', 'provider', 'own') AND n.scope = (%(customers)s::uuid[])[1]"
)
IN_MONTH = SQL("{} AND n.month = %(billing_period)s")

Kinds = tuple[tuple[str, bool], ...] | None
"""The kinds of scopes that a caller has, each with whether it is a single one; None sees all."""

# Usages never go, but they move: what nothing is left in is as if there had never been anything.
CLEAR = (
    "DELETE FROM usage_count WHERE component_usages = 0",
    "DELETE FROM project_usage WHERE usages = 0",
)

COUNT = """
INSERT INTO usage_count (kind, scope, month, component_usages, user_usages)
SELECT s.kind, s.scope, c.billing_period, sum(c.usages), sum(c.users)
FROM (
    SELECT offering_uuid, project_uuid, customer_uuid, provider_uuid, billing_period, count(*) AS usages,
        sum(users) AS users
    FROM component_usage
    GROUP BY offering_uuid, project_uuid, customer_uuid, provider_uuid, billing_period
) c CROSS JOIN LATERAL (VALUES
    ('all', '00000000-0000-0000-0000-000000000000'::uuid), ('offering', c.offering_uuid),
    ('project', c.project_uuid),
        ('customer', c.customer_uuid), ('provider', c.provider_uuid),
    ('own', CASE WHEN c.customer_uuid = c.provider_uuid THEN c.customer_uuid END)) s(kind, scope)
WHERE s.scope IS NOT NULL
GROUP BY s.kind, s.scope, c.billing_period"""

SUM_BY_PROJECT = """
INSERT INTO project_usage (
    project_uuid, component_uuid, month, usages, usages_terminated, used, used_terminated)
SELECT
    project_uuid, component_uuid, billing_period, count(*), sum(is_terminated::integer), sum(usage),
    sum(is_terminated::integer * usage)
FROM component_usage
GROUP BY project_uuid, component_uuid, billing_period"""

SUM_BY_COMPONENT = """
INSERT INTO monthly_consumption (component_uuid, month, total)
SELECT component_uuid, billing_period, sum(usage) FROM component_usage
GROUP BY component_uuid, billing_period"""


def following(cursor: Cursor[DictRow], change: LiteralString, parameters: Mapping[str, Any]) -> None:
    """Changes usages, and every figure with them."""
    cursor.execute(_followed(change), parameters)


@cache
def _followed(change: LiteralString) -> bytes:
    return FOLLOW.format(change=SQL(change)).as_string().encode()


def alone(cursor: Cursor[DictRow], change: LiteralString, parameters: Mapping[str, Any]) -> None:
    """Changes usages while there are no figures yet."""
    cursor.execute(change, parameters)


def clear(cursor: Cursor[DictRow]) -> None:
    """After usages have moved."""
    for statement in CLEAR:
        cursor.execute(statement)


def count(cursor: Cursor[DictRow]) -> None:
    """Makes every figure from the rows."""
    for statement in (COUNT, SUM_BY_PROJECT, SUM_BY_COMPONENT):
        cursor.execute(statement)


def kept(filters: Sequence[str], kinds: Kinds) -> Composable | None:
    """What finds the count for a list that is restricted by these filters, None if there is none."""
    by = [name for name in filters if name != "billing_period"]
    if kinds is None:
        scope = KEPT_FOR_ALL if not by else KEPT_BY_FILTER.get(by[0]) if len(by) == 1 else None
    elif by:
        scope = None
    elif kinds == (("customers", True), ("providers", True)):
        scope = KEPT_FOR_ONE_CUSTOMER
    else:
        scope = KEPT_BY_KIND.get(kinds[0][0]) if len(kinds) == 1 else None
    return IN_MONTH.format(scope) if scope and "billing_period" in filters else scope
