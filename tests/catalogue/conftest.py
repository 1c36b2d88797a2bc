"""Fixtures of the catalogue."""

from tests.catalogue.reading import catalogued as catalogued
