"""Charts keep what is drawn and nothing else, and figures are shown whole."""

import re
import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest

from web.dashboard.charts import stacked_bars
from web.dashboard.formats import amount, delta, month

COLUMNS = ["Oct", "Nov", "Dec"]


def bars(drawn: str) -> list[list[tuple[str, float, float]]]:
    """The title of each bar, its top and its height, by series."""
    return [
        [
            (bar.findtext("title") or "", float(rect.get("y", 0)), float(rect.get("height", 0)))
            for bar in series.iter("g")
            if bar.get("class") == "bar"
            for rect in bar.iter("rect")
        ]
        for series in ET.fromstring(drawn).iter("g")  # noqa: S314 - we drew it
        if series.get("class", "").startswith("series ")
    ]


def test_bars_stand_on_those_before_and_have_the_exact_figure_in_their_title() -> None:
    figures = {"a<b>": [Decimal("1.50"), None, Decimal("3.00")], "c": [Decimal("1.50"), Decimal("0"), None]}
    below, above = bars(stacked_bars("label", COLUMNS, figures, "hours"))
    assert [title for title, *_ in below] == ["a<b>, Oct: 1.50 hours", "a<b>, Dec: 3.00 hours"]
    assert [title for title, *_ in above] == ["c, Oct: 1.50 hours"]
    assert below[1][2] == pytest.approx(2 * below[0][2])
    assert above[0][1] + above[0][2] == pytest.approx(below[0][1])


def test_a_chart_has_no_style_no_script_and_nothing_from_elsewhere() -> None:
    drawn = str(stacked_bars("Usage <by> month", COLUMNS, {"a": [Decimal(n) for n in (1, 2, 3)]}, ""))
    assert re.findall(r"style|script|https?://(?!www\.w3\.org/2000/svg)|href|onload", drawn) == []
    assert 'aria-label="Usage &lt;by&gt; month"' in drawn
    assert 'role="img"' in drawn


def test_a_chart_of_nothing_is_drawn() -> None:
    assert bars(stacked_bars("label", COLUMNS, {"a": [None, None, None]}, "")) == []
    assert bars(stacked_bars("label", COLUMNS, {}, "")) == []


@pytest.mark.parametrize(
    ("value", "shown", "exact"),
    [
        ("1234567.80", "1 234 567.80", "1234567.80"),
        ("123456789012345678.90", "123 456 789 012 345 678.90", "123456789012345678.90"),
        (12.5, "12.50", "12.50"),
        ("0.00", "0.00", "0.00"),
    ],
)
def test_a_figure_has_all_its_digits(value: str | float, shown: str, exact: str) -> None:
    told = shown.replace(" ", "\N{NARROW NO-BREAK SPACE}")
    assert amount(value) == f'<data value="{exact}">{told}</data>'


@pytest.mark.parametrize(
    ("value", "shown", "css"),
    [("70.00", "+70.00", "more"), ("-70.00", "\N{MINUS SIGN}70.00", "less"), ("0.00", "0.00", "same")],
)
def test_a_change_has_its_sign(value: str, shown: str, css: str) -> None:
    assert delta(value) == f'<data class="{css}" value="{value}">{shown}</data>'


def test_months_have_names() -> None:
    assert [month(each) for each in ("2026-01-01", "2026-12", None)] == [
        "January 2026",
        "December 2026",
        "\N{EN DASH}",
    ]
