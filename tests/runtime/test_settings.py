"""The variables of the environment: what is declared, documented, read, and refused when misspelt."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.paths import HANDBOOK
from tests.support.command import output_of, run
from web.runtime.config import ConfigurationError, Settings
from web.runtime.variables import VARIABLES


def test_the_handbook_documents_each_variable_with_its_default() -> None:
    table = HANDBOOK.read_text().partition("\n| variable | default | meaning |\n")[2].partition("\n\n")[0]
    rows = [[cell.strip().replace("`", "") for cell in row.split("|")[1:-1]] for row in table.splitlines()]
    documented = {name: default for name, default, _ in rows if name.startswith("LEDGER_")}
    assert documented == {each.name: each.shown_default for each in VARIABLES}


def test_help_documents_each_variable_with_its_meaning_and_default() -> None:
    told = " ".join(output_of({}, "--help").partition("\nEnvironment:\n")[2].split())
    assert told == " ".join(
        f"{each.name} {each.meaning} (default: {each.shown_default})" for each in VARIABLES
    )


def test_readme_names_no_other_variable() -> None:
    assert set(re.findall(r"\bLEDGER_[A-Z_]*[A-Z]\b", HANDBOOK.read_text())) == {
        each.name for each in VARIABLES
    }


def test_settings_that_are_not_set_or_empty_have_their_defaults() -> None:
    folder = Path.home() / ".local/share/usage-ledger"
    key = folder / "signing-key"
    defaults = Settings(None, folder, ZoneInfo("UTC"), 5 * 1024 * 1024, 0, (), False, "", 8, key, 1.0, "XXX")
    assert Settings.from_environment({}) == defaults
    assert Settings.from_environment({each.name: "" for each in VARIABLES} | {"LEDGER_ZONE": ""}) == defaults


def test_settings_are_read_from_their_variables() -> None:
    environment = {
        "LEDGER_DATABASE_URL": "postgresql://db.example.org/ledger",
        "LEDGER_DATA_DIR": "/srv/ledger",
        "LEDGER_TIME_ZONE": "Europe/Tallinn",
        "LEDGER_MAX_BODY_BYTES": "1000",
        "LEDGER_PROXIES": "2",
        "LEDGER_CORS_ORIGINS": "https://portal.example.org, http://[::1]:3000,",
        "LEDGER_STRICT": "yes",
        "LEDGER_ORIGIN": "ledger.example.org/hpc",
        "LEDGER_FEED_WAITS": "20",
        "LEDGER_SIGNING_KEY": "/etc/ledger/key",
        "LEDGER_CHECKPOINT_SECONDS": "2.5",
        "LEDGER_CURRENCY": "EUR",
        "LEDGER_FOUR_EYES": "no",
        "LEDGER_PRIMARY_URL": "https://ledger.example.org/hpc/",
        "LEDGER_MAX_LAG_SECONDS": "5",
        "LEDGER_POLL_SECONDS": "0.5",
    }
    assert Settings.from_environment(environment) == Settings(
        database_url="postgresql://db.example.org/ledger",
        data_dir=Path("/srv/ledger"),
        zone=ZoneInfo("Europe/Tallinn"),
        max_body_bytes=1000,
        proxies=2,
        cors_origins=("https://portal.example.org", "http://[::1]:3000"),
        is_strict=True,
        origin="ledger.example.org/hpc",
        feed_waits=20,
        signing_key=Path("/etc/ledger/key"),
        checkpoint_seconds=2.5,
        currency="EUR",
        needs_second_person=False,
        primary_url="https://ledger.example.org/hpc/",
        max_lag_seconds=5.0,
        poll_seconds=0.5,
    )


@pytest.mark.parametrize(
    ("origins", "problem"),
    [
        (
            "portal.example.org",
            "'portal.example.org' is no origin like https://portal.example.org, without a path",
        ),
        ("https://portal.example.org/", "is no origin"),
        ("https://*.example.org", "is no origin"),
        ("https://a.example https://b.example", "is no origin"),
        ("https://bücher.example", "is no origin"),
        ("https://a.example\r\nX: y", "is no origin"),
        ("null", "is no origin"),
        ("https://a.example:65536", "is no origin"),
        (
            "https://a.example:443",
            "browsers leave out the port of 'https://a.example:443', as it is the usual one",
        ),
        ("*, https://a.example", "'*' stands for every origin, so there can be no other beside it"),
    ],
)
def test_origins_that_no_browser_sends_are_refused(origins: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        Settings.from_environment({"LEDGER_CORS_ORIGINS": origins})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("LEDGER_DATABASEURL", "did you mean LEDGER_DATABASE_URL?"),
        ("LEDGER_TIMEZONE", "did you mean LEDGER_TIME_ZONE?"),
        ("LEDGER_XYZZY", "known are " + ", ".join(each.name for each in VARIABLES)),
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
