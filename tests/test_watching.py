"""The board, and how what other servers store gets there without anybody's asking."""

import multiprocessing
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from projections.board import Board
from tests.test_embedded_postgres import wait_until
from tests.world import World, open_world
from web.watching import Watch

END_LISTENING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def test_what_another_server_stores_is_put_on_the_board(world: World, world_url: str) -> None:
    board = world.projector.board
    with ThreadPoolExecutor(1) as pool, open_world(world_url) as other:
        listening = pool.submit(Watch(world.conninfo, world.projector)._listen)
        try:
            wait_until(lambda: board.is_watched)
            other.report(usages=[{"type": "cpu", "amount": "10"}])
            head = other.ledger.facts_after(0, 1_000_000)[-1][0]
            wait_until(lambda: board.position == head)
        finally:
            with psycopg.connect(world.conninfo, autocommit=True) as connection:
                connection.execute(END_LISTENING)
        with pytest.raises(psycopg.OperationalError):
            listening.result()


def test_another_process_watches_when_the_first_one_dies() -> None:
    board = Board()
    board.rise(5, 3)
    first = multiprocessing.get_context("fork").Process(target=watch, args=(board,))
    first.start()
    try:
        wait_until(lambda: board.is_watched)
        assert (board.position, board.described) == (7, 4)
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(lambda: board.watching().__enter__())
            time.sleep(0.1)
            assert not second.done()
            first.kill()
            second.result(timeout=10)
    finally:
        first.kill()
        first.join()


def watch(board: Board) -> None:
    with board.watching():
        board.rise(7, 4)
        board.watched_until(time.monotonic() + 60)
        signal.pause()


def test_who_stops_watching_says_so() -> None:
    board = Board()
    with board.watching():
        board.watched_until(time.monotonic() + 60)
        assert board.is_watched
    assert not board.is_watched
