"""One request, or many at once, can't take more than a worker has."""

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.served import Served, served
from tests.world import RESOURCE, USAGES, World
from web.limits.memory import ROOM
from web.wire.bounds import MOST_VALUES, values_in

SET_USAGE, REPORTS = f"{USAGES}set_usage/", "/api/ledger/reports/"
SIZE = 5 * 1024 * 1024
JSON, LINES, FORM = "application/json", "application/x-ndjson", "application/x-www-form-urlencoded"


def filled(part: bytes, size: int = SIZE - 100) -> bytes:
    return part * (size // len(part))


def listed(part: bytes, size: int = SIZE - 100) -> bytes:
    return b'{"usages":[%s]}' % filled(part + b",", size)[:-1]


def array(part: bytes, size: int = SIZE - 100) -> bytes:
    return b"[%s]" % filled(part + b",", size)[:-1]


def keys(number: int) -> bytes:
    return b"{%s}" % b",".join(b'"k%d":0' % each for each in range(number))


FLOODS = {
    "objects": (SET_USAGE, JSON, listed(b"{}")),
    "as many objects as are read": (SET_USAGE, JSON, listed(b"{}", 3 * 10_000)),
    "as many values as are read": (SET_USAGE, JSON, listed(b'{"a":0}', 8 * 80_000)),
    "lists": (SET_USAGE, JSON, listed(b"[]")),
    "numbers": (SET_USAGE, JSON, listed(b"0.1")),
    "large objects": (SET_USAGE, JSON, listed(b'{"":0}')),
    "a name again and again": (SET_USAGE, JSON, b"{%s}" % filled(b'"a":0,')[:-1]),
    "names": (SET_USAGE, JSON, keys(100_000)),
    "a list of another name": (SET_USAGE, JSON, listed(b"{}").replace(b"usages", b"usage_")),
    "a wide text": (SET_USAGE, JSON, b'{"date":"\xf0\x9f\x98\x80%s"}' % filled(b"a")),
    "a text of escapes": (SET_USAGE, JSON, b'{"date":"%s"}' % filled(b"\\u1234")),
    "a text of commas": (SET_USAGE, JSON, b'{"date":"%s"}' % filled(b"{,")),
    "texts": (SET_USAGE, JSON, listed(b'""')),
    "an open text": (SET_USAGE, JSON, b'{"usages":["%s' % filled(b"{},")),
    "depth": (SET_USAGE, JSON, filled(b"[")),
    "depth of objects": (SET_USAGE, JSON, filled(b'{"usages":')),
    "a long number": (SET_USAGE, JSON, b'{"usages":[{"type":"cpu","amount":%s}]}' % filled(b"9", 1_000_000)),
    "a long fraction": (SET_USAGE, JSON, b'{"usages":[{"type":0.%s}]}' % filled(b"9")),
    "a large exponent": (SET_USAGE, JSON, b'{"usages":[{"type":"cpu","amount":1e999999999}]}'),
    "a small exponent": (SET_USAGE, JSON, b'{"usages":[{"type":1e-999999999,"amount":1e-999999999}]}'),
    "form fields": (SET_USAGE, FORM, filled(b"a&")),
    "form names": (SET_USAGE, FORM, b"&".join(b"a%d=" % each for each in range(500_000))),
    "form items": (SET_USAGE, FORM, b"&".join(b"usages[%d]a=" % each for each in range(250_000))),
    "as many form items as are read": (
        SET_USAGE,
        FORM,
        b"&".join(b"usages[%d]a=" % (each * 19) for each in range(50_000)),
    ),
    "a form's text": (SET_USAGE, FORM, b"date=" + filled(b"%F0")),
    "reports": (REPORTS, JSON, array(b"{}")),
    "as many reports as are read": (REPORTS, JSON, array(b"{}", 3 * 10_000)),
    "large reports": (REPORTS, JSON, array(b'{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0}', 38 * 10_000)),
    "a report of many names": (REPORTS, JSON, b"[%s]" % keys(100_000)),
    "lines of rubbish": (REPORTS, LINES, filled(b"x\n")),
    "as much rubbish as is read": (REPORTS, LINES, filled(b"{}{\n", 4 * 10_000)),
    "lines of quotes": (REPORTS, LINES, filled(b'"\n{},{}\n')),
    "no lines": (REPORTS, LINES, filled(b"\n")),
    "lines of objects": (REPORTS, LINES, filled(b"[{},{},{}]\n")),
    "a line": (REPORTS, LINES, array(b"{}")),
}


@pytest.fixture(name="service")
def running(world: World, world_url: str) -> Iterator[Served]:
    with served(world_url) as service:
        yield service


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("by", ["stranger", "offering-manager"])
def test_whatever_comes_from_many_clients_a_worker_stays_small(
    world: World, service: Served, by: str
) -> None:
    authorization = world.as_(by).authorization

    def send(name: str) -> int:
        path, kind, body = FLOODS[name]
        reply = service.post(path, body, Authorization=authorization, Content_Type=kind)
        assert "detail" in reply.json if reply.status == 503 else 400 <= reply.status < 500, (name, reply)
        assert len(reply.body) < 3 * SIZE
        return reply.status

    told: Counter[int] = Counter()
    with ThreadPoolExecutor(8) as pool:
        # Who may report nothing is refused sooner: every fifth one is enough.
        for place, name in enumerate(list(FLOODS)[:: 5 if by == "stranger" else 1]):
            told.update(pool.map(send, [name] * (8 if place % 3 == 0 else 3)))
    assert service.peak() < 300
    assert {400, 413, 503} <= told.keys()
    assert service.post(SET_USAGE, b"{}", Authorization=authorization).status == 400


def bad(number: int) -> bytes:
    return listed(b"{}", 3 * number)


@pytest.mark.parametrize("path", ["set_usage/", "{usage}/set_user_usages/"])
def test_of_too_many_items_none_is_looked_at(world: World, path: str) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    staff, address = world.as_("staff"), USAGES + path.format(usage=world.usages()[0]["uuid"])
    response = staff.send("POST", address, data=bad(10_001), content_type=JSON)
    message = "No more than 10000 items are taken at once, and these are 10001."
    assert (response.status_code, response.get_json()) == (400, {"usages": [message]})
    response = staff.send("POST", address, data=listed(b"{}"), content_type=JSON)
    ((message,),) = response.get_json().values()
    assert message.startswith("No more than 10000 items are taken at once, with 250000 names and values")


def test_what_is_wrong_is_said_of_the_first_thousand_wrong_items_and_of_the_others_that_they_are(
    world: World,
) -> None:
    usages = [{"type": "cpu"}, {"type": "cpu", "amount": 1}] * 1_001
    response = world.report(usages=usages)
    assert response.status_code == 400
    told = response.get_json()["usages"]
    missing = {"amount": ["This field is required."]}
    assert told[:2_001] == [missing, {}] * 1_000 + [
        {"non_field_errors": ["Is wrong, too: what is wrong is said of the first 1000 such items."]}
    ]
    assert told[2_001:] == [{}]
    assert world.usages() == []


def test_unknown_fields_of_a_report_are_named_up_to_a_thousand(world: World) -> None:
    strange = {f"x{number}": 0 for number in range(1_003)}
    report = {"resource": RESOURCE, "type": "cpu", "amount": 1} | strange
    response = world.as_("staff").post(REPORTS, [report])
    errors = response.get_json()["results"][0]["errors"]
    assert (len(errors), errors.keys() - strange.keys()) == (1_000, set())
    assert list(errors.values())[-1] == ["Unknown field.", "So are 3 more."]


def test_who_may_report_nothing_is_told_so_of_many_reports_at_once(world: World) -> None:
    report = {"resource": RESOURCE, "type": "cpu", "amount": 1}
    few = world.as_("project-member").post(REPORTS, [report] * 100)
    assert (few.status_code, few.get_json()["refused"]) == (400, 100)
    many = world.as_("project-member").post(REPORTS, [report] * 101)
    assert (many.status_code, list(many.get_json())) == (403, ["detail"])


def test_a_form_has_an_end(world: World) -> None:
    staff = world.as_("staff")
    many = staff.send("POST", SET_USAGE, data=b"&" * 50_000, content_type=FORM)
    message = "No more than 50000 fields of a form are taken, and these are 50001."
    assert (many.status_code, many.get_json()) == (400, {"usages": [message]})
    long = staff.send("POST", SET_USAGE, data=b"x=" + b"a" * 1024 * 1024, content_type=FORM)
    assert long.status_code == 413


def test_values_are_counted_outside_of_texts() -> None:
    assert values_in(b'{"usages": [{"a": 1}, {"a": "x"}]}') == 8
    text = b'["%s", "\\"", 1]' % (b",:[{" * 100_000)
    assert values_in(text) == 3
    assert values_in(b'"' + b",\n" * 300_000) > MOST_VALUES, "a line ends what it left open"
    assert values_in(b'"",' * 300_000) > MOST_VALUES


def test_a_text_of_commas_is_no_list(world: World) -> None:
    usages = [{"type": "cpu", "amount": 1, "description": ",:[{" * 500}] * 200
    assert world.report(usages=usages).status_code == 201


def test_large_bodies_take_room_until_their_requests_end_and_small_ones_none(world: World) -> None:
    gate = world.app.extensions["usage-ledger"].gates.of_reporters
    large = [{"type": "cpu", "amount": 1}] * 3_000
    assert world.report(usages=large).status_code == 201
    assert world.report(usages=[*large, {}]).status_code == 400
    assert gate.enter(ROOM), "all room is free again"
    busy = world.report(usages=large)
    message = "Too much is being worked on at the moment. Nothing was stored; send it again."
    assert (busy.status_code, busy.get_json()) == (503, {"detail": message})
    assert busy.headers["Retry-After"] == "1"
    assert world.report(usages=large[:100]).status_code == 201
    assert world.report(usages=large, by="stranger").status_code == 403, "others have room of their own"
    gate.leave(ROOM)
    assert world.report(usages=large).status_code == 201
