"""What is asked of the demo's service in vain: an error of each kind, as a client is told of it."""

from collections.abc import Iterator
from typing import Any

from werkzeug.test import TestResponse

from tests.docs.demo import CPU, CUSTOMER, OFFERING, OFFERING_USER, PROJECT, RESOURCE, Demo, uuid_of
from tests.world import as_lists
from web.commands import demo, tokens
from web.importer.importer import import_lists
from web.request.read_your_writes import TIMEOUT

Json = dict[str, Any]

USAGES = "/api/marketplace-component-usages/"
SET_USAGE = f"{USAGES}set_usage/"
IDENTITIES = "/api/marketplace-site-agent-identities/"
LIMITS = "/api/component-user-usage-limits/"
CORRECTIONS, MANIFESTS, MONTHS = (f"/api/ledger/{name}/" for name in ("corrections", "manifests", "months"))
URL = "http://localhost/api"

SECOND, NO_PLAN, IN_CREATION = uuid_of(702), uuid_of(791), uuid_of(792)
STRANGER, VCPU = uuid_of(991), uuid_of(521)
ELSEWHERE = uuid_of(793)
"""A resource of another provider."""

_PLACE = {"offering_uuid": OFFERING, "project_uuid": PROJECT, "created": "2026-01-01T00:00:00Z"}

ODD: dict[str, list[Json]] = {
    "offerings": [{"uuid": uuid_of(591), "name": "elsewhere", "customer_uuid": CUSTOMER}],
    "offering_components": [
        {"uuid": uuid_of(592), "offering_uuid": uuid_of(591), "type": "cpu", "name": "CPU"}
    ],
    "plans": [{"uuid": uuid_of(691), "name": "elsewhere", "offering_uuid": uuid_of(591)}],
    "resources": [
        {"uuid": NO_PLAN, "name": "no plan", **_PLACE},
        {"uuid": IN_CREATION, "name": "in creation", "plan_uuid": uuid_of(601), "state": 1, **_PLACE},
        {"uuid": ELSEWHERE, "name": "elsewhere", "plan_uuid": uuid_of(691)}
        | (_PLACE | {"offering_uuid": uuid_of(591)}),
    ],
    "offering_users": [
        {"uuid": STRANGER, "offering_uuid": OFFERING, "user_uuid": uuid_of(4), "username": "zoe"}
    ],
}
"""What nothing can be reported of, and who has no role on the project."""


def report(amount: str, **more: Any) -> Json:
    """The body of a report of the demo's first resource."""
    return {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": amount}], **more}


def correction(*amounts: str, **more: Any) -> Json:
    """The body that proposes what the CPU hours of May are to be, of the demo's first resource."""
    may = {"resource": RESOURCE, "type": "cpu", "date": "2026-05-31"}
    items = [may | {"amount": each} for each in amounts]
    return {"title": "CPU hours of May", "reason": "minutes were counted as hours", "items": items, **more}


def limit_of_user(limit: str, **more: Any) -> Json:
    """The body that sets a limit of the demo's offering user."""
    return {
        "resource": f"{URL}/marketplace-resources/{RESOURCE}/",
        "component": CPU,
        "user": f"{URL}/marketplace-offering-users/{OFFERING_USER}/",
        "limit": limit,
        **more,
    }


Told = Iterator[tuple[str, TestResponse]]


def of_requests(here: Demo, objects: Json) -> Told:
    """Yield the names of what can be wrong with a request, and what the service answers to one."""
    yield from _of_catalogue(here)
    yield from _of_others(here, objects)


def _of_catalogue(here: Demo) -> Told:
    import_lists(as_lists(ODD), here.services)
    reader = {"Authorization": f"Token {here.token_of('demo-reader')}"}

    def post(path: str, body: Any, headers: Any = here.headers) -> TestResponse:
        return here.client.post(path, json=body, headers=headers)

    for name, resource in (("ResourceHasNoPlan", NO_PLAN), ("ResourceNotInValidState", IN_CREATION)):
        yield name, post(SET_USAGE, report("1") | {"resource": resource})
    yield "MayNotBackfill", post(SET_USAGE, report("1", date="2026-11-01"), reader)
    stranger = f"{URL}/marketplace-offering-users/{STRANGER}/"
    yield "NotInProject", post(LIMITS, limit_of_user("1") | {"user": stranger})
    yield "ComponentOfOtherOffering", post(LIMITS, limit_of_user("1") | {"component": VCPU})


def _of_others(here: Demo, objects: Json) -> Told:
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
    of_provider = {"Authorization": f"Token {here.token_of('demo-provider')}"}

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
    closing = {"offering": OFFERING, "month": "2026-03"}
    post(f"{MONTHS}close/", closing)
    yield "OnlyCorrections", post(SET_USAGE, report("1", date="2026-03-01"))
    post(f"{MONTHS}reopen/", closing)
    yield "WrongStep", post(f"{MONTHS}reopen/", closing)
    yield "SameFigure", post(CORRECTIONS, correction("3.00", "4.00"))
    of_two = correction("3.00", "4.00")
    of_two["items"][1]["resource"] = ELSEWHERE
    yield "OfOtherProvider", post(CORRECTIONS, of_two)
    own = post(CORRECTIONS, correction("3.00")).get_json()["uuid"]
    yield "SecondPersonNeeded", post(f"{CORRECTIONS}{own}/approve/", {})
    yield "FigureMoved", client.post(f"{CORRECTIONS}{own}/approve/", json={"expect": 0}, headers=of_provider)
    yield "UserLimitExceeded", post(f"{usage}set_user_usage/", limited)
    yield "AmountMissing", post(f"{usage}set_user_usage/", {"username": "ann"})
    most = [{"username": name, "usage": "999999999999999999.99"} for name in ("bob", "cleo")]
    post(SET_USAGE, {**report("0"), "resource": SECOND})
    (nothing,) = here.get(USAGES, resource_uuid=SECOND)
    yield "FigureTooLarge", post(f"{USAGES}{nothing['uuid']}/set_user_usages/", {"usages": most})
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
    of_one_use = tokens.create(here.services, demo.STAFF, days=1, uses="report")
    yield "NotForThis", client.get(USAGES, headers={"Authorization": f"Token {of_one_use}"})
    here.app.config[TIMEOUT] = 0.0
    yield "NotThereYet", client.get(f"{USAGES}?min_position=1000000", headers=staff)
    for _ in range(100):
        client.get(USAGES, headers={"Authorization": "Token 0123"})
    yield "TooManyGuesses", client.get(USAGES, headers={"Authorization": "Token 0123"})
