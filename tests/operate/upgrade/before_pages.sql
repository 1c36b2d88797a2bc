--
-- PostgreSQL database dump
--


-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: journal; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA journal;


--
-- Name: read_models; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA read_models;


--
-- Name: read_models_as_of; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA read_models_as_of;


--
-- Name: stored_event_uuid; Type: TYPE; Schema: journal; Owner: -
--

CREATE TYPE journal.stored_event_uuid AS (
	originator_id uuid,
	originator_version bigint,
	topic text,
	state bytea
);


--
-- Name: add_leaves(bytea, bigint[]); Type: FUNCTION; Schema: journal; Owner: -
--

CREATE FUNCTION journal.add_leaves(added bytea, positions bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    first bigint;  -- the leaf that `added` begins with
    begun int;  -- leaves of the tile that is not full yet
    number int := cardinality(positions);
    done int := 0;
BEGIN
    SELECT t.first_leaf + octet_length(t.hashes) / 32 INTO first
    FROM journal.tree_tail t ORDER BY t.first_leaf DESC LIMIT 1;
    IF first IS NULL THEN
        RAISE EXCEPTION 'the journal has no tree: start the ledger again' USING ERRCODE = 'LG002';
    END IF;
    begun := first % 256;
    IF begun = 0 THEN
        DELETE FROM journal.tree_tail;  -- a row without hashes, in whose place others come
    END IF;
    IF begun + number < 256 THEN
        INSERT INTO journal.tree_tail VALUES (first, positions[number], added);
        RETURN;
    END IF;
    IF begun > 0 THEN
        SELECT string_agg(t.hashes, '' ORDER BY t.first_leaf) || added INTO added
        FROM journal.tree_tail t WHERE t.first_leaf >= first - begun;
    END IF;
    DELETE FROM journal.tree_tail;
    WHILE octet_length(added) - done * 32 >= 8192 LOOP
        done := done + 256;
        PERFORM journal.add_tile(
            (first - begun + done) / 256 - 1, positions[done - begun],
            substr(added, done * 32 - 8191, 8192));
    END LOOP;
    INSERT INTO journal.tree_tail
    VALUES (first - begun + done, positions[number], substr(added, done * 32 + 1));
END $$;


--
-- Name: add_tile(bigint, bigint, bytea); Type: FUNCTION; Schema: journal; Owner: -
--

CREATE FUNCTION journal.add_tile(number bigint, last_position bigint, hashes bytea) RETURNS void
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_variable
DECLARE
    depth int := 0;
    top bytea;
BEGIN
    LOOP
        top := journal.tree_root(hashes);
        INSERT INTO journal.tree_tile VALUES (depth, number, last_position, top, hashes);
        EXIT WHEN number % 256 < 255;
        number := number / 256;
        SELECT string_agg(t.root, '' ORDER BY t.index) INTO hashes FROM journal.tree_tile t
        WHERE t.level = depth AND t.index >= number * 256 AND t.index < number * 256 + 256;
        depth := depth + 1;
    END LOOP;
END $$;


--
-- Name: es_insert_events_uuid(journal.stored_event_uuid[]); Type: FUNCTION; Schema: journal; Owner: -
--

CREATE FUNCTION journal.es_insert_events_uuid(events journal.stored_event_uuid[]) RETURNS SETOF bigint
    LANGUAGE plpgsql
    AS $$BEGIN    SET LOCAL lock_timeout = '0s';    NOTIFY "ledger_events";    RETURN QUERY    INSERT INTO "journal"."ledger_events" AS t (    originator_id, originator_version, topic, state)    SELECT originator_id, originator_version, topic, state    FROM unnest(events)    RETURNING notification_id;END;$$;


--
-- Name: follow_journal(bigint); Type: FUNCTION; Schema: journal; Owner: -
--

CREATE FUNCTION journal.follow_journal(most bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    added bytea;
    positions bigint[];
BEGIN
    SELECT string_agg(n.leaf, '' ORDER BY n.position), array_agg(n.position ORDER BY n.position)
    INTO added, positions
    FROM (
        SELECT notification_id AS position, CASE
    WHEN octet_length(state) < 60000 OR octet_length(convert_to(
    encode(uuid_send(originator_id), 'hex') || ' ' || originator_version || ' '
    || notification_id || ' ' || topic || chr(10), 'UTF8') || state) <= 65535
    THEN sha256('\x00'::bytea || convert_to(
    encode(uuid_send(originator_id), 'hex') || ' ' || originator_version || ' '
    || notification_id || ' ' || topic || chr(10), 'UTF8') || state)
    ELSE sha256('\x00'::bytea || convert_to(
    encode(uuid_send(originator_id), 'hex') || ' ' || originator_version || ' '
    || notification_id || ' ' || topic || chr(10), 'UTF8') || convert_to('sha256:' || encode(sha256(state), 'hex'), 'UTF8'))
END AS leaf FROM journal.ledger_events
        WHERE notification_id > (
            SELECT t.last_position FROM journal.tree_tail t ORDER BY t.first_leaf DESC LIMIT 1)
        ORDER BY notification_id LIMIT most
    ) n;
    IF added IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM journal.add_leaves(added, positions);
    RETURN cardinality(positions);
END $$;


--
-- Name: grow_tree(); Type: FUNCTION; Schema: journal; Owner: -
--

CREATE FUNCTION journal.grow_tree() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    added bytea;
    positions bigint[];
BEGIN
    SELECT string_agg(n.leaf, '' ORDER BY n.position), array_agg(n.position ORDER BY n.position)
    INTO added, positions
    FROM (SELECT notification_id AS position, CASE
    WHEN octet_length(state) < 60000 OR octet_length(convert_to(
    encode(uuid_send(originator_id), 'hex') || ' ' || originator_version || ' '
    || notification_id || ' ' || topic || chr(10), 'UTF8') || state) <= 65535
    THEN sha256('\x00'::bytea || convert_to(
    encode(uuid_send(originator_id), 'hex') || ' ' || originator_version || ' '
    || notification_id || ' ' || topic || chr(10), 'UTF8') || state)
    ELSE sha256('\x00'::bytea || convert_to(
    encode(uuid_send(originator_id), 'hex') || ' ' || originator_version || ' '
    || notification_id || ' ' || topic || chr(10), 'UTF8') || convert_to('sha256:' || encode(sha256(state), 'hex'), 'UTF8'))
END AS leaf FROM appended OFFSET 0) n;
    IF added IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO journal.tree_tail
    SELECT t.first_leaf + octet_length(t.hashes) / 32, positions[cardinality(positions)], added
    FROM (SELECT * FROM journal.tree_tail ORDER BY first_leaf DESC LIMIT 1) t
    WHERE t.hashes <> ''
      AND t.first_leaf % 256 + octet_length(t.hashes) / 32 + cardinality(positions) < 256;
    IF NOT FOUND THEN
        PERFORM journal.add_leaves(added, positions);
    END IF;
    RETURN NULL;
END $$;


--
-- Name: refuse_change(); Type: FUNCTION; Schema: journal; Owner: -
--

CREATE FUNCTION journal.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;


--
-- Name: refuse_gap(); Type: FUNCTION; Schema: journal; Owner: -
--

CREATE FUNCTION journal.refuse_gap() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (
        SELECT FROM appended n WHERE n.originator_version <> 1 AND (
            SELECT true FROM journal.ledger_events e
            WHERE e.originator_id = n.originator_id AND e.originator_version = n.originator_version - 1
        ) IS NULL
    ) THEN
        RAISE EXCEPTION 'a stream of the journal lacks the fact before' USING ERRCODE = 'LG001';
    END IF;
    RETURN NULL;
END $$;


--
-- Name: tree_root(bytea); Type: FUNCTION; Schema: journal; Owner: -
--

CREATE FUNCTION journal.tree_root(hashes bytea) RETURNS bytea
    LANGUAGE plpgsql
    AS $$
BEGIN
    WHILE octet_length(hashes) > 32 LOOP
        SELECT string_agg(sha256('\x01'::bytea || substr(hashes, at, 64)), '' ORDER BY at) INTO hashes
        FROM generate_series(1, octet_length(hashes), 64) at;
    END LOOP;
    RETURN hashes;
END $$;


--
-- Name: count_spans(); Type: FUNCTION; Schema: read_models; Owner: -
--

CREATE FUNCTION read_models.count_spans() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
    -- As a text, to be planned for these positions: a plan for any would read whole tables.
    EXECUTE $count$
INSERT INTO usage_count_span (kind, scope, offering_uuid, month, span, component_usages)
SELECT s.kind, s.scope, s.offering_uuid, c.billing_period, c.span, sum(c.usages)
FROM (
    SELECT billing_period, project_uuid, customer_uuid, offering_uuid, position / 1024 AS span,
        sum(sign) AS usages
    FROM (
    SELECT id AS position, 1 AS sign, billing_period, project_uuid, customer_uuid, offering_uuid
    FROM component_usage_versions WHERE since = id AND id >= $1 AND id < $2
    UNION ALL
    SELECT p.until, v.sign, p.billing_period, v.project_uuid, v.customer_uuid, v.offering_uuid
    FROM component_usage_past p CROSS JOIN LATERAL (
        SELECT -1 AS sign, p.project_uuid, p.customer_uuid, p.offering_uuid
        UNION ALL
        SELECT 1, n.project_uuid, n.customer_uuid, n.offering_uuid
        FROM component_usage_versions n WHERE n.uuid = p.uuid AND n.since = p.until
    ) v
    WHERE p.is_moved AND p.until >= $1 AND p.until < $2) c
    GROUP BY billing_period, project_uuid, customer_uuid, offering_uuid, position / 1024
) c CROSS JOIN LATERAL (VALUES
        ('all', '00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid), ('offering', c.offering_uuid, c.offering_uuid),
        ('project', c.project_uuid, '00000000-0000-0000-0000-000000000000'::uuid), ('customer', c.customer_uuid, c.offering_uuid)
    ) s(kind, scope, offering_uuid)
GROUP BY s.kind, s.scope, s.offering_uuid, c.billing_period, c.span
HAVING sum(c.usages) <> 0
ORDER BY s.kind, s.scope, c.billing_period$count$ USING OLD.position / 1024 * 1024, NEW.position / 1024 * 1024;
    RETURN NULL;
END $_$;


--
-- Name: keep_past(); Type: FUNCTION; Schema: read_models; Owner: -
--

CREATE FUNCTION read_models.keep_past() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
    OLD.until := coalesce(OLD.until, NEW.since);
    EXECUTE format('INSERT INTO %I.%I SELECT ($1).*', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_past') USING OLD;
    RETURN NULL;
END $_$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: checkpoint; Type: TABLE; Schema: journal; Owner: -
--

CREATE TABLE journal.checkpoint (
    size bigint NOT NULL,
    "position" bigint NOT NULL,
    note bytea NOT NULL,
    signed_at timestamp with time zone NOT NULL,
    CONSTRAINT checkpoint_size_check CHECK ((size >= 0))
);


--
-- Name: ledger; Type: TABLE; Schema: journal; Owner: -
--

CREATE TABLE journal.ledger (
    only_row boolean DEFAULT true NOT NULL,
    ledger_id uuid NOT NULL,
    CONSTRAINT ledger_only_row_check CHECK (only_row)
);


--
-- Name: ledger_events; Type: TABLE; Schema: journal; Owner: -
--

CREATE TABLE journal.ledger_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text,
    state bytea,
    notification_id bigint NOT NULL
)
WITH (autovacuum_enabled='true', autovacuum_vacuum_threshold='100000000', autovacuum_vacuum_scale_factor='0.5', autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='0.01');


--
-- Name: ledger_events_notification_id_seq; Type: SEQUENCE; Schema: journal; Owner: -
--

CREATE SEQUENCE journal.ledger_events_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ledger_events_notification_id_seq; Type: SEQUENCE OWNED BY; Schema: journal; Owner: -
--

ALTER SEQUENCE journal.ledger_events_notification_id_seq OWNED BY journal.ledger_events.notification_id;


--
-- Name: person; Type: TABLE; Schema: journal; Owner: -
--

CREATE TABLE journal.person (
    uuid uuid NOT NULL,
    username text NOT NULL,
    salt bytea NOT NULL
);


--
-- Name: tree_tail; Type: TABLE; Schema: journal; Owner: -
--

CREATE TABLE journal.tree_tail (
    first_leaf bigint NOT NULL,
    last_position bigint NOT NULL,
    hashes bytea NOT NULL
);
ALTER TABLE ONLY journal.tree_tail ALTER COLUMN hashes SET STORAGE EXTERNAL;


--
-- Name: tree_tile; Type: TABLE; Schema: journal; Owner: -
--

CREATE TABLE journal.tree_tile (
    level smallint NOT NULL,
    index bigint NOT NULL,
    last_position bigint NOT NULL,
    root bytea NOT NULL,
    hashes bytea NOT NULL,
    CONSTRAINT tree_tile_hashes_check CHECK ((octet_length(hashes) = 8192))
);
ALTER TABLE ONLY journal.tree_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;


--
-- Name: account_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.account_versions (
    uuid uuid CONSTRAINT account_uuid_not_null NOT NULL,
    id integer,
    "position" bigint CONSTRAINT account_position_not_null NOT NULL,
    person uuid CONSTRAINT account_person_not_null NOT NULL,
    username text,
    is_staff boolean CONSTRAINT account_is_staff_not_null NOT NULL,
    is_support boolean CONSTRAINT account_is_support_not_null NOT NULL,
    is_active boolean CONSTRAINT account_is_active_not_null NOT NULL,
    since bigint CONSTRAINT account_since_not_null NOT NULL,
    until bigint
);


--
-- Name: account; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.account (
    uuid uuid NOT NULL,
    id integer,
    "position" bigint NOT NULL,
    person uuid NOT NULL,
    username text,
    is_staff boolean NOT NULL,
    is_support boolean NOT NULL,
    is_active boolean NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.account_versions);


--
-- Name: account_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.account_past (
    uuid uuid CONSTRAINT account_uuid_not_null NOT NULL,
    id integer,
    "position" bigint CONSTRAINT account_position_not_null NOT NULL,
    person uuid CONSTRAINT account_person_not_null NOT NULL,
    username text,
    is_staff boolean CONSTRAINT account_is_staff_not_null NOT NULL,
    is_support boolean CONSTRAINT account_is_support_not_null NOT NULL,
    is_active boolean CONSTRAINT account_is_active_not_null NOT NULL,
    since bigint CONSTRAINT account_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.account_versions);


--
-- Name: agent_identity_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.agent_identity_versions (
    uuid uuid CONSTRAINT agent_identity_uuid_not_null NOT NULL,
    id bigint CONSTRAINT agent_identity_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT agent_identity_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT agent_identity_modified_not_null NOT NULL,
    last_restarted timestamp with time zone CONSTRAINT agent_identity_last_restarted_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT agent_identity_offering_uuid_not_null NOT NULL,
    created_by uuid,
    name text CONSTRAINT agent_identity_name_not_null NOT NULL COLLATE pg_catalog."C",
    version text COLLATE pg_catalog."C",
    config_file_path text,
    dependencies jsonb CONSTRAINT agent_identity_dependencies_not_null NOT NULL,
    since bigint CONSTRAINT agent_identity_since_not_null NOT NULL,
    until bigint
);


--
-- Name: agent_identity; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.agent_identity (
    uuid uuid NOT NULL,
    id bigint NOT NULL,
    described timestamp with time zone NOT NULL,
    modified timestamp with time zone NOT NULL,
    last_restarted timestamp with time zone NOT NULL,
    offering_uuid uuid NOT NULL,
    created_by uuid,
    name text NOT NULL COLLATE pg_catalog."C",
    version text COLLATE pg_catalog."C",
    config_file_path text,
    dependencies jsonb NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.agent_identity_versions);


--
-- Name: agent_identity_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.agent_identity_past (
    uuid uuid CONSTRAINT agent_identity_uuid_not_null NOT NULL,
    id bigint CONSTRAINT agent_identity_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT agent_identity_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT agent_identity_modified_not_null NOT NULL,
    last_restarted timestamp with time zone CONSTRAINT agent_identity_last_restarted_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT agent_identity_offering_uuid_not_null NOT NULL,
    created_by uuid,
    name text CONSTRAINT agent_identity_name_not_null NOT NULL COLLATE pg_catalog."C",
    version text COLLATE pg_catalog."C",
    config_file_path text,
    dependencies jsonb CONSTRAINT agent_identity_dependencies_not_null NOT NULL,
    since bigint CONSTRAINT agent_identity_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.agent_identity_versions);


--
-- Name: agent_processor_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.agent_processor_versions (
    uuid uuid CONSTRAINT agent_processor_uuid_not_null NOT NULL,
    id bigint CONSTRAINT agent_processor_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT agent_processor_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT agent_processor_modified_not_null NOT NULL,
    service_uuid uuid CONSTRAINT agent_processor_service_uuid_not_null NOT NULL,
    name text CONSTRAINT agent_processor_name_not_null NOT NULL COLLATE pg_catalog."C",
    backend_type text CONSTRAINT agent_processor_backend_type_not_null NOT NULL COLLATE pg_catalog."C",
    backend_version text COLLATE pg_catalog."C",
    since bigint CONSTRAINT agent_processor_since_not_null NOT NULL,
    until bigint
);


--
-- Name: agent_processor; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.agent_processor (
    uuid uuid NOT NULL,
    id bigint NOT NULL,
    described timestamp with time zone NOT NULL,
    modified timestamp with time zone NOT NULL,
    service_uuid uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    backend_type text NOT NULL COLLATE pg_catalog."C",
    backend_version text COLLATE pg_catalog."C",
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.agent_processor_versions);


--
-- Name: agent_processor_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.agent_processor_past (
    uuid uuid CONSTRAINT agent_processor_uuid_not_null NOT NULL,
    id bigint CONSTRAINT agent_processor_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT agent_processor_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT agent_processor_modified_not_null NOT NULL,
    service_uuid uuid CONSTRAINT agent_processor_service_uuid_not_null NOT NULL,
    name text CONSTRAINT agent_processor_name_not_null NOT NULL COLLATE pg_catalog."C",
    backend_type text CONSTRAINT agent_processor_backend_type_not_null NOT NULL COLLATE pg_catalog."C",
    backend_version text COLLATE pg_catalog."C",
    since bigint CONSTRAINT agent_processor_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.agent_processor_versions);


--
-- Name: agent_service_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.agent_service_versions (
    uuid uuid CONSTRAINT agent_service_uuid_not_null NOT NULL,
    id bigint CONSTRAINT agent_service_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT agent_service_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT agent_service_modified_not_null NOT NULL,
    identity_uuid uuid CONSTRAINT agent_service_identity_uuid_not_null NOT NULL,
    name text CONSTRAINT agent_service_name_not_null NOT NULL COLLATE pg_catalog."C",
    mode text COLLATE pg_catalog."C",
    since bigint CONSTRAINT agent_service_since_not_null NOT NULL,
    until bigint
);


--
-- Name: agent_service; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.agent_service (
    uuid uuid NOT NULL,
    id bigint NOT NULL,
    described timestamp with time zone NOT NULL,
    modified timestamp with time zone NOT NULL,
    identity_uuid uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    mode text COLLATE pg_catalog."C",
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.agent_service_versions);


--
-- Name: agent_service_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.agent_service_past (
    uuid uuid CONSTRAINT agent_service_uuid_not_null NOT NULL,
    id bigint CONSTRAINT agent_service_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT agent_service_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT agent_service_modified_not_null NOT NULL,
    identity_uuid uuid CONSTRAINT agent_service_identity_uuid_not_null NOT NULL,
    name text CONSTRAINT agent_service_name_not_null NOT NULL COLLATE pg_catalog."C",
    mode text COLLATE pg_catalog."C",
    since bigint CONSTRAINT agent_service_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.agent_service_versions);


--
-- Name: allocation; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.allocation (
    component_uuid uuid NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    if_used boolean NOT NULL,
    amount numeric NOT NULL
);


--
-- Name: allocation_change; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.allocation_change (
    offering_uuid uuid NOT NULL,
    component_type text NOT NULL COLLATE pg_catalog."C",
    month date NOT NULL,
    is_first boolean NOT NULL,
    amount numeric NOT NULL,
    resources bigint NOT NULL
);


--
-- Name: carried_month; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.carried_month (
    month date NOT NULL
);


--
-- Name: category_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.category_versions (
    uuid uuid CONSTRAINT category_uuid_not_null NOT NULL,
    title text CONSTRAINT category_title_not_null NOT NULL,
    since bigint CONSTRAINT category_since_not_null NOT NULL,
    until bigint
);


--
-- Name: category; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.category (
    uuid uuid NOT NULL,
    title text NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.category_versions);


--
-- Name: category_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.category_past (
    uuid uuid CONSTRAINT category_uuid_not_null NOT NULL,
    title text CONSTRAINT category_title_not_null NOT NULL,
    since bigint CONSTRAINT category_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.category_versions);


--
-- Name: component_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.component_versions (
    uuid uuid CONSTRAINT component_uuid_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT component_offering_uuid_not_null NOT NULL,
    component_type text CONSTRAINT component_component_type_not_null NOT NULL COLLATE pg_catalog."C",
    name text CONSTRAINT component_name_not_null NOT NULL COLLATE pg_catalog."C",
    description text CONSTRAINT component_description_not_null NOT NULL,
    measured_unit text CONSTRAINT component_measured_unit_not_null NOT NULL,
    billing_type text CONSTRAINT component_billing_type_not_null NOT NULL,
    limit_period text CONSTRAINT component_limit_period_not_null NOT NULL,
    limit_amount numeric,
    is_prepaid boolean CONSTRAINT component_is_prepaid_not_null NOT NULL,
    unit_factor numeric CONSTRAINT component_unit_factor_not_null NOT NULL,
    billed_per_plan boolean CONSTRAINT component_billed_per_plan_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT component_modified_not_null NOT NULL,
    since bigint CONSTRAINT component_since_not_null NOT NULL,
    until bigint
);


--
-- Name: component; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.component (
    uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    component_type text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL,
    measured_unit text NOT NULL,
    billing_type text NOT NULL,
    limit_period text NOT NULL,
    limit_amount numeric,
    is_prepaid boolean NOT NULL,
    unit_factor numeric NOT NULL,
    billed_per_plan boolean NOT NULL,
    modified timestamp with time zone NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.component_versions);


--
-- Name: component_limit; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.component_limit (
    component_uuid uuid NOT NULL,
    month date NOT NULL,
    limit_amount numeric
);


--
-- Name: component_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.component_past (
    uuid uuid CONSTRAINT component_uuid_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT component_offering_uuid_not_null NOT NULL,
    component_type text CONSTRAINT component_component_type_not_null NOT NULL COLLATE pg_catalog."C",
    name text CONSTRAINT component_name_not_null NOT NULL COLLATE pg_catalog."C",
    description text CONSTRAINT component_description_not_null NOT NULL,
    measured_unit text CONSTRAINT component_measured_unit_not_null NOT NULL,
    billing_type text CONSTRAINT component_billing_type_not_null NOT NULL,
    limit_period text CONSTRAINT component_limit_period_not_null NOT NULL,
    limit_amount numeric,
    is_prepaid boolean CONSTRAINT component_is_prepaid_not_null NOT NULL,
    unit_factor numeric CONSTRAINT component_unit_factor_not_null NOT NULL,
    billed_per_plan boolean CONSTRAINT component_billed_per_plan_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT component_modified_not_null NOT NULL,
    since bigint CONSTRAINT component_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.component_versions);


--
-- Name: component_usage_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.component_usage_versions (
    id bigint NOT NULL,
    since bigint NOT NULL,
    until bigint DEFAULT '9223372036854775807'::bigint NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    created timestamp with time zone NOT NULL,
    billing_period date NOT NULL,
    resource_uuid uuid NOT NULL,
    uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    customer_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    provider_uuid uuid NOT NULL,
    plan_uuid uuid,
    plan_period_uuid uuid,
    reported_by uuid,
    usage numeric(20,2) NOT NULL,
    component_type text NOT NULL COLLATE pg_catalog."C",
    missing_usage_policy text NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL
);


--
-- Name: component_usage; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.component_usage (
    id bigint NOT NULL,
    since bigint NOT NULL,
    until bigint DEFAULT '9223372036854775807'::bigint NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    created timestamp with time zone NOT NULL,
    version integer NOT NULL,
    users integer DEFAULT 0 NOT NULL,
    billing_period date NOT NULL,
    resource_uuid uuid NOT NULL,
    uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    customer_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    provider_uuid uuid NOT NULL,
    plan_uuid uuid,
    plan_period_uuid uuid,
    reported_by uuid,
    is_terminated boolean DEFAULT false NOT NULL,
    usage numeric(20,2) NOT NULL,
    component_type text NOT NULL COLLATE pg_catalog."C",
    missing_usage_policy text NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL
)
INHERITS (read_models.component_usage_versions);


--
-- Name: component_usage_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.component_usage_past (
    is_moved boolean NOT NULL
)
INHERITS (read_models.component_usage_versions);


--
-- Name: customer_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.customer_versions (
    uuid uuid CONSTRAINT customer_uuid_not_null NOT NULL,
    name text CONSTRAINT customer_name_not_null NOT NULL COLLATE pg_catalog."C",
    abbreviation text CONSTRAINT customer_abbreviation_not_null NOT NULL,
    since bigint CONSTRAINT customer_since_not_null NOT NULL,
    until bigint
);


--
-- Name: customer; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.customer (
    uuid uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    abbreviation text NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.customer_versions);


--
-- Name: customer_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.customer_past (
    uuid uuid CONSTRAINT customer_uuid_not_null NOT NULL,
    name text CONSTRAINT customer_name_not_null NOT NULL COLLATE pg_catalog."C",
    abbreviation text CONSTRAINT customer_abbreviation_not_null NOT NULL,
    since bigint CONSTRAINT customer_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.customer_versions);


--
-- Name: description; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.description (
    stream uuid NOT NULL,
    version bigint NOT NULL,
    digest text NOT NULL
);


--
-- Name: forgotten_person; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.forgotten_person (
    person uuid NOT NULL,
    "position" bigint NOT NULL
);


--
-- Name: lowered; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.lowered (
    "position" bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    billing_period date NOT NULL,
    resource_uuid uuid NOT NULL,
    usage_uuid uuid NOT NULL,
    reported_by uuid,
    usage_before numeric(20,2) NOT NULL,
    usage_after numeric(20,2) NOT NULL
);


--
-- Name: moment; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.moment (
    span bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    measured_at timestamp with time zone
);


--
-- Name: monthly_consumption; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.monthly_consumption (
    component_uuid uuid NOT NULL,
    month date NOT NULL,
    total numeric NOT NULL
);


--
-- Name: offering_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.offering_versions (
    uuid uuid CONSTRAINT offering_uuid_not_null NOT NULL,
    name text CONSTRAINT offering_name_not_null NOT NULL COLLATE pg_catalog."C",
    offering_type text CONSTRAINT offering_offering_type_not_null NOT NULL COLLATE pg_catalog."C",
    customer_uuid uuid CONSTRAINT offering_customer_uuid_not_null NOT NULL,
    state integer CONSTRAINT offering_state_not_null NOT NULL,
    category_uuid uuid,
    project_uuid uuid,
    parent_uuid uuid,
    plugin_options jsonb CONSTRAINT offering_plugin_options_not_null NOT NULL,
    id bigint CONSTRAINT offering_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT offering_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT offering_modified_not_null NOT NULL,
    since bigint CONSTRAINT offering_since_not_null NOT NULL,
    until bigint
);


--
-- Name: offering; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.offering (
    uuid uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    offering_type text NOT NULL COLLATE pg_catalog."C",
    customer_uuid uuid NOT NULL,
    state integer NOT NULL,
    category_uuid uuid,
    project_uuid uuid,
    parent_uuid uuid,
    plugin_options jsonb NOT NULL,
    id bigint NOT NULL,
    described timestamp with time zone NOT NULL,
    modified timestamp with time zone NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.offering_versions);


--
-- Name: offering_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.offering_past (
    uuid uuid CONSTRAINT offering_uuid_not_null NOT NULL,
    name text CONSTRAINT offering_name_not_null NOT NULL COLLATE pg_catalog."C",
    offering_type text CONSTRAINT offering_offering_type_not_null NOT NULL COLLATE pg_catalog."C",
    customer_uuid uuid CONSTRAINT offering_customer_uuid_not_null NOT NULL,
    state integer CONSTRAINT offering_state_not_null NOT NULL,
    category_uuid uuid,
    project_uuid uuid,
    parent_uuid uuid,
    plugin_options jsonb CONSTRAINT offering_plugin_options_not_null NOT NULL,
    id bigint CONSTRAINT offering_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT offering_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT offering_modified_not_null NOT NULL,
    since bigint CONSTRAINT offering_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.offering_versions);


--
-- Name: offering_user_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.offering_user_versions (
    uuid uuid CONSTRAINT offering_user_uuid_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT offering_user_offering_uuid_not_null NOT NULL,
    person uuid CONSTRAINT offering_user_person_not_null NOT NULL,
    username text,
    user_uuid uuid,
    id bigint CONSTRAINT offering_user_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT offering_user_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT offering_user_modified_not_null NOT NULL,
    provider_uuid uuid,
    since bigint CONSTRAINT offering_user_since_not_null NOT NULL,
    until bigint
);


--
-- Name: offering_user; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.offering_user (
    uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    person uuid NOT NULL,
    username text,
    user_uuid uuid,
    id bigint NOT NULL,
    described timestamp with time zone NOT NULL,
    modified timestamp with time zone NOT NULL,
    provider_uuid uuid,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.offering_user_versions);


--
-- Name: offering_user_count; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.offering_user_count (
    kind text NOT NULL COLLATE pg_catalog."C",
    scope uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    offering_users bigint NOT NULL
);


--
-- Name: offering_user_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.offering_user_past (
    uuid uuid CONSTRAINT offering_user_uuid_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT offering_user_offering_uuid_not_null NOT NULL,
    person uuid CONSTRAINT offering_user_person_not_null NOT NULL,
    username text,
    user_uuid uuid,
    id bigint CONSTRAINT offering_user_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT offering_user_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT offering_user_modified_not_null NOT NULL,
    provider_uuid uuid,
    since bigint CONSTRAINT offering_user_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.offering_user_versions);


--
-- Name: plan_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.plan_versions (
    uuid uuid CONSTRAINT plan_uuid_not_null NOT NULL,
    name text CONSTRAINT plan_name_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT plan_offering_uuid_not_null NOT NULL,
    billing_mode text CONSTRAINT plan_billing_mode_not_null NOT NULL,
    since bigint CONSTRAINT plan_since_not_null NOT NULL,
    until bigint
);


--
-- Name: plan; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.plan (
    uuid uuid NOT NULL,
    name text NOT NULL,
    offering_uuid uuid NOT NULL,
    billing_mode text NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.plan_versions);


--
-- Name: plan_component; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.plan_component (
    plan_uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    price numeric NOT NULL,
    amount numeric NOT NULL
);


--
-- Name: plan_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.plan_past (
    uuid uuid CONSTRAINT plan_uuid_not_null NOT NULL,
    name text CONSTRAINT plan_name_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT plan_offering_uuid_not_null NOT NULL,
    billing_mode text CONSTRAINT plan_billing_mode_not_null NOT NULL,
    since bigint CONSTRAINT plan_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.plan_versions);


--
-- Name: plan_period_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.plan_period_versions (
    uuid uuid CONSTRAINT plan_period_uuid_not_null NOT NULL,
    resource_uuid uuid CONSTRAINT plan_period_resource_uuid_not_null NOT NULL,
    plan_uuid uuid CONSTRAINT plan_period_plan_uuid_not_null NOT NULL,
    start timestamp with time zone,
    "end" timestamp with time zone,
    since bigint CONSTRAINT plan_period_since_not_null NOT NULL,
    until bigint
);


--
-- Name: plan_period; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.plan_period (
    uuid uuid NOT NULL,
    resource_uuid uuid NOT NULL,
    plan_uuid uuid NOT NULL,
    start timestamp with time zone,
    "end" timestamp with time zone,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.plan_period_versions);


--
-- Name: plan_period_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.plan_period_past (
    uuid uuid CONSTRAINT plan_period_uuid_not_null NOT NULL,
    resource_uuid uuid CONSTRAINT plan_period_resource_uuid_not_null NOT NULL,
    plan_uuid uuid CONSTRAINT plan_period_plan_uuid_not_null NOT NULL,
    start timestamp with time zone,
    "end" timestamp with time zone,
    since bigint CONSTRAINT plan_period_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.plan_period_versions);


--
-- Name: project_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.project_versions (
    uuid uuid CONSTRAINT project_uuid_not_null NOT NULL,
    name text CONSTRAINT project_name_not_null NOT NULL COLLATE pg_catalog."C",
    customer_uuid uuid CONSTRAINT project_customer_uuid_not_null NOT NULL,
    is_removed boolean CONSTRAINT project_is_removed_not_null NOT NULL,
    since bigint CONSTRAINT project_since_not_null NOT NULL,
    until bigint
);


--
-- Name: project; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.project (
    uuid uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    customer_uuid uuid NOT NULL,
    is_removed boolean NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.project_versions);


--
-- Name: project_limit; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.project_limit (
    project_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    component_type text NOT NULL COLLATE pg_catalog."C",
    amount numeric NOT NULL,
    resources integer NOT NULL
);


--
-- Name: project_offering; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.project_offering (
    project_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    resources integer NOT NULL,
    terminated integer NOT NULL
);


--
-- Name: project_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.project_past (
    uuid uuid CONSTRAINT project_uuid_not_null NOT NULL,
    name text CONSTRAINT project_name_not_null NOT NULL COLLATE pg_catalog."C",
    customer_uuid uuid CONSTRAINT project_customer_uuid_not_null NOT NULL,
    is_removed boolean CONSTRAINT project_is_removed_not_null NOT NULL,
    since bigint CONSTRAINT project_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.project_versions);


--
-- Name: project_usage; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.project_usage (
    project_uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    month date NOT NULL,
    usages integer NOT NULL,
    usages_terminated integer NOT NULL,
    used numeric NOT NULL,
    used_terminated numeric NOT NULL
);


--
-- Name: read_position; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.read_position (
    only_row boolean DEFAULT true NOT NULL,
    "position" bigint NOT NULL,
    digest bigint DEFAULT 0 NOT NULL,
    described bigint DEFAULT 0 NOT NULL,
    built_by text,
    CONSTRAINT read_position_only_row_check CHECK (only_row)
);


--
-- Name: reporting_count; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.reporting_count (
    month date NOT NULL,
    offering_uuid uuid NOT NULL,
    resources bigint NOT NULL,
    expected bigint NOT NULL
);


--
-- Name: resource_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.resource_versions (
    uuid uuid CONSTRAINT resource_uuid_not_null NOT NULL,
    name text CONSTRAINT resource_name_not_null NOT NULL COLLATE pg_catalog."C",
    offering_uuid uuid CONSTRAINT resource_offering_uuid_not_null NOT NULL,
    project_uuid uuid CONSTRAINT resource_project_uuid_not_null NOT NULL,
    plan_uuid uuid,
    state integer CONSTRAINT resource_state_not_null NOT NULL,
    limits jsonb CONSTRAINT resource_limits_not_null NOT NULL,
    slug text CONSTRAINT resource_slug_not_null NOT NULL,
    backend_id text CONSTRAINT resource_backend_id_not_null NOT NULL,
    backend_metadata jsonb CONSTRAINT resource_backend_metadata_not_null NOT NULL,
    attributes jsonb CONSTRAINT resource_attributes_not_null NOT NULL,
    created timestamp with time zone CONSTRAINT resource_created_not_null NOT NULL,
    id bigint CONSTRAINT resource_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT resource_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT resource_modified_not_null NOT NULL,
    customer_uuid uuid,
    provider_uuid uuid,
    since bigint CONSTRAINT resource_since_not_null NOT NULL,
    until bigint
);


--
-- Name: resource; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.resource (
    uuid uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    offering_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    plan_uuid uuid,
    state integer NOT NULL,
    limits jsonb NOT NULL,
    slug text NOT NULL,
    backend_id text NOT NULL,
    backend_metadata jsonb NOT NULL,
    attributes jsonb NOT NULL,
    created timestamp with time zone NOT NULL,
    id bigint NOT NULL,
    described timestamp with time zone NOT NULL,
    modified timestamp with time zone NOT NULL,
    customer_uuid uuid,
    provider_uuid uuid,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.resource_versions);


--
-- Name: resource_count; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.resource_count (
    kind text NOT NULL COLLATE pg_catalog."C",
    scope uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    state integer NOT NULL,
    resources bigint NOT NULL
);


--
-- Name: resource_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.resource_past (
    uuid uuid CONSTRAINT resource_uuid_not_null NOT NULL,
    name text CONSTRAINT resource_name_not_null NOT NULL COLLATE pg_catalog."C",
    offering_uuid uuid CONSTRAINT resource_offering_uuid_not_null NOT NULL,
    project_uuid uuid CONSTRAINT resource_project_uuid_not_null NOT NULL,
    plan_uuid uuid,
    state integer CONSTRAINT resource_state_not_null NOT NULL,
    limits jsonb CONSTRAINT resource_limits_not_null NOT NULL,
    slug text CONSTRAINT resource_slug_not_null NOT NULL,
    backend_id text CONSTRAINT resource_backend_id_not_null NOT NULL,
    backend_metadata jsonb CONSTRAINT resource_backend_metadata_not_null NOT NULL,
    attributes jsonb CONSTRAINT resource_attributes_not_null NOT NULL,
    created timestamp with time zone CONSTRAINT resource_created_not_null NOT NULL,
    id bigint CONSTRAINT resource_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT resource_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT resource_modified_not_null NOT NULL,
    customer_uuid uuid,
    provider_uuid uuid,
    since bigint CONSTRAINT resource_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.resource_versions);


--
-- Name: role; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.role (
    uuid uuid NOT NULL,
    user_uuid uuid NOT NULL,
    role_name text NOT NULL,
    scope_type text NOT NULL,
    scope_uuid uuid NOT NULL,
    is_active boolean NOT NULL
);


--
-- Name: service_provider_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.service_provider_versions (
    uuid uuid CONSTRAINT service_provider_uuid_not_null NOT NULL,
    customer_uuid uuid CONSTRAINT service_provider_customer_uuid_not_null NOT NULL,
    id bigint CONSTRAINT service_provider_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT service_provider_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT service_provider_modified_not_null NOT NULL,
    since bigint CONSTRAINT service_provider_since_not_null NOT NULL,
    until bigint
);


--
-- Name: service_provider; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.service_provider (
    uuid uuid NOT NULL,
    customer_uuid uuid NOT NULL,
    id bigint NOT NULL,
    described timestamp with time zone NOT NULL,
    modified timestamp with time zone NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.service_provider_versions);


--
-- Name: service_provider_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.service_provider_past (
    uuid uuid CONSTRAINT service_provider_uuid_not_null NOT NULL,
    customer_uuid uuid CONSTRAINT service_provider_customer_uuid_not_null NOT NULL,
    id bigint CONSTRAINT service_provider_id_not_null NOT NULL,
    described timestamp with time zone CONSTRAINT service_provider_described_not_null NOT NULL,
    modified timestamp with time zone CONSTRAINT service_provider_modified_not_null NOT NULL,
    since bigint CONSTRAINT service_provider_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.service_provider_versions);


--
-- Name: silence; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.silence (
    resource_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    after date NOT NULL,
    before date NOT NULL,
    is_expected boolean NOT NULL
);


--
-- Name: token; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.token (
    token_uuid uuid NOT NULL,
    token_hash text NOT NULL,
    user_uuid uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    version bigint NOT NULL
);


--
-- Name: usage_count; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.usage_count (
    kind text NOT NULL COLLATE pg_catalog."C",
    scope uuid NOT NULL,
    month date NOT NULL,
    offering_uuid uuid NOT NULL,
    component_usages bigint NOT NULL,
    user_usages bigint NOT NULL
);


--
-- Name: usage_count_span; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.usage_count_span (
    kind text NOT NULL COLLATE pg_catalog."C",
    scope uuid NOT NULL,
    month date NOT NULL,
    offering_uuid uuid NOT NULL,
    span bigint NOT NULL,
    component_usages bigint NOT NULL
);


--
-- Name: user_usage; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.user_usage (
    id bigint NOT NULL,
    since bigint NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    created timestamp with time zone NOT NULL,
    modified timestamp with time zone NOT NULL,
    billing_period date NOT NULL,
    resource_uuid uuid NOT NULL,
    uuid uuid NOT NULL,
    component_usage_uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    customer_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    provider_uuid uuid NOT NULL,
    person uuid NOT NULL,
    offering_user_uuid uuid,
    usage numeric(20,2) NOT NULL,
    component_type text NOT NULL COLLATE pg_catalog."C",
    username text COLLATE pg_catalog."C"
);


--
-- Name: user_usage_limit_versions; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.user_usage_limit_versions (
    id bigint CONSTRAINT user_usage_limit_id_not_null NOT NULL,
    uuid uuid CONSTRAINT user_usage_limit_uuid_not_null NOT NULL,
    resource_uuid uuid CONSTRAINT user_usage_limit_resource_uuid_not_null NOT NULL,
    component_uuid uuid CONSTRAINT user_usage_limit_component_uuid_not_null NOT NULL,
    offering_user_uuid uuid CONSTRAINT user_usage_limit_offering_user_uuid_not_null NOT NULL,
    project_uuid uuid CONSTRAINT user_usage_limit_project_uuid_not_null NOT NULL,
    customer_uuid uuid CONSTRAINT user_usage_limit_customer_uuid_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT user_usage_limit_offering_uuid_not_null NOT NULL,
    provider_uuid uuid CONSTRAINT user_usage_limit_provider_uuid_not_null NOT NULL,
    "limit" numeric CONSTRAINT user_usage_limit_limit_not_null NOT NULL,
    since bigint CONSTRAINT user_usage_limit_since_not_null NOT NULL,
    until bigint
);


--
-- Name: user_usage_limit; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.user_usage_limit (
    id bigint NOT NULL,
    uuid uuid NOT NULL,
    resource_uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    offering_user_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    customer_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    provider_uuid uuid NOT NULL,
    "limit" numeric NOT NULL,
    since bigint NOT NULL,
    until bigint
)
INHERITS (read_models.user_usage_limit_versions);


--
-- Name: user_usage_limit_count; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.user_usage_limit_count (
    kind text NOT NULL COLLATE pg_catalog."C",
    scope uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    limits bigint NOT NULL
);


--
-- Name: user_usage_limit_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.user_usage_limit_past (
    id bigint CONSTRAINT user_usage_limit_id_not_null NOT NULL,
    uuid uuid CONSTRAINT user_usage_limit_uuid_not_null NOT NULL,
    resource_uuid uuid CONSTRAINT user_usage_limit_resource_uuid_not_null NOT NULL,
    component_uuid uuid CONSTRAINT user_usage_limit_component_uuid_not_null NOT NULL,
    offering_user_uuid uuid CONSTRAINT user_usage_limit_offering_user_uuid_not_null NOT NULL,
    project_uuid uuid CONSTRAINT user_usage_limit_project_uuid_not_null NOT NULL,
    customer_uuid uuid CONSTRAINT user_usage_limit_customer_uuid_not_null NOT NULL,
    offering_uuid uuid CONSTRAINT user_usage_limit_offering_uuid_not_null NOT NULL,
    provider_uuid uuid CONSTRAINT user_usage_limit_provider_uuid_not_null NOT NULL,
    "limit" numeric CONSTRAINT user_usage_limit_limit_not_null NOT NULL,
    since bigint CONSTRAINT user_usage_limit_since_not_null NOT NULL,
    until bigint
)
INHERITS (read_models.user_usage_limit_versions);


--
-- Name: user_usage_past; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.user_usage_past (
    since bigint NOT NULL,
    until bigint NOT NULL,
    modified timestamp with time zone NOT NULL,
    uuid uuid NOT NULL,
    usage numeric(20,2) NOT NULL
);


--
-- Name: verification; Type: TABLE; Schema: read_models; Owner: -
--

CREATE TABLE read_models.verification (
    id bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    up_to bigint NOT NULL,
    facts bigint NOT NULL,
    differences bigint NOT NULL
);


--
-- Name: account; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.account AS
 SELECT uuid,
    id,
    "position",
    person,
    username,
    is_staff,
    is_support,
    is_active,
    since,
    until
   FROM read_models.account_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: agent_identity; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.agent_identity AS
 SELECT uuid,
    id,
    described,
    modified,
    last_restarted,
    offering_uuid,
    created_by,
    name,
    version,
    config_file_path,
    dependencies,
    since,
    until
   FROM read_models.agent_identity_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: agent_processor; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.agent_processor AS
 SELECT uuid,
    id,
    described,
    modified,
    service_uuid,
    name,
    backend_type,
    backend_version,
    since,
    until
   FROM read_models.agent_processor_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: agent_service; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.agent_service AS
 SELECT uuid,
    id,
    described,
    modified,
    identity_uuid,
    name,
    mode,
    since,
    until
   FROM read_models.agent_service_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: allocation_change; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.allocation_change AS
 WITH described AS (
         SELECT v.uuid,
            v.offering_uuid,
            v.state,
            v.limits,
            (date_trunc('month'::text, v.modified))::date AS month,
            (lag(v.uuid) OVER before IS NULL) AS is_first,
            lag(v.offering_uuid) OVER before AS offering_before,
            lag(v.state) OVER before AS state_before,
            lag(v.limits) OVER before AS limits_before
           FROM read_models.resource_versions v
          WHERE (v.since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))
          WINDOW before AS (PARTITION BY v.uuid ORDER BY v.since)
        )
 SELECT c.offering_uuid,
    (l.key COLLATE "C") AS component_type,
    d.month,
    d.is_first,
    sum(((c.sign)::numeric * (l.value)::numeric)) AS amount,
    sum(c.sign) AS resources
   FROM ((described d
     CROSS JOIN LATERAL ( VALUES (1,d.offering_uuid,d.state,d.limits), ('-1'::integer,d.offering_before,d.state_before,d.limits_before)) c(sign, offering_uuid, state, limits))
     CROSS JOIN LATERAL jsonb_each_text(c.limits) l(key, value))
  WHERE ((l.value IS NOT NULL) AND (c.state = ANY ('{2,3,4,5}'::smallint[])) AND (((d.offering_uuid IS DISTINCT FROM d.offering_before) OR (d.state IS DISTINCT FROM d.state_before)) OR (d.limits IS DISTINCT FROM d.limits_before)))
  GROUP BY c.offering_uuid, (l.key COLLATE "C"), d.month, d.is_first;


--
-- Name: component; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.component AS
 SELECT uuid,
    offering_uuid,
    component_type,
    name,
    description,
    measured_unit,
    billing_type,
    limit_period,
    limit_amount,
    is_prepaid,
    unit_factor,
    billed_per_plan,
    modified,
    since,
    until
   FROM read_models.component_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: component_limit; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.component_limit AS
 WITH described AS (
         SELECT component_versions.uuid,
            component_versions.since,
            component_versions.limit_amount,
            (date_trunc('month'::text, component_versions.modified))::date AS month
           FROM read_models.component_versions
          WHERE (component_versions.since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))
        )
( SELECT DISTINCT ON (described.uuid, described.month) described.uuid AS component_uuid,
    described.month,
    described.limit_amount
   FROM described
  ORDER BY described.uuid, described.month, described.since DESC)
UNION ALL
( SELECT DISTINCT ON (described.uuid) described.uuid AS component_uuid,
    '-infinity'::date AS month,
    described.limit_amount
   FROM described
  ORDER BY described.uuid, described.since);


--
-- Name: allocation; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.allocation AS
 WITH allocation_change AS MATERIALIZED (
         SELECT allocation_change.offering_uuid,
            allocation_change.component_type,
            allocation_change.month,
            allocation_change.is_first,
            allocation_change.amount,
            allocation_change.resources
           FROM read_models_as_of.allocation_change
        ), component_limit AS MATERIALIZED (
         SELECT component_limit.component_uuid,
            component_limit.month,
            component_limit.limit_amount
           FROM read_models_as_of.component_limit
        ), touched AS (
         SELECT component.uuid,
            component.offering_uuid,
            component.component_type
           FROM read_models_as_of.component
        ), changes AS (
         SELECT c.uuid,
            d.described,
            m.month,
            m.amount,
            m.resources,
            m.first_amount,
            m.first_resources
           FROM ((touched c
             CROSS JOIN LATERAL ( SELECT min(component_limit.month) AS described
                   FROM component_limit
                  WHERE ((component_limit.component_uuid = c.uuid) AND (component_limit.month > '-infinity'::date))) d)
             CROSS JOIN LATERAL ( SELECT a.month,
                    sum(a.amount) AS amount,
                    sum(a.resources) AS resources,
                    sum(a.amount) FILTER (WHERE (a.is_first AND (a.month <= d.described))) AS first_amount,
                    sum(a.resources) FILTER (WHERE (a.is_first AND (a.month <= d.described))) AS first_resources
                   FROM ( SELECT allocation_change.month,
                            allocation_change.is_first,
                            allocation_change.amount,
                            allocation_change.resources
                           FROM allocation_change
                          WHERE ((allocation_change.offering_uuid = c.offering_uuid) AND (allocation_change.component_type = c.component_type))
                        UNION ALL
                         SELECT component_limit.month,
                            false,
                            0,
                            0
                           FROM component_limit
                          WHERE (component_limit.component_uuid = c.uuid)) a
                  GROUP BY a.month) m)
        ), sums AS (
         SELECT changes.uuid,
            changes.month,
            (changes.month < changes.described) AS if_used,
            (lead(changes.month) OVER so_far - 1) AS until,
            (sum(changes.amount) OVER so_far + COALESCE(sum(changes.first_amount) OVER later, (0)::numeric)) AS amount,
            (sum(changes.resources) OVER so_far + COALESCE(sum(changes.first_resources) OVER later, (0)::numeric)) AS resources
           FROM changes
          WINDOW so_far AS (PARTITION BY changes.uuid ORDER BY changes.month), later AS (PARTITION BY changes.uuid ORDER BY changes.month ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
        ), spans AS (
         SELECT s.uuid AS component_uuid,
            s.month AS since,
            COALESCE(s.until, 'infinity'::date) AS until,
            s.if_used,
                CASE
                    WHEN (s.resources > (0)::numeric) THEN s.amount
                    ELSE COALESCE(l.limit_amount, (0)::numeric)
                END AS amount
           FROM (sums s
             CROSS JOIN LATERAL ( SELECT component_limit.limit_amount
                   FROM component_limit
                  WHERE ((component_limit.component_uuid = s.uuid) AND (component_limit.month <= s.month))
                  ORDER BY component_limit.month DESC
                 LIMIT 1) l)
        )
 SELECT component_uuid,
    since,
    until,
    if_used,
    amount
   FROM spans;


--
-- Name: category; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.category AS
 SELECT uuid,
    title,
    since,
    until
   FROM read_models.category_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: component_usage; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.component_usage AS
 SELECT id,
    since,
    until,
    measured_at,
    created,
    billing_period,
    resource_uuid,
    uuid,
    component_uuid,
    project_uuid,
    customer_uuid,
    offering_uuid,
    provider_uuid,
    plan_uuid,
    plan_period_uuid,
    reported_by,
    usage,
    component_type,
    missing_usage_policy,
    description
   FROM read_models.component_usage_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND (measured_at <= ( SELECT (current_setting('usage_ledger.as_of_latest'::text))::timestamp with time zone AS current_setting)));


--
-- Name: customer; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.customer AS
 SELECT uuid,
    name,
    abbreviation,
    since,
    until
   FROM read_models.customer_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: monthly_consumption; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.monthly_consumption AS
 SELECT component_uuid,
    billing_period AS month,
    sum(usage) AS total
   FROM read_models_as_of.component_usage
  GROUP BY component_uuid, billing_period;


--
-- Name: offering; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.offering AS
 SELECT uuid,
    name,
    offering_type,
    customer_uuid,
    state,
    category_uuid,
    project_uuid,
    parent_uuid,
    plugin_options,
    id,
    described,
    modified,
    since,
    until
   FROM read_models.offering_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: offering_user; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.offering_user AS
 SELECT uuid,
    offering_uuid,
    person,
    username,
    user_uuid,
    id,
    described,
    modified,
    provider_uuid,
    since,
    until
   FROM read_models.offering_user_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: offering_user_count; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.offering_user_count AS
 SELECT 'all'::text AS kind,
    '00000000-0000-0000-0000-000000000000'::uuid AS scope,
    '00000000-0000-0000-0000-000000000000'::uuid AS offering_uuid,
    count(*) AS offering_users
   FROM read_models_as_of.offering_user
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'offering'::text AS kind,
    offering_user.offering_uuid AS scope,
    offering_user.offering_uuid,
    count(*) AS offering_users
   FROM read_models_as_of.offering_user
  GROUP BY offering_user.offering_uuid;


--
-- Name: plan; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.plan AS
 SELECT uuid,
    name,
    offering_uuid,
    billing_mode,
    since,
    until
   FROM read_models.plan_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: plan_period; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.plan_period AS
 SELECT uuid,
    resource_uuid,
    plan_uuid,
    start,
    "end",
    since,
    until
   FROM read_models.plan_period_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: project; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.project AS
 SELECT uuid,
    name,
    customer_uuid,
    is_removed,
    since,
    until
   FROM read_models.project_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: resource; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.resource AS
 SELECT uuid,
    name,
    offering_uuid,
    project_uuid,
    plan_uuid,
    state,
    limits,
    slug,
    backend_id,
    backend_metadata,
    attributes,
    created,
    id,
    described,
    modified,
    customer_uuid,
    provider_uuid,
    since,
    until
   FROM read_models.resource_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: project_limit; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.project_limit AS
 SELECT r.project_uuid,
    r.offering_uuid,
    (l.key COLLATE "C") AS component_type,
    sum((l.value)::numeric) AS amount,
    count(*) AS resources
   FROM (read_models_as_of.resource r
     CROSS JOIN LATERAL jsonb_each_text(r.limits) l(key, value))
  WHERE ((NOT (r.state = 6)) AND (l.value IS NOT NULL))
  GROUP BY r.project_uuid, r.offering_uuid, (l.key COLLATE "C");


--
-- Name: project_offering; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.project_offering AS
 SELECT project_uuid,
    offering_uuid,
    count(*) AS resources,
    count(*) FILTER (WHERE (state = 6)) AS terminated
   FROM read_models_as_of.resource r
  GROUP BY project_uuid, offering_uuid;


--
-- Name: project_usage; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.project_usage AS
 SELECT u.project_uuid,
    u.component_uuid,
    u.billing_period AS month,
    count(*) AS usages,
    count(*) FILTER (WHERE (r.state = 6)) AS usages_terminated,
    sum(u.usage) AS used,
    COALESCE(sum(u.usage) FILTER (WHERE (r.state = 6)), 0.00) AS used_terminated
   FROM (read_models_as_of.component_usage u
     LEFT JOIN read_models_as_of.resource r ON ((r.uuid = u.resource_uuid)))
  GROUP BY u.project_uuid, u.component_uuid, u.billing_period;


--
-- Name: read_position; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.read_position AS
 SELECT true AS only_row,
    ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting) AS "position",
    ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting) AS described,
    NULL::text AS built_by,
    (current_setting('usage_ledger.as_of_digest'::text))::bigint AS digest;


