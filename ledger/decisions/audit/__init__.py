"""What operators of a ledger do for auditors, as facts."""
