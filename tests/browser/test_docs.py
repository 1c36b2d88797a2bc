"""The page that shows the API, as a reader uses it."""

from selenium.webdriver.remote.webelement import WebElement

from tests.browser.driving import Browser
from tests.support.command import Environment, served

USAGES = "component_usages_index_get"


def shown(browser: Browser, selector: str, text: str) -> WebElement:
    """The first element of a CSS selector with this text in it, once it is there."""
    found: WebElement = browser.until(
        lambda: next((each for each in browser.all(selector) if text in each.text), None)
    )
    return found


def test_a_reader_tries_a_list_out_with_a_token_and_nothing_is_asked_of_others(
    environment: Environment, browser: Browser
) -> None:
    with served(environment) as here:
        browser.open(f"{here.url}/api/docs/")
        assert shown(browser, ".info .title", "usage-ledger")
        browser.find("button.authorize").click()
        browser.find("#api_key_value").send_keys(f"Token {here.demo_token}")
        browser.find(".auth-container button.authorize").click()
        browser.find("button.btn-done").click()
        operation = f"[id$='-{USAGES}']"
        browser.find(f"{operation} .opblock-summary-control").click()
        browser.find(f"{operation} button.try-out__btn").click()
        browser.find(f"{operation} button.execute").click()
        answered = f"{operation} .live-responses-table"
        assert shown(browser, f"{answered} .response-col_status", "200")
        assert (
            f"{here.url}/api/marketplace-component-usages/" in browser.find(f"{operation} .request-url").text
        )
        assert shown(browser, f"{answered} .response-col_description", "ledger-position")
        assert browser.origins() == {here.url}
        assert browser.problems() == []
