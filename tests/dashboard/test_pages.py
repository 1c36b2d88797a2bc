"""What pages show is what the API says, to the same person, now and as of then."""

from decimal import Decimal
from typing import Any

import pytest

from tests.dashboard.reading import Page, Reader, reader, shown
from tests.world import (
    CONSUMER,
    OFFERING,
    OTHER_PROJECT,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_PROJECT,
    USER_USAGES,
    World,
)
from web.dashboard.frame import NO_POINT
from web.dashboard.pages import scopes

KINDS = {"projects": PROJECT, "customers": CONSUMER, "offerings": OFFERING, "providers": PROVIDER}
KINDS |= {"resources": RESOURCE}

LISTS: tuple[str, ...] = (
    "projects",
    "customers",
    "offerings",
    "usages",
    "movers",
    "silent-resources",
    "freshness",
)
LISTS += ("unexplained",)


def page_of(kind: str) -> str:
    return f"/dashboard/{kind}/{KINDS[kind]}/"


def asked(world: World, who: str, path: str, **query: Any) -> Any:
    response = world.as_(who).get(f"/api/{path}", **query)
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def figure(world: World, **query: Any) -> dict[str, Any]:
    (found,) = world.usages(**query)
    return found


@pytest.mark.parametrize("who", ["staff", "consumer-owner", "provider-owner"])
def test_the_overview_has_the_figures_of_the_monthly_summary(shown_world: World, who: str) -> None:
    page = reader(shown_world, who).open("/dashboard/")
    rows = asked(shown_world, who, "marketplace-component-usage-monthly/")
    assert page.heading == "November 2026"
    assert [row["Component"] for row in page.rows("#consumed")] == [row["component_name"] for row in rows]
    assert page.values("#consumed", "Consumed") == [row["total_consumed"] for row in rows]
    assert page.values("#consumed", "Allocated") == [row["total_allocated"] for row in rows]
    moved = asked(shown_world, who, "ledger/movers/")
    assert page.values("#movers", "Change") == [row["delta"] for row in moved]
    silent = asked(shown_world, who, "ledger/silent-resources/")
    assert [row["Resource"] for row in page.rows("#silent")] == [row["name"] for row in silent]
    fresh = asked(shown_world, who, "ledger/freshness/")
    assert [row["Silent"] for row in page.rows("#freshness")] == [
        str(row["resources_silent"]) for row in fresh
    ]


@pytest.mark.parametrize("month", ["2026-10", "2026-09"])
def test_the_overview_shows_another_month(shown_world: World, month: str) -> None:
    page = reader(shown_world, "staff").open("/dashboard/", billing_period=month)
    rows = asked(shown_world, "staff", "marketplace-component-usage-monthly/", billing_period=month)
    assert page.values("#consumed", "Consumed") == [row["total_consumed"] for row in rows]
    assert page.one("input[type=month]")["value"] == month


@pytest.mark.parametrize(("kind", "by"), [("projects", "resource"), ("customers", "project")])
def test_usage_stands_against_its_limit_in_its_own_period(shown_world: World, kind: str, by: str) -> None:
    page = reader(shown_world, "staff").open(page_of(kind))
    path = f"marketplace-{kind.removesuffix('s')}-usage/{KINDS[kind]}/components-usage/"
    told = asked(shown_world, "staff", path)["components"]
    assert told
    assert page.values("#limits", "Used") == [f"{row['usage'] or row['limit_usage']:.2f}" for row in told]
    assert [row["Period"] for row in page.rows("#limits")] == [row["current_period_label"] for row in told]
    assert page.one("select[name=by] option[selected]").text == by


@pytest.mark.parametrize(
    ("kind", "restricts"),
    [
        ("projects", "project_uuid"),
        ("customers", "customer_uuid"),
        ("offerings", "offering_uuid"),
        ("providers", "provider_uuid"),
        ("resources", "resource_uuid"),
    ],
)
@pytest.mark.parametrize("by", ["resource", "user"])
def test_months_are_stacked_as_the_api_adds_them_up(
    shown_world: World, kind: str, restricts: str, by: str
) -> None:
    if (kind, by) == ("providers", "user"):
        by = "customer"
    page = reader(shown_world, "staff").open(page_of(kind), by=by, start="2026-09", end="2026-11")
    rows = asked(
        shown_world,
        "staff",
        "ledger/monthly-usages/",
        **{restricts: KINDS[kind], "group_by": by, "start": "2026-09", "end": "2026-11", "page_size": 300},
    )
    drawn = [each.text for each in page.html.select("svg .bar title")]
    expected = [
        f"{row['group_name']}, {month}: {Decimal(row['usage']):,} {row['measured_unit']}".strip()
        for row in rows
        for month in [{"2026-10-01": "Oct", "2026-11-01": "Nov"}[row["billing_period"]]]
    ]
    assert expected
    assert sorted(drawn) == sorted(expected)
    in_tables = [data["value"] for data in page.html.select("#months td:not(:last-child) data")]
    assert sorted(in_tables) == sorted(row["usage"] for row in rows)


