"""Why something was reported: a header or a key of an item, kept in the facts of the report."""

import json
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from werkzeug.test import TestResponse

from ledger.events import Fact, Report, UsageReported, UserUsageReported
from tests.request.keys import KEY, REPORTS, set_usage
from tests.support.served import served
from tests.user_limits.limiting import LIMITS, body
from tests.world import RESOURCE, USAGES, World

REASON = "The meter of node 7 was replaced."
LONG = {"reason": ["Ensure this field has no more than 500 characters."]}
NOT_ENCODED = {"reason": ["Ledger-Reason must be text in UTF-8, percent-encoded where it is not ASCII."]}
CONTROL = {"reason": ["Line breaks and control characters are not allowed."]}
SECRET = {"reason": ["The token that the request is sent with must not be in it."]}

USER = {"resource": RESOURCE, "type": "cpu", "username": "ann", "usage": 3}


def item(amount: int = 1, **more: Any) -> dict[str, Any]:
    return {"resource": RESOURCE, "type": "cpu", "amount": amount, "date": "2026-11-02", **more}


def report(world: World, header: str | None = None, amount: int = 1, **more: str) -> TestResponse:
    path, values = set_usage(amount, date="2026-11-02")
    headers = more if header is None else {"Ledger-Reason": header, **more}
    return world.as_("staff").send("POST", path, json=values, headers=headers)


def bulk(world: World, *items: Any, header: str | None = None) -> TestResponse:
    headers = {} if header is None else {"Ledger-Reason": header}
    return world.as_("staff").send("POST", REPORTS, json=list(items), headers=headers)


def reasons(world: World, kind: type[Report] = UsageReported) -> list[str]:
    return [fact.reason for fact in world.facts(kind)]


