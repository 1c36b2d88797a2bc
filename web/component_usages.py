"""/api/marketplace-component-usages/: reporting usage, and reading it."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from uuid import UUID

from flask import Blueprint, Response
from psycopg.rows import DictRow

from ledger.errors import NotFound, NotPermitted, Unreadable
from ledger.reports import Past, UserUsageItem, UserUsageReport
from projections import component_usage, past
from web import schemas
from web.auth import authenticate, caller, visible
from web.body import load
from web.fields import uuid_of
from web.queries import page
from web.rendering import created, json_response
from web.services import refresh, services

blueprint = Blueprint("component_usages", __name__, url_prefix="/api/marketplace-component-usages")
blueprint.before_request(authenticate)
blueprint.before_request(refresh)


@blueprint.get("/")
def index() -> Response:
    return page(component_usage.USAGES, schemas.ComponentUsageQuery(), schemas.ComponentUsageRow.asked_for())


@blueprint.get("/<object_id:uuid>/")
def retrieve(uuid: str) -> Response:
    return json_response(schemas.ComponentUsageRow.asked_for().dump(_visible(uuid)))


@blueprint.post("/set_usage/")
def set_usage() -> Response:
    report = load(schemas.SetUsage())
    position = services().ledger.set_usage(report, caller(), _past_of_resource, services().clock())
    services().show(position)
    return created()


@blueprint.post("/<object_id:uuid>/set_user_usage/")
def set_user_usage(uuid: str) -> Response:
    usage = _writable(uuid)
    report = _report(usage, [load(schemas.SetUserUsage())])
    read = partial(_past_of_users, usage["component_uuid"])
    position = services().ledger.set_user_usage(report, caller(), read, services().clock())
    services().show(position)
    return created()


@blueprint.post("/<object_id:uuid>/set_user_usages/")
def set_user_usages(uuid: str) -> Response:
    usage = _writable(uuid)
    report = _report(usage, load(schemas.SetUserUsages()))
    read = partial(_past_of_users, usage["component_uuid"])
    position = services().ledger.set_user_usages(report, caller(), read, services().clock())
    services().show(position)
    return created()


def _visible(uuid: str) -> DictRow:
    """The component usage that a path names. Raises NotFound if there is none, or not for the caller."""
    if wanted := uuid_of(uuid):
        with services().reading() as cursor:
            for row in component_usage.USAGES.select(cursor, {"uuid": wanted}, visible()):
                return row
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
    )


def _past_of_resource(resource_uuid: UUID, months: set[date]) -> Past:
    with services().deciding() as cursor:
        return past.of_resource(cursor, resource_uuid, months)


def _past_of_users(component_uuid: UUID, resource_uuid: UUID, months: set[date]) -> Past:
    with services().deciding() as cursor:
        return past.of_users(cursor, resource_uuid, component_uuid, months)
