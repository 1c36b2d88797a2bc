"""Looks up what commands and requests decide by."""
