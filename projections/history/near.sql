-- The past near the end of the journal: views in front of those of `as_of.sql`, where little has changed since. Lists
-- find what was replaced by its end, and sort it; sums and counts are those of now, less what came since. Both
-- are true at any position. {at} is that position.

-- In a view PostgreSQL would expect a third of all rows to be after any position, and plan for as many. Of a function
-- it is told how few there are; and starts no workers for them, as functions are for one process.
-- Columns are named here, as a dump has them in another order where a table has a parent.
CREATE FUNCTION replaced_usage(at bigint) RETURNS SETOF {live}.component_usage_versions
LANGUAGE sql STABLE STRICT ROWS 300 SET enable_seqscan TO off
BEGIN ATOMIC
    SELECT {columns} FROM {live}.component_usage_past WHERE until > at AND since <= at;
END;

CREATE FUNCTION later_usage(at bigint) RETURNS TABLE (
    project_uuid uuid, component_uuid uuid, billing_period date, offering_uuid uuid, is_terminated boolean, usage numeric)
LANGUAGE sql STABLE STRICT ROWS 300 SET enable_seqscan TO off
BEGIN ATOMIC
    SELECT project_uuid, component_uuid, billing_period, offering_uuid, is_terminated, usage
    FROM {live}.component_usage WHERE id > at;
END;

CREATE VIEW listed_usage AS
SELECT * FROM (
    SELECT {columns} FROM {live}.component_usage
    UNION ALL
    SELECT {columns} FROM replaced_usage({at})
) u
WHERE since <= {at} AND measured_at <= {latest};

CREATE VIEW usage_count AS
SELECT
    kind, scope, month, offering_uuid, sum(component_usages)::bigint AS component_usages,
    sum(user_usages)::bigint AS user_usages
FROM (
    SELECT kind, scope, month, offering_uuid, component_usages, user_usages FROM {live}.usage_count
    UNION ALL
    SELECT s.kind, s.scope, c.billing_period, s.offering_uuid, -c.usages, -c.users
    FROM ({changes_since}) c CROSS JOIN LATERAL {scopes}
) c
GROUP BY kind, scope, month, offering_uuid
HAVING sum(component_usages) > 0;

-- What is to be added to sums of now, of usages where they are now.
CREATE VIEW usage_change AS
SELECT
    project_uuid, component_uuid, billing_period AS month, offering_uuid, is_terminated, -1 AS usages, -usage AS used
FROM later_usage({at})
UNION ALL
SELECT
    n.project_uuid, n.component_uuid, n.billing_period, n.offering_uuid, n.is_terminated, 0, r.usage - n.usage
FROM replaced_usage({at}) r JOIN {live}.component_usage n USING (resource_uuid, billing_period, uuid);

-- No usage leaves its component, or its month.
CREATE VIEW monthly_consumption AS
SELECT
    n.component_uuid, n.month, n.usages + coalesce(c.usages, 0) AS usages, n.total + coalesce(c.used, 0) AS total
FROM {live}.monthly_consumption n LEFT JOIN (
    SELECT component_uuid, month, sum(usages) AS usages, sum(used) AS used FROM usage_change
    GROUP BY component_uuid, month
) c USING (component_uuid, month)
WHERE n.usages + coalesce(c.usages, 0) > 0;

-- Usages move with resources, and count apart where these are terminated: neither by a report.
CREATE VIEW project_usage AS
SELECT
    n.project_uuid, n.component_uuid, n.month, n.offering_uuid, n.usages + coalesce(c.usages, 0) AS usages,
    n.usages_terminated + coalesce(c.usages_terminated, 0) AS usages_terminated, n.used + coalesce(c.used, 0) AS used,
    n.used_terminated + coalesce(c.used_terminated, 0) AS used_terminated
FROM {live}.project_usage n LEFT JOIN (
    SELECT
        project_uuid, component_uuid, month, offering_uuid, sum(usages) AS usages, sum(used) AS used,
        sum(is_terminated::integer * usages) AS usages_terminated,
        sum(is_terminated::integer * used) AS used_terminated
    FROM usage_change GROUP BY project_uuid, component_uuid, month, offering_uuid
) c USING (project_uuid, component_uuid, month, offering_uuid)
WHERE {only_reports} AND n.usages + coalesce(c.usages, 0) > 0
UNION ALL
SELECT
    project_uuid, component_uuid, month, offering_uuid, usages, usages_terminated, used, used_terminated
FROM {views}.project_usage WHERE NOT {only_reports};
