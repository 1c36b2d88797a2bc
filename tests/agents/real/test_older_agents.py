"""Older agents write figures in other ways: JSON numbers for users, and as many decimals as there are."""

import pytest

from tests.agents.real.agent import CLUSTER, OLDER, Site, last_month, this_month

NOW, BEFORE = this_month(), last_month()
SPLIT = {"TOTAL_ACCOUNT_USAGE": {"cpu": 16.25, "mem": 2}, "ann": {"cpu": 10.25, "mem": 1}}


@pytest.mark.parametrize("version", OLDER)
def test_an_older_agent_reports_and_an_unchanged_cycle_of_it_appends_nothing(
    site: Site, version: str
) -> None:
    site.configure(site.offering(CLUSTER))
    site.write_usage({NOW: {"alloc-first": SPLIT}, BEFORE: {"alloc-first": SPLIT}})
    site.report(version)
    assert site.usages() == [
        ("first", str(month), kind, usage)
        for month in (BEFORE, NOW)
        for kind, usage in (("cpu", "16.25"), ("mem", "2.00"))
    ]
    assert site.user_usages() == [
        ("first", str(month), kind, "ann", usage, True)
        for month in (BEFORE, NOW)
        for kind, usage in (("cpu", "10.25"), ("mem", "1.00"))
    ]
    position, first = site.world.services.projector.catch_up(), site.wire
    site.report(version)
    assert site.world.services.projector.catch_up() == position
    assert {status for *_, status in first + site.wire} == {200, 201}
