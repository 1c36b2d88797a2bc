"""Who has not reported: resources without usage in a month, and for how long."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from projections.queries.statistics.missing_usage import missing_usage
from projections.rebuild import Rebuilt
from tests.api.monthly import entity
from tests.conftest import database
from tests.projections.rebuilding import rebuild_of
from tests.statistics.reading import STATISTICS, report
from tests.world import (
    CONSUMER,
    CPU,
    GPU,
    NOW,
    OFFERING,
    OTHER_OFFERING,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_CPU,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    SERVICE_PROVIDER,
    World,
    open_world,
    uid,
)
from web.wire.responses.statistics import RESOURCE_MISSING_USAGE

PATH = f"{STATISTICS}resources_missing_usage/"
ALL = [RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE]
"""In the order in which they were first described, as all were created at one moment."""


def missing(world: World, **query: Any) -> list[str]:
    response = world.as_("support").get(PATH, **query)
    assert response.status_code == 200, response.data
    found = [row["uuid"] for row in response.get_json()]
    assert response.headers["X-Result-Count"] == str(len(found))
    return found


def test_a_resource_without_usage_is_told_with_all_that_is_around_it(world: World) -> None:
    report(world, RESOURCE, "2026-10-05T06:00:00Z", cpu=1, gpu=1)
    row = {
        "uuid": RESOURCE,
        "name": "Resource",
        "state": "OK",
        "created": "2026-01-01T00:00:00+00:00",
        "offering_name": "Cluster",
        "offering_uuid": OFFERING,
        "provider_name": "Provider",
        "provider_uuid": PROVIDER,
        "customer_name": "Consumer",
        "customer_uuid": CONSUMER,
        "project_name": "Project",
        "project_uuid": PROJECT,
        "last_usage_date": "2026-10-05T06:00:00+00:00",
        "days_since_last_report": 41,
    }
    first, second, _ = world.as_("staff").get(PATH).get_json()
    assert list(first.items()) == list(row.items())
    assert (second["last_usage_date"], second["days_since_last_report"]) == (None, None)


@pytest.fixture(scope="module", name="some")
def world_with_some_usage(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read: each resource has usage in a month of its own, of every way that counts."""
    with database(server, world_template) as url, open_world(url) as world:
        report(world, RESOURCE, "2026-11-02", gpu=0)
        report(world, SECOND_RESOURCE, "2026-10-02", cpu=0)
        usage = {"uuid": uid(0x8000), "resource_uuid": OTHER_RESOURCE, "component_uuid": uid(0xE7)}
        world.describe(component_usages=[usage | {"usage": 0, "billing_period": "2026-09-01"}])
        yield world


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [SECOND_RESOURCE, OTHER_RESOURCE]),
        ({"billing_period": ""}, [SECOND_RESOURCE, OTHER_RESOURCE]),
        ({"billing_period": "2026-11"}, [SECOND_RESOURCE, OTHER_RESOURCE]),
        ({"billing_period": "2026-10"}, [RESOURCE, OTHER_RESOURCE]),
        ({"billing_period": "2026-9"}, [RESOURCE, SECOND_RESOURCE]),
        ({"billing_period": "2027-01"}, ALL),
        ({"billing_period": "0001-01"}, ALL),
        ({"billing_period": "9999-12"}, ALL),
        ({"provider_uuid": PROVIDER}, [SECOND_RESOURCE]),
        ({"provider_uuid": OTHER_PROVIDER, "billing_period": "2026-09"}, []),
        ({"provider_uuid": SERVICE_PROVIDER}, []),
        ({"provider_uuid": CONSUMER}, []),
        ({"provider_uuid": ""}, [SECOND_RESOURCE, OTHER_RESOURCE]),
    ],
)
def test_months_and_providers_restrict_the_list(some: World, query: dict[str, str], found: list[str]) -> None:
    assert missing(some, **query) == found


@pytest.mark.parametrize("month", ["2026-13", "2026-0", "2026", "2026-10-01", "abc", "0000-01", "10000-01"])
def test_a_wrong_month_is_refused_with_a_list(some: World, month: str) -> None:
    for query in ({}, {"provider_uuid": "x"}):
        response = some.as_("staff").get(PATH, billing_period=month, **query)
        assert response.status_code == 400
        assert response.get_json() == ["billing_period must be in YYYY-MM format"]


def test_a_wrong_provider_is_refused(some: World) -> None:
    response = some.as_("staff").get(PATH, provider_uuid="x")
    assert (response.status_code, response.get_json()) == (400, {"provider_uuid": ["Enter a valid UUID."]})


def test_the_list_is_paged_newest_first(world: World) -> None:
    world.describe(
        resources=[
            entity("resources", RESOURCE, uuid=uid(0x700 + number), created=f"2026-12-{day}T00:00:00Z")
            for number, day in enumerate(("07", "09", "07", "08"))
        ]
    )
    newest = [uid(0x700 + number) for number in (1, 3, 0, 2)]
    assert missing(world) == [*newest, *ALL]
    pages = [world.as_("staff").get(PATH, page_size=3, page=page) for page in (1, 2, 3, "last")]
    found = [[row["uuid"] for row in page.get_json()] for page in pages]
    assert found == [newest[:3], [newest[3], *ALL[:2]], ALL[2:], ALL[2:]]
    assert {page.headers["X-Result-Count"] for page in pages} == {"7"}
    assert 'rel="next"' in pages[0].headers["Link"]
    wrong = world.as_("staff").get(PATH, page=3)
    assert (wrong.status_code, wrong.get_json()) == (404, {"detail": "Invalid page."})


