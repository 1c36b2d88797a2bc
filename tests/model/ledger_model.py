"""What a ledger comes to, in plain Python, from its contract alone: it knows nothing of the code under test.

Facts are told as `(kind, row, amount, before, after)`: one without a kind is part of the fact before it, and
one without an `after` left its row as it was. All times are in UTC.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

ZERO = Decimal("0.00")
CLOSED = (
    "Service providers can only specify date for limit-based or prepaid billing components "
    "when backfilling past billing periods."
)
FORBIDDEN = {"detail": "You do not have permission to perform this action."}
REPORTING = {
    ("CUSTOMER.OWNER", "customer"),
    ("OFFERING.MANAGER", "offering"),
    ("CUSTOMER.MANAGER", "provider"),
}
LISTING = {"CUSTOMER.OWNER", "PROJECT.ADMIN", "PROJECT.MANAGER", "PROJECT.MEMBER"}
Fact = tuple[str, "Row | Share | None", Decimal | None, Decimal | None, Decimal | None]
Item = tuple[str, Decimal, str, str]
UserItem = tuple[str, Decimal, datetime | None, str | None]


def month_of(moment: datetime) -> date:
    """Return the first day of a moment's month."""
    return moment.date().replace(day=1)


class Refused(Exception):
    """A report is refused, with this status and body."""

    def __init__(self, status: int, body: Any) -> None:
        self.status, self.body = status, body


@dataclass(eq=False)
class Share:
    """What a user used of a row."""

    name: str
    amount: Decimal
    link: str | None
    created: datetime
    modified: datetime
    number: int
    row: int


@dataclass(eq=False)
class Row:
    """A component usage."""

    number: int
    resource: str
    kind: str
    month: date
    plan: str | None
    amount: Decimal
    date: datetime
    description: str
    policy: str
    by: str
    created: datetime
    shares: list[Share] = field(default_factory=list)


