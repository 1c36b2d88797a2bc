"""Endpoints for auditors: what the journal says, and what follows from it."""
