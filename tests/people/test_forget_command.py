"""`usage-ledger forget`."""

import re
from pathlib import Path

import psycopg
import pytest

from ledger.events import PersonForgotten
from tests.people.naming import REASON, WILMA, name_wilma, person_named, places_of
from tests.support.command import Done, Environment, run
from tests.world import World

NO_FREE_TEXT = "The name is in no free text.\n"


@pytest.fixture(name="environment")
def environment_of_the_world(world_url: str, tmp_path: Path) -> Environment:
    return {"LEDGER_DATABASE_URL": world_url, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}


def refused(done: Done, message: str, code: int = 2) -> None:
    assert (done.returncode, done.stdout) == (code, "")
    assert re.fullmatch(f"Error: {message}\n", done.stderr), done.stderr


def test_it_tells_what_it_did_and_where_the_name_stays(world: World, environment: Environment) -> None:
    name_wilma(world)
    world.report(usages=[{"type": "cpu", "amount": 11, "description": f"Moved to {WILMA}"}])
    position = world.ledger.facts_after(0, 1_000_000)[-1][0]
    wilma = person_named(world, WILMA)
    assert wilma
    told = (
        f"{wilma.uuid.hex}.\n"
        "Rows without a name: account 1, offering_user 1, user_usage 2.\n"
        "Accounts that became inactive: 1. Tokens that ended: 1.\n"
        "The name stays in free text, at position, fact and field:\n"
        f"{position:>12}  UsageReported             description\n"
    )
    facts = world.facts()
    dry = run(environment, "forget", WILMA, "--reason", REASON, "--dry-run")
    assert dry == Done(0, f"Would be forgotten: {told}", "")
    assert world.facts() == facts
    assert run(environment, "forget", WILMA, "--reason", REASON) == Done(0, f"Forgotten: {told}", "")
    places = {place.removesuffix("_versions") for place in places_of(world, WILMA)}
    assert places == {"journal.ledger_events", "read_models.component_usage"}
    [fact] = world.facts(PersonForgotten)
    assert (fact.reason, fact.forgotten_by) == (REASON, None)


def test_postgresql_keeps_no_statistics_with_the_name(world: World, environment: Environment) -> None:
    name_wilma(world)

    def statistics() -> str:
        with psycopg.connect(world.conninfo) as connection:
            return str(connection.execute("SELECT * FROM pg_stats WHERE attname = 'username'").fetchall())

    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("ANALYZE")
    assert WILMA in statistics()
    done = run(environment, "forget", WILMA, "--reason", REASON)
    assert done.stdout.endswith(NO_FREE_TEXT)
    assert WILMA not in statistics()


def test_what_a_rebuild_left_behind_keeps_no_name(world: World, environment: Environment) -> None:
    name_wilma(world)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA read_models_shadow")
        connection.execute("CREATE TABLE read_models_shadow.account AS TABLE read_models.account")
    assert run(environment, "forget", WILMA, "--reason", REASON).returncode == 0
    assert places_of(world, WILMA) == []


def test_who_decides_it_may_be_named(world: World, environment: Environment) -> None:
    name_wilma(world)
    assert run(environment, "forget", WILMA, "--reason", f"  {REASON} ", "--by", "staff").returncode == 0
    [fact] = world.facts(PersonForgotten)
    assert fact.reason == REASON
    assert fact.forgotten_by
    assert fact.forgotten_by.int == 1


def test_others_who_differ_in_case_are_told(world: World, environment: Environment) -> None:
    world.describe(
        users=[
            {"uuid": f"{number:032x}", "username": name} for number, name in ((0x301, "Ann"), (0x302, "ANN"))
        ]
    )
    done = run(environment, "forget", "Ann", "--reason", REASON)
    assert "\nOthers stay, as case counts: 'ANN'.\n" in done.stdout
    refused(
        run(environment, "forget", "Ann", "--reason", REASON),
        "nobody is named 'Ann' here, or not any more; there is 'ANN', and case counts",
        1,
    )


REASONS = {
    "": "a reason is not empty",
    "  ": "a reason is not empty",
    "x" * 501: "Ensure this field has no more than 500 characters",
    "two\nlines": "Line breaks and control characters are not allowed",
    "Wilma.W asked": "the username must not be in it: it would stay in the journal",
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_that_is_not_to_be_kept_is_refused(
    world: World, environment: Environment, reason: str
) -> None:
    name_wilma(world)
    facts = world.facts()
    for words in (["forget", WILMA, "--reason", reason], ["forget", "--reason", reason, WILMA]):
        refused(
            run(environment, *words),
            rf"Invalid value for '--reason': {re.escape(REASONS[reason])}\. .*--help` says more\.",
        )
    assert world.facts() == facts


def test_it_needs_a_name_and_a_reason(world: World, environment: Environment) -> None:
    facts = world.facts()
    refused(run(environment, "forget", "stranger"), r"Missing option '--reason'\. .*")
    refused(run(environment, "forget", "", "--reason", REASON), r"Invalid value for 'USERNAME': a .*")
    refused(
        run(environment, "forget", "stranger", "--reason", REASON, "--by", "nobody"),
        "nobody is named 'nobody'; .*",
        1,
    )
    assert world.facts() == facts
