"""Commands for auditors: what was known when, and why it changed."""
