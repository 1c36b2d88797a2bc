"""Who asks."""

from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from werkzeug.test import TestResponse

from ledger.events import TokenIssued
from tests.world import NOW, USAGES, USER_USAGES, World, plain_headers, uid
from web.commands import tokens
from web.limits.guesses import ADDRESSES, MOST_GUESSES, MOST_GUESSES_IN_ALL, WINDOW_SECONDS, Attempts
from web.request.authentication import hash_of

MISSING = "Authentication credentials were not provided."
EMPTY = "Invalid token. No credentials provided."
SPACES = "Invalid token. Token string should not contain spaces."
UNKNOWN = "Invalid token."
INACTIVE = "User inactive or deleted."
EXPIRED = "Token has expired."


def token_of(world: World, username: str, days: int | None = None) -> str:
    return tokens.create(world.services, tokens.user_named(world.services, username), days)


def ask(world: World, authorization: str | None, path: str = USAGES) -> TestResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    return world.anonymous.send("GET", path, headers=headers)


def assert_refused(response: TestResponse, detail: str) -> None:
    body = f'{{"detail":"{detail}"}}'.encode()
    assert (response.status_code, response.data) == (401, body)
    assert plain_headers(response) == {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "WWW-Authenticate": "Token",
    }


@pytest.mark.parametrize(
    "form",
    [
        "Token {}",
        "token {}",
        "TOKEN {}",
        "  Token   {}  ",
        "Bearer {}",
        "bearer {}",
        "Bearer Token {}",
        "bearer token {}",
    ],
)
def test_a_token_is_taken_in_every_form_that_clients_write_it(world: World, form: str) -> None:
    response = ask(world, form.format(token_of(world, "staff")))
    assert (response.status_code, response.data) == (200, b"[]")
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize(
    ("form", "detail"),
    [
        (None, MISSING),
        ("", MISSING),
        (" ", MISSING),
        ("{}", MISSING),
        ("Basic {}", MISSING),
        ("Tokens {}", MISSING),
        ("Token:{}", MISSING),
        ("Token", EMPTY),
        ("Token ", EMPTY),
        ("Bearer", EMPTY),
        ("Bearer ", EMPTY),
        ("Bearer Token", EMPTY),
        ("Token {} x", SPACES),
        ("Bearer {} x", SPACES),
        ("Bearer Token {} x", SPACES),
        ("Token Bearer {}", SPACES),
        ("Token {}x", UNKNOWN),
        ("Token x", UNKNOWN),
        ("Bearer x", UNKNOWN),
        ("Token \u00e4\u00f6", UNKNOWN),
        ("Token ';DROP/**/TABLE/**/token;--", UNKNOWN),
    ],
)
def test_what_is_no_token_of_ours_is_refused_in_words_that_say_why(
    world: World, form: str | None, detail: str
) -> None:
    token = token_of(world, "staff")
    assert_refused(ask(world, None if form is None else form.format(token)), detail)


def test_the_hash_that_is_stored_of_a_token_is_no_token(world: World, world_url: str) -> None:
    token_of(world, "staff")
    with psycopg.connect(world_url) as connection:
        row = connection.execute("SELECT token_hash FROM read_models.token").fetchone()
    assert row is not None
    assert_refused(ask(world, f"Token {row[0]}"), UNKNOWN)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", USAGES),
        ("GET", f"{USAGES}{uid(0xDEAD)}/"),
        ("POST", f"{USAGES}set_usage/"),
        ("POST", f"{USAGES}{uid(0xDEAD)}/set_user_usage/"),
        ("POST", f"{USAGES}{uid(0xDEAD)}/set_user_usages/"),
        ("GET", USER_USAGES),
        ("GET", f"{USER_USAGES}{uid(0xDEAD)}/"),
    ],
)
def test_nobody_gets_past_any_endpoint_without_a_token(world: World, method: str, path: str) -> None:
    assert_refused(world.anonymous.send(method, path), MISSING)
    assert_refused(world.anonymous.send(method, path, data=b"no JSON, and of an unknown kind"), MISSING)
    assert_refused(world.anonymous.send(method, path, query_string="page=0&resource_uuid=zzz"), MISSING)


def test_a_token_in_the_query_is_not_taken(world: World) -> None:
    token = token_of(world, "staff")
    assert_refused(world.anonymous.get(USAGES, **{"x-auth-token": token, "token": token}), MISSING)


def test_every_token_of_a_user_counts_until_it_is_revoked(world: World) -> None:
    first, second = token_of(world, "staff"), token_of(world, "staff")
    tokens.revoke(world.services, token_uuid_of(world, first))
    assert_refused(ask(world, f"Token {first}"), UNKNOWN)
    assert ask(world, f"Token {second}").status_code == 200


def token_uuid_of(world: World, token: str) -> UUID:
    return next(fact.token_uuid for fact in world.facts(TokenIssued) if fact.token_hash == hash_of(token))


@pytest.mark.parametrize(
    ("now", "is_valid"),
    [
        (NOW, True),
        (NOW + timedelta(days=30) - timedelta(microseconds=1), True),
        (NOW + timedelta(days=30), False),
        (NOW + timedelta(days=3000), False),
    ],
)
def test_a_token_of_thirty_days_counts_until_the_moment_they_are_over(
    world: World, now: datetime, is_valid: bool
) -> None:
    token = token_of(world, "staff", days=30)
    world.now = now
    response = ask(world, f"Token {token}")
    if is_valid:
        assert (response.status_code, response.data) == (200, b"[]")
    else:
        assert_refused(response, EXPIRED)


