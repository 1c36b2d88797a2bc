"""What somebody sees usage of: projects, customers and offerings, with how many resources each has.

Each is looked at with its resources, by project and offering, as `x`: so what is seen, what is asked for and
what is counted is told by the same conditions. Price: a page reads all of these, which are fewer than
resources, and of the size of the catalogue.
"""

from typing import LiteralString

from psycopg.sql import SQL

from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

VISIBLE_BY = {
    "customers": SQL("x.customer_uuid"),
    "providers": SQL("x.provider_uuid"),
    "projects": SQL("x.project_uuid"),
    "offerings": SQL("x.offering_uuid"),
}

FILTERS = {
    "uuid": SQL("x.uuid = %(uuid)s"),
    "name_part": SQL('x.name COLLATE "default" ILIKE %(name_part)s'),
    "customer_uuid": SQL("x.customer_uuid = %(customer_uuid)s"),
    "provider_uuid": SQL("x.provider_uuid = %(provider_uuid)s"),
}
"""Conditions by name. `name_part` is an ILIKE pattern."""

OF_PROJECTS = """
SELECT
    p.uuid AS project_uuid, p.customer_uuid, o.uuid AS offering_uuid, o.customer_uuid AS provider_uuid,
    n.resources
FROM project p
LEFT JOIN project_offering n ON n.project_uuid = p.uuid
LEFT JOIN offering o ON o.uuid = n.offering_uuid"""

OF_OFFERINGS = """
SELECT
    n.project_uuid, p.customer_uuid, o.uuid AS offering_uuid, o.customer_uuid AS provider_uuid, n.resources
FROM offering o
LEFT JOIN project_offering n ON n.offering_uuid = o.uuid
LEFT JOIN project p ON p.uuid = n.project_uuid"""

PROJECTS_SEEN = f"""
SELECT x.uuid, x.name, x.owner_uuid, coalesce(sum(x.resources), 0)::bigint AS resources
FROM (
    SELECT p.uuid, p.name, p.customer_uuid AS owner_uuid, x.*
    FROM ({OF_PROJECTS}) x JOIN project p ON p.uuid = x.project_uuid
) x
WHERE {{where}} GROUP BY x.uuid, x.name, x.owner_uuid"""  # noqa: S608 - of constants

OFFERINGS_SEEN = f"""
SELECT x.uuid, x.name, x.owner_uuid, coalesce(sum(x.resources), 0)::bigint AS resources
FROM (
    SELECT o.uuid, o.name, o.customer_uuid AS owner_uuid, x.*
    FROM ({OF_OFFERINGS}) x JOIN offering o ON o.uuid = x.offering_uuid
) x
WHERE {{where}} GROUP BY x.uuid, x.name, x.owner_uuid"""  # noqa: S608 - of constants

# A customer is looked at by itself, too: whoever has a role there sees it without any resource. What it has
# of its own offerings is counted once.
CUSTOMERS_SEEN = f"""
SELECT
    x.uuid, x.name, bool_or(x.is_provider) AS is_provider, bool_or(x.is_consumer) AS is_consumer,
    coalesce(sum(x.resources), 0)::bigint AS resources
FROM (
    SELECT c.uuid, c.name, s.*
    FROM (
        SELECT customer_uuid AS owner_uuid, false AS is_provider, true AS is_consumer, x.*
        FROM ({OF_PROJECTS}) x
        UNION ALL
        SELECT
            provider_uuid, true, false, project_uuid, customer_uuid, offering_uuid, provider_uuid,
            CASE WHEN customer_uuid = provider_uuid THEN 0 ELSE resources END
        FROM ({OF_OFFERINGS}) x
        UNION ALL
        SELECT uuid, false, false, NULL, uuid, NULL, uuid, 0 FROM customer
    ) s JOIN customer c ON c.uuid = s.owner_uuid
) x
WHERE {{where}} GROUP BY x.uuid, x.name"""  # noqa: S608 - of constants

OWNED: Values = {
    "uuid": SQL("s.uuid"),
    "name": SQL("s.name"),
    "owner_uuid": SQL("s.owner_uuid"),
    "owner_name": SQL("w.name"),
    "resources": SQL("s.resources"),
}

OWNER = "LEFT JOIN customer w ON w.uuid = s.owner_uuid"


def _list(
    seen: LiteralString, columns: Values, orders: dict[str, SQL], owner: LiteralString = ""
) -> ListQuery:
    rows = f"SELECT {{json}} FROM seen s {owner} ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s"  # noqa: S608 - of constants
    return ListQuery(
        SQL(rows),
        SQL("SELECT count(*) AS total FROM seen"),
        columns,
        FILTERS,
        orders,
        default=SQL("s.name, s.uuid"),
        last=SQL("s.uuid"),
        visibility=VISIBLE_BY,
        prelude=SQL(f"WITH seen AS MATERIALIZED ({seen})"),
    )


NAME = {"name": SQL("s.name")}

PROJECTS = _list(PROJECTS_SEEN, OWNED, {**NAME, "customer_name": SQL("w.name")}, OWNER)
"""Projects by name, with the customer that owns each."""

OFFERINGS = _list(OFFERINGS_SEEN, OWNED, {**NAME, "provider_name": SQL("w.name")}, OWNER)
"""Offerings by name, with the customer that provides each."""

CUSTOMERS = _list(
    CUSTOMERS_SEEN,
    {
        "uuid": SQL("s.uuid"),
        "name": SQL("s.name"),
        "is_provider": SQL("s.is_provider"),
        "is_consumer": SQL("s.is_consumer"),
        "resources": SQL("s.resources"),
    },
    NAME,
)
"""Customers by name: those with projects or offerings that are seen, and those with a role on themselves."""