@pytest.mark.parametrize(("state", "is_listed"), [(1, 0), (2, 1), (3, 0), (4, 1), (5, 0), (6, 0)])
def test_a_resource_is_expected_to_report_while_it_is_ok_or_updating(
    world: World, state: int, is_listed: int
) -> None:
    report(world, RESOURCE, "2026-10-02", cpu=1)
    world.describe(resources=[entity("resources", RESOURCE, state=state)])
    assert missing(world) == ALL[1 - is_listed :]
    assert missing(world, billing_period="2026-10") == ALL[1:]
    world.describe(resources=[entity("resources", RESOURCE)])
    assert missing(world) == ALL
    assert missing(world, billing_period="2026-10") == ALL[1:]


def test_offerings_are_asked_that_have_a_component_billed_by_usage(world: World) -> None:
    vcpu = entity("offering_components", SECOND_CPU, billing_type="limit")
    world.describe(offering_components=[vcpu])
    assert missing(world) == [RESOURCE, OTHER_RESOURCE]
    gpu = entity("offering_components", GPU, offering_uuid=SECOND_OFFERING, billing_type="usage")
    world.describe(offering_components=[gpu])
    assert missing(world) == ALL
    report(world, RESOURCE, "2026-11-02", cpu=1)
    world.describe(offering_components=[entity("offering_components", CPU, billing_type="fixed")])
    assert missing(world) == ALL[1:]


def test_resources_and_offerings_that_move_take_their_usage_along(world: World) -> None:
    for resource in ALL:
        report(world, resource, "2026-10-02", cpu=1)
    moved = {"project_uuid": SECOND_PROJECT, "offering_uuid": OTHER_OFFERING}
    world.describe(resources=[entity("resources", RESOURCE, **moved)])
    for month, found in {"2026-10": [], "2026-11": [RESOURCE, OTHER_RESOURCE]}.items():
        assert missing(world, billing_period=month, provider_uuid=OTHER_PROVIDER) == found
    world.describe(offerings=[entity("offerings", OTHER_OFFERING, customer_uuid=PROVIDER)])
    assert missing(world, provider_uuid=OTHER_PROVIDER) == []
    assert missing(world, provider_uuid=PROVIDER) == ALL
    assert missing(world, billing_period="2026-10") == []
    world.describe(resources=[entity("resources", RESOURCE, state=3)])
    assert rebuild_of(world).run() == Rebuilt(is_live=True)


@pytest.mark.parametrize(
    ("written", "last", "days"),
    [
        (["2026-10-02T12:00:00Z", "2026-11-14T12:00:00Z"], "2026-11-14T12:00:00+00:00", 1),
        (["2026-10-02T12:00:00Z", "2026-10-01T12:00:00Z"], "2026-10-01T12:00:00+00:00", 45),
        (["2026-11-14T12:00:00.000001Z"], "2026-11-14T12:00:00.000001+00:00", 0),
    ],
)
def test_days_are_counted_from_the_newest_date_of_a_usage(
    world: World, written: list[str], last: str, days: int
) -> None:
    for when in written:
        report(world, RESOURCE, when, cpu=1)
    [row] = world.as_("staff").get(PATH, billing_period="2026-12", page_size=1).get_json()
    assert (row["last_usage_date"], row["days_since_last_report"]) == (last, days)


def test_days_pass_at_any_time_of_day_and_no_tag_hides_it(world: World) -> None:
    report(world, RESOURCE, "2026-10-05T06:00:00Z", cpu=1)
    world.now = NOW.replace(hour=5, minute=59)
    response = world.as_("staff").get(PATH)
    assert response.get_json()[0]["days_since_last_report"] == 40
    world.now += timedelta(minutes=1)
    known = {"If-None-Match": response.headers["ETag"]}
    again = world.as_("staff").send("GET", PATH, headers=known)
    assert again.get_json()[0]["days_since_last_report"] == 41


MONTHS = [date(2025 + month // 12, month % 12 + 1, 1) for month in range(20)]


def test_both_ways_to_find_the_silent_find_the_same(world: World) -> None:
    """Resources with usage in months that their number's bits name, told in one batch and one by one."""
    resources = [
        entity("resources", RESOURCE, uuid=uid(0x700 + number), state=(2, 4, 6)[number % 3]) | {"name": "R"}
        for number in range(12)
    ]
    world.describe(resources=[each | {"state": 2} for each in resources])
    items = [
        {"resource": each["uuid"], "type": kind, "amount": 1, "date": f"{month}T00:00:00Z"}
        for number, each in enumerate(resources)
        for place, month in enumerate(MONTHS)
        if (number * 0x9E37 >> place % 11) & 1
        for kind in ("cpu", "gpu")
    ]
    half = len(items) // 2
    assert world.as_("staff").post("/api/ledger/reports/", items[:half]).status_code == 201
    for item in items[half : half + 10]:
        assert world.as_("staff").post("/api/ledger/reports/", [item]).status_code == 201
    assert world.as_("staff").post("/api/ledger/reports/", items[half + 10 :]).status_code == 201
    world.describe(resources=resources)
    assert rebuild_of(world).run() == Rebuilt(is_live=True)
    told = {(item["resource"], item["date"]) for item in items}
    expected = {*ALL, *(each["uuid"] for each in resources if each["state"] != 6)}
    for month in MONTHS:
        silent = {uuid for uuid in expected if (uuid, f"{month}T00:00:00Z") not in told}
        asked = {"billing_period": month, "now": NOW}
        with world.services.reading() as cursor:
            pages = [
                missing_usage(few).page(cursor, RESOURCE_MISSING_USAGE.columns, asked, None, limit=300)
                for few in (-1, 1_000)
            ]
        assert pages[0] == pages[1]
        assert (set(missing(world, billing_period=f"{month:%Y-%m}", page_size=100)), pages[0].total) == (
            silent,
            len(silent),
        )
