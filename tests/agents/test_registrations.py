"""Agents, services and processors: registered once, described anew, listed, and bounded."""

from typing import Any
from uuid import UUID

import pytest

from ledger.domain.agents import AgentIdentity
from ledger.events import AgentIdentityDescribed, AgentProcessorDescribed, AgentServiceDescribed
from tests.agents.registering import (
    IDENTITIES,
    IDENTITY,
    PROCESSOR,
    PROCESSORS,
    SERVICE,
    SERVICES,
    register,
    register_all,
    register_processor,
    register_service,
)
from tests.controls import AT_NOW
from tests.projections.test_rows_as_json import TEXTS
from tests.world import OFFERING, SECOND_OFFERING, World, plain_headers, uid

LATER = "2026-11-15T12:30:00+00:00"


def put(world: World, uuid: str, **changes: Any) -> Any:
    return world.as_("staff").send("PUT", f"{IDENTITIES}{uuid}/", json=IDENTITY | changes)


def test_an_agent_its_service_and_its_processor_are_answered_whole(world: World) -> None:
    identity, service, processor = register_all(world, by="offering-manager")
    staff = world.as_("staff")
    nested_processor = {
        "uuid": processor,
        "url": f"http://localhost{PROCESSORS}{processor}/",
        **PROCESSOR,
        "created": AT_NOW,
        "modified": AT_NOW,
    }
    nested_service = {
        "uuid": service,
        "url": f"http://localhost{SERVICES}{service}/",
        **SERVICE,
        "state": "Active",
        "statistics": {},
        "created": AT_NOW,
        "modified": AT_NOW,
    }
    whole = {
        "uuid": identity,
        "url": f"http://localhost{IDENTITIES}{identity}/",
        "offering": OFFERING,
        "created_by": uid(3),
        "name": f"agent-{OFFERING}",
        "version": "1.0.7",
        "dependencies": list(reversed(IDENTITY["dependencies"])),  # by name
        "config_file_path": "",
        "last_restarted": "2026-11-15T11:59:58.125000+00:00",
        "created": AT_NOW,
        "modified": AT_NOW,
        "services": [nested_service],
        "compatibility": {"status": "unknown", "message": "Versions of agents are not judged here."},
    }
    assert staff.get(f"{IDENTITIES}{identity}/").get_json() == whole
    of_identity = {"identity": identity, "identity_name": f"agent-{OFFERING}"}
    assert staff.get(f"{SERVICES}{service}/").get_json() == {
        **nested_service,
        **of_identity,
        "processors": [nested_processor],
    }
    assert staff.get(f"{PROCESSORS}{processor}/").get_json() == {
        **nested_processor,
        "service": service,
        "service_name": "report",
    }
    for path in (IDENTITIES, SERVICES, PROCESSORS):
        [row] = staff.get(path).get_json()
        assert row == staff.get(f"{path}{row['uuid']}/").get_json()


@pytest.mark.parametrize("name", TEXTS[1:])
def test_names_are_written_as_python_writes_them(world: World, name: str) -> None:
    dependency = {"package": name, "version": name}
    answer = register(world, name=name, version=name, dependencies=[dependency])
    assert (answer.get_json()["name"], answer.get_json()["dependencies"]) == (name, [dependency])
    service = register_service(world, answer.get_json()["uuid"], name=name, mode=name).get_json()["uuid"]
    register_processor(world, service, name=name, backend_type=name)
    for path in (IDENTITIES, SERVICES, PROCESSORS):
        [row] = world.as_("staff").get(path).get_json()  # compared with what Python writes
        assert row["name"] == name


def test_what_is_registered_is_201_and_what_was_known_is_200(world: World) -> None:
    first = register(world)
    assert (first.status_code, register(world).status_code) == (201, 201)  # clients take nothing else
    assert put(world, first.get_json()["uuid"]).status_code == 200
    services = [register_service(world, first.get_json()["uuid"]) for _ in range(2)]
    assert [each.status_code for each in services] == [201, 200]
    processors = [register_processor(world, services[0].get_json()["uuid"]) for _ in range(2)]
    assert [each.status_code for each in processors] == [201, 200]
    assert services[0].get_json()["uuid"] == services[1].get_json()["uuid"]
    assert processors[0].get_json() == processors[1].get_json()


