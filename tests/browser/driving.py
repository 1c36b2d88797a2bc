"""A browser that tests drive, and what it says of the pages: errors, and which origins they called."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.programs import program

PATIENCE_SECONDS = 60

SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-default-apps", "--disable-extensions", "--window-size=1280,900"),
)


class Browser:
    """An open browser. `driver` is selenium's."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self._requested: list[str] = []
        self._problems: list[str] = []

    def open(self, url: str) -> None:
        """Go to a page, and wait until it has loaded."""
        self.driver.get(url)

    def find(self, selector: str) -> WebElement:
        """The first element of a CSS selector that is shown, once there is one."""
        found: WebElement = self.until(
            lambda: next(filter(WebElement.is_displayed, self.all(selector)), None)
        )
        return found

    def all(self, selector: str) -> list[WebElement]:
        """The elements of a CSS selector that are there now."""
        return self.driver.find_elements("css selector", selector)

    def until(self, ask: Callable[[], Any]) -> Any:
        """Wait until what `ask` returns is true, and return it."""
        return WebDriverWait(self.driver, PATIENCE_SECONDS, 0.05).until(lambda _: ask())

    def problems(self) -> list[str]:
        """All that the console complained of so far: errors and warnings, CSP's among them."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        self._problems += [each["message"] for each in entries if each["level"] in ("SEVERE", "WARNING")]
        return self._problems

    def requested(self) -> list[str]:
        """The URLs that pages have requested so far, whatever came of it."""
        for entry in self.driver.get_log("performance"):  # type: ignore[no-untyped-call]
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._requested.append(message["params"]["request"]["url"])
        return self._requested

    def origins(self) -> set[str]:
        """The origins of those URLs; what a page or the browser has in itself (data:, chrome:) has none."""
        urls = [urlsplit(url) for url in self.requested()]
        return {
            f"{url.scheme}://{url.netloc}" for url in urls if url.scheme not in ("blob", "chrome", "data")
        }


@contextmanager
def browsing(folder: Path, *switches: str) -> Iterator[Browser]:
    """A new browser with a profile of its own in a folder. Where there is none the test is skipped."""
    options = ChromeOptions()
    options.binary_location = program("chromium")
    for switch in (*SWITCHES, *switches, f"--user-data-dir={folder}/profile"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, ChromeService(program("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser, new for every test."""
    with browsing(tmp_path) as browser:
        yield browser
