"""/api/ledger/corrections/: figures that are changed on purpose, and in the open.

Who may report proposes what figures are to be, with a title and a reason: nothing changes. A second person
who may report all of it approves it, unless the operator asks for none (`LEDGER_FOUR_EYES=no`). Then it is
applied, as a whole: each fact names the correction and its reason. It may change months that are closed, and
figures of resources that have ended. To revert it is a correction of its own, already filled in, of the
figures that still stand as they were applied; a figure that was new is put back to 0. Those that somebody
has stated since (`is_stated_since`), be it the same amount, are theirs: `left_out` says how many, and they
stay when the correction is `reverted`, as figures of forgotten users do. It is refused where one of its own
was stated again before it is applied.

An item is one of `POST /api/ledger/reports/`. It needs a date, or names a component usage: a correction takes
no month for the current one. What an item of a component leaves out, description and policy, stays as it is.
All items are of one provider's resources, and none is of the same figure as another. An item that is as it
should be already has a fact, too. The share of a user changes no figure but theirs: a component usage that
stands at zero does not become the sum of its users, as it does with a report. Once a resource is in another
offering its figures of before can't be stated any more.

Who approves or applies it may say by `expect` at which position they have seen its figures, the
`Ledger-Position` of an answer: if one of them has moved since, that is a 412 that names it, and nothing is
done. The approval's fact keeps the position. Without one figures are taken as they are. Each says whether it
has moved since the approval; with the `approved_as_of` of the answer as `expect`, `apply/` does what was
approved, or nothing.

What an item would come to is told of now. As of a position, and by a server that only reads, a correction
that is still open shows its figures as they were when it was proposed, and no errors.

An item has the project and the customer of its resource as they are, and `has_changed_hands` where they were
others when it was proposed. An approval stays when its person loses their rights: it was theirs to give then.

Who may report all that a correction changes sees it, so do auditors of the provider, staff and support. For
all others there is none: but who may read the facts of a figure finds there the uuid of the correction that
stated it, with which they can ask for nothing. Each step is a fact, and is answered with the correction as it
is then; a step that can't follow is a 409 that says which can.
"""

from functools import partial
from typing import Any
from uuid import UUID

import orjson
from flask import Response, current_app, request

from ledger.decisions.billing import corrections as deciding
from ledger.decisions.billing.corrections import Words
from ledger.errors import FiguresMoved, NotFound, SecondPersonNeeded, WrongStep
from projections.queries.billing.corrections import CORRECTIONS
from web.api.bulk_reports import reports_of
from web.api.pages import page_of
from web.request.audit.past import AS_OF
from web.request.authentication import caller
from web.request.billing import corrections as asking
from web.request.billing.correction_items import described
from web.request.billing.seen import EXPECT, Seen
from web.request.idempotency import HEADER, refuse_key, refuse_said
from web.request.pipeline import api
from web.request.reading import read_whole
from web.request.references import check_keys, context_of, load
from web.request.services import services
from web.wire.billing.bodies import PROPOSE_CORRECTION, REJECT_CORRECTION, REVERT_CORRECTION, TAKE_STEP
from web.wire.billing.filters import CORRECTIONS_QUERY
from web.wire.billing.rows import CORRECTION, CORRECTION_WITH_ITEMS
from web.wire.body import Loading
from web.wire.declared.parameters import takes
from web.wire.fields import uuid_of
from web.wire.rendering import answers, json_bytes, raises, reads

blueprint = api("ledger_corrections", "/api/ledger/corrections")


def restricted() -> dict[str, Any]:
    """Return the restrictions of the list to what the caller sees."""
    return {} if caller().sees_all else asking.seen()


blueprint.add_url_rule(
    "/", "index", page_of(CORRECTIONS, CORRECTIONS_QUERY, CORRECTION, scopes=lambda: None, within=restricted)
)


@blueprint.post("/")
@reads(PROPOSE_CORRECTION, headers=(HEADER,))
@answers(CORRECTION_WITH_ITEMS, 200, 201)
def propose() -> Response:
    refuse_said()
    body = read_whole("items")
    check_keys(PROPOSE_CORRECTION, body)
    with Loading(context_of({PROPOSE_CORRECTION: [body]})):
        values = PROPOSE_CORRECTION.load(body)
    reports, found = reports_of(values.pop("items"))
    uuid, is_new = asking.propose(Words(**values), reports, found)
    response = shown(uuid, 201 if is_new else 200)
    if not is_new:
        response.headers["Idempotency-Replayed"] = "true"
    return response


@blueprint.get("/<object_id:uuid>/")
@takes(AS_OF)
@answers(CORRECTION_WITH_ITEMS)
def single(uuid: str) -> Response:
    return shown(named(uuid))


@blueprint.post("/<object_id:uuid>/approve/")
@reads(TAKE_STEP)
@answers(CORRECTION_WITH_ITEMS)
@raises(WrongStep, SecondPersonNeeded, FiguresMoved)
def approve(uuid: str) -> Response:
    refuse_key()
    seen = seen_by_sender()
    needs_second = current_app.config[asking.NEEDS_SECOND]
    seen_at = seen.position if seen else None
    asking.take_step(named(uuid), partial(deciding.approve, needs_second=needs_second, seen_at=seen_at), seen)
    return shown(named(uuid))


@blueprint.post("/<object_id:uuid>/reject/")
@reads(REJECT_CORRECTION)
@answers(CORRECTION_WITH_ITEMS)
@raises(WrongStep)
def reject(uuid: str) -> Response:
    refuse_key()
    values, _ = load(REJECT_CORRECTION)
    asking.take_step(named(uuid), partial(deciding.reject, reason=values["reason"]))
    return shown(named(uuid))


@blueprint.post("/<object_id:uuid>/apply/")
@reads(TAKE_STEP)
@answers(CORRECTION_WITH_ITEMS)
@raises(WrongStep, FiguresMoved)
def apply(uuid: str) -> Response:
    refuse_key()
    asking.apply(named(uuid), seen_by_sender())
    return shown(named(uuid))


@blueprint.post("/<object_id:uuid>/revert/")
@reads(REVERT_CORRECTION)
@answers(CORRECTION_WITH_ITEMS, 201)
@raises(WrongStep)
def revert(uuid: str) -> Response:
    refuse_key()
    values, _ = load(REVERT_CORRECTION)
    words = Words(title=values.pop("title", ""), **values)
    return shown(asking.revert(named(uuid), words), 201)


def shown(uuid: UUID, status: int = 200) -> Response:
    """Return a correction with its items as a response. After a step it is read up to that."""
    if request.method == "POST":
        services().projector.catch_up()
    return json_bytes(orjson.dumps(described(uuid)), status)


def seen_by_sender() -> Seen | None:
    """Return what the sender of a step has seen, if they say at which position. Raises ValidationError."""
    values, _ = load(TAKE_STEP)
    return Seen(values[EXPECT]) if EXPECT in values else None


def named(uuid: str) -> UUID:
    """Return the uuid in a path. Raises NotFound."""
    if (wanted := uuid_of(uuid)) is None:
        raise NotFound(asking.KIND)
    return wanted
