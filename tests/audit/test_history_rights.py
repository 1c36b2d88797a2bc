"""Who sees which revisions: whoever saw the row as it was after them. Auditors see what the owner sees."""

from typing import Any

import pytest

from tests.api.test_visibility import ALL, SEES, report_all
from tests.audit.asking import OF_THE_TREE
from tests.audit.test_feed_rights import make_auditor
from tests.audit.test_history import figures, history
from tests.world import (
    CATALOGUE,
    CONSUMER,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_PROVIDER,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SERVICE_PROVIDER,
    USAGES,
    USER_USAGES,
    World,
    uid,
)

KINDS = {USAGES: "ComponentUsage", USER_USAGES: "ComponentUserUsage"}
ROLE = {"uuid": uid(0x91), "user_uuid": uid(10), "role_name": "CUSTOMER.OWNER"}
SCOPES = {
    "customer": (CONSUMER, OTHER_CONSUMER, PROVIDER, OTHER_PROVIDER),
    "project": (PROJECT,),
    "offering": (OFFERING,),
    "serviceprovider": (SERVICE_PROVIDER,),
}


def missing(path: str) -> tuple[int, dict[str, str]]:
    return 404, {"detail": f"No {KINDS[path]} matches the given query."}


def answers(world: World, username: str, path: str, uuid: str) -> list[tuple[int, Any]]:
    """Return what a user is told of a row's history, and of its last revision."""
    at = {"timestamp": "2100-01-01T00:00:00Z"}
    client = world.as_(username)
    both = client.get(f"{path}{uuid}/history/"), client.get(f"{path}{uuid}/history/at/", **at)
    return [(response.status_code, response.get_json()) for response in both]


@pytest.mark.parametrize("username", SEES)
def test_a_history_is_seen_by_whoever_sees_the_row_and_not_found_by_others(
    world: World, username: str
) -> None:
    report_all(world)
    for path in KINDS:
        for row in world.as_("staff").get(path).get_json():
            if row["resource_uuid"] in SEES[username]:
                expected = answers(world, "staff", path, row["uuid"])
                assert [status for status, _ in expected] == [200, 200]
            else:
                expected = [missing(path)] * 2
            assert answers(world, username, path, row["uuid"]) == expected


def test_nobody_reads_a_history_without_a_token_and_nobody_writes_one(world: World) -> None:
    report_all(world)
    for path in KINDS:
        row, *_ = world.as_("staff").get(path).get_json()
        for end in ("history/", "history/at/"):
            assert world.anonymous.get(f"{path}{row['uuid']}/{end}").status_code == 401
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                assert world.as_("staff").send(method, f"{path}{row['uuid']}/{end}").status_code == 405


@pytest.mark.parametrize(
    ("scope_type", "scope"), [(k, uuid) for k, uuids in SCOPES.items() for uuid in uuids]
)
def test_any_role_shows_the_histories_of_what_it_shows(world: World, scope_type: str, scope: str) -> None:
    """Roles of their own and AUDITOR, too: of foreign objects nothing is told."""
    report_all(world)
    prefix = "structure" if scope_type in ("customer", "project") else "marketplace"
    for name in ("CUSTOMER.OWNER", "AUDITOR", "Anything"):
        role = ROLE | {"role_name": name, "scope_type": f"{prefix}.{scope_type}", "scope_uuid": scope}
        world.describe(user_roles=[role])
        for path in KINDS:
            seen = {row["uuid"] for row in world.as_("stranger").get(path).get_json()}
            assert seen
            for row in world.as_("staff").get(path).get_json():
                uuid = row["uuid"]
                expected = answers(world, "staff", path, uuid) if uuid in seen else [missing(path)] * 2
                assert answers(world, "stranger", path, uuid) == expected


# --- moves ---


