"""Read model of the months that anything was carried over into."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import Fact, UsageCarriedOver
from projections.rows import as_json

INSERT_MONTHS = """
INSERT INTO carried_month (month) SELECT month FROM json_populate_recordset(NULL::carried_month, %(rows)s)
ON CONFLICT (month) DO NOTHING"""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Keeps the months of what is carried over."""
    months = {fact.month for _, fact in facts if isinstance(fact, UsageCarriedOver)}
    if months:
        cursor.execute(INSERT_MONTHS, {"rows": as_json({"month": month} for month in months)})
