"""Fixtures of requests."""

from tests.request.freshness import one_usage as one_usage
