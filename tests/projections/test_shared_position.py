"""The position that all processes of a server share, without a lock that any of them could keep."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from threading import Thread

from projections.fast.position import End, KnownPosition, SharedPosition
from tests.support.waiting import wait_until

FORK = multiprocessing.get_context("fork")


def known(position: int, described: int = 0, generation: int = 0) -> KnownPosition:
    return KnownPosition(generation, End(position, position * 7), described)


@contextmanager
def processes(*targets: Callable[[], object]) -> Iterator[Sequence[BaseProcess]]:
    """Processes that run these functions; killed at the end."""
    running = [FORK.Process(target=target) for target in targets]
    for process in running:
        process.start()
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.join()


def test_nothing_is_known_at_first() -> None:
    assert SharedPosition().known() == KnownPosition(0, End(0, 0), 0)


def test_what_is_known_only_rises() -> None:
    shared = SharedPosition()
    shared.advance(known(5, described=3))
    shared.advance(known(4, described=4))
    assert shared.known() == known(5, described=4)


def test_all_processes_know_what_one_of_them_tells() -> None:
    shared = SharedPosition(processes=3)
    shared.advance(known(5, described=5))
    with processes(lambda: shared.advance(known(9)), lambda: shared.advance(known(7, described=6))):
        wait_until(lambda: shared.known() == known(9, described=6))


def test_many_threads_of_many_processes_never_wait_for_each_other_and_lose_nothing() -> None:
    writers, threads, reports = 4, 4, 500
    shared = SharedPosition(processes=writers)

    def write(first: int) -> None:
        for position in range(first, reports * writers * threads + 1, writers * threads):
            shared.advance(known(position, described=position))
            assert shared.known().end >= End(position)

    def write_in_threads(number: int) -> None:
        running = [Thread(target=write, args=(number * threads + each + 1,)) for each in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    targets = [lambda number=number: write_in_threads(number) for number in range(writers)]
    with processes(*targets) as running:
        seen = [shared.known()]
        while any(process.is_alive() for process in running):
            seen.append(shared.known())
        last = reports * writers * threads
        assert shared.known() == known(last, described=last)
        assert [process.exitcode for process in running] == [0] * writers
    assert seen == sorted(seen)
    assert all(each.end.digest == each.end.position * 7 for each in seen)


def test_a_process_that_is_stopped_anywhere_keeps_nobody_waiting() -> None:
    shared = SharedPosition(processes=2)

    def write() -> None:
        position = 0
        while True:
            position += 1
            shared.advance(known(position))

    with processes(write) as (writer,):
        wait_until(lambda: shared.known().end.position > 0)
        for described in range(1, 100):
            os.kill(writer.pid or 0, signal.SIGSTOP)
            shared.advance(known(1, described))
            now = shared.known()
            assert (now.end.digest, now.described) == (now.end.position * 7, described)
            os.kill(writer.pid or 0, signal.SIGCONT)


def test_a_process_that_starts_in_place_of_a_dead_one_has_a_line_too() -> None:
    shared = SharedPosition(processes=1)
    for position in range(1, 20):
        with processes(lambda: shared.advance(known(position))) as (process,):  # noqa: B023
            process.join()
            assert process.exitcode == 0
    assert shared.known() == known(19)


def test_nothing_of_another_history_is_known_once_it_is_forgotten() -> None:
    shared = SharedPosition()
    shared.advance(known(9, described=8))
    assert shared.forget(0) == 1
    assert shared.known() == KnownPosition(1, End(0, 0), 0)
    shared.advance(known(12, described=12))
    assert shared.known() == KnownPosition(1, End(0, 0), 0)
    shared.advance(known(4, described=2, generation=1))
    assert shared.known() == known(4, described=2, generation=1)


def test_a_history_is_forgotten_once_however_many_notice() -> None:
    shared = SharedPosition(processes=2)
    shared.advance(known(9))
    with processes(lambda: shared.forget(0)):
        wait_until(lambda: shared.known().generation == 1)
        shared.advance(known(4, generation=1))
        shared.forget(0)
        assert shared.known() == known(4, generation=1)


def test_versions_of_rights_rise_also_where_the_database_goes_back() -> None:
    assert known(5, described=3, generation=1).version > known(9, described=9).version


def test_another_process_watches_when_the_first_one_dies() -> None:
    shared = SharedPosition(processes=2)

    def watch() -> None:
        with shared.listening() as watches:
            assert watches
            shared.live_until(time.monotonic() + 60)
            signal.pause()

    with processes(watch) as (first,):
        wait_until(lambda: shared.is_live)
        with shared.listening() as watches:
            assert not watches
        first.kill()
        first.join()
        with shared.listening() as watches:
            assert watches


def test_who_stops_watching_says_so() -> None:
    shared = SharedPosition()
    with shared.listening():
        shared.live_until(time.monotonic() + 60)
        assert shared.is_live
    assert not shared.is_live


def test_who_could_not_watch_does_not_end_the_watching_of_another() -> None:
    shared = SharedPosition(processes=2)

    def watch() -> None:
        with shared.listening():
            shared.live_until(time.monotonic() + 60)
            signal.pause()

    with processes(watch):
        wait_until(lambda: shared.is_live)
        with shared.listening() as watches:
            assert not watches
        assert shared.is_live
