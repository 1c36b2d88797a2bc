"""The shapes of the data sets, and what all have in common."""

from hashlib import sha256
from uuid import UUID, uuid5

from msgspec import Struct, structs

from ledger.domain import catalogue

NAMESPACE = UUID("7f3e7f0e-52a4-5a3e-9a54-1f7e0a5f2b11")
SEED = 20_240_624
MONTHS = 24
SHORTEST = 5
"""How many months of usage the youngest resources have. The oldest have all."""

PROVIDERS = 4
OFFERINGS = 20
PEOPLE = 200
CLIENTS = 8
"""Users with a token: staff, and then as many who own every provider."""

COMPONENTS: tuple[tuple[str, catalogue.BillingType, str], ...] = (
    ("cpu", "usage", "core hours"),
    ("gpu", "usage", "GPU hours"),
    ("network", "usage", "GB"),
    ("ram", "limit", "GB"),
    ("storage", "limit", "GB"),
)

TOKENS = tuple(sha256(f"token {number}".encode()).hexdigest()[:40] for number in range(CLIENTS))
"""One of each client; they open nothing but data sets that are made here."""

STAFF, OWNERS = TOKENS[: CLIENTS // 2], TOKENS[CLIENTS // 2 :]


class Shape(Struct, frozen=True, kw_only=True):
    """How much there is of everything. Offering 0 is the large one, offering 1 the small one."""

    name: str
    usages: int
    user_usages: int
    large: int
    others: int
    in_project: int
    """Resources of project 0."""
    projects: int
    customers: int
    revisions: int = 0
    """The number of further reports of each usage, with other figures and dates."""
    small: int = 10
    offering_users: int = 0
    user_usage_limits: int = 0


TEN_THOUSAND = Shape(
    name="10k",
    usages=10_000,
    user_usages=1_000,
    large=100,
    others=2,
    in_project=10,
    projects=20,
    customers=5,
)
MILLION = Shape(
    name="1m",
    usages=1_000_000,
    user_usages=100_000,
    large=10_000,
    others=225,
    in_project=1_000,
    projects=500,
    customers=50,
)

TENTH = structs.replace(MILLION, name="100k", usages=100_000, user_usages=10_000)

REVISED = structs.replace(MILLION, name="1m_revised", user_usages=0, revisions=2)
"""Three facts of every usage."""

HUNDRED_THOUSAND = Shape(
    name="100k_resources",
    usages=1_000_000,
    user_usages=1_000_000,
    large=10_000,
    others=5_000,
    in_project=1_000,
    projects=2_000,
    customers=200,
    offering_users=20_000,
    user_usage_limits=100_000,
)


def uuid_for(kind: str, *numbers: int) -> UUID:
    return uuid5(NAMESPACE, f"{kind}:{':'.join(map(str, numbers))}")
