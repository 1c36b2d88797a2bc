"""Names around the usages of a page: those of resource, offering, project, customer and component.

They are looked up and written once for each resource and each component of the page, however many rows they
have.
"""

from psycopg.sql import SQL

from projections.queries.json_columns import Written

# Joined to usages `u` of a `page`. Names are looked up row by row (OFFSET 0 keeps it so): a join would be
# planned for hundreds of rows and read all of a table of thousands. The page is joined by full joins, as they
# are never nested loops. PostgreSQL would choose those where it takes a page for smaller than it is, and they
# would look up each name for every row again.
JOINS = """
FULL JOIN (
    SELECT
        w.resource_uuid AS of_resource,
        to_json(r.name)::text AS resource_name, encode(uuid_send(w.resource_uuid), 'hex') AS resource_uuid,
        to_json(o.name)::text AS offering_name, encode(uuid_send(w.offering_uuid), 'hex') AS offering_uuid,
        to_json(p.name)::text AS project_name, encode(uuid_send(w.project_uuid), 'hex') AS project_uuid,
        to_json(cu.name)::text AS customer_name, encode(uuid_send(w.customer_uuid), 'hex') AS customer_uuid
    FROM (
        SELECT DISTINCT ON (resource_uuid) resource_uuid, offering_uuid, project_uuid, customer_uuid FROM page
    ) w
    LEFT JOIN LATERAL (SELECT name FROM resource WHERE uuid = w.resource_uuid OFFSET 0) r ON true
    LEFT JOIN LATERAL (SELECT name FROM offering WHERE uuid = w.offering_uuid OFFSET 0) o ON true
    LEFT JOIN LATERAL (SELECT name FROM project WHERE uuid = w.project_uuid OFFSET 0) p ON true
    LEFT JOIN LATERAL (SELECT name FROM customer WHERE uuid = w.customer_uuid OFFSET 0) cu ON true
    OFFSET 0
) n ON n.of_resource = u.resource_uuid
FULL JOIN (
    SELECT w.component_uuid, to_json(c.name)::text AS name, to_json(c.measured_unit)::text AS measured_unit
    FROM (SELECT DISTINCT component_uuid FROM page) w
    LEFT JOIN LATERAL (
        SELECT name, measured_unit FROM component WHERE uuid = w.component_uuid OFFSET 0) c ON true
    OFFSET 0
) c ON c.component_uuid = u.component_uuid"""

COLUMNS = {
    "component_name": Written(SQL("c.name")),
    "measured_unit": Written(SQL("c.measured_unit")),
    "resource_name": Written(SQL("n.resource_name")),
    "resource_uuid": Written(SQL("n.resource_uuid")),
    "offering_name": Written(SQL("n.offering_name")),
    "offering_uuid": Written(SQL("n.offering_uuid")),
    "project_name": Written(SQL("n.project_name")),
    "project_uuid": Written(SQL("n.project_uuid")),
    "customer_name": Written(SQL("n.customer_name")),
    "customer_uuid": Written(SQL("n.customer_uuid")),
}
"""Values of these joins, by names inside."""
