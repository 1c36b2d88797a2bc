"""What the lists have in common: restrictions, visibility and a total order.

Statements are put together from constants by name; values travel as parameters only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable

Scopes = Mapping[str, list[UUID]] | None
"""The `customers`, `providers`, `projects` and `offerings` whose usage may be seen; None sees all."""

VISIBLE = SQL("""(u.customer_uuid = ANY(%(customers)s) OR u.provider_uuid = ANY(%(providers)s)
    OR u.project_uuid = ANY(%(projects)s) OR u.offering_uuid = ANY(%(offerings)s))""")


@dataclass(frozen=True)
class Listing:
    """A list as its parts: `page` and `total` with places for {where} and {order}, and by name what it can
    be restricted to and ordered by. `last` is unique and ends every order."""

    page: SQL
    total: SQL
    filters: Mapping[str, SQL]
    orders: Mapping[str, SQL]
    default: SQL
    last: SQL
    visible: SQL

    def select(
        self,
        cursor: Cursor[DictRow],
        restrictions: Mapping[str, Any],
        scopes: Scopes,
        order: Sequence[tuple[str, bool]] = (),
        limit: int = 1,
        offset: int = 0,
    ) -> list[DictRow]:
        """A page. `restrictions` are values by the names of filters (others are parameters of the statement
        itself), `order` is pairs of (name of an order, descending)."""
        statement = self.page.format(where=self._where(restrictions, scopes), order=self._order(order))
        parameters = {**restrictions, **(scopes or {}), "limit": limit, "offset": offset}
        return cursor.execute(statement, parameters).fetchall()

    def count(self, cursor: Cursor[DictRow], restrictions: Mapping[str, Any], scopes: Scopes) -> int:
        """How many rows there are on all pages."""
        statement = self.total.format(where=self._where(restrictions, scopes))
        return total_of(cursor.execute(statement, {**restrictions, **(scopes or {})}))

    def _where(self, restrictions: Iterable[str], scopes: Scopes) -> Composable:
        conditions = [self.filters[name] for name in restrictions if name in self.filters]
        if scopes is not None:
            conditions.append(self.visible)
        return SQL(" AND ").join(conditions) if conditions else SQL("true")

    def _order(self, order: Iterable[tuple[str, bool]]) -> Composable:
        keys = [
            SQL("{} {}").format(self.orders[name], SQL("DESC" if down else "ASC")) for name, down in order
        ]
        return SQL(", ").join([*keys, self.last]) if keys else self.default


def total_of(cursor: Cursor[DictRow]) -> int:
    """The `total` of a count."""
    row = cursor.fetchone()
    assert row is not None
    total: int = row["total"]
    return total
