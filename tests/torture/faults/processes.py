"""Processes of the service that are killed or stand still, and its clock."""

import os
import signal
import time
from contextlib import suppress
from random import Random

from tests.torture.target import NotInjected, Target, alone


def _worker(target: Target, random: Random) -> int:
    workers = target.service.workers
    if not workers:
        raise NotInjected("there is no worker")
    return random.choice(workers)


def _send(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        raise NotInjected("it has ended already") from None


def kill_a_worker(target: Target, random: Random) -> None:
    """SIGKILL; the service starts another one."""
    _send(_worker(target, random), signal.SIGKILL)


def stop_a_worker(target: Target, random: Random) -> None:
    """SIGSTOP and, up to three seconds later, SIGCONT."""
    worker = _worker(target, random)
    _send(worker, signal.SIGSTOP)
    time.sleep(random.uniform(0.05, 3))
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGCONT)


def kill_the_service(target: Target, random: Random) -> None:
    """SIGKILL to the first process, which whoever supervises it starts again."""
    with alone(target.service_guard):
        target.service.kill()
        target.service.start()


def restart_the_service(target: Target, random: Random) -> None:
    """SIGTERM, as for an upgrade."""
    with alone(target.service_guard):
        target.service.stop()
        target.service.start()


def step_the_clock(target: Target, random: Random) -> None:
    """The service's clock goes ahead by up to two hours, or back, and then returns."""
    with alone(target.clock_guard):
        target.service.step_clock(random.choice((-7_200, -600, -30, -2, 2, 30, 600, 7_200)))
        time.sleep(random.uniform(1.5, 4))
        target.service.step_clock(0)
