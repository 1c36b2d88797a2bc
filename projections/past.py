"""Reads what a report is decided by. The caller has caught the read models up before."""

from datetime import date
from uuid import UUID

from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.reports import Past
from projections import catalogue, component_usage, user_usage


def of_resource(
    cursor: Cursor[DictRow], resource_uuid: UUID, months: set[date], component_uuid: UUID | None = None
) -> Past:
    """A resource and what stands of its components in some months."""
    resource = catalogue.metered_resource(cursor, resource_uuid, component_uuid)
    assert resource is not None, "whoever reports has found the resource, and none is ever removed"
    return Past(resource=resource, records=component_usage.records(cursor, resource_uuid, months))


def of_users(cursor: Cursor[DictRow], resource_uuid: UUID, component_uuid: UUID, months: set[date]) -> Past:
    """The same with the users of one component, and their limits."""
    past = of_resource(cursor, resource_uuid, months, component_uuid)
    users = user_usage.standing(cursor, resource_uuid, component_uuid, months)
    records = {
        (component, month): structs.replace(record, users=users.get(month, ()))
        for (component, month), record in past.records.items()
        if component == component_uuid
    }
    limits = user_usage.limits(cursor, resource_uuid, component_uuid)
    return structs.replace(past, records=records, user_limits=limits)
