"""How a list is asked for as a file, what its answer says of it, and what is in its cells."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.monthly import entity
from tests.exports.reading import cells, records
from tests.world import PROJECT, RESOURCE, USAGES, World, plain_headers, uid
from web.exports import answering
from web.exports.answering import BrokenOff
from web.limits.admission import Places, Room
from web.wire.exports import forms

MONTHLY = "/api/marketplace-component-usage-monthly/"
USAGES_FILE, MONTHLY_FILE = "marketplace-component-usages", "marketplace-component-usage-monthly"
RESOURCES = "/api/marketplace-resources/"
NO_PAGE = "An export has all rows that match, and no pages: leave this out."
CSV, NDJSON, PARQUET = "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"


@pytest.fixture(name="reported")
def world_with_usages(world: World) -> World:
    for amount, day in ((12.5, "2026-10-05"), (3, "2026-11-05")):
        usage = {"type": "cpu", "amount": amount, "description": "one, two"}
        assert world.report(date=day, usages=[usage]).status_code == 201
    return world


def get(world: World, path: str = USAGES, accept: str | None = None, **query: Any) -> TestResponse:
    headers = {} if accept is None else {"Accept": accept}
    return world.as_("staff").send("GET", path, query_string=query, headers=headers)


def test_a_file_of_usages_is_what_the_list_says(reported: World) -> None:
    position = reported.ledger.recorder.max_notification_id()
    response = get(reported, format="csv", field=["type", "usage", "description", "billing_period"])
    assert response.data.decode() == (
        "\ufeffdescription,type,usage,billing_period\r\n"
        '"one, two",cpu,3.00,2026-11-01\r\n'
        '"one, two",cpu,12.50,2026-10-01\r\n'
    )
    assert plain_headers(response) == {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        "Content-Disposition": f'attachment; filename="marketplace-component-usages_position-{position}.csv"',
        "Ledger-Origin": reported.services.origin(),
        "X-Result-Count": "2",
        "Vary": "Accept",
    }
    assert response.headers["Ledger-Position"] == str(position)


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        (USAGES, {"billing_period": "2026-10-01"}, f"{USAGES_FILE}_2026-10"),
        (
            USAGES,
            {"billing_period_year": "2026", "billing_period_month": "10"},
            f"{USAGES_FILE}_2026-10",
        ),
        (MONTHLY, {}, f"{MONTHLY_FILE}_2026-11"),
        (
            MONTHLY,
            {"start": "2026-01", "end": "2026-10"},
            f"{MONTHLY_FILE}_2026-01_2026-10",
        ),
        ("/api/ledger/diff/", {"from": "0"}, "ledger-diff"),
        (
            f"/api/marketplace-resources/{RESOURCE}/plan_periods/",
            {},
            f"marketplace-resources-{RESOURCE}-plan_periods",
        ),
    ],
)
def test_a_file_is_named_after_what_month_and_position(
    reported: World, path: str, query: dict[str, str], name: str
) -> None:
    response = get(reported, path, format="ndjson", **query)
    position = response.headers["Ledger-Position"]
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="{name}_position-{position}.ndjson"'
    )


def test_a_file_as_of_a_position_is_named_after_it(reported: World) -> None:
    then = (reported.ledger.recorder.max_notification_id() or 0) - 1
    response = get(reported, format="csv", as_of=then)
    assert f"_position-{then}.csv" in response.headers["Content-Disposition"]
    assert [row["usage"] for row in cells(response)] == ["12.50"]
    assert [row["usage"] for row in cells(get(reported, format="csv"))] == ["3.00", "12.50"]


@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        (CSV, {}, CSV),
        (f"{NDJSON}, */*;q=0.1", {}, NDJSON),
        (PARQUET, {}, PARQUET),
        ("text/csv; charset=utf-8; header=present", {}, CSV),
        ("text/csv;header=present, application/json;q=0.9", {}, CSV),
        (f"application/json;q=0.5, {CSV};q=0.9", {}, CSV),
        (f"application/json, {CSV};q=0.9", {}, "application/json"),
        ("*/*", {}, "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", {}, "application/json"),
        (CSV, {"format": "json"}, "application/json"),
        (CSV, {"format": "ndjson"}, NDJSON),
        (None, {"format": ""}, "application/json"),
        (None, {"format": ["csv", "json"]}, "application/json"),
        (None, {"format": ["json", "csv"]}, CSV),
    ],
)
def test_the_format_wins_over_what_is_accepted(
    reported: World, accept: str | None, query: dict[str, str], kind: str
) -> None:
    response = get(reported, accept=accept, **query)
    assert (response.status_code, response.mimetype) == (200, kind)


@pytest.mark.parametrize("name", ["xml", "CSV", "csv ", "tsv", "json5"])
def test_an_unknown_format_is_refused(reported: World, name: str) -> None:
    for path in (USAGES, "/api/ledger/unexplained/"):
        response = get(reported, path, format=name)
        told = f"{name} is no known format. Known are json, csv, ndjson, parquet."
        assert (response.status_code, response.get_json()) == (400, {"format": [told]})


@pytest.mark.parametrize("name", ["Format", "formt", "fromat", "as_of_format"][:3])
def test_a_misspelt_format_is_refused(reported: World, name: str) -> None:
    response = get(reported, **{name: "csv"})
    assert response.status_code == 400
    assert [*response.get_json()] == [name]


def test_what_is_no_list_has_no_format(reported: World) -> None:
    [usage, _] = reported.usages()
    response = get(reported, f"{USAGES}{usage['uuid']}/", accept=CSV, format="csv")
    assert (response.status_code, response.headers["Ledger-Ignored"]) == (200, "format")
    assert response.get_json() == usage


@pytest.mark.parametrize("name", ["page", "page_size"])
@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_an_export_has_no_pages(reported: World, name: str, form: str) -> None:
    response = get(reported, format=form, **{name: "1"})
    assert (response.status_code, response.get_json()) == (400, {name: [NO_PAGE]})
    assert get(reported, format="json", **{name: "1"}).status_code == 200


def test_an_export_has_a_column(reported: World) -> None:
    response = get(reported, format="csv", field="bogus")
    told = "Names no column of this list, and an export has to have one."
    assert (response.status_code, response.get_json()) == (400, {"field": [told]})


def test_whoever_asks_for_the_headers_gets_no_rows(reported: World) -> None:
    for form in ("csv", "ndjson", "parquet"):
        head = reported.as_("staff").head(USAGES, format=form)
        full = get(reported, format=form)
        assert (head.status_code, head.data, plain_headers(head)) == (200, b"", plain_headers(full))
    assert reported.app.config[answering.EXPORTS].used == 0


def test_whoever_has_any_file_is_sent_none(reported: World) -> None:
    for form in ("csv", "ndjson", "parquet"):
        headers = {"If-None-Match": "*"}
        response = reported.as_("staff").send("GET", USAGES, query_string={"format": form}, headers=headers)
        assert (response.status_code, response.data) == (304, b"")
    assert reported.app.config[answering.EXPORTS].used == 0


def test_a_file_that_has_not_changed_is_not_sent_again(reported: World) -> None:
    tags = {form: get(reported, format=form).headers["ETag"] for form in ("json", "csv", "ndjson", "parquet")}
    accepted = {kind: get(reported, accept=kind).headers["ETag"] for kind in ("*/*", CSV, NDJSON, PARQUET)}
    assert len({*tags.values(), *accepted.values()}) == 8
    asked: list[tuple[str, dict[str, str], str]] = [
        *((tag, {"format": form}, "") for form, tag in tags.items()),
        *((tag, {}, kind) for kind, tag in accepted.items()),
    ]
    for tag, query, accept in asked:
        headers = {"If-None-Match": tag} | ({"Accept": accept} if accept else {})
        response = reported.as_("staff").send("GET", USAGES, query_string=query, headers=headers)
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["Vary"] == "Accept"
    other = reported.as_("staff").send("GET", USAGES, headers={"If-None-Match": accepted[CSV]})
    assert other.status_code == 200


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "='x'!A1", '=HYPERLINK("http://x","y")']
PLAIN = ["one", "a=b", " =1", "", "ü", 'a "quoted" one', "two\r\nlines", "1,5", "'=1"]


@pytest.mark.parametrize("name", [*FORMULAS, *PLAIN])
def test_no_cell_of_text_is_a_formula(reported: World, name: str) -> None:
    reported.describe(projects=[entity("projects", PROJECT, name=name)])
    found = {row["project_name"] for row in cells(get(reported, format="csv"))}
    assert found == {f"'{name}" if name in FORMULAS else name}
    assert {row["project_name"] for row in records(get(reported, format="parquet"))} == {name}


def test_figures_stay_figures_also_negative_ones(reported: World) -> None:
    reported.report(date="2026-10-05", usages=[{"type": "cpu", "amount": 10}])
    begin = (reported.ledger.recorder.max_notification_id() or 0) - 1
    query: dict[str, Any] = {"from": begin, "field": ["usage_before", "delta", "positions"]}
    path = "/api/ledger/diff/"
    assert get(reported, path, format="csv", **query).data.decode() == (
        f"\ufeffusage_before,delta,positions\r\n12.50,-2.50,[{begin + 1}]\r\n"
    )
    [row] = records(get(reported, path, format="parquet", **query))
    assert row == {
        "usage_before": Decimal("12.50"),
        "delta": Decimal("-2.50"),
        "positions": f"[{begin + 1}]",
    }


def test_the_largest_figure_is_exact(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "123456789012345678.91"}])
    assert [row["usage"] for row in cells(get(world, format="csv"))] == ["123456789012345678.91"]
    [row] = records(get(world, format="parquet", field=["usage", "billing_period", "date", "recurring"]))
    assert row == {
        "usage": Decimal("123456789012345678.91"),
        "date": datetime(2026, 11, 15, 12, tzinfo=UTC),
        "recurring": False,
        "billing_period": date(2026, 11, 1),
    }


def test_nothing_is_an_empty_cell_and_an_empty_text_is_quoted(reported: World) -> None:
    path = "/api/marketplace-provider-offerings/"
    text = get(reported, path, format="csv", field=["slug", "project_uuid", "name"], name_exact="Cluster")
    assert text.data.decode() == '\ufeffname,slug,project_uuid\r\nCluster,"",\r\n'


def test_an_empty_list_is_a_header(world: World) -> None:
    assert cells(get(world, format="csv")) == []
    assert get(world, format="csv", field="usage").data.decode() == "\ufeffusage\r\n"
    assert get(world, format="ndjson").data == b""
    assert records(get(world, format="parquet")) == []


def test_more_rows_than_a_page_can_have_come_in_order(world: World) -> None:
    users = [
        {"uuid": uid(0x1000 + number), "offering_uuid": uid(0xF1), "username": f"user{number:04}"}
        for number in range(1203)
    ]
    world.describe(offering_users=users)
    path = "/api/marketplace-offering-users/"
    query = {"o": "username", "offering_uuid": uid(0xF1)}
    expected = ["member01", *(user["username"] for user in users)]
    assert [row["username"] for row in cells(get(world, path, format="csv", **query))] == expected
    assert [row["username"] for row in records(get(world, path, format="parquet", **query))] == expected


def test_parquet_that_is_not_installed_is_told(reported: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "can_write_parquet", lambda: False)
    response = get(reported, format="parquet")
    told = "Parquet needs arro3, which is not installed here: pip install 'usage-ledger[parquet]'."
    assert (response.status_code, response.get_json()) == (400, {"format": [told]})
    assert get(reported, accept=PARQUET).status_code == 400
    assert get(reported, format="csv").status_code == 200


def parts_of(world: World, form: str) -> Iterator[bytes]:
    """Begin with an export. What comes of it does not need the request."""
    headers = {"Authorization": world.as_("staff").authorization}
    with world.app.test_request_context(USAGES, query_string={"format": form}, headers=headers):
        response = world.app.full_dispatch_request()
    assert response.status_code == 200
    return iter(response.iter_encoded())


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_rows_are_those_of_one_moment_whatever_comes_later(reported: World, form: str) -> None:
    before = get(reported, format=form).data
    parts = parts_of(reported, form)
    reported.report(usages=[{"type": "cpu", "amount": 99}])
    assert b"".join(parts) == before
    assert get(reported, format=form).data != before


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_an_export_that_is_given_up_leaves_nothing_behind(reported: World, form: str) -> None:
    room: Room = reported.app.config[answering.EXPORTS]
    headers = {"Authorization": reported.as_("staff").authorization}
    for parts_taken in (0, 1):
        with reported.app.test_request_context(USAGES, query_string={"format": form}, headers=headers):
            response = reported.app.full_dispatch_request()
        assert room.used == 1
        for _, _ in zip(range(parts_taken), response.response, strict=False):
            pass
        response.close()
        assert room.used == 0


def test_too_many_exports_are_refused_until_one_is_over(reported: World) -> None:
    reported.configure(places=Places())
    reported.app.config[answering.EXPORTS] = Room(1)
    parts = parts_of(reported, "csv")
    refused = get(reported, format="csv")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert get(reported).status_code == 200
    assert b"".join(parts)
    assert get(reported, format="csv").status_code == 200


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_an_export_that_fails_in_the_middle_does_not_end_like_a_whole_one(
    reported: World, form: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(answering, "LONGEST_SECONDS", -1)
    parts = parts_of(reported, form)
    with pytest.raises(BrokenOff if form != "parquet" else Exception, match=re.escape("after 2 rows")):
        b"".join(parts)
    assert "An export broke off" in caplog.text
    assert reported.app.config[answering.EXPORTS].used == 0


def test_an_export_of_other_rows_than_were_counted_breaks_off(reported: World) -> None:
    found = answering.Found(iter(["{}"]), 2, None)  # type: ignore[arg-type]
    with pytest.raises(BrokenOff, match="1 rows were found, and 2 counted"):
        list(answering._batches(found, None))  # noqa: SLF001