def test_a_revision_from_before_a_move_is_seen_by_whoever_saw_the_row_then(world: World) -> None:
    world.describe(user_roles=[ROLE | {"scope_type": "structure.customer", "scope_uuid": OTHER_CONSUMER}])
    for amount in (1, 2):
        world.report(usages=[{"type": "cpu", "amount": amount}])
    (usage,) = world.usages()
    world.report_user(usage["uuid"], username="ann", usage=1)
    (user_usage,) = world.user_usages()
    rows = {USAGES: usage["uuid"], USER_USAGES: user_usage["uuid"]}
    before = {path: history(world, uuid, path) for path, uuid in rows.items()}
    (project,) = (each for each in CATALOGUE["projects"] if each["uuid"] == PROJECT)
    world.describe(projects=[project | {"customer_uuid": OTHER_CONSUMER}])
    # The new owner sees the row, of which nothing was said since. The old one sees what was said, and no row.
    for path, uuid in rows.items():
        none = {"detail": "No version found for the given timestamp."}
        assert answers(world, "stranger", path, uuid) == [(200, []), (404, none)]
        assert world.as_("consumer-owner").get(f"{path}{uuid}/").status_code == 404
        assert answers(world, "consumer-owner", path, uuid) == [(200, before[path]), (200, before[path][0])]
        as_of = {"as_of": before[path][0]["position"]}
        then = world.as_("consumer-owner").get(f"{path}{uuid}/", **as_of)
        assert (then.status_code, then.get_json()) == (200, before[path][0]["serialized_data"])
        for end in ("", "history/"):
            assert world.as_("stranger").get(f"{path}{uuid}/{end}", **as_of).status_code == 404
        assert answers(world, "customer-support", path, uuid)[0] == (200, before[path])
        assert answers(world, "project-member", path, uuid)[0] == (200, before[path])
        assert answers(world, "provider-owner", path, uuid)[0] == (200, before[path])
    world.report(usages=[{"type": "cpu", "amount": 3}])
    world.report_user(usage["uuid"], username="ann", usage=2)
    for path, uuid in rows.items():
        whole = history(world, uuid, path)
        assert whole[1:] == before[path]
        assert history(world, uuid, path, by="stranger") == whole[:1]
        assert history(world, uuid, path, by="consumer-owner") == before[path]
        assert history(world, uuid, path, by="project-member") == whole
        for username, count in (("stranger", 1), ("consumer-owner", len(before[path]))):
            response = world.as_(username).get(f"{path}{uuid}/history/", page_size=1)
            assert response.headers["X-Result-Count"] == str(count)
            assert f"page={count}&" in response.headers["Link"] or count == 1
    assert figures(history(world, usage["uuid"], by="stranger")) == [("3.00", "2.00", "3.00", "1.00")]