def test_an_unchanged_registration_appends_nothing_and_a_restart_alone_is_no_change(world: World) -> None:
    identity, service, _ = register_all(world, by="offering-manager")
    facts, answer = world.facts(), world.as_("staff").get(f"{IDENTITIES}{identity}/").get_json()
    world.now = world.now.replace(hour=13)
    shuffled = IDENTITY["dependencies"][::-1]
    again = put(world, identity, last_restarted=LATER, dependencies=shuffled, config_file_content="x: 1")
    assert (again.status_code, again.get_json()) == (200, answer)
    assert register(world, last_restarted=LATER).get_json() == answer
    register_service(world, identity)
    register_processor(world, service)
    assert world.facts() == facts


def test_a_changed_registration_is_described_anew(world: World) -> None:
    identity, service, processor = register_all(world, by="offering-manager")
    world.now = world.now.replace(hour=13)
    upgraded = put(world, identity, version="1.0.8", last_restarted=LATER).get_json()
    assert (upgraded["version"], upgraded["last_restarted"], upgraded["created"], upgraded["modified"]) == (
        "1.0.8",
        LATER,
        AT_NOW,
        "2026-11-15T13:00:00+00:00",
    )
    assert upgraded["created_by"] == uid(3)
    assert register_service(world, identity, mode=None).get_json()["mode"] is None
    changed = register_processor(world, service, backend_version="2").get_json()
    assert (changed["uuid"], changed["backend_version"]) == (processor, "2")
    kinds = (AgentIdentityDescribed, AgentServiceDescribed, AgentProcessorDescribed)
    assert [len(world.facts(kind)) for kind in kinds] == [2, 2, 2]


def test_a_patch_changes_what_it_names_and_a_put_leaves_what_it_does_not_name(world: World) -> None:
    uuid = register(world).get_json()["uuid"]
    patched = world.as_("staff").send("PATCH", f"{IDENTITIES}{uuid}/", json={"version": None})
    assert (patched.status_code, patched.get_json()["version"]) == (200, None)
    bare = {"offering": OFFERING, "name": IDENTITY["name"]}
    kept = world.as_("staff").send("PUT", f"{IDENTITIES}{uuid}/", json=bare)
    assert (kept.status_code, kept.get_json()) == (200, patched.get_json())
    assert len(world.facts(AgentIdentityDescribed)) == 2


def test_without_a_start_an_agent_started_when_it_registered(world: World) -> None:
    bare = {"offering": OFFERING, "name": "bare"}
    answer = world.as_("staff").post(IDENTITIES, bare).get_json()
    assert (answer["last_restarted"], answer["dependencies"], answer["version"]) == (AT_NOW, [], None)
    facts = world.facts()
    world.now = world.now.replace(hour=13)
    assert world.as_("staff").post(IDENTITIES, bare).get_json() == answer
    assert world.facts() == facts


def test_one_name_is_another_agent_at_another_offering_and_another_service_of_another_agent(
    world: World,
) -> None:
    here, there = (register(world, offering=each).get_json() for each in (OFFERING, SECOND_OFFERING))
    assert (here["offering"], there["offering"]) == (OFFERING, SECOND_OFFERING)
    services = [register_service(world, each["uuid"]).get_json()["uuid"] for each in (here, there)]
    processors = [register_processor(world, each).get_json()["uuid"] for each in services]
    assert len({here["uuid"], there["uuid"], *services, *processors}) == 6


