"""Forms that write: whose are taken, what is told of a refusal, and that what was done is told once."""

import pytest

from ledger.events import BillingMonthDescribed
from tests.dashboard.reading import DASHBOARD, SIGN_IN, Reader, anybody, reader, shown
from tests.dashboard.writing import CLUSTER, done, head
from tests.world import World
from web.commands import tokens
from web.dashboard.asking import Refused
from web.dashboard.errors import FOREIGN
from web.dashboard.frame import SignInFirst
from web.dashboard.sessions import COOKIE
from web.dashboard.writing import messages
from web.dashboard.writing.forms import IN_CHUNKS, MOST_REFUSED, Form
from web.request.services import Replica

OCTOBER = {"step": "close", "month": "2026-10", "note": "Audited"}


def secret_of(somebody: Reader) -> str:
    cookie = somebody.client.get_cookie(COOKIE, path=DASHBOARD)
    assert cookie
    return cookie.value


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_writes_nothing(world: World, headers: dict[str, str]) -> None:
    staff, before = reader(world, "staff"), head(world)
    answer = staff.post(CLUSTER, headers, **OCTOBER)
    assert (answer.status, answer.messages, head(world)) == (403, [FOREIGN], before)


def test_whoever_is_not_signed_in_is_asked_to_and_nothing_is_written(world: World) -> None:
    before = head(world)
    answer = anybody(world).post(CLUSTER, **OCTOBER)
    assert (answer.status, answer.response.headers["Location"]) == (303, SIGN_IN)
    assert head(world) == before


def test_a_form_is_sent_as_its_reader_by_their_browser(world: World) -> None:
    owner = reader(world, "provider-owner")
    headers = {"User-Agent": "Firefox/150.0", "X-Request-Id": "r-1", "Origin": "http://localhost"}
    done(owner, owner.post(CLUSTER, headers, **OCTOBER))
    (fact,) = world.facts(BillingMonthDescribed)
    (token,) = (
        each["token_uuid"] for each in tokens.listed(world.services) if each["username"] == "provider-owner"
    )
    assert (fact.agent, fact.request_id) == ("usage-ledger-dashboard Firefox/150.0", "r-1")
    assert (f"{fact.token_uuid}", fact.source) == (f"{token}", "api")


def test_no_fact_has_the_secret_of_a_session(world: World) -> None:
    owner = reader(world, "provider-owner")
    owner.post(CLUSTER, {"User-Agent": f"odd {secret_of(owner)}", "X-Request-Id": "r-1"}, **OCTOBER)
    (fact,) = world.facts(BillingMonthDescribed)
    assert (fact.agent, fact.request_id) == ("", "r-1")


def test_what_was_done_is_told_once_and_in_no_address(world: World) -> None:
    owner = reader(world, "provider-owner")
    answer = owner.post(CLUSTER, **OCTOBER)
    assert answer.response.headers["Location"] == f"{CLUSTER}#main"
    assert shown(done(owner, answer).one(".done")) == "October 2026 was closed for Cluster."
    assert owner.open(CLUSTER).html.select(".done") == []


@pytest.mark.parametrize("forge", ["nothing", "another session's", "changed"])
def test_a_message_that_is_not_ours_is_not_told(world: World, forge: str) -> None:
    owner, other = reader(world, "provider-owner"), reader(world, "provider-owner")
    sealed = messages.sealed("Approved.", secret_of(other if forge == "another session's" else owner))
    if forge == "changed":
        sealed = f"{messages.sealed('Paid.', secret_of(owner)).partition('.')[0]}.{sealed.partition('.')[2]}"
    if forge != "nothing":
        owner.client.set_cookie(messages.COOKIE, sealed, path=DASHBOARD)
    assert owner.open(CLUSTER).html.select(".done") == []
    assert owner.client.get_cookie(messages.COOKIE, path=DASHBOARD) is None


def test_what_was_typed_is_kept_beside_what_the_api_has_against_it(world: World) -> None:
    owner, before = reader(world, "provider-owner"), head(world)
    page = owner.post(CLUSTER, step="close", month="May", note='"Late" <b>')
    assert (page.status, page.heading, head(world)) == (400, "Cluster", before)
    told = page.one("#closing-month-errors li")
    assert shown(told) == "Must be a month like 2026-05, or its first day like 2026-05-01."
    month, note = page.one("#closing-month"), page.one("#closing-note")
    assert (month["value"], month["aria-invalid"]) == ("May", "true")
    assert month["aria-describedby"] == "closing-month-errors"
    assert (note["value"], "aria-invalid" in note.attrs) == ('"Late" <b>', False)


