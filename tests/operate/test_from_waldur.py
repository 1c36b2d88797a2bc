"""A ledger that is filled out of a live Waldur has its figures, and nothing there is touched."""

import json
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import psycopg
import pytest

from tests.api.monthly import entity
from tests.conftest import database
from tests.operate.waldur import Answer, Relay, relayed
from tests.support.command import COMMAND, Environment, free_port, positions, run
from tests.support.programs import certificate
from tests.support.served import Served, served
from tests.support.waiting import wait_until
from tests.world import (
    BASIC,
    CATALOGUE,
    CATEGORY,
    CPU,
    GPU,
    OFFERING,
    OFFERING_USER,
    PREMIUM,
    PROJECT,
    RESOURCE,
    SECOND_PROJECT,
    USAGES,
    World,
    open_world,
    uid,
)

LISTS = (
    *("marketplace-component-usages", "marketplace-component-user-usages", "marketplace-offering-users"),
    *("marketplace-provider-offerings", "marketplace-provider-resources", "marketplace-service-providers"),
    "component-user-usage-limits",
)
"""All lists of a source that are there in the same words."""

OTHERS = (
    f"marketplace-provider-resources/{RESOURCE}/plan_periods/",
    f"marketplace-project-usage/{PROJECT}/components-usage/",
    "ledger/monthly-usages/?group_by=resource&start=2026-01&end=2026-12",
)

OF_EACH_SERVER = {
    *("url", "id", "modified", "modified_by", "last_reported_at"),
    *("resource", "component_usage", "user", "customer", "project", "offering", "scope"),
}
"""Keys whose values have a server's name in them, or tell when it got to know something."""

OF_OFFERINGS = {"created"}


class Source(NamedTuple):
    """A ledger with everything that its lists can show, served by a process of its own."""

    world: World
    service: Served
    token: str


def fill(world: World) -> None:
    """A catalogue of many months: two plans in one month, carried figures, users, limits, odd amounts."""
    world.describe(
        offerings=[entity("offerings", OFFERING, category_uuid=CATEGORY, plugin_options={"account": "a, ö"})],
        offering_components=[
            entity("offering_components", GPU, description="Cards", limit_amount="10.5", unit_factor=60)
        ],
        resources=[entity("resources", RESOURCE, slug="res", backend_id="hpc_1", limits={"gpu": 5.5})],
        resource_plan_periods=[
            {"uuid": uid(0x91), "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": "2999-05-10T00:00:00Z"},
            {"uuid": uid(0x92), "resource_uuid": RESOURCE, "plan_uuid": PREMIUM}
            | {"start": "2999-05-10T00:00:00Z"},
        ],
        component_user_usage_limits=[
            {"uuid": uid(0x97), "resource_uuid": RESOURCE, "component_uuid": CPU}
            | {"offering_user_uuid": OFFERING_USER, "limit": "5.25"}
        ],
        component_usages=[
            {"uuid": uid(0x5000 + number), "resource_uuid": RESOURCE, "component_uuid": CPU}
            | {"usage": f"{number}.10", "billing_period": f"202{5 + number // 12}-{number % 12 + 1:02}-01"}
            | {"date": f"202{5 + number // 12}-{number % 12 + 1:02}-03T04:05:06.000007+02:00"}
            | {"description": f"number {number}", "recurring": bool(number % 2)}
            for number in range(14)
        ],
    )
    for amount, on in (("12345678901234567.89", "2026-10-05"), ("0.07", "2026-11-02T03:04:05.678Z")):
        cpu = {"type": "cpu", "amount": amount, "missing_usage_policy": "zero", "description": "ü\n"}
        world.report(date=on, usages=[cpu, {"type": "gpu", "amount": "-3.5"}])
    [usage] = world.usages(type="gpu", billing_period="2026-11-01")
    shares = [{"username": f"user{number:03}", "usage": f"{number}.5"} for number in range(330)]
    path = f"{USAGES}{usage['uuid']}/set_user_usages/"
    assert world.as_("staff").post(path, {"usages": shares}).status_code == 201
    user = f"http://localhost/api/marketplace-offering-users/{OFFERING_USER}/"
    assert world.report_user(usage["uuid"], username="member01", usage=2, user=user).status_code == 201
    world.describe(resources=[entity("resources", RESOURCE, state=6, limits={"gpu": 5.5})])


