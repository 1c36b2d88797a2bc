"""Months that are closed: what requests say, and how they are answered."""
