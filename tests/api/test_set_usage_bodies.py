"""Bodies of reports: JSON, forms, and neither."""

import json
from io import BytesIO
from typing import Any

import orjson
import pytest

from ledger.events import Report
from tests.api.reports import CPU_ITEM, NO_NUMBER, PATH, REQUIRED, answer, refused, send
from tests.world import (
    RESOURCE,
    Client,
    World,
)
from web import create_app
from web.commands import tokens

# Bodies


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"", {"usages": REQUIRED}),
        (b"{}", {"usages": REQUIRED}),
        (b"null", {"non_field_errors": ["No data provided"]}),
        (b"[]", {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        (b'"x"', {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
        (b"5", {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}),
        (
            b'{"usages":1e-99999999999999999999}',
            {"detail": "JSON parse error - a number's exponent is out of range"},
        ),
    ],
)
def test_a_body_that_is_no_report_is_refused(world: World, data: bytes, body: Any) -> None:
    assert send(world, data) == (400, body)


@pytest.mark.parametrize(
    "data",
    [
        b'{"usages":',
        b'{"usages":NaN}',
        b'{"usages":-Infinity}',
        b'{"usages":[],}',
        b'{"usages":"\xff"}',
        b'{"usages":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"usages=",
    ],
)
def test_malformed_json_is_refused_in_the_words_of_orjson(world: World, data: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError) as error:
        orjson.loads(data)
    assert send(world, data) == (400, {"detail": f"JSON parse error - {error.value}"})


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "1e999", "-" + "9" * 100_000])
def test_a_number_beyond_all_bounds_is_malformed(world: World, number: str) -> None:
    status, body = send(world, f'{{"resource":"{RESOURCE}","usages":[{{"type":"gpu","amount":{number}}}]}}')
    assert (status, body["detail"].partition(":")[0]) == (
        400,
        "JSON parse error - number is infinity when parsed as double",
    )


@pytest.mark.parametrize("depth", [900, 935, 970, 1100, 100_000])
@pytest.mark.parametrize("field", ["type", "amount", "missing_usage_policy", "recurring"])
def test_no_nesting_is_too_deep_to_be_answered(world: World, field: str, depth: int) -> None:
    item = json.dumps(CPU_ITEM | {field: 0}).replace(
        f'"{field}": 0', f'"{field}": {"[" * depth}{"]" * depth}'
    )
    for body in (f'{{"resource":"{RESOURCE}","usages":[{item}]}}', f'{{"usages":[],"resource":[{item}]}}'):
        status, _ = send(world, body)
        assert status == 400
    assert world.facts(Report) == []


@pytest.mark.parametrize("content_type", ["application/xml", "text/plain; charset=utf-8", ""])
def test_a_body_of_another_media_type_is_refused(world: World, content_type: str) -> None:
    assert send(world, "<usages/>", content_type) == (
        415,
        {"detail": f'Unsupported media type "{content_type}" in request.'},
    )


def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    app = create_app(world.ledger, world.projector, clock=lambda: world.now, max_body_bytes=100)
    token = tokens.create(world.services, tokens.user_named(world.services, "staff"), days=None)
    client = Client(app.test_client(), {"Authorization": f"Token {token}"})
    response = client.send("POST", PATH, data=b"{}" + b" " * 98, content_type="application/json")
    assert answer(response) == (400, {"usages": REQUIRED})
    response = client.send("POST", PATH, data=b"{}" + b" " * 99, content_type="application/json")
    assert answer(response) == (413, {"detail": "The request body is too large."})


def test_a_chunked_body_over_the_limit_is_refused_too(world: World) -> None:
    app = create_app(world.ledger, world.projector, clock=lambda: world.now, max_body_bytes=100)
    body = json.dumps({"resource": RESOURCE, "usages": [CPU_ITEM]}).encode() + b" " * 100
    response = app.test_client().post(
        PATH,
        input_stream=BytesIO(body),
        content_type="application/json",
        headers={"Authorization": world.as_("staff").authorization},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer(response) == (413, {"detail": "The request body is too large."})


def test_a_chunked_form_is_refused_because_half_of_it_would_be_a_form(world: World) -> None:
    response = world.app.test_client().post(
        PATH,
        input_stream=BytesIO(b"resource=1"),
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": world.as_("staff").authorization, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 411
    assert world.facts(Report) == []


FORM = {
    "resource": RESOURCE,
    "date": "2026-11-01",
    "usages[0]type": "cpu",
    "usages[0]amount": "5.5",
    "usages[1]type": "gpu",
    "usages[1]amount": "7",
    "usages[1]recurring": "on",
}


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_is_read_like_json(world: World, content_type: str) -> None:
    response = world.as_("staff").send("POST", PATH, data=FORM, content_type=content_type)
    assert answer(response) == (201, None)
    assert sorted((row["type"], row["usage"], row["recurring"]) for row in world.usages()) == [
        ("cpu", "5.50", False),
        ("gpu", "7.00", True),
    ]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_is_refused_in_the_words_for_json(world: World, content_type: str) -> None:
    form = {"resource": "zzz", "usages[0]type": "cpu", "usages[1]amount": "x"}
    refused(
        world,
        {
            "usages": [{"amount": REQUIRED}, {"type": REQUIRED, "amount": NO_NUMBER}],
            "resource": ["Object with uuid=zzz does not exist."],
        },
        world.as_("staff").send("POST", PATH, data=form, content_type=content_type),
    )


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_an_empty_form_is_an_empty_body(world: World, content_type: str) -> None:
    response = world.as_("staff").send("POST", PATH, data={}, content_type=content_type)
    refused(world, {"usages": REQUIRED}, response)


def test_a_part_of_a_form_that_has_no_name_is_refused(world: World) -> None:
    named = f'--x\r\nContent-Disposition: form-data; name="resource"\r\n\r\n{RESOURCE}\r\n'
    nameless = "--x\r\nContent-Disposition: form-data\r\n\r\n5\r\n--x--\r\n"
    response = world.as_("staff").send(
        "POST",
        PATH,
        data=named + nameless,
        content_type="multipart/form-data; boundary=x",
    )
    assert (response.status_code, response.get_json()) == (
        400,
        {"detail": "Form parse error - a part has no name"},
    )
