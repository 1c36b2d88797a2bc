"""Rounds: faults that overlap, and then a look at everything."""

import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median
from threading import Lock, Thread
from typing import NamedTuple

from tests.torture.faults import clients, connections, database, losses, processes, upkeep
from tests.torture.target import Fault, NotInjected, Target

WEIGHTS: dict[Fault, int] = {
    connections.cut_a_connection: 30,
    connections.cut_a_client: 30,
    connections.end_a_session: 20,
    connections.cancel_statements: 20,
    connections.silence_a_connection: 12,
    connections.silence_a_client: 12,
    connections.end_all_sessions: 6,
    connections.cut_the_clients: 4,
    connections.cut_the_wire: 3,
    connections.silence_the_wire: 2,
    connections.lock_a_table: 5,
    connections.take_all_connections: 3,
    processes.stop_a_worker: 8,
    processes.kill_a_worker: 4,
    processes.step_the_clock: 4,
    processes.kill_the_service: 1,
    processes.restart_the_service: 1,
    database.stop_a_session: 6,
    database.kill_a_session: 4,
    database.kill_a_process_behind: 2,
    database.kill_the_database: 2,
    database.shut_the_database_down: 2,
    database.fill_the_disk: 2,
    database.fail_over: 1,
    clients.break_requests_off: 8,
    clients.guess_tokens: 1,
    clients.flood_with_bodies_that_never_come: 1,
    clients.send_rubbish: 1,
    upkeep.backup: 2,
    upkeep.verify: 1,
    upkeep.rebuild: 2,
    upkeep.carry_over: 1,
}
"""How often each fault is chosen, beside the others."""

LOSSES: tuple[Fault, ...] = (
    losses.promote_a_replica_that_is_behind,
    losses.put_a_dump_back,
    losses.put_the_journal_back,
    losses.restore_an_older_backup,
)
"""One of these is in every fourth round."""

FAULTS = (*WEIGHTS, *LOSSES)


class Planned(NamedTuple):
    """A fault, when it comes in its round, and what its own choices follow from."""

    after: float
    fault: Fault
    seed: int


@dataclass
class Told:
    """What came of a round."""

    injected: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    well_after: float = 0
    checked_in: float = 0
    guard: Lock = field(default_factory=Lock)


def plan(random: Random, number: int, seconds: float, most: int, faults: Sequence[Fault]) -> list[Planned]:
    """Return the faults of a round, in their order. Those that lose history are one in every fourth round."""
    small = {each: WEIGHTS[each] for each in faults if each in WEIGHTS}
    lossy = [each for each in faults if each in LOSSES]
    chosen: list[Fault] = []
    if small:
        chosen += random.choices(list(small), list(small.values()), k=random.randint(most // 3 + 1, most))
    if lossy and (number % 4 == 2 or not small):
        chosen.append(random.choice(lossy))
    return sorted(Planned(random.random() * seconds, each, random.randrange(10**9)) for each in chosen)


def run_round(target: Target, planned: Sequence[Planned]) -> Told:
    """Break things as planned, wait until all is mended and well, and check."""
    told, threads = Told(), list[Thread]()
    began = time.monotonic()
    for each in planned:
        time.sleep(max(0, began + each.after - time.monotonic()))
        thread = Thread(target=_inject, args=(target, each, told), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    told.well_after = target.settle()
    began = time.monotonic()
    with target.quiet():
        target.checker.check(target.direct_url, Random(planned[0].seed if planned else 0))  # noqa: S311
    told.checked_in = time.monotonic() - began
    return told


def _inject(target: Target, planned: Planned, told: Told) -> None:
    name = planned.fault.__name__.replace("_", " ")
    try:
        planned.fault(target, Random(planned.seed))  # noqa: S311 (chosen, not secret)
    except NotInjected as reason:
        with told.guard:
            told.left_out[f"{name}: {reason}"] += 1
        return
    except Exception:  # of the suite itself, which is to be known
        target.findings.say(f"{name} failed: {traceback.format_exc()[-1_500:]}")
        return
    with told.guard:
        told.injected[name] += 1


def summary(times: Sequence[float]) -> str:
    """Return how long it took until all was well."""
    return f"well after {median(times):.1f} s, {max(times):.1f} s at most"
