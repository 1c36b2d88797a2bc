"""Folders that the account of PostgreSQL can reach, where root's own are closed to it.

A folder is filled under a name that begins with UNFINISHED and renamed when it is complete.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from web.runtime.postgres import EmbeddedPostgresError
from web.runtime.postgres.account import can_reach
from web.runtime.postgres.locks import exclusive, lock_file

log = logging.getLogger(__name__)

STORE = Path("/var/lib/usage-ledger")
UNFINISHED = "postgres.new-"


def cluster_folder(data_dir: Path) -> Path:
    """Return `postgres` in the data directory, or the folder that it links to, below STORE.

    Makes the link for a data directory that PostgreSQL can't reach. Raises EmbeddedPostgresError.
    """
    link = data_dir / "postgres"
    if not os.path.lexists(link) and not can_reach(data_dir):
        _make_store()
        place = Path(tempfile.mkdtemp(dir=STORE))
        place.chmod(0o755)
        (place / "origin").write_text(f"{data_dir}\n")
        link.symlink_to(place / "postgres")
    folder = link.resolve()
    if not can_reach(folder.parent):
        raise EmbeddedPostgresError(f"the account that runs PostgreSQL cannot reach {folder.parent}")
    if folder != link:
        log.info("PostgreSQL's files for %s are in %s", data_dir, folder)
    return folder


def copy_to_store(name: str, source: Path, parts: Sequence[str]) -> Path:
    """Return the folder `name` of STORE, with a copy of these parts of `source`; it is made only once."""
    complete = STORE / name
    _make_store()
    with lock_file(STORE / "lock") as descriptor, exclusive(descriptor):
        if not complete.exists():
            remove_unfinished(STORE)
            copy = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=STORE))
            not_needed = shutil.ignore_patterns("include", "*.a")  # for compiling only
            for part in parts:
                if (source / part).exists():
                    shutil.copytree(source / part, copy / part, symlinks=True, ignore=not_needed)
            for path in (copy, *copy.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            os.sync()  # a power cut must not leave the complete name with incomplete files
            copy.rename(complete)
            log.info("copied the programs of PostgreSQL to %s", complete)
    return complete


def remove_unfinished(folder: Path) -> None:
    """Remove what an interrupted start left in a folder."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir():
            # An initdb that outlived its killed caller may still be writing: the next start removes the rest.
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _make_store() -> None:
    if not STORE.exists():
        STORE.mkdir(parents=True, exist_ok=True)
        STORE.chmod(0o755)
