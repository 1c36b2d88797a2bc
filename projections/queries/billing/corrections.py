"""Corrections, the newest first, and the figures of their items as they stand."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from projections.queries.audit.unexplained import ACCOUNT
from projections.queries.json_columns import Listed, Values
from projections.queries.list_query import ListQuery, total_of

SEEN = "(k.provider_uuid = ANY(%(seen_providers)s) OR k.offerings <@ %(seen_offerings)s::uuid[])"
"""The condition that somebody may know of a correction `k`: they see all that it changes."""

ROWS = SQL("""
SELECT {json} FROM correction k
LEFT JOIN customer c ON c.uuid = k.provider_uuid
WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s""")

SUMS = Listed(
    SQL("""SELECT {json} FROM jsonb_to_recordset(k.sums) s(
        component_uuid uuid, component_type text, is_of_users boolean, figures integer, before numeric,
        after numeric)
    LEFT JOIN component o ON o.uuid = s.component_uuid"""),
    {
        "component_uuid": SQL("s.component_uuid"),
        "component_type": SQL("s.component_type"),
        "component_name": SQL("o.name"),
        "measured_unit": SQL("o.measured_unit"),
        "is_of_users": SQL("coalesce(s.is_of_users, false)"),
        "figures": SQL("s.figures"),
        "before": SQL("s.before::numeric(22, 2)"),
        "after": SQL("s.after::numeric(22, 2)"),
        "delta": SQL("(s.after - s.before)::numeric(22, 2)"),
    },
)

# The last one: those before it were rejected.
REVERT = """(
    SELECT r.uuid FROM correction r WHERE r.reverts = k.uuid AND r.state <> 'rejected'
    ORDER BY r.id DESC LIMIT 1)"""


# As ledger/domain/billing/corrections.py has them. What is being put back can't be put back once more.
NEXT_STEPS = SQL(f"""CASE k.state
    WHEN 'proposed' THEN ARRAY['approve', 'reject']
    WHEN 'approved' THEN ARRAY['apply', 'reject']
    WHEN 'applied' THEN CASE WHEN {REVERT} IS NULL THEN ARRAY['revert'] ELSE ARRAY[]::text[] END
    ELSE ARRAY[]::text[] END""")


def _account(column: str) -> Listed:
    rows = f"SELECT {{json}} FROM account a WHERE a.uuid = k.{column}"  # noqa: S608 - of constants
    return Listed(SQL(rows), ACCOUNT)


COLUMNS: Values = {
    "uuid": SQL("k.uuid"),
    "title": SQL("k.title"),
    "reason": SQL("k.reason"),
    "ticket": SQL("k.ticket"),
    "state": SQL("k.state"),
    "next": NEXT_STEPS,
    "provider_uuid": SQL("k.provider_uuid"),
    "provider_name": SQL("c.name"),
    "offerings": SQL("(SELECT array_agg(replace(o::text, '-', '')) FROM unnest(k.offerings) o)"),
    "figures": SQL("k.figures"),
    "billing_periods": SQL("k.months"),
    "sums": SUMS,
    "position": SQL("k.id"),
    "applied_position": SQL("k.applied"),
    "is_by_proposer": SQL("k.is_by_proposer"),
    "rejection": SQL("k.rejection"),
    "reverts": SQL("k.reverts"),
    "revert": SQL(REVERT),
    **{
        f"{step}_at": SQL(f"k.{step}_at")
        for step in ("proposed", "approved", "rejected", "applied", "reverted")
    },
    **{
        f"{step}_by": _account(f"{step}_by")
        for step in ("proposed", "approved", "rejected", "applied", "reverted")
    },
}

CORRECTIONS = ListQuery(
    ROWS,
    SQL("SELECT count(*) AS total FROM correction k WHERE {where}"),
    COLUMNS,
    filters={
        "uuid": SQL("k.uuid = %(uuid)s"),
        "state": SQL("k.state = ANY(%(state)s)"),
        "offering_uuid": SQL("k.offerings @> ARRAY[%(offering_uuid)s::uuid]"),
        "provider_uuid": SQL("k.provider_uuid = %(provider_uuid)s"),
        "billing_period": SQL("%(billing_period)s = ANY(k.months)"),
        "proposed_by_uuid": SQL("k.proposed_by = %(proposed_by_uuid)s"),
        "seen_providers": SQL(SEEN),
    },
    orders={},
    default=SQL("k.id DESC"),
    last=SQL("k.id"),
    visibility={},
)

SELECT_FIGURES = """
SELECT f.uuid, u.usage
FROM unnest(%(uuids)s::uuid[], %(resources)s::uuid[]) f(uuid, resource_uuid)
CROSS JOIN LATERAL (
    SELECT usage FROM component_usage WHERE resource_uuid = f.resource_uuid AND uuid = f.uuid
    UNION ALL
    SELECT usage FROM user_usage WHERE resource_uuid = f.resource_uuid AND uuid = f.uuid
    OFFSET 0
) u"""

SELECT_STANDING = """
SELECT f.uuid FROM unnest(%(uuids)s::uuid[], %(resources)s::uuid[], %(positions)s::bigint[])
    f(uuid, resource_uuid, position)
