"""Queries of those who watch the service."""