--
-- Name: reporting_count; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.reporting_count AS
 SELECT n.month,
    r.offering_uuid,
    count(*) AS resources,
    count(*) FILTER (WHERE (r.state = ANY ('{2,4}'::smallint[]))) AS expected
   FROM (( SELECT DISTINCT component_usage.resource_uuid,
            component_usage.billing_period AS month
           FROM read_models_as_of.component_usage) n
     JOIN read_models_as_of.resource r ON ((r.uuid = n.resource_uuid)))
  GROUP BY n.month, r.offering_uuid;


--
-- Name: resource_count; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.resource_count AS
 SELECT 'all'::text AS kind,
    '00000000-0000-0000-0000-000000000000'::uuid AS scope,
    '00000000-0000-0000-0000-000000000000'::uuid AS offering_uuid,
    resource.state,
    count(*) AS resources
   FROM read_models_as_of.resource
  GROUP BY resource.state
UNION ALL
 SELECT 'offering'::text AS kind,
    resource.offering_uuid AS scope,
    resource.offering_uuid,
    resource.state,
    count(*) AS resources
   FROM read_models_as_of.resource
  GROUP BY resource.offering_uuid, resource.state
UNION ALL
 SELECT 'project'::text AS kind,
    resource.project_uuid AS scope,
    '00000000-0000-0000-0000-000000000000'::uuid AS offering_uuid,
    resource.state,
    count(*) AS resources
   FROM read_models_as_of.resource
  GROUP BY resource.project_uuid, resource.state
