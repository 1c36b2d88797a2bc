"""The agent's own SLURM backend, on an emulator of SLURM's commands."""

import json
import subprocess
from pathlib import Path

from tests.agents.real.agent import CLUSTER, ENVIRONMENTS, NEWEST, Site, last_month, this_month

NOW, BEFORE = this_month(), last_month()
PROGRAMS = ENVIRONMENTS / NEWEST / "bin"

JOBS = [
    ("alloc-first", "ann", 2.5, f"{NOW}T12:00:00"),
    ("alloc-first", "bob", 1, f"{NOW}T15:00:00"),
    ("alloc-first", "ann", 4, f"{BEFORE}T12:00:00"),
    ("alloc-second", "ann", 0.25, f"{NOW}T12:00:00"),
]

SETTINGS = {
    "default_account": "root",
    "customer_prefix": "c-",
    "project_prefix": "p-",
    "allocation_prefix": "a-",
    "slurm_bin_path": str(PROGRAMS),
}


def test_processor_hours_of_jobs_are_reported_by_account_and_user_and_an_idle_cycle_appends_nothing(
    site: Site,
) -> None:
    slurm = {
        "SLURM_EMULATOR_STATE_FILE": str(site.folder / "slurm.json"),
        "SLURM_EMULATOR_TIME_FILE": str(site.folder / "slurm-time.json"),
    }
    fill = [str(PROGRAMS / "python"), str(Path(__file__).with_name("fill_slurm.py")), json.dumps(JOBS)]
    subprocess.run(fill, env=slurm, stdout=subprocess.DEVNULL, check=True)
    offering = site.offering(CLUSTER, "slurm", **SETTINGS)
    for kind, factor in (("cpu", 60), ("mem", 60 * 1024)):  # of minutes, and megabytes
        offering["backend_components"][kind] = offering["backend_components"][kind] | {"unit_factor": factor}
    site.configure(offering)

    site.report(**slurm)
    assert site.usages() == [
        ("first", str(BEFORE), "cpu", "256.00"),
        ("first", str(BEFORE), "mem", "2048.00"),
        ("first", str(NOW), "cpu", "224.00"),
        ("first", str(NOW), "mem", "1792.00"),
        ("second", str(NOW), "cpu", "16.00"),
        ("second", str(NOW), "mem", "128.00"),
    ]
    assert [row for row in site.user_usages() if row[2] == "cpu"] == [
        ("first", str(BEFORE), "cpu", "ann", "256.00", True),
        ("first", str(NOW), "cpu", "ann", "160.00", True),
        ("first", str(NOW), "cpu", "bob", "64.00", False),
        ("second", str(NOW), "cpu", "ann", "16.00", True),
    ]
    position, first = site.world.services.projector.catch_up(), site.wire
    site.report(**slurm)
    assert site.world.services.projector.catch_up() == position
    again = site.wire
    assert {status for *_, status in first + again} == {200, 201}
    assert ("POST", "/api/marketplace-component-usages/set_usage/", 201) not in again
