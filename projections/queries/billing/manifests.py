"""What was said to have been sent for months of offerings, compared with what stands.

What stands for an offering and a month is found once for all manifests of a page that are about it.
"""

from psycopg.sql import SQL

from projections.queries.audit.unexplained import ACCOUNT
from projections.queries.billing.standing import DIFFERENCES, standing_of
from projections.queries.json_columns import Listed, Values
from projections.queries.list_query import ListQuery

MANIFESTS_SEEN = "manifest m JOIN offering o ON o.uuid = m.offering_uuid WHERE {where}"

STANDING_OF_PAGE = standing_of("of_page")

ROWS = SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT m.*, o.name AS offering_name, o.customer_uuid AS provider_uuid
    FROM {MANIFESTS_SEEN} ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
), of_page AS MATERIALIZED (
    SELECT DISTINCT offering_uuid, month FROM page
), {STANDING_OF_PAGE}
SELECT {{json}}
FROM page m
JOIN standing s ON s.offering_uuid = m.offering_uuid AND s.month = m.month
LEFT JOIN customer c ON c.uuid = m.provider_uuid
ORDER BY {{order}}"""  # noqa: S608 - of constants
)

SENT_BY = Listed(SQL("SELECT {json} FROM account a WHERE a.uuid = m.sent_by"), ACCOUNT)

HOLDS = f"NOT EXISTS ({DIFFERENCES})"
"""Whether what a manifest `m` states is what stands, `s`."""

COLUMNS: Values = {
    "position": SQL("m.id"),
    "offering_uuid": SQL("m.offering_uuid"),
    "offering_name": SQL("m.offering_name"),
    "provider_uuid": SQL("m.provider_uuid"),
    "provider_name": SQL("c.name"),
    "billing_period": SQL("m.month"),
    "reports": SQL("m.reports"),
    "resources": SQL("m.resources"),
    "totals": SQL("m.totals"),
    "note": SQL("m.note"),
    "sent_at": SQL("m.sent_at"),
    "sent_by": SENT_BY,
    "source": SQL("m.source"),
    "compared_at": SQL("m.compared_at"),
    "matches": SQL("m.is_match"),
    "still_holds": SQL(HOLDS),
    "differences": Listed(
        SQL(f"SELECT {{json}} FROM ({DIFFERENCES}) d ORDER BY d.place, d.name"),  # noqa: S608 - of constants
        {"name": SQL("d.name"), "stated": SQL("d.stated"), "standing": SQL("d.standing")},
    ),
    "reports_standing": SQL("s.reports"),
    "resources_standing": SQL("s.resources"),
    "totals_standing": SQL("s.totals"),
    "carried_over": SQL("s.carried_over"),
}

MANIFESTS = ListQuery(
    ROWS,
    SQL(f"SELECT count(*) AS total FROM {MANIFESTS_SEEN}"),  # noqa: S608 - of constants
    COLUMNS,
    filters={
        "position": SQL("m.id = %(position)s"),
        "offering_uuid": SQL("m.offering_uuid = %(offering_uuid)s"),
        "provider_uuid": SQL("o.customer_uuid = %(provider_uuid)s"),
        "billing_period": SQL("m.month = %(billing_period)s"),
        "matches": SQL("m.is_match = %(matches)s"),
    },
    orders={},
    default=SQL("m.id DESC"),
    last=SQL("m.id"),
    visibility={"providers": SQL("o.customer_uuid"), "offerings": SQL("m.offering_uuid")},
)
"""The latest manifest first. Customers and projects see none by themselves."""
