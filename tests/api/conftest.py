"""Fixtures of the API."""

from tests.api.monthly import world_with_three_months as world_with_three_months
from tests.api.plans import switched as switched
from tests.api.plans import world_in as world_in
from tests.api.scopes import world_with_usage as world_with_usage
