"""Lists of read models: restrictions, visibility, a total order, and pages that are JSON already.

Statements are put together from constants by name; values travel as parameters only. A page is one statement,
so that its rows, its total and its position are of one moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import DictRow, scalar_row
from psycopg.sql import SQL, Composable, Placeholder

from projections.fast.position import End
from projections.queries.counts import Kinds, stored_count
from projections.queries.json_columns import Column, Values, json_object

AT_A_TIME = 500
"""Rows in memory where all of them are read."""

Scopes = Mapping[str, list[UUID]] | None
"""The `customers`, `providers`, `projects` and `offerings` whose usage may be seen; None sees all."""

PAGE = """
{prelude} SELECT
    (SELECT ARRAY[position, digest] FROM read_position) AS "end",
    ({total}) AS total,
    (SELECT convert_to('[' || coalesce(string_agg(r.json, ','), '') || ']', 'UTF8')
     FROM ({rows}) r) AS rows"""

ONE = """
{prelude} SELECT
    (SELECT ARRAY[position, digest] FROM read_position) AS "end",
    (SELECT r.json FROM ({rows}) r) AS row"""

TOTAL = "{prelude} {total}"

COUNTED = """
{prelude} SELECT (SELECT ARRAY[position, digest] FROM read_position) AS "end", ({total}) AS total"""

EVERY_ROW = "{prelude} SELECT r.json FROM ({rows}) r"

# It tells the planner how few rows there will be, whatever the parameters.
OF_A_PAGE = SQL("LIMIT 300")

# Where a page ends at the latest. A plan for any page would rather sort what a scope has than read the few
# that come first in their order.
BOUNDS = (300, 10_000, 1_000_000)
WITHIN, BOUND = SQL("SELECT * FROM ("), SQL("LIMIT {most}) u ORDER BY {order}")


class Page(NamedTuple):
    """Rows as a JSON array in bytes, how many there are on all pages, and where the journal ended then."""

    rows: bytes
    total: int
    end: End


@dataclass(frozen=True, eq=False)
class ListQuery:
    """A list as the parts of its statements.

    `rows` and `total` have places for {where}, {order} and {json}; `rows` may have one for {most}, the limit
    that no page exceeds, and around the rows in order for {within} and {bound}, which tell where a page ends
    at the latest. `columns`, `filters` and `orders` are the SQL of what can be shown, restricted by and
    ordered by, by names inside. `visibility` has the column that a row is seen by, by kind of scope. `last`
    is unique and ends every order. `prelude` is read by rows and
    total. `stored_total` is the total from counters, with a place for {scope}.
    """

    rows: SQL
    total: SQL
    columns: Values
    filters: Mapping[str, SQL]
    orders: Mapping[str, SQL]
    default: SQL
    last: SQL
    visibility: Mapping[str, SQL]
    prelude: SQL | None = None
    stored_total: SQL | None = None

    def page(
        self,
        cursor: Cursor[DictRow],
        columns: Sequence[Column],
        restrictions: Mapping[str, Any],
        scopes: Scopes,
        order: Sequence[tuple[str, bool]] = (),
        limit: int | None = 1,
        offset: int = 0,
    ) -> Page:
        """Return a page of rows that the scopes may see, without a `limit` all of them.

        `restrictions` are values by the names of filters (others are parameters of the statement itself),
        `order` is pairs of (name of an order, descending).
        """
        end = None if limit is None else offset + limit
        statement = self.statement(columns, restrictions, scopes, order, end)
        parameters = {**restrictions, **(scopes or {}), "limit": limit, "offset": offset}
        row = cursor.execute(statement, parameters, binary=True).fetchone()
        assert row is not None
        return Page(row["rows"], row["total"], End.of(row["end"]))

    def statement(
        self,
        columns: Sequence[Column],
        restrictions: Mapping[str, Any],
        scopes: Scopes,
        order: Sequence[tuple[str, bool]] = (),
        end: int | None = None,
    ) -> bytes:
        """Return the finished SQL of a page that ends at a row. `limit` and `offset` are parameters, too."""
        bound = next((most for most in BOUNDS if end is not None and end <= most), None)
        return _statement(
            self, PAGE, tuple(columns), tuple(restrictions), _kinds(scopes), tuple(order), bound
        )

    def one(
        self,
        cursor: Cursor[DictRow],
        columns: Sequence[Column],
        restrictions: Mapping[str, Any],
        scopes: Scopes,
    ) -> tuple[str | None, End]:
        """Return the first row as a JSON object, None if there is none, and where the journal ended then."""
        statement = _statement(self, ONE, tuple(columns), tuple(restrictions), _kinds(scopes))
        row = cursor.execute(
            statement, {**restrictions, **(scopes or {}), "limit": 1, "offset": 0}
        ).fetchone()
        assert row is not None
        return row["row"], End.of(row["end"])

    def count(self, cursor: Cursor[DictRow], restrictions: Mapping[str, Any], scopes: Scopes) -> int:
        """Return how many rows there are on all pages."""
        statement = self.with_filters(TOTAL, restrictions, scopes)
        return total_of(cursor.execute(statement, {**restrictions, **(scopes or {})}))

    def counted(
        self, cursor: Cursor[DictRow], restrictions: Mapping[str, Any], scopes: Scopes
    ) -> tuple[int, End]:
        """Return how many rows there are, and where the journal ended then. Raises BeingReplaced."""
        statement = self.with_filters(COUNTED, restrictions, scopes)
        row = cursor.execute(statement, {**restrictions, **(scopes or {})}).fetchone()
        assert row is not None
        return row["total"], End.of(row["end"])

    def every_row(
        self,
        connection: Connection[DictRow],
        columns: Sequence[Column],
        restrictions: Mapping[str, Any],
        scopes: Scopes = None,
        order: Sequence[tuple[str, bool]] = (),
    ) -> Iterator[str]:
        """Yield all rows as JSON objects, some in memory at a time, in the connection's transaction."""
        statement = _statement(
            self, EVERY_ROW, tuple(columns), tuple(restrictions), _kinds(scopes), tuple(order)
        )
        with connection.cursor("rows", row_factory=scalar_row) as cursor:
            cursor.itersize = AT_A_TIME
            cursor.execute(statement, {**restrictions, **(scopes or {}), "limit": None, "offset": 0})
            yield from cursor

    def with_filters(
        self, statement: LiteralString, restrictions: Mapping[str, Any], scopes: Scopes
    ) -> bytes:
        """Return a statement of one's own on the same rows, with its {where} filled in."""
        return _statement(self, statement, (), tuple(restrictions), _kinds(scopes))


