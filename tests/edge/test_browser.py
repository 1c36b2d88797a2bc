"""A real browser reads the API from a page of another origin, if that is named."""

import html
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs import pages, program
from tests.support.served import served
from tests.world import USAGES, World

PAGE = """<!doctype html><pre id="told"></pre><script type="module">
const wanted = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const told = [];
for (const [url, options] of wanted) {
    try {
        const response = await fetch(url, options);
        const names = ["X-Result-Count", "Link", "ETag", "Ledger-Position"];
        const headers = Object.fromEntries(names.map(name => [name, response.headers.get(name)]));
        const text = await response.text();
        told.push({status: response.status, headers, body: text && JSON.parse(text)});
    } catch (error) {
        told.push({error: error.name});
    }
}
document.getElementById("told").textContent = JSON.stringify(told);
</script>"""

TOLD = re.compile(r'<pre id="told">(.+?)</pre>', re.DOTALL)


def shown(folder: Path, page: str, *wanted: tuple[str, dict[str, Any]]) -> list[Any]:
    """Return what a page was told that fetches these, one after the other, in a new browser."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    options += [f"--user-data-dir={folder}/profile", "--virtual-time-budget=30000", "--dump-dom"]
    command = [program("chromium"), *options, f"{page}#{json.dumps(wanted)}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = TOLD.search(done.stdout)
    assert found, (done.stdout, done.stderr)
    told: list[Any] = json.loads(html.unescape(found[1]))
    return told


@pytest.fixture(name="origins")
def two_origins(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The origins of two sites with the same page."""
    program("chromium")
    (tmp_path / "index.html").write_text(PAGE)
    with ExitStack() as stack:
        yield stack.enter_context(pages(tmp_path)), stack.enter_context(pages(tmp_path))


def test_a_page_of_an_origin_that_is_named_reads_a_list_and_its_count(
    world: World, world_url: str, origins: tuple[str, str], tmp_path: Path
) -> None:
    portal, other = origins
    world.report(usages=[{"type": "cpu", "amount": 1}, {"type": "gpu", "amount": 2}])
    headers = {"Authorization": world.as_("staff").authorization, "X-Requested-With": "a portal"}
    with served(world_url, LEDGER_CORS_ORIGINS=portal) as service:
        url = f"http://127.0.0.1:{service.port}{USAGES}?page_size=1"
        asked = (url, {"headers": headers})
        wrong = (url, {"headers": headers | {"Authorization": "Token wrong"}})
        listed, refused = shown(tmp_path, portal, asked, wrong)
        assert (listed["status"], [row["type"] for row in listed["body"]]) == (200, ["cpu"])
        assert listed["headers"]["X-Result-Count"] == "2"
        assert '?page=2&page_size=1>; rel="next"' in listed["headers"]["Link"]
        assert listed["headers"]["ETag"]
        assert int(listed["headers"]["Ledger-Position"]) > 0
        assert (refused["status"], refused["body"]) == (401, {"detail": "Invalid token."})
        assert shown(tmp_path, other, asked) == [{"error": "TypeError"}]
