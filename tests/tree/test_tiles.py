"""/api/ledger/tile/…, …/proof and …/consistency: what a mirror makes of the feed is what is served."""

import json
from base64 import b64decode, b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.decisions.requests import Decision
from ledger.decisions.tokens import issue_token
from tests.audit.test_feed_rights import make_auditor
from tests.ledger.tree.test_growth import rumours
from tests.ledger.tree.trees import entries, entry, execute, leaves, root
from tests.tree.signed import checkpoint, report, signed, verified
from tests.world import CONSUMER, Client, World

TILE = "/api/ledger/tile/"
EVENTS = "/api/ledger/events/"
CONSISTENCY = "/api/ledger/consistency"
FOREVER = "max-age=31536000, immutable"


def auditor_of(world: World) -> Client:
    """Somebody who audits the consumer."""
    make_auditor(world, CONSUMER)
    return world.as_("stranger")


def many(world: World, number: int) -> None:
    """Facts that read models take: token after token."""
    facts = [
        issue_token(sha256(b"%d %d" % (number, each)).hexdigest(), UUID(int=1), None, world.now)
        for each in range(number)
    ]
    world.services.handler.execute(lambda _: Decision(None, facts))
    world.now += timedelta(seconds=2)


def test_a_mirror_makes_of_the_feed_every_byte_that_is_served(here: World) -> None:
    many(here, 700)
    staff = here.as_("staff")
    hashes: list[bytes] = []
    packed: list[bytes] = []
    after, size = 0, 0
    while True:
        answer = staff.get(EVENTS, after=after, limit=173)
        if not (events := answer.get_json()):
            break
        whole = answer.get_data()
        for event in events:
            # The state as it is in the text, and not as it would be written again.
            start = whole.index(b'"data":', whole.index(b'"id":"%s"' % event["id"].encode())) + 7
            state = whole[start : start + json_length(whole[start:])]
            one = entry(
                UUID(event["subject"]), event["originatorversion"], int(event["id"]), event["type"], state
            )
            assert event["leafindex"] == size
            hashes.append(sha256(b"\0" + one).digest())
            packed.append(len(one).to_bytes(2, "big") + one)
            size += 1
        after = int(events[-1]["id"])
    assert hashes == leaves(here.conninfo)
    assert signed(here) == size
    for index in range(size // 256 + 1):
        count = min(256, size - index * 256)
        for width in sorted({1, 2, 100, count - 1, count} & {*range(1, count + 1)}):
            part = "" if width == 256 else f".p/{width}"
            tile = staff.get(f"{TILE}0/{index:03}{part}")
            chosen = slice(index * 256, index * 256 + width)
            assert (tile.status_code, tile.content_type) == (200, "application/octet-stream")
            assert tile.get_data() == b"".join(hashes[chosen])
            bundle = staff.get(f"{TILE}entries/{index:03}{part}")
            assert bundle.get_data() == b"".join(packed[chosen])
            for each, cached in ((tile, FOREVER), (bundle, f"private, {FOREVER}")):
                assert each.headers.get("Cache-Control") == (cached if width == 256 else None)
    above = [root(hashes[start : start + 256]) for start in range(0, size // 256 * 256, 256)]
    assert staff.get(f"{TILE}1/000.p/{len(above)}").get_data() == b"".join(above)


def json_length(text: bytes) -> int:
    """How long the first value in a text is."""
    _, end = json.JSONDecoder().raw_decode(text.decode("latin-1"))
    return end


@pytest.mark.parametrize(
    "place",
    [
        "0/001",
        "0/000.p/200",
        "1/000.p/1",
        "2/000.p/1",
        "63/000.p/1",
        "0/x001/000.p/1",
        "0/x999/x999/x999/x999/x999/999.p/1",
        "entries/000.p/200",
        "entries/001",
    ],
)
def test_where_the_tree_has_not_got_to_is_not_found(here: World, place: str) -> None:
    answer = here.as_("staff").get(f"{TILE}{place}")
    told = {"detail": f"The tree has not got as far as tile/{place}."}
    assert (answer.status_code, answer.get_json()) == (404, told)


@pytest.mark.parametrize(
    "place",
    [
        *(
            "0/0",
            "0/000.p/256",
            "0/000.p/0",
            "0/000.p/01",
            "00/000.p/1",
            "64/000.p/1",
            "0/x000/000.p/1",
            "-1/000",
        ),
        *("0/000.p/1/", "0/000.p", "x/000", "0/000/", "0//000", "%30/000%2Fp", "0/000.p/1%0A", "0"),
    ],
)
def test_what_is_no_place_of_a_tile_is_not_found(here: World, place: str) -> None:
    for kind in ("", "entries/"):
        path = place if not kind else f"entries/{place.partition('/')[2]}"
        if kind and path in ("entries/000.p/1", "entries/000", "entries/"):
            continue
        answer = here.as_("staff").get(f"{TILE}{path}")
        assert answer.status_code == 404, path
        assert "detail" in answer.get_json()


def test_who_may_have_what(here: World) -> None:
    many(here, 300)
    size = signed(here)
    for_all = [
        f"{TILE}0/000",
        f"{TILE}1/000.p/1",
        "/api/ledger/checkpoint",
        f"{CONSISTENCY}?from=3&to={size}",
    ]
    for username in ("staff", "support", "consumer-owner", "stranger"):
        assert [here.as_(username).send("GET", path).status_code for path in for_all] == [200] * 4
    expected = {"staff": 200, "support": 200, "consumer-owner": 403, "stranger": 403}
    for username, status in expected.items():
        for place in ("entries/000", "entries/001.p/1", "entries/009", "entries/x"):
            is_there = place in ("entries/000", "entries/001.p/1")
            answer = here.as_(username).get(f"{TILE}{place}")
            assert answer.status_code == (status if is_there or status == 403 else 404)
    for path in [*for_all, f"{TILE}entries/000", f"{EVENTS}1/proof"]:
        assert here.anonymous.send("GET", path).status_code == 401
        assert here.as_("staff").send("POST", path).status_code == 405
        plain = path.partition("?")[0]
        assert here.as_("staff").get(f"{plain}/").status_code == 404
        assert [*here.as_("staff").get(plain, colour="red").get_json()] == ["colour"]
        assert here.as_("staff").send("HEAD", path).status_code == 200


# --- proofs ---


def parsed(proof: str) -> tuple[int, list[bytes], str]:
    """Index, hashes and checkpoint of a tlog-proof."""
    head, _, note = proof.partition("\n\n")
    kind, index, *hashes = head.split("\n")
    assert kind == "c2sp.org/tlog-proof@v1"
    word, number = index.split(" ")
    assert word == "index"
    return int(number), [b64decode(each) for each in hashes], note


def root_by(proof: list[bytes], index: int, size: int, leaf: bytes) -> bytes:
    """RFC 9162, section 2.1.3.2."""
    at, last, found = index, size - 1, leaf
    for each in proof:
        assert last > 0
        if at & 1 or at == last:
            found = sha256(b"\1" + each + found).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = sha256(b"\1" + found + each).digest()
        at, last = at >> 1, last >> 1
    assert last == 0
    return found


def test_a_proof_leads_from_each_fact_to_the_root_that_was_signed(here: World, key: Path) -> None:
    many(here, 600)
    verifier_key = here.sign_with(key)
    small = signed(here)
    report(here)
    size = signed(here)
    hashes = leaves(here.conninfo)
    positions = [
        row[0]
        for row in execute(here.conninfo, "SELECT notification_id FROM journal.ledger_events ORDER BY 1")
    ]
    staff = here.as_("staff")
    for index in {*range(0, small, 41), 255, 256, 511, 512, small - 1, size - 1}:
        for query in ({}, {"size": small}):
            answer = staff.get(f"{EVENTS}{positions[index]}/proof", **query)
            if query and index >= small:
                told = f"The checkpoint of {small} facts does not have this one, which came later."
                assert (answer.status_code, answer.get_json()) == (404, {"detail": told})
                continue
            assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
            found, proof, note = parsed(answer.text)
            _, signed_size, signed_root = verified(verifier_key, note)
            assert (found, signed_size) == (index, small if query else size)
            assert root_by(proof, index, signed_size, hashes[index]) == signed_root


NOT_THERE = {"detail": "No fact that you may read is at this position."}


@pytest.mark.parametrize("position", ["0", "-1", "x", "1.0", "99999", "1" * 18, "1" * 30, "१"])
def test_there_is_no_proof_of_what_is_not_there(here: World, position: str) -> None:
    answer = here.as_("staff").get(f"{EVENTS}{position}/proof")
    assert (answer.status_code, answer.get_json()) == (404, NOT_THERE)


def test_the_proof_of_a_fact_is_for_those_who_may_read_it(here: World) -> None:
    position = report(here)
    signed(here)
    auditor = auditor_of(here)
    own = {int(event["id"]) for event in auditor.get(EVENTS, limit=1000).get_json()}
    assert position in own
    for each in range(1, position + 1):
        answer = auditor.get(f"{EVENTS}{each}/proof")
        expected = 200 if each in own else 404
        assert answer.status_code == expected
        if expected == 404:
            assert answer.get_json() == NOT_THERE
    for username in ("project-member", "consumer-owner"):
        answer = here.as_(username).get(f"{EVENTS}{position}/proof")
        assert (answer.status_code, answer.get_json()) == (404, NOT_THERE)


def test_auditors_are_told_the_index_of_each_fact_in_the_whole_tree(here: World) -> None:
    many(here, 500)
    report(here)
    whole = {
        event["id"]: event["leafindex"] for event in here.as_("staff").get(EVENTS, limit=1000).get_json()
    }
    own = auditor_of(here).get(EVENTS, limit=1000).get_json()
    assert 0 < len(own) < len(whole)
    assert {event["id"]: event["leafindex"] for event in own}.items() <= whole.items()


def subproof(count: int, hashes: list[bytes], is_whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2, as it is written there."""
    if count == len(hashes):
        return [] if is_whole else [root(hashes)]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if count <= split:
        return [*subproof(count, hashes[:split], is_whole), root(hashes[split:])]
    return [*subproof(count - split, hashes[split:], False), root(hashes[:split])]


def test_consistency_is_proved_between_any_two_sizes(here: World) -> None:
    many(here, 600)
    hashes = leaves(here.conninfo)
    stranger = here.as_("stranger")
    for begin, end in [
        (1, 2),
        (3, 7),
        (255, 256),
        (256, 257),
        (256, 600),
        (1, 600),
        (511, 513),
        (600, 600),
        (599, 600),
    ]:
        answer = stranger.get(CONSISTENCY, **{"from": begin, "to": end})
        expected = [b64encode(each).decode() for each in subproof(begin, hashes[:end], True)]
        assert answer.get_json() == {"from": begin, "to": end, "hashes": expected}
    assert stranger.get(CONSISTENCY, **{"from": 0, "to": 5}).get_json()["hashes"] == []


def test_a_proof_of_consistency_between_what_is_not_there_is_refused_by_name(here: World) -> None:
    size = len(leaves(here.conninfo))
    stranger = here.as_("stranger")
    required = ["Missing data for required field."]
    number = ["Must be a number of facts: a whole number from 0 on."]
    wrong: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
        ({}, {"from": required, "to": required}),
        ({"from": "1"}, {"to": required}),
        ({"from": "", "to": "x"}, {"from": number, "to": number}),
        ({"from": "3", "to": "2"}, {"from": ["Must not be more than `to`."]}),
        ({"from": "3", "to": size + 1}, {"to": ["The tree has not got that far."]}),
        ({"from": "3", "to": "9" * 18}, {"to": ["The tree has not got that far."]}),
    ]
    for query, told in wrong:
        answer = stranger.get(CONSISTENCY, **query)
        assert (answer.status_code, answer.get_json()) == (400, told)


def test_a_fact_that_is_larger_than_an_entry_may_be_is_served_by_its_hash(here: World) -> None:
    here.ledger.recorder.insert_events(rumours(1))
    execute(
        here.conninfo,
        "INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state)"
        " VALUES (gen_random_uuid(), 1, 'Rumour', convert_to('{\"text\":\"' || repeat('x', 70000)"
        " || '\"}', 'UTF8'))",
    )
    expected = entries(here.conninfo)
    with here.services.reading() as cursor:
        assert cursor
    answer = here.as_("staff").get(f"{TILE}entries/000.p/{len(expected)}")
    assert answer.get_data() == b"".join(len(each).to_bytes(2, "big") + each for each in expected)
    assert checkpoint(here).status_code == 200