def _kinds(scopes: Scopes) -> Kinds:
    if scopes is None:
        return None
    return tuple((kind, len(set(uuids)) == 1) for kind, uuids in scopes.items() if uuids)


@lru_cache(maxsize=1024)
def _statement(
    query: ListQuery,
    statement: LiteralString,
    columns: tuple[Column, ...],
    restrictions: tuple[str, ...],
    kinds: Kinds,
    order: tuple[tuple[str, bool], ...] = (),
    bound: int | None = None,
) -> bytes:
    """Return a statement, composed once for each shape of a query: PostgreSQL prepares repeated ones."""
    ordered = _order(query, order)
    parts = {
        "where": _where(query, restrictions, kinds),
        "order": ordered,
        "json": json_object(columns, query.columns),
        "most": SQL("") if statement == EVERY_ROW else OF_A_PAGE,
        "within": WITHIN if bound else SQL(""),
        "bound": BOUND.format(most=bound, order=ordered) if bound else SQL(""),
    }
    whole = SQL(statement).format(
        **parts,
        prelude=query.prelude.format(**parts) if query.prelude else SQL(""),
        rows=query.rows.format(**parts),
        total=_total(query, restrictions, kinds, parts["where"]),
    )
    return whole.as_string().encode()


def _total(query: ListQuery, restrictions: Sequence[str], kinds: Kinds, where: Composable) -> Composable:
    """Return the total from counters, if they have it. Else rows are counted.

    Of callers with projects and other scopes, only rows that they see by a project alone are counted.
    """
    if query.stored_total is None:
        return query.total.format(where=where)
    if kinds is not None:
        kinds = tuple(each for each in kinds if each[0] in query.visibility)
    filters = [name for name in restrictions if name in query.filters]
    if scope := stored_count(filters, kinds):
        return query.stored_total.format(scope=scope)
    projects = tuple(each for each in kinds or () if each[0] == "projects")
    others = tuple(each for each in kinds or () if each[0] != "projects")
    if projects and others and (scope := stored_count(filters, others)):
        conditions = _where(query, restrictions, projects), _visible(query, others)
        rest = query.total.format(where=SQL("{} AND NOT {}").format(*conditions))
        return SQL("SELECT ({}) + ({}) AS total").format(query.stored_total.format(scope=scope), rest)
    return query.total.format(where=where)


def _where(query: ListQuery, restrictions: Sequence[str], kinds: Kinds) -> Composable:
    conditions: list[Composable] = [query.filters[name] for name in restrictions if name in query.filters]
    if kinds is not None:
        conditions.append(_visible(query, kinds))
    return SQL(" AND ").join(conditions) if conditions else SQL("true")


def _visible(query: ListQuery, kinds: tuple[tuple[str, bool], ...]) -> Composable:
    """Return the condition that a scope sees a row. A single scope is an equality, which can use an index."""
    conditions = [
        (SQL("{} = ({}::uuid[])[1]") if single else SQL("{} = ANY({})")).format(
            query.visibility[kind], Placeholder(kind)
        )
        for kind, single in kinds
        if kind in query.visibility
    ]
    return SQL("({})").format(SQL(" OR ").join(conditions)) if conditions else SQL("false")


def _order(query: ListQuery, order: Sequence[tuple[str, bool]]) -> Composable:
    keys = [SQL("{} {}").format(query.orders[name], SQL("DESC" if down else "ASC")) for name, down in order]
    return SQL(", ").join([*keys, query.last]) if keys else query.default


def total_of(cursor: Cursor[DictRow]) -> int:
    """Return the `total` that a statement counted."""
    row = cursor.fetchone()
    assert row is not None
    total: int = row["total"]
    return total
