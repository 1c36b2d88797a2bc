"""What the lists have in common: restrictions, visibility and a total order.

Statements are put together from constants by name; values travel as parameters only.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable

Scopes = Mapping[str, list[UUID]] | None
"""The `customers`, `providers`, `projects` and `offerings` whose usage may be seen; None sees all."""

VISIBLE = SQL("""(u.customer_uuid = ANY(%(customers)s) OR u.provider_uuid = ANY(%(providers)s)
    OR u.project_uuid = ANY(%(projects)s) OR u.offering_uuid = ANY(%(offerings)s))""")


def where(
    filters: Mapping[str, SQL], restrictions: Iterable[str], scopes: Scopes, visible: SQL = VISIBLE
) -> Composable:
    """All of the restrictions, by their names in `filters`, and what may be seen."""
    conditions = [filters[name] for name in restrictions]
    if scopes is not None:
        conditions.append(visible)
    return SQL(" AND ").join(conditions) if conditions else SQL("true")


def order_by(
    orders: Mapping[str, SQL], order: Iterable[tuple[str, bool]], last: SQL, default: SQL
) -> Composable:
    """The keys of an order with a unique one behind them, or the default order."""
    keys = [SQL("{} {}").format(orders[name], SQL("DESC" if down else "ASC")) for name, down in order]
    return SQL(", ").join([*keys, last]) if keys else default


def total_of(cursor: Cursor[DictRow]) -> int:
    """The `total` of a count."""
    row = cursor.fetchone()
    assert row is not None
    total: int = row["total"]
    return total
