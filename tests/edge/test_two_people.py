"""Two people in a real browser correct a figure of a closed month, and put it back: one alone can't."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.billing.correcting import WRONG
from tests.browser.driving import Browser, browsing
from tests.dashboard.test_browser import click, seen_by_axe, sign_in
from tests.dashboard.writing import CLUSTER
from tests.support.served import served
from tests.world import RESOURCE, World
from web.dashboard.formats import THIN_SPACE

ANN, BEN = "provider-owner", "offering-manager"

MINUTES, HOURS = f"10{THIN_SPACE}800.00", "180.00"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with browsing(tmp_path) as browser:
        yield browser


def fill(browser: Browser, form: str, **typed: str) -> None:
    """Type into the inputs of a form."""
    for name, text in typed.items():
        place = browser.find(f"{form} input[name={name}]")
        place.clear()
        place.send_keys(text)


def change_places(browser: Browser, url: str, world: World, username: str) -> None:
    """Sign out, and in as somebody else."""
    click(browser, "Sign out", "header")
    sign_in(browser, url, world, username)


def cells(browser: Browser, table: str) -> dict[str, str]:
    """The first row of a table, by its headings."""
    heads = [each.text for each in browser.all(f"{table} thead th")]
    row = browser.find(f"{table} tbody tr").find_elements("css selector", "th, td")
    return dict(zip(heads, [each.text for each in row], strict=True))


def done(browser: Browser) -> str:
    return browser.find(".done").text


def test_two_people_correct_a_figure_of_a_closed_month_and_put_it_back(
    world: World, world_url: str, browser: Browser
) -> None:
    usages = [{"type": "cpu", "amount": "10800"}]  # in minutes, where hours are meant
    reported = world.report(date="2026-05-31", usages=usages)
    assert reported.status_code == 201
    (row,) = world.usages(resource_uuid=RESOURCE, type="cpu", billing_period="2026-05-01")
    with served(world_url) as service:
        url = f"http://127.0.0.1:{service.port}"
        sign_in(browser, url, world, ANN)
        browser.open(f"{url}{CLUSTER}")
        fill(browser, "#closing", note="Invoiced")
        browser.driver.execute_script("document.querySelector('#closing-month').value = '2026-05'")
        click(browser, "Close this month", "#closing")
        assert done(browser) == "May 2026 was closed for Cluster."

        # Ann finds the figure, and proposes what it is to be.
        click(browser, "Figures", "nav")
        click(browser, "May 2026", "tbody")
        figure = browser.driver.current_url
        assert row["uuid"] in figure
        words = {"title": "Minutes for hours", "reason": "The agent counted minutes", "ticket": "BILL-7"}
        fill(browser, "#propose", amount="180,0", **words)
        click(browser, "Propose it", "#propose")
        assert browser.find("#propose-amount-errors").text == "A valid number is required."
        assert browser.find("#propose-title").get_attribute("value") == "Minutes for hours"
        fill(browser, "#propose", amount="180")
        click(browser, "Propose it", "#propose")
        assert done(browser).startswith("You proposed it. Nothing has changed yet")
        correction = browser.driver.current_url.partition("#")[0]

        # She is not asked to approve it, and is refused where she tries.
        assert [each.text for each in browser.all("#steps button")] == ["Reject"]
        assert browser.find("#waits").text.startswith("You proposed it, so somebody else")
        browser.driver.execute_script(
            "const button = document.querySelector('#steps button');"
            "button.value = 'approve'; button.form.noValidate = true"
        )
        click(browser, "Reject", "#steps")
        assert browser.find("#step-refusal").text == WRONG["detail"]
        assert seen_by_axe(browser, correction) == []

        # Ben sees what would change, stands behind it, and applies it.
        change_places(browser, url, world, BEN)
        click(browser, "Corrections", "nav")
        assert cells(browser, "#corrections")["State"] == "proposed"
        click(browser, "Minutes for hours", "#corrections")
        item = cells(browser, "#items")
        assert (item["Now"], item["After"]) == (f"{MINUTES} hours", f"{HOURS} hours")
        click(browser, "Approve", "#steps")
        assert done(browser) == "You approved it. Nothing has changed yet: it is to be applied."
        click(browser, "Apply", "#steps")
        assert done(browser) == "You applied it: 1 of 1 figures were changed."

        # May says so, with both names, and that it moved after it was closed.
        click(browser, "May 2026", "#items")
        assert browser.find("#figure").text == HOURS
        revision = cells(browser, "#history")
        people = f"proposed by {ANN}, approved by {BEN}"
        assert revision["Correction"] == f"Minutes for hours ({people})"
        assert revision["Why"] == "The agent counted minutes"
        click(browser, "Months", "nav")
        assert cells(browser, "#months")["Figures moved"] == "1"
        click(browser, "1", "#months td.count")
        assert cells(browser, "#figures")["After"] == f"{HOURS} hours"
        click(browser, "the last one", "#figures")
        assert browser.driver.current_url == correction

        # Ben proposes to put it back; Ann approves and applies that.
        browser.open(correction)
        fill(browser, "#steps", reason="They were hours after all")
        click(browser, "Propose to put it back", "#steps")
        back = browser.driver.current_url.partition("#")[0]
        assert back != correction
        assert [each.text for each in browser.all("#steps button")] == ["Reject"]
        change_places(browser, url, world, ANN)
        browser.open(back)
        assert cells(browser, "#items")["After"] == f"{MINUTES} hours"
        click(browser, "Approve", "#steps")
        click(browser, "Apply", "#steps")
        assert done(browser) == "You applied it: 1 of 1 figures were changed."
        click(browser, "another correction", ".said")
        assert browser.find("#state").text == "reverted"
        browser.open(figure)
        assert browser.find("#figure").text == MINUTES
        assert browser.origins() == {url}
        assert [each for each in browser.problems() if " 400 " not in each and " 403 " not in each] == []
