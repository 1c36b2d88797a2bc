"""`Idempotency-Key`: a request that names itself is done once, and told the same for ever."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ledger import errors
from ledger.decisions.idempotency import LONGEST_REFUSAL, recorded_refusal, refusal_of
from ledger.domain.reports import RecordedRefusal
from ledger.events import Report, RequestDecided
from projections.rebuild import Rebuild
from tests.request.keys import KEY, REPORTS, SOME, is_replayed, post, set_usage, told
from tests.world import (
    CATALOGUE,
    OTHER_RESOURCE,
    PROVIDER,
    RESOURCE,
    SECOND_RESOURCE,
    USAGES,
    World,
    open_world,
    uid,
)

REUSED = {"detail": "This Idempotency-Key was used for another request. A new request needs a new key."}


def uuid_of(username: str) -> str:
    uuid: str = next(user["uuid"] for user in CATALOGUE["users"] if user["username"] == username)
    return uuid


def usage_of(world: World) -> str:
    world.report(usages=[{"type": "cpu", "amount": 100}])
    uuid: str = world.usages()[0]["uuid"]
    return uuid


BAD = [*SOME, {"resource": RESOURCE, "type": "fee", "amount": 1}]


ANN = {"username": "ann", "usage": 1}


POSTS: dict[str, tuple[str, Any, int]] = {
    "set_usage": (*set_usage(5), 201),
    "set_usage refused": (*set_usage(5, date="2027-01-01"), 400),
    "set_user_usage": (f"{USAGES}{{usage}}/set_user_usage/", ANN, 201),
    "set_user_usages": (f"{USAGES}{{usage}}/set_user_usages/", {"usages": [ANN]}, 201),
    "set_user_usages refused": (f"{USAGES}{{usage}}/set_user_usages/", {"usages": [ANN, {}]}, 400),
    "reports": (REPORTS, SOME, 201),
    "reports refused": (REPORTS, BAD, 400),
    "reports in part": (f"{REPORTS}?atomic=false", BAD, 201),
}


@pytest.mark.parametrize("name", POSTS)
def test_the_same_request_is_told_the_same_and_appends_nothing_again(world: World, name: str) -> None:
    path, body, status = POSTS[name]
    path = path.format(usage=usage_of(world))
    first = post(world, path, body)
    assert (first.status_code, is_replayed(first)) == (status, False)
    facts = world.facts()
    world.now = world.now.replace(hour=13)
    for _ in range(2):
        again = post(world, path, body)
        assert (told(again), is_replayed(again)) == (told(first), True)
    assert world.facts() == facts


def test_the_answer_is_one_fact_beside_those_of_the_report(world: World) -> None:
    before = len(world.facts())
    post(world, REPORTS, SOME)
    *_, cpu, gpu, answered = world.facts()
    assert isinstance(cpu, Report)
    assert isinstance(gpu, Report)
    assert isinstance(answered, RequestDecided)
    assert (answered.user_uuid.hex, answered.form) == (uid(1), "atomic_bulk")
    assert [(each.result, each.uuid) for each in answered.outcomes] == [
        ("created", cpu.usage_uuid),
        ("created", gpu.usage_uuid),
    ]
    assert len(world.facts()) == before + 4  # and the first plan period


def test_a_request_without_a_key_is_done_each_time(world: World) -> None:
    for hour in (12, 13):
        world.now = world.now.replace(hour=hour)
        response = post(world, *set_usage(5), key=None)
        assert (response.status_code, is_replayed(response)) == (201, False)
    assert len(world.facts(Report)) == 2
    assert world.facts(RequestDecided) == []


def test_an_answer_outlives_the_record_the_process_and_the_read_models(world: World, world_url: str) -> None:
    first = post(world, REPORTS, SOME)
    world.report(usages=[{"type": "cpu", "amount": 50}])
    with open_world(world_url) as restarted:
        Rebuild(restarted.ledger.pool, restarted.ledger.facts_after).run()
        facts = restarted.facts()
        again = post(restarted, REPORTS, SOME)
        assert (told(again), is_replayed(again)) == (told(first), True)
        assert restarted.facts() == facts
        assert {row["type"]: row["usage"] for row in restarted.usages()} == {"cpu": "50.00", "gpu": "6.00"}


def test_a_refusal_is_told_again_after_its_reason_is_gone(world: World) -> None:
    path, body = set_usage(5, resource=SECOND_RESOURCE)
    first = post(world, path, body, by="offering-manager")
    assert first.status_code == 403
    role = {"uuid": uid(0x99), "user_uuid": uid(3), "role_name": "CUSTOMER.OWNER"}
    world.describe(user_roles=[role | {"scope_type": "structure.customer", "scope_uuid": uid(0xC1)}])
    again = post(world, path, body, by="offering-manager")
    assert (told(again), is_replayed(again)) == (told(first), True)
    assert post(world, path, body, key="another", by="offering-manager").status_code == 201


REFUSED = [(*set_usage(5), 403), (*set_usage(5, date="2026-11-01"), 400), (REPORTS, BAD, 400)]


@pytest.mark.parametrize("by", ["stranger", "support", "project-admin", "customer-support", "former-owner"])
@pytest.mark.parametrize(("path", "body", "status"), REFUSED)
def test_a_refusal_of_those_who_may_report_nowhere_is_not_remembered(
    world: World, path: str, body: Any, status: int, by: str
) -> None:
    facts = world.facts()
    for _ in range(2):
        response = post(world, path, body, by=by)
        assert (response.status_code, is_replayed(response)) == (status, False)
    assert world.facts() == facts
    role = {"uuid": uid(0x99), "user_uuid": uuid_of(by), "role_name": "CUSTOMER.OWNER"}
    world.describe(user_roles=[role | {"scope_type": "structure.customer", "scope_uuid": PROVIDER}])
    again = post(world, path, body, by=by)
    assert (again.status_code, is_replayed(again)) == (400 if body is BAD else 201, False)


@pytest.mark.parametrize("by", ["staff", "offering-manager", "service-provider-manager", "consumer-owner"])
def test_a_refusal_of_those_who_may_report_somewhere_is_remembered(world: World, by: str) -> None:
    path, body = set_usage(5, resource=OTHER_RESOURCE, date="2027-01-01")
    first = post(world, path, body, by=by)
    again = post(world, path, body, by=by)
    assert (told(again), is_replayed(again)) == (told(first), True)
    (fact,) = world.facts(RequestDecided)
    assert [each.result for each in fact.outcomes] == ["refused"]


@pytest.mark.parametrize("is_too_large", [False, True])
def test_only_a_refusal_of_a_moderate_size_is_remembered(world: World, is_too_large: bool) -> None:
    def size(*refused: Any) -> int:
        """How long what is kept of a request would be."""
        post(world, REPORTS, [*SOME, *refused], key=str(len(refused)))
        return len(msgspec.json.encode(world.facts(RequestDecided)[-1].outcomes))

    one = size({}, {}) - size({})
    most = 1 + (LONGEST_REFUSAL - size({})) // one
    items = [*SOME, *[{}] * (most + is_too_large)]
    first = post(world, REPORTS, items)
    assert first.status_code == 400
    again = post(world, REPORTS, items)
    assert (told(again), is_replayed(again)) == (told(first), not is_too_large)
    # Nothing was stored for a key that is not remembered: it is free for another request.
    assert post(world, REPORTS, SOME).status_code == (201 if is_too_large else 422)


def test_what_was_stored_is_remembered_however_long_the_answer_is(world: World) -> None:
    path, items = f"{REPORTS}?atomic=false", [*SOME, *[{}] * 2000]
    first = post(world, path, items)
    assert (first.status_code, len(first.data) > LONGEST_REFUSAL) == (201, True)
    again = post(world, path, items)
    assert (told(again), is_replayed(again)) == (told(first), True)


def test_another_request_with_the_key_is_refused_and_changes_nothing(world: World) -> None:
    usage = usage_of(world)
    body = {"usages": [ANN]}
    path = f"{USAGES}{usage}/set_user_usages/"
    assert post(world, path, body).status_code == 201
    facts = world.facts()
    for other_path, other_body in (
        (path, {"usages": [ANN | {"usage": 2}]}),
        (f"{path}?x=1", body),
        (f"{USAGES}{usage}/set_user_usage/", ANN),
        (f"{USAGES}set_usage/", body),
        (f"{USAGES}{usage.upper()}/set_user_usages/", body),
        (path, {"usages": "unreadable"}),
    ):
        response = post(world, other_path, other_body)
        assert (response.status_code, response.get_json()) == (422, REUSED)
        assert not is_replayed(response)
    as_form = world.as_("staff").send(
        "POST",
        path,
        data=json.dumps(body),
        content_type="application/x-www-form-urlencoded",
        headers={"Idempotency-Key": KEY},
    )
    assert (as_form.status_code, as_form.get_json()) == (422, REUSED)
    assert world.facts() == facts
    assert is_replayed(post(world, path, body))


def test_a_key_is_the_users_own(world: World) -> None:
    path, body = set_usage(5)
    for by, hour in (("staff", 12), ("offering-manager", 13)):
        world.now = world.now.replace(hour=hour)
        response = post(world, path, body, by=by)
        assert (response.status_code, is_replayed(response)) == (201, False)
    assert len(world.facts(Report)) == 2
    assert post(world, *set_usage(6), by="provider-owner").status_code == 201


def test_a_key_goes_with_the_user_and_not_with_the_token(world: World) -> None:
    post(world, *set_usage(5))
    path, body = set_usage(5)
    other = world.client(world.token_of("staff"))
    assert is_replayed(other.send("POST", path, json=body, headers={"Idempotency-Key": KEY}))


def test_nobody_is_told_anything_for_a_key_without_a_token(world: World) -> None:
    post(world, *set_usage(5))
    path, body = set_usage(5)
    response = world.anonymous.send("POST", path, json=body, headers={"Idempotency-Key": KEY})
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        (f"{USAGES}set_usage/", "{", 400),
        (f"{USAGES}set_usage/", "[]", 400),
        (f"{USAGES}set_usage/", '{"usages": [{}], "resource": "x"}', 400),
        (f"{USAGES}{uid(9)}/set_user_usage/", "{}", 404),
        (REPORTS, "[", 400),
        (REPORTS, "[]", 400),
        (f"{REPORTS}?atomic=maybe", "[{}]", 400),
        (USAGES, "{}", 405),
    ],
)
def test_what_can_not_be_read_is_not_remembered(world: World, path: str, data: str, status: int) -> None:
    headers = {"Idempotency-Key": KEY}
    for _ in range(2):
        response = world.as_("staff").send(
            "POST", path, data=data, content_type="application/json", headers=headers
        )
        assert (response.status_code, is_replayed(response)) == (status, False)
    assert world.facts(RequestDecided) == []
    assert post(world, *set_usage(5)).status_code == 201


def test_a_dry_run_leaves_no_key_behind(world: World) -> None:
    for _ in range(2):
        response = post(world, f"{REPORTS}?dry_run=true", SOME)
        assert (response.status_code, is_replayed(response)) == (201, False)
    assert world.facts(RequestDecided) == []
    assert not is_replayed(post(world, REPORTS, SOME))


def test_a_key_of_a_get_means_nothing(world: World) -> None:
    post(world, *set_usage(5))
    response = world.as_("staff").send("GET", USAGES, headers={"Idempotency-Key": KEY})
    assert (response.status_code, is_replayed(response)) == (200, False)


@pytest.mark.parametrize(
    ("key", "same"),
    [
        ("abc", '"abc"'),
        ('"abc"', " abc "),
        ("a b", '"a b"'),
        ('"a\\"b\\\\c"', 'a"b\\c'),
        ("x" * 255, f'"{"x" * 255}"'),
        ("~", '"~"'),
    ],
)
def test_a_key_is_quoted_or_bare(world: World, key: str, same: str) -> None:
    assert not is_replayed(post(world, *set_usage(5), key=key))
    assert is_replayed(post(world, *set_usage(5), key=same))


@pytest.mark.parametrize("key", ["", '""', "  ", "x" * 256, "ä", "a\tb", "a\x00b", "a\x7fb", '"ä"'])
def test_a_key_that_can_not_be_one_is_refused(world: World, key: str) -> None:
    path, body = set_usage(5)
    # As a server hands it on: bytes of the wire, one character each.
    response = world.as_("staff").send(
        "POST", path, json=body, environ_overrides={"HTTP_IDEMPOTENCY_KEY": key}
    )
    message = "Idempotency-Key must have 1 to 255 printable ASCII characters."
    assert (response.status_code, response.get_json()) == (400, {"detail": message})
    assert world.facts(Report) == []


def test_keys_that_look_alike_are_different(world: World) -> None:
    for hour, key in enumerate(("abc", "ABC", "abc.", "a bc", '"abc')):
        world.now = world.now.replace(hour=hour)
        assert not is_replayed(post(world, *set_usage(5), key=key))


def kinds(base: type[errors.LedgerError]) -> set[type[errors.LedgerError]]:
    return {base}.union(*map(kinds, base.__subclasses__()))


AMOUNTS = [Decimal("100.00"), Decimal("1.50"), Decimal(99)]
REFUSALS = [
    errors.ComponentsNotReportable(["fee", "gpu"]),
    errors.UserLimitExceeded(*AMOUNTS),
    errors.FigureChanged(7),
    errors.FigureMoved(7, None, Decimal("1.50")),
    errors.OnlyCorrections(date(2026, 10, 1)),
    errors.InvalidItem({"usages": [{}, {"amount": ["A valid number is required."]}]}),
    errors.ItemsRefused([None, errors.UserLimitExceeded(*AMOUNTS), errors.InvalidItem({"detail": "no"})]),
    errors.NotFound("Resource"),
    errors.SameFigure(3),
    errors.UnreadableFact("Rumour", "this version knows no such kind", 7),
    errors.CorrectionRefused([None, errors.FigureChanged(7)]),
    errors.FiguresMoved([None, errors.FigureMoved(7, Decimal("1.00"), Decimal("1.50"))]),
]


def test_refusals_have_the_names_for_ever_that_facts_have_of_them() -> None:
    """A renamed one could not be read back, or would be read as another one."""
    names = {kind.__name__ for kind in kinds(errors.Refusal) - {errors.Refusal}}
    assert names == {
        *("AmountMissing", "ComponentOfOtherOffering", "ComponentsNotReportable", "FigureChanged"),
        *("FigureMoved", "FigureTooLarge", "InvalidItem", "ItemsRefused", "LimitExists", "MayNotBackfill"),
        *("MeasuredInFuture", "MonthIsClosed", "NotInProject", "OfOtherProvider", "OnlyCorrections"),
        *("ResourceHasNoPlan", "ResourceNotInValidState", "SameFigure", "UserLimitExceeded"),
    }


@pytest.mark.parametrize("kind", sorted(kinds(errors.LedgerError), key=str))
def test_every_refusal_comes_back_from_a_fact_as_it_was(kind: type[errors.LedgerError]) -> None:
    made = next((each for each in REFUSALS if type(each) is kind), None) or kind()
    text = msgspec.json.encode(recorded_refusal(made))
    again = refusal_of(msgspec.json.decode(text, type=RecordedRefusal))
    assert type(again) is kind
    assert vars(again).keys() == vars(made).keys()
    assert recorded_refusal(again) == recorded_refusal(made)
    assert [type(value) for value in again.args] == [type(value) for value in made.args]
