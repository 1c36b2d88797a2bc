"""The service's role can append to the journal, and change nothing there."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import psycopg.sql
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege

from tests.operate.keeping import facts, report, rows, schemas
from tests.operate.test_handbook import lines_with, paste
from tests.projections.restoring import AS_SUPERUSER, execute
from tests.support.command import Environment, output_of, run, served
from tests.world import NOW

# Roles are of the whole server, which the tests of another process use as well.
OWNER, SERVICE = f'The owner\'s "{os.getpid()}"', f"service {os.getpid()}"


class Roles:
    """The environments of a superuser, the owner and the service, on one database."""

    def __init__(self, superuser: Environment) -> None:
        self.superuser = superuser
        self.grant()
        with psycopg.connect(superuser["LEDGER_DATABASE_URL"]) as connection:
            for role in (OWNER, SERVICE):
                statement = psycopg.sql.SQL("ALTER ROLE {} PASSWORD 'secret'")
                connection.execute(statement.format(psycopg.sql.Identifier(role)))
        self.owner, self.service = (self.environment_of(role) for role in (OWNER, SERVICE))

    def grant(self) -> None:
        printed = output_of(self.superuser, "database", "grants", "--owner", OWNER, "--service", SERVICE)
        with psycopg.connect(self.superuser["LEDGER_DATABASE_URL"], autocommit=True) as connection:
            connection.execute(printed.encode())

    def environment_of(self, role: str) -> Environment:
        url = make_conninfo(self.superuser["LEDGER_DATABASE_URL"], user=role, password="secret")
        return self.superuser | {"LEDGER_DATABASE_URL": url}

    def drop(self) -> None:
        with psycopg.connect(self.superuser["LEDGER_DATABASE_URL"], autocommit=True) as connection:
            for role in (OWNER, SERVICE):
                for statement in ("DROP OWNED BY {} CASCADE", "DROP ROLE {}"):
                    connection.execute(psycopg.sql.SQL(statement).format(psycopg.sql.Identifier(role)))


@pytest.fixture
def roles(house: Environment) -> Iterator[Roles]:
    roles = Roles(house)
    yield roles
    roles.drop()


def test_all_of_a_service_works_as_its_role(roles: Roles, tmp_path: Path) -> None:
    here = roles.service
    token = output_of(here, "token", "create", "staff").split()[-1]
    with served(here, "--no-demo") as serving:
        status, told = serving.get("/readyz")
        assert (status, told["status"], told.get("note")) == (200, "ok", None)
        usages = "/api/marketplace-component-usages/"
        body = {
            "resource": f"{0x11:032x}",
            "date": f"{NOW:%Y-%m-%d}",
            "usages": [{"type": "cpu", "amount": 321}],
        }
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        request = Request(f"{serving.url}{usages}set_usage/", json.dumps(body).encode(), headers)  # noqa: S310
        assert serving.send(request) == (201, None)
        assert [row["usage"] for row in serving.get(usages, token)[1]] == ["321.00"]
        with urlopen(Request(f"{serving.url}/dashboard/", headers=headers)) as page:  # noqa: S310 (it is http)
            assert page.status == 200
    for command in (["verify"], ["rebuild"], ["verify"], ["backup", tmp_path / "ledger.tar"]):
        done = run(here, *command)
        assert (done.returncode, done.stderr) == (0, ""), command
    assert output_of(here, "key", "show")
    signed = rows(here, "SELECT size FROM journal.checkpoint ORDER BY size DESC LIMIT 1")
    assert signed[0]["size"] == len(facts(here))


def test_the_owner_migrates_and_forgets(roles: Roles) -> None:
    with psycopg.connect(roles.superuser["LEDGER_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP TABLE journal.checkpoint")
    done = run(roles.service, "facts")
    assert done.returncode == 1
    assert "permission denied" in done.stderr
    assert "its owner runs `usage-ledger database migrate` first" in done.stderr
    assert output_of(roles.owner, "database", "migrate") == "The journal is that of this version.\n"
    roles.grant()
    assert run(roles.service, "verify").returncode == 0
    done = run(roles.service, "forget", "project-member", "--reason", "asked to")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: the role of LEDGER_DATABASE_URL may not do that: permission denied for table person; the"
        " owner of the journal may\n"
    )
    assert run(roles.owner, "forget", "project-member", "--reason", "asked to").returncode == 0
    assert run(roles.service, "verify").returncode == 0


FORBIDDEN = [
    "UPDATE journal.ledger_events SET state = state",
    "UPDATE journal.ledger_events SET notification_id = 1",
    "DELETE FROM journal.ledger_events",
    "TRUNCATE journal.ledger_events",
    "MERGE INTO journal.ledger_events e USING (VALUES (1)) v(n) ON e.notification_id = v.n"
    " WHEN MATCHED THEN DELETE",
    "INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state, notification_id)"
    " VALUES (gen_random_uuid(), 1, 'x', 'x', 1)",
    "INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state)"
    " SELECT originator_id, 1, topic, state FROM journal.ledger_events"
    " ON CONFLICT (originator_id, originator_version) DO UPDATE SET state = 'x'",
    "UPDATE journal.person SET username = 'x'",
    "DELETE FROM journal.person",
    "TRUNCATE journal.person",
    "UPDATE journal.ledger SET ledger_id = gen_random_uuid()",
    "DELETE FROM journal.ledger",
    "INSERT INTO journal.ledger (only_row, ledger_id) VALUES (false, gen_random_uuid())",
    "UPDATE journal.checkpoint SET note = 'x'",
    "DELETE FROM journal.checkpoint",
    "INSERT INTO journal.tree_tail VALUES (999999, 1, 'x')",
    "DELETE FROM journal.tree_tail",
    "UPDATE journal.tree_tile SET root = 'x'",
    "INSERT INTO journal.tree_tile VALUES (0, 1, 1, 'x', 'x')",
    "SELECT setval('journal.ledger_events_notification_id_seq', 1)",
    "ALTER SEQUENCE journal.ledger_events_notification_id_seq RESTART",
    "ALTER TABLE journal.ledger_events DISABLE TRIGGER append_only",
    "ALTER TABLE journal.ledger_events DISABLE TRIGGER ALL",
    "DROP TRIGGER append_only ON journal.ledger_events",
    "DROP TRIGGER no_gap ON journal.ledger_events",
    "CREATE TRIGGER mine BEFORE INSERT ON journal.ledger_events EXECUTE FUNCTION journal.refuse_change()",
    "CREATE RULE mine AS ON INSERT TO journal.ledger_events DO INSTEAD NOTHING",
    "ALTER TABLE journal.ledger_events ADD COLUMN mine int",
    "ALTER TABLE journal.ledger_events ALTER COLUMN topic TYPE varchar",
    "ALTER TABLE journal.ledger_events RENAME TO mine",
    "ALTER TABLE journal.ledger_events SET SCHEMA public",
    "ALTER TABLE journal.ledger_events OWNER TO CURRENT_USER",
    "ALTER SCHEMA journal OWNER TO CURRENT_USER",
    "ALTER SCHEMA journal RENAME TO mine",
    "DROP TABLE journal.ledger_events",
    "DROP SCHEMA journal CASCADE",
    "CREATE TABLE journal.mine ()",
    "CREATE OR REPLACE FUNCTION journal.refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NULL; END'",
    "DROP FUNCTION journal.refuse_change CASCADE",
    "ALTER FUNCTION journal.grow_tree() SECURITY INVOKER",
    "ALTER FUNCTION journal.grow_tree() RENAME TO mine",
    "SELECT journal.add_leaves('x', '{1}')",
    "SELECT journal.follow_journal(1)",
    "CREATE TEMPORARY TABLE t (originator_id uuid);"
    " CREATE TRIGGER mine AFTER INSERT ON t EXECUTE FUNCTION journal.grow_tree()",
    "SET session_replication_role = replica",
    "SET ROLE {owner}",
    "SET SESSION AUTHORIZATION {owner}",
    "GRANT {owner} TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER DATABASE {database} OWNER TO CURRENT_USER",
    "LOCK TABLE journal.ledger_events IN ACCESS EXCLUSIVE MODE",
]


def test_each_way_to_change_a_fact_or_its_guard_is_refused_to_the_service(roles: Roles) -> None:
    before = facts(roles.superuser)
    allowed = []
    with psycopg.connect(roles.service["LEDGER_DATABASE_URL"], autocommit=True) as connection:
        names = {
            "owner": psycopg.sql.Identifier(OWNER).as_string(),
            "database": psycopg.sql.Identifier(connection.info.dbname).as_string(),
        }
        connection.execute("GRANT ALL ON journal.ledger_events TO CURRENT_USER")  # a warning, and no effect
        for statement in FORBIDDEN:
            for name, value in names.items():
                statement = statement.replace(f"{{{name}}}", value)
            try:
                with connection.transaction():
                    connection.execute(statement.encode())
                allowed.append(statement)
            except InsufficientPrivilege:
                pass
            except psycopg.Error as error:
                allowed.append(f"{statement}: {error}")
    assert allowed == []
    assert facts(roles.superuser) == before
    assert run(roles.service, "verify").returncode == 0


def test_what_the_service_makes_does_not_run_with_the_rights_of_the_owner(roles: Roles) -> None:
    """The functions that do are those of the journal, and look for names in `pg_catalog` alone."""
    trap = """
    CREATE SCHEMA trap;
    CREATE FUNCTION trap.substr(bytea, integer, integer) RETURNS bytea LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''I am %%'', current_user; END';
    CREATE FUNCTION trap.octet_length(bytea) RETURNS integer LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''I am %%'', current_user; END';
    SET search_path = trap, pg_catalog;
    INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state)
        VALUES (gen_random_uuid(), 1, 'Trap', '{}');
    DROP SCHEMA trap CASCADE"""
    with psycopg.connect(roles.service["LEDGER_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(trap.replace("%%", "%").encode())
    definers = "SELECT proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'journal'::regnamespace"
    assert [row["proconfig"] for row in rows(roles.superuser, definers)] == [
        ["search_path=pg_catalog, pg_temp"]
    ] * 2


def test_who_runs_as_owner_or_superuser_is_told(roles: Roles) -> None:
    for environment, note in (
        (roles.superuser, AS_SUPERUSER),
        (roles.owner, AS_SUPERUSER.replace("a superuser", "the owner of the journal")),
    ):
        with served(environment, "--no-demo") as here:
            assert here.get("/readyz")[1]["note"] == note


def test_who_may_only_read_gets_no_service_that_takes_reports(roles: Roles) -> None:
    """Ready, and an error for each report: that is what would come of it."""
    reader, url = f"reader_{os.getpid()}", roles.superuser["LEDGER_DATABASE_URL"]
    execute(url, f"CREATE ROLE {reader} LOGIN PASSWORD 'secret' IN ROLE pg_read_all_data")
    try:
        here = roles.environment_of(reader)
        for words in (["serve", "--no-demo"], ["user", "create", "somebody"], ["verify"]):
            done = run(here, *words)
            assert done.returncode
            assert done.stderr == (
                "Error: LEDGER_DATABASE_URL: its role may append nothing to the journal: `serve --read-only`"
                " and commands that only read work with it\n"
            )
        assert output_of(here, "user", "list") == output_of(roles.service, "user", "list")
        with served(here, "--read-only") as replica:
            assert replica.get("/readyz")[0] == 200
    finally:
        execute(url, f"DROP ROLE {reader}")


def test_grants_are_printed_again_and_do_the_same(roles: Roles) -> None:
    report(roles.superuser, 5)
    before = rows(roles.superuser, "SELECT oid, nspowner, nspacl::text FROM pg_namespace ORDER BY 1")
    roles.grant()
    assert rows(roles.superuser, "SELECT oid, nspowner, nspacl::text FROM pg_namespace ORDER BY 1") == before
    assert run(roles.service, "verify").returncode == 0


def test_a_database_without_a_journal_gets_no_roles(empty: Environment) -> None:
    printed = output_of(empty, "database", "grants", "--owner", "nobody_1", "--service", "nobody_2")
    with (
        psycopg.connect(empty["LEDGER_DATABASE_URL"]) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="run `usage-ledger database migrate` first"),
    ):
        connection.execute(printed.encode())
    assert rows(empty, "SELECT FROM pg_roles WHERE rolname ~ '^nobody_'") == []


def test_a_service_that_is_a_superuser_is_refused(house: Environment) -> None:
    (user,) = rows(house, "SELECT current_user AS name")
    printed = output_of(house, "database", "grants", "--owner", "nobody_1", "--service", user["name"])
    with (
        psycopg.connect(house["LEDGER_DATABASE_URL"]) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="may do more than a service should"),
    ):
        connection.execute(printed.encode())


def test_two_roles_are_two(house: Environment) -> None:
    done = run(house, "database", "grants", "--owner", "one", "--service", "one")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the owner and the service are two roles" in done.stderr


def test_the_lines_of_the_handbook_make_two_roles(empty: Environment, tmp_path: Path) -> None:
    lines = lines_with(
        'LEDGER_DATABASE_URL="$ADMIN" usage-ledger database migrate', "usage-ledger database grants "
    )
    admin = empty | {"ADMIN": empty["LEDGER_DATABASE_URL"]}
    try:
        paste(admin, tmp_path, *lines)
        paste(admin, tmp_path, *lines)
        assert schemas(empty) == {"public", "journal"}
        statement = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'ledger\\_%' ORDER BY 1"
        assert [row["rolname"] for row in rows(empty, statement)] == ["ledger_owner", "ledger_service"]
    finally:
        with psycopg.connect(empty["LEDGER_DATABASE_URL"], autocommit=True) as connection:
            for role in ("ledger_owner", "ledger_service"):
                connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())
