"""How PostgreSQL answers what is asked: the plans of statements, of a million rows."""
