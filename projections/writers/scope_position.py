"""Read model of the positions at which scopes last changed: what makes an answer another one, and for whom.

A report touches the project and the offering of its resource. All of a customer's usage is in its projects,
and all of a provider's in its offerings, so that two rows tell of every scope. Whatever else happens touches
everything: a resource that moves, a role, a name. So scopes may be added up as the catalogue has them now.

A report may name the project that its resource has just left, where it was decided at that moment. Its row is
where the catalogue says, and so is what it touches.
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
MOVE = f"""
WITH reported AS MATERIALIZED (
    SELECT coalesce(r.project_uuid, n.project) AS project, coalesce(r.offering_uuid, n.offering) AS offering,
        n.position
    FROM unnest(%(resources)s::uuid[], %(projects)s::uuid[], %(offerings)s::uuid[], %(positions)s::bigint[])
        AS n(resource, project, offering, position)
    LEFT JOIN LATERAL (
        SELECT project_uuid, offering_uuid FROM resource WHERE uuid = n.resource OFFSET 0) r ON true
), touched AS MATERIALIZED (
    SELECT scope, max(position) AS position
    FROM (
        SELECT project AS scope, position FROM reported
        UNION ALL SELECT offering, position FROM reported
        UNION ALL SELECT '{EVERYTHING}'::uuid, %(everything)s::bigint WHERE %(everything)s > 0
    ) s
    GROUP BY scope
), moved AS (
    UPDATE scope_position t SET position = n.position FROM touched n
    WHERE t.scope = n.scope AND t.scope = ANY(ARRAY(SELECT scope FROM touched))
    RETURNING t.scope
)
INSERT INTO scope_position (scope, position)
SELECT scope, position FROM touched WHERE scope NOT IN (SELECT scope FROM moved)"""  # noqa: S608 - of constants


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Move the scopes that the facts touch to their positions."""
    everything, reported = 0, dict[UUID, tuple[int, Report]]()
    for position, fact in facts:
        if isinstance(fact, Report):
            reported[fact.resource_uuid] = position, fact
        elif not isinstance(fact, OF_REQUESTS):
            everything = position
    if reported or everything:
        parameters = {
            "resources": list(reported),
            "projects": [fact.project_uuid for _, fact in reported.values()],
            "offerings": [fact.offering_uuid for _, fact in reported.values()],
            "positions": [position for position, _ in reported.values()],
            "everything": everything,
        }
        cursor.execute(MOVE, parameters)


SCOPE_POSITIONS = ReadModel(handles=(Fact,), project=project, writes=("scope_position",), reads=("resource",))
