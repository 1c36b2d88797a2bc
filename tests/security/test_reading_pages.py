"""No page of the dashboard, and no file that is downloaded there, tells of what another tenant has.

What there is of others is answered as what there is not: with the same page, but for what was asked for.
"""

import pytest

from tests.security.comparing import Comparing
from tests.security.pages import AskingPages, signed_in
from tests.security.tenants import Tenants

READERS = ("stranger", "project member", "owner", "provider", "offering manager", "auditor")


@pytest.mark.parametrize("role", READERS)
def test_no_page_tells_or_hints_at_what_other_tenants_have(tenants: Tenants, role: str) -> None:
    comparing = Comparing(tenants, role, signed_in(tenants, role))
    for number, question in enumerate(AskingPages(tenants).about()):
        if not question.is_of_some or number % len(READERS) == READERS.index(role):
            comparing.compare(question)
    assert comparing.differences == {}
