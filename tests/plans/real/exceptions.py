"""What reads or sorts more, and why it may."""

import re
from typing import NamedTuple

from tests.plans.real.asking import Question
from tests.plans.real.explained import ADDS_UP, SEQUENTIAL, SORTS


class Allowed(NamedTuple):
    """Questions by a pattern of path, query and caller, what is wrong with their plans, and why it stays."""

    questions: str
    faults: set[str]
    reason: str

    def is_of(self, question: Question, who: str, fault: str) -> bool:
        return fault in self.faults and re.search(self.questions, f"{question} {who}") is not None


USAGES = r"^/api/marketplace-component-(user-)?usages/\?"
NOW = r"(?!.*as_of)"
THEN = r".*as_of="

EXCEPTIONS = [
    Allowed(
        rf"{USAGES}.*\bo=-?usage",
        {SEQUENTIAL, SORTS},
        "An index of figures would be written by each report of them: none would be a heap-only update.",
    ),
    Allowed(
        rf"{USAGES}.*\bo=-?(missing_usage_policy|username)",
        {SEQUENTIAL, SORTS},
        "It would take an index for each scope, of 45 bytes a row; a fact has 1.5 KiB in all.",
    ),
    Allowed(
        rf"{USAGES}.*\bo=-?(component_usage__)?billing_period",
        {SEQUENTIAL, SORTS, ADDS_UP},
        "Of all and of a month only the rows of a month are sorted; other scopes would each need an index.",
    ),
    Allowed(
        rf"{USAGES}{NOW}.*\bmissing_usage_policy=",
        {SEQUENTIAL},
        "Nearly all usages have none of the policies, so that an index would be of few values and all rows.",
    ),
    Allowed(
        rf"{USAGES}{NOW}.*\b(date_after|date_before|type|username)=",
        {SEQUENTIAL, ADDS_UP},
        "Totals are exact, and no counter is kept by day, type or user: rows are counted in indexes.",
    ),
    Allowed(
        rf"{USAGES}.*\bpage=last",
        {ADDS_UP},
        "A page by its number passes over all those before it.",
    ),
    Allowed(
        rf"{USAGES}{THEN}.*\b(billing_period_(year|month)|date_\w+|missing_usage_policy|type|username|\w+r?_uuid)=",
        {SEQUENTIAL, SORTS, ADDS_UP},
        "As of then more filters are looked for row by row: what held is known of each row.",
    ),
    Allowed(
        r"^/api/(marketplace-component-usage-monthly|marketplace-(project|customer)-usage/.*|marketplace-stats/.*"
        rf"|marketplace-provider-offerings/.*|ledger/(silent-resources|freshness|monthly-usages))/\?{THEN}",
        {SEQUENTIAL, SORTS, ADDS_UP},
        "Sums as of then are made of the rows of then: kept sums of each span would be a row for each fact.",
    ),
    Allowed(
        r"^/api/ledger/movers/\?",
        {SORTS, ADDS_UP},
        "The largest changes are found by comparing two whole months of what the caller sees.",
    ),
    Allowed(
        rf"^/api/ledger/monthly-usages/\?{NOW}",
        {SORTS, ADDS_UP},
        "Resources and users have no sums of their own, and sums of providers are those of their usages now.",
    ),
    Allowed(
        r"^/api/ledger/exports/focus/\?",
        {SORTS},
        "All charges of a month are the answer.",
    ),
    Allowed(
        r"^/api/ledger/completeness/(figures/)?\?",
        {SEQUENTIAL, SORTS, ADDS_UP},
        "What is suspect is found by comparing all figures of a month with what they were.",
    ),
    Allowed(
        r"^/api/marketplace-provider-resources/\?.*\b(o=|as_of=)",
        {SORTS},
        "The catalogue is small: it has indexes for the order of creation, and 14,060 rows take 60 ms.",
    ),
]
