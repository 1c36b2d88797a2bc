"""The lists of what agents registered, in the order in which that was first registered."""

from psycopg.sql import SQL

from projections.queries.json_columns import Listed, Values
from projections.queries.list_query import ListQuery

VISIBLE_BY = {"providers": SQL("o.customer_uuid"), "offerings": SQL("o.uuid")}

DEPENDENCIES = Listed(
    SQL("SELECT {json} FROM jsonb_to_recordset(i.dependencies) AS d(package text, version text)"),
    {"package": SQL("d.package"), "version": SQL("d.version")},
)

PROCESSOR: Values = {
    "uuid": SQL("p.uuid"),
    "url": SQL("p.uuid"),
    "service_uuid": SQL("p.service_uuid"),
    "name": SQL("p.name"),
    "backend_type": SQL("p.backend_type"),
    "backend_version": SQL("p.backend_version"),
    "created": SQL("p.described"),
    "modified": SQL("p.modified"),
}
SERVICE: Values = {
    "uuid": SQL("s.uuid"),
    "url": SQL("s.uuid"),
    "identity_uuid": SQL("s.identity_uuid"),
    "name": SQL("s.name"),
    "mode": SQL("s.mode"),
    "created": SQL("s.described"),
    "modified": SQL("s.modified"),
    "processors": Listed(
        SQL("SELECT {json} FROM agent_processor p WHERE p.service_uuid = s.uuid ORDER BY p.id"), PROCESSOR
    ),
}
IDENTITY: Values = {
    "uuid": SQL("i.uuid"),
    "url": SQL("i.uuid"),
    "offering_uuid": SQL("i.offering_uuid"),
    "created_by": SQL("i.created_by"),
    "name": SQL("i.name"),
    "version": SQL("i.version"),
    "dependencies": DEPENDENCIES,
    "config_file_path": SQL("i.config_file_path"),
    "last_restarted": SQL("i.last_restarted"),
    "created": SQL("i.described"),
    "modified": SQL("i.modified"),
    "services": Listed(
        SQL("SELECT {json} FROM agent_service s WHERE s.identity_uuid = i.uuid ORDER BY s.id"), SERVICE
    ),
}

OF_IDENTITIES = "FROM agent_identity i JOIN offering o ON o.uuid = i.offering_uuid"
OF_SERVICES = f"{OF_IDENTITIES} JOIN agent_service s ON s.identity_uuid = i.uuid"
OF_PROCESSORS = f"{OF_SERVICES} JOIN agent_processor p ON p.service_uuid = s.uuid"

PAGE = "WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s"

IDENTITIES = ListQuery(
    SQL(f"SELECT {{json}} {OF_IDENTITIES} {PAGE}"),
    SQL(f"SELECT count(*) AS total {OF_IDENTITIES} WHERE {{where}}"),
    IDENTITY,
    {
        "uuid": SQL("i.uuid = %(uuid)s"),
        "name": SQL("i.name = %(name)s"),
        "version": SQL("i.version = %(version)s"),
        "offering_uuid": SQL("i.offering_uuid = %(offering_uuid)s"),
        "last_restarted": SQL("i.last_restarted = %(last_restarted)s"),
    },
    orders={},
    default=SQL("i.id"),
    last=SQL("i.id"),
    visibility=VISIBLE_BY,
)

SERVICES = ListQuery(
    SQL(f"SELECT {{json}} {OF_SERVICES} {PAGE}"),
    SQL(f"SELECT count(*) AS total {OF_SERVICES} WHERE {{where}}"),
    {**SERVICE, "identity_name": SQL("i.name")},
    {
        "uuid": SQL("s.uuid = %(uuid)s"),
        "identity_uuid": SQL("s.identity_uuid = %(identity_uuid)s"),
        "mode": SQL("s.mode = %(mode)s"),
        "states": SQL("'1' = ANY(%(states)s)"),  # all are active
        "modified_from": SQL("s.modified >= %(modified_from)s"),
        "modified_until": SQL("s.modified <= %(modified_until)s"),
    },
    orders={},
    default=SQL("s.id"),
    last=SQL("s.id"),
    visibility=VISIBLE_BY,
)

PROCESSORS = ListQuery(
    SQL(f"SELECT {{json}} {OF_PROCESSORS} {PAGE}"),
    SQL(f"SELECT count(*) AS total {OF_PROCESSORS} WHERE {{where}}"),
    {**PROCESSOR, "service_name": SQL("s.name")},
    {
        "uuid": SQL("p.uuid = %(uuid)s"),
        "service_uuid": SQL("p.service_uuid = %(service_uuid)s"),
        "backend_type": SQL("p.backend_type = %(backend_type)s"),
        "backend_version": SQL("p.backend_version = %(backend_version)s"),
    },
    orders={},
    default=SQL("p.id"),
    last=SQL("p.id"),
    visibility=VISIBLE_BY,
)
