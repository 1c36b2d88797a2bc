"""What a version before has left behind starts under this one: a database, and a data directory."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from ledger.journal.tree.reading import Tree
from projections.schema import is_of_this_version
from tests.operate.keeping import elsewhere
from tests.support.command import DEMO_RESOURCE, Environment, output_of, report, run, served
from tests.support.dumps import restore
from web.runtime.postgres.embedded import embedded_postgres

OF_BEFORE = Path(__file__).with_name("upgrade")

VERSIONS = ["before_tree", "before_pages"]

FACTS = """
SELECT notification_id, originator_id, originator_version, topic, state
FROM journal.ledger_events ORDER BY 1"""


def stored(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(FACTS).fetchall()


def put(url: str, version: str) -> list[tuple[object, ...]]:
    """Restore the database of a version before, and return its facts."""
    restore(url, (OF_BEFORE / f"{version}.sql").read_text())
    return stored(url)


@contextmanager
def database_of(environment: Environment) -> Iterator[str]:
    if url := environment.get("LEDGER_DATABASE_URL"):
        yield url
    else:
        with embedded_postgres(Path(environment["LEDGER_DATA_DIR"])) as url:
            yield url


def starts_under_this_version(environment: Environment, before: list[tuple[object, ...]]) -> None:
    """Facts are as they were, figures follow from them, and the ledger goes on."""
    with served(environment, "--no-demo") as here:
        token = output_of(environment, "token", "create", "demo-staff").split()[-1]
        usages = f"/api/marketplace-component-usages/?resource_uuid={DEMO_RESOURCE}"
        (figure,) = here.get(usages, token)[1]
        assert figure["usage"] == "15.00"
        shares = here.get("/api/marketplace-component-user-usages/", token)[1]
        assert [(row["username"], row["usage"]) for row in shares] == [("alice", "3.25")]
        report(here, token, 16, date=figure["billing_period"])
        assert [row["usage"] for row in here.get(usages, token)[1]] == ["16.00"]
    assert run(environment, "verify").returncode == 0
    history = run(environment, "history", str(row_uuid(environment))).stdout
    assert {"10.00", "20.50", "15.00", "16.00"} <= set(re.findall(r"\d+\.\d\d", history))
    with database_of(environment) as url:
        assert stored(url)[: len(before)] == before
        with psycopg.connect(url, row_factory=dict_row) as connection:
            assert is_of_this_version(connection)
            assert Tree(connection.cursor()).reach() == (len(stored(url)), stored(url)[-1][0])


def row_uuid(environment: Environment) -> object:
    with database_of(environment) as url, psycopg.connect(url) as connection:
        row = connection.execute("SELECT uuid FROM read_models.component_usage").fetchone()
        assert row
        return row[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_database_of_a_version_before_starts_under_this_one(empty: Environment, version: str) -> None:
    starts_under_this_version(empty, put(empty["LEDGER_DATABASE_URL"], version))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_data_directory_of_a_version_before_starts_under_this_one(
    open_folder: Path, tmp_path: Path, version: str
) -> None:
    environment = elsewhere(tmp_path) | {"LEDGER_DATA_DIR": str(open_folder)}
    with database_of(environment) as url:
        before = put(url, version)
    starts_under_this_version(environment, before)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_version_before_has_left_is_backed_up_and_restored(
    environment: Environment, empty: Environment, tmp_path: Path, version: str
) -> None:
    with psycopg.connect(environment["LEDGER_DATABASE_URL"]) as connection:
        connection.execute(
            "DROP SCHEMA journal, read_models, read_models_as_of, read_models_near, dashboard, operations"
            " CASCADE"
        )
    before = put(environment["LEDGER_DATABASE_URL"], version)
    assert run(environment, "backup", tmp_path / "ledger.tar").returncode == 0
    assert run(empty, "restore", tmp_path / "ledger.tar").returncode == 0
    assert stored(empty["LEDGER_DATABASE_URL"]) == before
