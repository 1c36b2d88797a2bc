"""Looks up what limits of users are decided on, and what they show."""

from collections.abc import Sequence

import msgspec
from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.catalogue import UserUsageLimit
from ledger.domain.user_limits import LimitContext
from projections.rows import as_json

SELECT_CONTEXT = """
SELECT json_build_object(
    'project_uuid', r.project_uuid,
    'customer_uuid', p.customer_uuid,
    'offering_uuid', r.offering_uuid,
    'provider_uuid', o.customer_uuid,
    'component_offering_uuid', c.offering_uuid,
    'is_member', EXISTS (
        SELECT FROM offering_user w JOIN role h ON h.user_uuid = w.user_uuid
        WHERE w.uuid = %(offering_user_uuid)s AND h.is_active
          AND h.scope_type = 'project' AND h.scope_uuid = r.project_uuid),
    'others', (
        SELECT coalesce(json_agg(uuid), '[]') FROM user_usage_limit
        WHERE resource_uuid = r.uuid AND component_uuid = c.uuid
          AND offering_user_uuid = %(offering_user_uuid)s AND uuid <> %(uuid)s)
)::text AS value
FROM resource r
JOIN project p ON p.uuid = r.project_uuid
JOIN offering o ON o.uuid = r.offering_uuid
JOIN component c ON c.uuid = %(component_uuid)s
WHERE r.uuid = %(resource_uuid)s"""

# The limits that stand where others are to, without those others themselves.
SELECT_REPLACED = """
SELECT uuid, resource_uuid, component_uuid, offering_user_uuid, "limit"
FROM user_usage_limit
JOIN json_to_recordset(%(rows)s) AS n(resource_uuid uuid, component_uuid uuid, offering_user_uuid uuid)
    USING (resource_uuid, component_uuid, offering_user_uuid)
WHERE uuid <> ALL(%(uuids)s)"""

SELECT_NAMES = """
SELECT c.component_type, coalesce(u.username, '') AS username
FROM component c, offering_user u
WHERE c.uuid = %(component_uuid)s AND u.uuid = %(offering_user_uuid)s"""


def context_of(cursor: Cursor[DictRow], limit: UserUsageLimit) -> LimitContext:
    """Return what a limit is decided on. Its resource, component and offering user exist."""
    row = cursor.execute(SELECT_CONTEXT, structs.asdict(limit)).fetchone()
    assert row is not None
    return msgspec.json.decode(row["value"], type=LimitContext)


def replaced_by(cursor: Cursor[DictRow], limits: Sequence[UserUsageLimit]) -> list[UserUsageLimit]:
    """Return the limits that are for the same resource, component and offering user as one of others."""
    parameters = {"rows": as_json(limits), "uuids": [limit.uuid for limit in limits]}
    return [UserUsageLimit(**row) for row in cursor.execute(SELECT_REPLACED, parameters)]


def names_of(cursor: Cursor[DictRow], limit: UserUsageLimit) -> DictRow:
    """Return the `component_type` and the `username` that a limit shows; a forgotten name is empty."""
    row = cursor.execute(SELECT_NAMES, structs.asdict(limit)).fetchone()
    assert row is not None
    return row