def test_a_page_of_many_resources_draws_one_component_and_leads_to_the_rest(
    shown_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering, project = (
        reader(shown_world, "staff").open(page_of(kind)) for kind in ("offerings", "projects")
    )
    assert len(offering.html.select("svg")) == 2
    monkeypatch.setattr(scopes, "MANY", 0)
    staff = reader(shown_world, "staff")
    page = staff.open(page_of("offerings"))
    assert len(page.html.select("svg")) == 1
    assert page.one("select[name=by] option[selected]").text == "project"
    assert [shown(each) for each in page.html.select(".components a")] == ["CPU of Cluster", "GPU of Cluster"]
    assert page.html.select("#movers") == []
    rows = staff.open(page.link("Largest changes against the month before")).rows("main")
    assert rows == offering.rows("#movers")
    assert staff.open(page_of("projects")).one("select[name=by] option[selected]").text == "resource"
    assert project.html.select("#movers") != []


def test_a_figure_has_its_history_its_shares_and_its_facts(shown_world: World) -> None:
    found = figure(shown_world, resource_uuid=RESOURCE, type="cpu", billing_period="2026-10-01")
    history = asked(shown_world, "staff", f"marketplace-component-usages/{found['uuid']}/history/")
    shares = asked(shown_world, "staff", "marketplace-component-user-usages/")
    page = reader(shown_world, "staff").open(f"/dashboard/figures/{found['uuid']}/")
    assert page.heading == "CPU in October 2026: 231.50 hours"
    assert page.values("#history", "After") == [each["usage_after"] for each in history]
    assert page.values("#history", "Change") == [each["delta"] for each in history]
    assert page.rows("#history")[0]["Why"] == "jobs counted twice"
    assert {row["By"] for row in page.rows("#history")} == {"staff"}
    assert page.values("#shares", "Usage") == [each["usage"] for each in shares]
    assert len(page.html.select("svg .bar")) == len(history) == 2
    once = figure(shown_world, resource_uuid=RESOURCE, type="gpu", billing_period="2026-10-01")
    unchanged = reader(shown_world, "staff").open(f"/dashboard/figures/{once['uuid']}/")
    assert len(unchanged.rows("#history")) == 1
    assert unchanged.html.select("svg") == []
    position = history[0]["position"]
    fact = reader(shown_world, "staff").open(page.link(str(position)))
    assert fact.heading == f"Fact {position} of the journal"
    assert '"jobs counted twice"' in fact.text
    events = asked(shown_world, "staff", "ledger/events/", after=position - 1, limit=1)
    assert f'"subject": "{events[0]["subject"]}"' in fact.text


def test_a_comparison_has_what_differs_in_sum_and_figure_by_figure(shown_world: World) -> None:
    first = shown_world.services.projector.catch_up() - 3
    page = reader(shown_world, "staff").open("/dashboard/compare/", **{"from": first})
    rows = asked(shown_world, "staff", "ledger/diff/", **{"from": first})
    totals = asked(shown_world, "staff", "ledger/diff-totals/", **{"from": first})
    assert rows
    assert page.values("#figures", "Change") == [row["delta"] for row in rows]
    assert page.values("#totals", "Change") == [row["delta"] for row in totals]
    assert page.values("#totals", "After") == [row["usage_after"] for row in totals]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("who", ["staff", "consumer-owner", "provider-owner", "project-member"])
def test_lists_have_the_rows_of_the_api_in_its_order(shown_world: World, name: str, who: str) -> None:
    page = reader(shown_world, who).open(f"/dashboard/lists/{name}/")
    path = {"usages": "marketplace-component-usages"}.get(name, f"ledger/{name}")
    rows = asked(shown_world, who, f"{path}/", page_size=50)
    key = {"usages": "resource_name", "movers": "resource_name", "freshness": "offering_name"}
    key |= {"unexplained": "resource_name"}
    first = {"usages": "Resource", "unexplained": "Resource"}
    table = page.rows("main")
    shown = [row[first[name]] if name in first else next(iter(row.values())) for row in table]
    assert shown == [row[key.get(name, "name")] for row in rows]


# --- as of then --------------------------------------------------------------------------------------------


def everything(somebody: Reader, **query: Any) -> dict[str, Page]:
    paths = ["/dashboard/", *map(page_of, KINDS), *(f"/dashboard/lists/{name}/" for name in LISTS)]
    return {path: somebody.open(path, **query) for path in paths}


def test_every_page_shows_what_it_showed_then(shown_world: World) -> None:
    somebody, then = reader(shown_world, "staff"), shown_world.services.projector.catch_up()
    before = everything(somebody)
    shown_world.report(usages=[{"type": "cpu", "amount": "77.00"}, {"type": "gpu", "amount": "1.00"}])
    shown_world.describe(projects=[{"uuid": PROJECT, "name": "Renamed", "customer_uuid": CONSUMER}])
    for path, page in everything(somebody, as_of=then).items():
        assert page.status == 200, (path, page.messages)
        tables = [each.text for each in page.html.select("main table, main svg, main h1")]
        assert tables == [each.text for each in before[path].html.select("main table, main svg, main h1")]
        assert f"at position {then} of the journal" in page.text
        assert all(f"as_of={then}" in str(each["href"]) for each in page.html.select("main table a"))


def test_a_day_stands_for_its_end(shown_world: World) -> None:
    somebody = reader(shown_world, "staff")
    figures = everything(somebody)["/dashboard/"].values("#consumed", "Consumed")
    today = f"{shown_world.now:%Y-%m-%d}"
    page = somebody.open("/dashboard/", as_of=today)
    assert page.values("#consumed", "Consumed") == figures
    assert "This is how it stood" not in page.text
    past = somebody.open("/dashboard/", as_of="2026-11-14")
    assert (past.status, past.rows("#consumed")) == (200, [])
    assert "on 2026-11-14" in past.text


@pytest.mark.parametrize(
    ("as_of", "message"),
    [
        ("yesterday", f"as_of: {NO_POINT}"),
        ("2026-13-01", f"as_of: {NO_POINT}"),
        ("2026-11-16", "as_of: Must not be in the future."),
        ("999999", "as_of: The journal has not got that far."),
    ],
)
def test_a_moment_that_is_none_is_told(shown_world: World, as_of: str, message: str) -> None:
    page = reader(shown_world, "staff").open("/dashboard/", as_of=as_of)
    assert (page.status, page.messages) == (400, [message])
    assert page.link("Overview", within="header") == "/dashboard/"


# --- what is wrong -----------------------------------------------------------------------------------------


MEANT = "project: Unknown parameter. Did you mean project_uuid?"


@pytest.mark.parametrize(
    ("path", "query", "status", "message"),
    [
        ("/dashboard/nothing/", {}, 404, "There is no page /dashboard/nothing/."),
        ("/dashboard/lists/nothing/", {}, 404, "There is no list of nothing."),
        ("/dashboard/figures/zzz/", {}, 404, "No ComponentUsage matches the given query."),
        ("/dashboard/facts/0/", {}, 404, "Facts have positions from 1 on."),
        ("/dashboard/facts/99999/", {}, 404, "There is no such fact, or it is not for you."),
        ("/dashboard/", {"billing_period": "May"}, 400, "billing_period: Enter a month like 2026-05."),
        (
            "/dashboard/",
            {"billing_period": "2026-05-May"},
            400,
            "billing_period: Enter a month like 2026-05.",
        ),
        ("/dashboard/", {"page": "9"}, 404, "Invalid page."),
        ("/dashboard/", {"page": "two"}, 404, "Invalid page."),
        ("/dashboard/lists/usages/", {"page": "0"}, 404, "Invalid page."),
        ("/dashboard/compare/", {"from": "1", "page": "-1"}, 404, "Invalid page."),
        (
            "/dashboard/lists/usages/",
            {"project": "x"},
            400,
            "project: Unknown parameter. Did you mean project_uuid?",
        ),
        ("/dashboard/lists/usages/", {"project_uuid": "x"}, 400, "project_uuid: Enter a valid UUID."),
        (
            "/dashboard/compare/",
            {"from": "x"},
            400,
            f"from: {NO_POINT}",
        ),
        (page_of("projects"), {"start": "2026-12", "end": "2026-11"}, 400, "start: Must not be after `end`."),
        (page_of("projects"), {"start": "2000-01"}, 400, "start: Ask for no more than 60 months at a time."),
        (page_of("projects"), {"component": "x"}, 404, "Nothing of this component was used in these months."),
    ],
)
def test_what_is_wrong_is_named_on_a_page(
    shown_world: World, path: str, query: dict[str, str], status: int, message: str
) -> None:
    page = reader(shown_world, "staff").open(path, **query)
    assert (page.status, page.messages) == (status, [message])
    assert page.response.content_type == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.response.headers["Content-Security-Policy"]


# --- who sees what -----------------------------------------------------------------------------------------

NAMES = {
    "Other project": {"staff", "support"},
    "Other consumer": {"staff", "support"},
    "Other resource": {"staff", "support"},
    "Elsewhere": {"staff", "support"},
    "Other provider": {"staff", "support"},
    "Second resource": {"staff", "support", "provider-owner", "service-provider-manager"}
    | {"consumer-owner", "customer-support"},
}
"""Names, and who may read them: the others may not, on no page, in no chart and no error."""

ROLES: tuple[str, ...] = (
    "staff",
    "support",
    "offering-manager",
    "provider-owner",
    "service-provider-manager",
)
ROLES += ("consumer-owner", "project-admin", "project-member", "stranger", "customer-support", "former-owner")


@pytest.mark.parametrize("who", ROLES)
def test_nobody_reads_a_name_that_the_api_would_not_tell_them(shown_world: World, who: str) -> None:
    somebody = reader(shown_world, who)
    figures = [row["uuid"] for row in shown_world.usages(page_size=100)]
    pages = [
        *everything(somebody).values(),
        *(somebody.open(f"/dashboard/figures/{uuid}/") for uuid in figures),
        *(somebody.open(f"/dashboard/facts/{position}/") for position in range(1, 90)),
        *(
            somebody.open(f"/dashboard/{kind}/{uuid}/")
            for kind in KINDS
            for uuid in (OTHER_PROJECT, SECOND_PROJECT, *KINDS.values())
        ),
        somebody.open("/dashboard/compare/", **{"from": 1}),
        somebody.open("/dashboard/lists/projects/", name="other"),
    ]
    lists = (
        "marketplace-component-usages",
        *(f"ledger/{each}" for each in ("projects", "customers", "offerings")),
    )
    known = f"{[asked(shown_world, who, f'{each}/', page_size=100) for each in lists]}"
    assert {page.status for page in pages} <= {200, 404}
    assert {name for name, readers in NAMES.items() if who in readers} == {
        name for name in NAMES if name in known
    }
    for page in pages:
        html = f"{page.html}"  # takes as long as asking for the page
        for name in NAMES:
            assert name in known or name not in html, (name, page.heading)


def test_a_download_is_the_answer_of_the_api_with_the_same_rights(shown_world: World) -> None:
    for who in ("staff", "consumer-owner", "stranger"):
        somebody = reader(shown_world, who)
        answer = somebody.client.get("/dashboard/download/marketplace-component-user-usages/")
        assert answer.get_data() == shown_world.as_(who).get(USER_USAGES).get_data()
    refused = reader(shown_world, "stranger").client.get(
        "/dashboard/download/marketplace-stats/component_usages/"
    )
    assert refused.status_code == 403
    posted = reader(shown_world, "staff").client.post("/dashboard/download/ledger/reports/", json=[])
    assert posted.status_code == 401  # nothing but a GET is passed on, and the cookie is no token


def test_every_table_leads_to_its_files_and_to_the_request_that_makes_it(shown_world: World) -> None:
    somebody = reader(shown_world, "staff")
    for path, page in everything(somebody).items():
        for section in page.html.select("section.listing"):
            names = [each.text for each in section.select(":scope > .sources a[download]")]
            is_object = section.get("id") == "limits" and "-usage/" in section.text
            assert names == (["JSON"] if is_object else ["CSV", "JSON lines", "Parquet"]), path
            file = section.select_one(":scope > .sources a[download]")
            assert file
            answer = somebody.client.get(str(file["href"]))
            kind = "application/json" if is_object else "text/csv"
            assert (answer.status_code, answer.mimetype) == (200, kind), (path, answer.get_data())
            code = section.select_one(":scope > .request code")
            assert code
            url = code.text.split("'")[1].removeprefix("http://localhost")
            assert shown_world.as_("staff").send("GET", url).status_code == 200, url
