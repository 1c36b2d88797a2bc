"""Queries that agents ask before they report."""
