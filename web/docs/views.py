"""/api/docs/ and /api/schema/: the API for people, and for programs. Nobody needs a token for that.

They say nothing of the data: whoever asks gets the same bytes.
"""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, current_app, request

from web.request.pipeline import check_names
from web.wire.declared.parameters import takes
from web.wire.errors import Missing, echo
from web.wire.rendering import answers, answers_with, json_bytes
from web.wire.responses.messages import DOCUMENT

HTML, FILE = "text/html; charset=utf-8", "*/*"

POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"),
        *("connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
    )
)
"""All that the page loads and calls is of the service. It has no script, style or form of its own in it."""

SAFETY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
}
"""Content types of files."""

OURS = ("start.js",)
PACKAGED = ("swagger-ui-bundle.js", "swagger-ui.css", "index.css", "favicon-32x32.png")
"""Files of the page: one of ours, and those of flask-swagger-ui, which the page has to have."""

OF_ANSWERS = ("ETag", "Cache-Control")

blueprint = Blueprint("docs", __name__, url_prefix="/api")
blueprint.before_request(check_names)


@blueprint.get("/docs/")
@takes()
@answers_with(HTML, *SAFETY)
def page() -> Response:
    """Return the page, which reads the description."""
    html = files("web.docs").joinpath("page.html").read_bytes()
    return Response(html, content_type=HTML, headers=SAFETY)


@blueprint.get("/docs/<file>")
@takes()
@answers_with(FILE, *SAFETY, *OF_ANSWERS)
def file_of_page(file: str) -> Response:
    """Return a file of the page."""
    if file not in OURS + PACKAGED:
        raise Missing(f"There is no file {echo(file)}.")
    folder = Path(__file__).parent if file in OURS else _package() / "dist"
    response = Response((folder / file).read_bytes(), content_type=KINDS[Path(file).suffix], headers=SAFETY)
    response.add_etag()
    return _asked_for_again(response)


@blueprint.get("/schema/")
@takes()
@answers(DOCUMENT, headers=OF_ANSWERS)
def schema() -> Response:
    """Return the description of the API, in OpenAPI 3.1."""
    from web.docs.document import document_of  # what it needs takes long to load, and few ask for it

    document = document_of(current_app)
    response = json_bytes(document.body)
    response.set_etag(document.etag)
    return _asked_for_again(response)


def _asked_for_again(response: Response) -> Response:
    """Return a response that clients may keep, and ask for again each time: it is a 304 then."""
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


def _package() -> Path:
    """Return where flask-swagger-ui is. It is not loaded: its page has a script in it, ours has none."""
    found = find_spec("flask_swagger_ui")
    assert found, "it is installed with the ledger"
    assert found.origin
    return Path(found.origin).parent
