"""Requests with an odd part, as bytes: which request, which part of it, and what that is to be.

Whatever is asked, the service answers in its own words, and stores nothing of what it refuses.
"""

import gzip
import re
from io import BytesIO
from typing import Any, NamedTuple, Self
from urllib.parse import quote, unquote_to_bytes, urlencode

import orjson
import psycopg
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.agents.registering import IDENTITY
from tests.audit.asking import NEEDED, VALUES, rules, uuids_of
from tests.audit.happenings import EVERYTHING
from tests.billing.correcting import CORRECTIONS
from tests.user_limits.limiting import LIMITS, body
from tests.world import OFFERING_USER, RESOURCE, USAGES, USER_USAGES, World

HEADERS = [
    *(
        "Authorization",
        "If-None-Match",
        "Prefer",
        "Accept",
        "Accept-Encoding",
        "traceparent",
        "tracestate",
        "Host",
    ),
    *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix", "Cookie", "Origin"),
    *("Idempotency-Key", "Ledger-Expect", "Ledger-Reason", "Content-Type", "Content-Encoding", "User-Agent"),
    *(
        "X-Request-ID",
        "Access-Control-Request-Method",
        "If-Modified-Since",
        "Range",
        "Content-Length",
        "Expect",
    ),
]
QUERY = [
    "as_of",
    "min_position",
    "page",
    "page_size",
    "o",
    "field",
    "format",
    "after",
    "limit",
    "size",
    "from",
]

JSON, FORM, LINES = "application/json", "application/x-www-form-urlencoded", "application/x-ndjson"


# But for what a request that named itself was told, which is kept of refusals, too.
HEAD = "SELECT max(notification_id) FROM journal.ledger_events WHERE topic <> 'RequestDecided'"


