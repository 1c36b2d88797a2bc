"""Clients that mean no good, or know no better."""

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from random import Random
from threading import Thread

from tests.torture.service import USAGES
from tests.torture.target import NotInjected, Target, alone

RUBBISH = (
    (b'{"usages":[' + b",".join([b"{}"] * 500_000) + b"]}", f"{USAGES}set_usage/"),
    (b"[" + b",".join([b"{}"] * 1_500_000) + b"]", "/api/ledger/reports/"),
    (b"[" * 2_000_000, "/api/ledger/reports/"),
)


def flood_with_bodies_that_never_come(target: Target, random: Random) -> None:
    """So many as there is room for, and health is told all the same."""
    head = "POST /api/ledger/reports/ HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n"
    head += f"Authorization: Token {target.service.token}\r\nContent-Type: application/json\r\n\r\n["
    with ExitStack() as stack:
        try:
            for _ in range(32):
                end = stack.enter_context(socket.create_connection(("127.0.0.1", target.service.port)))
                end.sendall(head.encode())
        except OSError as error:
            raise NotInjected("the service is away") from error
        time.sleep(random.uniform(0.5, 4))


def break_requests_off(target: Target, random: Random) -> None:
    """Some requests end in the middle of a line or a body."""
    request = f"POST {USAGES}set_usage/ HTTP/1.1\r\nHost: here\r\nContent-Length: 60\r\n\r\n{{".encode()
    for _ in range(random.randint(1, 20)):
        try:
            with socket.create_connection(("127.0.0.1", target.service.port), timeout=3) as end:
                end.sendall(request[: random.randint(1, len(request))])
        except OSError as error:
            raise NotInjected("the service is away") from error


def send_rubbish(target: Target, random: Random) -> None:
    """Bodies of megabytes that are nothing: 400 or 413, in bounded memory."""
    with alone(target.commands_guard):
        body, path = random.choice(RUBBISH)
        _at_once([lambda: target.service.ask("POST", path, body, timeout=40)] * 3)


def guess_tokens(target: Target, random: Random) -> None:
    """Wrong tokens, from the address that all others have, too."""

    def guess() -> None:
        with suppress(OSError):
            for _ in range(30):
                target.service.ask("GET", USAGES, timeout=3, Authorization="Token wrong")

    _at_once([guess] * 2)


def _at_once(calls: Sequence[Callable[[], object]]) -> None:
    threads = [Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
