"""Read model of manifests: what was said to have been sent, and whether it was what stood then."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import ManifestSent
from projections.rows import as_json
from projections.writers.read_model import ReadModel

INSERT = """
INSERT INTO manifest SELECT * FROM json_populate_recordset(NULL::manifest, %(rows)s)"""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, ManifestSent]]) -> None:
    """Add a row for each manifest."""
    rows = (
        {
            "id": position,
            "compared_at": fact.compared_at,
            "sent_at": fact.recorded_at,
            "reports": fact.stated.reports,
            "resources": fact.stated.resources,
            "month": fact.month,
            "offering_uuid": fact.offering_uuid,
            "sent_by": fact.sent_by,
            "is_match": fact.stated.match(fact.standing),
            "totals": {name: str(amount) for name, amount in fact.stated.totals.items()},
            "source": fact.source,
            "note": fact.note,
        }
        for position, fact in facts
    )
    cursor.execute(INSERT, {"rows": as_json(rows)})


MANIFESTS = ReadModel(handles=(ManifestSent,), project=project, writes=("manifest",))
