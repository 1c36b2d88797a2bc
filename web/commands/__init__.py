"""The `usage-ledger` command: one module for each group of subcommands."""
