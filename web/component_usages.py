"""/api/marketplace-component-usages/: reporting usage, and reading it."""

from collections.abc import Sequence

from flask import Response
from msgspec import structs
from psycopg.rows import DictRow

from ledger.errors import NotFound, NotPermitted, Unreadable
from ledger.reports import UserUsageItem, UserUsageReport
from projections import component_usage
from web import schemas
from web.arrival import api
from web.auth import caller, visible
from web.body import load
from web.expecting import expected
from web.fields import uuid_of
from web.pages import page, single
from web.reporting import one, one_user, submit
from web.services import services

blueprint = api("component_usages", "/api/marketplace-component-usages")


@blueprint.get("/")
def index() -> Response:
    return page(component_usage.USAGES, schemas.COMPONENT_USAGE_QUERY, schemas.COMPONENT_USAGE_ROW)


@blueprint.get("/<object_id:uuid>/")
def retrieve(uuid: str) -> Response:
    return single(component_usage.USAGES, uuid, "ComponentUsage", schemas.COMPONENT_USAGE_ROW)


@blueprint.post("/set_usage/")
def set_usage() -> Response:
    return submit([structs.replace(load(schemas.SET_USAGE), expected=expected())], one)


@blueprint.post("/<object_id:uuid>/set_user_usage/")
def set_user_usage(uuid: str) -> Response:
    usage = _writable(uuid)
    return submit([_report(usage, [load(schemas.SET_USER_USAGE)])], one_user)


@blueprint.post("/<object_id:uuid>/set_user_usages/")
def set_user_usages(uuid: str) -> Response:
    usage = _writable(uuid)
    return submit([_report(usage, load(schemas.SET_USER_USAGES))], one)


def _visible(uuid: str) -> DictRow:
    """The component usage that a path names. Raises NotFound if there is none, or not for the caller."""
    if wanted := uuid_of(uuid):
        with services().reading() as cursor:
            if usage := component_usage.find(cursor, wanted, visible()):
                return usage
    raise NotFound("ComponentUsage")


def _writable(uuid: str) -> DictRow:
    """The component usage that a path names. Raises NotFound, or NotPermitted if it is only to be read."""
    row = _visible(uuid)
    if not caller().may_report(row["offering_uuid"], row["provider_uuid"]):
        raise NotPermitted
    return row


def _report(usage: DictRow, items: Sequence[UserUsageItem | Unreadable]) -> UserUsageReport:
    return UserUsageReport(
        usage_uuid=usage["uuid"],
        resource_uuid=usage["resource_uuid"],
        component_uuid=usage["component_uuid"],
        month=usage["billing_period"],
        items=tuple(item for item in items if not isinstance(item, Unreadable)),
        unreadable={place: item for place, item in enumerate(items) if isinstance(item, Unreadable)},
        expected=expected(),
    )
