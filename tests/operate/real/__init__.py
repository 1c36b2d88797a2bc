"""Packages as operators install them: slow, and for `make test-packages`."""
