"""Totals of lists from counters, without counting rows: see `projections/writers/counters.py`."""

from collections.abc import Sequence

from psycopg.sql import SQL, Composable

# Is an offering one whose usage the caller sees, whoever has it?
SERVED = SQL("""= ANY(ARRAY(
    SELECT uuid FROM offering WHERE customer_uuid = ANY(%(providers)s) OR uuid = ANY(%(offerings)s)))""")

# The counters to add up, by what the caller sees and the filters of the list, but for those that narrow it.
OF_SCOPES = SQL("""(n.kind = 'offering' AND n.scope {served}
    OR n.kind = 'customer' AND n.scope = ANY(%(customers)s) AND NOT n.offering_uuid {served})""")
OF_CUSTOMER = SQL("n.kind = 'customer' AND n.scope = %(customer_uuid)s")
OF_CUSTOMER_IN_SCOPES = SQL("{customer} AND (n.scope = ANY(%(customers)s) OR n.offering_uuid {served})")
OF_PROVIDER = SQL("""n.kind = 'offering'
    AND n.scope = ANY(ARRAY(SELECT uuid FROM offering WHERE customer_uuid = %(provider_uuid)s))""")
OF_SERVED = SQL("n.kind = 'offering' AND n.scope {served}").format(served=SERVED)
IN_OFFERING = SQL("{} AND n.offering_uuid = %(offering_uuid)s")
STORED_COUNTS = {
    ("all",): SQL("n.kind = 'all'"),
    ("all", "offering_uuid"): SQL("n.kind = 'offering' AND n.scope = %(offering_uuid)s"),
    ("all", "project_uuid"): SQL("n.kind = 'project' AND n.scope = %(project_uuid)s"),
    ("all", "provider_uuid"): OF_PROVIDER,
    ("all", "customer_uuid"): OF_CUSTOMER,
    ("all", "customer_uuid", "offering_uuid"): IN_OFFERING.format(OF_CUSTOMER),
    ("served",): OF_SERVED,
    ("served", "offering_uuid"): IN_OFFERING.format(OF_SERVED),
    ("served", "customer_uuid"): SQL("{} AND n.offering_uuid {}").format(OF_CUSTOMER, SERVED),
    ("projects",): SQL("n.kind = 'project' AND n.scope = ANY(%(projects)s)"),
    ("scopes",): OF_SCOPES.format(served=SERVED),
    ("scopes", "offering_uuid"): IN_OFFERING.format(OF_SCOPES.format(served=SERVED)),
    ("scopes", "customer_uuid"): OF_CUSTOMER_IN_SCOPES.format(customer=OF_CUSTOMER, served=SERVED),
}
NARROWING = {
    "billing_period": SQL("n.month = %(billing_period)s"),
    "billing_period_year": SQL("extract(year FROM n.month) = %(billing_period_year)s"),
    "billing_period_month": SQL("extract(month FROM n.month) = %(billing_period_month)s"),
    "states": SQL("n.state = ANY(%(states)s)"),
}
"""Conditions for counters that are kept by month, or by state."""

Kinds = tuple[tuple[str, bool], ...] | None
"""The kinds of scopes that a caller has, each with whether it is a single one; None sees all."""


def stored_count(filters: Sequence[str], kinds: Kinds) -> Composable | None:
    """Return the condition for counters that add up to the total of a list, None if none do."""
    scope = STORED_COUNTS.get((_seen(kinds), *sorted(set(filters) - NARROWING.keys())))
    narrowing = [condition for name, condition in NARROWING.items() if name in filters]
    return SQL(" AND ").join([SQL("({})").format(scope), *narrowing]) if scope else None


def _seen(kinds: Kinds) -> str:
    if kinds is None:
        return "all"
    names = {kind for kind, _ in kinds}
    if names <= {"providers", "offerings"}:
        return "served"
    return "scopes" if "projects" not in names else "projects" if names == {"projects"} else "mixed"
