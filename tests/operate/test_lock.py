"""What `make install` installs is locked by hash, fits pyproject.toml, and can be had from any index."""

import re
import tomllib
from importlib.metadata import version

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT
from web.commands.main import main

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVICE, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"

ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[\w,]+\])?==([^ ;\\]+)(?: ; ([^\\]+))? ?\\?\n((?:    --hash.*\n)*)", re.M
)


def locked(name: str) -> dict[str, list[tuple[str, str, int]]]:
    """The versions of each package in a lock file, with their markers and how many files have a hash."""
    found: dict[str, list[tuple[str, str, int]]] = {}
    for package, release, marker, hashes in ENTRY.findall((ROOT / name).read_text()):
        found.setdefault(canonicalize_name(package), []).append((release, marker, hashes.count("sha256:")))
    return found


def required(*extras: str, group: str = "") -> list[Requirement]:
    project = PROJECT["project"]
    texts = [*project["dependencies"], *(PROJECT["dependency-groups"][group] if group else ())]
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        (SERVICE, required("parquet")),
        (DEVELOPMENT, required(*PROJECT["project"]["optional-dependencies"], group="dev")),
    ],
)
def test_a_lock_has_what_the_project_requires(lock: str, requirements: list[Requirement]) -> None:
    """`make lock` mends it."""
    packages = locked(lock)
    for requirement in requirements:
        releases = packages.get(canonicalize_name(requirement.name), [])
        assert releases, f"{lock} lacks {requirement}"
        for release, *_ in releases:
            assert requirement.specifier.contains(release, prereleases=True), (
                f"{lock}: {requirement}, {release}"
            )


@pytest.mark.parametrize("lock", [SERVICE, DEVELOPMENT])
def test_every_file_of_a_lock_has_a_hash_and_none_a_host(lock: str) -> None:
    text, packages = (ROOT / lock).read_text(), locked(lock)
    assert sum(map(len, packages.values())) == len(re.findall("^[^ #\n]", text, re.MULTILINE))
    # A release of one file only is likely a build of this index's own.
    assert {name: each for name, each in packages.items() for *_, files in each if files < 2} == {}
    assert not re.search(r"://|file:|--(extra-)?index|--find-links|@ ", text)


def test_the_service_runs_what_was_tested() -> None:
    service, development = (
        {name: [release for release, *_ in of] for name, of in locked(lock).items()}
        for lock in (SERVICE, DEVELOPMENT)
    )
    assert {name: development.get(name) for name in service} == service


def test_what_is_installed_is_what_is_locked() -> None:
    """Else `make install` was not run since the lock changed."""
    for name, releases in locked(DEVELOPMENT).items():
        ours = [release for release, marker, _ in releases if not marker or Marker(marker).evaluate()]
        assert not ours or [version(name)] == ours, name


def test_the_version_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"], prog_name="usage-ledger")
    assert capsys.readouterr().out == f"usage-ledger, version {PROJECT['project']['version']}\n"


def test_the_changelog_has_the_version_and_its_commands() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert releases[0] == PROJECT["project"]["version"]
    assert releases == sorted(releases, reverse=True)
    assert text.index("## [Unreleased]") < text.index(f"## [{releases[0]}]")
