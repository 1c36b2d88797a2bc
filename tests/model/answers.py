"""What the lists and sums of a ledger answer, from the model of `tests/model/ledger_model.py`."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.model.ledger_model import LISTING, ZERO, Model, Row, Share, month_of

Answer = list[dict[str, Any]]

KEYS: dict[str, Callable[[Row, Share | None], Any]] = {
    "billing_period": lambda row, _: row.month,
    "component_usage__billing_period": lambda row, _: row.month,
    "usage": lambda row, share: (share or row).amount,
    "missing_usage_policy": lambda row, _: row.policy,
    "username": lambda _, share: share.name if share else "",
}


def usages(model: Model, who: str, query: Mapping[str, Any]) -> Answer:
    """Return the component usages that somebody sees, filtered and in order."""
    found = [(row, None) for row in model.rows if _is_asked(model, who, row, query)]
    return [usage(model, row) for row, _ in _ordered(found, query)]


def user_usages(model: Model, who: str, query: Mapping[str, Any]) -> Answer:
    """Return the user usages that somebody sees, filtered and in order."""
    rows = [row for row in model.rows if _is_asked(model, who, row, query)]
    part = query.get("username", "").lower()
    found = [(row, each) for row in rows for each in row.shares if part in each.name.lower()]
    return [user_usage(model, row, share) for row, share in _ordered(found, query)]


def _is_asked(model: Model, who: str, row: Row, query: Mapping[str, Any]) -> bool:
    place = model.place(row)
    has: dict[str, Any] = {
        "resource_uuid": row.resource,
        **{f"{kind}_uuid": place[kind] for kind in ("offering", "project", "customer")},
        "type": row.kind,
        "billing_period": str(row.month),
        "component_usage__billing_period": str(row.month),
        "billing_period_year": row.month.year,
        "billing_period_month": row.month.month,
        "missing_usage_policy": row.policy,
    }
    day = str(row.date.date())
    return (
        model.sees(who, place)
        and all(str(has[name]) == str(value) for name, value in query.items() if name in has)
        and query.get("date_after", day) <= day <= query.get("date_before", day)
    )


def _ordered(found: Iterable[tuple[Row, Any]], query: Mapping[str, Any]) -> list[tuple[Row, Any]]:
    ordered = sorted(found, key=lambda each: (each[1] or each[0]).number)
    if "o" not in query:
        ordered.sort(key=lambda each: each[0].kind)
        return sorted(ordered, key=lambda each: each[0].date, reverse=True)
    for key in reversed(query["o"].split(",")):
        value = KEYS[key.lstrip("-")]
        ordered.sort(key=lambda each: value(*each), reverse=key.startswith("-"))
    return ordered


def _names(model: Model, row: Row) -> dict[str, Any]:
    place = model.place(row)
    return {
        "resource_name": model.resources[row.resource]["name"],
        "resource_uuid": row.resource,
        "offering_name": model.offerings[place["offering"]][0],
        "offering_uuid": place["offering"],
        "project_name": model.projects[place["project"]][0],
        "project_uuid": place["project"],
        "customer_name": model.customers[place["customer"]],
        "customer_uuid": place["customer"],
    }


def usage(model: Model, row: Row) -> dict[str, Any]:
    """Return a component usage, with its number for `uuid` and the reporter's name for `modified_by`."""
    offering = model.resources[row.resource]["offering"]
    name, unit, *_ = model.components[offering, row.kind]
    return {
        "uuid": row.number,
        "created": told(row.created),
        "description": row.description,
        "type": row.kind,
        "name": name,
        "measured_unit": unit,
        "usage": f"{row.amount:.2f}",
        "date": told(row.date),
        "missing_usage_policy": row.policy,
        "recurring": row.policy == "reuse",
        **_names(model, row),
        "billing_period": str(row.month),
        "modified_by": row.by,
    }


