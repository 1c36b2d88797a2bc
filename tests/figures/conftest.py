"""Fixtures of this room."""

from tests.figures.asking import full_world as full_world
