"""Fixtures of commands."""

from tests.support.command import catalogue, environment

__all__ = ["catalogue", "environment"]
