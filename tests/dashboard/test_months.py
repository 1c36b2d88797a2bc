"""Months on pages: which were closed and what has moved since, and closing them where one may."""

import pytest

from tests.billing.closing import close, listed, reopen
from tests.dashboard.reading import Page, reader, shown
from tests.dashboard.writing import AUDITOR, CLUSTER, add_auditor, done, head
from tests.world import OFFERING, PROVIDER, World
from web.dashboard.formats import DASH

MONTHS = "/dashboard/months/"

PROVIDER_PAGE = f"/dashboard/providers/{PROVIDER}/"

VOUCHES = ("staff", "support", "provider-owner", "service-provider-manager", "offering-manager", AUDITOR)
CLOSES = ("staff", "provider-owner", "service-provider-manager", "offering-manager")
OTHERS = ("consumer-owner", "project-member", "customer-support")

OCTOBER = "2026-10"


def menu(page: Page) -> list[str]:
    return [shown(each) for each in page.html.select("header nav a")]


def post(world: World, who: str, step: str, month: str = OCTOBER, **typed: str) -> Page:
    return reader(world, who).post(CLUSTER, step=step, month=month, **typed)


@pytest.fixture
def closed_world(shown_world: World) -> World:
    """September was closed, and October twice."""
    world = shown_world
    close(world, month="2026-09")
    close(world, month=OCTOBER, note="Too early")
    reopen(world, month=OCTOBER)
    close(world, month=OCTOBER, note="Invoiced")
    return world


def test_months_are_listed_with_who_closed_them_when_and_why(closed_world: World) -> None:
    page = reader(closed_world, "provider-owner").open(MONTHS)
    (october, september) = listed(closed_world)
    assert (page.status, page.heading) == (200, "Months")
    row = {"State": "closed", "By": "staff", "Since": "2026-11-15 12:00 UTC", "Figures moved": "0"}
    row |= {"Closed": "2026-11-15 12:00 UTC", "Closed by": "staff", "Of users": "0"}
    row |= {"Offering": "Cluster", "Provider": "Provider"}
    assert page.rows("#months") == [
        row
        | {"Month": "October 2026", "Note": "Invoiced", "Closed with": "Invoiced"}
        | {"Position": f"{october['position']}"},
        row
        | {"Month": "September 2026", "Note": DASH, "Closed with": DASH}
        | {"Position": f"{september['position']}"},
    ]


@pytest.mark.parametrize(
    ("query", "months"),
    [
        ({"billing_period": OCTOBER}, ["October 2026"]),
        ({"is_closed": "false"}, []),
        ({"is_closed": "true", "offering_uuid": OFFERING}, ["October 2026", "September 2026"]),
        ({"is_closed": "", "billing_period": ""}, ["October 2026", "September 2026"]),
        ({"provider_uuid": OFFERING}, []),
    ],
)
def test_months_are_filtered_as_the_api_does(
    closed_world: World, query: dict[str, str], months: list[str]
) -> None:
    page = reader(closed_world, "staff").open(MONTHS, **query)
    assert [row["Month"] for row in page.rows("#months")] == months


def test_months_are_shown_as_they_stood(closed_world: World) -> None:
    september = listed(closed_world)[1]["position"]
    page = reader(closed_world, "staff").open(MONTHS, as_of=september)
    assert [row["Month"] for row in page.rows("#months")] == ["September 2026"]
    page = reader(closed_world, "staff").open(CLUSTER, as_of=september)
    assert [row["Month"] for row in page.rows("#closed")] == ["September 2026"]
    assert page.html.select("form.write") == []


@pytest.mark.parametrize("who", [*VOUCHES, *OTHERS])
def test_months_are_in_the_menu_of_whoever_sees_them(shown_world: World, who: str) -> None:
    add_auditor(shown_world)
    page = reader(shown_world, who).open("/dashboard/")
    assert ("Months" in menu(page)) == (who in VOUCHES)


@pytest.mark.parametrize("who", [*VOUCHES, "consumer-owner", "project-member"])
def test_a_form_is_offered_where_the_api_takes_it(shown_world: World, who: str) -> None:
    add_auditor(shown_world)
    page = reader(shown_world, who).open(CLUSTER)
    assert (bool(page.html.select("#closed")), bool(page.html.select("#closing"))) == (
        who in VOUCHES,
        who in CLOSES,
    )
    answer = post(shown_world, who, "close")
    assert (answer.status == 303) == (who in CLOSES), answer.text


@pytest.mark.parametrize("who", ["staff", "provider-owner", "service-provider-manager"])
def test_a_provider_closes_a_month_of_all_their_offerings(shown_world: World, who: str) -> None:
    somebody = reader(shown_world, who)
    assert "of all offerings" in somebody.open(PROVIDER_PAGE).one("#closing").text
    page = done(somebody, somebody.post(PROVIDER_PAGE, step="close", month=OCTOBER, note="All"))
    assert shown(page.one(".done")) == "October 2026 was closed for Cloud, Cluster."
    assert {row["Note"] for row in page.rows("#closed")} == {"All"}
    assert {row["Offering"] for row in page.rows("#closed")} == {"Cloud", "Cluster"}


