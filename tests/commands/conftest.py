"""Fixtures of commands."""

from tests.support.command import catalogue as catalogue
