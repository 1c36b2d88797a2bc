"""The tree grows in the transaction that appends: a trigger hashes the facts of each statement, in SQL.

`tree_tile` has the full tiles of every level, 256 hashes each, and none of its rows ever changes. `tree_tail`
has the hashes of the facts behind the last full tile, a row for each append; they go when the tile is full.
The last row says how far the tree is, so there is always one. The unfinished tiles of higher levels are the
roots of the full ones below.

Appends hold the journal's lock. Where one does not, the key of `tree_tail` has two of them wait for each
other, and the second fails: no two facts have one place in the tree. Where facts were lost and the tree was
not, what comes next is taken all the same, and is in the tree behind those that are lost.

Price: 35 bytes and 5 to 10 microseconds a fact in batches, and 0.1 ms where a fact comes alone.
"""

import logging
from collections.abc import Collection

from psycopg import Connection
from psycopg.rows import DictRow

from ledger.journal.scripts import run_script

BATCH = 20_000
"""Facts that are brought into the tree in one transaction, where the journal was there before its tree."""

TOLD = 5
"""After how many batches it is told how far that is."""

TABLES = {
    # Not compressed, as hashes can't be. `root` is that of the tile, `last_position` that of its last fact.
    "table tree_tile": """
        CREATE TABLE journal.tree_tile (
            level smallint NOT NULL,
            index bigint NOT NULL,
            last_position bigint NOT NULL,
            root bytea NOT NULL,
            hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192)
        );
        ALTER TABLE journal.tree_tile ALTER COLUMN hashes SET STORAGE EXTERNAL""",
    "table tree_tail": """
        CREATE TABLE journal.tree_tail (
            first_leaf bigint NOT NULL,
            last_position bigint NOT NULL,
            hashes bytea NOT NULL
        );
        ALTER TABLE journal.tree_tail ALTER COLUMN hashes SET STORAGE EXTERNAL""",
}

# An entry and its hash, as the contract has them: 65,535 bytes are the most that an entry may have.
HEAD = """convert_to(
    encode(uuid_send(originator_id), 'hex') || ' ' || originator_version || ' '
    || notification_id || ' ' || topic || chr(10), 'UTF8')"""
LEAF = r"""CASE
    WHEN octet_length(state) < 60000 OR octet_length(<head> || state) <= 65535
    THEN sha256('\x00'::bytea || <head> || state)
    ELSE sha256('\x00'::bytea || <head> || convert_to('sha256:' || encode(sha256(state), 'hex'), 'UTF8'))
END""".replace("<head>", HEAD)

# Nearly always one statement is left to do: the facts are fewer than the tile has room for.
# Hashed before they are sorted, as what is sorted is narrow then.
GROW_TREE = """
DECLARE
    added bytea;
    positions bigint[];
BEGIN
    SELECT string_agg(n.leaf, '' ORDER BY n.position), array_agg(n.position ORDER BY n.position)
    INTO added, positions
    FROM (SELECT notification_id AS position, <leaf> AS leaf FROM appended OFFSET 0) n;
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
END """.replace("<leaf>", LEAF)

# `added` are the hashes of facts, in order, and `positions` where they are.
ADD_LEAVES = """
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
END """

# A full tile of facts, and each tile that gets full by it.
ADD_TILE = """
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
END """

TREE_ROOT = r"""
BEGIN
    WHILE octet_length(hashes) > 32 LOOP
        SELECT string_agg(sha256('\x01'::bytea || substr(hashes, at, 64)), '' ORDER BY at) INTO hashes
        FROM generate_series(1, octet_length(hashes), 64) at;
    END LOOP;
    RETURN hashes;
END """

# Facts that are in the journal and not in the tree yet, up to so many. Returns how many it found.
FOLLOW_JOURNAL = """
DECLARE
    added bytea;
    positions bigint[];
BEGIN
    SELECT string_agg(n.leaf, '' ORDER BY n.position), array_agg(n.position ORDER BY n.position)
    INTO added, positions
    FROM (
        SELECT notification_id AS position, <leaf> AS leaf FROM journal.ledger_events
        WHERE notification_id > (
            SELECT t.last_position FROM journal.tree_tail t ORDER BY t.first_leaf DESC LIMIT 1)
        ORDER BY notification_id LIMIT most
    ) n;
    IF added IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM journal.add_leaves(added, positions);
    RETURN cardinality(positions);
END """.replace("<leaf>", LEAF)

