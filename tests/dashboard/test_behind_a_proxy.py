"""A browser at a real proxy that ends TLS and has the pages below a prefix."""

from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.driving import Browser, browsing
from tests.dashboard.test_browser import click
from tests.edge.test_nginx import proxied
from tests.support.programs import program
from tests.support.served import served
from tests.world import World


def links(browser: Browser) -> set[str]:
    """Return the addresses of all that a page leads to, sends forms to, and loads."""
    script = """
        return [...document.querySelectorAll('[href], [src], [action]')]
            .map(each => each.href?.baseVal ?? each.href ?? each.src ?? each.action)"""
    return {each for each in browser.driver.execute_script(script) if not each.endswith("#main")}


def test_a_reader_signs_in_follows_links_and_downloads_below_a_prefix(
    shown_world: World, world_url: str, tmp_path: Path
) -> None:
    program("nginx")
    downloads = tmp_path / "downloads"
    with (
        served(world_url, LEDGER_PROXIES="1") as service,
        proxied(tmp_path, service.port) as (url, _),
        browsing(tmp_path, "--ignore-certificate-errors") as browser,
    ):
        browser.driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": f"{downloads}"}
        )
        seen = set()
        browser.open(f"{url}/")
        click(browser, "Dashboard", "main")
        browser.find("#token").send_keys(shown_world.as_("staff").authorization.removeprefix("Token "))
        click(browser, "Sign in")
        seen |= links(browser)
        for text, within in (("Projects", "nav"), ("Project", "tbody"), ("October 2026", "#usages")):
            click(browser, text, within)
            seen |= links(browser)
        assert browser.find("h1").text.startswith("CPU in October 2026: 231.50")
        request = browser.all("#history .request code")[0].get_attribute("textContent")
        assert f"'{url}/api/" in str(request)
        browser.find("#history .sources a").click()
        browser.until(lambda: [*downloads.glob("*.csv")])
        (cookie,) = browser.driver.get_cookies()
        assert (cookie["path"], cookie["secure"]) == ("/ledger/dashboard/", True)
        for name, text in (("amount", "230"), ("title", "Minutes"), ("reason", "Counted in minutes")):
            browser.find(f"#propose-{name}").send_keys(text)
        click(browser, "Propose it", "#propose")
        assert (
            browser.find(".done").text
            == "You proposed it. Nothing has changed yet: somebody else is to approve it."
        )
        assert browser.driver.current_url.startswith(f"{url}/dashboard/corrections/")
        seen |= links(browser)
        click(browser, "Sign out", "header")
        assert browser.driver.title == "Sign in · usage-ledger"
        click(browser, "API documentation", "footer")
        browser.until(lambda: browser.all(".opblock"))
        assert {each for each in seen if not each.startswith(url)} == set()
        assert {urlsplit(each).path for each in browser.requested()} >= {"/ledger/api/schema/"}
        assert all(each.startswith((url, "data:", "chrome:", "blob:")) for each in browser.requested())
        assert browser.problems() == []
