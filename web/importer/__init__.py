"""Imports catalogues and past usage from a file."""