def test_a_token_without_an_end_counts_for_years(world: World) -> None:
    token = token_of(world, "staff")
    world.now = NOW + timedelta(days=3000)
    assert ask(world, f"Token {token}").status_code == 200


def test_a_revoked_token_is_unknown_even_where_it_has_expired_too(world: World) -> None:
    token = token_of(world, "staff", days=1)
    tokens.revoke(world.services, token_uuid_of(world, token))
    world.now = NOW + timedelta(days=2)
    assert_refused(ask(world, f"Token {token}"), UNKNOWN)


def test_an_inactive_user_is_refused_with_a_valid_token_and_with_an_expired_one(world: World) -> None:
    lasting, short = token_of(world, "staff"), token_of(world, "staff", days=1)
    world.describe(users=[{"uuid": uid(1), "username": "staff", "is_staff": True, "is_active": False}])
    world.now = NOW + timedelta(days=2)
    assert_refused(ask(world, f"Token {lasting}"), INACTIVE)
    assert_refused(ask(world, f"Token {short}"), INACTIVE)

    world.describe(users=[{"uuid": uid(1), "username": "staff", "is_staff": True, "is_active": True}])
    assert ask(world, f"Token {lasting}").status_code == 200
    assert_refused(ask(world, f"Token {short}"), EXPIRED)


def test_who_may_not_do_what_they_ask_for_is_told_so_and_not_asked_for_a_token(world: World) -> None:
    response = world.report(by="project-admin", usages=[{"type": "cpu", "amount": 1}])
    body = b'{"detail":"You do not have permission to perform this action."}'
    assert (response.status_code, response.data) == (403, body)
    assert plain_headers(response) == {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    assert world.usages() == []


def test_the_probes_need_no_token_and_mind_no_wrong_one(world: World) -> None:
    for path in ("/healthz", "/readyz"):
        assert ask(world, None, path).status_code == 200
        assert ask(world, "Token x", path).status_code == 200


# wrong tokens


def test_after_many_wrong_tokens_the_next_wrong_one_is_told_to_wait_and_a_right_one_is_not(
    world: World,
) -> None:
    right = f"Token {token_of(world, 'staff')}"
    for number in range(MOST_GUESSES):
        assert_refused(ask(world, f"Token wrong{number}"), UNKNOWN)
    for number in range(3):
        response = ask(world, f"Token another{number}")
        assert response.status_code == 429
        assert 0 < int(response.headers["Retry-After"]) <= WINDOW_SECONDS
        assert response.get_json()["detail"].startswith(UNKNOWN)
        assert ask(world, right).status_code == 200
    assert_refused(ask(world, None), MISSING)
    assert world.report(usages=[{"type": "cpu", "amount": "1"}]).status_code == 201


def test_tokens_that_have_expired_are_no_guesses(world: World) -> None:
    expired = token_of(world, "staff", 1)
    world.now = NOW + timedelta(days=2)
    for _ in range(MOST_GUESSES + 2):
        assert_refused(ask(world, f"Token {expired}"), EXPIRED)


def test_wrong_tokens_are_counted_for_an_address_and_a_while() -> None:
    now = [1000.0]
    attempts = Attempts(clock=lambda: now[0])
    assert [attempts.wrong("192.0.2.1") for _ in range(MOST_GUESSES + 2)] == [0] * MOST_GUESSES + [60, 60]
    assert attempts.wrong("192.0.2.2") == 0
    now[0] += 59.5
    assert attempts.wrong("192.0.2.1") == 1
    now[0] += 0.5
    assert attempts.wrong("192.0.2.1") == 0


def test_wrong_tokens_from_everywhere_are_slowed_together() -> None:
    now = [1000.0]
    attempts = Attempts(clock=lambda: now[0])
    told = [attempts.wrong(f"10.0.{number >> 8}.{number & 255}") for number in range(MOST_GUESSES_IN_ALL + 2)]
    assert told == [0] * MOST_GUESSES_IN_ALL + [60, 60]
    assert len(attempts) == ADDRESSES
    now[0] += 60
    assert attempts.wrong("192.0.2.1") == 0


def test_who_has_a_right_token_is_not_locked_out_by_those_who_guess(world: World) -> None:
    right = f"Token {token_of(world, 'staff')}"
    for number in range(MOST_GUESSES_IN_ALL):
        world.app.extensions["usage-ledger"].attempts.wrong(f"10.0.{number >> 8}.{number & 255}")
    assert ask(world, "Token wrong").status_code == 429
    assert ask(world, right).status_code == 200


def test_addresses_of_one_ipv6_subscriber_count_as_one() -> None:
    attempts = Attempts()
    seconds = [attempts.wrong(f"2001:db8:0:1::{number:x}") for number in range(MOST_GUESSES + 1)]
    assert seconds[:-1] == [0] * MOST_GUESSES
    assert seconds[-1] > 0
    assert attempts.wrong("2001:db8:0:2::1") == 0


def test_of_addresses_with_wrong_tokens_only_so_many_are_known() -> None:
    attempts = Attempts()
    for number in range(3 * ADDRESSES):
        attempts.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(attempts) == ADDRESSES
