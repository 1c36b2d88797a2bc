"""What is asked of the demo's service in vain: an error of each kind, as a client is told of it."""

from collections.abc import Iterator
from typing import Any

import psycopg
from werkzeug.test import TestResponse

from ledger import errors
from tests.docs.demo import CPU, OFFERING_USER, RESOURCE, Demo, uuid_of
from web.request.read_your_writes import TIMEOUT
from web.wire.errors import DETAILS, WORDS, Overloaded, ReadOnly, problem_of

Json = dict[str, Any]

USAGES = "/api/marketplace-component-usages/"
SET_USAGE = f"{USAGES}set_usage/"
IDENTITIES = "/api/marketplace-site-agent-identities/"
LIMITS = "/api/component-user-usage-limits/"
URL = "http://localhost/api"


def report(amount: str, **more: Any) -> Json:
    """The body of a report of the demo's first resource."""
    return {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": amount}], **more}


def limit_of_user(limit: str, **more: Any) -> Json:
    """The body that sets a limit of the demo's offering user."""
    return {
        "resource": f"{URL}/marketplace-resources/{RESOURCE}/",
        "component": CPU,
        "user": f"{URL}/marketplace-offering-users/{OFFERING_USER}/",
        "limit": limit,
        **more,
    }


def errors_of(here: Demo, objects: Json) -> Json:
    """Return the answers to errors, by status and kind: asked for, or where nobody can, of the same table."""
    kept: Json = {}
    for name, response in _failures(here, objects):
        kept.setdefault(str(response.status_code), {})[name] = response.get_json()
    known = {name for of_status in kept.values() for name in of_status}
    for kind in (*WORDS, *DETAILS, Overloaded, psycopg.OperationalError):
        if kind.__name__ not in known:
            problem = problem_of(kind(*ARGUMENTS.get(kind, ())))
            kept.setdefault(str(problem.status), {})[kind.__name__] = problem.body
    return dict(sorted(kept.items()))


def _failures(here: Demo, objects: Json) -> Iterator[tuple[str, TestResponse]]:
    client, staff = here.client, here.headers
    json_type = {"Content-Type": "application/json"}
    month = {"date": "2026-12-24"}
    one = report("1")
    unknown = {"resource": RESOURCE, "usages": [{"type": "tape", "amount": 1}]}
    limited = {
        "username": "ann",
        "usage": 200,
        "user": f"{URL}/marketplace-offering-users/{OFFERING_USER}/",
    }
    limit = limit_of_user("100.00")
    usage = f"{USAGES}{objects['marketplace-component-usages']}/"
    agent = {"Authorization": f"Token {here.token_of('demo-agent')}"}
    reader = {"Authorization": f"Token {here.token_of('demo-reader')}"}

    def post(path: str, body: Any, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post(path, json=body, headers=staff | named)

    yield "FieldMissing", post(SET_USAGE, {})
    yield "UnknownParameter", client.get("/api/ledger/diff/?form=1", headers=staff)
    yield "BadHeader", post(SET_USAGE, one, Ledger_Expect="x")
    yield "MalformedBody", client.post(SET_USAGE, data=b'{"resource"', headers=staff | json_type)
    yield "UnusableHost", client.get(USAGES, headers=staff | {"Host": "a b"})
    yield "ComponentsNotReportable", post(SET_USAGE, unknown)
    yield "MeasuredInFuture", post(SET_USAGE, report("1", **month))
    yield "MonthIsClosed", client.post(SET_USAGE, json=report("1", date="2026-05-31"), headers=agent)
    yield "UserLimitExceeded", post(f"{usage}set_user_usage/", limited)
    yield "LimitExists", post(LIMITS, limit)
    yield "Unauthenticated", client.get(USAGES)
    yield "UnknownToken", client.get(USAGES, headers={"Authorization": "Token 0123"})
    yield "NotPermitted", client.get("/api/ledger/events/", headers=reader)
    yield "NotFound", client.get(f"{USAGES}{uuid_of(0)}/", headers=staff)
    yield "Missing", client.get(f"{USAGES}?page=99", headers=staff)
    yield "NoSuchPath", client.get("/api/nowhere/", headers=staff)
    yield "MethodNotAllowed", client.delete(USAGES, headers=staff)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Transfer-Encoding": "chunked"}
    yield "LengthRequired", client.post(SET_USAGE, data=b"a=b", headers=staff | form)
    yield "FigureChanged", post(SET_USAGE, report("99"), Ledger_Expect="1")
    yield "RequestEntityTooLarge", post(SET_USAGE, {"x": "x" * 200_000})
    text = {"Content-Type": "text/plain"}
    yield "UnsupportedMediaType", client.post(SET_USAGE, data=b"12.50", headers=staff | text)
    yield "UnsupportedEncoding", post(SET_USAGE, one, Content_Encoding="br")
    post(SET_USAGE, report("14.00"), Idempotency_Key="sea-ice")
    yield "KeyReused", post(SET_USAGE, report("15.00"), Idempotency_Key="sea-ice")
    here.app.config[TIMEOUT] = 0.0
    yield "NotThereYet", client.get(f"{USAGES}?min_position=1000000", headers=staff)
    for _ in range(100):
        client.get(USAGES, headers={"Authorization": "Token 0123"})
    yield "TooManyGuesses", client.get(USAGES, headers={"Authorization": "Token 0123"})


def unready(here: Demo) -> Any:
    """Return the answer once the read models can't follow the journal any more."""
    with psycopg.connect(here.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE read_models.component_usage ADD CHECK (usage < 0) NOT VALID")
    here.client.post(SET_USAGE, json=report("16.00"), headers=here.headers)
    response = here.client.get("/readyz")
    assert response.status_code == 503
    return response.get_json()


ARGUMENTS: dict[type[Exception], tuple[Any, ...]] = {
    errors.SigningRefused: ("The journal is at 90, and a checkpoint of 120 facts was signed.",),
    ReadOnly: ("This server is read-only.",),
    errors.TreeDamaged: ("facts of tile/entries/000 are missing",),
}
