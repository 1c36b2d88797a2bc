"""A key that is twice in a body says two things, of which one would be lost."""

import pytest

from ledger.events import BillingMonthDescribed, ManifestSent
from tests.billing.sending import MANIFESTS
from tests.world import OFFERING, RESOURCE, USAGES, World
from web.request.billing.manifests import manifest_in
from web.wire.errors import MalformedBody

MANIFEST = (
    f'{{"offering": "{OFFERING}", "month": "2026-11", "reports": 0, "resources": 0,'
    ' "totals": {"cpu": "1.00", "cpu": "2.00"}}'
)
MONTH = f'{{"offering": "{OFFERING}", "month": "2026-08", "month": "2026-09"}}'
REPORT = f'{{"resource": "{RESOURCE}", "usages": [{{"type": "cpu", "amount": "1", "amount": "2"}}]}}'
USAGE = f"{USAGES}set_usage/"


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [(MANIFESTS, MANIFEST, "cpu"), ("/api/ledger/months/close/", MONTH, "month"), (USAGE, REPORT, "amount")],
)
def test_it_is_refused_by_its_name_where_unknown_keys_are(
    world: World, path: str, body: str, key: str
) -> None:
    prefer = {"Prefer": "handling=strict"} if path == USAGE else {}
    done = world.as_("staff").send(
        "POST", path, data=body.encode(), content_type="application/json", headers=prefer
    )
    told = {"detail": f'The key "{key}" is there more than once.'}
    assert (done.status_code, done.get_json()) == (400, told)
    assert not world.facts(ManifestSent)
    assert not world.facts(BillingMonthDescribed)
    assert not world.usages()


def test_elsewhere_the_last_one_counts_as_in_waldur(world: World) -> None:
    done = world.as_("staff").send("POST", USAGE, data=REPORT.encode(), content_type="application/json")
    assert done.status_code == 201
    assert [row["usage"] for row in world.usages()] == ["2.00"]


def test_a_command_refuses_a_manifest_that_has_it(world: World) -> None:
    with pytest.raises(MalformedBody, match='The key "cpu" is there more than once'):
        manifest_in(world.services, MANIFEST.encode())
