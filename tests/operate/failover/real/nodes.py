"""Three nodes of PostgreSQL that Patroni keeps, set up with the operators' files, on ports of this host."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import psycopg
import yaml

from tests.paths import HANDBOOK, ROOT
from tests.support.clusters import make_open_folder
from tests.support.dumps import program
from tests.torture.clusters import free_port
from web.runtime.postgres.account import account

FILES = ROOT / "web/operate/patroni"

NODES = ("node1", "node2", "node3")

START_SECONDS = 120

HOSTS = "10.0.0.1,10.0.0.2,10.0.0.3"
"""Those of the handbook."""


def request(url: str, body: Any = None) -> Any:
    """Return what a program says over HTTP, as JSON where it is."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"Content-Type": "application/json"}), timeout=60) as response:  # noqa: S310
        text = response.read().decode()
    return json.loads(text) if text.startswith(("{", "[")) else text


def wait_for(condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Wait for what other programs bring about, however they fail meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(URLError, OSError, psycopg.Error):
            if condition():
                return
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


class Node:
    """One node: Patroni, and the PostgreSQL that it starts."""

    def __init__(self, name: str, folder: Path, etcd: int, *, is_synchronous: bool) -> None:
        self.name, self._folder = name, folder / name
        self.port, self.api = free_port(), free_port()
        self._make_folder()
        text = (FILES / "patroni.yml").read_text()
        told = yaml.safe_load(text)
        told["name"] = name
        told["restapi"] = dict.fromkeys(("listen", "connect_address"), f"127.0.0.1:{self.api}")
        told["etcd3"]["hosts"] = f"127.0.0.1:{etcd}"
        told["bootstrap"]["dcs"] |= dict.fromkeys(
            ("synchronous_mode", "synchronous_mode_strict"), is_synchronous
        )
        told["bootstrap"]["post_bootstrap"] = str(self._folder / "make-ledger.sh")
        told["postgresql"] |= {
            "listen": f"127.0.0.1:{self.port}",
            "connect_address": f"127.0.0.1:{self.port}",
            "data_dir": str(self._folder / "data"),
            "bin_dir": str(Path(program("postgres")).parent),
            "pgpass": str(self._folder / "pgpass"),
        }
        told["postgresql"]["pg_hba"] = [
            line.replace("10.0.0.0/24", "127.0.0.1/32").replace("peer", "trust")
            for line in told["postgresql"]["pg_hba"]
        ]
        told["postgresql"]["parameters"] = {"unix_socket_directories": str(self._folder)}
        self._file("patroni.yml", yaml.safe_dump(told))
        self._file("make-ledger.sh", (FILES / "make-ledger.sh").read_text())
        self.start()

    def start(self) -> None:
        with (self._folder / "patroni.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/usr/bin/patroni", str(self._folder / "patroni.yml")],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": f"{Path(program('psql')).parent}:/usr/bin:/bin", "HOME": str(self._folder)},
                cwd="/",
                start_new_session=True,
                **account(),
            )

    def fall_silent(self) -> None:
        """Send nothing to the standbys any more, as a network that fails first does."""
        for each in self._processes():
            if b"walsender" in Path(f"/proc/{each}/cmdline").read_bytes():
                os.kill(each, signal.SIGSTOP)

    def _processes(self) -> list[int]:
        """The processes of PostgreSQL, the first one first."""
        postmaster = int((self._folder / "data/postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]

    def kill(self) -> None:
        """End everything at once, as the end of a host does."""
        self._process.kill()
        for each in self._processes():
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(40)
        with suppress(FileNotFoundError, ProcessLookupError):
            self.kill()

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700)
        if owner := account():
            os.chown(self._folder, owner["user"], owner["group"])

    def _file(self, name: str, text: str) -> None:
        path = self._folder / name
        path.write_text(text)
        path.chmod(0o700)
        if owner := account():
            os.chown(path, owner["user"], owner["group"])


class Nodes:
    """The three of them, and what they agree on."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes

    @property
    def url(self) -> str:
        """The URL that a service connects with, wherever the primary is: the handbook's, with our hosts."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes.values())
        url = f"postgresql://ledger:change-me-3@{HOSTS}/ledger?target_session_attrs=read-write"
        assert f'LEDGER_DATABASE_URL="{url}" usage-ledger serve' in HANDBOOK.read_text()
        return url.replace(HOSTS, hosts)

    def members(self) -> dict[str, dict[str, Any]]:
        """Return what is said of each node by one that answers."""
        for node in self.nodes.values():
            with suppress(URLError, OSError):
                told = request(f"http://127.0.0.1:{node.api}/cluster")
                return {member["name"]: member for member in told["members"]}
        return {}

    def leader(self) -> str:
        """The name of the primary, nothing while there is none."""
        found = [name for name, member in self.members().items() if member["role"] == "leader"]
        return found[0] if found else ""

    def is_whole(self, *, is_synchronous: bool) -> bool:
        """Return whether there is a primary, and two standbys that follow it."""
        roles = sorted(member["role"] for member in self.members().values() if member["state"] == "running")
        return roles == ["leader", "replica", "sync_standby" if is_synchronous else "replica"]

    def switch_over(self) -> None:
        """Have another node be the primary, and wait until that is so."""
        leader, members = self.leader(), self.members()
        candidate = min(
            (member for member in members.values() if member["role"] != "leader"),
            key=lambda member: member["role"] != "sync_standby",
        )
        body = {"leader": leader, "candidate": candidate["name"]}
        request(f"http://127.0.0.1:{self.nodes[leader].api}/switchover", body)


@contextmanager
def nodes(*, is_synchronous: bool) -> Iterator[Nodes]:
    """Yield three nodes that are there, with the ledger's database on them."""
    folder = make_open_folder()
    client, peer = free_port(), free_port()
    own = folder / "etcd"
    own.mkdir(mode=0o700)
    if owner := account():
        os.chown(own, owner["user"], owner["group"])
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        with (folder / "etcd.log").open("wb") as log:
            etcd = subprocess.Popen(
                [
                    *("/usr/bin/etcd", f"--data-dir={own / 'data'}"),
                    f"--listen-client-urls=http://127.0.0.1:{client}",
                    f"--advertise-client-urls=http://127.0.0.1:{client}",
                    f"--listen-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-cluster=default=http://127.0.0.1:{peer}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
                **account(),
            )
        stack.callback(etcd.wait, 10)
        stack.callback(etcd.kill)
        wait_for(lambda: "true" in str(request(f"http://127.0.0.1:{client}/health")))
        made = {}
        for name in NODES:
            made[name] = Node(name, folder, client, is_synchronous=is_synchronous)
            stack.callback(made[name].stop)
        here = Nodes(made)
        wait_for(lambda: here.is_whole(is_synchronous=is_synchronous))
        yield here
