"""Exports, read by others' programs: for `make test-recipes`."""
