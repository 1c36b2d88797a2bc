"""Fixtures of read models."""

from tests.projections.restoring import here as here
from tests.projections.restoring import url as url
