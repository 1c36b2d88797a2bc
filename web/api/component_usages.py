"""/api/marketplace-component-usages/: reporting usage, and reading it."""

from collections.abc import Sequence

from flask import Response
from msgspec import structs
from psycopg.rows import DictRow

from ledger.domain.reports import UserUsageItem, UserUsageReport
from ledger.errors import InvalidItem, NotFound, NotPermitted
from projections.queries import component_usages
from web.api.audit.history import add_history
from web.api.pages import page_of, row_of
from web.request.audit.history import COMPONENT_USAGES
from web.request.authentication import caller, visible
from web.request.idempotency import OF_REPORTS
from web.request.pipeline import api
from web.request.reading import expected
from web.request.references import load
from web.request.services import services
from web.request.submit import submit
from web.wire import filters, requests
from web.wire.fields import uuid_of
from web.wire.rendering import answers, reads
from web.wire.responses.audit import COMPONENT_USAGE_VERSION
from web.wire.responses.lists import COMPONENT_USAGE

blueprint = api("component_usages", "/api/marketplace-component-usages")
blueprint.add_url_rule(
    "/", "index", page_of(component_usages.USAGES, filters.COMPONENT_USAGE_QUERY, COMPONENT_USAGE)
)
blueprint.add_url_rule(
    "/<object_id:uuid>/", "retrieve", row_of(component_usages.USAGES, COMPONENT_USAGE, "ComponentUsage")
)
add_history(blueprint, COMPONENT_USAGES, COMPONENT_USAGE_VERSION)


@blueprint.post("/set_usage/")
@reads(requests.SET_USAGE, headers=OF_REPORTS)
@answers(None, 201)
def set_usage() -> Response:
    report, found = load(requests.SET_USAGE)
    return submit([structs.replace(report, expected=expected())], "single", found)


@blueprint.post("/<object_id:uuid>/set_user_usage/")
@reads(requests.SET_USER_USAGE, headers=OF_REPORTS)
@answers(None, 201)
def set_user_usage(uuid: str) -> Response:
    usage = _writable(uuid)
    item, found = load(requests.SET_USER_USAGE)
    return submit([_report(usage, [item])], "single_user", found)


@blueprint.post("/<object_id:uuid>/set_user_usages/")
@reads(requests.SET_USER_USAGES, headers=OF_REPORTS)
@answers(None, 201)
def set_user_usages(uuid: str) -> Response:
    usage = _writable(uuid)
    items, found = load(requests.SET_USER_USAGES)
    return submit([_report(usage, items)], "single", found)


def _visible(uuid: str) -> DictRow:
    """Return the component usage that a path names. Raises NotFound if the caller sees none."""
    if wanted := uuid_of(uuid):
        with services().reading() as cursor:
            if usage := component_usages.find(cursor, wanted, visible()):
                return usage
    raise NotFound("ComponentUsage")


def _writable(uuid: str) -> DictRow:
    """Return the component usage that a path names. Raises NotFound, NotPermitted."""
    row = _visible(uuid)
    if not caller().may_report(row["offering_uuid"], row["provider_uuid"]):
        raise NotPermitted
    return row


def _report(usage: DictRow, items: Sequence[UserUsageItem | InvalidItem]) -> UserUsageReport:
    return UserUsageReport(
        usage_uuid=usage["uuid"],
        resource_uuid=usage["resource_uuid"],
        component_uuid=usage["component_uuid"],
        month=usage["billing_period"],
        items=tuple(item for item in items if not isinstance(item, InvalidItem)),
        invalid={place: item for place, item in enumerate(items) if isinstance(item, InvalidItem)},
        expected=expected(),
    )
