"""The revisions of a usage: the facts that changed what its row says, each with the figure before and after.

What rows were is kept by the positions of the facts that made them so. A move in the catalogue makes another
version of a row, too, and no revision, as the row says of itself what it said before. Whose the row was is in
each version: a revision is seen by whoever could see the row then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from psycopg import Cursor
from psycopg.rows import DictRow

from projections.fast.position import End
from projections.history import as_of
from projections.queries import component_usages, user_usages
from projections.queries.billing.corrections import SEEN
from projections.queries.json_columns import Column
from projections.queries.list_query import ListQuery, Scopes

SAID = (
    *("usage", "measured_at", "description", "missing_usage_policy", "plan_uuid", "plan_period_uuid"),
    "reported_by",
)
"""The columns that reports state of a component usage."""

WHOSE = ", ".join(f"u.{name}" for name in ("customer_uuid", "provider_uuid", "project_uuid", "offering_uuid"))

VERSIONS = f"""
SELECT
    u.since AS position, u.usage, lag(u.usage) OVER earlier AS usage_before, {WHOSE},
    ({", ".join(f"u.{name}" for name in SAID)}) IS DISTINCT FROM
        ({", ".join(f"lag(u.{name}) OVER earlier" for name in SAID)}) AS is_revision
FROM component_usage_versions u
WHERE u.uuid = %(uuid)s
WINDOW earlier AS (ORDER BY u.since)"""  # noqa: S608 - of constants

# Named with its schema: as of a position there is a view of that name, which has the rows of then.
USER_VERSIONS = f"""
SELECT
    v.since AS position, v.usage, lag(v.usage) OVER (ORDER BY v.since) AS usage_before, {WHOSE},
    true AS is_revision
FROM read_models.user_usage uu
CROSS JOIN LATERAL (
    SELECT uu.since, uu.usage
    UNION ALL
    SELECT p.since, p.usage FROM user_usage_past p WHERE p.uuid = uu.uuid
) v
JOIN component_usage_versions u ON u.resource_uuid = uu.resource_uuid AND u.uuid = uu.component_usage_uuid
    AND u.since <= v.since AND u.until > v.since
WHERE uu.uuid = %(uuid)s"""  # noqa: S608 - of constants

COUNT: LiteralString = """
SELECT count(*) AS total, (SELECT ARRAY[position, digest] FROM read_position) AS "end"
FROM ({versions}) u
WHERE u.is_revision AND u.position <= (SELECT position FROM read_position) AND {{where}}"""

PAGE: LiteralString = """
SELECT
    u.position, u.usage_before, u.usage, e.topic, e.originator_id, e.originator_version, e.state,
    a.uuid AS account, a.username, a.id, k.correction
FROM (
    SELECT * FROM ({versions}) u
    WHERE u.is_revision AND u.position <= %(last)s AND {{where}}
    ORDER BY u.position DESC LIMIT %(limit)s OFFSET %(offset)s
) u
JOIN journal.ledger_events e ON e.notification_id = u.position
LEFT JOIN LATERAL (
    SELECT uuid, coalesce(username, '') AS username, id FROM account
    WHERE uuid = (convert_from(e.state, 'UTF8')::json ->> 'reported_by')::uuid OFFSET 0
) a ON true
LEFT JOIN LATERAL (
    SELECT json_build_object('uuid', k.uuid, 'title', k.title, 'state', k.state, {people}) AS correction
    FROM correction k
    WHERE k.uuid = (convert_from(e.state, 'UTF8')::json ->> 'correction_uuid')::uuid
      AND (%(sees_all)s OR {seen}) OFFSET 0
) k ON true
ORDER BY u.position DESC"""


PERSON: LiteralString = """'{step}_by', (
    SELECT json_build_object('uuid', uuid, 'username', coalesce(username, ''), 'id', id)
    FROM account WHERE uuid = k.{step}_by)"""

PEOPLE = ", ".join(PERSON.format(step=step) for step in ("proposed", "approved", "applied"))


class Reporter(NamedTuple):
    """The account of whoever reported something. The name of whoever was forgotten is empty."""

    uuid: UUID
    username: str
    id: int


class Revision(NamedTuple):
    """A fact as the journal stores it, and the figure that the row showed before it, if any, and after it.

    `correction` is the one that it is a part of, with who proposed, approved and applied it.
    """

    position: int
    usage_before: Decimal | None
    usage_after: Decimal
    stored: StoredEvent
    reporter: Reporter | None
    correction: dict[str, Any] | None


@dataclass(frozen=True, eq=False)
class History:
    """The revisions of the rows of a list, from what the rows were: `versions` are those of one."""

    rows: ListQuery
    versions: LiteralString

    def count(self, cursor: Cursor[DictRow], uuid: UUID, scopes: Scopes) -> tuple[int, End]:
        """Return how many revisions of a row the scopes see, and where the journal ends."""
        row = self._execute(cursor, COUNT, {"uuid": uuid}, scopes).fetchone()
        assert row is not None
        return row["total"], End.of(row["end"])

    def page(
        self,
        cursor: Cursor[DictRow],
        uuid: UUID,
        scopes: Scopes,
        seen: Mapping[str, object],
        last: int,
        limit: int,
        offset: int = 0,
    ) -> list[Revision]:
        """Return some revisions of a row that the scopes see, up to position `last`, newest first.

        `seen` says of which corrections the caller may know.
        """
        values = {"uuid": uuid, "last": last, "limit": limit, "offset": offset, **seen}
        return [_revision(row) for row in self._execute(cursor, PAGE, values, scopes)]

    def _execute(
        self, cursor: Cursor[DictRow], statement: LiteralString, values: dict[str, object], scopes: Scopes
    ) -> Cursor[DictRow]:
        # The conditions of the list on whose row it is fit the versions, which have the same columns.
        whole = statement.format(versions=self.versions, people=PEOPLE, seen=SEEN)
        text = self.rows.with_filters(whole, {}, scopes)
        return cursor.execute(text, {**values, **(scopes or {})})

    def row_at(
        self,
        cursor: Cursor[DictRow],
        position: int,
        columns: Sequence[Column],
        restrictions: dict[str, object],
    ) -> str:
        """Return a row as JSON, as it was when this position was the journal's last.

        From then on the transaction, which the cursor must be in, reads the past.
        """
        as_of.enter(cursor, position)
        row, _ = self.rows.one(cursor, columns, restrictions, None)
        assert row is not None, "a fact at this position made it what it is"
        return row


COMPONENT_USAGES = History(component_usages.USAGES, VERSIONS)
USER_USAGES = History(user_usages.USAGES, USER_VERSIONS)


def _revision(row: DictRow) -> Revision:
    reporter = Reporter(row["account"], row["username"], row["id"]) if row["account"] else None
    fact = StoredEvent(row["originator_id"], row["originator_version"], row["topic"], row["state"])
    figures = row["usage_before"], row["usage"]
    return Revision(row["position"], *figures, fact, reporter, row["correction"])
