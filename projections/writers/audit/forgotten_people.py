"""Read model of the people who were forgotten: their names are in no read table any more, nor in its past.

That changes what the past says, and has no version: as of a position before, the name is gone as well.
"""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import PersonForgotten
from projections.forgotten_names import erase_names
from projections.rows import as_json, upsert
from projections.writers.read_model import ReadModel

UPSERT = upsert("forgotten_person", ("person", "position"), key=("person",))


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, PersonForgotten]]) -> None:
    """Write who was forgotten, and erase their names."""
    rows = [{"person": fact.person, "position": position} for position, fact in facts]
    cursor.execute(UPSERT, {"rows": as_json(rows)})
    erase_names(cursor, [fact.person for _, fact in facts])


FORGOTTEN_PEOPLE = ReadModel(
    handles=(PersonForgotten,),
    project=project,
    writes=("forgotten_person", "account", "offering_user", "user_usage"),
    reads=("account", "offering_user", "user_usage"),
    is_cached=True,
)
