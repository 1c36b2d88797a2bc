"""A database that is away, and waits for one that is there."""

import eventsourcing.persistence
import psycopg
import psycopg_pool

DATABASE_IS_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    eventsourcing.persistence.OperationalError,
    eventsourcing.persistence.InterfaceError,
    eventsourcing.persistence.InternalError,
)

MISSING_TABLES = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)
"""What is said while a database is being restored: a part of it is there, and nothing can be done yet."""

UNREADABLE = (
    psycopg.errors.InvalidTextRepresentation,
    psycopg.errors.InvalidDatetimeFormat,
    psycopg.errors.CharacterNotInRepertoire,
    psycopg.errors.UntranslatableCharacter,
)
"""What is said of texts that are not what statements read them as. Those of requests were looked at before:
it is one of a fact."""

GIVEN_UP: dict[type[Exception], str] = {
    psycopg.errors.QueryCanceled: "This takes longer than the server allows. Ask for less, or try again.",
    psycopg.errors.LockNotAvailable: "The database is busy with something else. Try again.",
    psycopg_pool.PoolTimeout: "The server is too busy at the moment. Try again.",
}
"""What ends a wait for the database, which is there."""


def given_up(error: Exception) -> str | None:
    """Return what is told of an error that ended a wait for the database, None of others."""
    causes = (error.__cause__, error)
    return next((told for each in causes for kind, told in GIVEN_UP.items() if isinstance(each, kind)), None)


def is_database_away(error: Exception) -> bool:
    """Return whether an error says that the database can't be asked at the moment."""
    is_away = isinstance(error, DATABASE_IS_AWAY) or isinstance(error.__cause__ or error, MISSING_TABLES)
    return is_away and not given_up(error)