@pytest.fixture(scope="module")
def source(server: str, world_template: str) -> Iterator[Source]:
    with database(server, world_template) as url, open_world(url) as world:
        fill(world)
        with served(url) as service:
            yield Source(world, service, world.token_of("staff"))


@pytest.fixture
def target(environment: Environment, source: Source) -> Environment:
    """An empty ledger, and a token of the source's."""
    return environment | {"LEDGER_WALDUR_TOKEN": source.token}


def shown(service: Served, token: str, path: str) -> list[dict[str, Any]]:
    """All rows at a path, or what there is instead, without what is of each server."""
    found: list[dict[str, Any]] = []
    for page in range(1, 100):
        separator = "&" if "?" in path else "?"
        reply = get(service, token, f"/api/{path}{separator}page={page}&page_size=300")
        body = json.loads(reply[2])
        found += body if isinstance(body, list) else [body]
        if 'rel="next"' not in reply[1].get("Link", ""):
            break
    left_out = OF_EACH_SERVER | (OF_OFFERINGS if "offering" in path or "provider" in path else set())
    return [{key: value for key, value in row.items() if key not in left_out} for row in found]


def get(service: Served, token: str, path: str) -> Answer:
    return Relay(service.port, is_waldur=False).answer("GET", path, {"Authorization": f"Token {token}"})


def staff_of(environment: Environment) -> str:
    """A token of a new user who sees everything."""
    assert run(environment, "user", "create", "reader", "--support").returncode == 0
    return run(environment, "token", "create", "reader").stdout.strip()


def consumed(service: Served, token: str) -> dict[tuple[str, str], str]:
    """Return what was consumed, by month and component. What was allocated is each ledger's own history."""
    rows = shown(service, token, "marketplace-component-usage-monthly/?start=2024-01")
    return {
        (row["billing_period"], row["component_type"]): row["total_consumed"]
        for row in rows
        if row["total_consumed"] != "0.00"
    }


@contextmanager
def serving(environment: Environment) -> Iterator[tuple[Served, str]]:
    with served(environment["LEDGER_DATABASE_URL"]) as service:
        yield service, staff_of(environment)


def by_uuid(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row.get("uuid") or sorted(row.items(), key=str)))


def test_every_figure_of_every_list_is_that_of_the_source(source: Source, target: Environment) -> None:
    relay = Relay(source.service.port, is_waldur=False)
    with relayed(relay) as url:
        done = run(target, "import", "--from-waldur", url)
        assert done.stdout, done.stderr
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "380 of 380 objects were stored."), done
        again = run(target, "import", "--from-waldur", f"{url}/api/")
    assert again.stdout.splitlines()[-1] == "0 of 380 objects were stored."
    assert {verb for verb, _ in relay.asked} == {"GET"}
    with serving(target) as (service, token):
        for path in (*(f"{each}/" for each in LISTS), *OTHERS):
            there, here = (shown(*each, path) for each in ((source.service, source.token), (service, token)))
            assert by_uuid(here) == by_uuid(there), path
            assert there, path
        assert consumed(service, token) == consumed(source.service, source.token)


def test_what_waldur_has_besides_is_read_or_named(source: Source, target: Environment) -> None:
    relay = Relay(source.service.port, is_waldur=True)
    with relayed(relay) as url:
        done = run(target, "import", "--from-waldur", url)
        assert done.returncode == 0, done.stderr
        again = run(target, "import", "--from-waldur", url)
    assert again.stdout.splitlines()[-1].startswith("0 of "), again
    assert "email" not in "".join(path for _, path in relay.asked)
    rows = tables(target)
    assert rows["roles"] == sorted(
        [
            *(
                (role["uuid"], role["role_name"], role.get("is_active", True))
                for role in CATALOGUE["user_roles"]
            ),
            (uid(0x8A), "PROJECT.MEMBER", False),
        ]
    )
    assert rows["accounts"] == sorted(
        (each["username"], each.get("is_staff", False), each.get("is_support", False))
        for each in CATALOGUE["users"]
    )
    assert rows["customers"] == sorted((each["name"], each["name"][:3]) for each in CATALOGUE["customers"])
    assert rows["projects"] == [("Other project", False), ("Project", False), ("Second project", True)]
    assert rows["prices"] == [("Basic plan", "0.1234567890", "2"), ("Premium plan", "3.0000000000", "2")]
    assert rows["categories"] == [("HPC & AI",)]
    told = done.stderr.splitlines()
    assert "1 user_roles not read, which are on call" in told
    assert "email" in next(line for line in told if line.startswith("users: not read: "))
    assert "not read: orders, invoices, and all other lists of Waldur's" in told
    assert not [line for line in told if "404" in line or "left out" in line]