def test_lines_of_a_form_end_as_those_of_json(world: World) -> None:
    owner = reader(world, "provider-owner")
    owner.post(CLUSTER, step="close", month="2026-10", note="One\r\nTwo\r\n")
    (fact,) = world.facts(BillingMonthDescribed)
    assert fact.entity.note == "One\nTwo"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (OCTOBER | {"step": "delete"}, "step: Must be one of: close, reopen."),
        ({"month": "2026-10"}, "step: Must be one of: close, reopen."),
        (OCTOBER | {"moth": "2026-10"}, "moth: Unknown field."),
    ],
)
def test_a_form_that_no_page_has_is_refused(world: World, form: dict[str, str], told: str) -> None:
    owner, before = reader(world, "provider-owner"), head(world)
    page = owner.post(CLUSTER, **form)
    assert (page.status, page.messages, head(world)) == (400, [told], before)


def test_a_form_with_a_parameter_in_its_address_is_refused(world: World) -> None:
    owner, before = reader(world, "provider-owner"), head(world)
    page = owner.post(f"{CLUSTER}?as_of=2026-11-01", **OCTOBER)
    assert (page.status, head(world)) == (400, before)


def test_half_of_a_form_is_no_form(world: World) -> None:
    owner, before = reader(world, "provider-owner"), head(world)
    response = owner.client.post(CLUSTER, data=OCTOBER, headers={"Transfer-Encoding": "chunked"})
    assert (response.status_code, IN_CHUNKS in response.text, head(world)) == (411, True, before)


def test_a_token_to_read_with_is_offered_no_form_and_refused_in_words(world: World) -> None:
    user = tokens.user_named(world.services, "provider-owner")
    somebody = anybody(world)
    somebody.post(SIGN_IN, token=tokens.create(world.services, user, None, uses="read"))
    before = head(world)
    assert somebody.open(CLUSTER).html.select("#closing") == []
    page = somebody.post(CLUSTER, **OCTOBER)
    assert (page.status, head(world)) == (403, before)
    assert shown(page.one("#closing-refusal")) == "This token may only read."


def test_a_replica_offers_no_form_and_takes_none(world: World) -> None:
    owner, before = reader(world, "provider-owner"), head(world)
    secret = secret_of(owner)
    world.configure(replica=Replica("https://ledger.example.org/"))
    somebody = anybody(world)
    somebody.client.set_cookie(COOKIE, secret, path=DASHBOARD)
    assert somebody.open(CLUSTER).html.select("form.write") == []
    page = somebody.post(CLUSTER, **OCTOBER)
    told = "This server is read-only. Write to https://ledger.example.org/."
    assert (page.status, page.messages, head(world)) == (503, [told], before)


@pytest.mark.parametrize("status", [409, 429, 503])
def test_what_is_to_be_sent_again_later_is_told_beside_what_was_typed(status: int) -> None:
    form = Form("close", {"month": "2026-10", "note": ""})
    told = {"detail": "Nothing was stored; send it again."}
    refused = form.refused(Refused(status, told))
    assert refused == form._replace(status=status, errors={"": [told["detail"]]}, told=told)


def test_what_may_have_been_done_is_told_on_a_page_of_its_own() -> None:
    form, refusal = Form("close", {"month": "2026-10"}), Refused(500, {"detail": "A server error occurred."})
    with pytest.raises(Refused):
        form.refused(refusal)
    with pytest.raises(SignInFirst):
        form.refused(Refused(401, {"detail": "Invalid token."}))


def test_of_many_items_that_are_refused_the_first_are_told_by_their_places() -> None:
    told = [{} if place == 1 else {"amount": ["No."]} for place in range(MOST_REFUSED + 3)]
    refused = Form("propose", {"items": ""}).refused(Refused(400, {"items": told})).errors["items"]
    assert refused[:2] == ["place 0: amount: No.", "place 2: amount: No."]
    assert (len(refused), refused[-1]) == (MOST_REFUSED + 1, "2 more are refused.")
