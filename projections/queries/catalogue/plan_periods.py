"""The plan periods of a resource, with what was reported under them this month.

Clients report under the first one without a look at its bounds. So that is the one in force.
"""

from dataclasses import replace

from psycopg.sql import SQL

from projections.queries.catalogue.resources import PROVIDED_BY, SEEN_BY
from projections.queries.json_columns import Listed
from projections.queries.list_query import ListQuery

IN_FORCE = '(t."start" IS NULL OR t."start" <= %(now)s) AND (t."end" IS NULL OR t."end" > %(now)s)'

COMPONENTS = Listed(
    SQL("""
        SELECT {json} FROM component_usage u JOIN component c ON c.uuid = u.component_uuid
        WHERE u.resource_uuid = r.uuid AND u.billing_period = %(month)s AND u.plan_period_uuid = t.uuid
        ORDER BY u.component_type, u.id"""),
    {
        "uuid": SQL("u.uuid"),
        "created": SQL("u.created"),
        "description": SQL("u.description"),
        "component_type": SQL("u.component_type"),
        "component_name": SQL("c.name"),
        "measured_unit": SQL("c.measured_unit"),
        "usage": SQL("u.usage"),
        "measured_at": SQL("u.measured_at"),
        "missing_usage_policy": SQL("u.missing_usage_policy"),
        "is_reused": SQL("u.missing_usage_policy = 'reuse'"),
    },
)

PROVIDED = ListQuery(
    SQL("""
SELECT {json} FROM resource r JOIN plan_period t ON t.resource_uuid = r.uuid
WHERE {where} AND r.plan_uuid IS NOT NULL AND (t."end" IS NULL OR t."end" >= %(month_start)s)
ORDER BY {order}"""),
    SQL("SELECT count(*) AS total FROM resource r WHERE {where}"),
    columns={
        "uuid": SQL("t.uuid"),
        "plan_name": SQL("coalesce((SELECT name FROM plan WHERE uuid = t.plan_uuid), '')"),
        "plan_uuid": SQL("t.plan_uuid"),
        "start": SQL('t."start"'),
        "end": SQL('t."end"'),
        "components": COMPONENTS,
    },
    filters={"resource_uuid": SQL("r.uuid = %(resource_uuid)s")},
    orders={},
    default=SQL(f'{IN_FORCE} DESC, t."start" DESC NULLS LAST, t.uuid'),
    last=SQL("t.uuid"),
    visibility=PROVIDED_BY,
)
"""Those that have not ended before this month, for the provider's side: the one in force, then the newest.

The total is that of resources: 0 if there is none by that uuid. Restrictions must have the parameters `now`,
`month`, and `month_start`, the first moment of that.
"""

SEEN = replace(PROVIDED, visibility=SEEN_BY)
"""The same for both sides."""
