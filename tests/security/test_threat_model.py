"""The table of threats is about everybody that it should be about, and names tests that are there."""

import ast
import re

from tests.paths import ROOT

PAGE = ROOT / "web/request/SECURITY.md"

WHO = {
    *("agent", "reader", "auditor", "portal in a browser", "operator", "outsider", "stolen token"),
    *("stolen cookie", "database administrator"),
}


def lines() -> list[list[str]]:
    """Return the cells of each line of the table."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


def test_the_threat_model_is_about_everybody() -> None:
    assert {cells[0] for cells in lines()} >= WHO
    assert {len(cells) for cells in lines()} == {5}


def test_every_line_of_the_threat_model_names_a_test_that_is_there() -> None:
    there = {
        node.name
        for module in (ROOT / "tests").glob("**/test_*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    for who, threat, *_, tests in lines():
        named = re.findall("`(test_[a-z_]+)`", tests)
        assert named, (who, threat)
        assert set(named) <= there, (who, threat)
