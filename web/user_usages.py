"""/api/marketplace-component-user-usages/: reading what single users consumed."""

from flask import Response

from ledger.errors import NotFound
from projections import user_usage
from web import schemas
from web.arrival import api
from web.auth import visible
from web.fields import uuid_of
from web.queries import page
from web.rendering import json_response
from web.services import services

blueprint = api("user_usages", "/api/marketplace-component-user-usages")


@blueprint.get("/")
def index() -> Response:
    return page(
        user_usage.USAGES, schemas.ComponentUserUsageQuery(), schemas.ComponentUserUsageRow.asked_for()
    )


@blueprint.get("/<object_id:uuid>/")
def retrieve(uuid: str) -> Response:
    row = schemas.ComponentUserUsageRow.asked_for()
    if wanted := uuid_of(uuid):
        with services().reading() as cursor:
            for found in user_usage.USAGES.select(cursor, {"uuid": wanted}, visible()):
                return json_response(row.dump(found))
    raise NotFound("ComponentUserUsage")
