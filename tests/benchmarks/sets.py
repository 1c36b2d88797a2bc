"""The databases of the benchmarks, in one embedded PostgreSQL with fsync on, made once and kept.

A set is made anew when what makes its facts has changed, or with a new month; its read models alone when
the projections have. Reports go to a copy, so that a set stays what it was made as.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from functools import cached_property
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from ledger.domain.people import Person
from ledger.events import Fact
from ledger.journal.mapper import FactMapper
from projections.rebuild import Rebuild
from tests.benchmarks.facts import facts_of
from tests.benchmarks.shape import HUNDRED_THOUSAND, MILLION, REVISED, TEN_THOUSAND, TENTH, Shape
from tests.benchmarks.world import World
from web.runtime.config import Settings
from web.runtime.database import open_ledger, prepare_database

ROOT = Path(__file__).parent.parent.parent
HERE = Path(__file__).parent

MAKERS_OF_FACTS = (
    HERE / "shape.py",
    HERE / "world.py",
    HERE / "facts.py",
    *(ROOT / "ledger" / name for name in ("events.py", "domain/catalogue.py", "journal/mapper.py")),
)

CREATE = SQL("CREATE DATABASE {name}")
COPY = SQL("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
DROP = SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
RENAME = SQL("ALTER DATABASE {name} RENAME TO {new}")
LABEL = SQL("COMMENT ON DATABASE {name} IS {label}")
SELECT_LABEL = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %(name)s"

IS_BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()"""

COPY_FACTS = """
COPY journal.ledger_events (originator_id, originator_version, topic, state) FROM STDIN (FORMAT binary)"""
TYPES_OF_FACTS = ("uuid", "int8", "text", "bytea")

COPY_PEOPLE = "COPY journal.person (uuid, username, salt) FROM STDIN"


class Label(msgspec.Struct, frozen=True):
    """What a set was made by: two digests of source text."""

    facts: str
    rows: str


class Sets:
    """The data sets on a server, each made when it is first asked for."""

    def __init__(self, server: str, tell: Callable[[str], None], today: date | None = None) -> None:
        self._server, self._tell = server, tell
        self.today = today or datetime.now(UTC).date()

    @cached_property
    def ten_thousand(self) -> str:
        """URL of the set of 10 k usages. Only to be read."""
        return self._kept(TEN_THOUSAND)

    @cached_property
    def million(self) -> str:
        """URL of the set of 1 M usages. Only to be read."""
        return self._kept(MILLION)

    @cached_property
    def hundred_thousand(self) -> str:
        """URL of the set of 100 k resources with 1 M usages and 1 M user usages. Only to be read."""
        return self._kept(HUNDRED_THOUSAND)

    @cached_property
    def tenth(self) -> str:
        """URL of the set of 100 k usages. Only to be read."""
        return self._kept(TENTH)

    @cached_property
    def revised(self) -> str:
        """URL of the set of 1 M usages that were each reported three times. Only to be read."""
        return self._kept(REVISED)

    @cached_property
    def writable(self) -> str:
        """URL of a copy of the set of 1 M usages, new in every run."""
        self._tell("copying the set of 1 M usages")
        assert self.million
        self._execute(DROP, name="bench_copy")
        self._execute(COPY, name="bench_copy", template=name_of(MILLION))
        return self.url("bench_copy")

    @cached_property
    def empty(self) -> str:
        """URL of an empty ledger."""
        return self._new("bench_empty")

    @cached_property
    def floors(self) -> str:
        """URL of a database for the floors."""
        self._execute(DROP, name="bench_floors")
        self._execute(CREATE, name="bench_floors")
        return self.url("bench_floors")

    def anew(self, shape: Shape) -> str:
        """URL of a set that is made now, to be written to."""
        url = self._new("bench_anew")
        append(url, self.world(shape))
        project(url)
        return url

    def world(self, shape: Shape) -> World:
        return World(shape, self.today.replace(day=1))

    def url(self, name: str) -> str:
        return make_conninfo(self._server, dbname=name)

    def is_busy(self) -> bool:
        """Whether the server works on a statement for anybody."""
        with psycopg.connect(self._server) as connection:
            row = connection.execute(IS_BUSY).fetchone()
        return row is not None and row[0] > 0

    def drop_copies(self) -> None:
        for name in ("bench_copy", "bench_empty", "bench_floors", "bench_anew"):
            self._execute(DROP, name=name)

    def _kept(self, shape: Shape) -> str:
        name = name_of(shape)
        label = Label(digest(*MAKERS_OF_FACTS) + f" {self.today:%Y-%m}", digest(*makers_of_rows()))
        kept = self._label_of(name)
        if kept != label:
            if kept and kept.facts == label.facts:
                making = name
            else:
                making = f"{name}_making"
                self._tell(f"making a set of {shape.usages:,} usages")
                append(self._new(making), self.world(shape))
            self._tell(f"projecting a set of {shape.usages:,} usages")
            project(self.url(making))
            if making != name:
                self._execute(DROP, name=name)
                self._execute(RENAME, name=making, new=name)
            self._execute(LABEL, name=name, label=msgspec.json.encode(label).decode())
        return self.url(name)

    def _new(self, name: str) -> str:
        self._execute(DROP, name=name)
        self._execute(CREATE, name=name)
        prepare_database(self.url(name), settings_of(self.url(name)))
        return self.url(name)

    def _label_of(self, name: str) -> Label | None:
        with psycopg.connect(self._server) as connection:
            row = connection.execute(SELECT_LABEL, {"name": name}).fetchone()
        return msgspec.json.decode(row[0], type=Label) if row and row[0] else None

    def _execute(self, statement: SQL, *, label: str = "", **names: str) -> None:
        identifiers = {key: Identifier(name) for key, name in names.items()}
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.format(**identifiers, label=Literal(label)))


def name_of(shape: Shape) -> str:
    return f"bench_{shape.name}"


def digest(*paths: Path) -> str:
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def makers_of_rows() -> Iterator[Path]:
    return chain.from_iterable(sorted((ROOT / "projections").rglob(f"*.{kind}")) for kind in ("py", "sql"))


def settings_of(url: str) -> Settings:
    return Settings.from_environment({"LEDGER_DATABASE_URL": url})


def append(url: str, world: World) -> None:
    """Appends every fact of a world to an empty journal, by COPY."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        copy_people(cursor, world.people)
        copy_facts(cursor, facts_of(world))


def copy_people(cursor: psycopg.Cursor[Any], people: list[Person]) -> None:
    with cursor.copy(COPY_PEOPLE) as copy:
        for person in people:
            copy.write_row((person.uuid, person.username, person.salt))


def copy_facts(cursor: psycopg.Cursor[Any], facts: Iterator[Fact], into: LiteralString = COPY_FACTS) -> None:
    to_stored = FactMapper().to_stored_event
    with cursor.copy(into) as copy:
        copy.set_types(TYPES_OF_FACTS)
        for fact in facts:
            stored = to_stored(fact)
            copy.write_row((stored.originator_id, stored.originator_version, stored.topic, stored.state))


def project(url: str) -> None:
    """Makes the read models of a journal, and leaves tables in the state that a vacuum leaves them in."""
    settings = settings_of(url)
    conninfo = prepare_database(url, settings)
    with closing(open_ledger(conninfo, settings)) as ledger:
        Rebuild(ledger.pool, ledger.facts_after).run(compare=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
