"""The guards, identity and digests of a journal, and versions that are missing."""

import psycopg
import pytest
from msgspec import structs
from psycopg.rows import dict_row
from psycopg.sql import SQL

from ledger.errors import StreamGap
from ledger.events import Fact, Report
from ledger.journal.digests import FACT_DIGEST, digest_of
from ledger.journal.guard import parts
from tests.conftest import database
from tests.projections.restoring import BEHIND, UPDATE, execute, figures, head_of, identity, report
from tests.support.dumps import dump, journal_of, restore
from tests.support.read_models import append
from tests.world import World, open_world, settings_of
from web.runtime.database import prepare_database

GUARDS = ("append_only", "no_gap", "only_removal", "tree_grows")


# --- what guards the journal ---


def test_people_can_only_be_removed(url: str) -> None:
    for change in ("UPDATE journal.person SET username = 'mallory'", "TRUNCATE journal.person"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            execute(url, change)
    assert execute(url, "DELETE FROM journal.person WHERE username = 'stranger' RETURNING 1") == [(1,)]


def test_a_dump_of_tables_alone_is_guarded_again_where_it_is_restored(
    here: World, url: str, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    report(here, "5")
    tables = dump(url, "--table=journal.ledger_events", "--table=journal.person")
    tables = "\n".join(line for line in tables.splitlines() if not any(guard in line for guard in GUARDS))
    with database(server) as other:
        restore(other, f"CREATE SCHEMA journal;\n{tables}")
        assert execute(other, f"{UPDATE} WHERE false RETURNING 1") == []
        with open_world(other) as world:
            with pytest.raises(psycopg.errors.RestrictViolation):
                execute(other, UPDATE)
            assert figures(world) == ["5.00"]
            report(world, "6")
    assert (
        "The journal lacked guard append_only of ledger; guard append_only of ledger_events; "
        "guard no_gap of ledger_events; guard only_removal of person; table ledger: made anew"
    ) in caplog.messages


LOSSES = {
    "key ledger_events (originator_id, originator_version)": """
        ALTER TABLE journal.ledger_events DROP CONSTRAINT ledger_events_pkey""",
    "key ledger_events (notification_id)": "DROP INDEX journal.ledger_events_notification_id_idx",
    "key person (uuid)": "ALTER TABLE journal.person DROP CONSTRAINT person_pkey",
    "key person (username)": "ALTER TABLE journal.person DROP CONSTRAINT person_username_key",
    "numbers of ledger_events": "DROP SEQUENCE journal.ledger_events_notification_id_seq CASCADE",
    "guard append_only of ledger_events": "ALTER TABLE journal.ledger_events DISABLE TRIGGER append_only",
    "guard no_gap of ledger_events": "DROP TRIGGER no_gap ON journal.ledger_events",
    "guard only_removal of person": "DROP TRIGGER only_removal ON journal.person",
    "guard append_only of ledger": "ALTER TABLE journal.ledger ENABLE TRIGGER append_only",
}


@pytest.mark.parametrize("part", LOSSES)
def test_whatever_the_journal_lost_is_made_at_the_next_start(url: str, part: str) -> None:
    def there() -> set[str]:
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return parts(connection)

    whole = there()
    execute(url, LOSSES[part])
    assert whole - there() == {part}
    with open_world(url) as world:
        assert there() == whole
        report(world, "5")
        assert figures(world) == ["5.00"]


BLUNT = "CREATE OR REPLACE FUNCTION journal.{}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"


@pytest.mark.parametrize("function", ["refuse_change", "refuse_gap"])
def test_a_guard_that_was_made_blunt_is_sharp_after_the_next_start(url: str, function: str) -> None:
    execute(url, BLUNT.format(function))
    prepare_database(url, settings_of(url))
    with pytest.raises(psycopg.errors.RestrictViolation):
        execute(url, UPDATE)


def test_numbers_that_are_behind_the_facts_go_on_after_them(url: str) -> None:
    execute(url, "SELECT setval('journal.ledger_events_notification_id_seq', 1)")
    head = head_of(url)
    with open_world(url) as world:
        report(world, "5")
        assert figures(world) == ["5.00"]
    assert head_of(url) > head


def test_the_next_start_changes_nothing_of_a_sound_journal(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = execute(url, "SELECT oid, xmin FROM pg_trigger UNION ALL SELECT oid, xmin FROM pg_class")
    prepare_database(url, settings_of(url))
    assert execute(url, "SELECT oid, xmin FROM pg_trigger UNION ALL SELECT oid, xmin FROM pg_class") == before
    assert caplog.messages == []


# --- the identity of the ledger ---


def test_every_ledger_has_an_identity_of_its_own_that_a_dump_takes_along(
    url: str, server: str, empty_template: str
) -> None:
    with database(server, empty_template) as other, database(server) as third:
        restore(third, journal_of(url))
        prepare_database(third, settings_of(third))
        prepare_database(other, settings_of(other))
        assert identity(third) == identity(url)
    with database(server) as fourth:
        prepare_database(fourth, settings_of(fourth))
        assert identity(fourth) != identity(url)


def test_nobody_can_change_the_identity(url: str) -> None:
    for change in ("UPDATE journal.ledger SET ledger_id = gen_random_uuid()", "DELETE FROM journal.ledger"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            execute(url, change)


def test_an_identity_that_was_lost_is_derived_from_the_first_fact(url: str, server: str) -> None:
    found = []
    for _ in range(2):
        execute(url, "DROP TABLE journal.ledger")
        prepare_database(url, settings_of(url))
        found.append(identity(url))
    assert found[0] == found[1]


def versioned(fact: Fact, version: int) -> Fact:
    return structs.replace(fact, originator_version=version)


# --- gaps ---


def test_a_fact_whose_stream_lacks_the_one_before_is_refused(here: World) -> None:
    report(here, "5")
    (fact,) = here.facts(Report)
    before = len(here.facts())
    with pytest.raises(StreamGap):
        append(here, [versioned(fact, 3)])
    with pytest.raises(StreamGap):
        append(here, [versioned(fact, 2), versioned(fact, 4)])
    assert len(here.facts()) == before
    append(here, [versioned(fact, 2), versioned(fact, 3)])
    assert len(here.facts()) == before + 2


def test_whoever_reports_on_a_row_that_no_fact_bears_is_told_so_and_nothing_is_stored(here: World) -> None:
    report(here, "5")
    with here.services.reading() as cursor:
        cursor.execute("UPDATE component_usage SET version = 4")
    response = here.report(usages=[{"type": "gpu", "amount": "7"}])
    assert (response.status_code, response.get_json()) == (503, BEHIND)
    assert len(here.facts(Report)) == 1


# --- digests ---


def test_the_database_and_we_make_one_digest_of_a_fact(here: World, url: str) -> None:
    report(here, "5")
    stored = here.ledger.stored_after(0, 1_000)
    digests = [digest_of(each.id, each) for each in stored]
    statement = SQL("SELECT {} FROM journal.ledger_events ORDER BY notification_id").format(FACT_DIGEST)
    with psycopg.connect(url) as connection:
        assert [row[0] for row in connection.execute(statement)] == digests
    assert len(set(digests)) == len(digests)
    assert here.projector.shared_position.known().end == (stored[-1].id, digests[-1])
