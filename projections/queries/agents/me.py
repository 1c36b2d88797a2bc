"""A user as they see themselves: who they are, and the active roles that they hold."""

from psycopg.sql import SQL

from projections.queries.json_columns import Listed
from projections.queries.list_query import ListQuery

ROLES = Listed(
    SQL("""
SELECT {json}
FROM role r
LEFT JOIN customer c ON r.scope_type = 'customer' AND c.uuid = r.scope_uuid
LEFT JOIN project p ON r.scope_type = 'project' AND p.uuid = r.scope_uuid
LEFT JOIN offering o ON r.scope_type = 'offering' AND o.uuid = r.scope_uuid
LEFT JOIN service_provider s ON r.scope_type = 'service_provider' AND s.uuid = r.scope_uuid
LEFT JOIN customer w ON w.uuid = coalesce(c.uuid, p.customer_uuid, o.customer_uuid, s.customer_uuid)
WHERE r.user_uuid = a.uuid AND r.is_active
ORDER BY r.scope_type, r.role_name, r.uuid"""),
    {
        "role_name": SQL("r.role_name"),
        "scope_type": SQL("r.scope_type"),
        "scope_uuid": SQL("r.scope_uuid"),
        "scope_name": SQL("coalesce(p.name, o.name, w.name, '')"),
        "customer_uuid": SQL("w.uuid"),
        "customer_name": SQL("w.name"),
        "project_uuid": SQL("p.uuid"),
    },
)

USERS = ListQuery(
    SQL("SELECT {json} FROM account a WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s"),
    SQL("SELECT count(*) AS total FROM account a WHERE {where}"),
    {
        "uuid": SQL("a.uuid"),
        "url": SQL("a.uuid"),
        "username": SQL("coalesce(a.username, '')"),
        "is_staff": SQL("a.is_staff"),
        "is_support": SQL("a.is_support"),
        "is_active": SQL("a.is_active"),
        "permissions": ROLES,
    },
    {"uuid": SQL("a.uuid = %(uuid)s")},
    orders={},
    default=SQL("a.id"),
    last=SQL("a.id"),
    visibility={},
)