@pytest.mark.parametrize("who", ["offering-manager", "support", AUDITOR])
def test_who_may_not_close_all_of_a_provider_is_offered_no_form(shown_world: World, who: str) -> None:
    add_auditor(shown_world)
    somebody = reader(shown_world, who)
    if who != "offering-manager":
        assert somebody.open(PROVIDER_PAGE).html.select("#closing") == []
    before = head(shown_world)
    answer = somebody.post(PROVIDER_PAGE, step="close", month=OCTOBER)
    assert (answer.status in (400, 403), head(shown_world)) == (True, before)


def test_a_month_is_closed_and_opened_again_with_a_note(shown_world: World) -> None:
    owner = reader(shown_world, "provider-owner")
    assert owner.open(CLUSTER).one("#closing-month")["value"] == OCTOBER
    page = done(owner, owner.post(CLUSTER, step="close", month=OCTOBER, note="<script>alert(1)</script>"))
    (row,) = page.rows("#closed")
    assert (row["State"], row["By"], row["Note"]) == (
        "closed",
        "provider-owner",
        "<script>alert(1)</script>",
    )
    assert [each["src"] for each in page.html.select("script")] == ["/dashboard/static/script.js"]
    page = done(owner, owner.post(CLUSTER, step="reopen", month=OCTOBER, note="A report was late"))
    assert shown(page.one(".done")) == "October 2026 was opened again for Cluster."
    (row,) = page.rows("#closed")
    assert (row["State"], row["Note"], row["Figures moved"]) == ("opened again", "A report was late", DASH)
    assert (row["Closed by"], row["Closed with"]) == ("provider-owner", "<script>alert(1)</script>")


def test_closing_twice_says_that_nothing_was_done(shown_world: World) -> None:
    owner = reader(shown_world, "provider-owner")
    owner.post(CLUSTER, step="close", month=OCTOBER, note="First")
    before = head(shown_world)
    refused = owner.post(CLUSTER, step="close", month=OCTOBER, note="Second")
    assert (refused.status, refused.one("#closing-note")["value"]) == (409, "Second")
    assert shown(refused.one("#closing-refusal")).startswith(
        "2026-10 is closed already, by provider-owner at"
    )
    page = done(owner, owner.post(CLUSTER, step="close", month=OCTOBER, note="First"))
    assert shown(page.one(".done")) == "October 2026 was closed already for Cluster. Nothing was done."
    assert (page.rows("#closed")[0]["Note"], head(shown_world)) == ("First", before)


def test_opening_twice_is_refused_in_the_words_of_the_api(shown_world: World) -> None:
    owner = reader(shown_world, "provider-owner")
    owner.post(CLUSTER, step="close", month=OCTOBER)
    owner.post(CLUSTER, step="reopen", month=OCTOBER)
    before = head(shown_world)
    page = owner.post(CLUSTER, step="reopen", month=OCTOBER, note="Again")
    assert (page.status, head(shown_world)) == (409, before)
    assert shown(page.one("#closing-refusal")) == "2026-10 is not closed here: it can only be closed."
    assert page.one("#closing-note")["value"] == "Again"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"month": "2026-12"}, "This month has not begun."),
        ({"month": ""}, "This field is required."),
        ({"month": "10/2026"}, "Must be a month like 2026-05, or its first day like 2026-05-01."),
    ],
)
def test_a_wrong_month_is_told_beside_it(shown_world: World, typed: dict[str, str], told: str) -> None:
    page = post(shown_world, "staff", "close", **typed)
    assert (page.status, shown(page.one("#closing-month-errors"))) == (400, told)


def test_a_note_that_is_too_long_is_told_beside_it(shown_world: World) -> None:
    note = "x" * 2001
    page = post(shown_world, "staff", "close", note=note)
    assert (page.status, page.one("#closing-note")["value"]) == (400, note)
    assert "2000" in shown(page.one("#closing-note-errors"))


@pytest.mark.parametrize("who", ["support", AUDITOR])
def test_who_may_not_close_is_told_so_beside_what_they_typed(shown_world: World, who: str) -> None:
    add_auditor(shown_world)
    before = head(shown_world)
    page = post(shown_world, who, "close", note="Audited")
    assert (page.status, page.heading, head(shown_world)) == (403, "Cluster", before)
    told = "You do not have permission to perform this action."
    assert (shown(page.one("#closing-refusal")), page.one("#closing-note")["value"]) == (told, "Audited")


@pytest.mark.parametrize("who", ["consumer-owner", "project-member"])
def test_who_uses_an_offering_is_told_nothing_else_than_the_api_tells(shown_world: World, who: str) -> None:
    before = head(shown_world)
    page, told = post(shown_world, who, "close"), close(shown_world, by=who, month=OCTOBER)
    assert (page.status, told.status_code, head(shown_world)) == (400, 400, before)
    assert shown(page.one("#closing-refusal")) == f"offering: {told.get_json()['offering'][0]}"
    assert page.html.select("#closed tbody") == []
