"""What the journal needs in its database: looked for at every start, and made where it is missing.

A dump of single tables brings the facts and loses what guards them, and whoever restores it notices nothing.
So keys, triggers and numbers are looked for one by one, and not just the tables.

UPDATE, DELETE and TRUNCATE are refused by triggers, of people's names all but DELETE, and so is a fact whose
stream lacks the one before. That holds for every role, also in sessions that turn triggers off, but not for
an administrator who drops the triggers: they keep out software and slips. Price: a wrong report is corrected
by another report, and both stay.
"""

import logging
from collections.abc import Callable
from uuid import UUID

from psycopg import Connection
from psycopg.rows import DictRow

from ledger.errors import JournalIncomplete
from ledger.journal.scripts import run_script
from ledger.journal.tree import growth

LOCK_CREATION = "SELECT pg_advisory_lock(hashtext('usage-ledger: creation of tables'))"
"""Held by whoever makes tables, until their connection closes."""

GAP = "LG001"
"""SQLSTATE of an append to a stream that lacks the version before."""

REFUSE_CHANGE = """
BEGIN
    RAISE EXCEPTION 'the journal is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END """

# A subquery for each fact, which follows the key: a join might read the whole journal.
REFUSE_GAP = """
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
END """

CREATE_SCHEMA = "CREATE SCHEMA IF NOT EXISTS journal"

TABLES = {
    "table person": """
        CREATE TABLE journal.person (uuid uuid NOT NULL, username text NOT NULL, salt bytea NOT NULL)""",
    "table ledger": """
        CREATE TABLE journal.ledger (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            ledger_id uuid NOT NULL
        )""",
    "table checkpoint": """
        CREATE TABLE journal.checkpoint (
            size bigint NOT NULL CHECK (size >= 0),
            position bigint NOT NULL,
            note bytea NOT NULL,
            signed_at timestamptz NOT NULL
        )""",
    **growth.TABLES,
}

# Enabled always: also where an operator has turned triggers off for a session (session_replication_role).
APPEND_ONLY = """
    CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.{0}
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();
    ALTER TABLE journal.{0} ENABLE ALWAYS TRIGGER append_only"""
ONLY_REMOVAL = """
    CREATE OR REPLACE TRIGGER only_removal BEFORE UPDATE OR TRUNCATE ON journal.{0}
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();
    ALTER TABLE journal.{0} ENABLE ALWAYS TRIGGER only_removal"""
NO_GAP = """
    CREATE OR REPLACE TRIGGER no_gap AFTER INSERT ON journal.ledger_events REFERENCING NEW TABLE AS appended
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_gap();
    ALTER TABLE journal.ledger_events ENABLE ALWAYS TRIGGER no_gap"""

REST = {
    "key person (uuid)": "ALTER TABLE journal.person ADD PRIMARY KEY (uuid)",
    "key person (username)": "ALTER TABLE journal.person ADD UNIQUE (username)",
    "key ledger_events (originator_id, originator_version)": """
        ALTER TABLE journal.ledger_events ADD PRIMARY KEY (originator_id, originator_version)""",
    "key ledger_events (notification_id)": """
        CREATE UNIQUE INDEX ledger_events_positions ON journal.ledger_events (notification_id)""",
    "numbers of ledger_events": """
        CREATE SEQUENCE IF NOT EXISTS journal.ledger_events_notification_id_seq
            OWNED BY journal.ledger_events.notification_id;
        ALTER TABLE journal.ledger_events
            ALTER COLUMN notification_id SET DEFAULT nextval('journal.ledger_events_notification_id_seq'),
            ALTER COLUMN notification_id SET NOT NULL""",
    "guard append_only of ledger_events": APPEND_ONLY.format("ledger_events"),
    "guard no_gap of ledger_events": NO_GAP,
    "guard only_removal of person": ONLY_REMOVAL.format("person"),
    "guard append_only of ledger": APPEND_ONLY.format("ledger"),
    **growth.FUNCTIONS,
    **growth.KEYS,
    "key checkpoint (size)": "ALTER TABLE journal.checkpoint ADD PRIMARY KEY (size)",
    "guard append_only of checkpoint": APPEND_ONLY.format("checkpoint"),
    "guard append_only of tree_tile": APPEND_ONLY.format("tree_tile"),
    "guard only_removal of tree_tail": ONLY_REMOVAL.format("tree_tail"),
}

OF_THE_TREE = {
    *(growth.TABLES | growth.KEYS | growth.FUNCTIONS),
    *("table checkpoint", "key checkpoint (size)", "guard append_only of checkpoint", growth.GROWTH),
    *("guard append_only of tree_tile", "guard only_removal of tree_tail"),
}
"""Parts that journals of the versions before do not have."""

FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION journal.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $${REFUSE_CHANGE}$$;
CREATE OR REPLACE FUNCTION journal.refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $${REFUSE_GAP}$$"""

BODIES = {"refuse_change": REFUSE_CHANGE, "refuse_gap": REFUSE_GAP, **growth.BODIES}
"""The functions of the journal, by name."""

# A trigger counts only if it fires always, on the events that it is for, and runs the function as it is here.
SELECT_PARTS = """
SELECT 'table ' || tablename AS part FROM pg_tables WHERE schemaname = 'journal'
UNION ALL
SELECT 'key ' || c.relname || ' (' || (
    SELECT string_agg(a.attname, ', ' ORDER BY k.place)
    FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
) || ')'
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = to_regnamespace('journal') AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
UNION ALL
SELECT 'index ' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = to_regnamespace('journal') AND NOT i.indisunique AND i.indisvalid
UNION ALL
SELECT 'numbers of ' || c.relname
FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
JOIN pg_depend s ON s.refobjid = c.oid AND s.refobjsubid = d.adnum AND s.deptype = 'a'
JOIN pg_class n ON n.oid = s.objid AND n.relkind = 'S'
WHERE c.relnamespace = to_regnamespace('journal') AND pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%%'
UNION ALL
SELECT 'guard ' || t.tgname || ' of ' || c.relname
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE c.relnamespace = to_regnamespace('journal') AND t.tgenabled = 'A' AND t.tgqual IS NULL
  AND (t.tgtype, p.prosrc) IN (
    (58, %(refuse_change)s), (50, %(refuse_change)s), (4, %(refuse_gap)s), (4, %(grow_tree)s))
UNION ALL
SELECT 'function ' || proname FROM pg_proc
WHERE pronamespace = to_regnamespace('journal') AND prosrc IN (
    %(tree_root)s, %(add_tile)s, %(add_leaves)s, %(grow_tree)s, %(follow_journal)s)"""

ANY_FACT = "SELECT EXISTS (SELECT FROM journal.ledger_events) AS found"

# A restored table may have come without how far its numbers are: the next one would be taken.
RAISE_NUMBERS = """
SELECT setval(s.name, m.last)
FROM (SELECT pg_get_serial_sequence('journal.ledger_events', 'notification_id')::regclass AS name) s,
     (SELECT max(notification_id) AS last FROM journal.ledger_events) m
WHERE m.last > coalesce(pg_sequence_last_value(s.name), 0)"""

# People whom a dump of single tables, from before they were forgotten, has brought back. Their streams are
# their ids. Looked for first: a service may have no right to delete anybody.
FIND_FORGOTTEN = """
SELECT FROM journal.person p JOIN journal.ledger_events e ON e.originator_id = p.uuid
WHERE e.topic = 'PersonForgotten' LIMIT 1"""
FORGET_AGAIN = """
DELETE FROM journal.person p USING journal.ledger_events e
WHERE e.originator_id = p.uuid AND e.topic = 'PersonForgotten'"""

# Of a journal that was there before it had an identity, or lost it, it is derived from the first fact.
NAME_LEDGER = """
INSERT INTO journal.ledger (ledger_id)
SELECT coalesce((
    SELECT substr(encode(sha256(uuid_send(originator_id) || state), 'hex'), 1, 32)::uuid
    FROM journal.ledger_events ORDER BY notification_id LIMIT 1
), gen_random_uuid())
ON CONFLICT DO NOTHING"""

SELECT_LEDGER_ID = "SELECT ledger_id FROM journal.ledger"

log = logging.getLogger(__name__)


def ensure_journal(connection: Connection[DictRow], create_events: Callable[[], None]) -> None:
    """Make what the journal lacks; `create_events` makes the table of facts. The caller holds LOCK_CREATION.

    Raises JournalIncomplete where facts are there and people are not: nobody can make these anew.
    """
    found = parts(connection)
    if had_facts := "table ledger_events" in found:
        _check_people(connection, found)
    else:
        connection.execute(CREATE_SCHEMA)
        create_events()
    for part, statement in TABLES.items():
        if part not in found:
            run_script(connection, statement)
    lacking = REST.keys() - parts(connection)
    if lacking:
        with connection.transaction():
            run_script(connection, FUNCTIONS)
            for part in sorted(lacking, key=list(REST).index):
                run_script(connection, REST[part])
    lost = lacking | (TABLES.keys() - found)
    if growth.GROWTH not in found and had_facts:
        lost.add(growth.GROWTH)
    if had_facts and not found & OF_THE_TREE:
        log.info("The journal is of a version before its tree, which is made now")
        lost -= OF_THE_TREE
    if had_facts and lost:
        log.warning("The journal lacked %s: made anew", "; ".join(sorted(lost)))
    growth.ensure_tree(connection, found)
    connection.execute(RAISE_NUMBERS)
    if not connection.execute(SELECT_LEDGER_ID).fetchone():
        connection.execute(NAME_LEDGER)
    if connection.execute(FIND_FORGOTTEN).fetchone() is not None:
        again = connection.execute(FORGET_AGAIN).rowcount
        log.warning("People who had been forgotten were there again: %d, forgotten anew", again)


def parts(connection: Connection[DictRow]) -> set[str]:
    """Return by name what is there of tables, keys, indexes, guards, functions and numbers."""
    return {row["part"] for row in connection.execute(SELECT_PARTS, BODIES)}


def _check_people(connection: Connection[DictRow], found: set[str]) -> None:
    row = connection.execute(ANY_FACT).fetchone()
    if row and row["found"] and "table person" not in found:
        raise JournalIncomplete(
            "the journal has facts, and the table journal.person, which has the names in them, is missing:"
            " restore both together"
        )


def ledger_id(connection: Connection[DictRow]) -> UUID:
    """Return the identity of the journal, which was made with it and never changes."""
    row = connection.execute(SELECT_LEDGER_ID).fetchone()
    assert row is not None, "ensure_journal makes it"
    found: UUID = row["ledger_id"]
    return found
