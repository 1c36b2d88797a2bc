"""Files of reports: what is read as an item, what is refused, and what no program should stumble over."""

import json
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.sender.files import LARGEST_CHUNK, Format, ReportFile
from web.sender.lines import UnreadableFile
from web.sender.summing import SummedFile
from web.sender.tables import NO_DATE


def test_lines_of_json_go_out_as_they_are_and_with_the_date_of_the_sending_if_they_have_none() -> None:
    text = b'{"amount":1.10}\r\n\n {"a":\r2 } \n{}\n{"date":null, "amount":1e2}\n'
    text += b'{"component_usage":"x", "username":"ann"}\n[1]\nno json\n{"amount": 1'
    assert read("ndjson", text) == [
        (1, b'{"amount":1.10,"date":"NOW"}'),
        (3, b'{"a": 2 ,"date":"NOW"}'),
        (4, b'{"date":"NOW"}'),
        (5, b'{"date":null, "amount":1e2}'),
        (6, b'{"component_usage":"x", "username":"ann"}'),
        (7, b"[1]"),
        (8, b"no json"),
        (9, b'{"amount": 1'),
    ]


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("csv", b"", "its first line is to name the columns"),
        ("csv", b"\n ; ;\n\n", "its first line is to name the columns"),
        ("csv", b"resource,size\n", "columns that are unknown: 'size'; known are amount, component_usage, "),
        (
            "csv",
            b"Resource,usrname\n",
            "columns that are unknown: 'usrname' (did you mean username?); known ",
        ),
        ("csv", b"resource,,type\n", "columns that are unknown: ''; known are amount, "),
        ("csv", b"x" * 131_073 + b",type\n", f"columns that are unknown: '{'x' * 40}…'; known are amount, "),
        ("csv", b"type,Type\n", "columns that are there more than once: 'type'"),
        ("csv", b"ty\xffpe\n", "line 1 is not UTF-8"),
        ("csv", b"x" * 1_000_001, "line 1 has more than 1000000 bytes"),
        ("csv", "\ufefftype\n".encode("utf-16-le"), "it is UTF-16, where UTF-8 is taken: save it as "),
        ("ndjson", "\ufeff{}\n".encode("utf-16-be"), "it is UTF-16, where UTF-8 is taken: save it as "),
        ("ndjson", b"\n[\n{}\n]", "it is a JSON array, where one object a line is taken"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_told_in_one_line(
    kind: Format, text: bytes, message: str
) -> None:
    with pytest.raises(UnreadableFile) as told:
        read(kind, text)
    assert str(told.value).startswith(message)
    assert len(str(told.value)) < 300


def read(kind: Format, text: bytes) -> list[tuple[int, bytes]]:
    """Lines and bodies of items that are to be sent."""
    return [(item.line, item.body) for item in ReportFile(BytesIO(text), kind, "NOW").chunk(100)]


def refusals(kind: Format, text: bytes) -> dict[int, str]:
    """What is said of the lines that are not to be sent."""
    items = ReportFile(BytesIO(text), kind, "NOW").chunk(100)
    return {item.line: "".join(item.errors.get("detail", [])) for item in items if item.errors}


def items_of(text: str) -> list[dict[str, str]]:
    """The items of a table, as what they are without a date."""
    items = [json.loads(body) for _, body in read("csv", text.encode())]
    for item in items:
        assert item.pop("date") == "NOW"
    return items


ROW = {"resource": "R", "type": "cpu", "amount": "118.5"}


@pytest.mark.parametrize(
    "text",
    [
        "resource,type,amount\rR,cpu,118.5\r",
        "resource,type,amount\r\nR,cpu,118.5",
        "Resource,TYPE, Amount \nR,cpu,118.5\n",
        "\n\r\n,,\nresource,type,amount\nR,cpu,118.5\n",
        "resource|type|amount\nR|cpu|118.5\n",
        "resource|type|amount|\nR|cpu|118.5|\n",
        "resource\ttype\tamount\t\nR\tcpu\t118.5\n",
        "resource,type,amount\nR,cpu,118.5,,\n,,,\n",
        "sep=;\nresource;type;amount\nR;cpu;118,5\n",
        '"SEP=|"\r\n\r\nresource|type|amount\r\nR|cpu|118.5\r\n',
        "\ufeffsep=,\r\nresource,type,amount\r\nR,cpu,118.5\r\n",
        "resource;type;amount\nR;cpu;118,5\n",
        '"resource","type","amount"\n"R","cpu","118.5"\n',
    ],
)
def test_tables_are_read_as_spreadsheets_and_batch_systems_write_them(text: str) -> None:
    assert items_of(text) == [ROW]


def test_a_comma_is_a_decimal_point_only_in_figures_and_between_semicolons() -> None:
    text = "type;username;description;usage\n1,5;2,5;3,5;4,5\n1,5;2,5;3,5;1.234,5\n1,5;2,5;3,5;1,234\n"
    assert [item["usage"] for item in items_of(text)] == ["4.5", "1.234,5", "1.234"]  # which are no figures
    assert items_of(text)[0] == {"type": "1,5", "username": "2,5", "description": "3,5", "usage": "4.5"}
    assert items_of('type,amount\ncpu,"4,5"\n') == [{"type": "cpu", "amount": "4,5"}]


def test_a_row_that_is_not_what_the_header_says_is_refused_and_the_others_are_read() -> None:
    text = b"resource,type,amount,date\nR,cpu,1,D\nR,gpu,970\nR,cpu,2,D,x\nR,cpu,3,\n\xff,cpu,4,D\nR,cpu,5,D"
    empty = b'{"resource":"R","type":"cpu","amount":"3","date":""}'
    assert [(line, body) for line, body in read("csv", text) if line in (2, 3, 5, 7)] == [
        (2, b'{"resource":"R","type":"cpu","amount":"1","date":"D"}'),
        (3, b'"R,gpu,970"'),
        (5, empty),
        (7, b'{"resource":"R","type":"cpu","amount":"5","date":"D"}'),
    ]
    told = refusals("csv", text)
    assert told == {
        3: "Can't be read: it has 3 cells, and the header names 4.",
        4: "Can't be read: it has 5 cells, and the header names 4.",
        5: "",
        6: "Can't be read: it is not UTF-8.",
    }
    (undated,) = (item.errors for item in ReportFile(BytesIO(text), "csv", "NOW").chunk(9) if item.line == 5)
    assert undated == {"date": [NO_DATE]}


def test_a_row_without_a_date_may_name_the_usage_that_it_is_of() -> None:
    text = b"component_usage,username,usage,date\nU,ann,1,\nU,bob,2,D\n"
    assert refusals("csv", text) == {}
    assert read("csv", text)[0] == (2, b'{"component_usage":"U","username":"ann","usage":"1"}')


def test_of_a_quote_that_is_not_closed_it_is_told_what_was_not_read() -> None:
    start = b"type,amount,description\ncpu,1,x\n"
    read_on = b'cpu,2,"b"\ncpu,3,"c"\n'
    assert refusals("csv", start + b'cpu,0,"a\n' + read_on) == {
        3: "Can't be read: ',' expected after '\"'; nothing was read from line 3 to line 4."
    }
    assert [line for line, _ in read("csv", start + b'cpu,0,"a\n' + read_on)] == [2, 3, 5]
    assert refusals("csv", start + b'cpu,0,"a\ncpu,2,b\n\n') == {
        3: "Can't be read: a quote that is opened in it is not closed; "
        "nothing was read from line 3 to line 5."
    }
    endless = start + b'cpu,0,"a\n' + b"cpu,1,b\n" * 200_000
    assert refusals("csv", endless) == {
        3: "Can't be read: a quote that is opened in it is not closed for 1000000 bytes; "
        "nothing was read from line 3 to line 200003."
    }


def test_what_is_too_long_is_refused_and_the_rest_is_read() -> None:
    long = b"x" * 1_000_001
    assert read("csv", b"type,amount,description\ncpu,1,%s\ncpu,2,x\n" % (b"x" * 131_073))[1][0] == 3
    told = "Can't be read: it has more than 1000000 bytes."
    for ends in (b"\n", b"\r"):
        text = ends.join([b"type,amount", b"cpu,1", b"cpu," + long, long * 3, b"cpu,2", b""])
        assert refusals("csv", text) == {3: told, 4: told}
        assert [line for line, _ in read("csv", text)] == [2, 3, 4, 5]
    assert refusals("ndjson", b'{}\n{"a":"%s"}\n{}' % long) == {2: told}


ODDITIES = [
    *(b"resource,type,amount,date", b"username;usage", b"R,cpu,1,2026-01-01", b"sep=", b"sep=;"),
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b'"',
        b'""',
        b",",
        b";",
        b"|",
        b"\t",
        b"\x00",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"\\",
    ),
    *(b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff"),
    *(b'{"amount":1}', b'{"amount":1,"amount":2}', b'{"date":"0001-01-01"}', b'{"amount":1e999999999}'),
    *(
        b"[" * 1_100,
        b"9" * 5_000,
        b'{"amount":"1","date":"2026-01-01","description":{}}',
        b'{"username":"a"}',
    ),
]
PIECES = st.lists(st.sampled_from(ODDITIES) | st.binary(max_size=6), max_size=25)


@settings(max_examples=400, deadline=None)
@given(PIECES.map(b"".join), st.sampled_from(["csv", "ndjson"]))
def test_any_bytes_are_items_or_refusals_or_an_unreadable_file(text: bytes, kind: Format) -> None:
    for reader in (ReportFile, SummedFile):
        with suppress(UnreadableFile):
            reports = reader(BytesIO(text), kind, "2026-11-15T12:00:00+00:00")
            while chunk := reports.chunk(5):
                for item in chunk:
                    assert b"\n" not in item.body
                    if item.errors:
                        json.dumps(item.errors)
            assert not reports.chunk(5)


def test_a_chunk_ends_before_it_has_more_bytes_than_proxies_let_through() -> None:
    reports = ReportFile(BytesIO(b'{"description": "%s"}\n' % (b"x" * 200_000) * 12), "ndjson", "NOW")
    sizes = [len(chunk) for chunk in iter(lambda: reports.chunk(10), [])]
    assert sizes == [LARGEST_CHUNK // 200_000] * 2 + [2]
