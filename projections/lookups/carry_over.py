"""Looks up what can be carried over into a month: usages of the month before without a next one."""

from datetime import date, datetime, timedelta, tzinfo
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.months import bounds
from ledger.domain.records import LastUsage
from projections.lookups.ownership import OWNERSHIP, take_ownership
from projections.rows import IS_TERMINATED

# Of several plans' usages only the last report has a policy; of imported ones the newest counts. The plan
# is the one that a report would find, or else the two would be rows of different plans: the one in force at
# the moment, else one that touches the month.
SELECT_CANDIDATES = f"""
SELECT * FROM (
    SELECT DISTINCT ON (u.resource_uuid, u.component_uuid)
        {OWNERSHIP},
        u.uuid AS usage_uuid, u.usage AS amount,
        u.missing_usage_policy, u.description, u.reported_by,
        t.plan_uuid, t.uuid AS plan_period_uuid,
        r.name AS resource_name
    FROM component_usage u
    JOIN resource r ON r.uuid = u.resource_uuid
    LEFT JOIN LATERAL (
        SELECT uuid, plan_uuid FROM plan_period
        WHERE resource_uuid = u.resource_uuid
          AND ("start" IS NULL OR "start" < %(month_end)s) AND ("end" IS NULL OR "end" > %(month_start)s)
        ORDER BY
            ("start" IS NULL OR "start" <= %(moment)s) AND ("end" IS NULL OR "end" > %(moment)s) DESC,
            "start" DESC NULLS LAST, uuid DESC
        LIMIT 1
    ) t ON true
    WHERE u.billing_period = %(before)s
      AND u.missing_usage_policy IN ('reuse', 'zero')
      AND NOT {IS_TERMINATED}
      AND NOT EXISTS (
        SELECT FROM billing_month m
        WHERE m.offering_uuid = u.offering_uuid AND m.month = %(month)s AND m.is_closed)
      AND NOT EXISTS (
        SELECT FROM component_usage n
        WHERE n.resource_uuid = u.resource_uuid AND n.component_uuid = u.component_uuid
          AND n.billing_period = %(month)s)
    ORDER BY u.resource_uuid, u.component_uuid, u.id DESC
) c
WHERE (c.resource_uuid, c.component_uuid) > (%(after_resource)s, %(after_component)s)
ORDER BY c.resource_uuid, c.component_uuid
LIMIT %(limit)s"""  # noqa: S608 - of constants

SELECT_LEFT_OUT = f"""
SELECT count(DISTINCT u.offering_uuid) AS offerings
FROM component_usage u
JOIN resource r ON r.uuid = u.resource_uuid
JOIN billing_month m ON m.offering_uuid = u.offering_uuid AND m.month = %(month)s AND m.is_closed
WHERE u.billing_period = %(before)s
  AND u.missing_usage_policy IN ('reuse', 'zero')
  AND NOT {IS_TERMINATED}
  AND NOT EXISTS (
    SELECT FROM component_usage n
    WHERE n.resource_uuid = u.resource_uuid AND n.component_uuid = u.component_uuid
      AND n.billing_period = %(month)s)"""  # noqa: S608 - of constants

SELECT_LAST_MONTH = "SELECT max(month) AS month FROM carried_month"

Key = tuple[UUID, UUID]
FIRST: Key = (UUID(int=0), UUID(int=0))


def candidates(
    cursor: Cursor[DictRow], month: date, now: datetime, zone: tzinfo, after: Key, limit: int
) -> list[tuple[str, LastUsage]]:
    """Return usages of the month before that call for one in `month` and have none.

    Each comes with the name of its resource. They are in the order of (resource, component), at most `limit`
    of those after a key.
    """
    start, end = bounds(month, zone)
    parameters = {
        "before": (month - timedelta(days=1)).replace(day=1),
        "month": month,
        "month_start": start,
        "month_end": end,
        "moment": min(now, end - datetime.resolution),
        "after_resource": after[0],
        "after_component": after[1],
        "limit": limit,
    }
    return [_last_usage(row) for row in cursor.execute(SELECT_CANDIDATES, parameters)]


def _last_usage(row: DictRow) -> tuple[str, LastUsage]:
    name: str = row.pop("resource_name")
    return name, LastUsage(ownership=take_ownership(row), **row)


def left_out(cursor: Cursor[DictRow], month: date) -> int:
    """Return of how many offerings nothing is carried over, though it could be, as the month is closed."""
    parameters = {"before": (month - timedelta(days=1)).replace(day=1), "month": month}
    row = cursor.execute(SELECT_LEFT_OUT, parameters).fetchone()
    assert row is not None
    offerings: int = row["offerings"]
    return offerings


def last_month(cursor: Cursor[DictRow]) -> date | None:
    """Return the last month that anything was carried over into, None if there is none."""
    row = cursor.execute(SELECT_LAST_MONTH).fetchone()
    assert row is not None
    month: date | None = row["month"]
    return month
