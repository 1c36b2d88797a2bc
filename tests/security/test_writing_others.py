"""Nobody writes what another tenant has, nor learns by trying that it is there.

Every method but GET, with every key of a body and header that it declares, is asked by every role about what
the others have, and about what nobody has.
"""

import pytest

from tests.security.asking import Asking
from tests.security.comparing import Comparing
from tests.security.tenants import ROLES, Tenants

SET_USAGE = "POST /api/marketplace-component-usages/set_usage/"
OF_USERS = "POST /api/marketplace-component-usages/{uuid}/set_user_usage"
LIMITS = "/api/component-user-usage-limits/"

AS_IN_WALDUR = "as in Waldur, whose agents know the texts: a report may name what exists, and is refused then"
OF_ANY_OFFERING = "as in Waldur: the person of a report need not be one of the resource's offering"
OF_LIMITS = "as in Waldur: what a limit names is looked up first, and its rules and rights come then"

NOT_CACHED = (
    "what is not there is in no cache: else whoever names it could push others out. The answers are one"
)

ON_PURPOSE: dict[str, str] = {
    f"{SET_USAGE} {{resource}}": AS_IN_WALDUR,
    f"{SET_USAGE} {{plan_period}}": AS_IN_WALDUR,
    f"{OF_USERS}/ {{user}}": OF_ANY_OFFERING,
    f"{OF_USERS}s/ {{user}}": OF_ANY_OFFERING,
    **{
        f"{method} {LIMITS}{path} {{{key}}}": OF_LIMITS
        for method, path in (("POST", ""), ("PUT", "{uuid}/"), ("PATCH", "{uuid}/"))
        for key in ("component", "resource", "user")
    },
    "POST /api/ledger/corrections/ {items.resource}": NOT_CACHED,
    "POST /api/ledger/reports/ {resource}": NOT_CACHED,
}
"""What differs, by what the question is about, and why. Who names such a thing knows its uuid, 122 random
bits, and learns no more than that there is such a resource, plan period, component or person."""


@pytest.mark.parametrize("role", ROLES)
def test_nobody_writes_or_notices_what_other_tenants_have(tenants: Tenants, role: str) -> None:
    comparing = Comparing(tenants, role)
    for question in Asking.about(tenants):
        if question.theirs.method != "GET":
            comparing.compare(question)
    if role == "provider":
        assert comparing.differences.keys() == ON_PURPOSE.keys()
    else:
        assert comparing.differences.keys() <= ON_PURPOSE.keys()
