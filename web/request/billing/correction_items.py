"""A correction with its items: each figure as it was seen, as it stands, and as it would be, or was, made."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.billing.corrections import Correction
from ledger.decisions.billing.figures import Figure
from ledger.decisions.billing.seen import Amounts, moved
from ledger.domain.billing.corrections import CorrectedFigure, CorrectionItem
from ledger.domain.metering import Ownership
from ledger.errors import NotFound
from ledger.events import CorrectionStep
from projections.queries.billing import corrections as stored
from projections.queries.billing.corrections import CORRECTIONS
from web.request.audit.past import reading
from web.request.authentication import caller
from web.request.billing.corrections import KIND, previewed
from web.request.billing.seen import figures_at, places_of
from web.request.services import current, services
from web.wire.billing.rows import CORRECTION, CORRECTION_ITEM, CORRECTION_SUM
from web.wire.errors import problem_of, unwrapped


class ItemFigure(NamedTuple):
    """An item's figure, as far as it is known: `expected` is what should stand, unless it has moved.

    `standing` are the figures that stood for the item when it was applied, or stand now, where that is known.
    """

    uuid: UUID | None
    before: Decimal | None
    after: Decimal | None
    expected: Decimal | None
    position: int | None = None
    errors: Any = None
    standing: Amounts | None = None


class Approval(NamedTuple):
    """The figures of a correction as of the position at which somebody stood behind them.

    Some of them stand no more: their places are `moved`. Without a position nobody did.
    """

    position: int | None
    then: Amounts
    moved: frozenset[int]


def described(uuid: UUID) -> dict[str, Any]:
    """Return a correction with its items, as of the position that is asked for. Raises NotFound."""
    with reading() as cursor, cursor.connection.transaction():
        correction = _correction(cursor, uuid)
        row, end = CORRECTIONS.one(cursor, CORRECTION.columns, {"uuid": uuid}, None)
        if correction is None or row is None or not correction.is_seen_by(caller()):
            raise NotFound(KIND)
        current().end = end
        figures = _figures(correction)
        items = correction.proposal.items
        places = [
            (figure.uuid, item.ownership.resource_uuid, figure.position)
            for item, figure in zip(items, figures, strict=True)
            if figure.uuid
        ]
        now = stored.figures(cursor, [place[:2] for place in places])
        standing = stored.standing(cursor, uuid, places) if correction.figures else None
        owned = [item.ownership for item in items]
        names = stored.names(
            cursor,
            {each.resource_uuid for each in owned},
            {each.component_uuid for each in owned},
            {item.person for item in items if item.person},
        )
        owners = stored.owners(cursor, {each.resource_uuid for each in owned})
        left_out = _left_out(cursor, correction)
    approval = _approval(correction, figures, now)
    shown = [
        _shown(place, item, figure, standing, now, names)
        | _owned(item.ownership, owners)
        | _approved(place, figure, approval)
        for place, (item, figure) in enumerate(zip(items, figures, strict=True))
    ]
    told: dict[str, Any] = orjson.loads(row)
    if correction.is_open:
        told["sums"] = [_sum_as_it_stands(each, shown) for each in told["sums"]]
    told |= {
        "approved_as_of": approval.position,
        "left_out": left_out,
        "items": CORRECTION_ITEM.dump(shown, many=True),
    }
    return told


def _correction(cursor: Cursor[DictRow], uuid: UUID) -> Correction | None:
    """Return a correction with the steps that it had at the position that is asked for."""
    steps = tuple(
        (position, fact)
        for position, event in stored.steps(cursor, uuid)
        if isinstance(fact := services().ledger.fact_of(event, position), CorrectionStep)
    )
    return Correction(steps=steps) if steps else None


def _left_out(cursor: Cursor[DictRow], correction: Correction) -> int | None:
    """Return how many figures that another one changed this does not put back, None if it puts none back."""
    reverts = correction.proposal.reverts
    reverted = _correction(cursor, reverts) if reverts else None
    if reverted is None:
        return None
    changed = sum(each.before != each.after for each in reverted.figures)
    return changed - len(correction.proposal.items)


def _sum_as_it_stands(told: dict[str, Any], shown: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a sum of what was proposed with the figures as they stand; who is refused stays as they are."""
    component, is_of_users = UUID(told["component_uuid"]), told["is_of_users"]
    before = after = Decimal("0.00")
    for item in shown:
        if item["component_uuid"] == component and item["is_of_user"] == is_of_users:
            stands = item["usage_now"] or Decimal("0.00")
            before += stands
            after += stands if item["usage_after"] is None else item["usage_after"]
    dumped = CORRECTION_SUM.dump({"before": before, "after": after, "delta": after - before})
    return {**told, **dumped}


