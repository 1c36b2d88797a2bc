"""Files of what tables show, for who is signed in: the API's own answers, sent on as they come."""

from flask import Response, request

from web.dashboard.asking import passed_on
from web.dashboard.frame import here, pages

blueprint = pages("downloads")


@blueprint.get("/download/<path:path>")
def download(path: str) -> Response:
    return passed_on(here().asker.credentials, f"/api/{path}", request.query_string.decode("latin-1"))
