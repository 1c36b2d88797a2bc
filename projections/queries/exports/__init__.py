"""Rows in the shape of others' formats."""