UNION ALL
 SELECT 'customer'::text AS kind,
    resource.customer_uuid AS scope,
    resource.offering_uuid,
    resource.state,
    count(*) AS resources
   FROM read_models_as_of.resource
  GROUP BY resource.customer_uuid, resource.offering_uuid, resource.state;


--
-- Name: service_provider; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.service_provider AS
 SELECT uuid,
    customer_uuid,
    id,
    described,
    modified,
    since,
    until
   FROM read_models.service_provider_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: silence; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.silence AS
 SELECT r.uuid AS resource_uuid,
    r.offering_uuid,
    s.after,
    s.before,
    (r.state = ANY ('{2,4}'::smallint[])) AS is_expected
   FROM (( SELECT ends.resource_uuid,
            ends.month AS after,
            lead(ends.month) OVER (PARTITION BY ends.resource_uuid ORDER BY ends.month) AS before
           FROM ( SELECT n.resource_uuid,
                    n.month
                   FROM ( SELECT DISTINCT component_usage.resource_uuid,
                            component_usage.billing_period AS month
                           FROM read_models_as_of.component_usage) n
                UNION ALL
                 SELECT resource.uuid,
                    '-infinity'::date
                   FROM read_models_as_of.resource
                UNION ALL
                 SELECT resource.uuid,
                    'infinity'::date
                   FROM read_models_as_of.resource) ends) s
     JOIN read_models_as_of.resource r ON ((r.uuid = s.resource_uuid)))
  WHERE (s.before > (s.after + '1 mon'::interval));


