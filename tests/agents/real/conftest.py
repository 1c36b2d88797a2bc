"""Fixtures of the tests with the real agent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.real.agent import Site, site


@pytest.fixture(name="site")
def site_of_a_test(database_url: str, tmp_path: Path) -> Iterator[Site]:
    with site(database_url, tmp_path) as made:
        yield made