def _approval(correction: Correction, figures: Sequence[ItemFigure], now: Mapping[UUID, Decimal]) -> Approval:
    position = correction.approved_as_of
    if position is None:
        return Approval(None, {}, frozenset())
    standing = [
        _only(each.uuid, _now(each.uuid, now)) if each.standing is None else each.standing for each in figures
    ]
    then = figures_at(position, places_of(correction.proposal.items, standing))
    return Approval(
        position, then, frozenset(place for place, each in enumerate(standing) if moved(each, then))
    )


def _now(uuid: UUID | None, now: Mapping[UUID, Decimal]) -> Decimal | None:
    return now.get(uuid) if uuid else None


def _only(uuid: UUID | None, amount: Decimal | None) -> Amounts:
    return {} if uuid is None or amount is None else {uuid: amount}


def _approved(place: int, figure: ItemFigure, approval: Approval) -> dict[str, Any]:
    """Return what an item has by the names of its answer where somebody approved it."""
    return {
        "usage_approved": _now(figure.uuid, approval.then),
        "has_moved_since_approval": None if approval.position is None else place in approval.moved,
    }


def _owned(proposed: Ownership, owners: Mapping[UUID, Mapping[str, Any]]) -> dict[str, Any]:
    """Return whose an item's resource is, by the names of its answer; once it was `proposed` as another's."""
    found = owners.get(proposed.resource_uuid, {})
    has_changed = found and (found["project_uuid"], found["customer_uuid"]) != (
        proposed.project_uuid,
        proposed.customer_uuid,
    )
    names = ("project_uuid", "project_name", "customer_uuid", "customer_name")
    return {name: found.get(name) for name in names} | {"has_changed_hands": bool(has_changed)}


def _figures(correction: Correction) -> list[ItemFigure]:
    """Return the figures of items as they were applied, or as they would be now; else as they were seen."""
    items = correction.proposal.items
    if correction.figures:
        return list(map(_applied, correction.figures))
    if _is_previewed(correction):
        preview = zip(items, previewed(correction), strict=True)
        return [_previewed(item, figure, standing) for item, (figure, standing) in preview]
    return [
        ItemFigure(item.figure_uuid, item.amount_seen, item.amount_after, item.amount_seen) for item in items
    ]


def _is_previewed(correction: Correction) -> bool:
    """Return whether a correction is shown as it would be now."""
    return correction.is_open and current().past is None and not services().replica


def _applied(figure: CorrectedFigure) -> ItemFigure:
    standing = _only(figure.uuid, figure.before)
    return ItemFigure(
        figure.uuid, figure.before, figure.after, figure.after, figure.position, standing=standing
    )


def _previewed(item: CorrectionItem, figure: Figure, standing: Amounts) -> ItemFigure:
    seen = item.amount_seen
    if figure.refusal:
        told = problem_of(unwrapped(figure.refusal)).body
        return ItemFigure(item.figure_uuid, seen, None, seen, errors=told, standing=standing)
    return ItemFigure(figure.uuid, seen, figure.after, seen, standing=standing)


def _shown(
    place: int,
    item: CorrectionItem,
    figure: ItemFigure,
    standing: Collection[UUID] | None,
    now: Mapping[UUID, Decimal],
    names: Mapping[UUID, str],
) -> dict[str, Any]:
    """Return an item by the names of its answer.

    `standing` are the figures that nobody has stated since an applied correction did.
    """
    stands = _now(figure.uuid, now)
    start = stands if standing is None else figure.before
    return {
        "place": place,
        "uuid": None if stands is None else figure.uuid,
        "resource_uuid": item.ownership.resource_uuid,
        "resource_name": names.get(item.ownership.resource_uuid),
        "component_uuid": item.ownership.component_uuid,
        "component_type": item.ownership.component_type,
        "measured_unit": names.get(item.ownership.component_uuid),
        "billing_period": item.month,
        "is_of_user": item.person is not None,
        "username": names.get(item.person) if item.person else None,
        "date": item.measured_at,
        "amount": item.amount,
        "usage_before": figure.before,
        "usage_now": stands,
        "usage_after": figure.after,
        "delta": None if figure.after is None else figure.after - (start or 0),
        "has_moved": stands != figure.expected,
        "is_stated_since": None if standing is None else figure.uuid not in standing,
        "position": figure.position,
        "reason": item.reason,
        "errors": figure.errors,
    }
