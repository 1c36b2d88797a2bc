"""Whatever a parser is given, it says what it means, or refuses it in its own words."""

from random import Random

import pytest

from tests.fuzz.mutating import inputs
from tests.fuzz.parsers import PARSERS

NUMBER = 150


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_says_what_it_means_or_refuses_it(name: str) -> None:
    parse, seeds = PARSERS[name]
    for data in inputs(Random(name), seeds, NUMBER):  # noqa: S311 - the same each time
        parse(data)
