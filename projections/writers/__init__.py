"""From facts to rows: a module for each group of tables. `projections/read_models.py` lists them."""
