"""The reporting agent as it comes from its package, and a served ledger for it to report to.

`make test-agents` makes an environment for each version of it. Time is real here: the agent has no other. Its
exit code says nothing, so tests look at what the ledger was asked and has.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.agents.real.wire import recorded
from tests.paths import ROOT
from tests.support.served import Served, served
from tests.world import USAGES, USER_USAGES, World, open_world, uid

ENVIRONMENTS = ROOT / ".venv-agents"
NEWEST, OLDER = "1.0.7", ("1.0.5", "0.9.8")
LONGEST_SECONDS = 120
"""Of a cycle. What fails is tried again for 50 seconds."""

PROVIDER, CONSUMER, PROJECT, SERVICE_PROVIDER = uid(0xC1), uid(0xC2), uid(0xA1), uid(0xD1)
CLUSTER, CLOUD = uid(0xF1), uid(0xF2)
FIRST, SECOND, THIRD = uid(0x11), uid(0x12), uid(0x13)
ANN = uid(0x31)


def this_month() -> date:
    return datetime.now(UTC).date().replace(day=1)


def last_month() -> date:
    return (this_month() - timedelta(days=1)).replace(day=1)


def role(number: int, user: int, name: str, scope: str, on: str) -> dict[str, Any]:
    return {
        "uuid": uid(number),
        "user_uuid": uid(user),
        "role_name": name,
        "scope_type": scope,
        "scope_uuid": on,
    }


def resource(uuid: str, name: str, offering: str, plan: str) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "name": name,
        "backend_id": f"alloc-{name}",
        "offering_uuid": offering,
        "project_uuid": PROJECT,
        "plan_uuid": plan,
        "created": "2020-01-01T00:00:00Z",
    }


CATALOGUE: dict[str, list[dict[str, Any]]] = {
    "users": [
        {"uuid": uid(1), "username": "staff", "is_staff": True},
        {"uuid": uid(2), "username": "agent"},
        {"uuid": uid(3), "username": "ann"},
    ],
    "customers": [{"uuid": PROVIDER, "name": "Provider"}, {"uuid": CONSUMER, "name": "Consumer"}],
    "projects": [{"uuid": PROJECT, "name": "Project", "customer_uuid": CONSUMER}],
    "service_providers": [{"uuid": SERVICE_PROVIDER, "customer_uuid": PROVIDER}],
    "offerings": [
        {"uuid": CLUSTER, "name": "Cluster", "type": "Marketplace.Slurm", "customer_uuid": PROVIDER},
        {"uuid": CLOUD, "name": "Cloud", "type": "Marketplace.Slurm", "customer_uuid": PROVIDER},
    ],
    "offering_components": [
        {
            "uuid": uid(0xE0 + number),
            "offering_uuid": offering,
            "type": kind,
            "name": kind,
            "billing_type": billing,
        }
        for number, (offering, kind, billing) in enumerate(
            [(CLUSTER, "cpu", "limit"), (CLUSTER, "mem", "limit"), (CLOUD, "cpu", "usage")]
        )
    ],
    "plans": [
        {"uuid": uid(0xB1), "name": "Plan", "offering_uuid": CLUSTER},
        {"uuid": uid(0xB2), "name": "Plan", "offering_uuid": CLOUD},
    ],
    "resources": [
        resource(FIRST, "first", CLUSTER, uid(0xB1)),
        resource(SECOND, "second", CLUSTER, uid(0xB1)),
        resource(THIRD, "third", CLOUD, uid(0xB2)),
    ],
    "resource_plan_periods": [
        {"uuid": uid(0x90 + number), "resource_uuid": uuid, "plan_uuid": plan}
        for number, (uuid, plan) in enumerate([(FIRST, uid(0xB1)), (SECOND, uid(0xB1)), (THIRD, uid(0xB2))])
    ],
    "offering_users": [
        {"uuid": ANN, "offering_uuid": CLUSTER, "user_uuid": uid(3), "username": "ann"},
    ],
    "user_roles": [
        role(0x81, 2, "OFFERING.MANAGER", "marketplace.offering", CLUSTER),
        role(0x82, 2, "OFFERING.MANAGER", "marketplace.offering", CLOUD),
    ],
}


class Site(NamedTuple):
    """A ledger that is served, and the folder of an agent that reports to it."""

    world: World
    served: Served
    folder: Path

    @property
    def wire(self) -> list[tuple[str, str, int]]:
        """Return what the ledger was asked since the last call."""
        return recorded(self.folder / "wire.jsonl")

    @property
    def usage_file(self) -> Path:
        """Where the JSON-file backend reads usage."""
        return self.folder / "usage.json"

    def write_usage(self, months: Mapping[date, Mapping[str, Any]]) -> None:
        """Says what there is to report, by month and backend id."""
        self.usage_file.write_text(json.dumps({f"{month:%Y-%m}": months[month] for month in months}))

    def offering(self, uuid: str, backend: str = "json-file", **settings: Any) -> dict[str, Any]:
        """The configuration of an offering, with components `cpu` and `mem`."""
        component = {"measured_unit": "hours", "accounting_type": "limit", "label": "Hours"}
        return {
            "name": f"offering {uuid[-2:]}",
            "waldur_api_url": f"http://127.0.0.1:{self.served.port}/api/",
            "waldur_api_token": self.world.token_of("agent"),
            "waldur_offering_uuid": uuid,
            "backend_type": backend,
            "reporting_backend": backend,
            "backend_settings": settings or {"path": str(self.usage_file)},
            "backend_components": {"cpu": component, "mem": component},
        }

    def configure(self, *offerings: Mapping[str, Any]) -> None:
        """Writes the configuration of the agent. JSON is YAML, too."""
        (self.folder / "agent.yaml").write_text(json.dumps({"timezone": "UTC", "offerings": offerings}))

    def report(self, version: str = NEWEST, **variables: str) -> None:
        """Runs the agent for one cycle, and says nothing about how that went."""
        script = str(Path(__file__).with_name("cycle.py"))
        self.run("python", script, "--mode", "report", version=version, **variables)

    def run(self, program: str, *arguments: str, version: str = NEWEST, **variables: str) -> str:
        """Runs a program of the agent's environment to its end, and returns what it wrote."""
        command = [str(ENVIRONMENTS / version / "bin" / program), *arguments]
        command += ["--config-file" if program == "python" else "--config", str(self.folder / "agent.yaml")]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_SECONDS,
            check=True,
        )
        return done.stdout

    def usages(self) -> list[tuple[str, str, str, str]]:
        """Resource, month, component and figure of all usages that staff sees."""
        rows = self.world.as_("staff").get(USAGES, page_size=300).get_json()
        return sorted(
            (row["resource_name"], row["billing_period"], row["type"], row["usage"]) for row in rows
        )

    def user_usages(self) -> list[tuple[str, str, str, str, str, bool]]:
        """Return the same of users, with their names and whether they are known at the offering."""
        rows = self.world.as_("staff").get(USER_USAGES, page_size=300).get_json()
        return sorted(
            (
                *(row["resource_name"], row["billing_period"], row["component_type"], row["username"]),
                *(row["usage"], row["user"] is not None),
            )
            for row in rows
        )


@contextmanager
def site(database_url: str, folder: Path) -> Iterator[Site]:
    """A served ledger with the catalogue above, and an agent's folder."""
    record = f"from tests.agents.real.wire import record; record({str(folder / 'wire.jsonl')!r})"
    with open_world(database_url) as world:
        world.now = datetime.now(UTC)
        world.describe(**CATALOGUE)
        with served(database_url, change=record) as service:
            yield Site(world, service, folder)
