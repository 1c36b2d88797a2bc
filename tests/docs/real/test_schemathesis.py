"""schemathesis asks the running service for all that its description has, and compares the answers with it.

`SEED=…` asks something else than the last time; each run says its seed.
"""

from pathlib import Path

import pytest

from tests.docs.real.conftest import Fuzzed

DONE = {"200", "201", "204"}

OF_TWO_PEOPLE = {
    f"POST /api/ledger/corrections/{{uuid}}/{step}/" for step in ("approve", "reject", "apply", "revert")
}
"""Each of these can follow another one only, and whoever asks for all of it is one person."""


def test_staff_is_answered_as_described_and_gets_at_everything(fuzzed: Fuzzed, tmp_path: Path) -> None:
    answers = fuzzed.ask(tmp_path, "demo-staff", "--max-examples", "8")
    reached = fuzzed.known.keys() - OF_TWO_PEOPLE
    in_vain = {name: answers.get(name) for name in reached if not DONE & answers.get(name, {}).keys()}
    assert in_vain == {}


@pytest.mark.parametrize("who", ["demo-provider", "demo-reader"])
def test_who_has_some_roles_is_answered_as_described(fuzzed: Fuzzed, tmp_path: Path, who: str) -> None:
    answers = fuzzed.ask(tmp_path, who, "--phases", "examples,fuzzing", "--max-examples", "5")
    assert fuzzed.known.keys() == answers.keys()
    assert sum(bool(DONE & each.keys()) for each in answers.values()) > len(answers) / 2


def test_without_a_token_nothing_is_answered_but_what_needs_none(fuzzed: Fuzzed, tmp_path: Path) -> None:
    answers = fuzzed.ask(tmp_path, None, "--phases", "examples,fuzzing", "--max-examples", "2")
    answered = {name for name, statuses in answers.items() if DONE & statuses.keys()}
    assert answered == {f"{route.method} {route.path}" for route in fuzzed.routes if not route.needs_token}
