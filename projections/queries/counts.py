"""Totals of lists from counters, without counting rows: see `projections/writers/counters.py`."""

from collections.abc import Sequence

from psycopg.sql import SQL, Composable

# Is an offering one whose usage the caller sees, whoever has it?
SERVED = SQL("""= ANY(ARRAY(
    SELECT uuid FROM offering WHERE customer_uuid = ANY(%(providers)s) OR uuid = ANY(%(offerings)s)))""")

# The counters to add up, by what the caller sees and the filters of the list, but for the month.
OF_SCOPES = SQL("""(n.kind = 'offering' AND n.scope {served}
    OR n.kind = 'customer' AND n.scope = ANY(%(customers)s) AND NOT n.offering_uuid {served})""")
OF_CUSTOMER = SQL("n.kind = 'customer' AND n.scope = %(customer_uuid)s")
OF_CUSTOMER_IN_SCOPES = SQL("{customer} AND (n.scope = ANY(%(customers)s) OR n.offering_uuid {served})")
IN_OFFERING = SQL("{} AND n.offering_uuid = %(offering_uuid)s")
STORED_COUNTS = {
    ("all",): SQL("n.kind = 'all'"),
    ("all", "offering_uuid"): SQL("n.kind = 'offering' AND n.scope = %(offering_uuid)s"),
    ("all", "project_uuid"): SQL("n.kind = 'project' AND n.scope = %(project_uuid)s"),
    ("all", "customer_uuid"): OF_CUSTOMER,
    ("all", "customer_uuid", "offering_uuid"): IN_OFFERING.format(OF_CUSTOMER),
    ("projects",): SQL("n.kind = 'project' AND n.scope = ANY(%(projects)s)"),
    ("scopes",): OF_SCOPES.format(served=SERVED),
    ("scopes", "offering_uuid"): IN_OFFERING.format(OF_SCOPES.format(served=SERVED)),
    ("scopes", "customer_uuid"): OF_CUSTOMER_IN_SCOPES.format(customer=OF_CUSTOMER, served=SERVED),
}
IN_MONTH = SQL("{} AND n.month = %(billing_period)s")

Kinds = tuple[tuple[str, bool], ...] | None
"""The kinds of scopes that a caller has, each with whether it is a single one; None sees all."""


def stored_count(filters: Sequence[str], kinds: Kinds) -> Composable | None:
    """Return the condition for counters that add up to the total of a list, None if none do."""
    scope = STORED_COUNTS.get((_seen(kinds), *sorted(set(filters) - {"billing_period"})))
    return IN_MONTH.format(scope) if scope and "billing_period" in filters else scope


def _seen(kinds: Kinds) -> str:
    if kinds is None:
        return "all"
    names = {kind for kind, _ in kinds}
    return "scopes" if "projects" not in names else "projects" if names == {"projects"} else "mixed"
