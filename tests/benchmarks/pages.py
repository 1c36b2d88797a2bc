"""Row 19: pages for people, signed in, of a million usages."""

from collections.abc import Sequence
from gzip import compress
from urllib.parse import urlencode

from msgspec import structs

from tests.benchmarks.bench import Bench
from tests.benchmarks.load import Call
from tests.benchmarks.measure import Line, Target, no_errors
from tests.benchmarks.serving import Served
from tests.benchmarks.shape import OWNERS, STAFF, uuid_for

FIRST = "/dashboard/"

OTHERS = {
    f"{kind} of {what}": f"/dashboard/{kind}s/{uuid_for(kind, 0).hex}/"
    for kind, what in (
        ("project", "1,000 resources"),
        ("customer", "10 projects"),
        ("offering", "10,000 resources"),
        ("provider", "5 offerings"),
    )
}

ASSETS = tuple(f"/dashboard/static/{name}" for name in ("style.css", "script.js", "icon.svg"))
"""What a browser loads with its first page."""

LONGEST_MS = 300
LARGEST_KB = 400

SECONDS = 2
"""Of a play: there are ten, and each asks for one page."""


def first_and_others(bench: Bench) -> list[Line]:
    """The first page of staff and of whoever owns all providers, and the pages that it leads to."""
    bench = structs.replace(bench, seconds=SECONDS)
    with bench.ledger(bench.sets.million) as served:
        return [
            line
            for who, token in (("staff", STAFF[0]), ("a provider", OWNERS[0]))
            for line in pages_of(bench, served, who, signed_in(served, token))
        ]


def pages_of(bench: Bench, served: Served, who: str, headers: dict[str, str]) -> list[Line]:
    loaded = [served.ask(Call(path, headers)).body for path in (FIRST, *ASSETS)]
    first = page(bench, served, f"first page ({who}), 1 client", FIRST, headers, loaded)
    others = [
        page(bench, served, f"page of the {name} ({who})", path, headers) for name, path in OTHERS.items()
    ]
    return [first, *others]


def page(
    bench: Bench, served: Served, work: str, path: str, headers: dict[str, str], loaded: Sequence[bytes] = ()
) -> Line:
    """A page, which has targets where it is told what is loaded with it."""
    body = served.ask(Call(path, headers)).body
    assert b'id="main"' in body, f"{path}: {body[:200]!r}"
    asked = bench.compare({"page": bench.side(served, [[Call(path, headers)]])})["page"]
    details = {"p50 ms": asked.median_p50, "KB": kb(body), "KB compressed": kb(compress(body))}
    note = f"p50 {asked.median_p50:.0f} ms, {kb(body):.0f} KB, compressed {kb(compress(body)):.0f} KB"
    targets = [in_time(asked.median_p50), small_enough(loaded)] if loaded else []
    return Line(19, work, asked, targets=[*targets, *no_errors(asked)], note=note, details=details)


def signed_in(served: Served, token: str) -> dict[str, str]:
    """Returns the headers of somebody who has signed in with a token."""
    form = Call(
        "/dashboard/sign-in/",
        {"Content-Type": "application/x-www-form-urlencoded"},
        urlencode({"token": token}),
        "POST",
    )
    return {"Cookie": served.ask(form).headers["set-cookie"].partition(";")[0]}


def in_time(ms: float) -> Target:
    return Target(f"p50 ≤ {LONGEST_MS} ms", f"{ms:.0f} ms", ms <= LONGEST_MS)


def small_enough(loaded: Sequence[bytes]) -> Target:
    """As they are: it is up to a proxy to compress them."""
    size = sum(map(kb, loaded))
    return Target(f"≤ {LARGEST_KB} KB with style and script", f"{size:.0f} KB", size <= LARGEST_KB)


def kb(data: bytes) -> float:
    return len(data) / 1000
