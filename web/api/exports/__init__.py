"""Endpoints in the shape of others' formats."""
