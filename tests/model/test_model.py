"""Whatever is done to a ledger, and whoever asks it for anything, it answers what its model answers.

`make model MINUTES=30` goes on for longer, and with other seeds each time.
"""

import os
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from tests.conftest import Worlds
from tests.model import answers
from tests.model.driving import CALLERS, Ledgers
from tests.model.ledger_model import Model, month_of
from tests.world import (
    CONSUMER,
    NOW,
    OFFERING,
    OTHER_CONSUMER,
    PROJECT,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    USAGES,
    USER_USAGES,
    uid,
)

MONTHLY = "/api/marketplace-component-usage-monthly/"
QUICKLY = settings(
    max_examples=5,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    report_multiple_bugs=False,
)

callers = st.sampled_from(CALLERS)
pasts = st.none() | st.integers(0, 200)
queries = st.fixed_dictionaries(
    {},
    optional={
        "resource_uuid": st.sampled_from([RESOURCE, SECOND_RESOURCE, uid(0xDEAD)]),
        "project_uuid": st.sampled_from([PROJECT, SECOND_PROJECT]),
        "customer_uuid": st.sampled_from([CONSUMER, OTHER_CONSUMER]),
        "offering_uuid": st.just(OFFERING),
        "type": st.sampled_from(["cpu", "gpu"]),
        "billing_period_month": st.sampled_from([10, 11]),
        "date_after": st.sampled_from(["2026-10-15", "2026-11-14"]),
        "date_before": st.sampled_from(["2026-10-15", "2026-11-14"]),
    },
)
few: st.SearchStrategy[dict[str, Any]] = st.one_of(st.just({}), st.just({}), queries)
pages = st.sampled_from([(1, 300), (1, 300), (1, 2), (2, 2), (3, 1)])
USAGE_ORDERS = [
    "",
    "",
    "billing_period",
    "-usage",
    "missing_usage_policy,-billing_period",
    "usage,-billing_period",
]
USER_ORDERS = ["", "", "-usage", "username", "component_usage__billing_period,-username"]


