"""The database of a million usages, made by SQL in a minute or two, as the service would have made it.

The catalogue is described by facts, as in the benchmarks, and projected. Rows of usages are made in SQL, as
reports would take half an hour; their counters, indexes and statistics are made as a rebuild makes them.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from importlib.resources import files
from itertools import chain
from typing import Literal, NamedTuple

import psycopg
from psycopg import Cursor
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier

from ledger.decisions.tokens import issue_token
from ledger.domain import catalogue
from ledger.events import Fact
from ledger.journal.digests import FACT_DIGEST
from ledger.journal.ledger import Ledger
from ledger.journal.scripts import run_script
from projections.history import as_of, spans
from projections.read_models import READ_MODELS
from projections.replay import USE_MEMORY, Replay
from projections.schema import ENTER_SCHEMA, SCHEMA, complete_tables, create_tables, drop_read_models
from projections.writers import counters
from projections.writers.user_usage import USER_USAGES
from tests.benchmarks.facts import described, moment
from tests.benchmarks.sets import copy_facts, copy_people, settings_of
from tests.benchmarks.shape import STAFF, Shape, uuid_for
from tests.benchmarks.world import World
from web.request.authentication import hash_of
from web.runtime.database import open_ledger, prepare_database

NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)

SHAPE = Shape(
    name="plans",
    usages=1_000_000,
    user_usages=1_000_000,
    large=10_000,
    others=225,
    in_project=1_000,
    projects=500,
    customers=50,
    offering_users=2_000,
    user_usage_limits=10_000,
)


class Caller(NamedTuple):
    """Who asks: what they have a role on, and the token that they ask with."""

    role: str
    kind: Literal["customer", "project"]
    scope: str
    number: int

    @property
    def token(self) -> str:
        return f"{uuid_for('token', self.number).hex}{self.number:08}"


CALLERS = {
    "provider": Caller("CUSTOMER.OWNER", "customer", "provider", 20),
    "customer": Caller("CUSTOMER.OWNER", "customer", "customer", 21),
    "project": Caller("PROJECT.MEMBER", "project", "project", 22),
}
"""The owner of the provider that has seven tenths of all usages, of a customer, and a member of a project."""

TOKENS = {"staff": STAFF[0], **{name: caller.token for name, caller in CALLERS.items()}}

ROWS, FACTS = (files("tests.plans.real").joinpath(f"{name}.sql").read_text() for name in ("million", "facts"))

TOLD = 4
"""Of so many months the journal has the facts, two thirds of a million: they take longer than their rows."""

# What takes the most of the time with facts is their key, and their place in the tree: the last month is
# enough of. They are in order, so that what refuses a gap can rest.
GUARDS = ("no_gap", "tree_grows")
DROP_KEY = "ALTER TABLE journal.ledger_events DROP CONSTRAINT ledger_events_pkey"
ADD_KEY = "ALTER TABLE journal.ledger_events ADD PRIMARY KEY (originator_id, originator_version)"
GROW = "ALTER TABLE journal.ledger_events ENABLE ALWAYS TRIGGER tree_grows"
ENABLE = SQL("ALTER TABLE journal.ledger_events ENABLE ALWAYS TRIGGER {}")

NUMBER_ON = """
SELECT setval(pg_get_serial_sequence('journal.ledger_events', 'notification_id'), max(notification_id))
FROM journal.ledger_events"""

REACH_END = SQL("""
UPDATE read_position SET (position, digest) = (
    SELECT notification_id, {} FROM journal.ledger_events ORDER BY notification_id DESC LIMIT 1)""")

TELL_MOMENTS = """
INSERT INTO moment (span, recorded_at, measured_at)
SELECT t.position / %(span)s, max(u.measured_at + interval '7 days'), max(u.measured_at + interval '7 days')
FROM told t JOIN usage u USING (n) GROUP BY t.position / %(span)s ORDER BY 1
ON CONFLICT DO NOTHING"""


def make(url: str) -> None:
    """Make the ledger in an empty database."""
    world = World(SHAPE, date(NOW.year, NOW.month, 1))
    settings = settings_of(url)
    conninfo = prepare_database(url, settings)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        copy_people(cursor, world.people)
        copy_facts(cursor, facts_of(world))
    with closing(open_ledger(conninfo, settings)) as ledger:
        fill(ledger, conninfo, world.months)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def facts_of(world: World) -> Iterator[Fact]:
    """The facts of the catalogue, and of whoever asks."""
    began = moment(world.months[0])
    yield from described([*world.described_first(), *chain.from_iterable(asking(world))], began)
    yield issue_token(hash_of(STAFF[0]), world.users[0].uuid, None, began)
    for caller in CALLERS.values():
        yield issue_token(hash_of(caller.token), uuid_for("user", caller.number), None, began)
    resources = [placed.resource for placed in world.resources]
    yield from described([*resources, *map(world.plan_period, resources)], began)
    yield from described([*world.offering_users, *world.user_usage_limits], began)


def asking(world: World) -> Iterator[tuple[catalogue.Entity, catalogue.Entity]]:
    """Each caller, and their role."""
    for caller in CALLERS.values():
        person, user = world.people[caller.number], uuid_for("user", caller.number)
        yield (
            catalogue.User(uuid=user, person=person.uuid, commitment=person.commitment),
            catalogue.Role(
                uuid=uuid_for("role", caller.number),
                user_uuid=user,
                role_name=caller.role,
                scope_type=caller.kind,
                scope_uuid=uuid_for(caller.scope, 0),
            ),
        )


def fill(ledger: Ledger, conninfo: str, months: list[date]) -> None:
    """Make the read models anew: of the catalogue by its facts, of usages by SQL, as well as their facts."""
    with psycopg.connect(conninfo, row_factory=dict_row) as connection:
        drop_read_models(connection, SCHEMA)
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(SCHEMA)))
        connection.execute(ENTER_SCHEMA.format(schema=Identifier(SCHEMA)))
        create_tables(connection)
        connection.commit()

        @contextmanager
        def entered() -> Iterator[Cursor[DictRow]]:
            with connection.transaction():
                cursor = connection.cursor()
                cursor.execute(ENTER_SCHEMA.format(schema=Identifier(SCHEMA)))
                yield cursor

        Replay(entered, ledger.facts_after).load()
        with entered() as cursor:
            run_script(cursor, USE_MEMORY)
            make_rows(cursor, months)
            for model in READ_MODELS:
                if model.complete and model is not USER_USAGES:  # whose rows are complete
                    model.complete(cursor)
            counters.count_all(cursor)
            complete_tables(cursor)
        with entered():
            as_of.create_views(connection, SCHEMA)


def make_rows(cursor: Cursor[DictRow], months: list[date]) -> None:
    """Make all rows of usages, and the facts that they follow from."""
    for statement in ROWS.split(";\n"):
        cursor.execute(statement.encode(), {"last": months[-1]})
    for guard in GUARDS:
        cursor.execute(SQL("ALTER TABLE journal.ledger_events DISABLE TRIGGER {}").format(Identifier(guard)))
    cursor.execute(DROP_KEY)
    for month in months[-TOLD:]:
        if month == months[-1]:
            cursor.execute(GROW)
        cursor.execute(FACTS.encode(), {"month": month})
    cursor.execute(ADD_KEY)
    for guard in GUARDS:
        cursor.execute(ENABLE.format(Identifier(guard)))
    cursor.execute(NUMBER_ON)
    cursor.execute(REACH_END.format(FACT_DIGEST))
    cursor.execute(TELL_MOMENTS, {"span": spans.SPAN})