@pytest.mark.parametrize("content", ["token: abc-secret", None, ""])
def test_the_content_of_a_configuration_is_neither_kept_nor_answered(
    world: World, content: str | None
) -> None:
    answer = register(world, config_file_content=content)
    assert answer.status_code == 201
    assert "config_file_content" not in answer.get_json()
    assert "abc-secret" not in answer.text + repr(world.facts())


@pytest.mark.parametrize("field", ["name", "offering"])
def test_an_agent_keeps_its_name_and_offering(world: World, field: str) -> None:
    uuid = register(world).get_json()["uuid"]
    facts = world.facts()
    response = put(world, uuid, **{field: SECOND_OFFERING})
    message = "An agent keeps the one that it was registered with."
    assert (response.status_code, response.get_json()) == (400, {field: [message]})
    assert world.facts() == facts


NO_SUCH = "Object with uuid={} does not exist."
TOO_LONG = "Ensure this field has no more than {} characters."
REQUIRED, NULL = "This field is required.", "This field may not be null."


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"offering": "zzz"}, {"offering": [NO_SUCH.format("zzz")]}),
        ({"offering": uid(0xDEAD)}, {"offering": [NO_SUCH.format(uid(0xDEAD))]}),
        ({"offering": None, "name": ""}, {"offering": [NULL], "name": ["This field may not be blank."]}),
        ({"name": "n" * 256}, {"name": [TOO_LONG.format(255)]}),
        ({"name": "a\x00"}, {"name": ["Null characters are not allowed."]}),
        ({"version": "1" * 101}, {"version": [TOO_LONG.format(100)]}),
        ({"config_file_path": "/" * 1001}, {"config_file_path": [TOO_LONG.format(1000)]}),
        ({"config_file_content": "x" * 1_000_001}, {"config_file_content": [TOO_LONG.format(1_000_000)]}),
        ({"last_restarted": None}, {"last_restarted": [NULL]}),
        (
            {"last_restarted": "yesterday"},
            {
                "last_restarted": [
                    "Datetime has wrong format. Use one of these formats instead: "
                    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
                ]
            },
        ),
        (
            {"dependencies": {"package": "a"}},
            {"dependencies": {"non_field_errors": ['Expected a list of items but got type "dict".']}},
        ),
        (
            {"dependencies": [{"package": "a", "version": "1"}, {"package": "b" * 256}]},
            {"dependencies": [{}, {"package": [TOO_LONG.format(255)], "version": [REQUIRED]}]},
        ),
        (
            {"dependencies": [{"package": "a", "version": "1"}] * 501},
            {"dependencies": ["No more than 500 dependencies are kept, and these are 501."]},
        ),
    ],
)
def test_a_wrong_registration_is_told_field_by_field_and_appends_nothing(
    world: World, changes: dict[str, Any], errors: dict[str, Any]
) -> None:
    facts = world.facts()
    response = register(world, **changes)
    assert (response.status_code, response.get_json()) == (400, errors)
    assert world.facts() == facts


def test_wrong_services_and_processors_are_told_field_by_field(world: World) -> None:
    identity, service, _ = register_all(world)
    facts = world.facts()
    response = register_service(world, identity, name="", mode="m" * 256)
    assert (response.status_code, response.get_json()) == (
        400,
        {"name": ["This field may not be blank."], "mode": [TOO_LONG.format(255)]},
    )
    response = register_processor(
        world, service, name=None, backend_type="b" * 256, backend_version="1" * 101
    )
    assert (response.status_code, response.get_json()) == (
        400,
        {
            "name": [NULL],
            "backend_type": [TOO_LONG.format(255)],
            "backend_version": [TOO_LONG.format(100)],
        },
    )
    assert world.facts() == facts


