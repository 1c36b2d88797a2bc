"""Reads what people vouch for: months that are closed."""
