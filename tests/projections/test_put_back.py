"""Read models that were put back without the views of their past, as two schemas of three are dumped."""

from tests.projections.restoring import report
from tests.projections.restoring import url as url
from tests.support.dumps import SCHEMAS, dump, put_back
from tests.world import USAGES, open_world
from web.runtime.database import ensure_schemas


def test_the_past_is_never_told_as_today_and_is_there_again_after_a_start(url: str) -> None:
    with open_world(url) as world:
        report(world, "5")
        staff = world.as_("staff")
        position = int(staff.get(USAGES).headers["Ledger-Position"])
        before = staff.get(USAGES, as_of=position)
        report(world, "6")
        put_back(url, dump(url, *(f"--schema={each}" for each in SCHEMAS)))
        assert staff.get(USAGES, as_of=position).status_code == 503
        ensure_schemas(world.conninfo, world.settings)
        after = staff.get(USAGES, as_of=position)
        assert (after.status_code, after.data) == (200, before.data)
