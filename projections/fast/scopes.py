"""At which fact an answer last changed, as far as it depends on the projects and offerings of some scopes.

An answer is within bounds: what the caller may see, and each filter that narrows it. Whatever changes it
touches a scope within every one of them, so none of them was last touched before the answer was. Of bounds
that overlap without being the same, a fact within each of them may change nothing of what is in both: then an
answer is sent again that could have been kept.

A filter that names what the caller does not see narrows nothing. Else the tag of an empty list would change
with what is reported there, and tell of others: that they are there, and when they report.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.journal.digests import FACT_DIGEST
from projections.fast.position import BeingReplaced, End

EVERYTHING = UUID(int=0)
"""The scope that is touched by all but reports."""

Kind = Literal["project", "offering", "customer", "provider", "project of", "offering of"]
"""Of a scope: the last two are those of a resource. A customer has projects, and a provider offerings."""

Bound = tuple[tuple[Kind, UUID], ...]
"""Scopes of which any may be touched. A stranger has none: only what touches everything counts there."""


class Bounds(NamedTuple):
    """What an answer is within: what the caller sees, None being all, and what its filters narrow that to."""

    seen: Bound | None = None
    narrowed: tuple[Bound, ...] = ()


# Scopes are looked up one by one (OFFSET 0 keeps it so): a join would read all of a table of thousands. So is
# the digest of the fact, as positions come again where a journal is put back.
SELECT_LAST_CHANGE = (
    SQL("""
WITH scopes AS MATERIALIZED (
    SELECT n.number, s.scope, t.position
    FROM unnest(%(numbers)s::integer[], %(kinds)s::text[], %(uuids)s::uuid[]) n(number, kind, uuid)
    LEFT JOIN LATERAL (
        SELECT n.uuid AS scope WHERE n.kind IN ('project', 'offering')
        UNION ALL SELECT uuid FROM project WHERE n.kind = 'customer' AND customer_uuid = n.uuid
        UNION ALL SELECT uuid FROM offering WHERE n.kind = 'provider' AND customer_uuid = n.uuid
        UNION ALL SELECT project_uuid FROM resource WHERE n.kind = 'project of' AND uuid = n.uuid
        UNION ALL SELECT offering_uuid FROM resource WHERE n.kind = 'offering of' AND uuid = n.uuid
    ) s ON true
    LEFT JOIN LATERAL (SELECT position FROM scope_position WHERE scope = s.scope OFFSET 0) t ON true
), touched AS (
    SELECT coalesce(max(position), 0) AS position
    FROM scopes
    WHERE number = 0 OR %(sees_all)s OR scope IN (SELECT scope FROM scopes WHERE number = 0)
    GROUP BY number
)
SELECT
    ARRAY[p.position, p.digest] AS "end", ARRAY[l.position, {digest_at_last}] AS last,
    {digest_at_known} AS known_digest
FROM read_position p, LATERAL (
    SELECT greatest(
        (SELECT min(position) FROM touched),
        (SELECT position FROM scope_position WHERE scope = '{everything}'), 0) AS position
    OFFSET 0
) l""")
    .format(
        everything=SQL(EVERYTHING.hex),
        digest_at_last=SQL(
            "coalesce((SELECT {} FROM journal.ledger_events WHERE notification_id = l.position), 0)"
        ).format(FACT_DIGEST),
        digest_at_known=SQL(
            "coalesce((SELECT {} FROM journal.ledger_events WHERE notification_id = %(known)s), 0)"
        ).format(FACT_DIGEST),
    )
    .as_string()
)


class LastChange(NamedTuple):
    """The last fact that touched what is within bounds, and the one that the read models ended at then.

    `known_digest` is that of the fact at the position that was asked about: whether it is in this history.
    """

    last: End
    end: End
    known_digest: int


def last_change(cursor: Cursor[DictRow], bounds: Bounds, known: End) -> LastChange:
    """Return the last fact that touched what is within all of the bounds. Raises BeingReplaced."""
    scopes: Sequence[tuple[int, str | None, UUID | None]] = [
        (number, *scope)
        for number, bound in enumerate((bounds.seen, *bounds.narrowed))
        if bound is not None
        for scope in bound or [(None, None)]
    ]
    parameters = {
        "numbers": [number for number, _, _ in scopes],
        "kinds": [kind for _, kind, _ in scopes],
        "uuids": [uuid for _, _, uuid in scopes],
        "sees_all": bounds.seen is None,
        "known": known.position,
    }
    row = cursor.execute(SELECT_LAST_CHANGE, parameters).fetchone()
    if row is None:
        raise BeingReplaced
    return LastChange(End.of(row["last"]), End.of(row["end"]), row["known_digest"])
