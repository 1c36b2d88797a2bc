"""What a scrape of the metrics asks of a database: rows that an index leads to, however much there is."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from projections.history.moments import RECORDED_AT
from projections.read_position import SELECT_HEAD

MOST_PROVIDERS = 500

USAGES_OF_EACH = 50
"""Of a provider's usages so many are looked at, those that were measured last."""

SELECT_POSITIONS = f"SELECT position, ({SELECT_HEAD}) AS head FROM read_position"  # noqa: S608 - of constants

SELECT_LAST_VERIFICATION = "SELECT recorded_at, differences FROM verification ORDER BY id DESC LIMIT 1"

SELECT_LAST_CHECKPOINT = "SELECT signed_at FROM journal.checkpoint ORDER BY size DESC LIMIT 1"

SELECT_BACKUPS = "SELECT to_regclass('operations.backup') IS NOT NULL AS are_kept"
SELECT_LAST_BACKUP = "SELECT taken_at FROM operations.backup ORDER BY taken_at DESC LIMIT 1"

# When a provider last reported at the least: of its usages that were measured last, the last that was stated.
# No index leads to more, as one that every report changes would cost each of them.
SELECT_LAST_REPORTS = f"""
SELECT p.provider_uuid, {RECORDED_AT} AS recorded_at
FROM (SELECT DISTINCT customer_uuid AS provider_uuid FROM offering ORDER BY 1 LIMIT %(providers)s) p
CROSS JOIN LATERAL (
    SELECT max(u.since) AS since FROM (
        SELECT since FROM component_usage WHERE provider_uuid = p.provider_uuid
        ORDER BY measured_at DESC, component_type, id LIMIT %(usages)s) u
) u
JOIN journal.ledger_events e ON e.notification_id = u.since"""  # noqa: S608 - of constants


class Verified(NamedTuple):
    """When a verification ended, and how many rows it found to differ."""

    recorded_at: datetime
    differences: int


class State(NamedTuple):
    """The state of a database. Times are None where nothing was done yet."""

    position: int
    """Of the last fact that the read models show."""
    head: int
    """Of the journal's last fact."""
    verified: Verified | None
    signed_at: datetime | None
    """Of the last checkpoint."""
    backed_up_at: datetime | None
    reported_at: dict[UUID, datetime]
    """By provider: a moment at which it reported, and the last one as far as an index tells."""


def select_state(cursor: Cursor[DictRow]) -> State | None:
    """Return the state of the database, None while its read models are being replaced."""
    positions = cursor.execute(SELECT_POSITIONS).fetchone()
    if positions is None:
        return None
    verified = cursor.execute(SELECT_LAST_VERIFICATION).fetchone()
    checkpoint = cursor.execute(SELECT_LAST_CHECKPOINT).fetchone()
    backups = cursor.execute(SELECT_BACKUPS).fetchone()
    are_kept = backups and backups["are_kept"]
    backup = cursor.execute(SELECT_LAST_BACKUP).fetchone() if are_kept else None
    bounds = {"providers": MOST_PROVIDERS, "usages": USAGES_OF_EACH}
    rows = cursor.execute(SELECT_LAST_REPORTS, bounds).fetchall()
    return State(
        positions["position"],
        positions["head"],
        Verified(**verified) if verified else None,
        checkpoint["signed_at"] if checkpoint else None,
        backup["taken_at"] if backup else None,
        {row["provider_uuid"]: row["recorded_at"] for row in rows},
    )
