"""Two tenants, for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.conftest import database
from tests.security.comparing import noted_statements
from tests.security.tenants import Tenants, two_tenants


@pytest.fixture(scope="module")
def tenants(server: str, world_template: str) -> Iterator[Tenants]:
    """Two tenants, the statements of whose requests are noted."""
    with database(server, world_template) as url, two_tenants(url) as both, noted_statements():
        yield both
