"""Endpoints that prove what the journal says to whoever trusts nobody here: section 7 of the contract."""
