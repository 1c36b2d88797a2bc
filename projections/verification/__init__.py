"""Compares the live read models with a replay of the journal, and the journal with itself."""