class Request(NamedTuple):
    """A request that is answered well, as long as it is left as it is."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    body: bytes = b""
    encoding: str = ""


class Answer(NamedTuple):
    """What came of a request."""

    status: int
    body: bytes
    headers: dict[str, str]


class Service:
    """A world with something in it, and the requests that are made odd."""

    def __init__(self, world: World) -> None:
        self._world = world
        for step in EVERYTHING[:10]:
            step(world)  # so that there is something of each
        world.report(usages=[{"type": "cpu", "amount": 5}, {"type": "gpu", "amount": 1}])
        usage = world.usages(type="cpu")[0]["uuid"]
        world.report_user(usage, username="ann", usage=2)
        user_usage = world.user_usages()[0]["uuid"]
        self.token = world.as_("staff").authorization
        self._connection = psycopg.connect(world.conninfo, autocommit=True)
        self.requests = _posts(usage)
        for rule, names, _ in rules(world.app):
            uuid = uuids_of(world, rule, [world.projector.catch_up()])[0] if "<" in rule else ""
            path, needed = re.sub("<.*?>", uuid, rule), NEEDED.get(rule, {})
            for query in [{}, *({name: VALUES[name][0]} for name in sorted(names & VALUES.keys()))]:
                self.requests.append(Request("GET", path, tuple((needed | query).items())))
        self.requests += [
            Request("GET", path)
            for path in (
                *("/", "/dashboard/", "/dashboard/usages/", "/healthz", "/readyz", "/api/", "/api/docs/"),
                *("/api/schema/", "/api/users/me/", "/api/ledger/events/", "/api/ledger/checkpoint"),
                *(
                    "/api/ledger/tile/0/000.p/9",
                    "/api/ledger/tile/entries/000.p/9",
                    "/api/ledger/events/9/proof",
                ),
                *(
                    "/api/ledger/consistency",
                    f"{USAGES}{usage}/history/",
                    f"{USER_USAGES}{user_usage}/history/",
                ),
            )
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def parts(self) -> int:
        return 3 + len(HEADERS) + len(QUERY)

    def ask(self, data: bytes) -> Answer:
        """Send the request that bytes stand for. Two bytes name it, the next one the part."""
        number, part, odd = int.from_bytes(data[:2], "big"), data[2] if len(data) > 2 else 0, data[3:]
        request = self.requests[number % len(self.requests)]
        return self.send(request, part % self.parts, odd)

    def send(self, request: Request, part: int, odd: bytes) -> Answer:
        """Send a request of which one part is replaced. Fails if the answer is none of a service."""
        environ = EnvironBuilder(method=request.method).get_environ()
        path, query, payload = quote(request.path).encode(), request.query, request.body
        raw = urlencode(query)
        headers = {"Authorization": self.token}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if request.encoding:
            headers["Content-Encoding"] = request.encoding
        if part == 0:
            payload = odd
        elif part == 1:
            path = b"/".join([*path.rstrip(b"/").split(b"/")[:-1], quote(odd, safe="%").encode(), b""])
        elif part == 2:
            raw = odd.decode("latin-1")
        elif part < 3 + len(QUERY):
            name = QUERY[part - 3]
            name = query[0][0] if query and part % 2 else name
            raw = urlencode([*(each for each in query if each[0] != name), (name, odd)])
        else:
            value = odd.decode("latin-1")
            headers[HEADERS[part - 3 - len(QUERY)]] = value.translate({10: " ", 13: " ", 0: " "}).strip()
        from_wire = raw.translate(dict.fromkeys((*range(33), 127), "+"))
        environ |= {"PATH_INFO": _unquoted(path), "QUERY_STRING": from_wire, "wsgi.input": BytesIO(payload)}
        environ["CONTENT_LENGTH"] = str(len(payload))
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        before = self._head()
        chunks, status, told = run_wsgi_app(self._world.app, environ, buffered=True)
        answer = Answer(int(status.split()[0]), b"".join(chunks), dict(told))
        self._check(answer, before)
        return answer

    def _check(self, answer: Answer, before: int) -> None:
        assert answer.status < 500 or answer.status == 503, answer
        assert b"Traceback" not in answer.body, answer
        if answer.status >= 400:
            assert self._head() == before, answer
            kind = answer.headers.get("Content-Type", "")
            if kind.startswith("application/json"):
                assert orjson.loads(answer.body), answer
            else:
                assert kind.startswith("text/"), answer

    def _head(self) -> int:
        row = self._connection.execute(HEAD).fetchone()
        assert row is not None
        head: int = row[0]
        return head


def _unquoted(path: bytes) -> str:
    return unquote_to_bytes(path).decode("latin-1")


def _posts(usage: str) -> list[Request]:
    report = {
        "resource": RESOURCE,
        "date": "2026-11-14",
        "usages": [{"type": "cpu", "amount": "5", "recurring": True}],
    }
    user = f"http://localhost/api/marketplace-offering-users/{OFFERING_USER}/"
    users = {"usages": [{"username": "ann", "usage": "1.00", "user": user, "date": "2026-11-14T00:00:00Z"}]}
    items = [
        {"resource": RESOURCE, "type": "cpu", "amount": 5, "expect": 9999, "reason": "because"},
        {"component_usage": usage, "username": "ann", "usage": 5},
    ]
    dated: list[dict[str, Any]] = [items[0] | {"date": "2026-11-05"}, items[1]]
    correction = {"title": "Minutes", "reason": "because", "ticket": "BILL-7", "items": dated}
    form = f"resource={RESOURCE}&usages[0]type=cpu&usages[0]amount=5".encode()
    lines = b"\n".join(map(orjson.dumps, items))
    multipart = (
        f'--x\r\nContent-Disposition: form-data; name="resource"\r\n\r\n{RESOURCE}\r\n'
        '--x\r\nContent-Disposition: form-data; name="usages[0]type"\r\n\r\ncpu\r\n--x--\r\n'
    )
    set_usage, bulk = f"{USAGES}set_usage/", "/api/ledger/reports/"
    return [
        Request("POST", set_usage, (), JSON, orjson.dumps(report)),
        Request("POST", set_usage, (), FORM, form),
        Request("POST", set_usage, (), "multipart/form-data; boundary=x", multipart.encode()),
        Request("POST", set_usage, (), JSON, gzip.compress(orjson.dumps(report)), "gzip"),
        Request("POST", f"{USAGES}{usage}/set_user_usages/", (), JSON, orjson.dumps(users)),
        Request("POST", f"{USAGES}{usage}/set_user_usage/", (), JSON, orjson.dumps(users["usages"][0])),
        Request("POST", bulk, (("atomic", "true"),), JSON, orjson.dumps(items)),
        Request("POST", bulk, (("dry_run", "true"),), LINES, lines),
        Request("POST", CORRECTIONS, (), JSON, orjson.dumps(correction)),
        Request("POST", LIMITS, (), JSON, orjson.dumps(body(RESOURCE))),
        Request("POST", "/api/marketplace-site-agent-identities/", (), JSON, orjson.dumps(IDENTITY)),
        Request("POST", "/dashboard/sign-in/", (), FORM, b"token=abc"),
    ]
