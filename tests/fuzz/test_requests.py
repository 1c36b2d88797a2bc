"""Whatever is asked is answered in the service's own words, and what is refused is not stored."""

from collections.abc import Iterator
from random import Random

import pytest

from tests.conftest import database
from tests.fuzz.asking import HEADERS, QUERY, Service
from tests.fuzz.mutating import ODD, mutated
from tests.world import open_world

BODY, PATH = 0, 1


@pytest.fixture(name="service", scope="module")
def service_of_fuzzing(server: str, world_template: str) -> Iterator[Service]:
    with database(server, world_template) as url, open_world(url) as world, Service(world) as service:
        yield service


def test_most_requests_are_answered_well_as_long_as_they_are_as_they_should_be(service: Service) -> None:
    agent = 3 + len(QUERY) + HEADERS.index("User-Agent")
    asked = [each for each in service.requests[::4] if ("page", "2") not in each.query]  # there is one page
    told = [(service.send(request, agent, b"curl").status, request.path, request.query) for request in asked]
    refused = [each for each in told if each[0] >= 400]
    assert len(refused) < 0.2 * len(told), refused


def test_odd_bodies_are_answered(service: Service) -> None:
    chance = Random(17)  # noqa: S311 - the same each time
    posts = [request for request in service.requests if request.method == "POST"]
    for odd in ODD:
        for request in chance.sample(posts, 3):
            service.send(request, BODY, odd)


def test_bodies_with_a_few_bytes_changed_are_answered(service: Service) -> None:
    chance = Random(17)  # noqa: S311 - the same each time
    for request in service.requests:
        if request.method == "POST":
            for _ in range(25):
                service.send(request, BODY, mutated(chance, request.body))


def test_odd_paths_parameters_and_headers_are_answered(service: Service) -> None:
    chance = Random(17)  # noqa: S311 - the same each time
    for part in range(PATH, service.parts):
        for odd in chance.sample(ODD, 16):
            service.send(chance.choice(service.requests), part, odd)
