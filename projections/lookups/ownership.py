"""The columns that say where a component usage belongs, for statements that call it `u`."""

from psycopg.rows import DictRow

from ledger.domain.metering import Ownership

OWNERSHIP = ", ".join(f"u.{name}" for name in Ownership.__struct_fields__)


def take_ownership(row: DictRow) -> Ownership:
    """Return the ownership in a row. Its columns are taken out of the row."""
    return Ownership(**{name: row.pop(name) for name in Ownership.__struct_fields__})
