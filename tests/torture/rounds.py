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

WEIGHTS: dict[Fault, float] = {
    connections.cut_a_connection: 120,
    connections.cut_a_client: 120,
    connections.end_a_session: 90,
    connections.cancel_statements: 90,
    connections.silence_a_connection: 45,
    connections.silence_a_client: 45,
    connections.end_all_sessions: 6,
    connections.cut_the_clients: 4,
    connections.cut_the_wire: 2,
    connections.silence_the_wire: 1,
    connections.lock_a_table: 4,
    connections.take_all_connections: 1.5,
    processes.stop_a_worker: 12,
    processes.kill_a_worker: 3,
    processes.step_the_clock: 5,
    processes.kill_the_service: 0.4,
    processes.restart_the_service: 0.3,
    database.stop_a_session: 12,
    database.kill_a_session: 3,
    database.kill_a_process_behind: 1,
    database.kill_the_database: 1,
    database.shut_the_database_down: 1,
    database.fill_the_disk: 1,
    database.fail_over: 0.7,
    clients.break_requests_off: 30,
    clients.guess_tokens: 1,
    clients.flood_with_bodies_that_never_come: 1,
    clients.send_rubbish: 0.5,
    upkeep.backup: 1,
    upkeep.verify: 0.7,
    upkeep.rebuild: 0.7,
    upkeep.carry_over: 1,
    upkeep.move_a_resource: 2,
}
"""How often each fault is chosen, beside the others: what takes the service away for seconds is rare."""

MEND_SECONDS = 240
"""How long a fault may take until it is mended, with commands that run, and services that start."""

LOSSES: tuple[Fault, ...] = (
    losses.promote_a_replica_that_is_behind,
    losses.put_a_dump_back,
    losses.put_the_journal_back,
    losses.restore_an_older_backup,
)
"""What loses history."""

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


def plan(
    random: Random,
    number: int,
    seconds: float,
    most: int,
    faults: Sequence[Fault],
    *,
    every: int = 4,
    is_even: bool = False,
) -> list[Planned]:
    """Return the faults of a round, in their order. Of `every` so many rounds one loses history, once.

    `is_even`: all other kinds are equally frequent.
    """
    small = {each: 1 if is_even else WEIGHTS[each] for each in faults if each in WEIGHTS}
    lossy = [each for each in faults if each in LOSSES]
    chosen: list[Fault] = []
    if small:
        chosen += random.choices(list(small), list(small.values()), k=random.randint(most // 3 + 1, most))
    if lossy and (number % every == every // 2 or not small):
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
    for each, thread in zip(planned, threads, strict=True):
        thread.join(MEND_SECONDS)
        if thread.is_alive():
            target.findings.say(f"{each.fault.__name__} did not end in {MEND_SECONDS} s")
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
