"""What changed between two positions, added up by project, offering and component."""

from dataclasses import replace

from psycopg.sql import SQL

from projections.queries.audit.changes import CHANGES, DIFFERING_ROWS

TOTALS = SQL(f"""
WITH differing AS MATERIALIZED ({DIFFERING_ROWS}), totals AS MATERIALIZED (
    SELECT
        t.*, cu.name AS customer_name, p.name AS project_name, o.name AS offering_name,
        c.component_type, c.name AS component_name, c.measured_unit
    FROM (
        SELECT
            customer_uuid, project_uuid, offering_uuid, component_uuid,
            coalesce(sum(usage_before), 0.00) AS usage_before, sum(usage_after) AS usage_after,
            sum(delta) AS delta, count(*) AS figures
        FROM differing GROUP BY customer_uuid, project_uuid, offering_uuid, component_uuid
    ) t
    LEFT JOIN customer cu ON cu.uuid = t.customer_uuid
    LEFT JOIN project p ON p.uuid = t.project_uuid
    LEFT JOIN offering o ON o.uuid = t.offering_uuid
    LEFT JOIN component c ON c.uuid = t.component_uuid
)""")  # noqa: S608 - of constants

SHOWN = (
    *("customer_uuid", "customer_name", "project_uuid", "project_name", "offering_uuid", "offering_name"),
    *("component_type", "component_name", "measured_unit"),
    *("usage_before", "usage_after", "delta", "figures"),
)

KEY = "t.customer_uuid, t.project_uuid, t.offering_uuid, t.component_uuid"

DIFF_TOTALS = replace(
    CHANGES,
    rows=SQL("SELECT {json} FROM totals t ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s"),
    total=SQL("SELECT count(*) AS total FROM totals"),
    columns={name: SQL(f"t.{name}") for name in SHOWN},
    orders={name: SQL(f"t.{name}") for name in ("delta", "usage_after", "figures")},
    default=SQL(f"t.customer_name, t.project_name, t.offering_name, t.component_type, {KEY}"),
    last=SQL(KEY),
    prelude=TOTALS,
)
"""As the list of changes: for a cursor that reads as of the later position. By names."""
