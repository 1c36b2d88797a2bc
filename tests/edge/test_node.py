"""`fetch` of node, configured as the documentation of the JavaScript client says.

The client itself is in no registry that tests could install it from. It puts its configured key behind a
prefix, `Bearer` unless told otherwise, and hands the header to `fetch`: all forms of that are sent here.
"""

import json
import subprocess

from tests.support.programs import program
from tests.support.served import served
from tests.world import USAGES, World

SCRIPT = """
const [url, authorization] = process.argv.slice(1);
const rows = [];
let next = url, count = null;
while (next) {
    const response = await fetch(next, {headers: {Authorization: authorization}});
    if (!response.ok) throw new Error(await response.text());
    count = response.headers.get("X-Result-Count");
    rows.push(...await response.json());
    next = /<([^>]+)>; rel="next"/.exec(response.headers.get("Link"))?.[1];
}
console.log(JSON.stringify({count, types: rows.map(row => row.type)}));
"""


def test_fetch_follows_a_list_to_its_end(world: World, world_url: str) -> None:
    node = program("node")
    world.report(usages=[{"type": "cpu", "amount": 1}, {"type": "gpu", "amount": 2}])
    token = world.as_("staff").authorization.split()[1]
    with served(world_url) as service:
        url = f"http://127.0.0.1:{service.port}{USAGES}?page_size=1"
        for form in ("Token {}", "Bearer Token {}", "Bearer {}"):
            command = [node, "--input-type=module", "--eval", SCRIPT, "--", url, form.format(token)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stderr) == (0, "")
            assert json.loads(done.stdout) == {"count": "2", "types": ["cpu", "gpu"]}