def test_agents_are_found_by_what_clients_filter_by(world: World) -> None:
    identity, service, processor = register_all(world)
    other = register_all(
        world, offering=SECOND_OFFERING, version="0.9", last_restarted="2026-11-01T00:00:00Z"
    )
    staff = world.as_("staff")
    cases: list[tuple[str, list[str], dict[str, Any]]] = [
        (IDENTITIES, [identity, other[0]], {"name": IDENTITY["name"]}),
        (IDENTITIES, [], {"name": f"AGENT-{OFFERING}"}),
        (IDENTITIES, [other[0]], {"version": "0.9"}),
        (IDENTITIES, [other[0]], {"offering_uuid": SECOND_OFFERING}),
        (IDENTITIES, [other[0]], {"last_restarted": "2026-11-01T01:00:00+01:00"}),
        (SERVICES, [other[1]], {"identity_uuid": other[0]}),
        (SERVICES, [service, other[1]], {"mode": "report"}),
        (SERVICES, [], {"mode": "event_process"}),
        (SERVICES, [service, other[1]], {"state": ["2", "1"]}),
        (SERVICES, [], {"state": "2"}),
        (SERVICES, [service, other[1]], {"modified_after": AT_NOW, "modified_before": AT_NOW}),
        (SERVICES, [], {"modified_before": "2026-11-15T11:59:59Z"}),
        (PROCESSORS, [other[2]], {"service_uuid": other[1]}),
        (PROCESSORS, [processor, other[2]], {"backend_type": "slurm", "backend_version": "1.0.7"}),
        (PROCESSORS, [], {"backend_version": "2"}),
    ]
    for path, uuids, query in cases:
        response = staff.get(path, **query)
        assert [row["uuid"] for row in response.get_json()] == uuids, query
        assert response.headers["X-Result-Count"] == str(len(uuids))


@pytest.mark.parametrize(
    ("path", "name", "value", "message"),
    [
        (IDENTITIES, "offering_uuid", "x", "Enter a valid UUID."),
        (IDENTITIES, "last_restarted", "x", "Enter a valid date/time."),
        (SERVICES, "state", "4", "Select a valid choice. 4 is not one of the available choices."),
        (SERVICES, "modified_after", "x", "Enter a valid date/time."),
        (PROCESSORS, "service_uuid", "x", "Enter a valid UUID."),
    ],
)
def test_a_wrong_filter_is_told(world: World, path: str, name: str, value: str, message: str) -> None:
    response = world.as_("staff").get(path, **{name: value})
    assert (response.status_code, response.get_json()) == (400, {name: [message]})


def test_lists_are_paged_in_the_order_of_registration(world: World) -> None:
    names = [f"agent {number}" for number in (3, 1, 2)]
    for name in names:
        register(world, name=name)
    register(world, name=names[0], version="2")
    pages = [world.as_("staff").get(IDENTITIES, page_size=2, page=page) for page in (1, 2)]
    assert [row["name"] for page in pages for row in page.get_json()] == names
    assert pages[0].headers["X-Result-Count"] == "3"
    assert f'{IDENTITIES}?page=2&page_size=2>; rel="next"' in pages[0].headers["Link"]


@pytest.mark.parametrize("path", [IDENTITIES, SERVICES, PROCESSORS])
def test_what_is_registered_is_not_deleted(world: World, path: str) -> None:
    register_all(world)
    [row] = world.as_("staff").get(path).get_json()
    assert world.as_("staff").send("DELETE", f"{path}{row['uuid']}/").status_code == 405


def test_the_answer_to_a_registration_shows_it_and_is_at_its_position(world: World) -> None:
    response = register(world)
    assert int(response.headers["Ledger-Position"]) == world.services.projector.catch_up()
    assert plain_headers(response)["Content-Type"] == "application/json"
    etag = world.as_("staff").get(IDENTITIES).headers["ETag"]
    path = f"{IDENTITIES}{response.get_json()['uuid']}/"
    conditional = world.as_("staff").send("PUT", path, json=IDENTITY, headers={"If-None-Match": etag})
    assert conditional.status_code == 200


def test_what_an_agent_is_known_by_never_changes() -> None:
    assert (
        AgentIdentity.uuid_of(UUID(OFFERING), f"agent-{OFFERING}").hex == "aa7d1f4a869059a1a64e06d6b8887f19"
    )
