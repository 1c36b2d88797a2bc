-- The read tables as they were at a position: views of the same names, so that the statements of today read the
-- past. {at} is that position. Tables that are kept show the rows that held then. How many usages there were is
-- the sum of spans; other sums and counts, which are kept for now alone, are made of those rows again, but for those
-- that no report changes where nothing else has come since. What no answer shows is not here. No view is of the
-- journal, which may be restored at any time.

CREATE VIEW read_position AS
SELECT
    true AS only_row, {at} AS position, {at} AS described, NULL::text AS built_by,
    current_setting('usage_ledger.as_of_digest')::bigint AS digest;

CREATE VIEW listed_usage AS SELECT * FROM component_usage;

-- Only the figure of a user usage changes by itself; what it is listed by is that of its component usage. Both are
-- joined by one id: by more of them PostgreSQL would expect next to no rows, and sort all that there are.
CREATE VIEW user_usage AS
SELECT
    uu.id, u.measured_at, uu.created, v.modified, u.billing_period, u.resource_uuid, uu.uuid,
    uu.component_usage_uuid, uu.component_uuid, u.project_uuid, u.customer_uuid, u.offering_uuid,
    u.provider_uuid, uu.person, uu.offering_user_uuid, v.since, v.usage, u.component_type, uu.username
FROM {live}.user_usage uu
JOIN component_usage u ON u.uuid = uu.component_usage_uuid
CROSS JOIN LATERAL (
    SELECT uu.since, uu.usage, uu.modified WHERE uu.since <= {at}
    UNION ALL
    SELECT p.since, p.usage, p.modified FROM user_usage_past p
    WHERE uu.since > {at} AND p.uuid = uu.uuid AND p.since <= {at} AND p.until > {at}
) v
WHERE uu.id <= {at};

CREATE VIEW usage_count_span AS SELECT * FROM {live}.usage_count_span WHERE span < {at} / {span};

CREATE VIEW usage_count AS
SELECT
    kind, scope, month, offering_uuid, sum(component_usages)::bigint AS component_usages,
    sum(user_usages)::bigint AS user_usages
FROM (
    SELECT kind, scope, month, offering_uuid, component_usages, user_usages FROM usage_count_span
    UNION ALL
    SELECT s.kind, s.scope, c.billing_period, s.offering_uuid, c.usages, c.users
    FROM ({changes_of_span}) c CROSS JOIN LATERAL {scopes}
) c
GROUP BY kind, scope, month, offering_uuid
HAVING sum(component_usages) > 0;

CREATE VIEW resource_count AS
SELECT 'all' AS kind, {nil} AS scope, {nil} AS offering_uuid, state, count(*) AS resources
FROM resource GROUP BY state
UNION ALL
SELECT 'offering', offering_uuid, offering_uuid, state, count(*) FROM resource GROUP BY offering_uuid, state
UNION ALL
SELECT 'project', project_uuid, {nil}, state, count(*) FROM resource GROUP BY project_uuid, state
UNION ALL
SELECT 'customer', customer_uuid, offering_uuid, state, count(*)
FROM resource GROUP BY customer_uuid, offering_uuid, state;

CREATE VIEW offering_user_count AS
SELECT 'all' AS kind, {nil} AS scope, {nil} AS offering_uuid, count(*) AS offering_users
FROM offering_user HAVING count(*) > 0
UNION ALL
SELECT 'offering', offering_uuid, offering_uuid, count(*) FROM offering_user GROUP BY offering_uuid;

CREATE VIEW user_usage_limit_count AS
SELECT 'all' AS kind, {nil} AS scope, {nil} AS offering_uuid, count(*) AS limits
FROM user_usage_limit HAVING count(*) > 0
UNION ALL
SELECT 'offering', offering_uuid, offering_uuid, count(*) FROM user_usage_limit GROUP BY offering_uuid
UNION ALL
SELECT 'project', project_uuid, {nil}, count(*) FROM user_usage_limit GROUP BY project_uuid
UNION ALL
SELECT 'customer', customer_uuid, offering_uuid, count(*)
FROM user_usage_limit GROUP BY customer_uuid, offering_uuid;