def tables(environment: Environment) -> dict[str, list[tuple[Any, ...]]]:
    selects: dict[str, LiteralString] = {
        "roles": "SELECT replace(uuid::text, '-', ''), role_name, is_active FROM read_models.role",
        "accounts": "SELECT username, is_staff, is_support FROM read_models.account",
        "customers": "SELECT name, abbreviation FROM read_models.customer",
        "projects": "SELECT name, is_removed FROM read_models.project",
        "categories": "SELECT title FROM read_models.category",
        "prices": "SELECT p.name, price::text, amount::text FROM read_models.plan_component c"
        " JOIN read_models.plan p ON p.uuid = c.plan_uuid",
    }
    with psycopg.connect(environment["LEDGER_DATABASE_URL"]) as connection:
        return {name: sorted(connection.execute(sql).fetchall()) for name, sql in selects.items()}


def test_lists_that_are_not_there_are_named(source: Source, target: Environment) -> None:
    with relayed(Relay(source.service.port, is_waldur=False)) as url:
        told = run(target, "import", "--from-waldur", url).stderr.splitlines()
    assert [line for line in told if "404" in line] == [
        f"{name}: not read, as {url}/api/{path}/ is not there (404)"
        for name, path in (
            ("users", "users"),
            ("customers", "customers"),
            ("projects", "projects"),
            ("categories", "marketplace-categories"),
            ("user_roles", "user-permissions"),
        )
    ]
    assert "4 customers not listed there, and taken from what others say of them" in told


def html(_path: str, _number: int) -> Answer:
    return 200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Waldur HomePort</html>"


def status(code: int, **headers: str) -> Callable[[str, int], Answer]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _path, _number: (code, {"Content-Type": "application/json"} | named, b'{"detail": "no"}')


ME = "GET /api/users/me/"


@pytest.mark.parametrize(
    ("fail", "told"),
    [
        (html, f"answers {ME} with text/html instead of JSON: is it the address of Waldur's API?"),
        (status(401), "does not accept LEDGER_WALDUR_TOKEN (401)"),
        (status(403), "does not let this token read /api/users/me/ (403)"),
        (status(404), f"is no Waldur: it answers 404 to {ME}"),
        (
            status(301, Location="https://elsewhere/"),
            "answers 301 and leads to https://elsewhere/; name that",
        ),
        (status(418), f"answers {ME} with 418"),
    ],
)
def test_a_source_that_is_none_is_told_in_one_line(
    fail: Callable[[str, int], Answer], told: str, source: Source, target: Environment
) -> None:
    with relayed(Relay(source.service.port, is_waldur=True, fail=fail)) as url:
        done = run(target, "import", "--from-waldur", url)
    assert done == (1, "", f"Error: {url} {told}\n")
    assert positions(target) == []


def test_a_needed_list_that_is_away_stops_it_before_anything_is_stored(
    source: Source, target: Environment
) -> None:
    def fail(path: str, _number: int) -> Answer | None:
        return status(403)(path, 0) if path.startswith("/api/marketplace-offering-users/") else None

    with relayed(Relay(source.service.port, is_waldur=True, fail=fail)) as url:
        done = run(target, "import", "--from-waldur", url)
    told = "does not let this token read /api/marketplace-offering-users/ (403)"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"Error: {url} {told}"
    assert positions(target) == []


