-- A million usages, a million usages of users, the facts that state them, and what was replaced by later ones.
-- Rows are made of the catalogue that the journal has already: of each resource, from the month it was created in
-- on, a usage of every component and a user of that. Every fourth was reported again a week later, and every
-- eighth user. They lie in the order in which facts would have made them.

CREATE TEMPORARY TABLE usage AS
SELECT
    row_number() OVER (ORDER BY m.month, r.id, c.component_type) AS n,
    m.month::date AS month,
    m.month + interval '1 ms' * row_number() OVER (PARTITION BY m.month ORDER BY r.id, c.component_type) AS measured_at,
    md5(concat(r.uuid, c.uuid, m.month))::uuid AS uuid, md5(concat(c.uuid, m.month, r.uuid))::uuid AS stream,
    r.uuid AS resource_uuid, c.uuid AS component_uuid, c.component_type,
    r.project_uuid, r.customer_uuid, r.offering_uuid, r.provider_uuid, r.plan_uuid,
    (SELECT uuid FROM account ORDER BY id LIMIT 1) AS reported_by
FROM resource r
JOIN component c ON c.offering_uuid = r.offering_uuid
CROSS JOIN LATERAL generate_series(r.created, %(last)s::timestamptz, '1 month') AS m(month);

-- In each month all usages, all users, and then what is reported again of both.
CREATE TEMPORARY TABLE told AS
SELECT
    row_number() OVER (ORDER BY u.month, s.step, u.n) + coalesce((SELECT max(notification_id) FROM journal.ledger_events), 0) AS position,
    s.step, u.n
FROM usage u CROSS JOIN (VALUES (1, 1), (2, 1), (3, 4), (4, 8)) s(step, every)
WHERE u.n %% s.every = 0;
CREATE UNIQUE INDEX ON told (n, step);
ANALYZE usage, told;

CREATE TEMPORARY TABLE person AS
SELECT uuid, username, row_number() OVER (ORDER BY username) - 1 AS n, count(*) OVER () AS people FROM journal.person;

CREATE TEMPORARY TABLE usage_of_user AS
SELECT u.*, md5(u.uuid::text)::uuid AS user_uuid, p.uuid AS person, p.username
FROM usage u JOIN person p ON p.n = u.n %% p.people;

INSERT INTO component_usage (
    id, since, measured_at, created, version, users, billing_period, resource_uuid, uuid, component_uuid, project_uuid,
    customer_uuid, offering_uuid, provider_uuid, plan_uuid, reported_by, usage, component_type,
    missing_usage_policy, description)
SELECT
    f.position, coalesce(l.position, f.position),
    u.measured_at + CASE WHEN l.position IS NULL THEN interval '0' ELSE '7 days' END, u.measured_at,
    CASE WHEN l.position IS NULL THEN 1 ELSE 2 END, 1, u.month, u.resource_uuid, u.uuid, u.component_uuid,
    u.project_uuid, u.customer_uuid, u.offering_uuid, u.provider_uuid, u.plan_uuid, u.reported_by,
    u.n %% 100000 / 100.0, u.component_type, CASE WHEN u.n %% 20 = 0 THEN 'reuse' ELSE 'none' END, ''
FROM usage u
JOIN told f ON f.n = u.n AND f.step = 1
LEFT JOIN told l ON l.n = u.n AND l.step = 3
ORDER BY f.position;

INSERT INTO component_usage_past (
    id, since, until, measured_at, created, billing_period, resource_uuid, uuid, component_uuid, project_uuid,
    customer_uuid, offering_uuid, provider_uuid, plan_uuid, reported_by, usage, component_type,
    missing_usage_policy, description, is_moved)
SELECT
    f.position, f.position, l.position, u.measured_at, u.measured_at, u.month, u.resource_uuid, u.uuid,
    u.component_uuid, u.project_uuid, u.customer_uuid, u.offering_uuid, u.provider_uuid, u.plan_uuid,
    u.reported_by, u.n %% 50000 / 100.0, u.component_type, CASE WHEN u.n %% 20 = 0 THEN 'reuse' ELSE 'none' END, '',
    false
FROM usage u
JOIN told f ON f.n = u.n AND f.step = 1
JOIN told l ON l.n = u.n AND l.step = 3
ORDER BY l.position;

INSERT INTO user_usage (
    id, since, measured_at, created, modified, billing_period, resource_uuid, uuid, component_usage_uuid,
    component_uuid, project_uuid, customer_uuid, offering_uuid, provider_uuid, person, usage, component_type, username)
SELECT
    f.position, coalesce(l.position, f.position), c.measured_at, u.measured_at, c.measured_at, u.month,
    u.resource_uuid, u.user_uuid, u.uuid, u.component_uuid, u.project_uuid, u.customer_uuid, u.offering_uuid,
    u.provider_uuid, u.person, c.usage / 2, u.component_type, u.username
FROM usage_of_user u
JOIN component_usage c ON c.resource_uuid = u.resource_uuid AND c.billing_period = u.month AND c.uuid = u.uuid
JOIN told f ON f.n = u.n AND f.step = 2
LEFT JOIN told l ON l.n = u.n AND l.step = 4
ORDER BY f.position;

INSERT INTO user_usage_past (since, until, modified, uuid, usage)
SELECT f.position, l.position, u.measured_at, u.user_uuid, 1
FROM usage_of_user u
JOIN told f ON f.n = u.n AND f.step = 2
JOIN told l ON l.n = u.n AND l.step = 4
ORDER BY l.position;
