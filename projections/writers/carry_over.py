"""Read model of the months that anything was carried over into."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import UsageCarriedOver
from projections.rows import as_json
from projections.writers.read_model import ReadModel

INSERT_MONTHS = """
INSERT INTO carried_month (month) SELECT month FROM json_populate_recordset(NULL::carried_month, %(rows)s)
ON CONFLICT (month) DO NOTHING"""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, UsageCarriedOver]]) -> None:
    """Add the months of carried usage."""
    months = {fact.month for _, fact in facts}
    cursor.execute(INSERT_MONTHS, {"rows": as_json({"month": month} for month in months)})


CARRIED_MONTHS = ReadModel(handles=(UsageCarriedOver,), project=project, writes=("carried_month",))
