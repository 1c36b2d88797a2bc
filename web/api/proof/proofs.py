"""…/events/<position>/proof: that a fact is in the tree. …/consistency: that a tree goes on as it began."""

from base64 import b64encode

from flask import Response
from marshmallow import ValidationError

from ledger.errors import NotPermitted
from ledger.journal.tree.reading import Tree
from ledger.proof.checkpoints import InclusionProof
from ledger.proof.merkle import consistency_proof, inclusion_proof
from web.api.audit.reading import Readable
from web.api.proof.checkpoints import checkpoint_asked_for, query_of
from web.request.authentication import caller
from web.request.pipeline import api
from web.request.services import services
from web.wire.audit.proofs import CHECKPOINT_QUERY, CONSISTENCY_QUERY, TOO_FAR
from web.wire.declared.parameters import takes
from web.wire.errors import Missing
from web.wire.fields import position_of
from web.wire.rendering import TEXT, answers, answers_with, json_response
from web.wire.responses.audit import CONSISTENCY

NOT_THERE = "No fact that you may read is at this position."

blueprint = api("ledger_proofs", "/api/ledger")


@blueprint.get("/events/<position>/proof")
@takes(CHECKPOINT_QUERY)
@answers_with(TEXT)
def proof_of_fact(position: str) -> Response:
    wanted = _readable(position)
    kept = checkpoint_asked_for()
    with services().reading() as cursor:
        tree = Tree(cursor)
        leaf = tree.leaves([wanted])[wanted]
        if leaf >= kept.size:
            raise Missing(f"The checkpoint of {kept.size} facts does not have this one, which came later.")
        proof = InclusionProof(leaf, inclusion_proof(leaf, kept.size, tree.read), kept.note)
    return Response(proof.text, content_type=TEXT)


@blueprint.get("/consistency")
@takes(CONSISTENCY_QUERY)
@answers(CONSISTENCY)
def consistency() -> Response:
    query = query_of(CONSISTENCY_QUERY)
    begin, end = query["begin"], query["end"]
    if begin > end:
        raise ValidationError({"from": ["Must not be more than `to`."]})
    with services().reading() as cursor:
        tree = Tree(cursor)
        if end > tree.reach().size:
            raise ValidationError({"to": [TOO_FAR]})
        hashes = consistency_proof(begin, end, tree.read)
    proof = {"from": begin, "to": end, "hashes": [b64encode(each).decode() for each in hashes]}
    return json_response(CONSISTENCY.dump(proof))


def _readable(position: str) -> int:
    """Return the position of a fact that the caller may read. Raises Missing for any other."""
    wanted = position_of(position)
    if wanted is not None and position.isdecimal() and wanted > 0:
        try:
            readable = Readable.by(caller(), services())
        except NotPermitted:
            raise Missing(NOT_THERE) from None
        if readable.page(wanted - 1, wanted, 1):
            return wanted
    raise Missing(NOT_THERE)
