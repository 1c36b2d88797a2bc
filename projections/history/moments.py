"""When the journal was where: which fact a time stands for, and which one a position.

`recorded_at` need not rise from fact to fact: servers have clocks of their own, and who asks earlier may be
stored later. A time stands for the greatest position at and below which nothing was recorded later. So there
is a row for every fact that was recorded later than all before it, and for no other one.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.events import Fact, UsageReported
from ledger.journal.digests import FACT_DIGEST
from projections.fast.position import BeingReplaced, End
from projections.rows import as_json, insert
from projections.writers.read_model import ReadModel

INSERT_MOMENTS = """
WITH risen AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s)
        AS n(position bigint, recorded_at timestamptz, measured_before timestamptz)
), horizons AS (
    INSERT INTO horizon (position, measured_before)
    SELECT position, measured_before FROM risen
    WHERE measured_before > coalesce((SELECT max(measured_before) FROM horizon), '-infinity')
)
INSERT INTO moment (position, recorded_at)
SELECT position, recorded_at FROM risen
WHERE recorded_at > coalesce((SELECT max(recorded_at) FROM moment), '-infinity')"""

SELECT_LAST = "SELECT recorded_at FROM moment ORDER BY recorded_at DESC LIMIT 1"

SELECT_POSITION_AT = """
SELECT coalesce(
    (SELECT position - 1 FROM moment WHERE recorded_at > %(moment)s ORDER BY recorded_at LIMIT 1),
    (SELECT position FROM read_position)) AS position"""

SELECT_FACT = (
    SQL("""
SELECT
    notification_id AS position, {digest} AS digest,
    (convert_from(state, 'UTF8')::json ->> 'recorded_at')::timestamptz AS recorded_at
FROM journal.ledger_events WHERE notification_id <= %(position)s ORDER BY notification_id DESC LIMIT 1""")
    .format(digest=FACT_DIGEST)
    .as_string()
)


class Past(NamedTuple):
    """The journal as it was when this fact was its last one."""

    end: End
    recorded_at: datetime


EMPTY = Past(End(), datetime(1970, 1, 1, tzinfo=UTC))
"""Before the first fact. No answer shows its time: there is nothing yet."""


def position_at(cursor: Cursor[DictRow], moment: datetime) -> int:
    """Return the greatest position at and below which nothing was recorded after this moment.

    There need not be a fact at it. The read models must be up to date. Raises BeingReplaced.
    """
    row = cursor.execute(SELECT_POSITION_AT, {"moment": moment}).fetchone()
    if row is None or row["position"] is None:
        raise BeingReplaced
    position: int = row["position"]
    return position


def fact_at_or_before(cursor: Cursor[DictRow], position: int) -> Past:
    """Return the fact at a position, where there is none the one before it."""
    row = cursor.execute(SELECT_FACT, {"position": position}).fetchone()
    return Past(End(row["position"], row["digest"]), row["recorded_at"]) if row else EMPTY


FIRST, LAST = (each.replace(tzinfo=UTC) for each in (datetime.min, datetime.max))


class Moment(Struct):
    """A row of the table."""

    position: int
    recorded_at: datetime


def _risen(facts: Sequence[tuple[int, Fact]]) -> Iterator[dict[str, Any]]:
    """Yield what facts say later than those before them: when they were recorded, and what was measured."""
    latest: datetime | None = None
    horizon = FIRST
    for position, fact in facts:
        row: dict[str, Any] = {}
        if latest is None or fact.recorded_at > latest:
            row["recorded_at"] = latest = fact.recorded_at
        if isinstance(fact, UsageReported) and fact.measured_at >= horizon:
            horizon = _next_day(fact.measured_at)
            row["measured_before"] = "infinity" if horizon == LAST else horizon
        if row:
            yield {"position": position, **row}


def _next_day(moment: datetime) -> datetime:
    """Return the first moment of the next day, at the end of the calendar the last one that there is."""
    day = moment.astimezone(UTC).date()
    return LAST if day == LAST.date() else datetime.combine(day + timedelta(days=1), time(), UTC)


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Add those facts that were recorded later than all before them, or say what was measured later."""
    cursor.execute(INSERT_MOMENTS, {"rows": as_json(_risen(facts))})


def load(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Add them in a rebuild: the moments, which are many, by COPY."""
    rows = [*_risen(facts)]
    last = cursor.execute(SELECT_LAST).fetchone()
    latest = last["recorded_at"] if last else None
    risen = [Moment(row["position"], row["recorded_at"]) for row in rows if "recorded_at" in row]
    insert(cursor, "moment", [each for each in risen if latest is None or each.recorded_at > latest])
    horizons = [
        {"position": row["position"], "measured_before": row["measured_before"]}
        for row in rows
        if "measured_before" in row
    ]
    if horizons:
        cursor.execute(INSERT_MOMENTS, {"rows": as_json(horizons)})


MOMENTS = ReadModel(handles=(Fact,), project=project, writes=("moment", "horizon"), load=load)
