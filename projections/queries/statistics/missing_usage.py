"""The resources that are expected to have usage in a month and have none.

Where few resources are silent in the month, all of those are looked up. Else resources are tried from the
newest on, until the page is full. Price: where many are silent, and all of them are old, all newer ones are
tried. How many there are follows from counters.
"""

from psycopg.sql import SQL

from ledger.domain.catalogue import EXPECTED_STATES, ResourceState
from projections.queries.list_query import ListQuery

FEW = 2_000
"""So many resources are looked up and sorted in a few milliseconds."""

STATES = f"IN ({', '.join(map(str, map(int, EXPECTED_STATES)))})"

# Of a resource `r`, or an offering under the same name.
FILTERS = {"provider_uuid": SQL("r.provider_uuid = %(provider_uuid)s")}

# `asked` are the offerings that the list is about, `silent` counts resources of all offerings.
COUNTS = SQL(
    f"""
WITH asked AS MATERIALIZED (
    SELECT r.uuid FROM (SELECT uuid, customer_uuid AS provider_uuid FROM offering) r
    WHERE {{where}}
      AND EXISTS (SELECT FROM component c WHERE c.offering_uuid = r.uuid AND c.billing_type = 'usage')
), counts AS MATERIALIZED (
    SELECT
        coalesce(sum(h.silent) FILTER (WHERE h.is_asked), 0)::bigint AS missing,
        coalesce(sum(h.silent), 0) AS silent
    FROM (
        SELECT n.resources AS silent, n.scope IN (SELECT uuid FROM asked) AS is_asked
        FROM resource_count n WHERE n.kind = 'offering' AND n.state {STATES}
        UNION ALL
        SELECT -n.expected, n.offering_uuid IN (SELECT uuid FROM asked)
        FROM reporting_count n WHERE n.month = %(billing_period)s
    ) h
)"""  # noqa: S608 - of constants
)

# A page ends with the last row that there can be: else all resources would be tried for one more.
REST = "(SELECT greatest(least(missing - %(offset)s, %(limit)s), 0) FROM counts)"

# Only one of two ways is taken. OFFSET 0 has rows looked up one by one.
JOINS = """LEFT JOIN LATERAL (SELECT name FROM offering WHERE uuid = r.offering_uuid OFFSET 0) o ON true
LEFT JOIN LATERAL (SELECT name FROM project WHERE uuid = r.project_uuid OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT name FROM customer WHERE uuid = r.customer_uuid OFFSET 0) c ON true
LEFT JOIN LATERAL (SELECT name FROM customer WHERE uuid = r.provider_uuid OFFSET 0) v ON true
CROSS JOIN LATERAL (
    SELECT max(measured_at) AS measured_at FROM component_usage WHERE resource_uuid = r.uuid OFFSET 0
) u
"""
"""The names around the resources `r` of a page, and when each was measured last."""

ROWS = f"""
WITH page AS MATERIALIZED (
    SELECT * FROM (
        (
            SELECT r.* FROM silence s
            CROSS JOIN LATERAL (SELECT * FROM resource WHERE uuid = s.resource_uuid OFFSET 0) r
            WHERE (SELECT silent FROM counts) <= {{few}}
              AND s.is_expected AND daterange(s.after, s.before, '()') @> %(billing_period)s::date
              AND r.offering_uuid = ANY(ARRAY(SELECT uuid FROM asked)) AND {{where}}
            ORDER BY {{order}} LIMIT {REST} OFFSET %(offset)s
        )
        UNION ALL
        (
            SELECT r.* FROM resource r
            WHERE (SELECT silent FROM counts) > {{few}}
              AND r.state {STATES} AND r.offering_uuid = ANY(ARRAY(SELECT uuid FROM asked)) AND {{where}}
              AND NOT EXISTS (
                SELECT FROM component_usage u
                WHERE u.resource_uuid = r.uuid AND u.billing_period = %(billing_period)s OFFSET 0)
            ORDER BY {{order}} LIMIT {REST} OFFSET %(offset)s
        )
    ) r {{most}}
)
SELECT {{json}}
FROM page r
{JOINS}ORDER BY {{order}}"""  # noqa: S608 - of constants

ORDER = SQL("r.created DESC, r.id")

COLUMNS = {
    "uuid": SQL("r.uuid"),
    "name": SQL("r.name"),
    "state": SQL(f"CASE r.state WHEN {ResourceState.OK:d} THEN 'OK' ELSE 'Updating' END"),
    "created": SQL("r.created"),
    "offering_name": SQL("o.name"),
    "offering_uuid": SQL("r.offering_uuid"),
    "provider_name": SQL("v.name"),
    "provider_uuid": SQL("r.provider_uuid"),
    "customer_name": SQL("c.name"),
    "customer_uuid": SQL("r.customer_uuid"),
    "project_name": SQL("p.name"),
    "project_uuid": SQL("r.project_uuid"),
    "last_usage_date": SQL("u.measured_at"),
    "days_since_last_report": SQL("floor(extract(epoch FROM %(now)s - u.measured_at) / 86400)"),
}


def missing_usage(few: int) -> ListQuery:
    """Return the list, which looks all silent resources up where they are no more than a `few`.

    Restrictions must have the `billing_period`, and `now`, the moment that days are counted up to.
    """
    return ListQuery(
        rows=SQL(ROWS.replace("{few}", str(few))),
        total=SQL("SELECT missing AS total FROM counts"),
        columns=COLUMNS,
        filters=FILTERS,
        orders={},
        default=ORDER,
        last=ORDER,
        visibility={},
        prelude=COUNTS,
    )


MISSING_USAGE = missing_usage(FEW)
"""For those who see all."""
