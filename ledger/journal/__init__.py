"""The journal in PostgreSQL: appending facts, reading them back, and guarding them."""
