"""How people see values of the API: months by name, moments to the minute, figures whole and exact."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
"""In English, as all of the pages, whatever the locale of the server."""

THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"

DASH = "\N{EN DASH}"

NOTHING = Markup('<span class="none">{}</span>').format(DASH)


def month(value: str | date | None) -> str:
    """Return the name of the month that a date, `YYYY-MM-DD` or `YYYY-MM`, is in."""
    if not value:
        return DASH
    year, number = f"{value}".split("-")[:2]
    return f"{MONTHS[int(number) - 1]} {int(year)}"


def amount(value: str | float | None) -> Markup:
    """Return a figure with all its digits, in groups of three that copy as one number."""
    if value is None:
        return NOTHING
    exact = decimal(value)
    return Markup('<data value="{}">{}</data>').format(exact, grouped(exact))


def delta(value: str | float | None) -> Markup:
    """Return a change with its sign."""
    if value is None:
        return NOTHING
    exact = decimal(value)
    sign, css = ("+", "more") if exact > 0 else ("", "less" if exact < 0 else "same")
    return Markup('<data class="{}" value="{}">{}{}</data>').format(css, exact, sign, grouped(exact))


def decimal(value: str | float) -> Decimal:
    """Return a figure of the API: a string with two decimals, or the JSON number that is nearest to one."""
    return Decimal(value) if isinstance(value, str) else Decimal(f"{value:.2f}")


def grouped(value: Decimal) -> str:
    """Return a figure as text, with a minus that is one, and thin spaces between groups of three digits."""
    return f"{value:,}".replace(",", THIN_SPACE).replace("-", "\N{MINUS SIGN}")


def moment(value: str | None) -> Markup:
    """Return a time to the minute, with the whole of it for machines and for who points at it."""
    if not value:
        return NOTHING
    when = datetime.fromisoformat(value)
    return Markup('<time datetime="{0}" title="{0}">{1:%Y-%m-%d %H:%M} UTC</time>').format(value, when)


def day(value: str | None) -> Markup:
    """Return the day of a time, with the whole of it for machines and for who points at it."""
    day_only = Markup('<time datetime="{0}" title="{0}">{1}</time>')
    return day_only.format(value, value[:10]) if value else NOTHING


FILTERS: dict[str, Any] = {
    "month": month,
    "amount": amount,
    "delta": delta,
    "moment": moment,
    "day": day,
}
