-- The facts of these rows, of one month: the journal is told a month at a time, so that its tree grows with it.

INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state, notification_id)
SELECT
    u.stream, CASE WHEN t.step = 4 AND u.n %% 4 = 0 THEN 4 ELSE least(t.step, 3) END,
    CASE WHEN t.step IN (2, 4) THEN 'UserUsageReported' ELSE 'UsageReported' END,
    convert_to(concat(
        '{"recorded_at":"', to_char(u.measured_at + CASE WHEN t.step > 2 THEN interval '7 days' ELSE '0' END,
            'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        '","usage_uuid":"', encode(uuid_send(u.uuid), 'hex'), '","resource_uuid":"',
        encode(uuid_send(u.resource_uuid), 'hex'), '","component_uuid":"', encode(uuid_send(u.component_uuid), 'hex'),
        '","component_type":"', u.component_type, '","month":"', u.month, '","project_uuid":"',
        encode(uuid_send(u.project_uuid), 'hex'), '","customer_uuid":"', encode(uuid_send(u.customer_uuid), 'hex'),
        '","offering_uuid":"', encode(uuid_send(u.offering_uuid), 'hex'), '","provider_uuid":"',
        encode(uuid_send(u.provider_uuid), 'hex'), '","measured_at":"',
        to_char(u.measured_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '","reported_by":"',
        encode(uuid_send(u.reported_by), 'hex'), '","amount":"', round(u.n %% 100000 / 100.0, 2),
        CASE WHEN t.step IN (2, 4)
            THEN concat('","user_usage_uuid":"', encode(uuid_send(u.user_uuid), 'hex'), '","person":"',
                encode(uuid_send(u.person), 'hex'), '","commitment":"', repeat('0', 64))
            ELSE concat('","plan_amount":"', round(u.n %% 100000 / 100.0, 2), '","plan_uuid":"',
                encode(uuid_send(u.plan_uuid), 'hex'))
        END, '"}'), 'UTF8'),
    t.position
FROM usage_of_user u JOIN told t ON t.n = u.n
WHERE u.month = %(month)s
ORDER BY t.position;
