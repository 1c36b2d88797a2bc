"""The PostgreSQL that comes with the package, for who has none."""
