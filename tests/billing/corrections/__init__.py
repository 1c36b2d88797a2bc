"""Corrections, from the proposal to what puts them back."""
