"""What stands for offerings in a month, as parts of statements: their usages, figures, and sums of these.

The usages of an offering are found by its resources, as no index leads to those of an offering in a month. A
figure is that of a component of a resource: of several usages, where the plan changed within the month, it is
the sum. It was carried over if all of them were, and nobody has reported any of them since.
"""

from datetime import date
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.billing.manifests import ControlTotals, Standing

# Nothing is carried over but where there is no usage yet. Most months have nothing of it, and there it is not
# looked for. Facts are looked up one by one (OFFSET 0 keeps it so): all of that kind are found by reading the
# whole journal.
WAS_CARRIED_OVER = """
    SELECT CASE WHEN u.billing_period IN (SELECT month FROM carried_month) THEN EXISTS (
        SELECT FROM journal.ledger_events
        WHERE notification_id = u.id AND topic = 'UsageCarriedOver' OFFSET 0
    ) ELSE false END AS was_carried_over OFFSET 0"""

# Whatever replaced it since, but for a move of its resource, was a report.
IS_CARRIED_OVER = """w.was_carried_over AND NOT EXISTS (
        SELECT FROM component_usage_past
        WHERE uuid = u.uuid AND NOT is_moved AND until <= (SELECT position FROM read_position) OFFSET 0
    )"""

USAGES_OF = f"""
SELECT
    f.offering_uuid, u.billing_period, u.uuid, u.id, u.since, u.resource_uuid, u.component_uuid,
    u.component_type, u.project_uuid, u.customer_uuid, u.usage, u.correction_uuid, w.was_carried_over,
    {IS_CARRIED_OVER} AS is_carried_over
FROM {{offerings}} f
JOIN resource r ON r.offering_uuid = f.offering_uuid
JOIN component_usage u ON u.resource_uuid = r.uuid AND u.billing_period = {{month}}
CROSS JOIN LATERAL ({WAS_CARRIED_OVER}) w"""  # noqa: S608 - of constants
"""The usages of `offerings`, which have an `offering_uuid`, in a month: their `month`, or a parameter."""

FIGURES = """
SELECT
    offering_uuid, billing_period AS month, resource_uuid, component_uuid, component_type,
    sum(usage) AS usage, bool_and(is_carried_over) AS is_carried_over
FROM usages GROUP BY 1, 2, 3, 4, 5"""
"""The figures of the `usages`."""

STANDING = """
SELECT
    f.offering_uuid, f.month, coalesce(n.reports, 0) AS reports, coalesce(n.resources, 0) AS resources,
    coalesce(n.carried_over, 0) AS carried_over, coalesce(t.totals, jsonb_build_object()) AS totals
FROM {offerings} f
LEFT JOIN (
    SELECT
        offering_uuid, month, count(*) FILTER (WHERE NOT is_carried_over) AS reports,
        count(DISTINCT resource_uuid) FILTER (WHERE NOT is_carried_over) AS resources,
        count(*) FILTER (WHERE is_carried_over) AS carried_over
    FROM figures GROUP BY 1, 2
) n USING (offering_uuid, month)
LEFT JOIN (
    SELECT offering_uuid, month, jsonb_object_agg(component_type, total::text) AS totals
    FROM (
        SELECT offering_uuid, month, component_type, sum(usage) AS total
        FROM figures WHERE NOT is_carried_over GROUP BY 1, 2, 3
    ) s
    GROUP BY 1, 2
) t USING (offering_uuid, month)"""
"""What the `figures` come to for each of the `offerings`, without those that were carried over."""


def usages_of(offerings: LiteralString, month: LiteralString) -> LiteralString:
    """Return the query of the usages of offerings in a month: an index finds those of a parameter at once."""
    return USAGES_OF.replace("{offerings}", offerings).replace("{month}", month)


def standing_of(offerings: LiteralString, month: LiteralString = "f.month") -> LiteralString:
    """Return the parts of a WITH that end with `standing`: that of each of these offerings in its month."""
    usages, standing = usages_of(offerings, month), STANDING.replace("{offerings}", offerings)
    return f"""usages AS MATERIALIZED ({usages}
), figures AS MATERIALIZED ({FIGURES}
), standing AS MATERIALIZED ({standing}
)"""


# Of a manifest `m` and what stands, `s`. What is not stated is not 0, but no figures come to nothing.
DIFFERENCES = """
    SELECT d.place, d.name, d.stated, d.standing
    FROM (
        VALUES
            (1, 'reports', m.reports::text, s.reports::text),
            (2, 'resources', m.resources::text, s.resources::text)
        UNION ALL
        SELECT 3, 'totals.' || t.type, m.totals ->> t.type, coalesce(s.totals ->> t.type, '0.00')
        FROM (SELECT jsonb_object_keys(m.totals) UNION SELECT jsonb_object_keys(s.totals)) t(type)
    ) d(place, name, stated, standing)
    WHERE d.stated::numeric IS DISTINCT FROM d.standing::numeric"""

STANDING_OF_ONE = standing_of("offerings", "%(month)s")

SELECT_STANDING = f"""
WITH offerings AS (SELECT %(offering)s::uuid AS offering_uuid, %(month)s::date AS month),
{STANDING_OF_ONE}
SELECT
    p.position, s.reports, s.resources, s.carried_over, s.totals,
    ARRAY(SELECT component_type FROM component WHERE offering_uuid = s.offering_uuid) AS component_types
FROM standing s CROSS JOIN read_position p"""  # noqa: S608 - of constants


def standing(cursor: Cursor[DictRow], offering: UUID, month: date) -> Standing:
    """Return what stands for an offering and a month, of one moment."""
    row = cursor.execute(SELECT_STANDING, {"offering": offering, "month": month}).fetchone()
    assert row is not None
    totals: dict[str, Any] = row["totals"]
    figures = ControlTotals(
        reports=row["reports"],
        resources=row["resources"],
        totals={name: Decimal(amount) for name, amount in sorted(totals.items())},
    )
    return Standing(
        position=row["position"],
        figures=figures,
        carried_over=row["carried_over"],
        component_types=frozenset({*row["component_types"], *totals}),
    )
