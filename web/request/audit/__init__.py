"""Requests for what was known at an earlier point of the journal."""
