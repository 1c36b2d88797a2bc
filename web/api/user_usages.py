"""/api/marketplace-component-user-usages/: reading what single users consumed."""

from flask import Response, request

from projections.queries import user_usages
from web.api.pages import page, single
from web.request.pipeline import api
from web.wire import filters, responses

blueprint = api("user_usages", "/api/marketplace-component-user-usages")


@blueprint.get("/")
def index() -> Response:
    query = filters.COMPONENT_USER_USAGE_QUERY
    return page(user_usages.USAGES, query, responses.COMPONENT_USER_USAGE_ROW, **_collections())


@blueprint.get("/<object_id:uuid>/")
def retrieve(uuid: str) -> Response:
    row = responses.COMPONENT_USER_USAGE_ROW
    return single(user_usages.USAGES, uuid, "ComponentUserUsage", row, **_collections())


def _collections() -> dict[str, str]:
    """What the URLs of a row begin with, on the host that the request came to."""
    return {
        "offering_users": f"{request.host_url}api/marketplace-offering-users/",
        "component_usages": f"{request.host_url}api/marketplace-component-usages/",
    }
