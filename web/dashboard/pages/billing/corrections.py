"""Corrections: what somebody proposes figures to be, who stood behind it, and the steps that can follow."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from flask import Response, current_app, request

from web.dashboard.asking import Answer
from web.dashboard.errors import messages_in
from web.dashboard.formats import month
from web.dashboard.frame import done, here, linked, page, page_asked_for, pages, show
from web.dashboard.lists import AFTER, BEFORE, CHANGE, MONTH, PAGE_ROWS, POSITION, PROVIDER, RESOURCE
from web.dashboard.tables import Column, Pager, Row, Table
from web.dashboard.writing.forms import EMPTY, MOST_REFUSED, Form, sent
from web.request.audit.past import AS_OF
from web.request.billing.corrections import NEEDS_SECOND

blueprint = pages("corrections")

PATH = "ledger/corrections/"

FILTERS = ("state", "billing_period", "offering_uuid", "provider_uuid", "proposed_by_uuid")

STATES = ("proposed", "approved", "applied", "rejected", "reverted")

STANDS = ("proposed", "approved", "applied")
"""States in which it is to be noted that another figure stands: others are past."""

APPROVE, REJECT, APPLY, REVERT = "approve", "reject", "apply", "revert"

EXPECT = "expect"
"""The input with the position that a form's page was of: a figure that moved since is told of."""

SAID_WITH = {
    APPROVE: (EXPECT,),
    APPLY: (EXPECT,),
    REJECT: ("reason",),
    REVERT: ("title", "reason", "ticket"),
}
"""What is said with a step."""

SAID = {
    APPROVE: "You approved it. Nothing has changed yet: it is to be applied.",
    REJECT: "You rejected it. Nothing was changed.",
    REVERT: "You proposed to put it back.",
}

MOST_MONTHS = 6
"""How many months are named, each for itself."""

STATED_SINCE = "It was stated again since it was applied."
SEEN_OTHERWISE = "Another figure stands now than was seen."

STEPS = ("proposed", "approved", "rejected", "applied", "reverted")
"""In the order of a timeline."""


def correction_of(row: Row) -> str | None:
    """Return the URL of the page of a correction."""
    return linked("corrections.correction", uuid=row["uuid"])


COLUMNS = (
    Column("Correction", "title", link=correction_of),
    Column("State", "state"),
    Column("Figures", "figures", "count"),
    Column("Months", "months"),
    Column("Proposed", "proposed_at", "moment"),
    Column("By", "proposed_name"),
    Column("Approved by", "approved_name"),
    Column("Applied by", "applied_name"),
    Column("Ticket", "ticket"),
    PROVIDER,
)

SUMS = (
    Column("Component", "component"),
    Column("Figures", "figures", "count"),
    Column("Before", "before", "amount", unit="measured_unit"),
    Column("After", "after", "amount", unit="measured_unit"),
    CHANGE,
)


def figure_of(row: Row) -> str | None:
    """Return the URL of the page of an item's figure, None where it has none."""
    if not row["uuid"] or row["is_of_user"]:
        return None
    return linked("figure_pages.figure", uuid=row["uuid"])


ITEMS = (
    MONTH._replace(link=figure_of),
    RESOURCE,
    Column("Component", "component_type"),
    Column("User", "username"),
    BEFORE,
    Column("Now", "usage_now", "amount", unit="measured_unit"),
    AFTER,
    CHANGE,
    Column("Of note", "noted", "noted"),
    POSITION,
)


class Happened(NamedTuple):
    """A step of a correction: what was done, by whom and when, and what was said with it."""

    step: str
    at: str
    by: str
    said: str = ""
    position: int | None = None


@page(blueprint, "/corrections/", *FILTERS, "page", AS_OF)
def corrections() -> Response:
    number = page_asked_for()
    filters = {name: request.args.get(name) for name in FILTERS}
    answer = here().asker.ask(PATH, **filters, page=number if number > 1 else None, page_size=PAGE_ROWS)
    rows = [*map(_row, answer.data)]
    return show(
        "corrections.html",
        table=Table("Corrections, newest first", COLUMNS, answer, rows, "There is none."),
        pager=Pager(number, PAGE_ROWS, answer.total),
        states=STATES,
        position=answer.position,
    )


@page(blueprint, "/corrections/<uuid>/", "page", AS_OF)
def correction(uuid: str) -> Response:
    return _shown(uuid, EMPTY)


@page(blueprint, "/corrections/<uuid>/", methods=["POST"])
def step(uuid: str) -> Response:
    form = sent((APPROVE, REJECT, APPLY, REVERT), "title", "reason", "ticket", EXPECT)
    said = {name: text for name, text in form.said.items() if name in SAID_WITH[form.step]}
    answer = form.send(f"{PATH}{uuid}/{form.step}/", said)
    if isinstance(answer, Form):
        return _shown(uuid, answer)
    return done(_said(form.step, answer), linked("corrections.correction", uuid=answer.data["uuid"]))


def nothing_yet() -> str:
    """Return what is said of a correction that was just proposed."""
    awaited = "somebody else is to approve it" if current_app.config[NEEDS_SECOND] else "it is to be approved"
    return f"Nothing has changed yet: {awaited}."