WHERE EXISTS (
    SELECT FROM component_usage
    WHERE resource_uuid = f.resource_uuid AND uuid = f.uuid AND correction_uuid = %(correction)s OFFSET 0
) OR EXISTS (
    SELECT FROM user_usage WHERE resource_uuid = f.resource_uuid AND uuid = f.uuid AND since = f.position
    OFFSET 0
)"""

SELECT_REVERT = """
SELECT uuid FROM correction WHERE reverts = %(uuid)s AND state IN ('proposed', 'approved') LIMIT 1"""

COUNT_REVERTS = "SELECT count(*) AS total FROM correction WHERE reverts = %(uuid)s"

SELECT_NAMES = """
SELECT uuid, name FROM resource WHERE uuid = ANY(%(resources)s)
UNION ALL
SELECT uuid, measured_unit FROM component WHERE uuid = ANY(%(components)s)
UNION ALL
SELECT uuid, username FROM journal.person WHERE uuid = ANY(%(people)s)"""

SELECT_OWNERS = """
SELECT r.uuid, r.project_uuid, p.name AS project_name, p.customer_uuid, c.name AS customer_name
FROM resource r JOIN project p ON p.uuid = r.project_uuid JOIN customer c ON c.uuid = p.customer_uuid
WHERE r.uuid = ANY(%(resources)s)"""

SELECT_STEPS = """
SELECT notification_id, originator_id, originator_version, topic, state FROM journal.ledger_events
WHERE originator_id = %(uuid)s AND notification_id <= (SELECT position FROM read_position)
ORDER BY originator_version"""


def figures(cursor: Cursor[DictRow], places: Collection[tuple[UUID, UUID]]) -> dict[UUID, Decimal]:
    """Return what figures are that exist, of components or of users, each asked for with its resource."""
    uuids, resources = [each[0] for each in places], [each[1] for each in places]
    rows = cursor.execute(SELECT_FIGURES, {"uuids": uuids, "resources": resources})
    return {row["uuid"]: row["usage"] for row in rows}


def standing(
    cursor: Cursor[DictRow], correction: UUID, places: Sequence[tuple[UUID, UUID, int | None]]
) -> set[UUID]:
    """Return the figures that nobody has stated since a correction did.

    Each comes with its resource, and with the position of what the correction stated.
    """
    uuids, resources, positions = ([each[column] for each in places] for column in range(3))
    values = {"uuids": uuids, "resources": resources, "positions": positions, "correction": correction}
    return {row["uuid"] for row in cursor.execute(SELECT_STANDING, values)}


def revert_of(cursor: Cursor[DictRow], uuid: UUID) -> UUID | None:
    """Return the correction that is proposed to put this one back, if there is one."""
    row = cursor.execute(SELECT_REVERT, {"uuid": uuid}).fetchone()
    return row["uuid"] if row else None


def count_reverts(cursor: Cursor[DictRow], uuid: UUID) -> int:
    """Return how many corrections were ever proposed to put this one back."""
    return total_of(cursor.execute(COUNT_REVERTS, {"uuid": uuid}))


def names(
    cursor: Cursor[DictRow],
    resources: Collection[UUID],
    components: Collection[UUID],
    people: Collection[UUID],
) -> dict[UUID, str]:
    """Return the names of resources, the units of components and the usernames of people, by uuid."""
    named = {"resources": list(resources), "components": list(components), "people": list(people)}
    rows = cursor.execute(SELECT_NAMES, named)
    return {row["uuid"]: row["name"] for row in rows}


def owners(cursor: Cursor[DictRow], resources: Collection[UUID]) -> dict[UUID, DictRow]:
    """Return the projects and customers of resources, with their names, by the resources' uuids."""
    rows = cursor.execute(SELECT_OWNERS, {"resources": list(resources)})
    return {row.pop("uuid"): row for row in rows}


def steps(cursor: Cursor[DictRow], uuid: UUID) -> list[tuple[int, StoredEvent]]:
    """Return the facts of a correction as the journal stores them, with their positions, in order.

    As of a position those up to it.
    """
    rows = cursor.execute(SELECT_STEPS, {"uuid": uuid})
    return [
        (
            row["notification_id"],
            StoredEvent(row["originator_id"], row["originator_version"], row["topic"], bytes(row["state"])),
        )
        for row in rows
    ]
