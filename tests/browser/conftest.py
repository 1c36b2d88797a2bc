"""Fixtures of tests in a browser."""

from tests.browser.driving import browser as browser
