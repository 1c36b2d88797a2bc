"""All that can be done to a ledger and its model alike."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.conftest import Worlds
from tests.model.ledger_model import Fact, Item, Model, UserItem, month_of
from tests.model.machine import Pair
from tests.user_limits.limiting import LIMITS, body
from tests.world import (
    BASIC,
    CATALOGUE,
    CONSUMER,
    CPU,
    GPU,
    OFFERING,
    OFFERING_USER,
    OTHER_CONSUMER,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PREMIUM,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    USAGES,
    uid,
)
from web.commands.audit.forget import ForgetError, forget
from web.commands.carry_over import carry_into

CALLERS = [
    *("staff", "support", "provider-owner", "offering-manager", "service-provider-manager"),
    *("consumer-owner", "project-member", "customer-support", "stranger"),
]
REPORTERS = ["staff", "staff", "staff", "provider-owner", "offering-manager", "consumer-owner", "stranger"]
REVOCABLE = ["provider-owner", "project-member", "stranger"]
RESOURCES = [RESOURCE, RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE]
ROLES = [
    ("stranger", 10, "PROJECT.MEMBER", "structure.project", "project", SECOND_PROJECT),
    ("stranger", 10, "CUSTOMER.OWNER", "structure.customer", "customer", OTHER_PROVIDER),
    ("stranger", 10, "CUSTOMER.SUPPORT", "structure.customer", "customer", OTHER_CONSUMER),
    ("project-member", 9, "OFFERING.MANAGER", "marketplace.offering", "offering", OFFERING),
    ("project-member", 9, "PROJECT.MEMBER", "structure.project", "project", PROJECT),
]
LINK = f"http://localhost/api/marketplace-offering-users/{OFFERING_USER}/"

callers, reporters, resources = (
    st.sampled_from(CALLERS),
    st.sampled_from(REPORTERS),
    st.sampled_from(RESOURCES),
)
amounts = st.one_of(
    st.sampled_from(["0", "5", "5.00", "10", "-3.5"]),
    st.decimals(min_value=-5, max_value=999, places=2).map(str),
)
kinds = st.sampled_from(["cpu", "cpu", "cpu", "gpu", "gpu", "gpu", "setup", "fee"])
policies = st.sampled_from(["none", "none", "reuse", "zero"])
items = st.tuples(kinds, amounts, policies, st.sampled_from(["", "nightly"]))
back = st.none() | st.sampled_from([0, 1, 5, 15, 20, 45, -1])
names = st.sampled_from(["ann", "bob", "Eve"])
users = st.tuples(names, amounts.filter(lambda each: not each.startswith("-")), back, st.booleans())


class Ledgers(RuleBasedStateMachine):
    """A ledger and its model, to which the same is done."""

    worlds: Worlds

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair(self.worlds)

    def teardown(self) -> None:
        self.pair.close()

    # --- what is reported ---

    def moment(self, days: int | None) -> datetime | None:
        return None if days is None else self.pair.now - timedelta(days=days)

    def usage_report(
        self, who: str, resource: str, told: list[Any], days: int | None
    ) -> tuple[dict[str, Any], Callable[[Model], list[Fact]]]:
        at, now = self.moment(days), self.pair.now
        usages = [
            {"type": kind, "amount": amount, "missing_usage_policy": policy, "description": description}
            for kind, amount, policy, description in told
        ]
        report = {"resource": resource, "usages": usages} | ({"date": at.isoformat()} if at else {})
        of_model: list[Item] = [(kind, Decimal(amount), *rest) for kind, amount, *rest in told]
        return report, lambda model: model.report(who, resource, at, of_model, now)

    @rule(who=reporters, resource=resources, told=st.lists(items, min_size=1, max_size=3), days=back)
    def report(self, who: str, resource: str, told: list[Any], days: int | None) -> None:
        self.pair.send(who, f"{USAGES}set_usage/", *self.usage_report(who, resource, told, days))

    @rule(told=st.lists(items, min_size=1, max_size=2), key=st.sampled_from(["a", "b"]), resource=resources)
    def report_with_key(self, told: list[Any], key: str, resource: str) -> None:
        report, apply = self.usage_report("staff", resource, told, None)
        self.pair.send("staff", f"{USAGES}set_usage/", report, apply, **{"Idempotency-Key": key})

    @rule(item=items, past=st.integers(0, 200), days=back)
    def report_on_what_was_seen(self, item: Any, past: int, days: int | None) -> None:
        position = self.pair.past[-1 - past % min(6, len(self.pair.past))][0]
        report, apply = self.usage_report("staff", RESOURCE, [item], days)
        self.pair.send("staff", f"{USAGES}set_usage/", report, apply, **{"Ledger-Expect": str(position)})

    @rule(
        who=reporters,
        told=st.lists(st.tuples(resources, items, back), min_size=1, max_size=5),
        is_atomic=st.booleans(),
    )
    def report_in_bulk(self, who: str, told: list[Any], is_atomic: bool) -> None:
        bulk = []
        for resource, item, days in told:
            report, apply = self.usage_report(who, resource, [item], days)
            bulk.append((report.pop("usages")[0] | report, apply))
        self.pair.send_bulk(who, bulk, is_atomic=is_atomic)

    @precondition(lambda self: self.pair.uuids)
    @rule(who=reporters, which=st.integers(0, 99), told=st.lists(users, min_size=1, max_size=3))
    def report_users(self, who: str, which: int, told: list[Any]) -> None:
        number = sorted(self.pair.uuids)[which % len(self.pair.uuids)]
        is_of_offering = self.pair.model.row(number).resource == RESOURCE
        sent, of_model = [], list[UserItem]()
        for name, amount, days, has_link in told:
            at, link = self.moment(days), LINK if has_link and is_of_offering else None
            sent.append({"username": name, "usage": amount})
            sent[-1] |= {"date": at.isoformat()} if at else {}
            sent[-1] |= {"user": link} if link else {}
            of_model.append((name, Decimal(amount), at, link))
        now, path = self.pair.now, f"{USAGES}{self.pair.uuids[number]}/set_user_usages/"
        self.pair.send(
            who, path, {"usages": sent}, lambda model: model.report_users(who, number, of_model, now)
        )

    @rule(limit=st.sampled_from(["6", "500"]))
    def limit_a_user(self, limit: str) -> None:
        staff, known = self.pair.client("staff"), self.pair.model.limits
        key = (RESOURCE, "cpu", LINK)
        if key not in known:
            answer = staff.post(LIMITS, body(RESOURCE, limit=limit))
        else:
            [row] = staff.get(LIMITS).get_json()
            answer = staff.send("PATCH", f"{LIMITS}{row['uuid']}/", json={"limit": limit})
        if answer.status_code == 400:
            return  # they are no member of the project just now
        assert answer.status_code in (200, 201)
        known[key] = Decimal(limit)
        self.pair.after(None)

    # --- what else is done ---

    @rule(
        which=st.sampled_from(["resources", "projects", "customers", "offerings"]),
        name=st.sampled_from("xyz"),
    )
    def rename(self, which: str, name: str) -> None:
        model = self.pair.model
        if which == "resources":
            self.describe_resource(RESOURCE, name=name)
        elif which == "projects":
            self.describe_project(name, model.projects[PROJECT][1])
        elif which == "customers":
            self.pair.describe(
                lambda model: model.customers.update({CONSUMER: name}),
                customers=[{"uuid": CONSUMER, "name": name}],
            )
        else:
            self.describe_offering(name, model.offerings[OFFERING][1])

    def describe_resource(self, uuid: str, **changes: Any) -> None:
        known = self.pair.model.resources[uuid]
        known |= changes
        told = {
            "uuid": uuid,
            "name": known["name"],
            "project_uuid": known["project"],
            "state": known["state"],
        }
        told |= {"offering_uuid": known["offering"], "plan_uuid": known["plan"], "limits": known["limits"]}
        told |= {"created": known["created"].isoformat()}
        self.pair.describe(lambda _: None, resources=[told])

    def describe_project(self, name: str, customer: str) -> None:
        told = {"uuid": PROJECT, "name": name, "customer_uuid": customer}
        self.pair.describe(lambda model: model.projects.update({PROJECT: (name, customer)}), projects=[told])

    def describe_offering(self, name: str, customer: str) -> None:
        told = CATALOGUE["offerings"][0] | {"name": name, "customer_uuid": customer}
        self.pair.describe(
            lambda model: model.offerings.update({OFFERING: (name, customer)}), offerings=[told]
        )

    @rule(
        resource=st.sampled_from([RESOURCE, SECOND_RESOURCE]),
        project=st.sampled_from([PROJECT, SECOND_PROJECT]),
    )
    def move_resource(self, resource: str, project: str) -> None:
        self.describe_resource(resource, project=project)

    @rule(customer=st.sampled_from([CONSUMER, OTHER_CONSUMER]))
    def move_project(self, customer: str) -> None:
        self.describe_project(self.pair.model.projects[PROJECT][0], customer)

    @rule(customer=st.sampled_from([PROVIDER, OTHER_PROVIDER]))
    def move_offering(self, customer: str) -> None:
        self.describe_offering(self.pair.model.offerings[OFFERING][0], customer)

    @rule(resource=st.sampled_from([RESOURCE, SECOND_RESOURCE]), state=st.sampled_from([2, 2, 2, 3, 5, 6]))
    def end_or_restart(self, resource: str, state: int) -> None:
        self.describe_resource(resource, state=state)

    @rule(limits=st.dictionaries(st.sampled_from(["cpu", "gpu"]), st.integers(0, 500), max_size=2))
    def limit_resource(self, limits: dict[str, int]) -> None:
        self.describe_resource(RESOURCE, limits=limits)

    @rule(kind=st.sampled_from([("cpu", CPU, 0), ("gpu", GPU, 1)]), limit=st.none() | st.integers(0, 50))
    def limit_component(self, kind: Any, limit: int | None) -> None:
        (name, _, place), model = kind, self.pair.model
        told = CATALOGUE["offering_components"][place] | {"limit_amount": limit}
        known = model.components[OFFERING, name]
        model.components[OFFERING, name] = (*known[:3], None if limit is None else Decimal(limit))
        self.pair.describe(lambda _: None, offering_components=[told])

    @rule(plan=st.sampled_from([BASIC, PREMIUM]))
    def switch_plan(self, plan: str) -> None:
        known = self.pair.model.periods.setdefault(RESOURCE, [])
        number = len(known)
        told = []
        if known and not hasattr(self, "first_period"):
            return  # the first report began one, and only the ledger knows its name
        self.first_period = True
        if known:
            start, _, old = known[-1]
            if start >= self.pair.now:
                return
            known[-1] = (start, self.pair.now, old)
            told.append(self.period(number - 1))
        known.append((self.pair.now, None, plan))
        told.append(self.period(number))
        self.pair.describe(lambda _: None, resource_plan_periods=told)

    def period(self, number: int) -> dict[str, Any]:
        start, end, plan = self.pair.model.periods[RESOURCE][number]
        told = {"uuid": uid(0x9000 + number), "resource_uuid": RESOURCE, "plan_uuid": plan}
        return told | {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {})

    @rule(which=st.integers(0, len(ROLES) - 1), is_active=st.booleans())
    def grant_or_revoke(self, which: int, is_active: bool) -> None:
        who, user, role, scope_type, kind, scope = ROLES[which]
        known = {"uuid": uid(0xA00 + which), "user_uuid": uid(user), "role_name": role}
        if which == 4:
            known["uuid"] = uid(0x87)
        held = (who, role, kind, scope)
        change = self.pair.model.roles.add if is_active else self.pair.model.roles.discard
        change(held)
        told = known | {"scope_type": scope_type, "scope_uuid": scope, "is_active": is_active}
        self.pair.describe(lambda _: None, user_roles=[told])

    @rule(who=st.sampled_from(REVOCABLE))
    def revoke_tokens(self, who: str) -> None:
        if self.pair.is_known(who):
            self.pair.revoke_tokens(who)

    @rule(who=st.sampled_from(REVOCABLE))
    def issue_token(self, who: str) -> None:
        self.pair.new_token(who)

    @rule()
    def carry_over(self) -> None:
        facts = self.pair.model.carry_over(self.pair.now)
        carry_into(month_of(self.pair.now), self.pair.world.services, lambda *_: None)
        self.pair.after(facts, self.pair.model)

    @rule(name=names)
    def forget(self, name: str) -> None:
        try:
            forget(self.pair.world.services, name, "they asked")
        except ForgetError:
            return
        self.pair.forget_name(name)
        self.pair.after(None)

    @rule(days=st.sampled_from([0, 1, 10, 20]))
    def go_on(self, days: int) -> None:
        self.pair.go_on(days)

    @rule()
    def rebuild(self) -> None:
        self.pair.rebuild()
