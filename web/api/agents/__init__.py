"""Endpoints that a reporting agent needs before it can report."""
