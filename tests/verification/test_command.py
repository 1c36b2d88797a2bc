"""`usage-ledger verify` as people and cron run it."""

import logging
import re
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.command import Environment, output_of, positions, run
from web.commands.audit import verify

FORGE = "UPDATE read_models.customer SET name = 'Forged ' || name"


def execute(environment: Environment, statement: str) -> None:
    with psycopg.connect(environment["LEDGER_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement.encode())


def runs(environment: Environment) -> list[tuple[int, int, int]]:
    with psycopg.connect(environment["LEDGER_DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT up_to, facts, differences FROM read_models.verification ORDER BY id"
        ).fetchall()


@pytest.fixture(name="ledger")
def ledger_with_a_catalogue(environment: Environment, catalogue: Path) -> Environment:
    output_of(environment, "import", catalogue)
    return environment


def test_what_follows_from_the_journal_is_a_line_in_the_log_and_a_fact(
    ledger: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    before = positions(ledger)
    with caplog.at_level(logging.INFO):
        assert output_of(ledger, "verify") == ""
    unsigned, line = [each.getMessage() for each in caplog.records]
    assert unsigned == "No checkpoint is signed, as this ledger has no signing key"
    told = rf"Verified {len(before)} facts up to position {before[-1]} in \d+\.\d s: 0 differences"
    assert re.fullmatch(told, line)
    assert len(positions(ledger)) == len(before) + 1
    assert output_of(ledger, "verify") == ""
    assert runs(ledger) == [
        (before[-1], len(before), 0),
        (positions(ledger)[-2], len(before) + 1, 0),
    ]


def test_a_difference_is_a_line_and_exit_code_1(ledger: Environment) -> None:
    position = positions(ledger)[-1]
    execute(ledger, "UPDATE read_models.customer SET name = 'Forged' WHERE name = 'Provider'")
    done = run(ledger, "verify")
    key = "00000000-0000-0000-0000-0000000000c1"
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == f'customer {key} name "Forged" "Provider" {position}\n'
    assert runs(ledger) == [(position, position, 1)]


def test_of_many_differences_some_are_shown_and_all_are_counted(
    ledger: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "MOST_FINDINGS", 3)
    execute(ledger, FORGE)
    *shown, rest = run(ledger, "verify").stdout.splitlines()
    assert (len(shown), rest) == (3, "1 more are not shown")
    assert [differences for _, _, differences in runs(ledger)] == [4]


def test_what_is_not_printable_is_escaped(ledger: Environment) -> None:
    execute(ledger, "UPDATE read_models.customer SET name = E'\\x1b[2J\\n' WHERE name = 'Provider'")
    (line,) = run(ledger, "verify").stdout.splitlines()
    assert r'name "\u001b[2J\n" "Provider"' in line


def test_the_last_fact_is_not_taken_for_true_because_it_is_the_last(ledger: Environment) -> None:
    execute(
        ledger,
        "ALTER TABLE journal.ledger_events DISABLE TRIGGER append_only;"
        " UPDATE journal.ledger_events SET state = state || ' ' WHERE notification_id ="
        " (SELECT max(notification_id) FROM journal.ledger_events)",
    )
    done = run(ledger, "verify")
    assert done.returncode == 1
    assert "read_position true digest " in done.stdout


def test_without_the_right_to_write_there_is_no_result(ledger: Environment) -> None:
    options = "-c default_transaction_read_only=on"
    url = make_conninfo(ledger["LEDGER_DATABASE_URL"], options=options)
    done = run(ledger | {"LEDGER_DATABASE_URL": url}, "verify")
    assert (done.returncode, done.stdout) == (3, "")
    assert "the database is read-only" in done.stderr
    assert done.stderr.count("\n") == 1
    assert runs(ledger) == []


def test_read_models_of_another_version_are_left_as_they_are(ledger: Environment) -> None:
    execute(ledger, "UPDATE read_models.read_position SET built_by = 'somebody'")
    done = run(ledger, "verify")
    told = "Error: the read models were built by another version; a rebuild makes them anew\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", told)


def test_a_position_that_is_not_there_yet_has_no_result(ledger: Environment) -> None:
    last = positions(ledger)[-1]
    done = run(ledger, "verify", "--to", str(last + 1))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "Error: The journal has not got that far.\n"
    assert output_of(ledger, "verify", "--to", str(last - 1)) == ""
    assert runs(ledger) == [(last - 1, last - 1, 0)]


def test_who_may_not_make_temporary_tables_is_told_so(ledger: Environment) -> None:
    name = conninfo_to_dict(ledger["LEDGER_DATABASE_URL"])["dbname"]
    role = f"{name}_reader"
    execute(
        ledger,
        f"CREATE ROLE {role} LOGIN PASSWORD 'secret'; REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC;"
        f" GRANT USAGE ON SCHEMA journal, read_models, read_models_as_of TO {role};"
        f" GRANT ALL ON ALL TABLES IN SCHEMA journal, read_models, read_models_as_of TO {role};"
        f" GRANT ALL ON ALL SEQUENCES IN SCHEMA journal TO {role}",
    )
    try:
        url = make_conninfo(ledger["LEDGER_DATABASE_URL"], user=role, password="secret")
        done = run(ledger | {"LEDGER_DATABASE_URL": url}, "verify")
    finally:
        execute(ledger, f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "Error: A verification makes temporary tables and notes its result in the journal, and the role of"
        f' LEDGER_DATABASE_URL may not: permission denied to create temporary tables in database "{name}"\n'
    )


def test_where_there_is_no_ledger_there_is_no_result(tmp_path: Path) -> None:
    done = run({"LEDGER_DATA_DIR": str(tmp_path / "elsewhere")}, "verify")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("Error: LEDGER_DATA_DIR: there is no ledger in ")
