"""Read model of verifications: which were made, and what they came to."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import ReadModelsVerified
from projections.rows import as_json
from projections.writers.read_model import ReadModel

INSERT = """
INSERT INTO verification (id, recorded_at, up_to, facts, differences)
SELECT id, recorded_at, up_to, facts, differences
FROM json_populate_recordset(NULL::verification, %(rows)s)"""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, ReadModelsVerified]]) -> None:
    """Add a row for each verification."""
    rows = (
        {
            "id": position,
            "recorded_at": fact.recorded_at,
            "up_to": fact.to,
            "facts": fact.facts,
            "differences": fact.differences,
        }
        for position, fact in facts
    )
    cursor.execute(INSERT, {"rows": as_json(rows)})


VERIFICATIONS = ReadModel(handles=(ReadModelsVerified,), project=project, writes=("verification",))