--
-- Name: usage_count_span; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.usage_count_span AS
 SELECT kind,
    scope,
    month,
    offering_uuid,
    span,
    component_usages
   FROM read_models.usage_count_span
  WHERE (span < (( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting) / 1024));


--
-- Name: user_usage; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.user_usage AS
 SELECT uu.id,
    u.measured_at,
    uu.created,
    v.modified,
    uu.billing_period,
    uu.resource_uuid,
    uu.uuid,
    uu.component_usage_uuid,
    uu.component_uuid,
    u.project_uuid,
    u.customer_uuid,
    u.offering_uuid,
    u.provider_uuid,
    uu.person,
    uu.offering_user_uuid,
    v.usage,
    u.component_type,
    uu.username
   FROM ((read_models.user_usage uu
     JOIN read_models_as_of.component_usage u ON (((u.resource_uuid = uu.resource_uuid) AND (u.billing_period = uu.billing_period) AND (u.uuid = uu.component_usage_uuid))))
     CROSS JOIN LATERAL ( SELECT uu.usage,
            uu.modified
          WHERE (uu.since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))
        UNION ALL
         SELECT p.usage,
            p.modified
           FROM read_models.user_usage_past p
          WHERE ((uu.since > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND (p.uuid = uu.uuid) AND (p.since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND (p.until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)))) v)
  WHERE (uu.id <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting));


--
-- Name: usage_count; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.usage_count AS
 SELECT kind,
    scope,
    month,
    offering_uuid,
    (sum(component_usages))::bigint AS component_usages,
        CASE kind
            WHEN 'all'::text THEN ( SELECT count(*) AS count
               FROM read_models_as_of.user_usage
              WHERE (user_usage.billing_period = c.month))
            WHEN 'offering'::text THEN ( SELECT count(*) AS count
               FROM read_models_as_of.user_usage u
              WHERE ((u.offering_uuid = c.scope) AND (u.billing_period = c.month)))
            WHEN 'project'::text THEN ( SELECT count(*) AS count
               FROM read_models_as_of.user_usage
              WHERE ((user_usage.project_uuid = c.scope) AND (user_usage.billing_period = c.month)))
            ELSE ( SELECT count(*) AS count
               FROM read_models_as_of.user_usage u
              WHERE ((u.customer_uuid = c.scope) AND (u.billing_period = c.month) AND (u.offering_uuid = c.offering_uuid)))
        END AS user_usages
   FROM ( SELECT usage_count_span.kind,
            usage_count_span.scope,
            usage_count_span.month,
            usage_count_span.offering_uuid,
            usage_count_span.component_usages
           FROM read_models_as_of.usage_count_span
        UNION ALL
         SELECT s.kind,
            s.scope,
            c_1.billing_period,
            s.offering_uuid,
            c_1.sign
           FROM (( SELECT component_usage_versions.id AS "position",
                    1 AS sign,
                    component_usage_versions.billing_period,
                    component_usage_versions.project_uuid,
                    component_usage_versions.customer_uuid,
                    component_usage_versions.offering_uuid
                   FROM read_models.component_usage_versions
                  WHERE ((component_usage_versions.since = component_usage_versions.id) AND (component_usage_versions.id >= ((( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting) / 1024) * 1024)) AND (component_usage_versions.id < (( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting) + 1)))
                UNION ALL
                 SELECT p.until,
                    v.sign,
                    p.billing_period,
                    v.project_uuid,
                    v.customer_uuid,
                    v.offering_uuid
                   FROM (read_models.component_usage_past p
                     CROSS JOIN LATERAL ( SELECT '-1'::integer AS sign,
                            p.project_uuid,
                            p.customer_uuid,
                            p.offering_uuid
                        UNION ALL
                         SELECT 1,
                            n.project_uuid,
                            n.customer_uuid,
                            n.offering_uuid
                           FROM read_models.component_usage_versions n
                          WHERE ((n.uuid = p.uuid) AND (n.since = p.until))) v)
                  WHERE (p.is_moved AND (p.until >= ((( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting) / 1024) * 1024)) AND (p.until < (( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting) + 1)))) c_1
             CROSS JOIN LATERAL ( VALUES ('all'::text,'00000000-0000-0000-0000-000000000000'::uuid,'00000000-0000-0000-0000-000000000000'::uuid), ('offering'::text,c_1.offering_uuid,c_1.offering_uuid), ('project'::text,c_1.project_uuid,'00000000-0000-0000-0000-000000000000'::uuid), ('customer'::text,c_1.customer_uuid,c_1.offering_uuid)) s(kind, scope, offering_uuid))) c
  GROUP BY kind, scope, month, offering_uuid
 HAVING (sum(component_usages) > (0)::numeric);


--
-- Name: user_usage_limit; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.user_usage_limit AS
 SELECT id,
    uuid,
    resource_uuid,
    component_uuid,
    offering_user_uuid,
    project_uuid,
    customer_uuid,
    offering_uuid,
    provider_uuid,
    "limit",
    since,
    until
   FROM read_models.user_usage_limit_versions
  WHERE ((since <= ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting)) AND ((until IS NULL) OR (until > ( SELECT (current_setting('usage_ledger.as_of'::text))::bigint AS current_setting))));


--
-- Name: user_usage_limit_count; Type: VIEW; Schema: read_models_as_of; Owner: -
--

CREATE VIEW read_models_as_of.user_usage_limit_count AS
 SELECT 'all'::text AS kind,
    '00000000-0000-0000-0000-000000000000'::uuid AS scope,
    '00000000-0000-0000-0000-000000000000'::uuid AS offering_uuid,
    count(*) AS limits
   FROM read_models_as_of.user_usage_limit
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'offering'::text AS kind,
    user_usage_limit.offering_uuid AS scope,
    user_usage_limit.offering_uuid,
    count(*) AS limits
   FROM read_models_as_of.user_usage_limit
  GROUP BY user_usage_limit.offering_uuid
UNION ALL
 SELECT 'project'::text AS kind,
    user_usage_limit.project_uuid AS scope,
    '00000000-0000-0000-0000-000000000000'::uuid AS offering_uuid,
    count(*) AS limits
   FROM read_models_as_of.user_usage_limit
  GROUP BY user_usage_limit.project_uuid
UNION ALL
 SELECT 'customer'::text AS kind,
    user_usage_limit.customer_uuid AS scope,
    user_usage_limit.offering_uuid,
    count(*) AS limits
   FROM read_models_as_of.user_usage_limit
  GROUP BY user_usage_limit.customer_uuid, user_usage_limit.offering_uuid;


--
-- Name: ledger_events notification_id; Type: DEFAULT; Schema: journal; Owner: -
--

ALTER TABLE ONLY journal.ledger_events ALTER COLUMN notification_id SET DEFAULT nextval('journal.ledger_events_notification_id_seq'::regclass);


--
-- Name: component_usage_past until; Type: DEFAULT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.component_usage_past ALTER COLUMN until SET DEFAULT '9223372036854775807'::bigint;


--
-- Data for Name: checkpoint; Type: TABLE DATA; Schema: journal; Owner: -
--

COPY journal.checkpoint (size, "position", note, signed_at) FROM stdin;
30	30	\\x75736167652d6c65646765722f62333864623136306531356234663831613063333366383265616163626636660a33300a79596b6a6d6f634d6d396e56522f6a454676396658726138363137512b50644f7a5178566962434f624c513d0a0ae280942075736167652d6c65646765722f623338646231363065313562346638316130633333663832656161636266366620436f615242722f564669333042654952594479316b3945733154466e7a74453141584e71485053786a636a734a70672b663874524a5057424a72754964795059614b486f73654a6f334c2f7666705a6b72414864394576636a51633d0a	2026-11-30 09:59:41.285627+00
\.


--
-- Data for Name: ledger; Type: TABLE DATA; Schema: journal; Owner: -
--

COPY journal.ledger (only_row, ledger_id) FROM stdin;
t	b38db160-e15b-4f81-a0c3-3f82eaacbf6f
\.


--
-- Data for Name: ledger_events; Type: TABLE DATA; Schema: journal; Owner: -
--

