"""Commands of those who run a ledger for years: backups, restores, and its database."""
