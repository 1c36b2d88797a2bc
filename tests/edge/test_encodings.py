"""Compressed bodies: read as if they were not, within the same bounds."""

import gzip
import json
import sys
import zlib
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.request.keys import KEY, is_replayed
from tests.support.served import served
from tests.world import RESOURCE, USAGES, World

PATH = f"{USAGES}set_usage/"
REPORTS = "/api/ledger/reports/"
REPORT = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": 5}]}
BODY = json.dumps(REPORT).encode()
ITEM = {"resource": RESOURCE, "type": "cpu", "amount": 6}

PARTS = b"".join(
    b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % part
    for part in {b"resource": RESOURCE.encode(), b"usages[0]type": b"cpu", b"usages[0]amount": b"5"}.items()
)

TOO_LARGE = (413, {"detail": "The request body is too large."})


def send(
    world: World,
    body: bytes,
    encoding: str = "gzip",
    path: str = PATH,
    kind: str = "application/json",
    **headers: str,
) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return world.as_("staff").send(
        "POST", path, data=body, content_type=kind, headers={"Content-Encoding": encoding} | named
    )


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json()


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        (PATH, "application/json", BODY),
        (REPORTS, "application/json", json.dumps([ITEM]).encode()),
        (REPORTS, "application/x-ndjson", json.dumps(ITEM).encode()),
        (
            PATH,
            "application/x-www-form-urlencoded",
            f"resource={RESOURCE}&usages[0]type=cpu&usages[0]amount=5".encode(),
        ),
        (
            PATH,
            "multipart/form-data; boundary=x",
            PARTS + b"--x--\r\n",
        ),
    ],
    ids=["report", "reports", "lines", "form", "parts"],
)
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "identity, gzip"])
def test_a_compressed_body_is_read_of_every_kind(
    world: World, path: str, kind: str, body: bytes, encoding: str
) -> None:
    assert send(world, gzip.compress(body), encoding, path, kind).status_code == 201
    assert len(world.usages()) == 1


@pytest.mark.parametrize("encoding", ["identity", "", "identity, identity"])
def test_a_body_may_say_that_it_is_not_compressed(world: World, encoding: str) -> None:
    assert send(world, BODY, encoding).status_code == 201


def test_a_compressed_body_may_have_many_members(world: World) -> None:
    body = b"".join(gzip.compress(BODY[place : place + 10]) for place in range(0, len(BODY), 10))
    assert send(world, body).status_code == 201
    assert [row["usage"] for row in world.usages()] == ["5.00"]


def test_a_compressed_empty_body_is_an_empty_one(world: World) -> None:
    expected = (400, {"usages": ["This field is required."]})
    assert [answer(send(world, body)) for body in (b"", gzip.compress(b""))] == [expected] * 2


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (gzip.compress(BODY)[:-9], "Compressed file ended before the end-of-stream marker was reached"),
        (gzip.compress(BODY)[:-3], "Compressed file ended before the end-of-stream marker was reached"),
        (gzip.compress(BODY)[:5], "Compressed file ended before the end-of-stream marker was reached"),
        (gzip.compress(BODY) + b"{}", "Not a gzipped file (b'{}')"),
        (BODY, "Not a gzipped file (b'{\"')"),
        (zlib.compress(BODY), "Not a gzipped file (b'x\\x9c')"),
        (gzip.compress(BODY)[:-8] + bytes(8), "CRC check failed 0x0 != 0x"),
        (gzip.compress(BODY)[:-4] + bytes(4), "Incorrect length of data produced"),
        (gzip.compress(BODY)[:10] + b"\xff" * 20, "Error -3 while decompressing data: invalid block type"),
        (b"\x1f\x8b\x01" + bytes(20), "Unknown compression method"),
    ],
    ids=[
        *("no checksum", "half a checksum", "half a header", "more behind it", "plain", "zlib"),
        *("another checksum", "another length", "rubbish in it", "another method"),
    ],
)
def test_a_compressed_body_that_is_broken_is_refused_and_nothing_is_stored(
    world: World, body: bytes, problem: str
) -> None:
    status, told = answer(send(world, body, Idempotency_Key=KEY))
    assert (status, told.keys()) == (400, {"detail"})
    assert told["detail"].startswith(f"gzip error - {problem}")
    assert world.usages() == []


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip, br", "g{z}ip"])
def test_another_encoding_is_refused_by_its_name(world: World, encoding: str) -> None:
    response = send(world, gzip.compress(BODY), encoding)
    message = f'Unsupported content encoding "{encoding}" in request: gzip is read.'
    assert answer(response) == (415, {"detail": message})
    assert response.headers["Accept-Encoding"] == "gzip"
    assert world.usages() == []


def test_a_body_counts_by_its_expanded_size_and_by_that_in_which_it_came(world: World) -> None:
    world.configure(max_body_bytes=10_000)
    padded = BODY.ljust(9_000)
    assert send(world, gzip.compress(padded)).status_code == 201
    assert answer(send(world, gzip.compress(BODY.ljust(10_001)))) == TOO_LARGE
    assert answer(send(world, gzip.compress(b"") * 1_000 + gzip.compress(BODY))) == TOO_LARGE


def test_a_request_is_the_same_in_whatever_encoding_it_is_sent_again(world: World) -> None:
    first = send(world, BODY, "identity", Idempotency_Key=KEY)
    again = send(world, gzip.compress(BODY), Idempotency_Key=KEY)
    assert (first.status_code, again.status_code, is_replayed(again)) == (201, 201, True)
    other = json.dumps(REPORT | {"date": "2026-11-01"}).encode()
    assert send(world, gzip.compress(other), Idempotency_Key=KEY).status_code == 422


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_a_bomb_takes_no_memory_of_the_real_server(world: World, world_url: str) -> None:
    bomb = zlib.compressobj(9, wbits=31)
    body = b"".join(bomb.compress(bytes(1_000_000)) for _ in range(1_000)) + bomb.flush()
    headers = {"Authorization": world.as_("staff").authorization, "Content-Encoding": "gzip"}
    with served(world_url) as service:
        assert service.post(PATH, gzip.compress(BODY), **headers).status == 201
        before = service.peak()
        for path in (PATH, REPORTS):
            reply = service.post(path, body, **headers)
            assert (reply.status, reply.json) == TOO_LARGE
        assert service.peak() < before + 40
        cut = service.post(PATH, gzip.compress(BODY)[:-5], **headers)
        assert (cut.status, cut.json["detail"][:12]) == (400, "gzip error -")
