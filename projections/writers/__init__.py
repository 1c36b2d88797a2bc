"""From facts to rows: one module for each group of tables."""
