"""Databases that go away, stay away or fall silent: nobody waits long, and all is well when they are back."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.journal import connections
from ledger.journal.connections import parameters_of
from tests.support.waiting import wait_until
from tests.support.wire import AWAY, Wire
from tests.world import USAGES, World, settings_of
from web.runtime.database import open_ledger, prepare_database, projector_of


@pytest.fixture
def far_url(world_url: str, wire: Wire) -> str:
    """URL of the world's database at the other end of a wire."""
    return make_conninfo(world_url, host="127.0.0.1", port=wire.port)


@contextmanager
def opened(url: str, longest_use: float | None = None) -> Iterator[World]:
    settings = settings_of(url)
    conninfo = prepare_database(url, settings)
    with closing(open_ledger(conninfo, settings, longest_use=longest_use)) as ledger:
        world = World(conninfo, ledger, projector_of(ledger))
        world.as_("staff")
        yield world


def report(world: World, amount: str) -> int:
    return world.report(usages=[{"type": "gpu", "amount": amount}]).status_code


def figures(world: World) -> list[str]:
    return [row["usage"] for row in world.usages()]


def test_while_the_database_is_away_nobody_is_kept_waiting(far_url: str, wire: Wire) -> None:
    with opened(far_url) as world:
        wire.cut()
        wait_until(lambda: report(world, "1") == 503 and world.ledger.reachability.is_away)
        began = time.monotonic()
        for _ in range(50):
            answer = world.as_("staff").get(USAGES)
            assert (answer.status_code, answer.get_json()) == (503, AWAY)
        assert time.monotonic() - began < connections.CONNECT_TIMEOUT_SECONDS


def test_it_is_looked_for_at_the_same_pace_however_long_it_was_away(
    far_url: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool doubles its pauses: after 150 seconds it took up to 91 more."""
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.01)  # as if it had been away for hundreds of looks
    tries: list[float] = []
    connect = psycopg.connect

    def counted(*args: object, **kwargs: object) -> object:
        tries.append(time.monotonic())
        return connect(*args, **kwargs)  # type: ignore[arg-type]

    with opened(far_url) as world:
        wire.cut()
        wait_until(lambda: report(world, "1") == 503 and world.ledger.reachability.is_away)
        monkeypatch.setattr(psycopg, "connect", counted)
        wait_until(lambda: len(tries) > 200)
        wire.mend()
        wait_until(lambda: not world.ledger.reachability.is_away)
        assert [report(world, "2") for _ in range(5)] == [201] * 5
        assert figures(world) == ["2.00"]


def test_what_is_left_of_the_time_before_costs_nobody_an_error(far_url: str, wire: Wire) -> None:
    with opened(far_url) as world:
        report(world, "1")
        wire.cut()
        wait_until(lambda: report(world, "1") == 503 and world.ledger.reachability.is_away)
        wire.mend()
        wait_until(lambda: not world.ledger.reachability.is_away)
        assert [report(world, "2"), world.as_("staff").get(USAGES).status_code] == [201, 200]


def test_a_database_that_falls_silent_is_not_waited_for_for_ever(
    far_url: str, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(far_url, longest_use=0.5) as world:
        assert report(world, "1") == 201
        wire.silence()
        assert report(world, "2") == 503
        assert world.as_("staff").get(USAGES).status_code == 503
        assert any("The database said nothing" in message for message in caplog.messages)
        wire.speak()
        wait_until(lambda: not world.ledger.reachability.is_away)
        assert report(world, "3") == 201
        assert figures(world) == ["3.00"]


def test_a_turn_is_taken_from_a_thread_that_does_not_come_back(far_url: str, wire: Wire) -> None:
    """Whoever waits for the turn of a report that hangs is told, and the next are served."""
    with opened(far_url, longest_use=0.5) as world:
        report(world, "1")
        wire.silence()
        statuses = [report(world, str(number)) for number in range(3)]
        assert statuses == [503] * 3
        wire.speak()
        wait_until(lambda: report(world, "9") == 201)
        assert figures(world) == ["9.00"]


def test_connections_that_are_used_again_and_again_are_never_cut(far_url: str) -> None:
    # A single use may take half a second where other tests keep the processors busy.
    with opened(far_url, longest_use=1.5) as world:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert world.as_("staff").get(USAGES).status_code == 200


def test_both_ends_notice_a_network_that_is_lost(world: World) -> None:
    with world.ledger.pool.connection() as connection:
        told = connection.info.get_parameters()
        assert {name: told.get(name) for name in connections.KEEPALIVES} == {
            name: str(value) for name, value in connections.KEEPALIVES.items()
        }
        settings = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN"
            " ('idle_in_transaction_session_timeout', 'lock_timeout')"
        ).fetchall()
    assert {row["name"]: row["setting"] for row in settings} == {
        "idle_in_transaction_session_timeout": "20000",
        "lock_timeout": "10000",
    }


def test_what_an_operator_says_in_the_url_counts() -> None:
    parameters = parameters_of("host=db.example.org keepalives_idle=60 connect_timeout=9 options='-c x.y=1'")
    assert (parameters["keepalives_idle"], parameters["connect_timeout"]) == ("60", "9")
    assert parameters["options"].startswith("-c x.y=1 -c lock_timeout=10000")


def test_a_ledger_that_is_closed_looks_for_nothing(far_url: str, wire: Wire) -> None:
    with opened(far_url) as world:
        reachability = world.ledger.reachability
    reachability.lost()
    assert not reachability.is_away
