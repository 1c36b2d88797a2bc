"""Several nodes, one of which fails."""
