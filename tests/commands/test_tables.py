"""How commands print rows: aligned for people, exact for programs, and harmless whoever wrote them."""

import csv
import io
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.commands.audit.tables import FORMS, printable, show

ROW = {
    "position": 152,
    "measured_at": datetime(2026, 5, 3, 14, 0, 5, 250_000, tzinfo=timezone(timedelta(hours=2))),
    "month": date(2026, 5, 1),
    "resource_uuid": UUID(int=7),
    "usage": Decimal("1E+1").quantize(Decimal("0.01")),
    "delta": Decimal("-1.50"),
    "reasons": ["node 7 counted twice", "=1"],
    "reported_by": None,
    "agent": "",
}
OTHER = ROW | {"position": 9, "delta": None, "reasons": [], "reported_by": "朱莉", "agent": "@curl"}
EVIL = "a\x1b[2Jb\rc\nd\u202ee\u009bf\u2028g"


def printed(capsys: pytest.CaptureFixture[str], rows: list[dict[str, object]], form: str | None) -> str:
    assert show([*ROW], rows, form) == len(rows)
    return capsys.readouterr().out


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, [ROW, OTHER], "table").splitlines() == [
        "position  measured at          month       resource uuid                     usage  delta"
        "  reasons                   reported by  agent",
        "     152  2026-05-03 12:00:05  2026-05-01  00000000000000000000000000000007  10.00  -1.50"
        "  node 7 counted twice; =1  -            -",
        "       9  2026-05-03 12:00:05  2026-05-01  00000000000000000000000000000007  10.00      -"
        "  -                         朱莉         @curl",
    ]
    assert printed(capsys, [], "table").split() == " ".join(ROW).replace("_", " ").split()


def test_csv_is_for_spreadsheets_and_used_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    expected = (
        "position,measured_at,month,resource_uuid,usage,delta,reasons,reported_by,agent\n"
        "152,2026-05-03T12:00:05.250000Z,2026-05-01,00000000000000000000000000000007,10.00,-1.50,"
        "node 7 counted twice; =1,,\n"
        "9,2026-05-03T12:00:05.250000Z,2026-05-01,00000000000000000000000000000007,10.00,,,朱莉,'@curl\n"
    )
    assert printed(capsys, [ROW, OTHER], "csv") == printed(capsys, [ROW, OTHER], None) == expected
    assert printed(capsys, [], "csv").count("\n") == 1


def test_json_is_as_on_the_wire(capsys: pytest.CaptureFixture[str]) -> None:
    assert orjson.loads(printed(capsys, [ROW, OTHER], "json")) == [
        {
            "position": 152,
            "measured_at": "2026-05-03T12:00:05.250000Z",
            "month": "2026-05-01",
            "resource_uuid": "00000000000000000000000000000007",
            "usage": "10.00",
            "delta": "-1.50",
            "reasons": ["node 7 counted twice", "=1"],
            "reported_by": None,
            "agent": "",
        },
        {
            "position": 9,
            "measured_at": "2026-05-03T12:00:05.250000Z",
            "month": "2026-05-01",
            "resource_uuid": "00000000000000000000000000000007",
            "usage": "10.00",
            "delta": None,
            "reasons": [],
            "reported_by": "朱莉",
            "agent": "@curl",
        },
    ]
    assert printed(capsys, [], "json") == "[]\n"


def test_nothing_that_others_wrote_commands_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for form in FORMS:
        lines = printed(capsys, [ROW | {"agent": EVIL, "reasons": [EVIL]}], form).split("\n")
        assert all(line.isprintable() for line in lines)
        assert len(lines) == (2 if form == "json" else 3)
    assert printable(EVIL) == r"a\x1b[2Jb\rc\nd\u202ee\x9bf\u2028g"
    assert printable("Zoë\u00a0朱") == "Zoë\u00a0朱"


@pytest.mark.parametrize("start", "=+-@")
def test_no_text_is_a_formula(capsys: pytest.CaptureFixture[str], start: str) -> None:
    text = f'{start}HYPERLINK("http://example.org", "x")'
    for row in ({"agent": text}, {"reasons": [text]}):
        (read,) = csv.DictReader(io.StringIO(printed(capsys, [ROW | row], "csv")))
        assert f"'{text}" in read.values()


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_any_text_is_one_line_and_json_has_it_back(texts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        out = {form: io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for form in FORMS}
        for form, stream in out.items():
            patch.setattr("sys.stdout", stream)
            show(["text"], [{"text": text} for text in texts], form)
            stream.flush()
    read = {form: stream.buffer.getvalue().decode() for form, stream in out.items()}
    assert [row["text"] for row in orjson.loads(read["json"])] == texts
    assert read["table"].count("\n") == len(texts) + 1 == len([*csv.reader(io.StringIO(read["csv"]))])
