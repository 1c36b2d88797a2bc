"""Ledgers that sign, and what a stranger makes of what they hand out."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from werkzeug.test import TestResponse

from tests.ledger.tree.trees import leaves, root
from tests.world import World, open_world

CHECKPOINT = "/api/ledger/checkpoint"

Open = Callable[[str], AbstractContextManager[World]]


@pytest.fixture
def url(world_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """A database with the world in it, for this test alone."""
    with world_database() as url:
        yield url


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "signing-key"


@pytest.fixture
def here(url: str, key: Path) -> Iterator[World]:
    """A ledger that signs."""
    with signing(url, key) as world:
        yield world


@contextmanager
def signing(url: str, key: Path) -> Iterator[World]:
    """A server on this database, with this key."""
    with open_world(url) as world:
        world.sign_with(key)
        yield world


def verified(verifier_key: str, note: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint whose signature holds. By hand, with no line of the ledger's."""
    name, _, encoded = verifier_key.split("+", 2)
    kind_and_key = b64decode(encoded)
    text, _, signatures = note.partition("\n\n")
    dash, signer, signature = signatures.rstrip("\n").split(" ")
    assert (dash, signer) == ("—", name)
    raw = b64decode(signature)
    assert raw[:4] == sha256(name.encode() + b"\n" + kind_and_key).digest()[:4]
    Ed25519PublicKey.from_public_bytes(kind_and_key[1:]).verify(raw[4:], f"{text}\n".encode())
    origin, size, encoded_root = text.split("\n")
    return origin, int(size), b64decode(encoded_root)


def checkpoint(world: World, **query: object) -> TestResponse:
    return world.as_("stranger").get(CHECKPOINT, **query)


def signed(world: World) -> int:
    """Have the newest facts signed, and return how many that are."""
    world.now += timedelta(seconds=2)
    answer = checkpoint(world)
    assert answer.status_code == 200, answer.text
    size = int(answer.text.split("\n")[1])
    assert b64decode(answer.text.split("\n")[2]) == root(leaves(world.conninfo)[:size])
    return size


def refusal(world: World) -> str:
    """Why nothing is signed, as the endpoint and /readyz say it. Reports are taken all the same."""
    world.now += timedelta(seconds=2)
    answer = checkpoint(world)
    assert answer.status_code == 503, answer.text
    ready = world.anonymous.get("/readyz")
    assert (ready.status_code, ready.get_json()["reason"]) == (503, answer.get_json()["detail"])
    assert world.report(usages=[{"type": "gpu", "amount": "1"}]).status_code == 201
    told: str = answer.get_json()["detail"]
    return told


def report(world: World, amount: int = 5) -> int:
    """Report gpu hours, and return the position of that fact."""
    world.now += timedelta(seconds=1)
    answer = world.report(usages=[{"type": "gpu", "amount": f"{amount}.00"}])
    assert answer.status_code == 201, answer.text
    return int(answer.headers["Ledger-Position"])
