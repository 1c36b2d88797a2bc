"""Fixtures of verifications."""

from tests.support.command import catalogue as catalogue
