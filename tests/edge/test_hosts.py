"""Whatever host a client names, the real server answers with URLs that lead somewhere, or says why not."""

import json
import re
import socket
from typing import Any

import pytest

from tests.agents.registering import IDENTITIES, IDENTITY
from tests.support.served import Served, served
from tests.user_limits.limiting import LIMITS, body, create, describe_members
from tests.world import SECOND_RESOURCE, USAGES, World

REFUSED = re.compile(
    'Links can\'t be made (of the host ".+"|without a host in ASCII): '
    "it must be a name or an address in ASCII, and may have a port."
)

HOSTS = (
    *("localhost", "127.0.0.1:8000", "[::1]:8000", "[::ffff:127.0.0.1]", "name_with_underscore:8000"),
    *("xn--bcher-kva.example", "ledger.example.org.", "EXAMPLE.org:65535", "a_" * 126),
)

NO_HOSTS = (
    *("bücher.example".encode(), "bücher.example".encode("latin-1"), b"\xff\xfe", b"a b", b"a\tb", b"a,b"),
    *(b"here:0", b"here:65536", b"here:99999999", b"here:x", b":8000", b"a/b", b"a?b", b"a#b", b"u@h"),
    *(b'a>; rel="next"', b"[::1", b"::1", b"[zz]", b"%41", b"<script>", b"a" * 65_536, b"a_" * 127),
    *(b"a" * 64, b"b." + b"a" * 64 + b".example"),
)

LINK = re.compile(rf"<(http://[!-~]+){USAGES}>; rel=\"first\", <\1{USAGES}>; rel=\"last\"")


def ask(service: Served, authorization: str, *lines: bytes, version: bytes = b"1.1") -> tuple[int, str]:
    """The status of a list, and where its links lead, or what is said instead; `lines` are of the header."""
    head = (
        b"GET %s HTTP/%s" % (USAGES.encode(), version),
        f"Authorization: {authorization}".encode(),
        b"Connection: close",
        *lines,
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.sendall(b"\r\n".join(head) + b"\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    header, _, body = received.partition(b"\r\n\r\n")
    status = int(header.split()[1])
    links = re.search(rb"(?im)^link: (.*?)\r?$", header)
    if links is None:
        told: dict[str, Any] = json.loads(body)
        return status, told["detail"]
    found = LINK.fullmatch(links[1].decode("ascii"))
    assert found, links[1]
    return status, found[1]


@pytest.mark.parametrize(
    ("proxies", "before", "name"),
    [("0", (), b"Host: "), ("1", (b"Host: upstream:8000",), b"X-Forwarded-Host: ")],
    ids=["from the client", "from a proxy that is believed"],
)
def test_links_lead_to_any_host_that_can_be_named_or_it_is_refused(
    world: World, world_url: str, proxies: str, before: tuple[bytes, ...], name: bytes
) -> None:
    authorization = world.as_("staff").authorization
    with served(world_url, LEDGER_PROXIES=proxies) as service:
        for host in HOSTS:
            assert ask(service, authorization, *before, name + host.encode()) == (200, f"http://{host}")
        assert ask(service, authorization, *before, name + b"here:80") == (200, "http://here")
        wrong = [(*before, name + host) for host in NO_HOSTS if not (before and b"," in host)]
        for lines in [*wrong, (), (b"Host:",), (b"Host: a", b"Host: b")]:
            for version in (b"1.0", b"1.1"):
                status, told = ask(service, authorization, *lines, version=version)
                assert (status, bool(REFUSED.fullmatch(told))) == (400, True), (lines, told)


def test_what_is_answered_with_links_is_not_stored_where_none_can_be_made(world: World) -> None:
    staff, uuid = world.as_("staff"), create(world)
    describe_members(world)
    before = world.facts()
    for method, path, values in (
        ("POST", IDENTITIES, IDENTITY),
        ("POST", LIMITS, body(SECOND_RESOURCE)),
        ("PATCH", f"{LIMITS}{uuid}/", {"limit": "33"}),
    ):
        response = staff.send(method, path, json=values, headers={"Host": "a b"})
        assert (response.status_code, bool(REFUSED.fullmatch(response.get_json()["detail"]))) == (400, True)
    assert world.facts() == before
