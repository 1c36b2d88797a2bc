"""Whether all that is expected of a month is there, by offering, and what somebody should look at.

Which offerings there are to tell of follows from counters, and from the resources that are silent. Their
usages are read for those of a page alone.
"""

from typing import LiteralString

from psycopg.sql import SQL

from projections.queries.audit.unexplained import ACCOUNT
from projections.queries.billing.manifests import HOLDS
from projections.queries.billing.standing import standing_of
from projections.queries.billing.suspects import FILTERS, SUSPECTS, VISIBLE_BY
from projections.queries.json_columns import Listed, Values
from projections.queries.list_query import ListQuery
from projections.queries.statistics.missing_usage import STATES

# Resources that came after the month were not to report in it.
SILENT = """
FROM silence s
JOIN resource r ON r.uuid = s.resource_uuid
JOIN offering o ON o.uuid = r.offering_uuid
WHERE s.is_expected AND daterange(s.after, s.before, '()') @> %(billing_period)s::date
  AND r.created < %(month_end)s AND {where}"""

SILENT_THEN = f"""
FROM resource r
JOIN offering o ON o.uuid = r.offering_uuid
WHERE r.state {STATES} AND r.created < %(month_end)s AND {{where}}
  AND NOT EXISTS (
    SELECT FROM component_usage u WHERE u.resource_uuid = r.uuid AND u.billing_period = %(billing_period)s)"""

SENT = "FROM manifest m WHERE m.month = %(billing_period)s"

SEEN = f"""
WITH silent AS MATERIALIZED (
    SELECT r.offering_uuid, count(*) AS resources {{silent}}
      AND r.offering_uuid IN (SELECT offering_uuid FROM component WHERE billing_type = 'usage')
    GROUP BY r.offering_uuid
), seen AS MATERIALIZED (
    SELECT
        o.uuid AS offering_uuid, o.name AS offering_name, o.customer_uuid AS provider_uuid,
        %(billing_period)s::date AS month, coalesce(n.resources, 0) AS reported,
        coalesce(s.resources, 0) AS silent, coalesce(n.expected, 0) + coalesce(s.resources, 0) AS expected
    FROM offering o
    LEFT JOIN reporting_count n ON n.offering_uuid = o.uuid AND n.month = %(billing_period)s
    LEFT JOIN silent s ON s.offering_uuid = o.uuid
    WHERE {{where}}
      AND (n.resources > 0 OR s.resources > 0 OR o.uuid IN (SELECT m.offering_uuid {SENT}))
)"""  # noqa: S608 - of constants

STANDING_OF_PAGE = standing_of("page", "%(billing_period)s")

ROWS = SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT * FROM seen f ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
), {STANDING_OF_PAGE}, suspects AS MATERIALIZED (
    SELECT
        offering_uuid, count(*) FILTER (WHERE kind = 'fell') AS fell,
        count(*) FILTER (WHERE kind = 'jumped') AS jumped,
        count(*) FILTER (WHERE kind = 'differs_from_users') AS differing
    FROM ({SUSPECTS}) u GROUP BY offering_uuid
), sent AS MATERIALIZED (
    SELECT m.id, m.offering_uuid, m.sent_at, m.sent_by, {HOLDS} AS holds
    FROM (SELECT m.* {SENT} AND m.offering_uuid IN (SELECT offering_uuid FROM page)) m
    JOIN standing s ON s.offering_uuid = m.offering_uuid
)
SELECT {{json}}
FROM page f
JOIN standing s ON s.offering_uuid = f.offering_uuid
LEFT JOIN suspects u ON u.offering_uuid = f.offering_uuid
LEFT JOIN (
    SELECT offering_uuid, count(*) AS sent, count(*) FILTER (WHERE holds) AS holding, max(id) AS last
    FROM sent GROUP BY offering_uuid
) n ON n.offering_uuid = f.offering_uuid
LEFT JOIN sent m ON m.id = n.last
LEFT JOIN customer c ON c.uuid = f.provider_uuid
LEFT JOIN billing_month b ON b.offering_uuid = f.offering_uuid AND b.month = f.month AND b.is_closed
ORDER BY {{order}}"""  # noqa: S608 - of constants
)

LAST_MANIFEST: Values = {
    "position": SQL("m.id"),
    "sent_at": SQL("m.sent_at"),
    "sent_by": Listed(SQL("SELECT {json} FROM account a WHERE a.uuid = m.sent_by"), ACCOUNT),
    "still_holds": SQL("m.holds"),
}

COLUMNS: Values = {
    "offering_uuid": SQL("f.offering_uuid"),
    "offering_name": SQL("f.offering_name"),
    "provider_uuid": SQL("f.provider_uuid"),
    "provider_name": SQL("c.name"),
    "billing_period": SQL("f.month"),
    "expected": SQL("f.expected"),
    "reported": SQL("f.reported"),
    "silent": SQL("f.silent"),
    "carried_over": SQL("s.carried_over"),
    "manifests": SQL("coalesce(n.sent, 0)"),
    "manifests_holding": SQL("coalesce(n.holding, 0)"),
    "last_manifest": Listed(SQL("SELECT {json} WHERE m.id IS NOT NULL"), LAST_MANIFEST),
    "fell": SQL("coalesce(u.fell, 0)"),
    "jumped": SQL("coalesce(u.jumped, 0)"),
    "differs_from_users": SQL("coalesce(u.differing, 0)"),
    "is_closed": SQL("b.month IS NOT NULL"),
    "is_complete": SQL("f.silent = 0 AND u.offering_uuid IS NULL AND m.holds IS NOT false"),
}


def _list(silent: LiteralString) -> ListQuery:
    return ListQuery(
        ROWS,
        SQL("SELECT count(*) AS total FROM seen"),
        COLUMNS,
        FILTERS,
        orders={},
        default=SQL("f.offering_name, f.offering_uuid"),
        last=SQL("f.offering_uuid"),
        visibility=VISIBLE_BY,
        prelude=SQL(SEEN.replace("{silent}", silent)),
    )


COMPLETENESS, COMPLETENESS_THEN = _list(SILENT), _list(SILENT_THEN)
"""Offerings by name, now and as of a position, for those who report there.

Restrictions must have the `billing_period`, the `month_before`, `month_end`, `jump`, and None as the `kind`.
"""
