"""`usage-ledger export`: a list as a file, which is whole or not there."""

from pathlib import Path

import pytest

from tests.exports.reading import cells
from tests.support.command import Environment, run
from tests.world import USAGES, World

LISTS = "marketplace-component-usages"


@pytest.fixture(name="here")
def shell_on_the_world(world: World) -> Environment:
    for day in ("2026-10-05", "2026-11-05"):
        assert world.report(date=day, usages=[{"type": "cpu", "amount": 3}]).status_code == 201
    return {"LEDGER_DATABASE_URL": world.conninfo}


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_a_file_has_what_staff_is_answered(
    world: World, here: Environment, tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"usages.{form}"
    done = run(here, "export", LISTS, str(file))
    assert (done.returncode, done.stdout, done.stderr.splitlines()[-1]) == (0, "", f"2 rows in {file}")
    assert file.read_bytes() == world.as_("staff").get(USAGES, format=form).data
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


def test_filters_positions_and_forms_can_be_said(world: World, here: Environment, tmp_path: Path) -> None:
    file, then = tmp_path / "usages", (world.ledger.recorder.max_notification_id() or 0) - 1
    options = ("--filter", "type=cpu", "--as-of", str(then), "--format", "csv")
    result = run(here, "export", LISTS, str(file), *options)
    assert (result.returncode, result.stdout, result.stderr.splitlines()[-1]) == (0, "", f"1 rows in {file}")
    expected = world.as_("staff").get(USAGES, format="csv", type="cpu", as_of=then)
    assert file.read_bytes() == expected.data
    assert len(cells(expected)) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bogus", "x.csv"), "bogus: there is no such list; known are "),
        (("version", "x.csv"), "version: there is no such list; known are "),
        ((LISTS, "x.txt"), "name it .csv, .ndjson, .parquet, or say --format"),
        ((LISTS, "x.csv", "--filter", "typ=cpu"), "typ: Unknown parameter. Did you mean type?"),
        ((LISTS, "x.csv", "--filter", "type"), "'type' is not like NAME=VALUE"),
        ((LISTS, "x.csv", "--as-of", "99999"), "as_of: "),
        (("ledger/exports/focus", "x.csv"), "billing_period: This field is required."),
        ((LISTS, "missing/x.csv"), "No such file or directory"),
    ],
)
def test_what_can_not_be_exported_is_told_and_leaves_no_file(
    here: Environment, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    what, name, *options = arguments
    result = run(here, "export", what, str(tmp_path / name), *options)
    assert result.returncode != 0
    assert told in result.stderr
    assert [*tmp_path.iterdir()] == []