class Readers(Ledgers):
    """A ledger and its model, which are asked the same."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Callable[[], None]] = []
        self.standing: list[Callable[[], None]] = []
        self.head = self.pair.head

    def read(
        self, who: str, path: str, expected: list[dict[str, Any]], query: dict[str, Any], page: Any
    ) -> None:
        number, size = page
        query = query | {"page": number, "page_size": size}
        pages = max(1, -(-len(expected) // size))
        shown = expected[(number - 1) * size : number * size]
        answer = self.pair.get(who, path, query, (len(expected), shown))
        if answer is None:
            return
        if number > pages:
            assert (answer.status_code, answer.get_json()) == (404, {"detail": "Invalid page."})
            return
        told = answer.get_json()
        assert int(answer.headers["X-Result-Count"]) == len(expected), (who, path, query, told, expected)
        assert len(told) == len(shown)
        for row, model in zip(told, shown, strict=True):
            self.name(row, model)
            assert row == model, (who, path, query)

    def name(self, row: dict[str, Any], model: dict[str, Any]) -> None:
        """Put the ledger's names of rows and people into a row of the model: each has one, for good."""
        uuids = self.pair.uuids if "username" not in model else self.pair.shares
        model["uuid"] = uuids.setdefault(model["uuid"], row["uuid"])
        assert len(set(uuids.values())) == len(uuids)
        if "modified_by" in model:
            model["modified_by"] = self.pair.reporters.setdefault(model["modified_by"], row["modified_by"])
            assert len(set(self.pair.reporters.values())) == len(self.pair.reporters)
        if "component_usage" in model:
            usage = row["component_usage"].split("/")[-2]
            usage = self.pair.uuids.setdefault(model["component_usage"], usage)
            model["component_usage"] = f"http://localhost{USAGES}{usage}/"

    @initialize()
    def begin(self) -> None:
        """Have something there, and somebody ask for it, from the beginning."""
        told = [("cpu", "7.5", "reuse", ""), ("gpu", "0", "zero", "nightly"), ("setup", "1", "none", "")]
        for resource, items, days in (
            (RESOURCE, told, 1),
            (RESOURCE, told[:2], 20),
            (SECOND_RESOURCE, told[:1], 2),
        ):
            report, apply = self.usage_report("staff", resource, items, days)
            self.pair.send("staff", f"{USAGES}set_usage/", report, apply)
        self.read_all()
        self.standing = [
            lambda: self.read_usages("provider-owner", {}, "", (1, 300), None),
            lambda: self.read_usages("project-member", {"type": "cpu"}, "-usage", (1, 2), None),
            lambda: self.read_user_usages("consumer-owner", {}, "", (1, 300), None, ""),
            lambda: self.read_usages("consumer-owner", {"resource_uuid": RESOURCE}, "", (1, 300), None),
            lambda: self.read_scope("project-member", ("project", PROJECT)),
            lambda: self.read_months("provider-owner"),
            lambda: self.read_usages("stranger", {}, "", (1, 300), None),
            lambda: self.read_scope("consumer-owner", ("customer", CONSUMER)),
        ]
        for ask in self.standing:
            ask()

    @invariant()
    def what_was_asked_before_a_change_is_asked_again(self) -> None:
        """Ask the last questions anew, and some that are always asked, with the tags told then."""
        if self.pair.head != self.head:
            self.head = self.pair.head
            asked, self.asked = [*self.asked[-2:], *self.standing[:3]], []
            self.standing = self.standing[3:] + self.standing[:3]
            for ask in asked:
                ask()

    @rule(who=callers, query=few, o=st.sampled_from(USAGE_ORDERS), page=pages, past=pasts)
    def read_usages(self, who: str, query: dict[str, Any], o: str, page: Any, past: int | None) -> None:
        if past is None:
            self.asked.append(lambda: self.read_usages(who, query, o, page, None))
        model, as_of = self.pair.then(past)
        full = query | ({"o": o} if o else {})
        self.read(who, USAGES, answers.usages(model, who, full), full | as_of, page)

    @rule(
        who=callers,
        query=few,
        o=st.sampled_from(USER_ORDERS),
        page=pages,
        past=pasts,
        name=st.sampled_from(["", "E"]),
    )
    def read_user_usages(
        self, who: str, query: dict[str, Any], o: str, page: Any, past: int | None, name: str
    ) -> None:
        if past is None:
            self.asked.append(lambda: self.read_user_usages(who, query, o, page, None, name))
        model, as_of = self.pair.then(past)
        full = query | ({"o": o} if o else {}) | ({"username": name} if name else {})
        self.read(who, USER_USAGES, answers.user_usages(model, who, full), full | as_of, page)

    @rule(who=callers)
    def read_months(self, who: str) -> None:
        self.asked.append(lambda: self.read_months(who))
        expected = answers.monthly(self.pair.model, who, month_of(NOW), self.at_end_of, self.pair.now)
        answer = self.pair.get(
            who, MONTHLY, {"start": "", "page_size": 300}, (expected, month_of(self.pair.now))
        )
        if answer is not None:
            told = {
                (row["offering_uuid"], row["component_type"], row["billing_period"]): (
                    row["total_consumed"],
                    row["total_allocated"],
                )
                for row in answer.get_json()
            }
            assert told == expected

    def at_end_of(self, month: date) -> Model:
        if month == month_of(self.pair.now):
            return self.pair.model
        end = (month + timedelta(days=32)).replace(day=1)
        known = [model for _, now, model in self.pair.past if now.date() < end]
        return known[-1] if known else self.pair.past[0][2]

    @rule(
        who=callers,
        scope=st.sampled_from([("project", PROJECT), ("customer", CONSUMER), ("customer", OTHER_CONSUMER)]),
    )
    def read_scope(self, who: str, scope: tuple[str, str]) -> None:
        self.asked.append(lambda: self.read_scope(who, scope))
        kind, uuid = scope
        expected = answers.components(self.pair.model, who, kind, uuid, self.pair.now)
        path = f"/api/marketplace-{kind}-usage/{uuid}/components-usage/"
        answer = self.pair.get(who, path, {}, (expected, month_of(self.pair.now)))
        if answer is None:
            return
        if expected is None:
            assert answer.status_code == 404
            return
        told = [
            {name: row[name] for name in model}
            for row, model in zip(answer.get_json()["components"], expected, strict=True)
        ]
        assert told == expected

    @precondition(lambda self: self.pair.uuids)
    @rule(who=callers, which=st.integers(0, 99))
    def read_history(self, who: str, which: int) -> None:
        number = sorted(self.pair.uuids)[which % len(self.pair.uuids)]
        path = f"{USAGES}{self.pair.uuids[number]}/history/"
        # A revision is seen by whoever may see the row as it stood then.
        expected = [
            {name: value if name == "id" or value is None else f"{value:.2f}" for name, value in each.items()}
            for place, each in reversed(self.pair.revisions[number])
            if self.pair.model.sees(who, place)
        ]
        row = answers.usage(self.pair.model, self.pair.model.row(number))
        answer = self.pair.get(who, path, {"page_size": 300}, (expected, row["project_name"]))
        if answer is None:
            return
        if not expected:
            assert answer.status_code == 404
            return
        assert [{name: each[name] for name in expected[0]} for each in answer.get_json()] == expected

    @rule()
    def read_all(self) -> None:
        """Everything is asked for by staff, so that all rows have their names."""
        for path, asked in ((USAGES, answers.usages), (USER_USAGES, answers.user_usages)):
            self.read("staff", path, asked(self.pair.model, "staff", {}), {}, (1, 300))


@pytest.fixture(name="machine")
def machine_on_databases(worlds: Worlds) -> type[Readers]:
    return type("Machine", (Readers,), {"worlds": worlds})


def test_a_ledger_answers_what_its_model_answers(machine: type[Readers]) -> None:
    minutes = float(os.environ.get("MINUTES", "0"))
    if not minutes:
        run_state_machine_as_test(machine, settings=QUICKLY)
    end, number = time.monotonic() + 60 * minutes, int(os.environ.get("SEED") or time.time())
    while time.monotonic() < end:
        print(f"SEED={number}", flush=True)  # noqa: T201
        longer = settings(
            QUICKLY, derandomize=False, max_examples=20, stateful_step_count=80, print_blob=True
        )
        run_state_machine_as_test(seed(number)(machine), settings=longer)
        number += 1
