"""Scrapes of the metrics of a service that runs."""

import json
import re
from email.message import Message
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families

from tests.support.command import Served

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def fetched(here: Served, path: str = "/metrics", **headers: str) -> tuple[int, Message, str]:
    """Status, headers and text of an answer; `_` for `-` in the names of headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urlopen(Request(f"{here.url}{path}", headers=named), timeout=20) as response:  # noqa: S310
            return response.status, response.headers, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def scraped(here: Served, **headers: str) -> Series:
    """Every series of a scrape, by name and labels."""
    status, _, text = fetched(here, **headers)
    assert status == 200, text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(series: Series, name: str, **labels: str) -> float:
    """The value of a series, 0 where there is none."""
    return series.get((name, frozenset(labels.items())), 0.0)


def names_of(text: str) -> set[str]:
    """The names of the families of a scrape, as they are told."""
    return set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))


def posted(here: Served, path: str, body: object, **headers: str) -> tuple[int, Message]:
    """Status and headers of the answer to a POST."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Content-Type"] = "application/json"
    request = Request(f"{here.url}{path}", json.dumps(body).encode(), named)  # noqa: S310 (it is http)
    try:
        with urlopen(request, timeout=60) as response:  # noqa: S310
            return response.status, response.headers
    except HTTPError as error:
        with error:
            return error.code, error.headers