COPY journal.ledger_events (originator_id, originator_version, topic, state, notification_id) FROM stdin;
7174b90e-2c34-591a-b835-f49b4c6b4c68	1	UserDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3731353831345a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030303031222c22706572736f6e223a223236333833356336653164613433393162316162646435663233356261323164222c22636f6d6d69746d656e74223a2265326230613935656333393539633533303539363632393034633638663330643236646332336562636664313862643139393636306435393161323563376132222c2269735f7374616666223a747275652c2269735f737570706f7274223a66616c73652c2269735f616374697665223a747275657d7d	1
1604c8c1-843e-548f-9350-a1a8836f17f5	1	UserDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3731353831345a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030303032222c22706572736f6e223a226338623730393237323333663430643538396332303134383936383030633835222c22636f6d6d69746d656e74223a2231393633623466306463386630653132656366336265653737356631653464333238623632633466323539366238623432646234656636393765353962333332222c2269735f7374616666223a66616c73652c2269735f737570706f7274223a66616c73652c2269735f616374697665223a747275657d7d	2
f9823b79-a1d5-55d8-9f7e-09df774013fe	1	UserDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3731353831345a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030303033222c22706572736f6e223a223562643539636534343433383437646438343065303337663834353936393837222c22636f6d6d69746d656e74223a2262623565613764323061656632643163616336623666616533373062636439333734646262306432636462303834326564343862656634383039633430326534222c2269735f7374616666223a66616c73652c2269735f737570706f7274223a66616c73652c2269735f616374697665223a747275657d7d	3
765c0b7a-10ab-53e9-883e-25070f97ecef	1	CustomerDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3734363136315a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030313031222c226e616d65223a224e6f72746865726e204c696768747320436f6d707574696e67222c22616262726576696174696f6e223a224e4c43227d7d	4
95e47e74-7a5b-56b2-b889-c4d3ab133002	1	CustomerDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3734363136315a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030313032222c226e616d65223a22496e73746974757465206f66204f6365616e2050687973696373222c22616262726576696174696f6e223a22494f50227d7d	5
9fac263c-f9cb-57ce-8a9d-0ee7b1ad8750	1	ProjectDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3736353635335a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030323031222c226e616d65223a225365612069636520666f726563617374222c22637573746f6d65725f75756964223a223030303030303030303030303430303038303030303030303030303030313032222c2269735f72656d6f766564223a66616c73657d7d	6
72560b80-d1e4-5d8d-afab-f066531977f9	1	ProjectDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3736353635335a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030323032222c226e616d65223a22506c616e6b746f6e206472696674222c22637573746f6d65725f75756964223a223030303030303030303030303430303038303030303030303030303030313032222c2269735f72656d6f766564223a66616c73657d7d	7
44ac7f3f-5ceb-5521-8a83-b44929af4d4f	1	CategoryDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3830363435385a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030333031222c227469746c65223a22486967682d706572666f726d616e636520636f6d707574696e67227d7d	8
35d5bbec-4b35-5e03-a828-53dc23095c32	1	ServiceProviderDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3832323135325a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030343031222c22637573746f6d65725f75756964223a223030303030303030303030303430303038303030303030303030303030313031227d7d	9
530e7dda-e45c-5983-b854-95ab7fb9d9bf	1	OfferingDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3833313139315a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030353031222c226e616d65223a22426f7265616c697320636c7573746572222c226f66666572696e675f74797065223a224d61726b6574706c6163652e536c75726d222c22637573746f6d65725f75756964223a223030303030303030303030303430303038303030303030303030303030313031222c227374617465223a322c2263617465676f72795f75756964223a223030303030303030303030303430303038303030303030303030303030333031222c2270726f6a6563745f75756964223a6e756c6c2c22706172656e745f75756964223a6e756c6c2c22706c7567696e5f6f7074696f6e73223a7b7d7d7d	10
1558eb80-2524-5644-a5ed-50165cd90b70	1	ComponentDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3931383135355a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030353131222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c22636f6d706f6e656e745f74797065223a22637075222c226e616d65223a22435055222c226465736372697074696f6e223a22222c226d656173757265645f756e6974223a2243505520686f757273222c2262696c6c696e675f74797065223a227573616765222c226c696d69745f706572696f64223a226d6f6e7468222c226c696d69745f616d6f756e74223a6e756c6c2c2269735f70726570616964223a66616c73652c22756e69745f666163746f72223a2231222c2262696c6c65645f7065725f706c616e223a66616c73657d7d	11
270f2845-624b-55a5-a1b3-f2cc4cdee307	1	ComponentDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3931383135355a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030353132222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c22636f6d706f6e656e745f74797065223a22677075222c226e616d65223a22475055222c226465736372697074696f6e223a22222c226d656173757265645f756e6974223a2247505520686f757273222c2262696c6c696e675f74797065223a226c696d6974222c226c696d69745f706572696f64223a22717561727465726c79222c226c696d69745f616d6f756e74223a6e756c6c2c2269735f70726570616964223a66616c73652c22756e69745f666163746f72223a2231222c2262696c6c65645f7065725f706c616e223a66616c73657d7d	12
4890065b-41e9-5e9e-be18-88036b7165b3	1	ComponentDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3931383135355a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030353133222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c22636f6d706f6e656e745f74797065223a2273746f72616765222c226e616d65223a2253746f72616765222c226465736372697074696f6e223a22222c226d656173757265645f756e6974223a224742222c2262696c6c696e675f74797065223a226c696d6974222c226c696d69745f706572696f64223a226d6f6e7468222c226c696d69745f616d6f756e74223a6e756c6c2c2269735f70726570616964223a66616c73652c22756e69745f666163746f72223a2231222c2262696c6c65645f7065725f706c616e223a66616c73657d7d	13
05e34061-f21f-57f7-8867-e8f43e91385c	1	PlanDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3933373939395a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030363031222c226e616d65223a225265736561726368222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c2262696c6c696e675f6d6f6465223a22696e6865726974227d7d	14
c01c40aa-ff63-57a1-ae7d-c955a546e85e	1	ResourceDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3934343832325a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030373031222c226e616d65223a227365612d696365222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c2270726f6a6563745f75756964223a223030303030303030303030303430303038303030303030303030303030323031222c22706c616e5f75756964223a223030303030303030303030303430303038303030303030303030303030363031222c227374617465223a322c226c696d697473223a7b22677075223a2235303030222c2273746f72616765223a2232303030227d2c22736c7567223a227365612d696365222c226261636b656e645f6964223a226870635f7365615f696365222c2263726561746564223a22323032362d30312d30315430303a30303a30305a222c226261636b656e645f6d65746164617461223a7b7d2c2261747472696275746573223a7b7d7d7d	15
1583a37f-7156-5101-ba4c-73e74573979e	1	ResourceDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3934343832325a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030373032222c226e616d65223a22706c616e6b746f6e222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c2270726f6a6563745f75756964223a223030303030303030303030303430303038303030303030303030303030323032222c22706c616e5f75756964223a223030303030303030303030303430303038303030303030303030303030363031222c227374617465223a322c226c696d697473223a7b22677075223a2231303030222c2273746f72616765223a22353030227d2c22736c7567223a22706c616e6b746f6e222c226261636b656e645f6964223a226870635f706c616e6b746f6e222c2263726561746564223a22323032362d30322d30315430303a30303a30305a222c226261636b656e645f6d65746164617461223a7b7d2c2261747472696275746573223a7b7d7d7d	16
aa3d6fc6-71a1-5f94-9bfc-4e2a2d16665e	1	RoleDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3935393430305a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030383031222c22757365725f75756964223a223030303030303030303030303430303038303030303030303030303030303032222c22726f6c655f6e616d65223a224f46464552494e472e4d414e41474552222c2273636f70655f74797065223a226f66666572696e67222c2273636f70655f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c2269735f616374697665223a747275657d7d	17
9382e5b8-dca1-5534-8964-36b21aaa2c2c	1	RoleDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31342e3935393430305a222c22656e74697479223a7b2275756964223a223030303030303030303030303430303038303030303030303030303030383032222c22757365725f75756964223a223030303030303030303030303430303038303030303030303030303030303033222c22726f6c655f6e616d65223a2250524f4a4543542e4d454d424552222c2273636f70655f74797065223a2270726f6a656374222c2273636f70655f75756964223a223030303030303030303030303430303038303030303030303030303030323031222c2269735f616374697665223a747275657d7d	18
d0c25d29-4822-5994-a82b-560c75e40940	1	TokenIssued	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31352e3030373638335a222c22746f6b656e5f75756964223a226430633235643239343832323539393461383262353630633735653430393430222c22746f6b656e5f68617368223a2236663065393461333332653266356633386630393131336536633063663033373163626332393962643630356439313361643462396333646639323039303333222c22757365725f75756964223a223030303030303030303030303430303038303030303030303030303030303031222c22657870697265735f6174223a22323032362d31322d30315430393a35393a31352e3030373638335a227d	19
2778a8f9-6f12-5bca-a2ee-93d3c5f4cf5d	1	PlanPeriodDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31352e3638393934395a222c22746f6b656e5f75756964223a226430633235643239343832323539393461383262353630633735653430393430222c226167656e74223a226375726c2f372e38382e31222c22736f75726365223a22617069222c226465736372696265645f6279223a223030303030303030303030303430303038303030303030303030303030303031222c22656e74697479223a7b2275756964223a223464366533383639666334343534366539366531623965643838386664383365222c227265736f757263655f75756964223a223030303030303030303030303430303038303030303030303030303030373031222c22706c616e5f75756964223a223030303030303030303030303430303038303030303030303030303030363031222c227374617274223a22323032362d30312d30315430303a30303a30305a222c22656e64223a6e756c6c7d7d	20
c28cab83-ae5e-573f-a97a-4f93bba9e97d	1	UsageReported	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31352e3638393934395a222c22746f6b656e5f75756964223a226430633235643239343832323539393461383262353630633735653430393430222c226167656e74223a226375726c2f372e38382e31222c2275736167655f75756964223a223232363932666637363937633534366461333335626265626631386439386361222c227265736f757263655f75756964223a223030303030303030303030303430303038303030303030303030303030373031222c22636f6d706f6e656e745f75756964223a223030303030303030303030303430303038303030303030303030303030353131222c22636f6d706f6e656e745f74797065223a22637075222c226d6f6e7468223a22323032362d31312d3031222c2270726f6a6563745f75756964223a223030303030303030303030303430303038303030303030303030303030323031222c22637573746f6d65725f75756964223a223030303030303030303030303430303038303030303030303030303030313032222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c2270726f76696465725f75756964223a223030303030303030303030303430303038303030303030303030303030313031222c226d656173757265645f6174223a22323032362d31312d33305430393a35393a31352e3638393934395a222c227265706f727465645f6279223a223030303030303030303030303430303038303030303030303030303030303031222c22616d6f756e74223a2231302e3030222c22706c616e5f616d6f756e74223a2231302e3030222c22706c616e5f75756964223a223030303030303030303030303430303038303030303030303030303030363031222c22706c616e5f706572696f645f75756964223a223464366533383639666334343534366539366531623965643838386664383365227d	21
c28cab83-ae5e-573f-a97a-4f93bba9e97d	2	UsageReported	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31352e3737373935365a222c22746f6b656e5f75756964223a226430633235643239343832323539393461383262353630633735653430393430222c226167656e74223a226375726c2f372e38382e31222c2275736167655f75756964223a223232363932666637363937633534366461333335626265626631386439386361222c227265736f757263655f75756964223a223030303030303030303030303430303038303030303030303030303030373031222c22636f6d706f6e656e745f75756964223a223030303030303030303030303430303038303030303030303030303030353131222c22636f6d706f6e656e745f74797065223a22637075222c226d6f6e7468223a22323032362d31312d3031222c2270726f6a6563745f75756964223a223030303030303030303030303430303038303030303030303030303030323031222c22637573746f6d65725f75756964223a223030303030303030303030303430303038303030303030303030303030313032222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c2270726f76696465725f75756964223a223030303030303030303030303430303038303030303030303030303030313031222c226d656173757265645f6174223a22323032362d31312d33305430393a35393a31352e3737373935365a222c227265706f727465645f6279223a223030303030303030303030303430303038303030303030303030303030303031222c22616d6f756e74223a2232302e3530222c22706c616e5f616d6f756e74223a2232302e3530222c22706c616e5f75756964223a223030303030303030303030303430303038303030303030303030303030363031222c22706c616e5f706572696f645f75756964223a223464366533383639666334343534366539366531623965643838386664383365227d	22
c28cab83-ae5e-573f-a97a-4f93bba9e97d	4	UserUsageReported	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31362e3138343533365a222c22746f6b656e5f75756964223a226430633235643239343832323539393461383262353630633735653430393430222c226167656e74223a226375726c2f372e38382e31222c2275736167655f75756964223a223232363932666637363937633534366461333335626265626631386439386361222c227265736f757263655f75756964223a223030303030303030303030303430303038303030303030303030303030373031222c22636f6d706f6e656e745f75756964223a223030303030303030303030303430303038303030303030303030303030353131222c22636f6d706f6e656e745f74797065223a22637075222c226d6f6e7468223a22323032362d31312d3031222c2270726f6a6563745f75756964223a223030303030303030303030303430303038303030303030303030303030323031222c22637573746f6d65725f75756964223a223030303030303030303030303430303038303030303030303030303030313032222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c2270726f76696465725f75756964223a223030303030303030303030303430303038303030303030303030303030313031222c226d656173757265645f6174223a22323032362d31312d33305430393a35393a31362e3138343533365a222c227265706f727465645f6279223a223030303030303030303030303430303038303030303030303030303030303031222c22757365725f75736167655f75756964223a226438613831316561383561303535326161613437343733303937636239303236222c22706572736f6e223a226163636664366436316439373461386239373336646432653132393966393237222c22636f6d6d69746d656e74223a2231386138656333333635313731646138386365383335373165363861646433646161643665663431653665303061616638303531636232313666363331636138222c22616d6f756e74223a22332e3235227d	24
c28cab83-ae5e-573f-a97a-4f93bba9e97d	3	UsageReported	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a31352e3931313034395a222c22746f6b656e5f75756964223a226430633235643239343832323539393461383262353630633735653430393430222c226167656e74223a226375726c2f372e38382e31222c2275736167655f75756964223a223232363932666637363937633534366461333335626265626631386439386361222c227265736f757263655f75756964223a223030303030303030303030303430303038303030303030303030303030373031222c22636f6d706f6e656e745f75756964223a223030303030303030303030303430303038303030303030303030303030353131222c22636f6d706f6e656e745f74797065223a22637075222c226d6f6e7468223a22323032362d31312d3031222c2270726f6a6563745f75756964223a223030303030303030303030303430303038303030303030303030303030323031222c22637573746f6d65725f75756964223a223030303030303030303030303430303038303030303030303030303030313032222c226f66666572696e675f75756964223a223030303030303030303030303430303038303030303030303030303030353031222c2270726f76696465725f75756964223a223030303030303030303030303430303038303030303030303030303030313031222c226d656173757265645f6174223a22323032362d31312d33305430393a35393a31352e3931313034395a222c227265706f727465645f6279223a223030303030303030303030303430303038303030303030303030303030303031222c22616d6f756e74223a2231352e3030222c22706c616e5f616d6f756e74223a2231352e3030222c22706c616e5f75756964223a223030303030303030303030303430303038303030303030303030303030363031222c22706c616e5f706572696f645f75756964223a223464366533383639666334343534366539366531623965643838386664383365227d	23
30318777-a8ad-5e10-8e7d-f62e99f1cc99	1	UserDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a32302e3036393731305a222c22736f75726365223a22636f6d6d616e642d6c696e65222c22656e74697479223a7b2275756964223a226133396562346263323863383463343038643231303030336165313536343462222c22706572736f6e223a223232323038393865316635643463623862383137656161356331313637303262222c22636f6d6d69746d656e74223a2265333639616431333639316137656566366262306230396431396165656332356333383461373761383562393863346564363835656464346165316236663264222c2269735f7374616666223a66616c73652c2269735f737570706f7274223a66616c73652c2269735f616374697665223a747275657d7d	25
afa1b4f6-f31d-5cb4-adb9-51b40b57bbf0	1	TokenIssued	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a32352e3930363433335a222c22746f6b656e5f75756964223a226166613162346636663331643563623461646239353162343062353762626630222c22746f6b656e5f68617368223a2265663565386433343331383733313732326565373563656532303638396635623763313630383939366435633933656630356636343365636638366437393565222c22757365725f75756964223a226133396562346263323863383463343038643231303030336165313536343462227d	26
2220898e-1f5d-4cb8-b817-eaa5c116702b	1	PersonForgotten	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a33352e3135393739325a222c22706572736f6e223a223232323038393865316635643463623862383137656161356331313637303262222c22726561736f6e223a2261736b656420746f227d	27
30318777-a8ad-5e10-8e7d-f62e99f1cc99	2	UserDescribed	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a33352e3135393739325a222c22736f75726365223a22636f6d6d616e642d6c696e65222c22656e74697479223a7b2275756964223a226133396562346263323863383463343038643231303030336165313536343462222c22706572736f6e223a223232323038393865316635643463623862383137656161356331313637303262222c22636f6d6d69746d656e74223a2265333639616431333639316137656566366262306230396431396165656332356333383461373761383562393863346564363835656464346165316236663264222c2269735f7374616666223a66616c73652c2269735f737570706f7274223a66616c73652c2269735f616374697665223a66616c73657d7d	28
afa1b4f6-f31d-5cb4-adb9-51b40b57bbf0	2	TokenRevoked	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a33352e3135393739325a222c22746f6b656e5f75756964223a226166613162346636663331643563623461646239353162343062353762626630227d	29
0e4cd661-92c7-52cc-92e6-65313b06d42c	1	ReadModelsVerified	\\x7b227265636f726465645f6174223a22323032362d31312d33305430393a35393a34312e3235353633325a222c22746f223a32392c226661637473223a32392c22646966666572656e636573223a307d	30
\.


--
-- Data for Name: person; Type: TABLE DATA; Schema: journal; Owner: -
--

COPY journal.person (uuid, username, salt) FROM stdin;
263835c6-e1da-4391-b1ab-dd5f235ba21d	demo-staff	\\x16077ebb143378d6eca722cb5bc36bf0
c8b70927-233f-40d5-89c2-014896800c85	demo-agent	\\x3cb465ebaf1fdbcc77cae29afdafd4c1
5bd59ce4-4438-47dd-840e-037f84596987	demo-reader	\\xbf7b8f75cc772652d0934c232de8b30f
accfd6d6-1d97-4a8b-9736-dd2e1299f927	alice	\\xc28d11087b0249ee560ca9f3c2c64718
\.


--
-- Data for Name: tree_tail; Type: TABLE DATA; Schema: journal; Owner: -
--

COPY journal.tree_tail (first_leaf, last_position, hashes) FROM stdin;
0	3	\\x6f551188861800226b0c89cd6d29736301a28f721d9b72bb64389420af4505321b09dfabf4da5d1e8db97153494978bfa8043c25cf40ef74c0470620f17748a1841dadbd6beeb24ab3f1cddcd51256f7ec1cd54e15eb37e75934376a5768d398
3	5	\\xcc3552a11d5c81e63dfe299df7dc16f668f44ff7d635add89e24ae8beea507bf27cb8e14d4e336b2419bf551c1e725b5e29cec4fa668d02399a1074006bdfdc2
5	7	\\x19eb93463685d06d8ab9619cb1dda7baea860137f44aa94f01391552bf304eed1c1362b349d794d982a49d3020a64d75a8a0460b6ece56558b8e7e832d42fcd4
7	8	\\xd74f082555cab879c437a4446c0936fffff60cf495198211654d10b0ea12a9df
8	9	\\x3d7a0c6c4792fbd81b29d58fe8d12ff1b7c408cb48d7764869118ed73eb7f4ac
9	10	\\xebe1a21a5cd52fb6253241254502f113c593898139530591ba419dc1179fb312
10	13	\\xa195aeafb78f935e2bbda945cd8b3999e4c7bc0a8667b68ef4ea9832352139696a68ee2dc312adf578ee9820fcb81b3ea2ba522497e5f309fab491f1d7c91d22e3b7bd926e1ebca9a99926c32af2392596d2b0c2b597dd0f62bf8741671ff5c4
13	14	\\x8f2157f192c73e3fb13f37ca4d2a93048f7837b0fbb5e69250dfd62cd82e8db8
14	16	\\x7008d0e2ed4cbac3391fbbaf6c9c6136aeee9624678b675632d98c0485d920f323afbc9f23870f98b909654811e34277b2ebe1f114c5b1a274bf3b5b657a9dd7
16	18	\\x203c92bfed15983629a6812196a3deb74f217c06683b065cd3260cf44c1de13133789d3e28f55c5a6c56d332260e79d537fbafab53b9a9719567ce153f44ee93
18	19	\\x8b3351690c9abfb3866a40367850b1ec5e2e6151d2244116f15b42db2fe2b6b4
19	21	\\xdb01652288d849e08a722cc6fc8184b91bdbca4c110069f533850e34e2818dde7d93b8ed296c579503b864705dc77b144d2d5cbedbc90504946688309420688b
21	22	\\x902dc4766a6858e3955fb3249575dfc57a4102ae420ef59c45deb22085521585
22	23	\\xa1c6ad92343d9e31107ea820534b354d4cd8813e3a910345a99f366079df10ef
23	24	\\xd791434b51f6a94eac727620905e7b0f5f6f87049c65a0a52f3a5c5a1a06be3e
24	25	\\xf1cfa9346a4a07fc16e81f75067f20a8ba7b4959f5940b1c265c760987db5f70
25	26	\\xd676ac9f692b27b74de8d8f5c2cff8ccbcb8bf8314df37a5f16860ebceca7578
26	29	\\xef39fd6f5853fb27bde96a438f2a76904982985ca1463a5c620abb4f7ef744600a162f0249f2314384cc9183922b90fc994e3b1a1a0d77679846944b59f49a2a26c1f059849924014af8f51b9edd4857025ca5b2783b0df4eeea1947aa64d79b
29	30	\\x46e874f89d109c41eb6d09b4d9781000ad088632dd9e0f1a1262dbd4b7611a02
\.