BODIES = {
    "tree_root": TREE_ROOT,
    "add_tile": ADD_TILE,
    "add_leaves": ADD_LEAVES,
    "grow_tree": GROW_TREE,
    "follow_journal": FOLLOW_JOURNAL,
}
"""What the functions do, by name."""

FUNCTIONS = {
    f"function {name}": f"""
        CREATE OR REPLACE FUNCTION journal.{name}{head} LANGUAGE plpgsql AS $${BODIES[name]}$$"""
    for name, head in {
        "tree_root": "(hashes bytea) RETURNS bytea",
        "add_tile": "(number bigint, last_position bigint, hashes bytea) RETURNS void",
        "add_leaves": "(added bytea, positions bigint[]) RETURNS void",
        "grow_tree": "() RETURNS trigger",
        "follow_journal": "(most bigint) RETURNS bigint",
    }.items()
}

KEYS = {
    "key tree_tile (level, index)": "ALTER TABLE journal.tree_tile ADD PRIMARY KEY (level, index)",
    "index tree_tile_positions": """
        CREATE INDEX tree_tile_positions ON journal.tree_tile (level, last_position)""",
    "key tree_tail (first_leaf)": "ALTER TABLE journal.tree_tail ADD PRIMARY KEY (first_leaf)",
}

GROWTH = "guard tree_grows of ledger_events"
"""The trigger. Nothing is appended between the last fact that is followed and its making."""

START_GROWTH = """
    CREATE OR REPLACE TRIGGER tree_grows AFTER INSERT ON journal.ledger_events
    REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION journal.grow_tree();
    ALTER TABLE journal.ledger_events ENABLE ALWAYS TRIGGER tree_grows"""

STOP_GROWTH = "DROP TRIGGER IF EXISTS tree_grows ON journal.ledger_events"

LOCK_JOURNAL = "LOCK TABLE journal.ledger_events IN SHARE ROW EXCLUSIVE MODE"

SELECT_STATE = """
SELECT last, EXISTS (SELECT FROM journal.ledger_events WHERE notification_id > last) AS is_behind,
    (SELECT max(notification_id) FROM journal.ledger_events) AS head
FROM (SELECT (SELECT last_position FROM journal.tree_tail ORDER BY first_leaf DESC LIMIT 1) AS last) t"""

# The tail of a tree whose tiles are there. Its first facts are followed then.
BEGIN_TAIL = """
INSERT INTO journal.tree_tail
SELECT 256 * coalesce(max(index) + 1, 0), coalesce(max(last_position), 0), ''
FROM journal.tree_tile WHERE level = 0
HAVING NOT EXISTS (SELECT FROM journal.tree_tail)"""

DROP_TAIL = "DELETE FROM journal.tree_tail"

FOLLOW = "SELECT journal.follow_journal(%(most)s) AS followed"

AHEAD = (
    "The tree has facts up to position %d, and the journal ends at %d: facts are lost, and nothing is signed."
    " Restore the whole schema journal"
)

log = logging.getLogger(__name__)


def ensure_tree(connection: Connection[DictRow], found: Collection[str]) -> None:
    """Bring facts that the tree lacks into it, in batches, and have it grow with the journal from then on.

    `found` are the parts of the journal that were there. A tree that does not follow from the facts stays
    as it is: that is for a verification to say.
    """
    if "table tree_tile" not in found:
        connection.execute(DROP_TAIL)
    row = connection.execute(SELECT_STATE).fetchone()
    assert row
    if row["last"] and row["last"] > (row["head"] or 0):
        log.error(AHEAD, row["last"], row["head"] or 0)
    if GROWTH in found and row["last"] is not None and not row["is_behind"]:
        return
    connection.execute(STOP_GROWTH)
    connection.execute(BEGIN_TAIL)
    batches = 0
    while _follow(connection):
        batches += 1
        if batches % TOLD == 0 and (row := connection.execute(SELECT_STATE).fetchone()):
            log.info("The journal's facts get into its tree: up to position %(last)d of %(head)d", row)
    with connection.transaction():
        connection.execute(LOCK_JOURNAL)
        while _follow(connection):
            pass
        run_script(connection, START_GROWTH)


def _follow(connection: Connection[DictRow]) -> int:
    row = connection.execute(FOLLOW, {"most": BATCH}).fetchone()
    return int(row["followed"]) if row else 0