def told(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json()


SAID = {
    REASON: REASON,
    "Z%C3%A4hler%20getauscht": "Zähler getauscht",
    "100%25 of %E2%82%AC": "100% of €",
    "a+b; c=d,e": "a+b; c=d,e",
    "%20padded%20": "padded",
    "x" * 500: "x" * 500,
    quote("ä" * 500): "ä" * 500,
}


def test_the_fact_says_why(world: World) -> None:
    for amount, header in enumerate((None, *SAID), start=1):
        assert report(world, header, amount).status_code == 201
    assert reasons(world) == ["", *SAID.values()]


def test_a_fact_without_a_reason_is_stored_as_before(world: World) -> None:
    report(world)
    report(world, REASON, 2)
    unsaid, said = (
        msgspec.json.decode(world.ledger.mapper.to_stored_event(fact).state)
        for fact in world.facts(UsageReported)
    )
    assert said.keys() - unsaid.keys() == {"reason"}


REFUSED: dict[str, Any] = {
    "x" * 501: LONG,
    quote("ä" * 501): LONG,
    "50% less": NOT_ENCODED,
    "%": NOT_ENCODED,
    "%e": NOT_ENCODED,
    "%zz": NOT_ENCODED,
    "%ff": NOT_ENCODED,
    "%C3": NOT_ENCODED,
    "%ED%A0%80": NOT_ENCODED,  # a surrogate
    "Zähler": NOT_ENCODED,
    "Zähler".encode().decode("latin-1"): NOT_ENCODED,
    "": NOT_ENCODED,
    "%20": NOT_ENCODED,
    "a\tb": NOT_ENCODED,
    "a%0Ab": CONTROL,
    "a%00b": CONTROL,
    "a%C2%85b": CONTROL,
    "a%E2%80%A8b": CONTROL,
}


def test_a_header_that_is_none_is_refused_and_nothing_is_stored(world: World) -> None:
    world.as_("staff")
    before = world.facts()
    for header, errors in REFUSED.items():
        assert told(report(world, header)) == (400, errors), header
        assert told(bulk(world, item(), header=header)) == (400, errors), header
    assert world.facts() == before


def test_bytes_that_the_server_does_not_hand_on_are_not_lost_in_silence(world: World, world_url: str) -> None:
    path, values = set_usage(1, date="2026-11-02")
    authorization = world.as_("staff").authorization
    with served(world_url) as service:
        for header in ("Zähler".encode(), b"Z\xe4hler", b"\xff", b""):
            sent = {"Authorization": authorization, "Ledger_Reason": header.decode("latin-1")}
            reply = service.post(path, json.dumps(values).encode(), **sent)
            assert (reply.status, reply.json) == (400, NOT_ENCODED)
        sent = {"Authorization": authorization, "Ledger_Reason": quote("Zähler")}
        assert service.post(path, json.dumps(values).encode(), **sent).status == 201
    assert reasons(world) == ["Zähler"]


BAD: list[tuple[Any, Any]] = [
    ("x" * 501, LONG),
    ("a\nb", CONTROL),
    ("a\x7fb", CONTROL),
    ("a\u202eb", CONTROL),
    ("a\x00b", {"reason": ["Null characters are not allowed."]}),
    (None, {"reason": ["This field may not be null."]}),
    ([], {"reason": ["Not a valid string."]}),
]


@pytest.mark.parametrize("good", [item(), USER])
def test_a_bad_reason_of_an_item_is_told_in_its_place(world: World, good: dict[str, Any]) -> None:
    response = bulk(world, good, *(good | {"reason": reason} for reason, _ in BAD))
    assert response.status_code == 400
    assert [each.get("errors") for each in response.get_json()["results"]] == [
        None,
        *(told for _, told in BAD),
    ]
    assert reasons(world, Report) == []


def test_an_items_own_reason_stands_over_the_headers(world: World) -> None:
    items = [
        item(),
        item(2, reason="Zähler"),
        item(3, reason=""),
        item(4, reason=" 50% "),
        item(5, reason=6),
        USER,
        USER | {"username": "bob", "reason": "of bob"},
    ]
    assert bulk(world, *items, header="of%20all").status_code == 201
    assert reasons(world) == ["of all", "Zähler", "", "50%", "6"]
    assert reasons(world, UserUsageReported) == ["of all", "of bob"]


def test_every_report_of_a_request_has_its_reason_and_nothing_else_has(world: World) -> None:
    staff = world.as_("staff")
    world.report(usages=[{"type": "cpu", "amount": 0}])
    before = len(world.facts())
    path = f"{USAGES}{world.usages()[0]['uuid']}/"
    headers = {"Ledger-Reason": REASON, "Idempotency-Key": KEY}
    users = [{"username": "ann", "usage": 1}, {"username": "bob", "usage": 2, "date": "2026-11-03"}]
    assert (
        staff.send("POST", f"{path}set_user_usages/", json={"usages": users}, headers=headers).status_code
        == 201
    )
    one = {"username": "cid", "usage": 2}
    assert (
        staff.send("POST", f"{path}set_user_usage/", json=one, headers={"Ledger-Reason": "b"}).status_code
        == 201
    )
    facts: list[Fact] = world.facts()[before:]
    assert [(type(each).__name__, getattr(each, "reason", None)) for each in facts] == [
        ("UserUsageReported", REASON),
        ("UserUsageReported", REASON),
        ("RequestDecided", None),
        ("UserUsageReported", "b"),
    ]


def test_what_changes_nothing_appends_nothing_whatever_its_reason(world: World) -> None:
    report(world, REASON)
    before = world.facts()
    assert report(world, "another").status_code == 201
    assert bulk(world, item(reason="another")).get_json()["unchanged"] == 1
    assert world.facts() == before


def test_a_retry_with_another_reason_is_another_request(world: World) -> None:
    key = {"Idempotency-Key": KEY}
    assert report(world, REASON, 1, **key).status_code == 201
    again = report(world, REASON, 1, **key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert report(world, "another", 1, **key).status_code == 422
    assert report(world, None, 1, **key).status_code == 422
    assert reasons(world) == [REASON]


def test_a_reason_with_the_token_in_it_is_refused(world: World) -> None:
    token = world.as_("staff").authorization.split()[1]
    before = world.facts()
    for secret in (token, token.upper(), f"token={token}", f"{token} again"):
        assert told(report(world, quote(secret))) == (400, SECRET)
        assert told(report(world, "".join(f"%{ord(each):02x}" for each in secret))) == (400, SECRET)
        response = bulk(world, *(each | {"reason": secret} for each in (item(), USER)))
        assert [each["errors"] for each in response.get_json()["results"]] == [SECRET, SECRET]
    assert world.facts() == before


def test_strict_requests_know_the_reason(world: World) -> None:
    assert report(world, REASON, Prefer="handling=strict").status_code == 201
    path, values = set_usage(2, date="2026-11-02")
    strict = {"Prefer": "handling=strict"}
    response = world.as_("staff").send("POST", path, json=values | {"reason": REASON}, headers=strict)
    assert response.status_code == 400
    assert response.get_json()["reason"][0].startswith("Unknown field.")


def test_a_dry_run_reads_the_reason(world: World) -> None:
    staff, dry = world.as_("staff"), f"{REPORTS}?dry_run=true"
    assert told(staff.send("POST", dry, json=[item()], headers={"Ledger-Reason": "%"})) == (400, NOT_ENCODED)
    assert staff.send("POST", dry, json=[item()], headers={"Ledger-Reason": "a"}).status_code == 201
    assert reasons(world) == []


def test_a_description_has_no_reason(world: World) -> None:
    response = world.as_("staff").send("POST", LIMITS, json=body(), headers={"Ledger-Reason": "a"})
    assert told(response) == (400, {"detail": "Ledger-Reason is for reports, and would not be kept."})
