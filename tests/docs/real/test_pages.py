"""Pages are asked for with anything in their addresses: there is a page, or one that says what is wrong."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.docs.demo import CUSTOMER, OFFERING, PROJECT, RESOURCE, uuid_of
from tests.docs.real.conftest import SEED, Fuzzed
from web.dashboard.lists import LISTS
from web.dashboard.pages.listing import FILTERS
from web.dashboard.pages.scopes import SCOPES

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
MONTH = st.dates().map(lambda day: f"{day:%Y-%m}")
UUID = st.sampled_from([RESOURCE, OFFERING, PROJECT, CUSTOMER, uuid_of(0)]) | TEXT
VALUES: dict[str, st.SearchStrategy[str]] = {
    "as_of": st.dates().map(str) | st.datetimes().map(str) | st.integers().map(str),
    "from": st.dates().map(str) | st.integers(0, 400).map(str),
    "to": st.dates().map(str) | st.integers(0, 400).map(str),
    "billing_period": MONTH,
    "start": MONTH,
    "end": MONTH,
    "page": st.integers().map(str),
    "by": st.sampled_from(["resource", "user", "project", "offering", "customer"]),
    "component": st.sampled_from([f"{OFFERING}.cpu", f"{OFFERING}.gpu", "."]),
    "format": st.sampled_from(["csv", "ndjson", "parquet", "json"]),
    "next": st.sampled_from(["/dashboard/", "//elsewhere", "/dashboard/\\", "https://elsewhere/"]),
}
QUERY = st.fixed_dictionaries(
    {},
    optional={name: VALUES.get(name, UUID) | TEXT for name in sorted({*VALUES, *FILTERS, "o", "field", "x"})},
).map(lambda query: dict([*query.items()][:4]))
BILLING = [
    f"/dashboard/{name}/"
    for name in ("months", "corrections", "corrections/propose", "completeness", "manifests")
]
PATHS = st.one_of(
    st.sampled_from(["/", "/dashboard/", "/dashboard/compare/", "/dashboard/sign-in/", *BILLING]),
    st.builds("/dashboard/{}/{}/".format, st.sampled_from([*SCOPES]), UUID.map(quote)),
    st.builds("/dashboard/lists/{}/".format, st.sampled_from([*LISTS]) | TEXT.map(quote)),
    st.builds("/dashboard/figures/{}/".format, UUID.map(quote)),
    st.builds("/dashboard/corrections/{}/".format, UUID.map(quote)),
    st.builds("/dashboard/facts/{}/".format, st.integers(0, 400) | TEXT.map(quote)),
    st.builds("/dashboard/download/{}".format, st.sampled_from(["ledger/diff/", "users/me/", "no/"])),
    TEXT.map(lambda text: f"/dashboard/{quote(text)}"),
)


@pytest.fixture(scope="module", params=["demo-staff", "demo-reader", None])
def cookie(fuzzed: Fuzzed, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The session of somebody who has signed in, or of nobody."""
    if request.param is None:
        yield {}
        return
    form = urlencode({"token": fuzzed.tokens[request.param]}).encode()
    answer = fuzzed.service.post(
        "/dashboard/sign-in/", form, Content_Type="application/x-www-form-urlencoded"
    )
    assert answer.status == 303
    yield {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


def test_no_address_is_a_fault_of_the_service(fuzzed: Fuzzed, cookie: dict[str, str]) -> None:
    @seed(SEED)
    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(PATHS, QUERY)
    def ask(path: str, query: dict[str, str]) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", fuzzed.service.port, timeout=60)) as connection:
            connection.request("GET", f"{path}?{urlencode(query)}", headers=cookie)
            answer = connection.getresponse()
            body = answer.read()
        assert answer.status in (200, 303, 308, 400, 401, 403, 404), (answer.status, body[:500])
        if answer.getheader("Content-Type", "").startswith("text/html") and answer.status != 303:
            assert b"<h1" in body

    ask()
