"""/api/version/ and /api/users/me/: what an agent talks to, and as whom."""

from flask import Response

from projections.queries.agents.me import USERS
from web.api.pages import row_response
from web.request.authentication import caller
from web.request.conditional import VERSION
from web.request.pipeline import api
from web.wire.declared.parameters import takes
from web.wire.rendering import answers, json_response
from web.wire.responses import agents

blueprint = api("about", "/api")


@blueprint.get("/version/")
@takes()
@answers(agents.VERSION)
def version() -> Response:
    return json_response(agents.VERSION.write({"version": VERSION}))


@blueprint.get("/users/me/")
@takes(columns=agents.USER_ME.fields)
@answers(agents.USER_ME)
def me() -> Response:
    return row_response(USERS, agents.USER_ME, "User", caller().user_uuid, None)
