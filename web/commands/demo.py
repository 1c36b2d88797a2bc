"""A small catalogue of our own with a year of usage, for a first look at an empty ledger.

The year ends with the present month, and follows from a table: two ledgers of one day have the same figures.
Its facts are recorded now, as all facts are, and name `usage-ledger demo` as their client. What belongs to
the year has `(demo)` in its name. The first two resources have no usage: they are there to be reported, and
until then they are silent, beside the one that missed the present month.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from importlib.resources import as_file, files
from typing import NamedTuple
from uuid import UUID

from ledger.decisions.requests import ReportCommand
from ledger.domain.access import Caller
from ledger.domain.months import month_of, next_month, start_of
from ledger.domain.provenance import Provenance
from ledger.domain.reports import Measured, UsageItem, UsageReport, UserUsageItem, UserUsageReport
from projections.lookups import accounts
from web.commands import tokens
from web.importer.importer import import_lists
from web.importer.reading import read_lists
from web.request.services import Services


def _uuid(number: int) -> UUID:
    return UUID(f"00000000-0000-4000-8000-{number:012}")


STAFF = _uuid(1)
RESOURCE = _uuid(701)

MONTHS = 12
AGENT = "usage-ledger demo"
SEASON = (112, 108, 110, 101, 96, 84, 62, 71, 98, 109, 118, 94)
"""Percent of an average month, from January on: less is computed in summer."""


class Use(NamedTuple):
    """What a resource uses of a component in the first month, and by how many percent of it more each month.

    A `level`, such as what is stored, is the same on each day of a month, and knows no season. `shift` says
    how many months the season comes earlier.
    """

    resource: int
    component: int
    type: str
    first: int
    growth: int
    level: bool = False
    shift: int = 0


CORRECTED, LOWERED = Use(705, 511, "cpu", 26_000, 3, shift=2), Use(704, 511, "cpu", 8_400, 4, shift=5)
BY_USERS = Use(703, 511, "cpu", 41_500, 2)
SILENT = 708
"""It has not been reported in the present month."""

USES = (
    *(BY_USERS, Use(703, 512, "gpu", 1_450, 2), Use(703, 513, "storage", 9_000, 5, level=True)),
    *(LOWERED, Use(704, 512, "gpu", 110, 3, shift=5), Use(704, 513, "storage", 900, 4, level=True)),
    *(CORRECTED, Use(705, 512, "gpu", 780, 3, shift=2), Use(705, 513, "storage", 6_100, 4, level=True)),
    *(Use(706, 521, "vcpu", 5_760, 1), Use(706, 522, "memory", 23_040, 2)),
    *(Use(706, 523, "volume", 180, 6, level=True), Use(707, 521, "vcpu", 1_440, 0, shift=5)),
    *(Use(707, 522, "memory", 5_760, 1, shift=5), Use(707, 523, "volume", 40, 2, level=True)),
    *(Use(708, 521, "vcpu", 2_880, 6, shift=2), Use(708, 522, "memory", 11_520, 5, shift=2)),
    Use(708, 523, "volume", 640, 2, level=True),
)

USERS = {"demo-ida": 48, "demo-jon": 31, "demo-eli": 15}
"""Their shares of a figure, in percent. Nobody knows who used the rest."""

REASON = "two nodes were counted twice"


class Month(NamedTuple):
    """A month of the year, by its place from 0 on. `part` of it has passed, in hundredths of percent."""

    place: int
    first_day: date
    part: int
    measured: Measured | None

    def amount(self, use: Use) -> Decimal:
        """Return what is used of a component in the month, up to now."""
        amount = Decimal(use.first * (100 + use.growth * self.place)) / 100
        if not use.level:
            season = SEASON[(self.first_day.month - 1 + use.shift) % 12]
            amount *= Decimal(season * self.part) / 1_000_000
        return _rounded(amount)


def load_if_empty(services: Services) -> None:
    """Import the demo catalogue, and report its year, unless there is any fact already."""
    if services.projector.catch_up() == 0:
        with as_file(files("web.commands").joinpath("demo.json")) as path:
            lists, _ = read_lists(path)
            import_lists(lists, services)
        _report_year(services)


def _report_year(services: Services) -> None:
    now, zone = services.clock(), services.ledger.zone
    command = ReportCommand(
        reports=list(reports(now, zone)),
        caller=Caller(user_uuid=STAFF, is_staff=True, is_support=False),
        now=now,
        form="atomic_bulk",
        provenance=Provenance(agent=AGENT),
    )
    outcomes = services.handler.report(command)
    assert isinstance(outcomes, Sequence), "there is no key that was used before"
    for outcome in outcomes:
        if outcome.refusal:
            raise outcome.refusal


def reports(now: datetime, zone: tzinfo) -> Iterator[UsageReport | UserUsageReport]:
    """Yield the reports of the year that ends with the present month, then two corrections of past months."""
    year = list(_months(now, zone))
    for month in year:
        for use in USES:
            if use.resource == SILENT and month is year[-1]:
                continue
            amount = month.amount(use)
            if (use, month) in ((CORRECTED, year[-4]), (LOWERED, year[-6])):
                amount = _rounded(amount * Decimal("1.08"))
            yield _report(use, month, amount)
        yield _shares(month, now)
    yield _report(CORRECTED, year[-4], year[-4].amount(CORRECTED), REASON)
    yield _report(LOWERED, year[-6], year[-6].amount(LOWERED))


def _report(use: Use, month: Month, amount: Decimal, reason: str | None = None) -> UsageReport:
    item = UsageItem(component_type=use.type, amount=amount)
    return UsageReport(
        resource_uuid=_uuid(use.resource), items=(item,), measured=month.measured, reason=reason
    )


def _shares(month: Month, now: datetime) -> UserUsageReport:
    amount = month.amount(BY_USERS)
    measured = month.measured or Measured(at=now, written=None)
    return UserUsageReport(
        usage_uuid=None,
        resource_uuid=_uuid(BY_USERS.resource),
        component_uuid=_uuid(BY_USERS.component),
        month=month.first_day,
        items=tuple(
            UserUsageItem(username=name, amount=_rounded(amount * share / 100), measured=measured)
            for name, share in USERS.items()
        ),
    )


def _months(now: datetime, zone: tzinfo) -> Iterator[Month]:
    """Yield the last months. Past ones were measured at noon of their last day, the present one is now."""
    present = month_of(now, zone)
    days = [present]
    while len(days) < MONTHS:
        days.insert(0, (days[0] - timedelta(1)).replace(day=1))
    for place, day in enumerate(days[:-1]):
        noon = start_of(next_month(day) - timedelta(1), zone) + timedelta(hours=12)
        yield Month(place, day, 10_000, Measured(at=noon, written=noon.isoformat()))
    part = 10_000 * now.astimezone(zone).day // (next_month(present) - present).days
    yield Month(MONTHS - 1, present, part, None)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def greeting(services: Services, address: str) -> str | None:
    """Return words on what to try first, with a token for a day; None without the demo catalogue."""
    with services.deciding() as cursor:
        staff = accounts.accounts_named(cursor, "demo-staff")
    if [account["uuid"] for account in staff] != [STAFF]:
        return None
    token = tokens.create(services, STAFF, days=1)
    url = f"{address}/api/marketplace-component-usages"
    body = f'{{"resource": "{RESOURCE.hex}", "usages": [{{"type": "cpu", "amount": "12.50"}}]}}'
    return f"""\
Staff token, valid for a day: {token}

Dashboard:
  {address}/dashboard/ (sign in with the token above)

Report usage:
  curl -i -H 'Authorization: Token {token}' -H 'Content-Type: application/json' -d '{body}' {url}/set_usage/

Read it back:
  curl -H 'Authorization: Token {token}' '{url}/?resource_uuid={RESOURCE.hex}'
"""