def test_an_address_where_nobody_is_is_told(target: Environment) -> None:
    done = run(target, "import", "--from-waldur", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "can't be reached: [Errno 111] Connection refused; check the URL" in done.stderr


def test_a_certificate_that_nobody_trusts_is_told(
    source: Source, target: Environment, tmp_path: Path
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate(tmp_path))
    with relayed(Relay(source.service.port, is_waldur=True), tls) as url:
        done = run(target, "import", "--from-waldur", url)
    told = "check the URL, and which certificates this system trusts"
    assert done == (1, "", f"Error: {url}: self-signed certificate; {told}\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Either FILE or --from-waldur names what to import."),
        (["a.json", "--from-waldur", "http://a"], "Either FILE or --from-waldur names what to import."),
        (["a.json", "--watch", "1"], "--watch goes with --from-waldur."),
        (["--from-waldur", "http://a", "--strict"], "--strict is for files: much of a Waldur is not read."),
        (["--from-waldur", "a"], "'a' is no URL like https://ledger.example.org."),
    ],
)
def test_wrong_options_are_told(arguments: list[str], told: str, target: Environment) -> None:
    done = run(target, "import", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_no_token_is_told(target: Environment) -> None:
    without = {name: value for name, value in target.items() if name != "LEDGER_WALDUR_TOKEN"}
    done = run(without, "import", "--from-waldur", "http://127.0.0.1:1")
    assert done.stderr == (
        "Error: LEDGER_WALDUR_TOKEN: is not set, and names the API token of the Waldur that "
        "`usage-ledger import` reads out of\n"
    )


def test_a_server_that_stumbles_is_asked_again(source: Source, target: Environment) -> None:
    """Every fifth answer is a failure once: of the server, of a proxy, or none at all."""
    failed: set[str] = set()

    def fail(path: str, number: int) -> Answer | None:
        if number % 5 or path in failed:
            return None
        failed.add(path)
        if number % 3 == 0:
            raise ConnectionResetError
        return status(503 if number % 2 else 502, Retry_After="0")(path, number)

    with relayed(Relay(source.service.port, is_waldur=True, fail=fail)) as url:
        done = run(target, "import", "--from-waldur", url)
    assert done.returncode == 0, done.stderr
    assert len(failed) > 5
    assert done.stderr.count("trying again in 0.5 s") == len(failed)


def test_a_list_that_shrinks_while_it_is_read_is_read_again(source: Source, target: Environment) -> None:
    """Between two pages somebody deletes a user before them: the third one moves to a page that was read."""
    relay = Relay(source.service.port, is_waldur=True)
    users = relay.lists["/api/users/"]
    gone = {"uuid": uid(0xFF), "username": "gone", "is_staff": False, "is_support": False, "is_active": True}
    users.insert(0, gone)

    def fail(path: str, _number: int) -> None:
        if path.startswith("/api/users/?") and "page=2" in path and gone in users:
            users.remove(gone)

    relay.fail = fail
    with relayed(relay) as url:
        done = run(target, "import", "--from-waldur", url)
    assert done.returncode == 0, done.stderr
    names = [name for name, *_ in tables(target)["accounts"]]
    assert names == sorted(user["username"] for user in CATALOGUE["users"])


def test_whoever_is_killed_goes_on_and_stores_nothing_twice(source: Source, target: Environment) -> None:
    relay = Relay(source.service.port, is_waldur=True)
    command = [str(COMMAND), "import", "--from-waldur"]
    with relayed(relay) as url:
        for month in ("2025-02-01", "2025-11-01"):
            with subprocess.Popen([*command, url], env=target, stderr=subprocess.DEVNULL) as process:
                wait_until(lambda: any(f"={month}" in path for _, path in relay.asked), 60)  # noqa: B023
                process.send_signal(signal.SIGKILL)
        before = len(positions(target))
        assert before > 40
        done = run(target, "import", "--from-waldur", url)
        assert done.returncode == 0, done.stderr
        assert len(positions(target)) > before
        after = positions(target)
        assert run(target, "import", "--from-waldur", url).stdout.splitlines()[-1].startswith("0 of ")
    assert positions(target) == after
    with serving(target) as (service, token):
        there, here = (
            shown(*each, "marketplace-component-usages/")
            for each in ((source.service, source.token), (service, token))
        )
        assert by_uuid(here) == by_uuid(there)


def test_a_row_without_a_place_is_named_and_the_rest_is_stored(source: Source, target: Environment) -> None:
    def fail(path: str, _number: int) -> Answer | None:
        if path.startswith("/api/marketplace-provider-resources/?"):
            return 200, {"X-Result-Count": "0", "Content-Type": "application/json"}, b"[]"
        return None

    with relayed(Relay(source.service.port, is_waldur=True, fail=fail)) as url:
        done = run(target, "import", "--from-waldur", url)
    assert done.returncode == 1
    told = "component_usages: 18 left out, as their resource is not listed: "
    assert [line for line in done.stderr.splitlines() if line.startswith(told)]


def test_what_is_new_in_a_closed_month_is_named_and_the_months_behind_it_arrive(
    source: Source, target: Environment
) -> None:
    def fail(path: str, _number: int) -> Answer | None:
        return status(403)(path, 0) if "=2025-02-01" in path else None

    with relayed(Relay(source.service.port, is_waldur=False, fail=fail)) as url:
        assert run(target, "import", "--from-waldur", url).returncode == 1
    for month in ("2025-03", "2026-11"):
        assert run(target, "month", "close", "--offering", OFFERING, "--month", month).returncode == 0
    with relayed(Relay(source.service.port, is_waldur=False)) as url, serving(target) as (service, token):
        done = run(target, "import", "--from-waldur", url)
        assert done.returncode == 1
        left_out = [line.rpartition(": ")[0] for line in done.stderr.splitlines() if "left out" in line]
        assert left_out == [
            "component_usages: 3 left out, as their month is closed here for their offering",
            "component_user_usages: 331 left out, as their month is closed here for their offering",
        ]
        assert f": {uid(0x5002)}, " in done.stderr
        assert "3 closed" in done.stdout
        there = consumed(source.service, source.token)
        is_closed = {place: place[0] in ("2025-03-01", "2026-11-01") for place in there}
        assert consumed(service, token) == {place: there[place] for place in there if not is_closed[place]}
        for month in ("2025-03", "2026-11"):
            assert run(target, "month", "reopen", "--offering", OFFERING, "--month", month).returncode == 0
        assert run(target, "import", "--from-waldur", url).returncode == 0
        assert consumed(service, token) == there


@contextmanager
def watching(environment: Environment, token: str, url: str) -> Iterator[Callable[[], None]]:
    """A process that pulls each second. What is yielded waits for a round that has begun since."""
    command = [str(COMMAND), "import", "--watch", "0.02", "--from-waldur", url]
    with subprocess.Popen(
        command, env=environment | {"LEDGER_WALDUR_TOKEN": token}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        ends = (line for line in process.stdout if line.endswith("objects were stored.\n"))

        def two_rounds() -> None:
            for _ in range(2):
                next(ends)

        try:
            yield two_rounds
        finally:
            process.terminate()
    assert process.returncode == 128 + signal.SIGTERM


def test_a_catalogue_is_kept_in_step(
    world_database: Callable[[], AbstractContextManager[str]], target: Environment
) -> None:
    """A watch is one process: each minute it asks for what is new, and for no month that is as it was."""
    with world_database() as url, open_world(url) as world, served(url) as service:
        assert world.report(date="2026-10-05", usages=[{"type": "cpu", "amount": 7}]).status_code == 201
        relay = Relay(service.port, is_waldur=False)
        waldur_token = world.token_of("staff")
        with relayed(relay) as address, watching(target, waldur_token, address) as rounds:
            rounds()
            world.describe(projects=[entity("projects", SECOND_PROJECT, name="Renamed")])
            world.describe(resources=[entity("resources", RESOURCE, project_uuid=SECOND_PROJECT)])
            asked = len(relay.asked)
            rounds()
            assert not [path for _, path in relay.asked[asked:] if "billing_period=2026" in path]
            assert ("Renamed", False) in tables(target)["projects"]
            assert world.report(usages=[{"type": "cpu", "amount": 8}]).status_code == 201
            rounds()
    with psycopg.connect(target["LEDGER_DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT usage::text FROM read_models.component_usage ORDER BY 1").fetchall()
    assert rows == [("7.00",), ("8.00",)]
