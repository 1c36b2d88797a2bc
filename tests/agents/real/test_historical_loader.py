"""The agent's loader of past months, which reports with a token of staff."""

from tests.agents.real.agent import CLUSTER, Site, last_month, this_month

NOW, BEFORE = this_month(), last_month()
LOADER = "waldur_site_load_historical_usage"
SPLIT = {
    "TOTAL_ACCOUNT_USAGE": {"cpu": 16.5, "mem": 2},
    "ann": {"cpu": 10.25, "mem": 1},
    "bob": {"cpu": 6.25, "mem": 1},
}


def load(site: Site, *more: str) -> str:
    return site.run(
        LOADER,
        *("--offering-uuid", CLUSTER, "--user-token", site.world.token_of("staff")),
        *("--start-date", str(BEFORE), "--end-date", str(NOW), *more),
    )


def test_past_months_are_loaded_but_for_figures_that_are_no_cents_and_stale_ones_are_set_to_zero(
    site: Site,
) -> None:
    site.configure(site.offering(CLUSTER))
    unrounded = {"TOTAL_ACCOUNT_USAGE": {"cpu": 16.505000000000003}}
    site.write_usage({BEFORE: {"alloc-first": SPLIT, "alloc-second": unrounded}, NOW: {"alloc-first": SPLIT}})

    written = load(site)
    assert "Ensure that there are no more than 2 decimal places." in written
    assert "Historical usage loading completed successfully!" in written
    loaded = [
        ("first", str(month), kind, usage)
        for month in (BEFORE, NOW)
        for kind, usage in (("cpu", "16.50"), ("mem", "2.00"))
    ]
    assert site.usages() == loaded
    shares = [("cpu", "ann", "10.25", True), ("cpu", "bob", "6.25", False)]
    shares += [("mem", "ann", "1.00", True), ("mem", "bob", "1.00", False)]
    of_users = [("first", str(month), *share) for month in (BEFORE, NOW) for share in shares]
    assert site.user_usages() == of_users
    posted = [status for method, path, status in site.wire if method == "POST"]
    assert (posted.count(201), posted.count(400)) == (2 + 8, 1)

    site.write_usage(
        {BEFORE: {"alloc-first": SPLIT}, NOW: {"alloc-first": {"TOTAL_ACCOUNT_USAGE": {"cpu": 16.5}}}}
    )
    load(site, "--reconcile-stale")
    assert site.usages()[:2] == loaded[:2]
    stale = [row[4] for row in site.user_usages() if row[1] == str(NOW)]
    assert stale == ["0.00"] * 4
