"""The dashboard and the rules for alerts: their expressions name only what a real scrape shows."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operate.scraping import fetched
from tests.paths import ROOT
from tests.support.command import Environment, report, run, served

ALERTS = ROOT / "web/operate/prometheus/alerts.yaml"
SCRAPE = ROOT / "web/operate/prometheus/prometheus.yaml"
DASHBOARD = ROOT / "web/operate/grafana/usage-ledger.json"

FUNCTIONS = {
    *("sum", "max", "min", "rate", "increase", "time", "topk", "absent", "histogram_quantile"),
    *("label_values", "by", "or"),
}
"""Of the query language of Prometheus, and of Grafana, those that are used here."""

OF_PROMETHEUS = {"up"}
"""What it has by itself."""

OF_REPLICAS = {"ledger_replica_lag_seconds"}
"""What `tests/operate/test_read_only.py` finds in a scrape of one."""


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions(found: Any) -> Iterator[str]:
    """Every expression in a dashboard, wherever it is."""
    if isinstance(found, dict):
        for name, each in found.items():
            if name in ("expr", "query") and isinstance(each, str) and "(" in each:
                yield each
            else:
                yield from expressions(each)
    elif isinstance(found, list):
        for each in found:
            yield from expressions(each)


def metrics_of(expression: str) -> tuple[set[str], set[str]]:
    """The names of metrics in an expression, and those of the labels that it groups and selects by."""
    selected = re.findall(r"(\w+)\s*[=!]~?\s*\"", expression)
    grouped = [name for names in re.findall(r"\bby \(([^)]*)\)", expression) for name in names.split(",")]
    rest = re.sub(r"\bby \([^)]*\)", "", re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", expression))
    names = set(re.findall(r"\b[a-z_][a-z0-9_]*\b", rest)) - FUNCTIONS
    return names - {"instance"}, {name.strip() for name in (*selected, *grouped)}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def test_all_expressions_name_what_a_service_tells(
    environment: Environment, rules: list[dict[str, Any]], dashboard: dict[str, Any], tmp_path: Path
) -> None:
    run(environment, "key", "create")
    with served(environment | {"LEDGER_METRICS": "open"}) as here:
        report(here, here.demo_token, 12)
        assert run(environment, "verify").returncode == 0
        assert run(environment, "backup", tmp_path / "backup").returncode == 0
        assert fetched(here, "/api/ledger/checkpoint", Authorization=f"Token {here.demo_token}")[0] == 200
        assert here.get("/readyz")[0] == 200
        text = fetched(here)[2]
    series = set(re.findall(r"^([a-z_]+)(?:\{| )", text, re.MULTILINE)) | OF_PROMETHEUS | OF_REPLICAS
    labels = set(re.findall(r'[{,](\w+)="', text)) | {"instance", "job"}  # these are Prometheus's
    told = [rule["expr"] for rule in rules] + list(expressions(dashboard))
    assert len(told) > 35
    for expression in told:
        names, of_labels = metrics_of(expression)
        assert names, expression
        assert (names - series, of_labels - labels) == (set(), set()), expression


def test_panels_of_the_dashboard_are_told_apart(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)


def test_every_alert_says_what_it_is_about(rules: list[dict[str, Any]]) -> None:
    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: make programs")
def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True, check=False)  # noqa: S607
    assert done.returncode == 0, done.stderr
    assert "14 rules found" in done.stdout


def test_the_example_scrapes_the_path_of_the_metrics() -> None:
    configuration = yaml.safe_load(SCRAPE.read_text())
    (job,) = configuration["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("usage-ledger", "/metrics")
    assert configuration["rule_files"] == [ALERTS.name]
