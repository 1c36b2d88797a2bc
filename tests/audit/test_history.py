"""The revisions of a usage: what was said of it, by whom, through what, and what it was before."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from waldur_api_client import AuthenticatedClient
from waldur_api_client.api.customers import customers_history_at_retrieve, customers_history_list
from waldur_api_client.models import VersionHistory

from ledger.events import UsageReported
from tests import controls
from tests.api.plans import describe_periods
from tests.projections.rebuilding import carried
from tests.world import (
    BASIC,
    CATALOGUE,
    CPU,
    NOW,
    PREMIUM,
    PROJECT,
    RESOURCE,
    USAGES,
    USER_USAGES,
    Client,
    World,
    uid,
)

Version = dict[str, Any]


def history(world: World, uuid: str, path: str = USAGES, *, by: str = "staff", **query: Any) -> list[Version]:
    response = world.as_(by).get(f"{path}{uuid}/history/", **query)
    assert response.status_code == 200, response.get_json()
    return cast("list[Version]", response.get_json())


def usage_of(world: World, **query: Any) -> str:
    """The uuid of the one usage that there is."""
    (row,) = world.usages(**query)
    return cast(str, row["uuid"])


def send(client: Client, path: str, body: Any, **headers: str) -> None:
    response = client.send("POST", path, json=body, headers=headers)
    assert response.status_code == 201, response.get_json()


FIGURES = ("amount", "usage_before", "usage_after", "delta")


def figures(versions: list[Version]) -> list[tuple[str | None, ...]]:
    return [tuple(version[name] for name in FIGURES) for version in versions]


def test_a_revision_says_who_stated_what_through_what_and_why(world: World) -> None:
    path, item = f"{USAGES}set_usage/", {"type": "cpu", "amount": "230", "description": "nightly"}
    send(world.as_("staff"), path, {"resource": RESOURCE, "usages": [item]})
    before = usage_of(world)
    world.now += timedelta(days=1, microseconds=5)
    sent = {"User-Agent": "agent/1.0", "X-Request-ID": "a1", "Ledger-Reason": "node 7 counted tw%C3%ADce"}
    body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": "231.5"}]}
    send(world.as_("offering-manager"), path, body, **sent)
    uuid, token = usage_of(world), world.facts(UsageReported)[-1].token_uuid
    assert token is not None
    newest, oldest = history(world, uuid)
    last = world.projector.reached().end.position
    at = "2026-11-16T12:00:00.000005+00:00"
    assert newest == {
        "id": last,
        "revision_date": at,
        "revision_user": {"uuid": uid(3), "username": "offering-manager", "id": 3},
        "revision_comment": "node 7 counted twíce",
        "serialized_data": controls.usage_row(
            uuid=uuid, usage="231.50", date=at, modified_by=3, description=""
        ),
        "position": last,
        "fact": "UsageReported",
        "source": "api",
        "amount": "231.50",
        "usage_before": "230.00",
        "usage_after": "231.50",
        "delta": "1.50",
        "measured_at": at,
        "token_uuid": token.hex,
        "agent": "agent/1.0",
        "request_id": "a1",
        "correction": None,
    }
    assert figures([oldest]) == [("230.00", None, "230.00", "230.00")]
    assert oldest["serialized_data"] == controls.usage_row(uuid=uuid, usage="230.00", description="nightly")
    assert oldest["revision_user"] == {"uuid": uid(1), "username": "staff", "id": 1}
    assert (oldest["revision_comment"], oldest["request_id"]) == ("", "")
    assert uuid == before
    assert newest["serialized_data"] == world.as_("staff").get(f"{USAGES}{uuid}/").get_json()


def test_revisions_come_in_pages(world: World) -> None:
    for amount in range(7):
        world.report(usages=[{"type": "cpu", "amount": amount}])
    uuid = usage_of(world)
    whole, client = history(world, uuid), world.as_("staff")
    assert [version["usage_after"] for version in whole] == [f"{amount}.00" for amount in range(6, -1, -1)]
    path = f"{USAGES}{uuid}/history/"
    response = client.get(path, page=2, page_size=3)
    assert response.get_json() == whole[3:6]
    assert response.headers["X-Result-Count"] == "7"
    url = f"http://localhost{path}?"
    assert response.headers["Link"] == ", ".join(
        f'<{url}{query}page_size=3>; rel="{rel}"'
        for rel, query in {"first": "", "prev": "", "next": "page=3&", "last": "page=3&"}.items()
    )
    assert client.get(path, page="last", page_size=3).get_json() == whole[6:]
    for page in ("4", "0", "x"):
        response = client.get(path, page=page, page_size=3)
        assert (response.status_code, response.get_json()) == (404, {"detail": "Invalid page."})
    assert client.head(path).headers["X-Result-Count"] == "7"
    strict = client.send("GET", path, query_string={"o": "x"}, headers={"Prefer": "handling=strict"})
    assert (strict.status_code, list(strict.get_json())) == (400, ["o"])


def test_what_changes_nothing_is_no_revision(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}, {"type": "gpu", "amount": 1}])
    uuid = usage_of(world, type="cpu")
    before = history(world, uuid)
    world.report(usages=[{"type": "cpu", "amount": 1}, {"type": "gpu", "amount": 2}])
    world.report_user(uuid, username="ann", usage=1)
    (project,) = (each for each in CATALOGUE["projects"] if each["uuid"] == PROJECT)
    world.describe(projects=[project | {"name": "Renamed"}])
    assert history(world, uuid) == before
    assert before[0]["serialized_data"]["project_name"] == "Project"
    world.report(usages=[{"type": "cpu", "amount": 1, "description": "checked"}])
    newest, oldest = history(world, uuid)
    assert [oldest] == before
    assert newest["delta"] == "0.00"
    assert newest["serialized_data"]["project_name"] == "Renamed"


def test_a_policy_that_another_plans_report_ended_is_a_revision_in_which_nothing_is_stated(
    world: World,
) -> None:
    describe_periods(world, (uid(0x61), BASIC, "2026-01-01T00:00:00Z", None))
    world.report(usages=[{"type": "cpu", "amount": 3, "missing_usage_policy": "reuse"}])
    uuid = usage_of(world)
    switch = NOW.isoformat()
    describe_periods(
        world,
        (uid(0x61), BASIC, "2026-01-01T00:00:00Z", switch),
        (uid(0x62), PREMIUM, switch, None),
    )
    world.report(usages=[{"type": "cpu", "amount": 10}])
    newest, oldest = history(world, uuid)
    assert figures([newest, oldest]) == [(None, "3.00", "3.00", "0.00"), ("3.00", None, "3.00", "3.00")]
    assert [each["serialized_data"]["missing_usage_policy"] for each in (newest, oldest)] == ["none", "reuse"]
    (other,) = (row["uuid"] for row in world.usages() if row["uuid"] != uuid)
    (single,) = history(world, other)
    assert figures([single]) == [("10.00", None, "7.00", "7.00")]
    assert single["position"] == newest["position"]


def test_a_total_taken_over_from_users_is_a_revision(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 0}])
    uuid = usage_of(world)
    world.report_user(uuid, username="ann", usage=3)
    world.report_user(uuid, username="bob", usage=4)
    newest, oldest = history(world, uuid)
    assert figures([newest]) == [("3.00", "0.00", "3.00", "3.00")]
    assert (newest["fact"], oldest["fact"]) == ("UserUsageReported", "UsageReported")
    (of_ann,) = (row["uuid"] for row in world.user_usages(username="ann"))
    (shared,) = history(world, of_ann, USER_USAGES)
    assert shared["position"] == newest["position"]


def test_user_usages_have_revisions_and_a_changed_date_of_their_component_usage_is_none(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 9}])
    uuid = usage_of(world)
    for amount in (2, "2.5", "2.5"):
        world.now += timedelta(hours=1)
        world.report_user(uuid, username="ann", usage=amount)
    world.report(usages=[{"type": "cpu", "amount": 9}])
    (row,) = world.user_usages()
    newest, oldest = history(world, row["uuid"], USER_USAGES)
    assert figures([newest, oldest]) == [
        ("2.50", "2.00", "2.50", "0.50"),
        ("2.00", None, "2.00", "2.00"),
    ]
    assert newest["serialized_data"] == controls.user_usage_row(
        uuid=row["uuid"],
        component_usage=f"http://localhost{USAGES}{uuid}/",
        modified="2026-11-15T14:00:00+00:00",
        created="2026-11-15T13:00:00+00:00",
    )
    assert row["date"] == "2026-11-15T15:00:00+00:00"
    assert newest["measured_at"] == "2026-11-15T14:00:00+00:00"
    assert newest["fact"] == "UserUsageReported"


def test_imports_and_what_was_carried_over_are_revisions_of_which_less_is_known(world: World) -> None:
    usage = {"uuid": uid(0x8000), "resource_uuid": RESOURCE, "component_uuid": CPU, "usage": "5"}
    usage |= {"billing_period": "2026-10-01", "date": "2026-10-09", "missing_usage_policy": "reuse"}
    user = {"uuid": uid(0x8100), "component_usage_uuid": uid(0x8000), "username": "ann", "usage": "1"}
    world.describe(component_usages=[usage], component_user_usages=[user])
    for path, uuid in ((USAGES, uid(0x8000)), (USER_USAGES, uid(0x8100))):
        (version,) = history(world, uuid, path)
        assert (version["source"], version["revision_user"], version["token_uuid"]) == ("import", None, None)
        assert (version["agent"], version["request_id"], version["revision_comment"]) == ("", "", "")
        assert version["usage_before"] is None
    assert carried(world) == 1
    (version,) = history(world, usage_of(world, billing_period="2026-11-01"))
    assert (version["fact"], version["source"]) == ("UsageCarriedOver", "carry-over")
    assert figures([version]) == [("5.00", None, "5.00", "5.00")]


# --- what was in force at a time ---


def test_the_revision_in_force_at_a_time_is_the_last_one_recorded_until_then(world: World) -> None:
    for amount in (1, 2, 3):
        world.now = NOW + timedelta(minutes=amount)
        world.report(usages=[{"type": "cpu", "amount": amount}])
    uuid, client = usage_of(world), world.as_("staff")
    newest, middle, oldest = history(world, uuid)
    path = f"{USAGES}{uuid}/history/at/"
    for timestamp, expected in {
        "2026-11-15T12:01:00Z": oldest,
        "2026-11-15T14:01:59.999999+02:00": oldest,
        "2026-11-15T12:02:00Z": middle,
        "2026-11-15T12:03:00Z": newest,
        "2100-01-01T00:00:00Z": newest,
    }.items():
        response = client.get(path, timestamp=timestamp)
        assert (response.status_code, response.get_json()) == (200, expected)
    for timestamp in ("2026-11-15T12:00:59.999999Z", "0001-01-01T00:00:00+23:59"):
        response = client.get(path, timestamp=timestamp)
        missing = {"detail": "No version found for the given timestamp."}
        assert (response.status_code, response.get_json()) == (404, missing)


def test_what_was_in_force_is_told_as_it_was_known_at_a_position(world: World) -> None:
    for amount in (1, 2, 3):
        world.now = NOW + timedelta(minutes=amount)
        world.report(usages=[{"type": "cpu", "amount": amount}])
    uuid = usage_of(world)
    _, middle, oldest = history(world, uuid)
    for as_of in (middle["position"], "2026-11-15T12:02:30Z"):
        for timestamp, expected in {"2100-01-01T00:00:00Z": middle, "2026-11-15T12:01:30Z": oldest}.items():
            response = world.as_("staff").get(f"{USAGES}{uuid}/history/at/", timestamp=timestamp, as_of=as_of)
            assert (response.status_code, response.get_json()) == (200, expected)
            assert response.headers["Ledger-Position"] == str(middle["position"])
    assert history(world, uuid, as_of=middle["position"]) == [middle, oldest]
    gone = world.as_("staff").get(f"{USAGES}{uuid}/history/", as_of=oldest["position"] - 1)
    missing = {"detail": "No ComponentUsage matches the given query."}
    assert (gone.status_code, gone.get_json()) == (404, missing)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "This field is required."),
        *(
            ({"timestamp": text}, "Enter an RFC 3339 time.")
            for text in ("", "yesterday", "152", "2026-11-15", "2026-11-15T12:00:00", "2026-02-30T12:00:00Z")
        ),
    ],
)
def test_a_time_that_is_none_is_refused(world: World, query: dict[str, str], message: str) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    response = world.as_("staff").get(f"{USAGES}{usage_of(world)}/history/at/", **query)
    assert (response.status_code, response.get_json()) == (400, {"timestamp": [message]})


@pytest.mark.parametrize("uuid", [uid(0xDEAD), "x"])
@pytest.mark.parametrize(("end", "query"), [("", {}), ("at/", {"timestamp": "2026-11-15T12:00:00Z"})])
def test_what_there_is_not_has_no_history(world: World, uuid: str, end: str, query: dict[str, str]) -> None:
    for path, kind in ((USAGES, "ComponentUsage"), (USER_USAGES, "ComponentUserUsage")):
        response = world.as_("staff").get(f"{path}{uuid}/history/{end}", **query)
        missing = {"detail": f"No {kind} matches the given query."}
        assert (response.status_code, response.get_json()) == (404, missing)


# --- Waldur's client ---


def test_waldurs_client_reads_the_versions(
    world: World, client: AuthenticatedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has histories of other things: their functions are called, and asked for ours."""
    for amount in range(12):
        world.report(usages=[{"type": "cpu", "amount": amount}])
    uuid = usage_of(world)
    world.report_user(uuid, username="ann", usage=1)
    (row,) = world.user_usages()
    http = client.get_httpx_client()
    ask = http.request
    for path, of, count in ((USAGES, uuid, 12), (USER_USAGES, row["uuid"], 1)):

        def request(*, url: str, path: str = path, **arguments: Any) -> Any:
            return ask(url=url.replace("/api/customers/", path), **arguments)

        monkeypatch.setattr(http, "request", request)
        versions = customers_history_list.sync_all(client=client, uuid=UUID(of))
        assert [version.revision_comment for version in versions] == [""] * count
        assert [version.id for version in versions] == sorted((v.id for v in versions), reverse=True)
        single = customers_history_at_retrieve.sync(client=client, uuid=UUID(of), timestamp=NOW.isoformat())
        assert isinstance(single, VersionHistory)
        assert single == versions[0]
        assert single.revision_date == NOW
        assert single.serialized_data["uuid"] == of
        assert single.revision_user is not None
        assert single.revision_user["username"] == "staff"
