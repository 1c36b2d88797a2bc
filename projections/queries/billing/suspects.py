"""The figures of a month that somebody should look at, as parts of statements, and as a list.

A figure `fell` where it is less than somebody once reported, it `jumped` where it is many times that of the
month before, and it `differs_from_users` where users are known who do not add up to it. Where the plan
changed within the month each usage can fall, or differ from its users; what jumps is their sum.
"""

from psycopg.sql import SQL

from projections.queries import display_names
from projections.queries.billing.standing import USAGES_OF
from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

OWN = """u.offering_uuid, u.billing_period, u.uuid, u.since, u.resource_uuid, u.component_uuid,
    u.component_type, u.project_uuid, u.customer_uuid, u.usage"""

# Of the `usages` of one month. What each is compared with is looked up row by row (OFFSET 0 keeps it so). A
# kind that is not asked for is not looked for. What was only assumed can't fall, nor does anything by a
# correction, which two people stand behind: reports are compared with it from then on.
SUSPECTS = f"""
SELECT 'fell' AS kind, {OWN}, p.usage AS compared_with
FROM usages u
CROSS JOIN LATERAL (
    SELECT max(p.usage) AS usage FROM component_usage_past p
    WHERE p.uuid = u.uuid AND p.until <= (SELECT position FROM read_position)
      AND p.since >= coalesce((
        SELECT max(since) FROM component_usage_past
        WHERE uuid = u.uuid AND correction_uuid IS NOT NULL
          AND until <= (SELECT position FROM read_position)), 0)
      AND (NOT u.was_carried_over OR p.since >= (
        SELECT min(until) FROM component_usage_past WHERE uuid = u.uuid AND NOT is_moved))
    OFFSET 0
) p
WHERE coalesce(%(kind)s::text, 'fell') = 'fell' AND u.correction_uuid IS NULL AND u.usage < p.usage
UNION ALL
SELECT 'jumped', {OWN}, b.usage
FROM (
    SELECT
        offering_uuid, billing_period, (array_agg(uuid ORDER BY id DESC))[1] AS uuid, max(since) AS since,
        resource_uuid, component_uuid, component_type, project_uuid, customer_uuid, sum(usage) AS usage
    FROM usages
    GROUP BY
        offering_uuid, billing_period, resource_uuid, component_uuid, component_type, project_uuid,
        customer_uuid
) u
CROSS JOIN LATERAL (
    SELECT sum(usage) AS usage FROM component_usage
    WHERE resource_uuid = u.resource_uuid AND billing_period = %(month_before)s
      AND component_uuid = u.component_uuid OFFSET 0
) b
WHERE coalesce(%(kind)s::text, 'jumped') = 'jumped'
  AND b.usage > 0 AND u.usage > %(jump)s::numeric * b.usage
UNION ALL
SELECT 'differs_from_users', {OWN}, s.usage
FROM usages u
CROSS JOIN LATERAL (
    SELECT sum(usage) AS usage FROM user_usage WHERE component_usage_uuid = u.uuid OFFSET 0
) s
WHERE coalesce(%(kind)s::text, 'differs_from_users') = 'differs_from_users' AND u.usage <> s.usage"""  # noqa: S608 - of constants

USAGES_OF_ASKED = USAGES_OF.replace("{offerings}", "asked")

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
