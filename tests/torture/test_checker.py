"""What the suite takes for wrong, and what it takes for lost."""

import time
from typing import Any

import orjson
import pytest

from tests.torture.agents import BULKS
from tests.torture.checker import ReportFact, StoredFact, faults_of
from tests.torture.corrections import faults_of_corrections
from tests.torture.records import Losses, Records, Report
from tests.torture.service import Answer

BOTH = [ReportFact(7, "a", "1"), ReportFact(9, "b", "1")]
TOLD = Answer(201, b'{"results": [{"position": 9}, {"position": 7}]}')
TOLD_OTHERWISE = Answer(201, b'{"results": [{"position": 8}, {"position": 7}]}')


def bulk(answer: Answer, *, is_doubtful: bool = False) -> Report:
    """Return a bulk of two figures."""
    return Report("bulk-1", BULKS, b"", 2, answer=answer, is_doubtful=is_doubtful)


@pytest.mark.parametrize(
    ("answer", "facts", "wrong"),
    [
        (TOLD, BOTH, None),
        (Answer(503), BOTH, None),
        (Answer(0), [], None),
        (Answer(400), [], None),
        (TOLD, [], "bulk-1 was acknowledged, and is not there"),
        (TOLD, BOTH[:1], f"bulk-1: 1 facts of 2: {BOTH[:1]}"),
        (Answer(0), BOTH[1:], f"bulk-1: 1 facts of 2: {BOTH[1:]}"),
        (Answer(0), BOTH * 2, f"bulk-1: 4 facts of 2: {BOTH * 2}"),
        (Answer(400), BOTH, "bulk-1 was answered 400, and is there"),
        (
            Answer(201, TOLD.body.replace(b"9", b"8")),
            BOTH,
            "bulk-1 was told other positions than it has: [8, 7]",
        ),
    ],
)
def test_an_acknowledged_bulk_is_there_once_and_no_bulk_in_part(
    answer: Answer, facts: list[ReportFact], wrong: str | None
) -> None:
    assert next(faults_of(bulk(answer), facts), None) == wrong


def test_what_may_be_lost_may_be_gone_and_not_in_part() -> None:
    assert list(faults_of(bulk(TOLD, is_doubtful=True), [])) == []
    assert len(list(faults_of(bulk(TOLD, is_doubtful=True), BOTH[:1]))) == 1


def test_a_report_is_doubtful_if_it_was_sent_or_answered_while_something_was_lost() -> None:
    losses = Losses()
    records = Records(losses)
    before = Report("before", "/", b"", 1, sent_at=time.monotonic() - 9, answered_at=time.monotonic() - 8)
    after_the_copy = Report("after the copy", "/", b"", 1, sent_at=time.monotonic() - 2)
    after_the_copy.answered_at = time.monotonic() - 1
    with losses.period(since=time.monotonic() - 3):
        pass
    after = Report("after", "/", b"", 1, sent_at=time.monotonic() + 1, answered_at=time.monotonic() + 2)
    for each in (before, after_the_copy, after):
        records.add(each)
    assert [each.is_doubtful for each in records.all()] == [False, True, False]


ONE, NO_OTHER = "1" * 32, "2" * 32


def stored(position: int, topic: str, **state: Any) -> StoredFact:
    return StoredFact(position, None, 1, topic, orjson.dumps(state).decode())


def corrected(position: int, amount: str = "5.00", uuid: str = ONE) -> StoredFact:
    names = {"usage_uuid": "a", "correction_uuid": uuid}
    return stored(position, "UsageReported", **names, amount=amount, plan_amount=amount)


def applied(position: int, *positions: int) -> StoredFact:
    figures: list[Any] = [{"position": each, "after": "5.00"} for each in positions]
    return stored(position, "CorrectionApplied", correction_uuid=ONE, figures=[*figures, {"after": "7.00"}])


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        ([corrected(1), corrected(2), applied(3, 1, 2)], []),
        ([stored(1, "PlanPeriodDescribed"), corrected(2), applied(3, 2)], []),
        ([applied(3)], []),
        ([], [f"correction {ONE} was acknowledged, and is not there"]),
        (
            [corrected(1), stored(2, "UsageReported"), corrected(3), applied(4, 1, 3)],
            [f"the facts of correction {ONE} are not side by side: [1, 3]"],
        ),
        (
            [corrected(1), corrected(2, "6.00"), applied(3, 1, 2)],
            [f"correction {ONE} names the fact at 2 as 5.00, and it is ('{ONE}', '6.00')"],
        ),
        (
            [corrected(1, uuid=NO_OTHER), corrected(2), applied(3, 2)],
            [f"the fact at 1 is of correction {NO_OTHER}, which was not applied"],
        ),
    ],
)
def test_a_correction_is_there_as_a_whole(facts: list[StoredFact], wrong: list[str]) -> None:
    assert list(faults_of_corrections(facts, [ONE])) == wrong
