"""The figures of a month that somebody should look at, as parts of statements, and as a list.

A figure `fell` where it is less than somebody once reported, it `jumped` where it is many times that of the
month before, and it `differs_from_users` where users are known who do not add up to it. Where the plan
changed within the month each usage can fall, or differ from its users; what jumps is their sum.
"""

from psycopg.sql import SQL

from projections.queries import display_names
from projections.queries.billing.standing import usages_of
from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

OWN = """u.offering_uuid, u.billing_period, u.uuid, u.since, u.resource_uuid, u.component_uuid,
    u.component_type, u.project_uuid, u.customer_uuid, u.usage"""

# Of the `usages` of one month. What is compared is joined first and added up then: so PostgreSQL reads whole
# months, or looks up the few that there are. A kind that is not asked for is not looked for. What was only
# assumed can't fall, nor does anything by a correction, which two people stand behind: reports are compared
# with it from then on.
SUSPECTS = f"""
SELECT 'fell' AS kind, {OWN}, max(p.usage) AS compared_with
FROM usages u
JOIN component_usage_past p ON p.uuid = u.uuid AND p.billing_period = u.billing_period AND p.usage > u.usage
WHERE coalesce(%(kind)s::text, 'fell') = 'fell' AND p.billing_period = %(billing_period)s
  AND p.until <= (SELECT position FROM read_position) AND u.correction_uuid IS NULL
  AND p.since >= coalesce((
    SELECT max(since) FROM component_usage_past
    WHERE uuid = u.uuid AND correction_uuid IS NOT NULL
      AND until <= (SELECT position FROM read_position)), 0)
  AND (NOT u.was_carried_over OR p.since >= (
    SELECT min(until) FROM component_usage_past WHERE uuid = u.uuid AND NOT is_moved))
GROUP BY {OWN}
UNION ALL
SELECT 'jumped', {OWN}, sum(b.usage)
FROM (
    SELECT
        offering_uuid, billing_period, (array_agg(uuid ORDER BY id DESC))[1] AS uuid, max(since) AS since,
        resource_uuid, component_uuid, component_type, project_uuid, customer_uuid, sum(usage) AS usage
    FROM usages
    GROUP BY
        offering_uuid, billing_period, resource_uuid, component_uuid, component_type, project_uuid,
        customer_uuid
) u
JOIN component_usage b ON b.resource_uuid = u.resource_uuid AND b.component_uuid = u.component_uuid
WHERE coalesce(%(kind)s::text, 'jumped') = 'jumped' AND b.billing_period = %(month_before)s
GROUP BY {OWN}
HAVING sum(b.usage) > 0 AND u.usage > %(jump)s::numeric * sum(b.usage)
UNION ALL
SELECT 'differs_from_users', {OWN}, sum(s.usage)
FROM usages u
JOIN user_usage s ON s.resource_uuid = u.resource_uuid AND s.component_usage_uuid = u.uuid
WHERE coalesce(%(kind)s::text, 'differs_from_users') = 'differs_from_users'
  AND s.billing_period = %(billing_period)s
GROUP BY {OWN}
HAVING u.usage <> sum(s.usage)"""  # noqa: S608 - of constants

USAGES_OF_ASKED = usages_of("asked", "%(billing_period)s")

PRELUDE = SQL(
    f"""
WITH asked AS MATERIALIZED (
    SELECT o.uuid AS offering_uuid, %(billing_period)s::date AS month FROM offering o WHERE {{where}}
), usages AS MATERIALIZED ({USAGES_OF_ASKED}
), suspects AS MATERIALIZED ({SUSPECTS}
)"""  # noqa: S608 - of constants
)

ROWS = SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT * FROM suspects u ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
)
SELECT {{json}}
FROM page u{display_names.JOINS}
ORDER BY {{order}}"""  # noqa: S608 - of constants
)

COLUMNS: Values = {
    **display_names.COLUMNS,
    "kind": SQL("u.kind"),
    "uuid": SQL("u.uuid"),
    "billing_period": SQL("u.billing_period"),
    "component_type": SQL("u.component_type"),
    "usage": SQL("u.usage"),
    "compared_with": SQL("u.compared_with"),
    "delta": SQL("u.usage - u.compared_with"),
    "position": SQL("u.since"),
}

FILTERS = {
    "offering_uuid": SQL("o.uuid = %(offering_uuid)s"),
    "provider_uuid": SQL("o.customer_uuid = %(provider_uuid)s"),
}

VISIBLE_BY = {"providers": SQL("o.customer_uuid"), "offerings": SQL("o.uuid")}

SUSPECT_FIGURES = ListQuery(
    ROWS,
    SQL("SELECT count(*) AS total FROM suspects"),
    COLUMNS,
    FILTERS,
    orders={},
    default=SQL("u.offering_uuid, u.resource_uuid, u.component_uuid, u.kind, u.uuid"),
    last=SQL("u.kind, u.uuid"),
    visibility=VISIBLE_BY,
    prelude=PRELUDE,
)
"""By offering, resource and component.

Restrictions must have the `billing_period`, the `month_before`, `jump`, and the `kind`, None for all.
"""
