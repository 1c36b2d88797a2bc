"""Folders and files of the project that tests read."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
HANDBOOK = ROOT / "web/operate/README.md"
ENDPOINTS = ROOT / "web/api/README.md"
PAGES = ROOT / "web/dashboard/README.md"
JOURNALS = ROOT / "tests/journals"
DEMO = ROOT.parent / "shared/data/usage_periods_demo.json"
