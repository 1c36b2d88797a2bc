"""Names that nobody knows: told of in a header, or refused where that is preferred."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.world import RESOURCE, USAGES, World, uid
from web.request.pipeline import ALWAYS_STRICT, prefers_strict
from web.wire.declared.parameters import TAKEN
from web.wire.declared.strangers import MOST_NAMED

STRICT = {"Prefer": "handling=strict"}
MONTHLY = "/api/marketplace-component-usage-monthly/"
PROJECT = f"/api/marketplace-project-usage/{uid(0xA1)}"


def reading_views(app: Flask) -> dict[str, Any]:
    """The views below /api/ that answer a GET, by an example of their paths."""
    return {
        re.sub("<object_id:.*?>", uid(0xA1), rule.rule): app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and "GET" in (rule.methods or ())
    }


def test_every_view_that_is_read_declares_its_parameters(world: World) -> None:
    assert [path for path, view in reading_views(world.app).items() if view not in TAKEN] == []


def test_every_view_names_the_parameters_that_it_ignores_and_no_other(world: World) -> None:
    staff = world.as_("staff")
    for path, view in reading_views(world.app).items():
        query = dict.fromkeys(TAKEN[view].names, "") | {"min_position": "0", "bogus": "1"}
        response = staff.get(path, **query)
        if path.startswith(ALWAYS_STRICT):
            assert (response.status_code, response.get_json().keys()) == (400, {"bogus"}), path
        else:
            assert response.headers["Ledger-Ignored"] == "bogus", path
        assert "Preference-Applied" not in response.headers
        refused = staff.send("GET", path, query_string=query, headers=STRICT)
        assert (refused.status_code, refused.get_json().keys()) == (400, {"bogus"}), path
        assert refused.headers["Preference-Applied"] == "handling=strict"
        assert "Ledger-Ignored" not in refused.headers
        del query["bogus"]
        assert "Ledger-Ignored" not in staff.get(path, **query).headers
        assert staff.send("GET", path, query_string=query, headers=STRICT).status_code in (200, 400, 404)


@pytest.mark.parametrize(
    ("path", "query", "ignored", "told"),
    [
        (
            USAGES,
            "resouce_uuid=zzz",
            "resouce_uuid",
            {"resouce_uuid": ["Unknown parameter. Did you mean resource_uuid?"]},
        ),
        (
            USAGES,
            "Type=cpu&Type=gpu&resource-uuid=1",
            "Type, resource-uuid",
            {
                "Type": ["Unknown parameter. Did you mean type?"],
                "resource-uuid": ["Unknown parameter. Did you mean resource_uuid?"],
            },
        ),
        (
            USAGES,
            "field=uuid&field=usgae&field=&field=uuid,name",
            "field=usgae, field=uuid%2Cname",
            {
                "field": [
                    "Unknown column. Did you mean usage?",
                    "Unknown column. Did you mean uuid?",
                ]
            },
        ),
        (MONTHLY, "year=2026", "year", {"year": ["Unknown parameter."]}),
        (
            f"{PROJECT}/components-usage/",
            "period_offset=1",
            "period_offset",
            {"period_offset": ["Unknown parameter."]},
        ),
        (
            f"{PROJECT}/components-usage-timeseries/",
            "offset=1",
            "offset",
            {"offset": ["Unknown parameter. Did you mean period_offset?"]},
        ),
        (
            "/api/version/",
            "format=json",
            "format",
            {"format": ["Unknown parameter. Known are min_position."]},
        ),
    ],
)
def test_what_is_ignored_is_named_and_refused_with_the_nearest_name(
    world: World, path: str, query: str, ignored: str, told: dict[str, list[str]]
) -> None:
    staff = world.as_("staff")
    assert staff.send("GET", path, query_string=query).headers["Ledger-Ignored"] == ignored
    head = staff.send("HEAD", path, query_string=query)
    assert head.headers["Ledger-Ignored"] == ignored
    refused = staff.send("GET", path, query_string=query, headers=STRICT)
    assert refused.status_code == 400
    body = refused.get_json()
    assert body.keys() == told.keys()
    for name, messages in told.items():
        assert len(body[name]) == len(messages)
        assert all(map(str.startswith, body[name], messages)), body


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        ("a%0D%0AX-Evil:%201=1", "a%0D%0AX-Evil%3A%201"),
        ("%C3%A4%FF=1", "%C3%A4%25FF"),
        ("a%2Cb=1&%22=1", "a%2Cb, %22"),
        ("=1", '""'),
        ("x" * 3000 + "=1", "x" * 50),
        ("%00=1&field=%0A", "%00, field=%0A"),
        (
            "&".join(f"x{number}=" for number in range(100)),
            ", ".join(f"x{number}" for number in range(20)) + ", 80 more",
        ),
    ],
)
def test_whatever_a_client_sends_the_header_is_short_and_in_ascii(
    world: World, query: str, ignored: str
) -> None:
    response = world.as_("staff").send("GET", USAGES, query_string=query)
    assert (response.status_code, response.headers["Ledger-Ignored"]) == (200, ignored)
    assert len(ignored) < 20 * 200
    assert MOST_NAMED == 20
    assert "X-Evil" not in response.headers
    refused = world.as_("staff").send("GET", USAGES, query_string=query, headers=STRICT)
    assert refused.status_code == 400


def test_reports_take_no_parameters(world: World) -> None:
    body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": 1}]}
    staff, path = world.as_("staff"), f"{USAGES}set_usage/"
    refused = staff.send("POST", path, json=body, query_string="dry_run=true", headers=STRICT)
    told = {"dry_run": ["Unknown parameter. None is known here."]}
    assert (refused.status_code, refused.get_json()) == (400, told)
    assert world.usages() == []
    taken = staff.send("POST", path, json=body, query_string="dry_run=true")
    assert (taken.status_code, taken.headers["Ledger-Ignored"]) == (201, "dry_run")


@pytest.mark.parametrize("is_server_strict", [False, True])
def test_unknown_keys_of_bodies_are_refused_by_name_and_nothing_is_stored(
    world: World, is_server_strict: bool
) -> None:
    world.configure(is_strict=is_server_strict)
    staff, headers = world.as_("staff"), {} if is_server_strict else STRICT
    body = {
        "resource": RESOURCE,
        "Date": "2026-11-01",
        "usages": [
            {"type": "cpu", "amount": 1},
            {"type": "gpu", "amount": 1, "descripton": "x", "zzz": 1},
        ],
    }
    refused = staff.send("POST", f"{USAGES}set_usage/", json=body, headers=headers)
    known = "amount, description, missing_usage_policy, recurring, type"
    assert (refused.status_code, refused.get_json()) == (
        400,
        {
            "Date": ["Unknown field. Did you mean date?"],
            "usages": [
                {},
                {
                    "descripton": ["Unknown field. Did you mean description?"],
                    "zzz": [f"Unknown field. Known are {known}."],
                },
            ],
        },
    )
    assert refused.headers.get("Preference-Applied") == (None if is_server_strict else "handling=strict")
    assert world.usages() == []


def test_every_view_that_reads_a_body_refuses_unknown_keys(world: World) -> None:
    paths = [
        rule.rule
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and "POST" in (rule.methods or ()) and not rule.arguments
    ]
    assert len(paths) > 3
    for path in paths:
        body = [{"bogus": 1}] if path == "/api/ledger/reports/" else {"bogus": 1}
        refused = world.as_("staff").send("POST", path, json=body, headers=STRICT)
        assert refused.status_code == 400, path
        assert b'"bogus":["Unknown field.' in refused.data, path


def test_known_keys_are_taken_strictly_too(world: World) -> None:
    body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": 1}], "date": "2026-11-01"}
    stored = world.as_("staff").send("POST", f"{USAGES}set_usage/", json=body, headers=STRICT)
    assert (stored.status_code, stored.headers["Preference-Applied"]) == (201, "handling=strict")
    path = f"{USAGES}{world.usages()[0]['uuid']}/"
    user = {"username": "ann", "usage": 1}
    refused = world.as_("staff").send("POST", f"{path}set_user_usage/", json=user | {"x": 1}, headers=STRICT)
    assert (refused.status_code, refused.get_json().keys()) == (400, {"x"})
    many = {"usages": [user, user | {"amount": 1}]}
    refused = world.as_("staff").send("POST", f"{path}set_user_usages/", json=many, headers=STRICT)
    assert (refused.status_code, [*map(len, refused.get_json()["usages"])]) == (400, [0, 1])
    assert world.user_usages() == []


def test_of_many_unknown_keys_a_thousand_are_named(world: World) -> None:
    items = [{f"x{number}": 1 for number in range(10)}] * 1_000
    body = {"resource": RESOURCE, "usages": items}
    refused = world.as_("staff").send("POST", f"{USAGES}set_usage/", json=body, headers=STRICT)
    told = refused.get_json()["usages"]
    assert (refused.status_code, sum(map(len, told))) == (400, 1_000)
    assert told[99]["x9"] == ["Unknown field."]


def test_an_operator_may_want_every_request_taken_strictly(world: World) -> None:
    world.configure(is_strict=True)
    staff = world.as_("staff")
    refused = staff.get(USAGES, resouce_uuid="x")
    assert (refused.status_code, refused.get_json().keys()) == (400, {"resouce_uuid"})
    assert (
        staff.send("GET", USAGES, query_string="x=1", headers={"Prefer": "handling=lenient"}).status_code
        == 400
    )
    assert staff.get(USAGES, type="cpu").status_code == 200


@pytest.mark.parametrize("query", ["bogus=1", "field=bogus"])
def test_what_would_be_refused_is_not_taken_for_unchanged(world: World, query: str) -> None:
    staff = world.as_("staff")
    has = {"If-None-Match": staff.send("GET", USAGES, query_string=query).headers["ETag"]}
    assert staff.send("GET", USAGES, query_string=query, headers=has).status_code == 304
    assert staff.send("GET", USAGES, query_string=query, headers=has | STRICT).status_code == 400
    world.configure(is_strict=True)
    assert world.as_("staff").send("GET", USAGES, query_string=query, headers=has).status_code == 400


def test_an_answer_that_is_unchanged_is_told_so_to_a_strict_request_too(world: World) -> None:
    staff, query = world.as_("staff"), {"type": "cpu"}
    etag = staff.get(USAGES, **query).headers["ETag"]
    for headers in (STRICT, {}):
        response = staff.send("GET", USAGES, query_string=query, headers=headers | {"If-None-Match": etag})
        assert response.status_code == 304
        assert response.headers.get("Preference-Applied") == ("handling=strict" if headers else None)
        world.configure(is_strict=True)
        staff = world.as_("staff")


@pytest.mark.parametrize(
    ("header", "is_strict"),
    [
        ("handling=strict", True),
        ("Handling=Strict", True),
        ('handling="strict"', True),
        ("return=minimal,handling=strict", True),
        ("handling=strict; x=y", True),
        ("respond-async, handling=strict, wait=10", True),
        ("handling=lenient", False),
        ("handling", False),
        ("strict", False),
        ("handling=strictly", False),
        ("", False),
        (',,;="', False),
    ],
)
def test_a_preference_is_read_as_its_standard_has_it(header: str, is_strict: bool) -> None:
    assert prefers_strict(header) == is_strict


def test_who_is_not_known_is_told_that_first(world: World) -> None:
    response = world.anonymous.send("GET", USAGES, query_string="bogus=1", headers=STRICT)
    assert response.status_code == 401
    assert "Ledger-Ignored" not in response.headers
