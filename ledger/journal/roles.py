"""Two roles for one database: the owner, who makes the journal, and the service, which appends to it.

A trigger keeps out software and slips, and its owner can drop it. So the service is another role, that may
read the journal, and append facts, people and checkpoints, and nothing else there. What an append does beside
that is done by functions with the rights of their owner: the tree grows, and the table is locked, for which
PostgreSQL asks for a right to change rows.

Read models, sessions and notes of operations are the service's own: a rebuild makes schemas and renames them.
Price: the service may create schemas in the database. It has no right in `journal` by that, and its functions
are of no avail there: those that run as the owner look for names in `pg_catalog` alone.
"""

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composed, Literal

SELECT_STANDING = """
SELECT current_user AS role, rolsuper AS is_superuser, pg_has_role(current_user, (
    SELECT relowner FROM pg_class WHERE oid = 'journal.ledger_events'::regclass), 'USAGE') AS is_owner
FROM pg_roles WHERE rolname = current_user"""

# PostgreSQL lets only those lock a table against others' appends who may change its rows.
SELECT_MAY_LOCK = """
SELECT has_table_privilege('journal.ledger_events', 'UPDATE, DELETE, TRUNCATE') AS may_lock"""

LOCK_FACTS = "SELECT journal.lock_facts()"

GRANTS = r"""
DO $grants$
DECLARE
    owner CONSTANT name := {owner};
    service CONSTANT name := {service};
    role name;
    made record;
BEGIN
    IF to_regclass('journal.tree_tail') IS NULL THEN
        RAISE EXCEPTION 'there is no journal in %: run `usage-ledger database migrate` first',
            current_database();
    END IF;
    FOREACH role IN ARRAY ARRAY[owner, service] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role);
        END IF;
        EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO %I', current_database(), role);
    END LOOP;
    IF (SELECT rolsuper OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = service)
        OR pg_has_role(service, owner, 'MEMBER') THEN
        RAISE EXCEPTION 'the role % may do more than a service should: it is a superuser, may create roles or'
            ' replicate, or is a member of %', service, owner;
    END IF;
    IF (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()) = service THEN
        EXECUTE format('ALTER DATABASE %I OWNER TO %I', current_database(), owner);
    END IF;

    CREATE OR REPLACE FUNCTION journal.lock_facts() RETURNS void LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS 'BEGIN LOCK TABLE journal.ledger_events IN EXCLUSIVE MODE; END';
    ALTER FUNCTION journal.grow_tree() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
    ALTER FUNCTION journal.refuse_gap() SET search_path = pg_catalog, pg_temp;

    FOR made IN
        SELECT 'SCHEMA' AS kind, n.oid::regnamespace::text AS name, n.nspname AS schema
        FROM pg_namespace n
        UNION ALL
        SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass::text, n.nspname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v')
        UNION ALL
        SELECT 'FUNCTION', p.oid::regprocedure::text, n.nspname
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    LOOP
        IF made.schema = 'journal' THEN
            EXECUTE format('ALTER %s %s OWNER TO %I', made.kind, made.name, owner);
        ELSIF made.schema IN ('dashboard', 'operations')
            OR made.schema ~ '^read_models(_old|_shadow)?(_as_of|_near)?$' THEN
            EXECUTE format('ALTER %s %s OWNER TO %I', made.kind, made.name, service);
        END IF;
    END LOOP;

    EXECUTE format('REVOKE ALL ON SCHEMA journal FROM PUBLIC, %I', service);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA journal FROM PUBLIC, %I', service);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA journal FROM PUBLIC, %I', service);
    EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA journal FROM PUBLIC, %I', service);
    EXECUTE format('GRANT USAGE ON SCHEMA journal TO %I', service);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA journal TO %I', service);
    EXECUTE format('GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA journal TO %I', service);
    EXECUTE format(
        'GRANT INSERT (originator_id, originator_version, topic, state) ON journal.ledger_events TO %I',
        service);
    EXECUTE format('GRANT INSERT ON journal.person, journal.checkpoint TO %I', service);
    EXECUTE format('GRANT EXECUTE ON FUNCTION journal.lock_facts() TO %I', service);
    EXECUTE format('GRANT %I TO %I', service, owner);
END $grants$;
"""


def grants(owner: str, service: str) -> Composed:
    """Return the SQL that makes two roles where they are missing, and gives each what it needs.

    For a superuser, any number of times. What belongs to others changes hands.
    """
    return SQL(GRANTS).format(owner=Literal(owner), service=Literal(service))


def standing(connection: Connection[DictRow]) -> str | None:
    """Return in words what a connection's role may do too much, None where it is no more than a service."""
    row = connection.execute(SELECT_STANDING).fetchone()
    if row is None or not (row["is_superuser"] or row["is_owner"]):
        return None
    kind = "a superuser" if row["is_superuser"] else "the owner of the journal"
    return f"The service runs as {kind}, who can drop what guards the journal."