def user_usage(model: Model, row: Row, share: Share) -> dict[str, Any]:
    """Return a user usage, with numbers for `uuid` and `component_usage`."""
    offering = model.resources[row.resource]["offering"]
    return {
        "uuid": share.number,
        "user": share.link,
        "username": share.name,
        "component_usage": row.number,
        "usage": f"{share.amount:.2f}",
        "measured_unit": model.components[offering, row.kind][1],
        "description": "",
        "created": told(share.created),
        "modified": told(share.modified),
        "backend_id": "",
        **_names(model, row),
        "component_type": row.kind,
        "date": told(row.date),
        "billing_period": str(row.month),
    }


def told(moment: datetime) -> str:
    """Return a moment as answers write it."""
    return moment.isoformat()


def monthly(
    model: Model, who: str, first: date, at_end_of: Callable[[date], Model], now: datetime
) -> dict[tuple[str, str, str], tuple[str, str]]:
    """Return (consumed, allocated) by offering, type and month. All was described in the `first` month.

    `at_end_of` is the model as it stood then.
    """
    found = {}
    for offering, kind in model.components:
        provider = model.offerings[offering][1]
        scopes = [("offering", offering), ("customer", provider), ("provider", provider)]
        if not model.sees_all(who) and not any(model.held(who, *scope) for scope in scopes):
            continue
        of = [row for row in model.rows if row.kind == kind]
        of = [row for row in of if model.resources[row.resource]["offering"] == offering]
        for month in _months(min([first, *(row.month for row in of)]), month_of(now)):
            rows = [row for row in of if row.month == month]
            consumed = sum((row.amount for row in rows), ZERO)
            allocated = allocation(at_end_of(month), offering, kind)
            if consumed > 0 or allocated > 0:
                found[offering, kind, str(month)] = (f"{max(consumed, ZERO):.2f}", f"{allocated:.2f}")
    return found


def _months(first: date, last: date) -> list[date]:
    """Return the first days of all months, both ends included."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def allocation(model: Model, offering: str, kind: str) -> Decimal:
    """Return what is allocated of a component: the limits of its resources, else its own."""
    of_offering = [each for each in model.resources.values() if each["offering"] == offering]
    limits = [
        each["limits"][kind]
        for each in of_offering
        if kind in each["limits"] and each["state"] in (2, 3, 4, 5)
    ]
    return sum(map(Decimal, limits), ZERO) if limits else model.components[offering, kind][3] or ZERO


def components(model: Model, who: str, kind: str, scope: str, now: datetime) -> Answer | None:
    """Return what a project or customer used this month, None for whoever may not know."""
    of = {uuid: each for uuid, each in model.projects.items() if scope in (uuid, each[1])}
    may = {uuid for uuid, (_, customer) in of.items() if _lists(model, who, uuid, customer)}
    is_found = (
        bool(may)
        if kind == "project"
        else bool(model.held(who, "customer", scope) or any(model.held(who, "project", each) for each in of))
    )
    if not model.sees_all(who) and not is_found:
        return None
    counted = {
        uuid: each for uuid, each in model.resources.items() if each["project"] in may and each["state"] != 6
    }
    found = []
    for (offering, component), (name, unit, billing, _) in model.components.items():
        of_offering = {uuid: each for uuid, each in counted.items() if each["offering"] == offering}
        if not of_offering:
            continue
        rows = [row for row in model.rows if row.resource in of_offering and row.month == month_of(now)]
        used = float(sum(row.amount for row in rows if row.kind == component))
        limits = [each["limits"][component] for each in of_offering.values() if component in each["limits"]]
        found.append(
            {
                "type": component,
                "name": name,
                "measured_unit": unit,
                "billing_type": billing,
                "usage": used if billing == "usage" else 0.0,
                "limit_usage": used if billing == "limit" else 0.0,
                "limit": float(sum(limits)) if limits else None,
                "offering_uuid": offering,
            }
        )
    return sorted(found, key=lambda each: each["name"])


def _lists(model: Model, who: str, project: str, customer: str) -> bool:
    held = model.held(who, "project", project) | model.held(who, "customer", customer)
    return model.sees_all(who) or bool(held & LISTING)
