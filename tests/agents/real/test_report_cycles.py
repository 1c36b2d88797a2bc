"""The agent reports what its backend says: the first time, unchanged, and changed."""

from datetime import date
from typing import Any

from ledger.events import UsageReported
from tests.agents.real.agent import CLOUD, CLUSTER, SECOND, Site, last_month, this_month
from tests.agents.registering import IDENTITIES, PROCESSORS, SERVICES
from tests.world import uid

NOW, BEFORE = this_month(), last_month()

SPLIT = {
    "TOTAL_ACCOUNT_USAGE": {"cpu": 16.505000000000003, "mem": 2},
    "ann": {"cpu": 10.25, "mem": 1},
    "bob": {"cpu": 6.25, "mem": 1},
}
WHOLE = {"TOTAL_ACCOUNT_USAGE": {"cpu": 1, "mem": 0}}

USAGES, USER_USAGES = "/api/marketplace-component-usages/", "/api/marketplace-component-user-usages/"
OFFERING = ("GET", "/api/marketplace-provider-offerings/{hex}/?field=…", 200)
RESOURCE = ("GET", "/api/marketplace-provider-resources/{hex}/?field=…", 200)
OF_MONTH = (
    "GET",
    f"{USAGES}?billing_period={{month}}&field=…&resource_uuid={{hex}}&page_size=100",
    200,
)
USERS_OF_MONTH = (
    "GET",
    f"{USER_USAGES}?component_usage__billing_period={{month}}&field=…&resource_uuid={{hex}}&page_size=100",
    200,
)
SET_USAGE = ("POST", f"{USAGES}set_usage/", 201)
TOO_LATE = ("POST", f"{USAGES}set_usage/", 400)
SET_USER_USAGES = ("POST", f"{USAGES}{{dashed}}/set_user_usages/", 201)
NEW_TOTALS = [OF_MONTH, USERS_OF_MONTH, SET_USAGE]
USERS = [
    ("GET", "/api/marketplace-provider-offerings/{hex}/user-attribute-config/", 200),
    (
        "GET",
        "/api/marketplace-offering-users/?field=…&is_restricted=false&offering_uuid={hex}&page_size=100",
        200,
    ),
]
VERSION = ("GET", "/api/version/", 200)


def beginning(method: str, path: str, status: int, again: int) -> list[tuple[str, str, int]]:
    """Return what an agent asks for each offering before it reports: how it registers differs."""
    return [
        ("GET", f"{IDENTITIES}?name=agent-{{hex}}", 200),
        (method, path, status),
        ("POST", f"{IDENTITIES}{{hex}}/register_service/", again),
        ("GET", "/api/users/me/", 200),
        OFFERING,
        ("GET", "/api/marketplace-service-providers/?customer_uuid={hex}&field=…", 200),
        ("POST", f"{SERVICES}{{hex}}/register_processor/", again),
        OFFERING,
        (
            "GET",
            "/api/marketplace-provider-resources/"
            "?field=…&offering_uuid={hex}&state=OK&state=Erred&page_size=100",
            200,
        ),
    ]


NEW = beginning("POST", IDENTITIES, 201, 201)
KNOWN = beginning("PUT", f"{IDENTITIES}{{hex}}/", 200, 200)


def test_the_first_cycle_reports_everything_the_second_nothing_new_and_the_third_what_changed(
    site: Site,
) -> None:
    months: dict[date, dict[str, Any]] = {
        NOW: {"alloc-first": SPLIT, "alloc-second": WHOLE, "alloc-third": SPLIT},
        BEFORE: {"alloc-first": SPLIT, "alloc-third": SPLIT},
    }
    site.write_usage(months)
    site.configure(site.offering(CLUSTER), site.offering(CLOUD))

    site.report()
    assert site.wire == [
        *(VERSION, VERSION),
        *(*NEW, RESOURCE),
        *(*NEW_TOTALS, OF_MONTH, *USERS, SET_USER_USAGES, SET_USER_USAGES),  # last month
        *(*NEW_TOTALS, OF_MONTH, SET_USER_USAGES, SET_USER_USAGES),  # this month
        *(RESOURCE, *NEW_TOTALS),  # of the second, which has no users
        *(*NEW, RESOURCE),
        *(OF_MONTH, USERS_OF_MONTH, TOO_LATE),  # providers report usage-billed components in time
        *(*NEW_TOTALS, OF_MONTH, *USERS, SET_USER_USAGES),
    ]
    both = [
        (name, str(month), kind, usage)
        for name, month in [("first", BEFORE), ("first", NOW)]
        for kind, usage in [("cpu", "16.51"), ("mem", "2.00")]
    ]
    second = [("second", str(NOW), "cpu", "1.00"), ("second", str(NOW), "mem", "0.00")]
    assert site.usages() == [*both, *second, ("third", str(NOW), "cpu", "16.51")]
    shares = [("cpu", "ann", "10.25", True), ("cpu", "bob", "6.25", False)]
    shares += [("mem", "ann", "1.00", True), ("mem", "bob", "1.00", False)]
    assert site.user_usages() == [
        *(("first", str(month), *share) for month in (BEFORE, NOW) for share in shares),
        *(("third", str(NOW), *share[:3], False) for share in shares[:2]),
    ]
    assert agents_of(site) == [(CLUSTER, "1.0.7", "report", "1.0"), (CLOUD, "1.0.7", "report", "1.0")]

    position = site.world.services.projector.catch_up()
    site.report()
    again = [OF_MONTH, OF_MONTH]
    assert site.wire == [
        *(VERSION, VERSION),
        *(*KNOWN, RESOURCE),
        *(*again, *USERS, SET_USER_USAGES, SET_USER_USAGES),
        *(*again, SET_USER_USAGES, SET_USER_USAGES),
        *(RESOURCE, OF_MONTH),
        *(*KNOWN, RESOURCE),
        *(OF_MONTH, USERS_OF_MONTH, TOO_LATE),
        *(*again, *USERS, SET_USER_USAGES),
    ]
    assert site.world.services.projector.catch_up() == position

    months[NOW] |= {"alloc-second": {"TOTAL_ACCOUNT_USAGE": {"cpu": 3, "mem": 0}}}
    site.write_usage(months)
    site.report()
    assert ("second", str(NOW), "cpu", "3.00") in site.usages()
    [(_, fact)] = site.world.ledger.facts_after(position, 10)
    assert isinstance(fact, UsageReported)
    assert fact.resource_uuid.hex == SECOND
    assert fact.reported_by is not None
    assert (fact.reported_by.hex, fact.agent) == (uid(2), "waldur-site-agent-report/1.0.7")


def agents_of(site: Site) -> list[tuple[str, str, str, str]]:
    """Offering and version of each agent, the name of its service, and the version of its backend."""
    staff = site.world.as_("staff")
    identities, processors = (staff.get(path).get_json() for path in (IDENTITIES, PROCESSORS))
    return [
        (identity["offering"], identity["version"], service["name"], processor["backend_version"])
        for identity, processor in zip(identities, processors, strict=True)
        for service in identity["services"]
    ]


def test_a_figure_that_falls_is_noticed_by_the_agent_and_not_reported(site: Site) -> None:
    site.configure(site.offering(CLUSTER))
    site.write_usage({NOW: {"alloc-second": {"TOTAL_ACCOUNT_USAGE": {"cpu": 3, "mem": 1}}}})
    site.report()
    before = site.usages()
    site.write_usage({NOW: {"alloc-second": {"TOTAL_ACCOUNT_USAGE": {"cpu": 2, "mem": 1}}}})
    site.report()
    assert (len(before), site.usages()) == (2, before)
