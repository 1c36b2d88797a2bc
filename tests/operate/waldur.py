"""What is put before a served ledger to pull from: it adds what Waldur's own server has besides.

`Relay` passes requests on to the ledger, notes them, and adds the lists and fields that a Waldur gives and a
ledger does not, written by the models of Waldur's own client. It can also fail, as servers and networks do.
"""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from waldur_api_client.models import Customer, MarketplaceCategory, Permission, Project, User

from tests.world import BASIC, CATALOGUE, CATEGORY, OFFERING, PREMIUM, uid

Answer = tuple[int, dict[str, str], bytes]
Fail = Callable[[str, int], Answer | None]
"""Says how a request fails, by its path with query and its number from 1 on; None lets it pass.

Raises ConnectionError to hang up.
"""

OWN_FIELDS: dict[str, Any] = {
    "image": None,
    "description": "a text",
    "slug": "a-slug",
    "organization_groups": [],
}
"""What every object of Waldur's has besides."""


def own_lists() -> dict[str, list[dict[str, Any]]]:
    """Waldur's lists that a ledger does not have, by their path."""
    roles = [
        Permission.from_dict(
            {
                "uuid": role["uuid"],
                "user_uuid": role["user_uuid"],
                "user_username": "told by the list of users",
                "role_name": role["role_name"],
                "scope_type": role["scope_type"].replace("structure.", "").replace("marketplace.", ""),
                "scope_uuid": role["scope_uuid"],
                "is_active": role.get("is_active", True),
                "expiration_time": None,
            }
        )
        for role in CATALOGUE["user_roles"]
    ]
    expired = {
        "uuid": uid(0x8A),
        "user_uuid": uid(10),
        "role_name": "PROJECT.MEMBER",
        "scope_type": "project",
    }
    on_call = {"uuid": uid(0x8B), "user_uuid": uid(10), "role_name": "CALL.MANAGER", "scope_type": "call"}
    roles += [
        Permission.from_dict(
            expired
            | {"scope_uuid": CATALOGUE["projects"][0]["uuid"], "expiration_time": "2026-01-01T00:00:00Z"}
        ),
        Permission.from_dict(on_call | {"scope_uuid": uid(0x8C)}),
    ]
    objects: dict[str, list[Any]] = {
        "users": [
            User.from_dict({"email": "a@example.org", "is_staff": False, "is_support": False, **user})
            for user in CATALOGUE["users"]
        ],
        "customers": [
            Customer.from_dict({"abbreviation": each["name"][:3], "country": "EE", **each})
            for each in CATALOGUE["customers"]
        ],
        "projects": [
            Project.from_dict({"is_removed": index == 1, "customer_name": "of the list", **each})
            for index, each in enumerate(CATALOGUE["projects"])
        ],
        "marketplace-categories": [MarketplaceCategory.from_dict({"uuid": CATEGORY, "title": "HPC & AI"})],
        "user-permissions": roles,
    }
    return {
        f"/api/{name}/": [each.to_dict() | OWN_FIELDS for each in of_list]
        for name, of_list in objects.items()
    }


PLANS = [
    {
        "uuid": plan,
        "name": name,
        "billing_mode": "inherit",
        "archived": False,
        "unit": "month",
        "components": [{"type": "cpu", "name": "CPU", "amount": 2, "price": price, "future_price": None}],
        "prices": {"cpu": price},
    }
    for plan, name, price in (
        (BASIC, "Basic plan", "0.1234567890"),
        (PREMIUM, "Premium plan", "3.0000000000"),
    )
]


def as_waldur_has_it(path: str, rows: list[dict[str, Any]]) -> None:
    """Add to the rows of a ledger's list what Waldur gives besides."""
    for row in rows:
        row.update({key: value for key, value in OWN_FIELDS.items() if key not in row})
        if path == "/api/marketplace-provider-offerings/":
            row["plans"] = PLANS if row["uuid"] == OFFERING else []


class Relay:
    """A server before the one at a port. `asked` are the requests that came: verb, and path with query."""

    def __init__(self, port: int, *, is_waldur: bool, fail: Fail = lambda _path, _number: None) -> None:
        self.asked: list[tuple[str, str]] = []
        self._port, self.lists, self._is_waldur = port, own_lists() if is_waldur else {}, is_waldur
        self.fail = fail

    def answer(self, verb: str, target: str, headers: dict[str, str]) -> Answer:
        self.asked.append((verb, target))
        failed = self.fail(target, len(self.asked))
        if failed:
            return failed
        path = urlsplit(target).path
        if path in self.lists:
            return self._page(target, self.lists[path])
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(verb, target, headers=headers)
        response = connection.getresponse()
        status, body = response.status, response.read()
        told = {key: value for key in ("Link", "X-Result-Count") if (value := response.getheader(key))}
        connection.close()
        if self._is_waldur and status == 200 and isinstance(rows := json.loads(body), list):
            as_waldur_has_it(path, rows)
            body = json.dumps(rows).encode()
        return status, told | {"Content-Type": "application/json"}, body

    def _page(self, target: str, rows: list[dict[str, Any]]) -> Answer:
        """A page of two, so that there is another one."""
        query = parse_qs(urlsplit(target).query)
        page, size = int(query.get("page", ["1"])[0]), 2
        headers = {"X-Result-Count": str(len(rows)), "Content-Type": "application/json"}
        if page * size < len(rows):
            headers["Link"] = f'<http://waldur/?page={page + 1}>; rel="next"'
        fields = query.get("field", [])
        shown = [
            {key: value for key, value in row.items() if not fields or key in fields}
            for row in rows[(page - 1) * size : page * size]
        ]
        return 200, headers, json.dumps(shown).encode()


@contextmanager
def relayed(relay: Relay, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The URL at which a relay answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                status, headers, body = relay.answer(self.command, self.path, {**self.headers})
            except ConnectionError:
                self.close_connection = True  # without a word
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
