"""Errors of commands: each is told in one line, and the exit code says its kind.

| exit code | meaning |
|---|---|
| 1 | the command could not do what it was asked; run as it is, it may do so another time |
| 2 | the command was called in a wrong way |
| 3 | `verify` came to no result; 1 is that it, or `verify-bundle`, found something |
| 143 | SIGTERM ended it |

What is not among these is a fault of the program, and shows its traceback.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from eventsourcing.persistence import ProgrammingError
from psycopg.errors import InsufficientPrivilege

from ledger.errors import Busy, Contended, StreamGap, UnreadableFact
from ledger.journal.tree.keys import KeyUnusable
from projections.projector import ProjectingFailed
from projections.rebuild import AlreadyRebuilding
from projections.verification.verification import NotThere, OtherVersion
from web.backup import BackupError
from web.importer.reading import StructureError
from web.importer.waldur.source import PullFailed
from web.runtime.config import ConfigurationError
from web.runtime.postgres import EmbeddedPostgresError
from web.sender.client import UploadFailed
from web.sender.lines import UnreadableFile
from web.wire.failures.database import DATABASE_IS_AWAY

MESSAGES: dict[type[Exception], str] = {
    Busy: "The journal is busy; run it again to finish it.",
    Contended: "Reports come in too fast; run it again to finish it.",
    StreamGap: "The read models do not follow from the journal; start again.",
}
"""The text for errors whose own message is not written for operators."""

EXPECTED: tuple[type[Exception], ...] = (
    *MESSAGES,
    ConfigurationError,
    KeyUnusable,
    EmbeddedPostgresError,
    StructureError,
    PullFailed,
    ProjectingFailed,
    UnreadableFact,
    AlreadyRebuilding,
    OtherVersion,
    NotThere,
    BackupError,
    UploadFailed,
    UnreadableFile,
    InsufficientPrivilege,
    *DATABASE_IS_AWAY,
)
"""Errors that are no fault of the program. The others' own message is written for operators."""

MAY_NOT = "the role of LEDGER_DATABASE_URL may not do that: {}; the owner of the journal may"


class WrongUsage(click.ClickException):
    """The command was called in a wrong way."""

    exit_code = 2


class Group(click.Group):
    """A group of commands that tells errors in one line, where click prints the usage before them."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with told_in_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, context: click.Context) -> object:
        with told_in_one_line():
            return super().invoke(context)


@contextmanager
def told_in_one_line(kind: type[click.ClickException] = click.ClickException) -> Iterator[None]:
    """Turn errors that are no fault of the program into click's, which prints a line and exits."""
    try:
        yield
    except (click.exceptions.NoArgsIsHelpError, BrokenPipeError):  # nobody reads on: click ends in silence
        raise
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "usage-ledger"
        told = error.format_message()
        end = "" if told.endswith((".", "?")) else "."
        raise WrongUsage(f"{told}{end} `{command} --help` says more.") from error
    except OSError as error:
        about = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise kind(about) from error
    except ProgrammingError as error:  # eventsourcing's, of what was done in the journal
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        raise kind(MAY_NOT.format(error.__cause__.diag.message_primary)) from error
    except InsufficientPrivilege as error:
        raise kind(MAY_NOT.format(error.diag.message_primary)) from error
    except EXPECTED as error:
        message = MESSAGES.get(type(error)) or " ".join(str(error).split())
        raise kind(message) from error