@dataclass
class Model:
    """All that there is. `people` are (is_staff, is_support) by name, `roles` (name, role, kind, scope)."""

    people: dict[str, tuple[bool, bool]]
    customers: dict[str, str]
    projects: dict[str, tuple[str, str]]
    offerings: dict[str, tuple[str, str]]
    components: dict[tuple[str, str], tuple[str, str, str, Decimal | None]]
    resources: dict[str, dict[str, Any]]
    roles: set[tuple[str, str, str, str]]
    periods: dict[str, list[tuple[datetime, datetime | None, str]]] = field(default_factory=dict)
    limits: dict[tuple[str, str, str], Decimal] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    count: int = 0

    def place(self, row: Row) -> dict[str, str]:
        """Return whose a row is: by what the catalogue says of its resource."""
        resource = self.resources[row.resource]
        customer = self.projects[resource["project"]][1]
        offering = resource["offering"]
        provider = self.offerings[offering][1]
        return {
            "project": resource["project"],
            "customer": customer,
            "offering": offering,
            "provider": provider,
        }

    def held(self, who: str, kind: str, scope: str) -> set[str]:
        return {role for name, role, of, on in self.roles if (name, of, on) == (who, kind, scope)}

    def sees_all(self, who: str) -> bool:
        return any(self.people[who])

    def sees(self, who: str, place: dict[str, str]) -> bool:
        scopes = [
            ("customer", place["provider"]),
            *((kind, place[kind]) for kind in ("project", "customer", "offering")),
        ]
        scopes.append(("provider", place["provider"]))
        return self.sees_all(who) or any(self.held(who, *scope) for scope in scopes)

    def may_report(self, who: str, offering: str) -> bool:
        provider = self.offerings[offering][1]
        scopes = {"offering": offering, "customer": provider, "provider": provider}
        held = {(role, kind) for kind, on in scopes.items() for role in self.held(who, kind, on)}
        return self.people[who][0] or bool(held & REPORTING)

    def period(self, resource: str, at: datetime) -> tuple[bool, str | None]:
        """Return whether there is a plan period, and the plan of the one that a report at a moment is of."""
        start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        end = (start + timedelta(days=32)).replace(day=1)
        known = self.periods.get(resource, [])
        now = [each for each in known if each[0] <= at and (each[1] is None or each[1] > at)]
        now = now or [each for each in known if each[0] < end and (each[1] is None or each[1] > start)]
        return bool(known), max(now)[2] if now else None

    def report(
        self, who: str, resource: str, at: datetime | None, items: list[Item], now: datetime
    ) -> list[Fact]:
        """Apply `set_usage`: items are (type, amount, policy, description). Raises Refused, at first."""
        known, offering = self.resources[resource], self.resources[resource]["offering"]
        billing = {kind: each[2] for (of, kind), each in self.components.items() if of == offering}
        wrong = sorted({kind for kind, *_ in items if billing.get(kind) not in ("usage", "limit", "one")})
        if known["state"] not in (2, 4, 5):
            raise Refused(400, {"resource": ["Resource is not in valid state."]})
        if wrong:
            raise Refused(400, {"non_field_errors": [f"These components are invalid: {', '.join(wrong)}."]})
        if at and at - now > timedelta(seconds=60):
            text = "Cannot submit usage for future dates. Date must be current date or earlier."
            raise Refused(400, {"date": [text]})
        if at and not self.may_report(who, offering):
            text = "Only staff users and service providers can specify date for backfilling."
            raise Refused(400, {"date": [text]})
        if at and not self.is_open(who, at, now) and any(billing[kind] == "usage" for kind, *_ in items):
            raise Refused(400, {"date": [CLOSED]})
        if not self.may_report(who, offering):
            raise Refused(403, FORBIDDEN)
        at, facts, last = at or now, list[Fact](), {item[0]: item for item in items}
        has_periods, plan = self.period(resource, at)
        if items and not has_periods and known["state"] in (2, 4) and month_of(at) >= month_of(now):
            self.periods[resource] = [(known["created"], None, known["plan"])]
            plan = known["plan"]
            facts.append(("PlanPeriodDescribed", None, None, None, None))
        for kind, amount, policy, description in last.values():
            rows = self.of_record(resource, kind, month_of(at))
            row = next((each for each in rows if each.plan == plan), None)
            row = row or next((each for each in rows if each.plan is None), None)
            others = [each for each in rows if each is not row]
            mine = (
                max(ZERO, amount - sum((each.amount for each in others), ZERO))
                if billing[kind] == "usage"
                else amount
            )
            said = (plan, mine, at, description, policy, who)
            before = (row.plan, row.amount, row.date, row.description, row.policy, row.by) if row else None
            if said == before and all(each.policy == "none" for each in others):
                continue
            row = row or self.new_row(resource, kind, month_of(at), now)
            row.plan, row.amount, row.date, row.description, row.policy, row.by = said
            facts.append(
                ("UsageReported", row, amount, before and before[1], mine if said != before else None)
            )
            for other in others:
                if other.policy != "none":
                    other.policy = "none"
                    facts.append(("", other, None, other.amount, other.amount))
        return facts

    def of_record(self, resource: str, kind: str, month: date) -> list[Row]:
        return [
            each for each in self.rows if (each.resource, each.kind, each.month) == (resource, kind, month)
        ]

    def new_row(self, resource: str, kind: str, month: date, now: datetime) -> Row:
        self.count += 1
        self.rows.append(Row(self.count, resource, kind, month, None, ZERO, now, "", "none", "", now))
        return self.rows[-1]

    def is_open(self, who: str, at: datetime, now: datetime) -> bool:
        return self.people[who][0] or month_of(at) >= month_of(now)

    def report_users(self, who: str, number: int, items: list[UserItem], now: datetime) -> list[Fact]:
        """Apply `set_user_usages`: items are (username, usage, date, offering user). Raises Refused."""
        addressed = self.row(number)
        place = self.place(addressed)
        if not self.sees(who, place):
            raise Refused(404, {"detail": "No ComponentUsage matches the given query."})
        if not self.may_report(who, place["offering"]):
            raise Refused(403, FORBIDDEN)
        billing = self.components[place["offering"], addressed.kind][2]
        errors: list[dict[str, Any]] = []
        for _, amount, at, link in items:
            of_user = sum((each.amount for each in addressed.shares if link and each.link == link), ZERO)
            limit = self.limits.get((addressed.resource, addressed.kind, link or ""))
            errors.append({})
            if at and not self.is_open(who, at, now) and billing == "usage":
                errors[-1] = {"date": [CLOSED]}
            elif limit is not None and of_user + amount > limit:
                text = (
                    f"Maximum allowed: {limit:.2f}, current usage: {of_user:.2f}, additional: {amount:.2f}."
                )
                errors[-1] = {"non_field_errors": [f"Usage limit exceeded. {text}"]}
        if any(errors):
            raise Refused(400, {"usages": errors})
        facts = list[Fact]()
        months = dict.fromkeys(month_of(at) if at else addressed.month for _, _, at, _ in items)
        for month in months:
            of_month = [
                each for each in items if (month_of(each[2]) if each[2] else addressed.month) == month
            ]
            facts += self._share(who, addressed, month, of_month, now)
        return facts

    def _share(
        self, who: str, addressed: Row, month: date, items: list[UserItem], now: datetime
    ) -> list[Fact]:
        facts, stated = list[Fact](), dict[int, dict[str, Any]]()
        for name, amount, at, link in items:
            row, rows = addressed, self.of_record(addressed.resource, addressed.kind, month)
            if at and not rows:
                rows = [self.new_row(addressed.resource, addressed.kind, month, now)]
                rows[0].date, rows[0].by, rows[0].description = at, who, "Created for user usage backfill"
                facts.append(("UsageReported", rows[0], ZERO, None, ZERO))
            row = rows[0] if at else addressed
            stated.setdefault(row.number, {}).setdefault(name, [amount, link])[0] = amount
        for number, of_row in stated.items():
            row, is_zero = self.row(number), self.row(number).amount == 0
            total = sum((each.amount for each in row.shares if each.name not in of_row), ZERO)
            total += sum((amount for amount, _ in of_row.values()), ZERO)
            for name, (amount, link) in of_row.items():
                takes_over = is_zero and total > 0 and name == list(of_row)[-1]
                share = next((each for each in row.shares if each.name == name), None)
                before = share.amount if share else None
                if before == amount and not takes_over:
                    continue
                if share is None:
                    self.count += 1
                    row.shares.append(share := Share(name, amount, link, now, now, self.count, number))
                share.amount, share.modified = amount, now
                facts.append(("UserUsageReported", share, amount, before, amount))
                if takes_over:
                    facts.append(("", row, total, row.amount, total))
                    row.amount = total
        return facts

    def row(self, number: int) -> Row:
        return next(each for each in self.rows if each.number == number)

    def carry_over(self, now: datetime) -> list[Fact]:
        """Apply the policies of the month before to the current one."""
        facts, month = list[Fact](), month_of(now)
        before = (month - timedelta(days=1)).replace(day=1)
        due = [each for each in self.rows if each.month == before and each.policy != "none"]
        for last in sorted(due, key=lambda each: (each.resource, each.kind)):
            if self.resources[last.resource]["state"] == 6 or self.of_record(last.resource, last.kind, month):
                continue
            row = self.new_row(last.resource, last.kind, month, now)
            row.plan, row.policy, row.by = self.period(last.resource, now)[1], last.policy, last.by
            row.amount, row.description = last.amount if last.policy == "reuse" else ZERO, last.description
            facts.append(("UsageCarriedOver", row, row.amount, None, row.amount))
        return facts
