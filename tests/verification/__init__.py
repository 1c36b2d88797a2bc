"""Tests of `usage-ledger verify`: what it finds, and that nobody notices it."""
