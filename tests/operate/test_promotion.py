"""A standby that becomes the primary. In a module of its own: there is no way back."""

import json

from tests.operate.standby import MAX_LAG_SECONDS, ask, pair, readiness
from tests.support.command import executed, served
from tests.world import USAGES


def test_a_promoted_standby_is_written_by_a_server_without_the_option() -> None:
    with pair() as here:
        here.shown(here.report()[0])
        here.primary.stop()
        here.standby.promote()
        assert readiness(here.reader, 200)["lag"] < MAX_LAG_SECONDS
        assert ask(here.reader, "POST", f"{USAGES}set_usage/").json["detail"] == "This server is read-only."
        with served(here.environment(here.standby), "--workers=1") as writer:
            position, figure = here.report(writer)
            assert here.shown(position) == figure
        assert json.loads(executed(f"curl -s {here.reader.url}/readyz"))["position"] == position
