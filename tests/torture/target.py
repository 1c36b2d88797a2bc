"""The service that is tortured, with what it stands on, and who uses it."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Lock

import orjson
from psycopg.sql import SQL, Identifier

from tests.support.wire import Wire
from tests.torture.agents import SEA_ICE, agents
from tests.torture.checker import Checker
from tests.torture.clusters import Cluster, new_disk, remove_disk
from tests.torture.corrections import Correcting
from tests.torture.readers import Auditor, Reader
from tests.torture.records import Findings, Gate, Losses, Records
from tests.torture.service import USAGES, Service

SETTLE_SECONDS = 45
"""How long the service may take until it takes reports again: a worker that stood still may hold one."""

LEAVE_SECONDS = 60
"""How long agents may take to get the answer that they wait for, once nothing is broken."""

DATABASE = "usage_ledger"


class NotInjected(Exception):
    """A fault did not come about: something else is broken just now, or what it needs is not there."""


class Target:
    """A ledger that is tortured. Its clients reach it by one wire, and it its database by another one."""

    def __init__(self, folder: Path, findings: Findings) -> None:
        self.folder, self.findings = folder, findings
        self.database_guard, self.service_guard, self.clock_guard = Lock(), Lock(), Lock()
        self.wire_guard, self.commands_guard = Lock(), Lock()
        self.is_replicating = False
        """Whether commits wait for a standby."""
        self.clusters: list[Cluster] = []
        self._names = 0
        self.primary = self.cluster(lambda: Cluster.new(new_disk(folder, self.new_name()), "database"))
        self.wire = Wire("127.0.0.1", self.primary.port)
        self.backups: list[tuple[float, Path]] = []
        """Those that are whole, with when they were begun."""
        self._amount = 0
        self.database = DATABASE
        self.losses = Losses()
        self.service = Service(folder, self.url, self.new_name())
        self.front = Wire("127.0.0.1", self.service.port)
        self.service.front = self.front.port
        self._begin()

    @property
    def url(self) -> str:
        """That of the database, by the wire."""
        return self.primary.url(self.database, port=self.wire.port)

    @property
    def direct_url(self) -> str:
        return self.primary.url(self.database)

    def cluster(self, make: Callable[[], Cluster]) -> Cluster:
        """Return a new server, which is ended at the end."""
        made = make()
        self.clusters.append(made)
        return made

    def new_name(self) -> str:
        """Return a name that no ledger here had."""
        self._names += 1
        return f"{self.folder.name[-4:]}-{self._names}"

    def _begin(self) -> None:
        self.gate = Gate()
        self.records = Records(self.losses)
        known = self.service, self.records, self.findings, self.gate, self.losses
        self.agents = [*agents(name := self.new_name(), *known), Correcting(f"{name}-corrects", *known)]
        self.auditor = Auditor(self.service, self.findings, self.gate, self.losses)
        self.readers = [
            Reader(self.service, self.findings, self.gate, self.losses, f"{self._names}-{number}")
            for number in (1, 2)
        ]
        self.checker = Checker(self.service, self.records, self.findings, self.readers, self.auditor)
        for each in (*self.agents, *self.readers, self.auditor):
            each.start()

    def _end(self) -> None:
        self.gate.end()
        for each in (*self.agents, *self.readers, self.auditor):
            each.join(LEAVE_SECONDS)

    def begin_anew(self) -> None:
        """Go on with an empty ledger, as the other one has become large."""
        self._end()
        self.service.stop()
        self.backups.clear()
        self.database = f"{DATABASE}_{self._names}"
        with closing(self.primary.session("postgres")) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(self.database)))
        self.service.start_new(self.url, self.new_name())
        self._begin()

    @contextmanager
    def replicating(self) -> Iterator[None]:
        """Have commits wait for a standby in the block."""
        self.is_replicating = True
        try:
            yield
        finally:
            self.is_replicating = False

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Have agents, readers and the auditor wait for the time of the block."""
        with self.gate.closed(LEAVE_SECONDS) as has_left:
            if not has_left:
                self.findings.say(f"agents had no answer for {LEAVE_SECONDS} s, though nothing was broken")
            yield

    def settle(self) -> float:
        """Wait until the service takes reports, and is ready. Returns how long it took, in seconds."""
        began = time.monotonic()
        while time.monotonic() - began < SETTLE_SECONDS:
            if self.is_well():
                return time.monotonic() - began
            if not self.service.is_running:
                self.findings.say("the service has ended")
                self.service.start()
            time.sleep(0.1)
        ready = self.service.ask("GET", "/readyz")
        self.findings.say(f"the service was not well for {SETTLE_SECONDS} s: {ready[:2]}")
        return SETTLE_SECONDS

    def is_well(self) -> bool:
        """Return whether a report is stored and shown, and the service says that it is ready."""
        self._amount += 1
        usage = {"type": "gpu", "amount": str(self._amount)}
        body = {"resource": SEA_ICE, "date": "2024-01-02T00:00:00Z", "usages": [usage]}
        taken = self.service.ask("POST", f"{USAGES}set_usage/", orjson.dumps(body), 5)
        return taken.status == 201 and self.service.ask("GET", "/readyz", timeout=5).status == 200

    def go_on_elsewhere(self) -> None:
        """Do what the handbook says of lost facts: where nothing is signed, go on under another name."""
        end = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < end:
            ready = self.service.ask("GET", "/readyz", timeout=5)
            if ready.status == 200:
                return
            if b"A checkpoint of" in ready.body:
                break
            time.sleep(0.2)
        self.findings.count("refused to sign")
        with self.service_guard:
            self.service.stop()
            self.service.move_to(self.url, self.new_name())
            self.service.start()

    def close(self) -> None:
        """End all that was started."""
        self.gate.end()
        with suppress(Exception):
            self.service.stop()
        self.service.end()
        self.front.cut()
        self.wire.cut()
        for cluster in self.clusters:
            cluster.stop()
            remove_disk(cluster.folder.parent)


Fault = Callable[[Target, Random], None]


@contextmanager
def alone(guard: Lock, seconds: float = 0) -> Iterator[None]:
    """Be the only one who breaks this for the time of the block. Raises NotInjected."""
    if not guard.acquire(timeout=seconds):
        raise NotInjected("something else of this kind is broken")
    try:
        yield
    finally:
        guard.release()
