"""Read model of the positions at which scopes last changed: what makes an answer another one, and for whom.

A report touches its project and its offering. All of a customer's usage is in its projects, and all of a
provider's in its offerings, so that two rows tell of every scope. Whatever else happens touches everything: a
resource that moves, a role, a name. So scopes may be added up as the catalogue has them now.
"""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import Fact, Report, RequestAnswered, RequestDecided
from projections.fast.scopes import EVERYTHING
from projections.writers.read_model import ReadModel

OF_REQUESTS = (RequestDecided, RequestAnswered)
"""Facts that change no figure and nothing of the catalogue."""

# Nobody else writes meanwhile, so that rows need not be locked first, as ON CONFLICT does: that would be two
# fifths of the bytes in the log. By the array they are found in the index, however many there are.
MOVE = """
WITH n AS MATERIALIZED (
    SELECT * FROM unnest(%(scopes)s::uuid[], %(positions)s::bigint[]) AS n(scope, position)
), moved AS (
    UPDATE scope_position t SET position = n.position FROM n
    WHERE t.scope = n.scope AND t.scope = ANY(%(scopes)s)
    RETURNING t.scope
)
INSERT INTO scope_position (scope, position)
SELECT scope, position FROM n WHERE scope NOT IN (SELECT scope FROM moved)"""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Move the scopes that the facts touch to their positions."""
    last: dict[UUID, int] = {}
    for position, fact in facts:
        if isinstance(fact, Report):
            last[fact.project_uuid] = last[fact.offering_uuid] = position
        elif not isinstance(fact, OF_REQUESTS):
            last[EVERYTHING] = position
    if last:
        cursor.execute(MOVE, {"scopes": list(last), "positions": list(last.values())})


SCOPE_POSITIONS = ReadModel(handles=(Fact,), project=project, writes=("scope_position",))
