-- Gives each table with `since` and `until` a table of what its rows were (`_past`), and one that reads both
-- (`_versions`). A row goes to the past when another fact replaces it, or when it is deleted after a fact said
-- so in `until`. Those of usages, which are many, are moved by their writers.
CREATE FUNCTION keep_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    OLD.until := coalesce(OLD.until, NEW.since);
    EXECUTE format('INSERT INTO %I.%I SELECT ($1).*', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_past') USING OLD;
    RETURN NULL;
END $$;

DO $$
DECLARE
    kept text;
    single text;
BEGIN
    FOREACH kept IN ARRAY ARRAY[
        'customer', 'project', 'category', 'service_provider', 'offering', 'component', 'plan', 'plan_component',
        'plan_period',
        'resource', 'offering_user', 'user_usage_limit', 'account',
        'billing_month', 'correction', 'agent_identity', 'agent_service', 'agent_processor'
    ]
    LOOP
        EXECUTE format('CREATE TABLE %I (LIKE %I)', kept || '_versions', kept);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING INDEXES)', kept || '_past', kept);
        FOR single IN
            SELECT conname FROM pg_constraint
            WHERE conrelid = (kept || '_past')::regclass AND contype IN ('p', 'u')
        LOOP
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', kept || '_past', single);
        END LOOP;
        EXECUTE format(
            'CREATE INDEX ON %I (%I)', kept || '_past',
            CASE kept WHEN 'plan_component' THEN 'component_uuid'
                WHEN 'billing_month' THEN 'offering_uuid' ELSE 'uuid' END);
        EXECUTE format('ALTER TABLE %I INHERIT %I', kept, kept || '_versions');
        EXECUTE format('ALTER TABLE %I INHERIT %I', kept || '_past', kept || '_versions');
        EXECUTE format(
            'CREATE TRIGGER keep_replaced AFTER UPDATE ON %I FOR EACH ROW'
            ' WHEN (OLD.since <> NEW.since) EXECUTE FUNCTION %I.keep_past()', kept, current_schema());
        EXECUTE format(
            'CREATE TRIGGER keep_removed AFTER DELETE ON %I FOR EACH ROW'
            ' WHEN (OLD.until IS NOT NULL) EXECUTE FUNCTION %I.keep_past()', kept, current_schema());
    END LOOP;
END $$;
