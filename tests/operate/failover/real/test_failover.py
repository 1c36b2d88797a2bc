"""A service on three nodes of Patroni: a switchover and a killed primary, while figures are reported.

Before the primary is killed nothing reaches its standbys for SILENCE_SECONDS: without that, on one host, they
would have everything however they are kept.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import count, pairwise
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import psycopg
import pytest

from tests.operate.failover.real.nodes import nodes, wait_for
from tests.support.command import DEMO_RESOURCE, Environment, Served, run, served
from tests.world import USAGES

REPORTERS = 4

SILENCE_SECONDS = 1


class Acknowledged(NamedTuple):
    """A report that was answered with 201: when, by the monotonic clock, where it is, and its amount."""

    at: float
    position: int
    amount: int


class Load:
    """Reporters, who report without a pause, each figure once and of a month of their own."""

    def __init__(self, here: Served, token: str) -> None:
        self._address, self._token = here.url.removeprefix("http://"), token
        self._is_over, self.acknowledged = Event(), list[Acknowledged]()
        self.refused: dict[int, int] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Report while the block lasts."""
        threads = [Thread(target=self._report, args=(number,)) for number in range(REPORTERS)]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            self._is_over.set()
            for each in threads:
                each.join()

    def await_more(self, reports: int = 50) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + reports
        wait_for(lambda: len(self.acknowledged) >= wanted)

    def longest_gap(self, since: float) -> float:
        """The longest time from a moment on in which nothing was acknowledged."""
        moments = [since, *sorted(each.at for each in self.acknowledged if each.at > since)]
        return max(after - before for before, after in pairwise(moments))

    def _report(self, number: int) -> None:
        for turn in count(1):
            if self._is_over.is_set():
                return
            amount = turn * REPORTERS + number
            status, position = self._send(f"2026-0{number + 1}-02", amount)
            if status == 201:
                self.acknowledged.append(Acknowledged(time.monotonic(), position, amount))
            else:
                self.refused[status] = self.refused.get(status, 0) + 1
                time.sleep(0.1)

    def _send(self, day: str, amount: int) -> tuple[int, int]:
        usages = [{"type": "cpu", "amount": amount}]
        body = json.dumps({"resource": DEMO_RESOURCE, "date": day, "usages": usages})
        headers = {"Authorization": f"Token {self._token}", "Content-Type": "application/json"}
        connection = HTTPConnection(self._address, timeout=60)
        try:
            connection.request("POST", f"{USAGES}set_usage/", body, headers)
            response = connection.getresponse()
            response.read()
            return response.status, int(response.headers["Ledger-Position"] or 0)
        except (OSError, HTTPException):
            return 0, 0
        finally:
            connection.close()


def lost(url: str, acknowledged: list[Acknowledged]) -> list[Acknowledged]:
    """Return those whose amounts the journal does not have."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT (convert_from(state, 'UTF8')::jsonb ->> 'amount')::numeric FROM journal.ledger_events"
            " WHERE topic LIKE 'UsageReported%'"
        ).fetchall()
    there = {int(row[0]) for row in rows}
    return [each for each in acknowledged if each.amount not in there]


@pytest.mark.parametrize("is_synchronous", [True, False], ids=["synchronous", "asynchronous"])
def test_what_is_acknowledged_outlives_its_primary(
    is_synchronous: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with nodes(is_synchronous=is_synchronous) as here:
        environment: Environment = {
            "LEDGER_DATABASE_URL": here.url,
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
        }
        follows = {"LEDGER_DATABASE_URL": here.url.replace("read-write", "prefer-standby")}
        with (
            served(environment) as service,
            served(environment | follows, "--read-only", "--workers=1") as reader,
        ):
            load = Load(service, service.demo_token)
            with load.running():
                load.await_more(20)
                began = time.monotonic()
                load.await_more(200)
                rate = 200 / (time.monotonic() - began)
                began = time.monotonic()
                leader = here.leader()
                here.switch_over()
                wait_for(lambda: here.leader() not in ("", leader))
                load.await_more()
                switched = load.longest_gap(began)
                wait_for(lambda: here.is_whole(is_synchronous=is_synchronous))
                load.await_more(200)
                leader = here.leader()
                here.nodes[leader].fall_silent()
                time.sleep(SILENCE_SECONDS)
                killed = time.monotonic()
                here.nodes[leader].kill()
                wait_for(lambda: here.leader() not in ("", leader))
                load.await_more()
                failed_over = load.longest_gap(killed)
            wait_for(lambda: reader.get("/readyz")[0] == 200)
            last = max(each.position for each in load.acknowledged if each.at > killed)
            shown = f"{USAGES}?page_size=1&min_position={last}"
            wait_for(lambda: reader.get(shown, service.demo_token)[0] == 200)
            missing = lost(here.url, load.acknowledged)
            here.nodes[leader].start()
            wait_for(lambda: here.is_whole(is_synchronous=is_synchronous))
            verified = run(environment, "verify")
        kind = "synchronous" if is_synchronous else "asynchronous"
        told = (
            f"\n{kind}: {len(load.acknowledged)} acknowledged, {rate:.0f}/s, {len(missing)} lost;"
            f" nothing acknowledged for"
            f" {switched:.1f} s in a switchover, {failed_over:.1f} s after a kill; refused {load.refused}\n"
        )
    with capsys.disabled():
        sys.stdout.write(told)
    assert (verified.returncode, verified.stdout) == (0, "")
    assert load.refused.keys() <= {0, 503}
    assert bool(missing) is not is_synchronous  # what is lost without it shows that the test can tell
    assert failed_over < 60
