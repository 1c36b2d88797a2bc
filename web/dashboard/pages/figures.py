"""One figure: what was said of it, by whom and when, its users' shares, and the proof of each fact."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from flask import Response

from web.dashboard.asking import AGENT, Answer, Refused
from web.dashboard.charts import stacked_bars
from web.dashboard.formats import decimal, month
from web.dashboard.frame import here, linked, page, pages, show
from web.dashboard.tables import Column, Table
from web.dashboard.writing.forms import EMPTY, Form
from web.request.audit.past import AS_OF
from web.wire.errors import Missing

blueprint = pages("figure_pages")

MOST_REVISIONS = 100
"""On the page; the files have all of them."""

REVISIONS = (
    Column("Position", "position", link=lambda row: row["fact_url"]),
    Column("Recorded", "revision_date", "moment"),
    Column("By", "by"),
    Column("Through", "through"),
    Column("Stated", "amount", "amount"),
    Column("Before", "usage_before", "amount"),
    Column("After", "usage_after", "amount"),
    Column("Change", "delta", "delta"),
    Column("Why", "revision_comment"),
    Column("Measured", "measured_at", "day"),
)

CORRECTION = Column(
    "Correction",
    "correction_words",
    "words",
    link=lambda row: row["correction"] and linked("corrections.correction", uuid=row["correction"]["uuid"]),
)

SHARES = (
    Column("User", "username"),
    Column("Usage", "usage", "amount", unit="measured_unit"),
    Column("Reported", "modified", "moment"),
)


@page(blueprint, "/figures/<uuid>/", AS_OF)
def figure(uuid: str) -> Response:
    return shown(uuid, EMPTY)


def shown(uuid: str, form: Form) -> Response:
    """Return the page, where a form that proposes a correction was sent with what the API has against it."""
    ask = here().asker.ask
    path = f"marketplace-component-usages/{uuid}/"
    found = ask(path)
    history = ask(f"{path}history/", page_size=MOST_REVISIONS)
    is_offered = bool(form.step) or _may_correct(found.data)
    return show(
        "figure.html",
        form.status,
        form=form,
        is_offered=is_offered,
        others=others_of(found.data) if is_offered else [],
        figure=found.data,
        answer=found,
        position=found.position,
        drawing=_drawing(found.data, history.data) if len(history.data) > 1 else None,
        history=_history(history),
        shares=_shares(found.data),
    )


def _drawing(found: dict[str, Any], revisions: list[dict[str, Any]]) -> Any:
    """Return a chart of what the figure was after each revision, oldest first."""
    oldest_first = revisions[::-1]
    return stacked_bars(
        f"{found['name']} in {month(found['billing_period'])} after each of its revisions",
        [f"{each['position']}" for each in oldest_first],
        {"after position": [decimal(each["usage_after"]) for each in oldest_first]},
        found["measured_unit"],
    )


def _may_correct(found: dict[str, Any]) -> bool:
    """Return whether the API would let the reader propose a correction of a figure."""
    if not here().may_change or not here().caller.reports_somewhere:
        return False
    offering = here().asker.ask_if_allowed(f"ledger/offerings/{found['offering_uuid']}/")
    uuids = offering and (UUID(offering.data["uuid"]), UUID(offering.data["provider_uuid"]))
    return bool(uuids and here().caller.may_report(*uuids))


def others_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the other figures of a component in the same month: there are some where its plan changed."""
    same = {"resource_uuid": found["resource_uuid"], "type": found["type"]}
    rows = here().asker.ask(
        "marketplace-component-usages/", **same, billing_period=found["billing_period"], page_size=300
    )
    return [each for each in rows.data if each["uuid"] != found["uuid"]]


def _history(history: Answer) -> Table:
    rows = [
        each
        | {
            "by": (each["revision_user"] or {}).get("username") or each["source"],
            "fact_url": linked("figure_pages.fact", position=each["position"]),
            "correction_words": _words_of(each["correction"]),
            "through": AGENT if each["agent"].startswith(AGENT) else each["agent"],
        }
        for each in history.data
    ]
    is_corrected = any(each["correction"] for each in history.data)
    columns = [*REVISIONS, CORRECTION] if is_corrected else REVISIONS
    return Table("Its history, newest first", columns, history, rows)


def _words_of(correction: dict[str, Any] | None) -> str:
    """Return the title of a correction, with the two who stand behind it."""
    if correction is None:
        return ""
    people = [
        f"{step} by {(correction[f'{step}_by'] or {}).get('username') or 'somebody without a name'}"
        for step in ("proposed", "approved")
    ]
    return f"{correction['title']} ({', '.join(people)})"


def _shares(found: dict[str, Any]) -> Table | None:
    """Return what users used of it, None if nobody said."""
    answer = here().asker.ask(
        "marketplace-component-user-usages/",
        resource_uuid=found["resource_uuid"],
        type=found["type"],
        component_usage__billing_period=found["billing_period"],
        o="-usage",
        page_size=MOST_REVISIONS,
    )
    if not answer.data:
        return None
    ours = [each for each in answer.data if found["uuid"] in each["component_usage"]]
    return Table("What users used of it", SHARES, answer, ours)


@page(blueprint, "/facts/<position>/", AS_OF)
def fact(position: str) -> Response:
    """Show a fact as the journal has it, and the proof that the signed tree has it in it."""
    if not position.isdecimal() or not 0 < int(position) < 2**63:
        raise Missing("Facts have positions from 1 on.")
    ask = here().asker._replace(as_of="").ask_if_allowed
    found = ask("ledger/events/", after=int(position) - 1, limit=1)
    event = found and next((each for each in found.data if each["id"] == f"{int(position)}"), None)
    proof, reason = _proof(ask, int(position))
    if event is None and proof is None:
        raise Missing("There is no such fact, or it is not for you.")
    return show(
        "fact.html",
        at=int(position),
        fact=event,
        text=orjson.dumps(event, option=orjson.OPT_INDENT_2).decode() if event else "",
        request_line=found.request_line if found else "",
        proof=proof,
        reason=reason,
    )


def _proof(ask: Callable[..., Answer | None], position: int) -> tuple[Answer | None, str]:
    """Return the proof of a fact, or why there is none."""
    try:
        return ask(f"ledger/events/{position}/proof"), "You may not read the fact, so there is none for you."
    except Refused as refusal:  # without a key, or where signing is refused
        return None, str(refusal.body["detail"])
