"""/api/ledger/manifests/: what reporters say that they sent for a month, and whether it is what stands.

Whoever may report for an offering sends them, with a token that may only report, too, and auditors see them.
A manifest is compared with all that stands for the offering and the month, whoever reported it, as an invoice
is made of all of it. Figures that were carried over were sent by nobody: they are counted apart.
"""

from flask import Response
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.billing.manifests import Manifest
from ledger.errors import NotPermitted
from projections.queries.billing.manifests import MANIFESTS
from web.api.billing.months import vouching
from web.api.pages import page_of
from web.request.authentication import caller, identify_again, provenance
from web.request.billing.manifests import Sending, send_manifest
from web.request.idempotency import refuse_key
from web.request.pipeline import api
from web.request.references import load
from web.request.services import current, services
from web.wire.billing.manifests import MANIFEST, MANIFESTS_QUERY, SEND_MANIFEST
from web.wire.rendering import answers, json_bytes, reads

blueprint = api("ledger_manifests", "/api/ledger/manifests")
blueprint.add_url_rule("/", "index", page_of(MANIFESTS, MANIFESTS_QUERY, MANIFEST, scopes=vouching))


@blueprint.post("/")
@reads(SEND_MANIFEST, is_about_reports=True)
@answers(MANIFEST, 200, 201)
def send() -> Response:
    """Answer with the manifest: 201, or 200 where the sender's last one says the same of the same."""
    refuse_key()
    manifest, _ = load(SEND_MANIFEST)

    def check(_: Cursor[DictRow]) -> None:
        _check(manifest)

    sending = Sending(manifest, caller().user_uuid, "api", provenance())
    position, is_new = send_manifest(services(), sending, check)
    with services().reading() as cursor:
        row, current().end = MANIFESTS.one(cursor, MANIFEST.columns, {"position": position}, None)
    assert row, "it is kept"
    return json_bytes(row.encode(), 201 if is_new else 200)


def _check(manifest: Manifest) -> None:
    """Raise NotPermitted, Unauthenticated or Contended, unless the caller may report for the offering."""
    identify_again(services().projector.shared_position.known().described)
    if not caller().may_report(manifest.offering_uuid, manifest.provider_uuid):
        raise NotPermitted
