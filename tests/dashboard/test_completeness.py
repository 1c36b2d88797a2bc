"""Pages of what is missing of a month, which figures are suspect, and what was said to be sent."""

from typing import Any

import pytest

from tests.billing.closing import close
from tests.billing.sending import listed, send
from tests.dashboard.reading import reader
from tests.dashboard.writing import AUDITOR, CLUSTER, add_auditor
from tests.world import OFFERING, World

COMPLETENESS, SENT = "/dashboard/completeness/", "/dashboard/manifests/"


@pytest.fixture
def october(shown_world: World) -> World:
    """October of Cluster: closed, with a CPU figure that fell and one manifest that differs."""
    assert send(shown_world, month="2026-10").status_code == 201
    assert close(shown_world, month="2026-10").status_code == 201
    return shown_world


def asked(world: World, **query: Any) -> Any:
    answer = world.as_("staff").get("/api/ledger/completeness/", billing_period="2026-10", **query)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_a_month_is_told_by_offering(october: World) -> None:
    page, told = reader(october, "staff").open(COMPLETENESS), asked(october)
    assert page.heading == "Completeness of October 2026"
    rows = page.rows("#completeness")
    assert [row["Offering"] for row in rows] == [row["offering_name"] for row in told]
    for heading, key in (
        ("Expected", "resources_expected"),
        ("Reported", "resources_reported"),
        ("Silent", "resources_silent"),
        ("Fell", "fell"),
        ("Jumped", "jumped"),
        ("Differ from users", "differs_from_users"),
        ("Carried over", "carried_over"),
        ("Manifests", "manifests"),
    ):
        assert [row[heading] for row in rows] == [f"{row[key]}" for row in told]
    assert [row["Complete"] == "yes" for row in rows] == [row["is_complete"] for row in told]
    assert [row["Month"] == "closed" for row in rows] == [row["is_closed"] for row in told]
    (cluster,) = (row for row in rows if row["Offering"] == "Cluster")
    assert (cluster["Month"], cluster["Manifests"], cluster["The last one"]) == ("closed", "1", "differs")


def test_suspect_figures_and_manifests_are_a_click_away(october: World) -> None:
    staff = reader(october, "staff")
    page = staff.open(COMPLETENESS, offering_uuid=OFFERING)
    (row,) = asked(october, offering_uuid=OFFERING)
    assert row["fell"] == 1
    fell = staff.open(str(page.one("#completeness td[data-heading=Fell] a")["href"]))
    (figure,) = fell.rows("main")
    assert (figure["Why"], figure["Usage"], figure["Resource"]) == ("fell", "231.50 hours", "Resource")
    sent = staff.open(str(page.one("#completeness td[data-heading=Manifests] a")["href"]))
    (told,), (stored,) = sent.rows("#manifests"), listed(october)
    assert (told["By"], told["Held when sent"], told["Holds now"]) == ("staff", "no", "no")
    assert stored["differences"]
    for each in stored["differences"]:
        assert f"{each['name']}: " in told["Differences"]


def test_another_month_another_factor_and_the_past_are_asked_for(october: World) -> None:
    staff = reader(october, "staff")
    page = staff.open(COMPLETENESS, billing_period="2026-11", jump="2", provider_uuid=OFFERING)
    assert (page.heading, page.rows("#completeness")) == ("Completeness of November 2026", [])
    refused = staff.open(COMPLETENESS, jump="0.5")
    assert (refused.status, refused.messages[0].partition(":")[0]) == (400, "jump")
    assert staff.open(COMPLETENESS, billing_period="May").status == 400
    assert staff.open(SENT, as_of="60").rows("#manifests") == []


@pytest.mark.parametrize("who", ["staff", "support", "provider-owner", "offering-manager", AUDITOR])
def test_whoever_vouches_for_an_offering_finds_them(october: World, who: str) -> None:
    add_auditor(october)
    somebody = reader(october, who)
    page = somebody.open(somebody.open().link("Completeness", "nav"))
    assert "Cluster" in [row["Offering"] for row in page.rows("#completeness")]
    assert len(somebody.open(SENT).rows("#manifests")) == 1
    assert somebody.open(somebody.open(CLUSTER).link("Its completeness")).status == 200


@pytest.mark.parametrize("who", ["consumer-owner", "project-member"])
def test_others_find_nothing(october: World, who: str) -> None:
    somebody = reader(october, who)
    assert somebody.open(COMPLETENESS).rows("#completeness") == somebody.open(SENT).rows("#manifests") == []
    assert "Completeness" not in somebody.open().text
