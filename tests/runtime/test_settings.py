"""The variables of the environment: what is declared, documented, read, and refused when misspelt."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.paths import README
from tests.support.command import output_of, run
from web.runtime.config import VARIABLES, ConfigurationError, Settings


def test_readme_documents_each_variable_with_its_default() -> None:
    table = README.read_text().partition("\n| variable | default | meaning |\n")[2].partition("\n\n")[0]
    rows = [[cell.strip().replace("`", "") for cell in row.split("|")[1:-1]] for row in table.splitlines()]
    documented = {name: default for name, default, _ in rows if name.startswith("LEDGER_")}
    assert documented == {each.name: each.shown_default for each in VARIABLES}


def test_help_documents_each_variable_with_its_meaning_and_default() -> None:
    told = " ".join(output_of({}, "--help").partition("\nEnvironment:\n")[2].split())
    assert told == " ".join(
        f"{each.name} {each.meaning} (default: {each.shown_default})" for each in VARIABLES
    )


def test_readme_names_no_other_variable() -> None:
    assert set(re.findall(r"\bLEDGER_[A-Z_]*[A-Z]\b", README.read_text())) == {
        each.name for each in VARIABLES
    }


def test_settings_that_are_not_set_or_empty_have_their_defaults() -> None:
    folder = Path.home() / ".local/share/usage-ledger"
    defaults = Settings(None, folder, ZoneInfo("UTC"), 5 * 1024 * 1024, 0)
    assert Settings.from_environment({}) == defaults
    assert Settings.from_environment({each.name: "" for each in VARIABLES} | {"LEDGER_ZONE": ""}) == defaults


def test_settings_are_read_from_their_variables() -> None:
    environment = {
        "LEDGER_DATABASE_URL": "postgresql://db.example.org/ledger",
        "LEDGER_DATA_DIR": "/srv/ledger",
        "LEDGER_TIME_ZONE": "Europe/Tallinn",
        "LEDGER_MAX_BODY_BYTES": "1000",
        "LEDGER_PROXIES": "2",
    }
    assert Settings.from_environment(environment) == Settings(
        "postgresql://db.example.org/ledger", Path("/srv/ledger"), ZoneInfo("Europe/Tallinn"), 1000, 2
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("LEDGER_DATABASEURL", "did you mean LEDGER_DATABASE_URL?"),
        ("LEDGER_TIMEZONE", "did you mean LEDGER_TIME_ZONE?"),
        ("LEDGER_COLOUR", "known are " + ", ".join(each.name for each in VARIABLES)),
    ],
)
def test_a_misspelt_variable_is_refused_by_name(name: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({name: "x"})
    assert str(refused.value) == f"{name}: there is no such setting; {hint}"


def test_variables_of_others_are_let_be() -> None:
    of_kubernetes = (
        "LEDGER_SERVICE_HOST",
        "LEDGER_SERVICE_PORT_HTTP",
        "LEDGER_PORT",
        "LEDGER_DB_PORT_5432_TCP",
    )
    assert Settings.from_environment(dict.fromkeys((*of_kubernetes, "MY_LEDGER"), "x"))


@pytest.mark.parametrize("command", ["token list", "serve", "report usage.csv"])
def test_commands_refuse_a_misspelt_variable(command: str) -> None:
    done = run({"LEDGER_DATADIR": "/nowhere"}, *command.split())
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "Error: LEDGER_DATADIR: there is no such setting; did you mean LEDGER_DATA_DIR?\n",
    )