--
-- Data for Name: tree_tile; Type: TABLE DATA; Schema: journal; Owner: -
--

COPY journal.tree_tile (level, index, last_position, root, hashes) FROM stdin;
\.


--
-- Data for Name: account; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.account (uuid, id, "position", person, username, is_staff, is_support, is_active, since, until) FROM stdin;
00000000-0000-4000-8000-000000000001	1	1	263835c6-e1da-4391-b1ab-dd5f235ba21d	demo-staff	t	f	t	1	\N
00000000-0000-4000-8000-000000000002	2	2	c8b70927-233f-40d5-89c2-014896800c85	demo-agent	f	f	t	2	\N
00000000-0000-4000-8000-000000000003	3	3	5bd59ce4-4438-47dd-840e-037f84596987	demo-reader	f	f	t	3	\N
a39eb4bc-28c8-4c40-8d21-0003ae15644b	4	25	2220898e-1f5d-4cb8-b817-eaa5c116702b	\N	f	f	f	28	\N
\.


--
-- Data for Name: account_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.account_past (uuid, id, "position", person, username, is_staff, is_support, is_active, since, until) FROM stdin;
a39eb4bc-28c8-4c40-8d21-0003ae15644b	4	25	2220898e-1f5d-4cb8-b817-eaa5c116702b	\N	f	f	t	25	28
\.


--
-- Data for Name: account_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.account_versions (uuid, id, "position", person, username, is_staff, is_support, is_active, since, until) FROM stdin;
\.


--
-- Data for Name: agent_identity; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.agent_identity (uuid, id, described, modified, last_restarted, offering_uuid, created_by, name, version, config_file_path, dependencies, since, until) FROM stdin;
\.


--
-- Data for Name: agent_identity_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.agent_identity_past (uuid, id, described, modified, last_restarted, offering_uuid, created_by, name, version, config_file_path, dependencies, since, until) FROM stdin;
\.


--
-- Data for Name: agent_identity_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.agent_identity_versions (uuid, id, described, modified, last_restarted, offering_uuid, created_by, name, version, config_file_path, dependencies, since, until) FROM stdin;
\.


--
-- Data for Name: agent_processor; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.agent_processor (uuid, id, described, modified, service_uuid, name, backend_type, backend_version, since, until) FROM stdin;
\.


--
-- Data for Name: agent_processor_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.agent_processor_past (uuid, id, described, modified, service_uuid, name, backend_type, backend_version, since, until) FROM stdin;
\.


--
-- Data for Name: agent_processor_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.agent_processor_versions (uuid, id, described, modified, service_uuid, name, backend_type, backend_version, since, until) FROM stdin;
\.


--
-- Data for Name: agent_service; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.agent_service (uuid, id, described, modified, identity_uuid, name, mode, since, until) FROM stdin;
\.


--
-- Data for Name: agent_service_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.agent_service_past (uuid, id, described, modified, identity_uuid, name, mode, since, until) FROM stdin;
\.


--
-- Data for Name: agent_service_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.agent_service_versions (uuid, id, described, modified, identity_uuid, name, mode, since, until) FROM stdin;
\.


--
-- Data for Name: allocation; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.allocation (component_uuid, since, until, if_used, amount) FROM stdin;
00000000-0000-4000-8000-000000000511	-infinity	2026-10-31	t	0
00000000-0000-4000-8000-000000000511	2026-11-01	infinity	f	0
00000000-0000-4000-8000-000000000512	-infinity	2026-10-31	t	6000
00000000-0000-4000-8000-000000000512	2026-11-01	infinity	f	6000
00000000-0000-4000-8000-000000000513	-infinity	2026-10-31	t	2500
00000000-0000-4000-8000-000000000513	2026-11-01	infinity	f	2500
\.


--
-- Data for Name: allocation_change; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.allocation_change (offering_uuid, component_type, month, is_first, amount, resources) FROM stdin;
00000000-0000-4000-8000-000000000501	gpu	2026-11-01	t	6000	2
00000000-0000-4000-8000-000000000501	storage	2026-11-01	t	2500	2
\.


--
-- Data for Name: carried_month; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.carried_month (month) FROM stdin;
\.


--
-- Data for Name: category; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.category (uuid, title, since, until) FROM stdin;
00000000-0000-4000-8000-000000000301	High-performance computing	8	\N
\.


--
-- Data for Name: category_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.category_past (uuid, title, since, until) FROM stdin;
\.


--
-- Data for Name: category_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.category_versions (uuid, title, since, until) FROM stdin;
\.


--
-- Data for Name: component; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.component (uuid, offering_uuid, component_type, name, description, measured_unit, billing_type, limit_period, limit_amount, is_prepaid, unit_factor, billed_per_plan, modified, since, until) FROM stdin;
00000000-0000-4000-8000-000000000511	00000000-0000-4000-8000-000000000501	cpu	CPU		CPU hours	usage	month	\N	f	1	f	2026-11-30 09:59:14.918155+00	11	\N
00000000-0000-4000-8000-000000000512	00000000-0000-4000-8000-000000000501	gpu	GPU		GPU hours	limit	quarterly	\N	f	1	f	2026-11-30 09:59:14.918155+00	12	\N
00000000-0000-4000-8000-000000000513	00000000-0000-4000-8000-000000000501	storage	Storage		GB	limit	month	\N	f	1	f	2026-11-30 09:59:14.918155+00	13	\N
\.


--
-- Data for Name: component_limit; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.component_limit (component_uuid, month, limit_amount) FROM stdin;
00000000-0000-4000-8000-000000000511	-infinity	\N
00000000-0000-4000-8000-000000000512	-infinity	\N
00000000-0000-4000-8000-000000000513	-infinity	\N
00000000-0000-4000-8000-000000000511	2026-11-01	\N
00000000-0000-4000-8000-000000000512	2026-11-01	\N
00000000-0000-4000-8000-000000000513	2026-11-01	\N
\.


--
-- Data for Name: component_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.component_past (uuid, offering_uuid, component_type, name, description, measured_unit, billing_type, limit_period, limit_amount, is_prepaid, unit_factor, billed_per_plan, modified, since, until) FROM stdin;
\.


--
-- Data for Name: component_usage; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.component_usage (id, since, until, measured_at, created, version, users, billing_period, resource_uuid, uuid, component_uuid, project_uuid, customer_uuid, offering_uuid, provider_uuid, plan_uuid, plan_period_uuid, reported_by, is_terminated, usage, component_type, missing_usage_policy, description) FROM stdin;
21	23	9223372036854775807	2026-11-30 09:59:15.911049+00	2026-11-30 09:59:15.689949+00	4	1	2026-11-01	00000000-0000-4000-8000-000000000701	22692ff7-697c-546d-a335-bbebf18d98ca	00000000-0000-4000-8000-000000000511	00000000-0000-4000-8000-000000000201	00000000-0000-4000-8000-000000000102	00000000-0000-4000-8000-000000000501	00000000-0000-4000-8000-000000000101	00000000-0000-4000-8000-000000000601	4d6e3869-fc44-546e-96e1-b9ed888fd83e	00000000-0000-4000-8000-000000000001	f	15.00	cpu	none	
\.


--
-- Data for Name: component_usage_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.component_usage_past (id, since, until, measured_at, created, billing_period, resource_uuid, uuid, component_uuid, project_uuid, customer_uuid, offering_uuid, provider_uuid, plan_uuid, plan_period_uuid, reported_by, usage, component_type, missing_usage_policy, description, is_moved) FROM stdin;
21	21	22	2026-11-30 09:59:15.689949+00	2026-11-30 09:59:15.689949+00	2026-11-01	00000000-0000-4000-8000-000000000701	22692ff7-697c-546d-a335-bbebf18d98ca	00000000-0000-4000-8000-000000000511	00000000-0000-4000-8000-000000000201	00000000-0000-4000-8000-000000000102	00000000-0000-4000-8000-000000000501	00000000-0000-4000-8000-000000000101	00000000-0000-4000-8000-000000000601	4d6e3869-fc44-546e-96e1-b9ed888fd83e	00000000-0000-4000-8000-000000000001	10.00	cpu	none		f
21	22	23	2026-11-30 09:59:15.777956+00	2026-11-30 09:59:15.689949+00	2026-11-01	00000000-0000-4000-8000-000000000701	22692ff7-697c-546d-a335-bbebf18d98ca	00000000-0000-4000-8000-000000000511	00000000-0000-4000-8000-000000000201	00000000-0000-4000-8000-000000000102	00000000-0000-4000-8000-000000000501	00000000-0000-4000-8000-000000000101	00000000-0000-4000-8000-000000000601	4d6e3869-fc44-546e-96e1-b9ed888fd83e	00000000-0000-4000-8000-000000000001	20.50	cpu	none		f
\.


--
-- Data for Name: component_usage_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.component_usage_versions (id, since, until, measured_at, created, billing_period, resource_uuid, uuid, component_uuid, project_uuid, customer_uuid, offering_uuid, provider_uuid, plan_uuid, plan_period_uuid, reported_by, usage, component_type, missing_usage_policy, description) FROM stdin;
\.


--
-- Data for Name: component_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.component_versions (uuid, offering_uuid, component_type, name, description, measured_unit, billing_type, limit_period, limit_amount, is_prepaid, unit_factor, billed_per_plan, modified, since, until) FROM stdin;
\.


--
-- Data for Name: customer; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.customer (uuid, name, abbreviation, since, until) FROM stdin;
00000000-0000-4000-8000-000000000101	Northern Lights Computing	NLC	4	\N
00000000-0000-4000-8000-000000000102	Institute of Ocean Physics	IOP	5	\N
\.


--
-- Data for Name: customer_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.customer_past (uuid, name, abbreviation, since, until) FROM stdin;
\.


--
-- Data for Name: customer_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.customer_versions (uuid, name, abbreviation, since, until) FROM stdin;
\.


--
-- Data for Name: description; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.description (stream, version, digest) FROM stdin;
7174b90e-2c34-591a-b835-f49b4c6b4c68	1	e5982b2e78cb1c15785a7e5ef978abe7416d6d7fbff1efafad6c4420bb2ae415
1604c8c1-843e-548f-9350-a1a8836f17f5	1	ed221baeb2993c06e27a8c2d5a6e59931cfe1b40197b2186d2e68cd2e05d4dcd
f9823b79-a1d5-55d8-9f7e-09df774013fe	1	df87dfdd7f0159a21b1ee6296f3978deac8b1355e3478702d46bc294f5e1411f
765c0b7a-10ab-53e9-883e-25070f97ecef	1	958754de55a5a092cc45f2d8aef3f4f6a09724256c662593043d170b5a51e471
95e47e74-7a5b-56b2-b889-c4d3ab133002	1	0a6a6c2de83b06b1ca28187840dd179371da0ca617568bc08bf6b4f23478f20a
9fac263c-f9cb-57ce-8a9d-0ee7b1ad8750	1	a76084d14373334680ee7c0afdb8fda7db069b1579326f33d25950ab0c5ecaf1
72560b80-d1e4-5d8d-afab-f066531977f9	1	c378255d38f07962b88f411cac81979f9c33cd789392e0a2b0b5de6fe951ca90
44ac7f3f-5ceb-5521-8a83-b44929af4d4f	1	87376a29ba5b4e37d4d7cfd3ae7d67ccd76c68e5266f9b20580885139f07a669
35d5bbec-4b35-5e03-a828-53dc23095c32	1	d5fa8be309e93180893280272b3a0934afb6c930b8510d51cf15e8aca7918799
530e7dda-e45c-5983-b854-95ab7fb9d9bf	1	682c8892b6ce65b0dfb3569c1fdaf1cfd9c7ba73167a5dbe91f5c8f3ce8cec86
1558eb80-2524-5644-a5ed-50165cd90b70	1	94288a28bc55b0f677c4687e550120f91a094947d37b134d732ed1647aa01d2a
270f2845-624b-55a5-a1b3-f2cc4cdee307	1	79cfa873ff6245a9fb7a3fd7241f882b3e29dc2e86157180c9c99caf19f5afc3
4890065b-41e9-5e9e-be18-88036b7165b3	1	df9b243f3d64c505ad1466b77bab4f1bfc97968d7420c56c80521484a6557149
05e34061-f21f-57f7-8867-e8f43e91385c	1	fd4214c22d23eabca1db6acb703e75ffc250b66934d4f4a8db4515f755772b64
c01c40aa-ff63-57a1-ae7d-c955a546e85e	1	60a4f704f3b69d8259222c6325be6a0ab59a15e5f6c5a9f910b09cd71f9efddd
1583a37f-7156-5101-ba4c-73e74573979e	1	16c6c6b6af7a8c7374a0a5dc2c3713b090a6e6fae838a767e006c473f9139e54
aa3d6fc6-71a1-5f94-9bfc-4e2a2d16665e	1	428858173241ea0256b93f85a60d334cc6e4897badd9a2f9842bdeb3de27200f
9382e5b8-dca1-5534-8964-36b21aaa2c2c	1	fa409046ecf516431ec9e9a0065ab537df5a50d19e8599a43ed8d5f981684a0c
2778a8f9-6f12-5bca-a2ee-93d3c5f4cf5d	1	67b592eda605ed800e20745d6ac17f5c85a5bce48d5046919625263ae27edb1f
30318777-a8ad-5e10-8e7d-f62e99f1cc99	2	ea644e4ee1ef2ccf0f294a4a734ce9f2acaca84514c37b931a76860f625f62d8
\.


--
-- Data for Name: forgotten_person; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.forgotten_person (person, "position") FROM stdin;
2220898e-1f5d-4cb8-b817-eaa5c116702b	27
\.


--
-- Data for Name: lowered; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.lowered ("position", recorded_at, billing_period, resource_uuid, usage_uuid, reported_by, usage_before, usage_after) FROM stdin;
23	2026-11-30 09:59:15.911049+00	2026-11-01	00000000-0000-4000-8000-000000000701	22692ff7-697c-546d-a335-bbebf18d98ca	00000000-0000-4000-8000-000000000001	20.50	15.00
\.


--
-- Data for Name: moment; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.moment (span, recorded_at, measured_at) FROM stdin;
0	2026-11-30 09:59:41.255632+00	2026-11-30 09:59:15.911049+00
\.


--
-- Data for Name: monthly_consumption; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.monthly_consumption (component_uuid, month, total) FROM stdin;
00000000-0000-4000-8000-000000000511	2026-11-01	15.00
\.


--
-- Data for Name: offering; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.offering (uuid, name, offering_type, customer_uuid, state, category_uuid, project_uuid, parent_uuid, plugin_options, id, described, modified, since, until) FROM stdin;
00000000-0000-4000-8000-000000000501	Borealis cluster	Marketplace.Slurm	00000000-0000-4000-8000-000000000101	2	00000000-0000-4000-8000-000000000301	\N	\N	{}	10	2026-11-30 09:59:14.831191+00	2026-11-30 09:59:14.831191+00	10	\N
\.


--
-- Data for Name: offering_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.offering_past (uuid, name, offering_type, customer_uuid, state, category_uuid, project_uuid, parent_uuid, plugin_options, id, described, modified, since, until) FROM stdin;
\.


--
-- Data for Name: offering_user; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.offering_user (uuid, offering_uuid, person, username, user_uuid, id, described, modified, provider_uuid, since, until) FROM stdin;
\.


--
-- Data for Name: offering_user_count; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.offering_user_count (kind, scope, offering_uuid, offering_users) FROM stdin;
\.


--
-- Data for Name: offering_user_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.offering_user_past (uuid, offering_uuid, person, username, user_uuid, id, described, modified, provider_uuid, since, until) FROM stdin;
\.


--
-- Data for Name: offering_user_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.offering_user_versions (uuid, offering_uuid, person, username, user_uuid, id, described, modified, provider_uuid, since, until) FROM stdin;
\.


--
-- Data for Name: offering_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.offering_versions (uuid, name, offering_type, customer_uuid, state, category_uuid, project_uuid, parent_uuid, plugin_options, id, described, modified, since, until) FROM stdin;
\.


--
-- Data for Name: plan; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.plan (uuid, name, offering_uuid, billing_mode, since, until) FROM stdin;
00000000-0000-4000-8000-000000000601	Research	00000000-0000-4000-8000-000000000501	inherit	14	\N
\.


--
-- Data for Name: plan_component; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.plan_component (plan_uuid, component_uuid, price, amount) FROM stdin;
\.


--
-- Data for Name: plan_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.plan_past (uuid, name, offering_uuid, billing_mode, since, until) FROM stdin;
\.


--
-- Data for Name: plan_period; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.plan_period (uuid, resource_uuid, plan_uuid, start, "end", since, until) FROM stdin;
4d6e3869-fc44-546e-96e1-b9ed888fd83e	00000000-0000-4000-8000-000000000701	00000000-0000-4000-8000-000000000601	2026-01-01 00:00:00+00	\N	20	\N
\.


--
-- Data for Name: plan_period_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.plan_period_past (uuid, resource_uuid, plan_uuid, start, "end", since, until) FROM stdin;
\.


--
-- Data for Name: plan_period_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.plan_period_versions (uuid, resource_uuid, plan_uuid, start, "end", since, until) FROM stdin;
\.


--
-- Data for Name: plan_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.plan_versions (uuid, name, offering_uuid, billing_mode, since, until) FROM stdin;
\.


--
-- Data for Name: project; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.project (uuid, name, customer_uuid, is_removed, since, until) FROM stdin;
00000000-0000-4000-8000-000000000201	Sea ice forecast	00000000-0000-4000-8000-000000000102	f	6	\N
00000000-0000-4000-8000-000000000202	Plankton drift	00000000-0000-4000-8000-000000000102	f	7	\N
\.


