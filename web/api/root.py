"""/api/: a map of the API, the URL of each list by its name: clients look there for what there is."""

import re

from flask import Response, current_app

from web.request.pipeline import api
from web.wire.declared.parameters import takes
from web.wire.rendering import DECLARED, answers, json_response
from web.wire.responses.messages import ROOT
from web.wire.urls import root_url

LIST = re.compile("/api/([^/<>]+)/")

blueprint = api("root", "/api")


@blueprint.get("/")
@takes()
@answers(ROOT)
def index() -> Response:
    root = root_url()
    return json_response({name: f"{root}api/{name}/" for name in _lists()})


def _lists() -> list[str]:
    """Return the names of the routes right below `/api/` that answer a GET with rows, in their order."""
    return sorted(
        match[1]
        for rule in current_app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and (match := LIST.fullmatch(rule.rule))
        and DECLARED[current_app.view_functions[rule.endpoint]].is_list
    )
