"""The journal in PostgreSQL: appending facts, reading them back, and guarding them.

PostgreSQL holds the journal and the read models: one dialect, one backup. The schema `journal` is the whole
backup, as `read_models` can be made again from it. Price: no other database.
"""