--
-- Data for Name: project_limit; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.project_limit (project_uuid, offering_uuid, component_type, amount, resources) FROM stdin;
00000000-0000-4000-8000-000000000202	00000000-0000-4000-8000-000000000501	storage	500	1
00000000-0000-4000-8000-000000000201	00000000-0000-4000-8000-000000000501	gpu	5000	1
00000000-0000-4000-8000-000000000201	00000000-0000-4000-8000-000000000501	storage	2000	1
00000000-0000-4000-8000-000000000202	00000000-0000-4000-8000-000000000501	gpu	1000	1
\.


--
-- Data for Name: project_offering; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.project_offering (project_uuid, offering_uuid, resources, terminated) FROM stdin;
00000000-0000-4000-8000-000000000201	00000000-0000-4000-8000-000000000501	1	0
00000000-0000-4000-8000-000000000202	00000000-0000-4000-8000-000000000501	1	0
\.


--
-- Data for Name: project_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.project_past (uuid, name, customer_uuid, is_removed, since, until) FROM stdin;
\.


--
-- Data for Name: project_usage; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.project_usage (project_uuid, component_uuid, month, usages, usages_terminated, used, used_terminated) FROM stdin;
00000000-0000-4000-8000-000000000201	00000000-0000-4000-8000-000000000511	2026-11-01	1	0	15.00	0.00
\.


--
-- Data for Name: project_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.project_versions (uuid, name, customer_uuid, is_removed, since, until) FROM stdin;
\.


--
-- Data for Name: read_position; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.read_position (only_row, "position", digest, described, built_by) FROM stdin;
t	30	-3653253518566294312	29	1559daad8644a47647f2fc6a8ec604f7fe0b5878b222a89de3fdf5a5ffb67487
\.


--
-- Data for Name: reporting_count; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.reporting_count (month, offering_uuid, resources, expected) FROM stdin;
2026-11-01	00000000-0000-4000-8000-000000000501	1	1
\.


--
-- Data for Name: resource; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.resource (uuid, name, offering_uuid, project_uuid, plan_uuid, state, limits, slug, backend_id, backend_metadata, attributes, created, id, described, modified, customer_uuid, provider_uuid, since, until) FROM stdin;
00000000-0000-4000-8000-000000000701	sea-ice	00000000-0000-4000-8000-000000000501	00000000-0000-4000-8000-000000000201	00000000-0000-4000-8000-000000000601	2	{"gpu": 5000, "storage": 2000}	sea-ice	hpc_sea_ice	{}	{}	2026-01-01 00:00:00+00	15	2026-11-30 09:59:14.944822+00	2026-11-30 09:59:14.944822+00	00000000-0000-4000-8000-000000000102	00000000-0000-4000-8000-000000000101	15	\N
00000000-0000-4000-8000-000000000702	plankton	00000000-0000-4000-8000-000000000501	00000000-0000-4000-8000-000000000202	00000000-0000-4000-8000-000000000601	2	{"gpu": 1000, "storage": 500}	plankton	hpc_plankton	{}	{}	2026-02-01 00:00:00+00	16	2026-11-30 09:59:14.944822+00	2026-11-30 09:59:14.944822+00	00000000-0000-4000-8000-000000000102	00000000-0000-4000-8000-000000000101	16	\N
\.


--
-- Data for Name: resource_count; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.resource_count (kind, scope, offering_uuid, state, resources) FROM stdin;
offering	00000000-0000-4000-8000-000000000501	00000000-0000-4000-8000-000000000501	2	2
all	00000000-0000-0000-0000-000000000000	00000000-0000-0000-0000-000000000000	2	2
project	00000000-0000-4000-8000-000000000202	00000000-0000-0000-0000-000000000000	2	1
customer	00000000-0000-4000-8000-000000000102	00000000-0000-4000-8000-000000000501	2	2
project	00000000-0000-4000-8000-000000000201	00000000-0000-0000-0000-000000000000	2	1
\.


--
-- Data for Name: resource_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.resource_past (uuid, name, offering_uuid, project_uuid, plan_uuid, state, limits, slug, backend_id, backend_metadata, attributes, created, id, described, modified, customer_uuid, provider_uuid, since, until) FROM stdin;
\.


--
-- Data for Name: resource_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.resource_versions (uuid, name, offering_uuid, project_uuid, plan_uuid, state, limits, slug, backend_id, backend_metadata, attributes, created, id, described, modified, customer_uuid, provider_uuid, since, until) FROM stdin;
\.


--
-- Data for Name: role; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.role (uuid, user_uuid, role_name, scope_type, scope_uuid, is_active) FROM stdin;
00000000-0000-4000-8000-000000000801	00000000-0000-4000-8000-000000000002	OFFERING.MANAGER	offering	00000000-0000-4000-8000-000000000501	t
00000000-0000-4000-8000-000000000802	00000000-0000-4000-8000-000000000003	PROJECT.MEMBER	project	00000000-0000-4000-8000-000000000201	t
\.


--
-- Data for Name: service_provider; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.service_provider (uuid, customer_uuid, id, described, modified, since, until) FROM stdin;
00000000-0000-4000-8000-000000000401	00000000-0000-4000-8000-000000000101	9	2026-11-30 09:59:14.822152+00	2026-11-30 09:59:14.822152+00	9	\N
\.


--
-- Data for Name: service_provider_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.service_provider_past (uuid, customer_uuid, id, described, modified, since, until) FROM stdin;
\.


--
-- Data for Name: service_provider_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.service_provider_versions (uuid, customer_uuid, id, described, modified, since, until) FROM stdin;
\.


--
-- Data for Name: silence; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.silence (resource_uuid, offering_uuid, after, before, is_expected) FROM stdin;
00000000-0000-4000-8000-000000000702	00000000-0000-4000-8000-000000000501	-infinity	infinity	t
00000000-0000-4000-8000-000000000701	00000000-0000-4000-8000-000000000501	-infinity	2026-11-01	t
00000000-0000-4000-8000-000000000701	00000000-0000-4000-8000-000000000501	2026-11-01	infinity	t
\.


--
-- Data for Name: token; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.token (token_uuid, token_hash, user_uuid, issued_at, expires_at, revoked_at, version) FROM stdin;
d0c25d29-4822-5994-a82b-560c75e40940	6f0e94a332e2f5f38f09113e6c0cf0371cbc299bd605d913ad4b9c3df9209033	00000000-0000-4000-8000-000000000001	2026-11-30 09:59:15.007683+00	2026-12-01 09:59:15.007683+00	\N	1
afa1b4f6-f31d-5cb4-adb9-51b40b57bbf0	ef5e8d34318731722ee75cee20689f5b7c1608996d5c93ef05f643ecf86d795e	a39eb4bc-28c8-4c40-8d21-0003ae15644b	2026-11-30 09:59:25.906433+00	\N	2026-11-30 09:59:35.159792+00	2
\.


--
-- Data for Name: usage_count; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.usage_count (kind, scope, month, offering_uuid, component_usages, user_usages) FROM stdin;
all	00000000-0000-0000-0000-000000000000	2026-11-01	00000000-0000-0000-0000-000000000000	1	1
customer	00000000-0000-4000-8000-000000000102	2026-11-01	00000000-0000-4000-8000-000000000501	1	1
project	00000000-0000-4000-8000-000000000201	2026-11-01	00000000-0000-0000-0000-000000000000	1	1
offering	00000000-0000-4000-8000-000000000501	2026-11-01	00000000-0000-4000-8000-000000000501	1	1
\.


--
-- Data for Name: usage_count_span; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.usage_count_span (kind, scope, month, offering_uuid, span, component_usages) FROM stdin;
\.


--
-- Data for Name: user_usage; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.user_usage (id, since, measured_at, created, modified, billing_period, resource_uuid, uuid, component_usage_uuid, component_uuid, project_uuid, customer_uuid, offering_uuid, provider_uuid, person, offering_user_uuid, usage, component_type, username) FROM stdin;
24	24	2026-11-30 09:59:15.911049+00	2026-11-30 09:59:16.184536+00	2026-11-30 09:59:16.184536+00	2026-11-01	00000000-0000-4000-8000-000000000701	d8a811ea-85a0-552a-aa47-473097cb9026	22692ff7-697c-546d-a335-bbebf18d98ca	00000000-0000-4000-8000-000000000511	00000000-0000-4000-8000-000000000201	00000000-0000-4000-8000-000000000102	00000000-0000-4000-8000-000000000501	00000000-0000-4000-8000-000000000101	accfd6d6-1d97-4a8b-9736-dd2e1299f927	\N	3.25	cpu	alice
\.


--
-- Data for Name: user_usage_limit; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.user_usage_limit (id, uuid, resource_uuid, component_uuid, offering_user_uuid, project_uuid, customer_uuid, offering_uuid, provider_uuid, "limit", since, until) FROM stdin;
\.


--
-- Data for Name: user_usage_limit_count; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.user_usage_limit_count (kind, scope, offering_uuid, limits) FROM stdin;
\.


--
-- Data for Name: user_usage_limit_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.user_usage_limit_past (id, uuid, resource_uuid, component_uuid, offering_user_uuid, project_uuid, customer_uuid, offering_uuid, provider_uuid, "limit", since, until) FROM stdin;
\.


--
-- Data for Name: user_usage_limit_versions; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.user_usage_limit_versions (id, uuid, resource_uuid, component_uuid, offering_user_uuid, project_uuid, customer_uuid, offering_uuid, provider_uuid, "limit", since, until) FROM stdin;
\.


--
-- Data for Name: user_usage_past; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.user_usage_past (since, until, modified, uuid, usage) FROM stdin;
\.


--
-- Data for Name: verification; Type: TABLE DATA; Schema: read_models; Owner: -
--

COPY read_models.verification (id, recorded_at, up_to, facts, differences) FROM stdin;
30	2026-11-30 09:59:41.255632+00	29	29	0
\.


--
-- Name: ledger_events_notification_id_seq; Type: SEQUENCE SET; Schema: journal; Owner: -
--

SELECT pg_catalog.setval('journal.ledger_events_notification_id_seq', 30, true);


--
-- Name: checkpoint checkpoint_pkey; Type: CONSTRAINT; Schema: journal; Owner: -
--

ALTER TABLE ONLY journal.checkpoint
    ADD CONSTRAINT checkpoint_pkey PRIMARY KEY (size);


--
-- Name: ledger_events ledger_events_pkey; Type: CONSTRAINT; Schema: journal; Owner: -
--

ALTER TABLE ONLY journal.ledger_events
    ADD CONSTRAINT ledger_events_pkey PRIMARY KEY (originator_id, originator_version);


--
-- Name: ledger ledger_pkey; Type: CONSTRAINT; Schema: journal; Owner: -
--

ALTER TABLE ONLY journal.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (only_row);


--
-- Name: person person_pkey; Type: CONSTRAINT; Schema: journal; Owner: -
--

ALTER TABLE ONLY journal.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (uuid);


--
-- Name: person person_username_key; Type: CONSTRAINT; Schema: journal; Owner: -
--

ALTER TABLE ONLY journal.person
    ADD CONSTRAINT person_username_key UNIQUE (username);


--
-- Name: tree_tail tree_tail_pkey; Type: CONSTRAINT; Schema: journal; Owner: -
--

ALTER TABLE ONLY journal.tree_tail
    ADD CONSTRAINT tree_tail_pkey PRIMARY KEY (first_leaf);


--
-- Name: tree_tile tree_tile_pkey; Type: CONSTRAINT; Schema: journal; Owner: -
--

ALTER TABLE ONLY journal.tree_tile
    ADD CONSTRAINT tree_tile_pkey PRIMARY KEY (level, index);


--
-- Name: account account_id_key; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.account
    ADD CONSTRAINT account_id_key UNIQUE (id);


--
-- Name: account account_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (uuid);


--
-- Name: agent_identity agent_identity_id_key; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.agent_identity
    ADD CONSTRAINT agent_identity_id_key UNIQUE (id);


--
-- Name: agent_identity agent_identity_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.agent_identity
    ADD CONSTRAINT agent_identity_pkey PRIMARY KEY (uuid);


--
-- Name: agent_processor agent_processor_id_key; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.agent_processor
    ADD CONSTRAINT agent_processor_id_key UNIQUE (id);


--
-- Name: agent_processor agent_processor_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.agent_processor
    ADD CONSTRAINT agent_processor_pkey PRIMARY KEY (uuid);


--
-- Name: agent_service agent_service_id_key; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.agent_service
    ADD CONSTRAINT agent_service_id_key UNIQUE (id);


--
-- Name: agent_service agent_service_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.agent_service
    ADD CONSTRAINT agent_service_pkey PRIMARY KEY (uuid);


--
-- Name: allocation_change allocation_change_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.allocation_change
    ADD CONSTRAINT allocation_change_pkey PRIMARY KEY (offering_uuid, component_type, month, is_first);


--
-- Name: allocation allocation_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.allocation
    ADD CONSTRAINT allocation_pkey PRIMARY KEY (component_uuid, since);


--
-- Name: carried_month carried_month_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.carried_month
    ADD CONSTRAINT carried_month_pkey PRIMARY KEY (month);


--
-- Name: category category_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.category
    ADD CONSTRAINT category_pkey PRIMARY KEY (uuid);


--
-- Name: component_limit component_limit_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.component_limit
    ADD CONSTRAINT component_limit_pkey PRIMARY KEY (component_uuid, month);


--
-- Name: component component_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.component
    ADD CONSTRAINT component_pkey PRIMARY KEY (uuid);


--
-- Name: component_usage component_usage_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.component_usage
    ADD CONSTRAINT component_usage_pkey PRIMARY KEY (resource_uuid, billing_period, uuid);


--
-- Name: customer customer_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.customer
    ADD CONSTRAINT customer_pkey PRIMARY KEY (uuid);


--
-- Name: description description_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.description
    ADD CONSTRAINT description_pkey PRIMARY KEY (stream);


--
-- Name: forgotten_person forgotten_person_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.forgotten_person
    ADD CONSTRAINT forgotten_person_pkey PRIMARY KEY (person);


--
-- Name: lowered lowered_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.lowered
    ADD CONSTRAINT lowered_pkey PRIMARY KEY ("position");


--
-- Name: moment moment_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.moment
    ADD CONSTRAINT moment_pkey PRIMARY KEY (span);


--
-- Name: monthly_consumption monthly_consumption_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.monthly_consumption
    ADD CONSTRAINT monthly_consumption_pkey PRIMARY KEY (component_uuid, month);


--
-- Name: offering offering_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.offering
    ADD CONSTRAINT offering_pkey PRIMARY KEY (uuid);


--
-- Name: offering_user_count offering_user_count_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.offering_user_count
    ADD CONSTRAINT offering_user_count_pkey PRIMARY KEY (kind, scope, offering_uuid);


--
-- Name: offering_user offering_user_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.offering_user
    ADD CONSTRAINT offering_user_pkey PRIMARY KEY (uuid);


--
-- Name: plan_component plan_component_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.plan_component
    ADD CONSTRAINT plan_component_pkey PRIMARY KEY (plan_uuid, component_uuid);


--
-- Name: plan_period plan_period_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.plan_period
    ADD CONSTRAINT plan_period_pkey PRIMARY KEY (uuid);


--
-- Name: plan plan_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (uuid);


--
-- Name: project_limit project_limit_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.project_limit
    ADD CONSTRAINT project_limit_pkey PRIMARY KEY (project_uuid, offering_uuid, component_type);


--
-- Name: project_offering project_offering_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.project_offering
    ADD CONSTRAINT project_offering_pkey PRIMARY KEY (project_uuid, offering_uuid);


--
-- Name: project project_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.project
    ADD CONSTRAINT project_pkey PRIMARY KEY (uuid);


--
-- Name: project_usage project_usage_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.project_usage
    ADD CONSTRAINT project_usage_pkey PRIMARY KEY (project_uuid, component_uuid, month);


--
-- Name: read_position read_position_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.read_position
    ADD CONSTRAINT read_position_pkey PRIMARY KEY (only_row);


--
-- Name: reporting_count reporting_count_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.reporting_count
    ADD CONSTRAINT reporting_count_pkey PRIMARY KEY (month, offering_uuid);


--
-- Name: resource_count resource_count_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.resource_count
    ADD CONSTRAINT resource_count_pkey PRIMARY KEY (kind, scope, offering_uuid, state);


--
-- Name: resource resource_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.resource
    ADD CONSTRAINT resource_pkey PRIMARY KEY (uuid);


--
-- Name: role role_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.role
    ADD CONSTRAINT role_pkey PRIMARY KEY (uuid);


--
-- Name: service_provider service_provider_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.service_provider
    ADD CONSTRAINT service_provider_pkey PRIMARY KEY (uuid);


--
-- Name: silence silence_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.silence
    ADD CONSTRAINT silence_pkey PRIMARY KEY (resource_uuid, after);


--
-- Name: token token_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.token
    ADD CONSTRAINT token_pkey PRIMARY KEY (token_uuid);


--
-- Name: token token_token_hash_key; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.token
    ADD CONSTRAINT token_token_hash_key UNIQUE (token_hash);


--
-- Name: usage_count usage_count_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.usage_count
    ADD CONSTRAINT usage_count_pkey PRIMARY KEY (kind, scope, month, offering_uuid);


--
-- Name: usage_count_span usage_count_span_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.usage_count_span
    ADD CONSTRAINT usage_count_span_pkey PRIMARY KEY (kind, scope, month, offering_uuid, span);


--
-- Name: user_usage_limit_count user_usage_limit_count_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.user_usage_limit_count
    ADD CONSTRAINT user_usage_limit_count_pkey PRIMARY KEY (kind, scope, offering_uuid);


--
-- Name: user_usage_limit user_usage_limit_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.user_usage_limit
    ADD CONSTRAINT user_usage_limit_pkey PRIMARY KEY (uuid);


--
-- Name: user_usage user_usage_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.user_usage
    ADD CONSTRAINT user_usage_pkey PRIMARY KEY (resource_uuid, uuid);


