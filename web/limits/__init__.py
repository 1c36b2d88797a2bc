"""Bounds on how much a server takes on at a time, so that there is always room for the next request."""
