"""A real browser walks through the pages: a quiet console, no other origin, and nothing serious for axe."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import ActionChains
from selenium.webdriver.remote.webelement import WebElement

from tests.billing.closing import close
from tests.billing.correcting import item, proposed
from tests.browser.driving import Browser, browsing
from tests.dashboard.writing import CLUSTER
from tests.support.programs import pages
from tests.support.served import Served, served
from tests.world import PROJECT, RESOURCE, World
from web.dashboard.errors import FOREIGN

AXE = files("axe_core_python").joinpath("axe.min.js").read_text()

BEING_REPLACED = "does not belong to the document"

SERIOUS = ("serious", "critical")


IN_NOVEMBER = """
import web
from tests.world import NOW

began = web.utc_now()
web.create_app.__kwdefaults__["clock"] = lambda: NOW + (web.utc_now() - began)
"""
"""The world's figures are of 2026, and pages begin with the month that it is."""


@pytest.fixture
def service(shown_world: World, world_url: str) -> Iterator[Served]:
    with served(world_url, change=IN_NOVEMBER) as service:
        yield service


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with browsing(tmp_path) as browser:
        yield browser


def click(browser: Browser, text: str, within: str = "body") -> None:
    """Follow the first link, or press the button, with this text, and wait until another page is there."""
    before = browser.find("html")
    named = [each for each in browser.all(f"{within} a, {within} button") if each.text.strip() == text]
    named[0].click()
    browser.until(lambda: is_gone(before))
    browser.find("h1")


def is_gone(element: WebElement) -> bool:
    """Return whether another page has come. Of one that is about to go the driver may say something else."""
    try:
        return not element.is_enabled()
    except StaleElementReferenceException:
        return True
    except WebDriverException as error:
        if BEING_REPLACED in str(error):
            return False
        raise


def sign_in(browser: Browser, url: str, world: World, username: str = "staff") -> None:
    browser.open(f"{url}/dashboard/")
    browser.find("#token").send_keys(world.as_(username).authorization.removeprefix("Token "))
    click(browser, "Sign in")


def test_a_reader_follows_a_figure_to_its_history_and_back_in_time(
    shown_world: World, service: Served, browser: Browser, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{service.port}"
    downloads = tmp_path / "downloads"
    browser.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": f"{downloads}"}
    )
    browser.open(url)
    click(browser, "Dashboard", "main")
    assert browser.driver.title == "Sign in · usage-ledger"
    sign_in(browser, url, shown_world)
    assert browser.find("h1").text == "November 2026"

    browser.find("input[type=search]").send_keys("second")
    click(browser, "Find")
    assert [each.text for each in browser.all("tbody th")] == ["Second project"]
    click(browser, "Projects", "nav")
    click(browser, "Project", "tbody")
    assert browser.find("h1").text == "Project"
    assert len(browser.all("svg.chart")) == 2

    click(browser, "October 2026", "#usages")
    assert browser.find("h1").text.startswith("CPU in October 2026: 231.50")
    assert "jobs counted twice" in browser.find("#history").text

    browser.driver.execute_script("document.querySelector('input[type=date]').value = '2026-11-14'")
    click(browser, "Show", "form.as-of")
    assert browser.find(".error").text == "No ComponentUsage matches the given query."

    browser.driver.back()
    csv = browser.find("#history .sources a")
    assert csv.text == "CSV"
    csv.click()
    browser.until(lambda: [*downloads.glob("*.csv")])
    (file,) = downloads.glob("*.csv")
    assert "jobs counted twice" in file.read_text()

    click(browser, "Sign out", "header")
    assert browser.driver.title == "Sign in · usage-ledger"
    browser.open(f"{url}/dashboard/projects/{PROJECT}/")
    assert browser.driver.title == "Sign in · usage-ledger"
    assert browser.origins() == {url}
    assert [each for each in browser.problems() if "404" not in each] == []


@pytest.mark.parametrize("is_dark", [False, True])
def test_axe_finds_nothing_serious_on_any_page(
    shown_world: World, service: Served, browser: Browser, *, is_dark: bool
) -> None:
    scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    url = f"http://127.0.0.1:{service.port}"
    found = {"/dashboard/sign-in/": seen_by_axe(browser, f"{url}/dashboard/sign-in/")}
    sign_in(browser, url, shown_world)
    (usage,) = shown_world.usages(resource_uuid=RESOURCE, type="cpu", billing_period="2026-10-01")
    for place in (
        "/",
        "/dashboard/",
        f"/dashboard/projects/{PROJECT}/?by=user",
        f"/dashboard/figures/{usage['uuid']}/",
        "/dashboard/facts/40/",
        "/dashboard/lists/usages/",
        "/dashboard/compare/?from=1",
        "/dashboard/months/",
        CLUSTER,
        "/dashboard/corrections/",
        "/dashboard/corrections/propose/",
        "/dashboard/completeness/",
        "/dashboard/manifests/",
        "/dashboard/?as_of=2026-11-14",
        "/dashboard/nothing/",
    ):
        found[place] = seen_by_axe(browser, f"{url}{place}")
    assert {place: faults for place, faults in found.items() if faults} == {}


