"""The clock of the service that is tortured can be stepped: what it stores has the stepped time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.command import Environment, report, served
from tests.torture.service import CLOCK


def test_a_report_is_recorded_at_the_stepped_time(environment: Environment, tmp_path: Path) -> None:
    (clock := tmp_path / "clock").write_text("-7200")
    with served(environment | {"PYTHONPATH": f"{CLOCK}", "TORTURE_CLOCK": f"{clock}"}) as here:
        report(here, here.demo_token, 5)
        *_, last = here.get("/api/ledger/events/?after=0&limit=1000", here.demo_token)[1]
    late = datetime.now(UTC) - datetime.fromisoformat(last["time"])
    assert timedelta(hours=2) <= late < timedelta(hours=2, minutes=5)