def test_a_resource_that_moves_takes_its_offering_and_provider_along(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    (usage,) = world.usages()
    (offering,) = (each for each in CATALOGUE["offerings"] if each["uuid"] == OFFERING)
    world.describe(offerings=[offering | {"customer_uuid": OTHER_PROVIDER}])
    world.report(usages=[{"type": "cpu", "amount": 2}])
    newest, oldest = history(world, usage["uuid"])
    assert history(world, usage["uuid"], by="provider-owner") == [oldest]
    assert history(world, usage["uuid"], by="service-provider-manager") == [oldest]
    assert history(world, usage["uuid"], by="offering-manager") == [newest, oldest]


# --- auditors ---

OBJECTS: dict[str, tuple[str, ...]] = {
    "marketplace-project-usage": tuple(each["uuid"] for each in CATALOGUE["projects"]),
    "marketplace-customer-usage": tuple(each["uuid"] for each in CATALOGUE["customers"]),
    "marketplace-resources": tuple(each["uuid"] for each in CATALOGUE["resources"]),
    "marketplace-provider-resources": tuple(each["uuid"] for each in CATALOGUE["resources"]),
    "marketplace-provider-offerings": tuple(each["uuid"] for each in CATALOGUE["offerings"]),
    "marketplace-service-providers": (SERVICE_PROVIDER,),
    "marketplace-offering-users": tuple(each["uuid"] for each in CATALOGUE["offering_users"]),
}
"""What there is by collections whose lists do not show it all to staff, or that have none."""

OF_AUDITORS = ("/api/ledger/events/", "/api/users/me/", *OF_THE_TREE)
"""What an auditor reads and an owner does not, and what says who asks."""


QUERY = {"timestamp": "2100-01-01T00:00:00Z", "start": "2026-11", "end": "2026-11"}
QUERY |= {"offering_uuid": OFFERING, "component_type": "cpu"}
LEDGER: dict[str, dict[str, str]] = {"/api/ledger/diff/": {"from": "0"}, "/api/ledger/unexplained/": {}}
"""What is asked of the lists of changes."""


def lower_all(world: World) -> None:
    """Lower a figure of the month before of every resource, and say nothing of it."""
    for resource in sorted(ALL):
        for amount in (10, 5):
            usages = [{"type": "cpu", "amount": amount}]
            assert world.report(resource=resource, date="2026-10-05", usages=usages).status_code == 201


@pytest.mark.parametrize("username", SEES)
def test_lists_of_changes_have_those_of_what_a_user_sees(world: World, username: str) -> None:
    lower_all(world)
    for path, query in LEDGER.items():
        whole = world.as_("staff").get(path, **query).get_json()
        assert {row["resource_uuid"] for row in whole} == ALL
        seen = [row for row in whole if row["resource_uuid"] in SEES[username]]
        response = world.as_(username).get(path, **query)
        assert (response.status_code, response.get_json()) == (200, seen)
        assert response.headers["X-Result-Count"] == str(len(seen))
        assert world.anonymous.get(path, **query).status_code == 401


TOTALS = {"/api/ledger/diff-totals/": {"from": "0"}}


def paths(world: World) -> list[str]:
    """Every GET that there is, with every object of its collection."""
    found = []
    for rule in world.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.rule.startswith("/api/") or rule.rule in OF_AUDITORS:
            continue
        if not rule.arguments - {"kind"}:
            found.append(rule.rule)
            continue
        if "<object_id:uuid>" not in rule.rule:
            assert rule.rule.startswith("/api/docs/")  # files of a package
            continue
        collection = rule.rule.partition("<")[0]
        uuids = OBJECTS.get(collection.split("/")[2])
        if uuids is None:
            uuids = tuple(row["uuid"] for row in world.as_("staff").get(collection).get_json())
        found += [rule.rule.replace("<object_id:uuid>", uuid) for uuid in uuids]
    return found


@pytest.mark.parametrize(("customer", "owner"), [(CONSUMER, "consumer-owner"), (PROVIDER, "provider-owner")])
def test_an_auditor_reads_what_the_owner_of_their_customer_reads_and_no_more(
    world: World, customer: str, owner: str
) -> None:
    report_all(world)
    make_auditor(world, customer)
    lower_all(world)
    found, position = paths(world), world.projector.catch_up()
    (project,) = (each for each in CATALOGUE["projects"] if each["uuid"] == PROJECT)
    world.describe(projects=[project | {"customer_uuid": OTHER_CONSUMER}])
    assert len(found) > 60
    told = {False: 0, True: 0}
    for path in found:
        query = (LEDGER | TOTALS).get(path, {}) if path.startswith("/api/ledger/") else QUERY
        for as_of in ({}, {"as_of": str(position)}):
            theirs, ours = (world.as_(name).get(path, **query, **as_of) for name in (owner, "stranger"))
            assert (ours.status_code, ours.data) == (theirs.status_code, theirs.data), path
            told[bool(as_of)] += theirs.status_code == 200
    assert min(told.values()) > 20
    assert told[True] > told[False] or customer == PROVIDER


def test_an_auditor_changes_nothing(world: World) -> None:
    report_all(world)
    make_auditor(world, CONSUMER)
    (usage,) = world.usages(resource_uuid=RESOURCE)
    assert world.report(by="stranger", usages=[{"type": "cpu", "amount": 1}]).status_code == 403
    assert world.report_user(usage["uuid"], by="stranger", username="ann", usage=1).status_code == 403