def seen_by_axe(browser: Browser, url: str) -> list[str]:
    """Return what axe-core has against a page, if it is serious."""
    browser.open(url)
    browser.driver.execute_script(AXE)
    told = browser.driver.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    return [
        f"{each['id']}: {json.dumps([node['target'] for node in each['nodes']])}"
        for each in told["violations"]
        if each["impact"] in SERIOUS
    ]


ENDS_OF_VALUES = """
return [...document.querySelectorAll(".listing td")].map(each => {
    const {width, height, right} = each.getBoundingClientRect();
    return each.checkVisibility() && width && height ? right : 0;
});"""
"""Where each value on a page ends on the right, or 0 where it is hidden, in one question for all of them."""


def test_on_a_phone_every_value_is_in_sight_beside_its_heading(
    shown_world: World, service: Served, browser: Browser
) -> None:
    url, width = f"http://127.0.0.1:{service.port}", 390
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    sign_in(browser, url, shown_world)
    uuid = proposed(shown_world, item("230", date="2026-10-20"), title="Minutes for hours")
    close(shown_world, month="2026-10", note="Invoiced")
    billing = ("months/", "corrections/", f"corrections/{uuid}/", "completeness/")
    for place in ("", f"projects/{PROJECT}/", "lists/usages/", *billing, "compare/?from=1"):
        assert seen_by_axe(browser, f"{url}/dashboard/{place}") == []
        assert browser.driver.execute_script("return document.documentElement.scrollWidth") == width
        ends = browser.driver.execute_script(ENDS_OF_VALUES)
        assert any(ends)
        assert max(ends) <= width
        assert {
            each.aria_role for each, end in zip(browser.all(".listing td"), ends, strict=True) if end
        } == {"cell"}
    heading = "return getComputedStyle(document.querySelector('#totals td, .listing td'), '::before').content"
    assert "Component" in browser.driver.execute_script(heading)


def test_the_pages_work_without_javascript(shown_world: World, service: Served, browser: Browser) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    sign_in(browser, f"http://127.0.0.1:{service.port}", shown_world)
    click(browser, "Projects", "nav")
    click(browser, "Project", "tbody")
    assert len(browser.all("svg.chart")) == 2
    click(browser, "Sign out", "header")


def test_a_pointer_on_a_bar_is_told_whose_it_is_and_how_much(
    shown_world: World, service: Served, browser: Browser
) -> None:
    url = f"http://127.0.0.1:{service.port}"
    sign_in(browser, url, shown_world)
    browser.open(f"{url}/dashboard/projects/{PROJECT}/")
    ActionChains(browser.driver).move_to_element(browser.find("svg .bar rect")).perform()
    assert browser.find(".pointed").text == "Resource, Oct: 231.50 hours"


def test_a_month_is_closed_and_a_refusal_is_in_sight_without_javascript(
    shown_world: World, service: Served, browser: Browser
) -> None:
    url = f"http://127.0.0.1:{service.port}"
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    sign_in(browser, url, shown_world, "provider-owner")
    browser.open(f"{url}{CLUSTER}")
    browser.find("#closing-note").send_keys("Audited")
    click(browser, "Open it again", "#closing")
    refusal = browser.find("#closing-refusal")
    assert refusal.text == "2026-10 is not closed here: it can only be closed."
    assert browser.find("#closing-note").get_attribute("value") == "Audited"
    click(browser, "Close this month", "#closing")
    assert browser.find(".done").text == "October 2026 was closed for Cluster."
    assert browser.driver.current_url == f"{url}{CLUSTER}#main"
    click(browser, "Months", "nav")
    assert "Audited" in browser.find("#months").text
    assert [each for each in browser.problems() if "409" not in each] == []


def test_a_page_of_another_site_can_neither_sign_out_nor_frame_ours(
    shown_world: World, service: Served, browser: Browser, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{service.port}"
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(
        f'<form method="post" action="{url}/dashboard/sign-out/"><button>Win a prize</button></form>'
        f'<iframe src="{url}/dashboard/"></iframe>'
    )
    sign_in(browser, url, shown_world)
    with pages(site) as elsewhere:
        browser.open(elsewhere)
        click(browser, "Win a prize")
        assert browser.find(".error").text == FOREIGN
    assert any("frame-ancestors" in each for each in browser.problems())
    browser.open(f"{url}/dashboard/")
    assert browser.find("h1").text == "November 2026"
