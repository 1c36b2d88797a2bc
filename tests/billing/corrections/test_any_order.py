"""Whatever comes between, corrections are applied as if one had come after the other, and whole.

What was done at once is compared with a model in plain Python, which does it one by one in every order.
"""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from itertools import permutations
from typing import Any, NamedTuple

import pytest

from ledger.events import CorrectionApplied, UsageReported
from ledger.journal.transaction import JournalTransaction
from tests.billing.closing import close, listed, reopen
from tests.billing.correcting import CORRECTIONS, item, october, proposed, reject, revert, shown, take
from tests.world import World, open_world

ROUNDS = 6


class Corrections(NamedTuple):
    """The uuids of two that are approved, and overlap."""

    one: str
    another: str


Operation = Callable[[World, Corrections], int]

OPERATIONS: dict[str, Operation] = {
    "apply one": lambda world, both: take(world, both.one, "apply").status_code,
    "apply another": lambda world, both: take(world, both.another, "apply").status_code,
    "reject one": lambda world, both: reject(world, both.one).status_code,
    "revert one": lambda world, both: revert(world, both.one).status_code,
    "report": lambda world, _: (
        world.report(date="2026-10-06", usages=[{"type": "gpu", "amount": "8"}]).status_code
    ),
    "close": lambda world, _: close(world, month="2026-10").status_code,
}


class Outcome(NamedTuple):
    """What was answered to each, and what stands in the end."""

    answers: frozenset[tuple[str, int]]
    cpu: Decimal
    gpu: Decimal
    september: Decimal
    one: str
    another: str
    is_closed: bool


def modelled(order: Collection[str]) -> Outcome:
    """Return what comes of operations one by one."""
    cpu, gpu, september, one, another, is_closed, answers = 5, 6, 7, "approved", "approved", False, set()
    for name in order:
        match name:
            case "apply one" if one == "approved":
                cpu, gpu, one, done = 50, 60, "applied", 200
            case "apply another" if another == "approved":
                gpu, september, another, done = 70, 80, "applied", 200
            case "reject one" if one == "approved":
                one, done = "rejected", 200
            case "revert one" if one == "applied":  # cpu stands as it was applied
                done = 201
            case "report" if is_closed:
                done = 400
            case "report":
                gpu, done = 8, 201
            case "close":
                is_closed, done = True, 201
            case _:
                done = 409
        answers.add((name, done))
    figures = Decimal(cpu), Decimal(gpu), Decimal(september)
    return Outcome(frozenset(answers), *figures, one, another, is_closed)


def prepared(world: World) -> Corrections:
    """Make everything as it is at the beginning of the model."""
    reopen(world, month="2026-10")
    october(world, "5")
    october(world, "6", kind="gpu")
    assert world.report(date="2026-09-05", usages=[{"type": "cpu", "amount": "7"}]).status_code == 201
    one = proposed(world, item("50"), item("60", type="gpu"))
    another = proposed(world, item("70", type="gpu"), item("80", date="2026-09-05"))
    for uuid in (one, another):
        assert take(world, uuid, "approve").status_code == 200
    return Corrections(one, another)


def found(world: World, both: Corrections, answers: Collection[tuple[str, int]]) -> Outcome:
    """Return what stands after operations that were answered so."""
    figures = {(row["billing_period"], row["type"]): Decimal(row["usage"]) for row in world.usages()}
    months = listed(world, billing_period="2026-10")
    return Outcome(
        frozenset(answers),
        figures["2026-10-01", "cpu"],
        figures["2026-10-01", "gpu"],
        figures["2026-09-01", "cpu"],
        shown(world, both.one)["state"],
        shown(world, both.another)["state"],
        any(row["is_closed"] for row in months),
    )


def assert_applied_whole(world: World) -> None:
    """Find the facts of each correction side by side, before the one that says so, and no others."""
    facts = dict(world.ledger.facts_after(0, 1_000_000))
    figures = dict[int, Any]()
    for position, fact in facts.items():
        if isinstance(fact, CorrectionApplied):
            changed = [each for each in fact.figures if each.position is not None]
            assert [each.position for each in changed] == [*range(position - len(changed), position)]
            for each in changed:
                figures[each.position or 0] = (fact.correction_uuid, each.after)
    of_corrections = {
        position: (fact.correction_uuid, fact.amount)
        for position, fact in facts.items()
        if isinstance(fact, UsageReported) and fact.correction_uuid
    }
    assert of_corrections == figures


@contextmanager
def overtaken(by: Callable[[], None]) -> Iterator[list[str]]:
    """Have somebody be faster, once, when the lock is to be taken: most have decided then what they append.

    Yields whether it was so.
    """
    lock, done = JournalTransaction.lock, list[str]()

    def slow(transaction: JournalTransaction) -> None:
        if not done:
            done.append("overtaken")
            by()
        lock(transaction)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JournalTransaction, "lock", slow)
        yield done


@pytest.fixture(name="other")
def another_server(world_url: str) -> Iterator[World]:
    with open_world(world_url) as other:
        yield other


def test_what_is_overtaken_comes_after_or_before(world: World, other: World) -> None:
    were_overtaken = 0
    for slow, fast in permutations(OPERATIONS, 2):
        both, answers = prepared(world), dict[str, int]()

        def be_faster(fast: str = fast, both: Corrections = both, told: dict[str, int] = answers) -> None:
            told[fast] = OPERATIONS[fast](other, both)

        with overtaken(be_faster) as done:
            answers[slow] = OPERATIONS[slow](world, both)
        if not done:
            be_faster()
        were_overtaken += len(done)
        outcome = found(world, both, answers.items())
        assert outcome in {modelled((slow, fast)), modelled((fast, slow))}, (slow, fast)
    assert were_overtaken >= 10
    assert_applied_whole(world)


def test_what_is_done_at_once_is_done_one_by_one_in_some_order(world: World, other: World) -> None:
    expected = set(map(modelled, permutations(OPERATIONS)))
    with ThreadPoolExecutor(len(OPERATIONS)) as pool:
        for _ in range(ROUNDS):
            both = prepared(world)
            answered = {
                name: pool.submit(operation, (world, other)[number % 2], both)
                for number, (name, operation) in enumerate(OPERATIONS.items())
            }
            answers = [(name, each.result()) for name, each in answered.items()]
            assert found(world, both, answers) in expected
    assert_applied_whole(world)


def test_one_revert_is_under_way_whoever_proposes_another_meanwhile(world: World, other: World) -> None:
    both = prepared(world)
    assert take(world, both.one, "apply").status_code == 200
    faster = list[int]()
    with overtaken(lambda: faster.append(revert(other, both.one).status_code)):
        slower = revert(world, both.one)
    assert (faster, slower.status_code) == ([201], 409)
    rows = world.as_("staff").get(CORRECTIONS, state="proposed").get_json()
    assert [row["reverts"] for row in rows] == [both.one]