CREATE VIEW project_usage AS
SELECT
    u.project_uuid, u.component_uuid, u.billing_period AS month, u.offering_uuid, count(*) AS usages,
    count(*) FILTER (WHERE {is_terminated}) AS usages_terminated, sum(u.usage) AS used,
    coalesce(sum(u.usage) FILTER (WHERE {is_terminated}), 0.00) AS used_terminated
FROM component_usage u LEFT JOIN resource r ON r.uuid = u.resource_uuid
GROUP BY u.project_uuid, u.component_uuid, u.billing_period, u.offering_uuid;

CREATE VIEW monthly_consumption AS
SELECT component_uuid, billing_period AS month, count(*) AS usages, sum(usage) AS total
FROM component_usage GROUP BY component_uuid, billing_period;

CREATE VIEW project_offering AS
SELECT project_uuid, offering_uuid, resources, terminated FROM {live}.project_offering WHERE {only_reports}
UNION ALL
SELECT project_uuid, offering_uuid, count(*), count(*) FILTER (WHERE {is_terminated})
FROM resource r WHERE NOT {only_reports} GROUP BY project_uuid, offering_uuid;

CREATE VIEW project_limit AS
SELECT project_uuid, offering_uuid, component_type, amount, resources
FROM {live}.project_limit WHERE {only_reports}
UNION ALL
SELECT r.project_uuid, r.offering_uuid, l.key COLLATE "C", sum(l.value::numeric), count(*)
FROM resource r CROSS JOIN LATERAL jsonb_each_text(r.limits) l
WHERE NOT {only_reports} AND NOT {is_terminated} AND l.value IS NOT NULL
GROUP BY r.project_uuid, r.offering_uuid, l.key COLLATE "C";

CREATE VIEW manifest AS SELECT * FROM {live}.manifest WHERE id <= {at};

CREATE VIEW reporting_count AS {reporting_count};

CREATE VIEW silence AS {silence};

-- What each description of a resource added to the sums of its month, less what the one before it had added.
CREATE VIEW allocation_change AS
WITH described AS (
    SELECT
        uuid, offering_uuid, state, limits, date_trunc('month', modified)::date AS month,
        lag(v.uuid) OVER before IS NULL AS is_first, lag(offering_uuid) OVER before AS offering_before,
        lag(state) OVER before AS state_before, lag(limits) OVER before AS limits_before
    FROM resource_versions v WHERE since <= {at}
    WINDOW before AS (PARTITION BY uuid ORDER BY since)
)
SELECT
    c.offering_uuid, l.key COLLATE "C" AS component_type, d.month, d.is_first,
    sum(c.sign * l.value::numeric) AS amount, sum(c.sign)::bigint AS resources
FROM described d
CROSS JOIN LATERAL (VALUES
    (1, d.offering_uuid, d.state, d.limits), (-1, d.offering_before, d.state_before, d.limits_before)
) c(sign, offering_uuid, state, limits)
CROSS JOIN LATERAL jsonb_each_text(c.limits) l
WHERE l.value IS NOT NULL AND c.state = ANY({allocating})
  AND (d.offering_uuid, d.state, d.limits) IS DISTINCT FROM (d.offering_before, d.state_before, d.limits_before)
GROUP BY c.offering_uuid, l.key COLLATE "C", d.month, d.is_first;

-- The first description of a component counts for the time before, too.
CREATE VIEW component_limit AS
WITH described AS (
    SELECT uuid, since, limit_amount, date_trunc('month', modified)::date AS month
    FROM component_versions WHERE since <= {at}
)
(SELECT DISTINCT ON (uuid, month) uuid AS component_uuid, month, limit_amount
 FROM described ORDER BY uuid, month, since DESC)
UNION ALL
(SELECT DISTINCT ON (uuid) uuid, '-infinity', limit_amount FROM described ORDER BY uuid, since);

-- Both are made once, and not for each component anew.
CREATE VIEW allocation AS
WITH allocation_change AS MATERIALIZED (SELECT * FROM allocation_change),
component_limit AS MATERIALIZED (SELECT * FROM component_limit),
touched AS (SELECT uuid, offering_uuid, component_type FROM component), {spans}
SELECT component_uuid, since, until, if_used, amount FROM spans WHERE NOT {only_reports}
UNION ALL
SELECT component_uuid, since, until, if_used, amount FROM {live}.allocation WHERE {only_reports};
