"""The dashboard for Grafana: what it asks is answered, with the columns that it shows."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import yaml

from tests.exports.reading import cells
from tests.paths import ROOT
from tests.world import World

FOLDER = ROOT / "web" / "exports" / "grafana"
DASHBOARD = orjson.loads((FOLDER / "dashboard.json").read_bytes())
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
BOUND = re.compile(r"\$\{__(?:from|to):date:YYYY-MM\}")
"""What Grafana writes the months into that are looked at."""


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target["url"].split("?")[0])
def test_a_panel_has_what_it_shows(world: World, target: dict[str, Any]) -> None:
    assert world.report(usages=[{"type": "cpu", "amount": 3}]).status_code == 201
    url = urlsplit(BOUND.sub("2026-11", target["url"]))
    assert "$" not in url.query
    response = world.as_("staff").send(
        "GET", url.path, query_string=parse_qs(url.query), headers={"Prefer": "handling=strict"}
    )
    assert response.status_code == 200, response.data
    rows = cells(response)
    assert rows
    assert {each["selector"] for each in target["columns"]} <= rows[0].keys()
    assert target["type"] == "csv"


def test_the_data_source_sends_a_token_to_the_ledger_alone() -> None:
    [source] = yaml.safe_load((FOLDER / "datasource.yaml").read_text())["datasources"]
    kind = {panel["datasource"]["type"] for panel in DASHBOARD["panels"]}
    assert {source["type"]} == kind
    assert source["jsonData"]["allowedHosts"] == [source["url"]]
    assert source["secureJsonData"]["apiKeyValue"].startswith("Token ")
