"""Files with faults of any kind: an import ends with a summary, or with one line and nothing stored."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.conftest import database
from tests.world import CATALOGUE, CPU, GPU, OFFERING_USER, RESOURCE, World, open_world, uid
from web.importer.importer import import_lists
from web.importer.reading import StructureError, read_lists

FILE: dict[str, Any] = {
    "users": CATALOGUE["users"][:2],
    "customers": CATALOGUE["customers"][:2],
    "offerings": [CATALOGUE["offerings"][0] | {"plugin_options": {"a": [1, {"b": 1.5}]}}],
    "offering_components": [CATALOGUE["offering_components"][0] | {"limit_amount": "5.00"}],
    "resources": [
        CATALOGUE["resources"][0]
        | {"limits": {"cpu": 1, "gpu": "2.5"}, "attributes": {"note": "a\u0085\u2028"}, "state": 2}
    ],
    "offering_users": CATALOGUE["offering_users"],
    "component_user_usage_limits": [
        {"uuid": uid(0x51), "resource_uuid": RESOURCE, "component_uuid": CPU, "limit": 5}
        | {"offering_user_uuid": OFFERING_USER}
    ],
    "component_usages": [
        {"uuid": uid(0x5001), "resource_uuid": RESOURCE, "component_uuid": GPU, "usage": "1.00"}
        | {"billing_period": "2026-10-01", "date": "2026-10-02T00:00:00+02:00", "recurring": True}
    ],
    "component_user_usages": [
        {"uuid": uid(0x6001), "component_usage_uuid": uid(0x5001), "username": "member01", "usage": 1}
    ],
}
TEXT = json.dumps(FILE).encode()
VALUES = [match.span() for match in re.finditer(rb'(?<=: )("[^"]*"|[\d.]+|true|false|\{[^{}]*\})', TEXT)]
KEYS = [match.span() for match in re.finditer(rb'"\w+"(?=: )', TEXT)]

SPECIAL = [
    *(b"", b"null", b"NaN", b"-Infinity", b"1e999", b"-1e-999", b"1E400", b"9" * 400, b"9" * 5000, b"-0"),
    *(b"0." + b"1" * 400, b"1e309", b"123456789012345678901234567890", b"1e131072", b"2147483648", b"1e20"),
    *(b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"', b'"NaN"', b'"1e999999"'),
    *(b'"' + b"x" * 3000 + b'"', b"[" * 600 + b"]" * 600, b"[" * 5000 + b"]" * 5000, b"[]", b"{}", b'{"":1}'),
    *(b'{"a":1,"a":2}', b'{"\\u0000":1}', b'{"\\ud800":1}', b'{"\xff":1}', b'{"a":1e999}', b'{"a":NaN}'),
    *(b'{"a":' * 600 + b"1" + b"}" * 600, b'{"a":' * 3000 + b"1" + b"}" * 3000, b'{"a":"\\ud83d\\ude00"}'),
    *(b'"0001-01-01"', b'"9999-12-31T23:59:59-12:00"', b'"2026-10-01T00:00:00+15:59:59"', b'"2026-02-30"'),
    *(b'"2026-W40-1"', b'"\xe2\x80\xa8"', b'"\x1b[31m"', b'"\xf4\x8f\xbf\xbf"', b'"\xef\xbf\xbf"', b"true"),
    *(b'{"a":' + b"9" * 5000 + b"}", b'{"a":-1e-400}', b'{"a":1e308}', b'{"cpu":1e40}', b'{"cpu":"NaN"}'),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The file with values and keys replaced by odd ones, and a few bytes changed, lost or said again."""
    data = bytearray(TEXT)
    spans = draw(st.lists(st.sampled_from(VALUES + KEYS), max_size=2, unique=True))
    for start, end in sorted(spans, reverse=True):
        data[start:end] = draw(st.sampled_from(SPECIAL))
    for _ in range(draw(st.integers(0, 2 if spans else 4))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=2))
            case 1:
                del data[at : at + draw(st.integers(1, 40))]
            case 2:
                data[at:at] = data[at : at + draw(st.integers(1, 200))]
            case _:
                data[at] = draw(st.sampled_from(b'{}[]",:\\0-e.'))
        if not data:
            break
    return bytes(data)


@pytest.fixture(scope="module")
def fuzzed(server: str, world_template: str) -> Iterator[World]:
    with database(server, world_template) as url, open_world(url) as here:
        yield here


OF_FILES = settings(
    max_examples=200,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def outcome(world: World, path: Path, data: bytes) -> str | None:
    """What a file is refused with, None if it is not. Whoever is refused has stored nothing."""
    path.write_bytes(data)
    before = len(world.facts())
    told: list[str] = []
    try:
        lists, unread = read_lists(path)
        import_lists(lists, world.services, on_unread=told.append)
    except StructureError as error:
        assert len(world.facts()) == before
        return str(error)
    finally:
        assert all(line.isprintable() for line in told)
    assert all(line.isprintable() for line in unread)
    return None


def with_customer(text: bytes) -> bytes:
    return b'{"customers": [{"uuid": "%032x", %s}]}' % (0x42, text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # The key that is at fault can't be looked up where another one is no text.
        (b'"name": 5, "\xff": 1', 'customers[0] = {"uuid": "%s", "name": 5, "\ufffd": 1}: Expected `str`'),
        (b'"\xff": 1', 'customers[0] = {"uuid": "%s", "\ufffd": 1}: '),
        (b'"name": "New", "\xff": 1', 'customers[0] = {"uuid": "%s", "name": "New", "\ufffd": 1}: '),
        (b'"name": "New", "\xed\xa0\x80": 1', 'customers[0] = {"uuid": "%s", "name": "New", '),
        (b'"name": "New", "note\\ud800": 1', "fuzzed.json: JSON is malformed"),
        (b'"name": "New", "name": "Newer"', "customers[0].name: Is there 2 times"),
        (b'"name": "New", "n\\u0061me": "Newer"', "customers[0].name: Is there 2 times"),
        (b'"name": "New", "\\u0000": 1, "note": "\\u0000", "note": 1e999', None),
        (b'"name": "New", "note": %s' % (b"[" * 5000 + b"]" * 5000), "maximum recursion depth exceeded"),
        (b'"name": "New", "note": NaN', "fuzzed.json: JSON is malformed"),
        (b'"name": "New", "note": %s' % (b"9" * 5000), None),
    ],
)
def test_odd_keys_and_values_are_told_with_where_they_are(
    fuzzed: World, tmp_path: Path, text: bytes, reason: str | None
) -> None:
    refused = outcome(fuzzed, tmp_path / "fuzzed.json", with_customer(text))
    if reason is None:
        assert refused is None
    else:
        assert refused is not None
        assert reason.replace("%s", uid(0x42)) in refused


@OF_FILES
@given(data=mutated())
@example(data=TEXT)
def test_whatever_is_in_a_file_the_outcome_is_a_summary_or_one_line(
    fuzzed: World, tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    refused = outcome(fuzzed, tmp_path_factory.getbasetemp() / "fuzzed.json", data)
    assert refused is None or ("\n" not in refused and len(refused) < 1_000)
