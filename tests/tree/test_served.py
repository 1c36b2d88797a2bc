"""Two workers of a service sign one history, while reports come in and a worker is killed."""

import http.client
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec

from tests.ledger.tree.trees import assert_whole, execute, root
from tests.support.command import output_of
from tests.support.served import Served, served
from tests.tree.signed import CHECKPOINT, verified
from tests.world import RESOURCE, USAGES, open_world

TIMES = 12


def asked(service: Served, token: str) -> str:
    """A checkpoint; nothing where the worker has just been killed."""
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)) as connection:
            connection.request("GET", CHECKPOINT, headers={"Authorization": f"Token {token}"})
            response = connection.getresponse()
            text = response.read().decode()
    except (OSError, http.client.HTTPException):
        return ""
    assert response.status == 200, text
    return text


def test_whatever_two_workers_sign_is_of_one_history(url: str, key: Path) -> None:
    made = output_of({"LEDGER_DATABASE_URL": url, "LEDGER_SIGNING_KEY": str(key)}, "key", "create").strip()
    with open_world(url) as world:
        token = world.token_of("staff")
    variables = {"LEDGER_SIGNING_KEY": str(key), "LEDGER_CHECKPOINT_SECONDS": "0"}
    with served(url, 2, **variables) as service, ThreadPoolExecutor(6) as pool:

        def report(number: int) -> int:
            usages = [{"type": "gpu", "amount": f"{number}.00"}]
            body = msgspec.json.encode({"resource": RESOURCE, "usages": usages})
            try:
                return service.post(f"{USAGES}set_usage/", body, Authorization=f"Token {token}").status
            except (OSError, http.client.HTTPException):
                return 0

        def both(number: int) -> tuple[int, str]:
            if number == TIMES:
                os.kill(service.workers[0], signal.SIGKILL)
            return report(number), asked(service, token)

        answers = [*pool.map(both, range(1, 3 * TIMES))]
    assert {status for status, _ in answers} <= {201, 409, 0}
    notes = {note for _, note in answers} - {""}
    hashes = assert_whole(url)
    kept = dict(execute(url, "SELECT size, convert_from(note, 'UTF8') FROM journal.checkpoint"))
    assert len(notes) > 1
    for note in notes:
        _, size, signed_root = verified(made, note)
        assert (kept[size], root(hashes[:size])) == (note, signed_root)
