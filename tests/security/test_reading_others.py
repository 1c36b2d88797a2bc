"""Nobody reads what another tenant has, nor learns that it is there.

Every GET, with every parameter and header that it declares, is asked by every role about what the others
have, and about what nobody has.
"""

from itertools import pairwise

import pytest

from tests.security.asking import Asking, Question
from tests.security.comparing import Comparing, ask
from tests.security.tenants import FIGURE, MARK, ROLES, Tenants
from tests.world import OTHER_RESOURCE, RESOURCE


@pytest.mark.parametrize("role", ROLES)
def test_nobody_reads_or_notices_what_other_tenants_have(tenants: Tenants, role: str) -> None:
    comparing, turn = Comparing(tenants, role), [*ROLES].index(role)
    for number, question in enumerate(Asking.about(tenants)):
        is_asked = not question.is_of_some or number % len(ROLES) == turn
        if is_asked and question.theirs.method == "GET":
            comparing.compare(question)
    assert comparing.differences == {}


def tags_of(tenants: Tenants, role: str, questions: list[Question]) -> list[tuple[str, str]]:
    """Return the tags of what is answered: about the others, and about nobody."""
    client, found = tenants.clients[role], []
    for each in questions:
        theirs, nobodys = (ask(client, asked)[0] for asked in (each.theirs, each.nobodys))
        found.append((theirs.headers.get("ETag", ""), nobodys.headers.get("ETag", "")))
    return found


@pytest.mark.parametrize(("role", "cents"), [("owner", 11), ("provider", 22)])
def test_a_tag_tells_nothing_of_what_others_report(tenants: Tenants, role: str, cents: int) -> None:
    lists = [each for each in Asking.about(tenants) if "?" in each.about and each.theirs != each.nobodys]
    seen = [tags_of(tenants, role, lists)]
    for resource, kind, figure in ((OTHER_RESOURCE, f"{MARK}-core", FIGURE), (RESOURCE, "cpu", "8")):
        usages = [{"type": kind, "amount": f"{figure}.{cents}"}]
        assert tenants.world.report(resource=resource, usages=usages).status_code == 201
        seen.append(tags_of(tenants, role, lists))
    told = {
        question.about
        for before, after in pairwise(seen)
        for question, was, now in zip(lists, before, after, strict=True)
        if (was[0] == now[0]) != (was[1] == now[1])
    }
    assert told == set()
