"""Spans of a few positions, so that a short story has many of them."""

from collections.abc import Iterator

import pytest

from projections.history import spans
from tests.projections.rebuilding import rebuild_of
from tests.world import World

SHORT = 8


@pytest.fixture
def short_spans(world: World) -> Iterator[None]:
    """Have the read models count by spans of eight positions."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spans, "SPAN", SHORT)
        rebuild_of(world).run(accept=True)
        yield
    rebuild_of(world).run(accept=True)  # another test may have this database
