"""Reads pages in the way of a browser without JavaScript: with cookies, following links, seeing text."""

import re
from typing import Any

from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.world import World

DASHBOARD = "/dashboard/"
SIGN_IN = "/dashboard/sign-in/"


class Page:
    """A page that was answered."""

    def __init__(self, response: TestResponse) -> None:
        self.response, self.status = response, response.status_code
        self.html = BeautifulSoup(response.get_data(as_text=True), "html.parser")

    @property
    def text(self) -> str:
        return shown(self.html)

    @property
    def heading(self) -> str:
        return shown(self.one("h1"))

    @property
    def messages(self) -> list[str]:
        """The messages of an error page."""
        return [shown(each) for each in self.html.select(".error li")]

    def one(self, selector: str) -> Tag:
        (found,) = self.html.select(selector)
        return found

    def rows(self, section: str) -> list[dict[str, str]]:
        """The rows of the table in a section, by their headings."""
        table = self.html.select_one(f"{section} table")
        if table is None:
            return []
        heads = [shown(each) for each in table.select("thead th")]
        return [
            dict(zip(heads, [shown(cell) for cell in row.select("th, td")], strict=True))
            for row in table.select("tbody tr")
        ]

    def values(self, section: str, name: str) -> list[str]:
        """The exact figures of the column with this name, as they are for machines."""
        table = self.html.select_one(f"{section} table")
        if table is None:
            return []
        place = [shown(each) for each in table.select("thead th")].index(name)
        return [
            str(data["value"])
            for row in table.select("tbody tr")
            if (data := row.select("th, td")[place].select_one("data"))
        ]

    def link(self, text: str, within: str = "main") -> str:
        """The address of the first link with this text."""
        found = next(each for each in self.html.select(f"{within} a") if shown(each) == text)
        return str(found["href"])


def shown(tag: Tag) -> str:
    return re.sub(r"\s+", " ", tag.get_text()).strip()


class Reader:
    """Somebody who is signed in, or not."""

    def __init__(self, world: World, client: FlaskClient) -> None:
        self.world, self.client = world, client

    def open(self, path: str = DASHBOARD, **query: Any) -> Page:
        return Page(self.client.get(path, query_string=query or None, follow_redirects=False))

    def post(self, path: str, headers: dict[str, str] | None = None, /, **form: str) -> Page:
        return Page(self.client.post(path, data=form, headers=headers or {}))


def anybody(world: World) -> Reader:
    return Reader(world, world.app.test_client())


def reader(world: World, username: str) -> Reader:
    """This user, signed in with the form."""
    somebody = anybody(world)
    token = world.as_(username).authorization.removeprefix("Token ")
    answer = somebody.post(SIGN_IN, token=token)
    assert (answer.status, answer.response.headers["Location"]) == (303, DASHBOARD)
    return somebody
