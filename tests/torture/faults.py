"""What can go wrong: each of these breaks something, and mends what would not mend itself."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Thread

import psycopg

from tests.support.dumps import dump, put_back, restore
from tests.support.wire import Wire
from tests.torture.clients import Client, Findings
from tests.torture.clusters import Cluster
from tests.torture.service import USAGES, Service

SETTLE_SECONDS = 40
"""How long the service may take until it takes reports again: a worker that stood still may hold one."""

OWN_MONTH = "2024-01"


class Torture:
    """A service that is being tortured, with what it stands on and who uses it."""

    def __init__(self, folder: Path, random: Random) -> None:
        self._folder, self._random = folder, random
        self.primary = Cluster.new(folder)
        self.wire = Wire("127.0.0.1", self.primary.port)
        self.service = Service(self.primary.url(port=self.wire.port), folder / "service.log")
        self.findings = Findings()
        months = [f"2025-{month:02}" for month in range(1, 9)]
        self.clients = [Client(self.service, month, self.findings) for month in months]
        self._promotions = 0

    # --- processes of the service ---

    def kill_two_workers(self) -> None:
        for _ in range(2):
            with suppress(ProcessLookupError):
                os.kill(self._random.choice(self.service.workers), signal.SIGKILL)
            time.sleep(self._random.random())

    def stop_a_worker(self) -> None:
        worker = self._random.choice(self.service.workers)
        os.kill(worker, signal.SIGSTOP)
        time.sleep(3)
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)

    def kill_the_service(self) -> None:
        self.service.kill()
        self.service.start()

    # --- the database, and the way to it ---

    def end_all_connections(self) -> None:
        with psycopg.connect(self.primary.url(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def kill_the_database(self) -> None:
        self.primary.kill()
        time.sleep(1)
        self.primary.start()

    def cut_the_wire(self) -> None:
        self.wire.cut()
        time.sleep(self._random.uniform(1, 5))
        self.wire.mend()

    def silence_the_wire(self) -> None:
        self.wire.silence()
        time.sleep(8)
        self.wire.speak()

    def promote_a_replica_that_is_behind(self) -> None:
        self._promotions += 1
        replica = self.primary.replica(self._folder, f"replica-{self._promotions}")
        with psycopg.connect(replica.url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")
        with self._losses():
            time.sleep(2)  # of which the replica learns nothing
            self.primary.kill()
            replica.promote()
            self.wire.point(replica.port)
        self.primary = replica

    def put_a_backup_back(self) -> None:
        url = self.primary.url()
        with self._losses():
            backup = dump(url, "--schema=journal", "--schema=read_models")
            time.sleep(2)
            until_it_works(lambda: put_back(url, backup))

    def put_the_journal_back(self) -> None:
        """Under read models that are ahead of it then."""
        url = self.primary.url()
        with self._losses():
            journal = dump(url, "--schema=journal")
            time.sleep(2)
            until_it_works(lambda: restore(url, journal, "journal"))

    @contextmanager
    def _losses(self) -> Iterator[None]:
        """What was acknowledged may be lost here."""
        for client in self.clients:
            client.forgive(may_lose=True)
        yield
        self.settle()
        for client in self.clients:
            client.forgive(may_lose=False)

    # --- clients that mean no good ---

    def flood_with_bodies_that_never_come(self) -> None:
        head = "POST /api/ledger/reports/ HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n"
        head += f"Authorization: Token {self.service.token}\r\nContent-Type: application/json\r\n\r\n["
        with ExitStack() as stack:
            for _ in range(32):
                end = stack.enter_context(socket.create_connection(("127.0.0.1", self.service.port)))
                end.sendall(head.encode())
            began = time.monotonic()
            for path in ("/healthz", "/readyz"):
                if self.service.ask("GET", path, timeout=8).status != 200:
                    self.findings.say(f"{path} did not answer beside 32 bodies that never come")
            time.sleep(max(0, 4 - (time.monotonic() - began)))

    def flood_with_rubbish(self) -> None:
        bodies = [
            (b'{"usages":[' + b",".join([b"{}"] * 500_000) + b"]}", f"{USAGES}set_usage/"),
            (b"[" + b",".join([b"{}"] * 1_500_000) + b"]", "/api/ledger/reports/"),
            (b"[" * 2_000_000, "/api/ledger/reports/"),
        ]
        self._at_once(
            lambda body=body, path=path: self.service.ask("POST", path, body, timeout=40)  # type: ignore[misc]
            for body, path in bodies * 3
        )

    def flood_with_wrong_tokens(self) -> None:
        def guess() -> None:
            for _ in range(200):
                self.service.ask("GET", USAGES, Authorization="Token wrong")

        self._at_once([guess] * 4)

    @staticmethod
    def _at_once(calls: Iterator[Callable[[], object]] | Sequence[Callable[[], object]]) -> None:
        threads = [Thread(target=call) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # --- and then ---

    def settle(self) -> float:
        """Waits until the service takes reports, and is ready. Returns how long it took, in seconds."""
        began = time.monotonic()
        while time.monotonic() - began < SETTLE_SECONDS:
            taken, ready = self.service.report(OWN_MONTH, 1), self.service.ask("GET", "/readyz")
            if (taken.status, ready.status) == (201, 200):
                return time.monotonic() - began
            if not self.service.is_running:
                self.findings.say("the service has ended")
                self.service.start()
            time.sleep(0.2)
        self.findings.say(f"the service took no report for {SETTLE_SECONDS} s")
        return SETTLE_SECONDS

    def close(self) -> None:
        self.service.stop()
        self.wire.cut()
        self.primary.stop()


def until_it_works(call: Callable[[], object]) -> None:
    """Whoever restores beside a running service meets its locks, and deadlocks."""
    for _ in range(20):
        try:
            call()
            return
        except AssertionError:
            time.sleep(0.2)
    call()


Fault = Callable[[Torture], None]

FAULTS: tuple[Fault, ...] = (
    Torture.kill_two_workers,
    Torture.stop_a_worker,
    Torture.kill_the_service,
    Torture.end_all_connections,
    Torture.kill_the_database,
    Torture.cut_the_wire,
    Torture.silence_the_wire,
    Torture.promote_a_replica_that_is_behind,
    Torture.put_a_backup_back,
    Torture.put_the_journal_back,
    Torture.flood_with_bodies_that_never_come,
    Torture.flood_with_rubbish,
    Torture.flood_with_wrong_tokens,
)