def _said(step: str, answer: Answer) -> str:
    if step == REVERT:
        return f"{SAID[step]} {nothing_yet()}"
    if step != APPLY:
        return SAID[step]
    changed = sum(item["position"] is not None for item in answer.data["items"])
    return f"You applied it: {changed} of {len(answer.data['items'])} figures were changed."


def _shown(uuid: str, form: Form) -> Response:
    answer = here().asker.ask(f"{PATH}{uuid}/")
    found, number = answer.data, page_asked_for()
    of_note = "is_stated_since" if found["applied_at"] else "has_moved"
    moved = [item[of_note] and found["state"] in STANDS for item in found["items"]]
    rows = [*zip(found["items"], moved, strict=True)][(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
    return show(
        "correction.html",
        form.status,
        correction=found,
        happened=[*_happened(found)],
        months=_months(found),
        sums=Table("Sums", SUMS, answer, [*map(_sum, found["sums"])]),
        items=Table("Figure by figure", ITEMS, answer, [_item(*each) for each in rows]),
        pager=Pager(number, PAGE_ROWS, len(found["items"])),
        has_moved=sum(moved),
        moved_since_approval=sum(item["has_moved_since_approval"] or False for item in found["items"]),
        refused=sum(item["errors"] is not None for item in found["items"]),
        steps=_offered(found),
        waits_for_another=APPROVE in found["next"] and _is_own(found),
        form=_with_names(form, found["items"]),
        position=answer.position,
    )


def _with_names(form: Form, items: list[Row]) -> Form:
    """Return the form with what the API has against it, that against single figures by their names."""
    if not isinstance(form.told, dict) or "items" not in form.told:
        return form
    refused = [each for each in zip(items, form.told["items"], strict=False) if each[1]]
    messages = [*messages_in([form.told.get(EXPECT, [])])]
    for item, told in refused[:MOST_REFUSED]:
        names = (
            month(item["billing_period"]),
            item["resource_name"],
            item["component_type"],
            item["username"],
        )
        figure = ", ".join(name for name in names if name)
        messages += [f"{figure}: {message}" for message in messages_in([*told.values()])]
    if len(refused) > MOST_REFUSED:
        messages.append(f"{len(refused) - MOST_REFUSED} more are refused.")
    return form._replace(errors={"": messages})


def _offered(found: Row) -> list[str]:
    """Return the steps that the API would let the reader take."""
    who, provider = here().caller, UUID(found["provider_uuid"])
    if not here().may_change or not all(who.may_report(UUID(each), provider) for each in found["offerings"]):
        return []
    refused = {APPROVE: _is_own(found), REVERT: found["revert"]}
    return [each for each in found["next"] if not refused.get(each)]


def _is_own(found: Row) -> bool:
    """Return whether the reader proposed it, where somebody else has to approve it."""
    by = found["proposed_by"]
    return current_app.config[NEEDS_SECOND] and by is not None and UUID(by["uuid"]) == here().caller.user_uuid


def _happened(found: Row) -> Iterator[Happened]:
    for name in STEPS:
        if not found[f"{name}_at"]:
            continue
        said = found["rejection"] if name == "rejected" else ""
        if name == "approved":
            said = f"As it stood at position {found['approved_as_of']}."
            if found["is_by_proposer"]:
                said = f"{said} By who proposed it: nobody else had to."
        position = {"proposed": found["position"], "applied": found["applied_position"]}.get(name)
        yield Happened(name, found[f"{name}_at"], name_of(found[f"{name}_by"]), said or "", position)


def name_of(person: Row | None) -> str:
    """Return how a person is called, also where the ledger does not know, or was told to forget it."""
    return (person or {}).get("username") or "somebody without a name"


def _months(found: Row) -> str:
    periods = found["billing_periods"]
    if len(periods) > MOST_MONTHS:
        return f"{len(periods)} months, {month(min(periods))} to {month(max(periods))}"
    return ", ".join(month(each) for each in periods)


def _row(found: Row) -> dict[str, Any]:
    names = {f"{name}_name": (found[f"{name}_by"] or {}).get("username") for name in STEPS}
    return {**found, **names, "months": _months(found)}


def _sum(row: Row) -> dict[str, Any]:
    name = row["component_name"] or row["component_type"]
    return {**row, "component": f"{name}, of users" if row["is_of_users"] else name}


def _item(row: Row, has_moved: bool) -> dict[str, Any]:
    """Return an item with what is to be noted: that another figure stands, and what refuses it."""
    noted = [STATED_SINCE if row["position"] else SEEN_OTHERWISE] if has_moved else []
    if row["has_changed_hands"]:
        noted.append(f"Its resource is of {row['project_name']}, {row['customer_name']}, now.")
    if row["has_moved_since_approval"]:
        noted.append(_since_approval(row))
    return {**row, "noted": " ".join([*noted, *messages_in(row["errors"] or [])])}


def _since_approval(row: Row) -> str:
    if row["usage_approved"] is None:
        return "There was none when it was approved."
    if row["usage_approved"] == row["usage_before" if row["position"] else "usage_now"]:
        return "A figure of another plan moved since it was approved."
    return f"It was {row['usage_approved']} {row['measured_unit'] or ''}".rstrip() + " when it was approved."
