"""The digest of a fact, by which it is told from what stands at its position in another history.

The first 64 bits, as a signed number, of the SHA-256 of the fact and its place. A fact says when it was
recorded, so two histories have different ones. Whether somebody has changed the journal on purpose is not for
so short a digest to say.
"""

from hashlib import sha256
from typing import cast
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from psycopg.sql import SQL

FACT_DIGEST = SQL("""('x' || encode(substr(sha256(convert_to(
    replace(originator_id::text, '-', '') || ' ' || originator_version || ' ' || notification_id || ' '
    || topic || chr(10), 'UTF8') || state), 1, 8), 'hex'))::bit(64)::bigint""")
"""The digest of a row of the journal."""


def digest_of(position: int, event: StoredEvent) -> int:
    """Return the digest of a fact at a position."""
    stream = cast(UUID, event.originator_id).hex
    place = f"{stream} {event.originator_version} {position} {event.topic}\n"
    return int.from_bytes(sha256(place.encode() + event.state).digest()[:8], "big", signed=True)
