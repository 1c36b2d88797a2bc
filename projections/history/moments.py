"""When the journal was where: which fact a time stands for, and which one a position.

`recorded_at` need not rise from fact to fact: servers have clocks of their own, and who asks earlier may be
stored later. A time stands for the greatest position at and below which nothing was recorded later. Of each
span of positions (`projections/history/spans.py`) there is the latest time up to its end, so that only the
facts of one span are looked into.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Literal

from ledger.events import Fact, UsageReported
from ledger.journal.digests import FACT_DIGEST
from projections.fast.position import BeingReplaced, End
from projections.history import spans
from projections.rows import as_json
from projections.writers.read_model import ReadModel

# The last row has the latest of all that came before.
RAISE_MOMENTS = """
INSERT INTO moment (span, recorded_at, measured_at)
SELECT n.span, greatest(n.recorded_at, b.recorded_at), greatest(n.measured_at, b.measured_at)
FROM json_populate_recordset(NULL::moment, %(rows)s) n
LEFT JOIN (SELECT recorded_at, measured_at FROM moment ORDER BY span DESC LIMIT 1) b ON true
ON CONFLICT (span) DO UPDATE SET recorded_at = EXCLUDED.recorded_at, measured_at = EXCLUDED.measured_at"""

RECORDED_AT = "(convert_from(state, 'UTF8')::json ->> 'recorded_at')::timestamptz"

SELECT_POSITION_AT = f"""
SELECT coalesce((
    SELECT notification_id - 1 FROM journal.ledger_events
    WHERE notification_id <= position AND {RECORDED_AT} > %(moment)s AND notification_id >= coalesce((
        SELECT span + 1 FROM moment WHERE recorded_at <= %(moment)s ORDER BY span DESC LIMIT 1
    ), 0) * %(span)s
    ORDER BY notification_id LIMIT 1), position) AS position
FROM read_position"""  # noqa: S608 - of constants

SELECT_FACT = (
    SQL("""
SELECT
    notification_id AS position, {digest} AS digest,
    coalesce({recorded_at}, (
        SELECT recorded_at FROM moment WHERE span <= notification_id / {span} ORDER BY span DESC LIMIT 1
    )) AS recorded_at
FROM journal.ledger_events WHERE notification_id <= %(position)s ORDER BY notification_id DESC LIMIT 1""")
    .format(digest=FACT_DIGEST, recorded_at=SQL(RECORDED_AT), span=Literal(spans.SPAN))
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
    row = cursor.execute(SELECT_POSITION_AT, {"moment": moment, "span": spans.SPAN}).fetchone()
    if row is None or row["position"] is None:
        raise BeingReplaced
    position: int = row["position"]
    return position


def fact_at_or_before(cursor: Cursor[DictRow], position: int) -> Past:
    """Return the fact at a position, where there is none the one before it."""
    row = cursor.execute(SELECT_FACT, {"position": position}).fetchone()
    return Past(End(row["position"], row["digest"]), row["recorded_at"]) if row else EMPTY


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Raise the latest times of the spans that the facts are in."""
    cursor.execute(RAISE_MOMENTS, {"rows": as_json(_latest(facts))})


def _latest(facts: Sequence[tuple[int, Fact]]) -> Iterator[dict[str, Any]]:
    """Yield for each span up to when its facts, and those before, were recorded and measured."""
    recorded, measured = list[datetime](), list[datetime]()
    for span, group in groupby(facts, lambda each: each[0] // spans.SPAN):
        of_span = [fact for _, fact in group]
        recorded = [max([*recorded, *(fact.recorded_at for fact in of_span)])]
        measured += [fact.measured_at for fact in of_span if isinstance(fact, UsageReported)]
        measured = [max(measured)] if measured else []
        yield {"span": span, "recorded_at": recorded[0], "measured_at": measured[0] if measured else None}


MOMENTS = ReadModel(handles=(Fact,), project=project, writes=("moment",))
