"""Databases that are restored, put back or replaced: what is served always follows from the journal there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ledger.events import Report
from projections.rebuild import Rebuild, Rebuilt
from tests.projections.restoring import AS_SUPERUSER, BEHIND, UPDATE, execute, figures, head_of, report
from tests.support.dumps import dump, journal_of, put_back, restore
from tests.world import RESOURCE, USAGES, World, open_world, settings_of
from web.commands import tokens
from web.runtime.config import ConfigurationError
from web.runtime.database import ensure_schemas, prepare_database
from web.runtime.listener import PositionListener


def ready(world: World) -> tuple[int, Any]:
    response = world.anonymous.get("/readyz")
    return response.status_code, response.get_json()


@contextmanager
def beating(world: World) -> Iterator[Callable[[], None]]:
    """What the thread that watches does each second, at the test's own pace."""
    mend = partial(ensure_schemas, world.conninfo, world.settings)
    watch = PositionListener(world.ledger, world.projector, mend)
    with psycopg.connect(world.conninfo, autocommit=True, row_factory=dict_row) as connection:
        yield lambda: watch.look(connection)


# --- an older journal under newer read models, at start ---


def test_read_models_that_are_ahead_of_a_restored_journal_are_rebuilt_at_start(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_world(url) as world:
        report(world, "5")
        before = journal_of(url)
        for amount in ("6", "7", "8"):
            report(world, amount)
    restore(url, before, "journal")
    with open_world(url) as world:
        assert "The read models end at a fact that is not in the journal: rebuilding them" in caplog.messages
        assert ready(world) == (200, {"status": "ok", "position": head_of(url), "note": AS_SUPERUSER})
        assert figures(world) == ["5.00"]
        report(world, "9")
        assert figures(world) == ["9.00"]
        assert [fact.originator_version for fact in world.facts(Report)] == [1, 2]


def test_where_the_tables_alone_were_put_back_readyz_tells_it_and_a_start_mends_it(url: str) -> None:
    with open_world(url) as world:
        report(world, "5")
        (usage,) = world.usages()
        history = f"/api/marketplace-component-usages/{usage['uuid']}/history/"
        restore(url, dump(url, "--schema=read_models"), "read_models")
        assert world.as_("staff").get(history).status_code == 503
        status, told = ready(world)
        assert (status, told["status"]) == (503, "unavailable")
        assert told["reason"].startswith("the views of the past are missing")
        report(world, "6")
    with open_world(url) as world:
        assert ready(world)[0] == 200
        assert [row["amount"] for row in world.as_("staff").get(history).get_json()] == ["6.00", "5.00"]


def test_read_models_of_another_history_are_rebuilt_even_where_both_end_at_one_position(url: str) -> None:
    with open_world(url) as world:
        before = journal_of(url)
        report(world, "5")
    restore(url, before, "journal")
    execute(url, "DROP SCHEMA read_models CASCADE")
    with open_world(url) as world:
        report(world, "6", date="2026-10-01")
        other = dump(url, "--schema=read_models")
        restore(url, before, "journal")
    execute(url, "DROP SCHEMA read_models CASCADE")
    with open_world(url) as world:
        report(world, "7")
        head = head_of(url)
    restore(url, other, "read_models")
    with open_world(url) as world:
        assert (head_of(url), figures(world)) == (head, ["7.00"])


def test_read_models_whose_journal_is_gone_are_not_thrown_away(url: str) -> None:
    with open_world(url) as world:
        position = report(world, "5")
        journal = journal_of(url)
    execute(url, "DROP SCHEMA journal CASCADE")
    with pytest.raises(
        ConfigurationError, match=f"the journal is gone, .* at {position}: restore the schema"
    ):
        prepare_database(url, settings_of(url))
    restore(url, journal)  # nothing was made that would stand in the way
    with open_world(url) as world:
        assert figures(world) == ["5.00"]


def test_a_journal_without_its_people_is_refused(url: str) -> None:
    execute(url, "DROP TABLE journal.person")
    with pytest.raises(ConfigurationError, match=r"journal\.person.* is missing: restore both together"):
        prepare_database(url, settings_of(url))


# --- the same while the service runs ---


def test_nothing_is_served_or_taken_while_the_read_models_are_ahead_of_the_journal(
    here: World, url: str
) -> None:
    report(here, "5")
    before = journal_of(url)
    report(here, "6")
    restore(url, before, "journal")
    staff = here.as_("staff")
    answers = [
        staff.get(USAGES),
        here.report(usages=[{"type": "gpu", "amount": "7"}]),
        staff.post("/api/ledger/reports/", [{"resource": RESOURCE, "type": "gpu", "amount": "7"}]),
    ]
    assert [(each.status_code, each.get_json()) for each in answers] == [(503, BEHIND)] * 3
    status, told = ready(here)
    assert (status, told["status"]) == (503, "unavailable")
    assert "with a fact that is not in the journal" in told["reason"]
    assert here.anonymous.get("/healthz").status_code == 200
    assert len(here.facts(Report)) == 1


def test_a_running_service_rebuilds_what_is_ahead_of_the_journal(here: World, url: str) -> None:
    report(here, "5")
    before = journal_of(url)
    lost = report(here, "6")
    with beating(here) as beat:
        beat()
        restore(url, before, "journal")
        beat()
    assert figures(here) == ["5.00"]
    assert here.as_("staff").get(USAGES, min_position=lost).status_code == 503
    assert report(here, "7") == lost  # the same position, for another fact
    assert figures(here) == ["7.00"]


def test_a_running_service_makes_a_guard_anew_that_a_restore_lost(here: World, url: str) -> None:
    report(here, "5")
    before = dump(url, "--table=journal.ledger_events", "--table=journal.person", "--data-only")
    report(here, "6")
    execute(
        url,
        "DROP TABLE journal.ledger_events;"
        "CREATE TABLE journal.ledger_events (originator_id uuid, originator_version bigint, topic text,"
        " state bytea, notification_id bigint); DELETE FROM journal.person",
    )
    restore(url, "\n".join(line for line in before.splitlines() if "setval" not in line))
    with beating(here) as beat:
        beat()
    assert figures(here) == ["5.00"]
    report(here, "7")
    with pytest.raises(psycopg.errors.RestrictViolation):
        execute(url, UPDATE)


def test_a_database_that_went_back_is_served_from_where_it_is(here: World, url: str) -> None:
    report(here, "5")
    before = dump(url, "--schema=journal", "--schema=read_models")
    here.describe(projects=[{**PROJECT_ROW, "name": "Renamed"}])
    here.usages()
    lost = report(here, "6")
    put_back(url, before)
    assert figures(here) == ["5.00"]
    assert here.usages()[0]["project_name"] == PROJECT_ROW["name"]
    assert here.as_("staff").get(USAGES, min_position=lost).status_code == 503
    report(here, "8")
    assert figures(here) == ["8.00"]


def test_the_past_is_not_answered_with_the_present_where_its_views_are_missing(here: World, url: str) -> None:
    """Views go with their tables, and are not in the dump of these schemas: as of then was as of now."""
    before = report(here, "5")
    report(here, "6")
    put_back(url, dump(url, "--schema=journal", "--schema=read_models"))
    staff, query = here.as_("staff"), {"as_of": before}
    assert staff.get(USAGES, **query).status_code == 503
    ensure_schemas(here.conninfo, here.settings)
    assert [usage["usage"] for usage in staff.get(USAGES, **query).get_json()] == ["5.00"]


def test_what_was_put_back_is_compared_by_the_names_of_its_columns(here: World, url: str) -> None:
    """A dump has the columns of a table that inherits in the order of its parent: a rebuild failed there."""
    report(here, "5")
    put_back(url, dump(url, "--schema=journal", "--schema=read_models"))
    rebuild = Rebuild(here.ledger.pool, here.ledger.facts_after)
    assert rebuild.run() == Rebuilt(is_live=True)
    put_back(url, dump(url, "--schema=journal", "--schema=read_models"))
    execute(url, "UPDATE read_models.component_usage SET usage = 6")
    assert [each.table for each in rebuild.run().differences] == ["component_usage"]


def test_what_is_prepared_goes_on_after_a_dump_was_put_back(here: World, url: str) -> None:
    """A statement of all columns was prepared, and failed for good where they came back in another order."""
    report(here, "5")
    (usage,) = here.usages()
    for number in range(20):  # often enough that every connection has prepared what it needs
        assert here.report_user(usage["uuid"], username="ann", usage=number).status_code == 201
    put_back(url, dump(url, "--schema=journal", "--schema=read_models"))
    for number in range(20, 25):
        assert here.report_user(usage["uuid"], username="ann", usage=number).status_code == 201


PROJECT_ROW = {"uuid": f"{0xA1:032x}", "name": "Project", "customer_uuid": f"{0xC2:032x}"}


def test_reports_go_on_where_a_description_was_lost(here: World, url: str) -> None:
    """A report waited for ever for a position of the catalogue that did not come again."""
    report(here, "5")
    before = dump(url, "--schema=journal", "--schema=read_models")
    here.describe(projects=[{**PROJECT_ROW, "name": "Renamed"}])
    report(here, "6")
    shared = here.projector.shared_position
    shared.live_until(2**31)  # so that nobody asks the database on arrival
    put_back(url, before)
    assert here.report(usages=[{"type": "gpu", "amount": "7"}]).status_code == 201
    assert figures(here) == ["7.00"]


def test_a_token_that_is_revoked_after_the_database_went_back_works_no_more(here: World, url: str) -> None:
    before = dump(url, "--schema=journal", "--schema=read_models")
    for name in ("Renamed", "Renamed again"):
        here.describe(projects=[{**PROJECT_ROW, "name": name}])
    client = here.as_("support")
    assert client.get(USAGES).status_code == 200
    put_back(url, before)
    with open_world(url) as command:
        token = next(each for each in tokens.listed(command.services) if each["username"] == "support")
        tokens.revoke(command.services, token["token_uuid"])
    assert client.get(USAGES).status_code == 401


def test_one_tag_never_names_two_figures(here: World, url: str) -> None:
    report(here, "5")
    before = dump(url, "--schema=journal", "--schema=read_models")
    report(here, "6")
    staff = here.as_("staff")
    old = staff.get(USAGES)
    put_back(url, before)
    here.projector.shared_position.live_until(2**31)  # before anybody has noticed
    report(here, "7")
    new = staff.get(USAGES)
    assert old.headers["Ledger-Position"] == new.headers["Ledger-Position"]
    assert old.headers["ETag"] != new.headers["ETag"]
    condition = {"If-None-Match": old.headers["ETag"]}
    assert staff.send("GET", USAGES, headers=condition).status_code == 200


def test_nothing_is_thrown_away_while_a_journal_is_being_restored(here: World, url: str) -> None:
    report(here, "5")
    journal = journal_of(url)
    execute(url, "DROP SCHEMA journal CASCADE")
    with beating(here) as beat, pytest.raises(psycopg.errors.UndefinedTable):
        beat()
    assert here.as_("staff").get(USAGES).status_code == 503
    restore(url, journal)
    assert figures(here) == ["5.00"]