--
-- Name: verification verification_pkey; Type: CONSTRAINT; Schema: read_models; Owner: -
--

ALTER TABLE ONLY read_models.verification
    ADD CONSTRAINT verification_pkey PRIMARY KEY (id);


--
-- Name: ledger_events_notification_id_idx; Type: INDEX; Schema: journal; Owner: -
--

CREATE UNIQUE INDEX ledger_events_notification_id_idx ON journal.ledger_events USING btree (notification_id);


--
-- Name: tree_tile_positions; Type: INDEX; Schema: journal; Owner: -
--

CREATE INDEX tree_tile_positions ON journal.tree_tile USING btree (level, last_position);


--
-- Name: account_past_username_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX account_past_username_idx ON read_models.account_past USING btree (username);


--
-- Name: account_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX account_past_uuid_idx ON read_models.account_past USING btree (uuid);


--
-- Name: account_username; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX account_username ON read_models.account USING btree (username);


--
-- Name: agent_identity_name; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_identity_name ON read_models.agent_identity USING btree (name);


--
-- Name: agent_identity_offering; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_identity_offering ON read_models.agent_identity USING btree (offering_uuid);


--
-- Name: agent_identity_past_name_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_identity_past_name_idx ON read_models.agent_identity_past USING btree (name);


--
-- Name: agent_identity_past_offering_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_identity_past_offering_uuid_idx ON read_models.agent_identity_past USING btree (offering_uuid);


--
-- Name: agent_identity_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_identity_past_uuid_idx ON read_models.agent_identity_past USING btree (uuid);


--
-- Name: agent_processor_past_service_uuid_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_processor_past_service_uuid_id_idx ON read_models.agent_processor_past USING btree (service_uuid, id);


--
-- Name: agent_processor_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_processor_past_uuid_idx ON read_models.agent_processor_past USING btree (uuid);


--
-- Name: agent_processor_service; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_processor_service ON read_models.agent_processor USING btree (service_uuid, id);


--
-- Name: agent_service_identity; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_service_identity ON read_models.agent_service USING btree (identity_uuid, id);


--
-- Name: agent_service_past_identity_uuid_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_service_past_identity_uuid_id_idx ON read_models.agent_service_past USING btree (identity_uuid, id);


--
-- Name: agent_service_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX agent_service_past_uuid_idx ON read_models.agent_service_past USING btree (uuid);


--
-- Name: allocation_until; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX allocation_until ON read_models.allocation USING btree (until);


--
-- Name: category_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX category_past_uuid_idx ON read_models.category_past USING btree (uuid);


--
-- Name: component_offering; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_offering ON read_models.component USING btree (offering_uuid);


--
-- Name: component_past_offering_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_past_offering_uuid_idx ON read_models.component_past USING btree (offering_uuid);


--
-- Name: component_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_past_uuid_idx ON read_models.component_past USING btree (uuid);


--
-- Name: component_usage_customer; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_customer ON read_models.component_usage USING btree (customer_uuid, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: component_usage_default_order; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_default_order ON read_models.component_usage USING btree (measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: component_usage_id; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_id ON read_models.component_usage USING btree (id) WITH (fillfactor='100');


--
-- Name: component_usage_month; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_month ON read_models.component_usage USING btree (billing_period, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: component_usage_offering; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_offering ON read_models.component_usage USING btree (offering_uuid, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: component_usage_past_customer; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_customer ON read_models.component_usage_past USING btree (customer_uuid, measured_at DESC, component_type, id, until) WITH (fillfactor='100');


--
-- Name: component_usage_past_default_order; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_default_order ON read_models.component_usage_past USING btree (measured_at DESC, component_type, id, until) WITH (fillfactor='100');


--
-- Name: component_usage_past_first; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_first ON read_models.component_usage_past USING btree (id) WITH (fillfactor='100') WHERE (since = id);


--
-- Name: component_usage_past_month; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_month ON read_models.component_usage_past USING btree (billing_period, measured_at DESC, component_type, id, until) WITH (fillfactor='100');


--
-- Name: component_usage_past_moved; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_moved ON read_models.component_usage_past USING btree (until) WITH (fillfactor='100') WHERE is_moved;


--
-- Name: component_usage_past_offering; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_offering ON read_models.component_usage_past USING btree (offering_uuid, measured_at DESC, component_type, id, until) WITH (fillfactor='100');


--
-- Name: component_usage_past_project; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_project ON read_models.component_usage_past USING btree (project_uuid, measured_at DESC, component_type, id, until) WITH (fillfactor='100');


--
-- Name: component_usage_past_resource; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_resource ON read_models.component_usage_past USING btree (resource_uuid, billing_period);


--
-- Name: component_usage_past_until; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_until ON read_models.component_usage_past USING btree (until) WITH (fillfactor='100');


--
-- Name: component_usage_past_uuid; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_past_uuid ON read_models.component_usage_past USING btree (uuid);


--
-- Name: component_usage_project; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_project ON read_models.component_usage USING btree (project_uuid, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: component_usage_provider; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_provider ON read_models.component_usage USING btree (provider_uuid, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: component_usage_uuid; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX component_usage_uuid ON read_models.component_usage USING btree (uuid);


--
-- Name: customer_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX customer_past_uuid_idx ON read_models.customer_past USING btree (uuid);


--
-- Name: lowered_usage; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX lowered_usage ON read_models.lowered USING btree (resource_uuid, billing_period, usage_uuid);


--
-- Name: monthly_consumption_month; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX monthly_consumption_month ON read_models.monthly_consumption USING btree (month);


--
-- Name: offering_customer; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_customer ON read_models.offering USING btree (customer_uuid);


--
-- Name: offering_default_order; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_default_order ON read_models.offering USING btree (described DESC, id);


--
-- Name: offering_past_customer_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_past_customer_uuid_idx ON read_models.offering_past USING btree (customer_uuid);


--
-- Name: offering_past_described_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_past_described_id_idx ON read_models.offering_past USING btree (described DESC, id);


--
-- Name: offering_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_past_uuid_idx ON read_models.offering_past USING btree (uuid);


--
-- Name: offering_user_count_empty; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_count_empty ON read_models.offering_user_count USING btree (kind) WHERE (offering_users = 0);


--
-- Name: offering_user_default_order; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_default_order ON read_models.offering_user USING btree (described DESC, id);


--
-- Name: offering_user_offering; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_offering ON read_models.offering_user USING btree (offering_uuid, described DESC, id);


--
-- Name: offering_user_past_described_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_past_described_id_idx ON read_models.offering_user_past USING btree (described DESC, id);


--
-- Name: offering_user_past_offering_uuid_described_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_past_offering_uuid_described_id_idx ON read_models.offering_user_past USING btree (offering_uuid, described DESC, id);


--
-- Name: offering_user_past_provider_uuid_described_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_past_provider_uuid_described_id_idx ON read_models.offering_user_past USING btree (provider_uuid, described DESC, id);


--
-- Name: offering_user_past_username_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_past_username_idx ON read_models.offering_user_past USING btree (username);


--
-- Name: offering_user_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_past_uuid_idx ON read_models.offering_user_past USING btree (uuid);


--
-- Name: offering_user_provider; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_provider ON read_models.offering_user USING btree (provider_uuid, described DESC, id);


--
-- Name: offering_user_username; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX offering_user_username ON read_models.offering_user USING btree (username);


--
-- Name: plan_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX plan_past_uuid_idx ON read_models.plan_past USING btree (uuid);


--
-- Name: plan_period_past_resource_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX plan_period_past_resource_uuid_idx ON read_models.plan_period_past USING btree (resource_uuid);


--
-- Name: plan_period_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX plan_period_past_uuid_idx ON read_models.plan_period_past USING btree (uuid);


--
-- Name: plan_period_resource; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX plan_period_resource ON read_models.plan_period USING btree (resource_uuid);


--
-- Name: project_customer; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX project_customer ON read_models.project USING btree (customer_uuid);


--
-- Name: project_past_customer_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX project_past_customer_uuid_idx ON read_models.project_past USING btree (customer_uuid);


--
-- Name: project_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX project_past_uuid_idx ON read_models.project_past USING btree (uuid);


--
-- Name: project_usage_empty; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX project_usage_empty ON read_models.project_usage USING btree (month) WHERE (usages = 0);


--
-- Name: project_usage_month; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX project_usage_month ON read_models.project_usage USING btree (month);


--
-- Name: reporting_count_empty; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX reporting_count_empty ON read_models.reporting_count USING btree (month) WHERE (resources = 0);


--
-- Name: resource_backend_id; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_backend_id ON read_models.resource USING btree (backend_id);


--
-- Name: resource_count_empty; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_count_empty ON read_models.resource_count USING btree (kind) WHERE (resources = 0);


--
-- Name: resource_customer; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_customer ON read_models.resource USING btree (customer_uuid, created DESC, id);


--
-- Name: resource_default_order; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_default_order ON read_models.resource USING btree (created DESC, id);


--
-- Name: resource_offering; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_offering ON read_models.resource USING btree (offering_uuid, created DESC, id);


--
-- Name: resource_past_backend_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_past_backend_id_idx ON read_models.resource_past USING btree (backend_id);


--
-- Name: resource_past_created_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_past_created_id_idx ON read_models.resource_past USING btree (created DESC, id);


--
-- Name: resource_past_customer_uuid_created_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_past_customer_uuid_created_id_idx ON read_models.resource_past USING btree (customer_uuid, created DESC, id);


--
-- Name: resource_past_offering_uuid_created_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_past_offering_uuid_created_id_idx ON read_models.resource_past USING btree (offering_uuid, created DESC, id);


--
-- Name: resource_past_project_uuid_created_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_past_project_uuid_created_id_idx ON read_models.resource_past USING btree (project_uuid, created DESC, id);


--
-- Name: resource_past_provider_uuid_created_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_past_provider_uuid_created_id_idx ON read_models.resource_past USING btree (provider_uuid, created DESC, id);


--
-- Name: resource_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_past_uuid_idx ON read_models.resource_past USING btree (uuid);


--
-- Name: resource_project; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_project ON read_models.resource USING btree (project_uuid, created DESC, id);


--
-- Name: resource_provider; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX resource_provider ON read_models.resource USING btree (provider_uuid, created DESC, id);


--
-- Name: role_user; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX role_user ON read_models.role USING btree (user_uuid);


--
-- Name: service_provider_default_order; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX service_provider_default_order ON read_models.service_provider USING btree (described DESC, id);


--
-- Name: service_provider_past_described_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX service_provider_past_described_id_idx ON read_models.service_provider_past USING btree (described DESC, id);


--
-- Name: service_provider_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX service_provider_past_uuid_idx ON read_models.service_provider_past USING btree (uuid);


--
-- Name: silence_months; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX silence_months ON read_models.silence USING gist (daterange(after, before, '()'::text)) WHERE is_expected;


--
-- Name: usage_count_empty; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX usage_count_empty ON read_models.usage_count USING btree (month) WHERE (component_usages = 0);


--
-- Name: user_usage_component_usage; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_component_usage ON read_models.user_usage USING btree (component_usage_uuid, id);


--
-- Name: user_usage_customer; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_customer ON read_models.user_usage USING btree (customer_uuid, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: user_usage_default_order; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_default_order ON read_models.user_usage USING btree (measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: user_usage_limit_count_empty; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_count_empty ON read_models.user_usage_limit_count USING btree (kind) WHERE (limits = 0);


--
-- Name: user_usage_limit_customer; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_customer ON read_models.user_usage_limit USING btree (customer_uuid, id DESC);


--
-- Name: user_usage_limit_default_order; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_default_order ON read_models.user_usage_limit USING btree (id DESC);


--
-- Name: user_usage_limit_offering; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_offering ON read_models.user_usage_limit USING btree (offering_uuid, id DESC);


--
-- Name: user_usage_limit_past_customer_uuid_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_past_customer_uuid_id_idx ON read_models.user_usage_limit_past USING btree (customer_uuid, id DESC);


--
-- Name: user_usage_limit_past_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_past_id_idx ON read_models.user_usage_limit_past USING btree (id DESC);


--
-- Name: user_usage_limit_past_offering_user_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_past_offering_user_uuid_idx ON read_models.user_usage_limit_past USING btree (offering_user_uuid);


--
-- Name: user_usage_limit_past_offering_uuid_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_past_offering_uuid_id_idx ON read_models.user_usage_limit_past USING btree (offering_uuid, id DESC);


--
-- Name: user_usage_limit_past_project_uuid_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_past_project_uuid_id_idx ON read_models.user_usage_limit_past USING btree (project_uuid, id DESC);


--
-- Name: user_usage_limit_past_provider_uuid_id_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_past_provider_uuid_id_idx ON read_models.user_usage_limit_past USING btree (provider_uuid, id DESC);


--
-- Name: user_usage_limit_past_resource_uuid_component_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_past_resource_uuid_component_uuid_idx ON read_models.user_usage_limit_past USING btree (resource_uuid, component_uuid);


--
-- Name: user_usage_limit_past_uuid_idx; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_past_uuid_idx ON read_models.user_usage_limit_past USING btree (uuid);


--
-- Name: user_usage_limit_project; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_project ON read_models.user_usage_limit USING btree (project_uuid, id DESC);


--
-- Name: user_usage_limit_provider; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_provider ON read_models.user_usage_limit USING btree (provider_uuid, id DESC);


--
-- Name: user_usage_limit_resource; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_resource ON read_models.user_usage_limit USING btree (resource_uuid, component_uuid);


--
-- Name: user_usage_limit_user; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_limit_user ON read_models.user_usage_limit USING btree (offering_user_uuid);


--
-- Name: user_usage_month; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_month ON read_models.user_usage USING btree (billing_period, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: user_usage_offering; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_offering ON read_models.user_usage USING btree (offering_uuid, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: user_usage_past_uuid; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_past_uuid ON read_models.user_usage_past USING btree (uuid, since);


--
-- Name: user_usage_project; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_project ON read_models.user_usage USING btree (project_uuid, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: user_usage_provider; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_provider ON read_models.user_usage USING btree (provider_uuid, measured_at DESC, component_type, id) WITH (fillfactor='100');


--
-- Name: user_usage_uuid; Type: INDEX; Schema: read_models; Owner: -
--

CREATE INDEX user_usage_uuid ON read_models.user_usage USING btree (uuid);


--
-- Name: checkpoint append_only; Type: TRIGGER; Schema: journal; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON journal.checkpoint FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.checkpoint ENABLE ALWAYS TRIGGER append_only;


--
-- Name: ledger append_only; Type: TRIGGER; Schema: journal; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON journal.ledger FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.ledger ENABLE ALWAYS TRIGGER append_only;


--
-- Name: ledger_events append_only; Type: TRIGGER; Schema: journal; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON journal.ledger_events FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.ledger_events ENABLE ALWAYS TRIGGER append_only;


--
-- Name: tree_tile append_only; Type: TRIGGER; Schema: journal; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON journal.tree_tile FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.tree_tile ENABLE ALWAYS TRIGGER append_only;


--
-- Name: ledger_events no_gap; Type: TRIGGER; Schema: journal; Owner: -
--

CREATE TRIGGER no_gap AFTER INSERT ON journal.ledger_events REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_gap();

ALTER TABLE journal.ledger_events ENABLE ALWAYS TRIGGER no_gap;


--
-- Name: person only_removal; Type: TRIGGER; Schema: journal; Owner: -
--

CREATE TRIGGER only_removal BEFORE UPDATE OR TRUNCATE ON journal.person FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.person ENABLE ALWAYS TRIGGER only_removal;


--
-- Name: tree_tail only_removal; Type: TRIGGER; Schema: journal; Owner: -
--

CREATE TRIGGER only_removal BEFORE UPDATE OR TRUNCATE ON journal.tree_tail FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();

ALTER TABLE journal.tree_tail ENABLE ALWAYS TRIGGER only_removal;


--
-- Name: ledger_events tree_grows; Type: TRIGGER; Schema: journal; Owner: -
--

CREATE TRIGGER tree_grows AFTER INSERT ON journal.ledger_events REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION journal.grow_tree();

ALTER TABLE journal.ledger_events ENABLE ALWAYS TRIGGER tree_grows;


--
-- Name: read_position count_spans; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER count_spans AFTER UPDATE ON read_models.read_position FOR EACH ROW WHEN (((old."position" / 1024) <> (new."position" / 1024))) EXECUTE FUNCTION read_models.count_spans();


--
-- Name: account keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.account FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: agent_identity keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.agent_identity FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: agent_processor keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.agent_processor FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: agent_service keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.agent_service FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: category keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.category FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: component keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.component FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: customer keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.customer FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: offering keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.offering FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: offering_user keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.offering_user FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: plan keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.plan FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: plan_period keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.plan_period FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: project keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.project FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: resource keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.resource FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: service_provider keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.service_provider FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: user_usage_limit keep_removed; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_removed AFTER DELETE ON read_models.user_usage_limit FOR EACH ROW WHEN ((old.until IS NOT NULL)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: account keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.account FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: agent_identity keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.agent_identity FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: agent_processor keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.agent_processor FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: agent_service keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.agent_service FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: category keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.category FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: component keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.component FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: customer keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.customer FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: offering keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.offering FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: offering_user keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.offering_user FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: plan keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.plan FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: plan_period keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.plan_period FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: project keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.project FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: resource keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.resource FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: service_provider keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.service_provider FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- Name: user_usage_limit keep_replaced; Type: TRIGGER; Schema: read_models; Owner: -
--

CREATE TRIGGER keep_replaced AFTER UPDATE ON read_models.user_usage_limit FOR EACH ROW WHEN ((old.since <> new.since)) EXECUTE FUNCTION read_models.keep_past();


--
-- PostgreSQL database dump complete
--


