"""Registrations, as an agent sends them."""

from typing import Any

from werkzeug.test import TestResponse

from tests.world import OFFERING, World

IDENTITIES = "/api/marketplace-site-agent-identities/"
SERVICES = "/api/marketplace-site-agent-services/"
PROCESSORS = "/api/marketplace-site-agent-processors/"

IDENTITY = {
    "offering": OFFERING,
    "name": f"agent-{OFFERING}",
    "version": "1.0.7",
    "dependencies": [
        {"package": "waldur-site-agent-slurm", "version": "1.0.7"},
        {"package": "waldur-api-client", "version": "8.1.2"},
    ],
    "config_file_path": "",
    "config_file_content": "",
    "last_restarted": "2026-11-15T11:59:58.125+00:00",
}
SERVICE = {"name": "report", "mode": "report"}
PROCESSOR = {"name": "OfferingReportProcessor", "backend_type": "slurm", "backend_version": "1.0.7"}


def register(world: World, by: str = "staff", **changes: Any) -> TestResponse:
    """Registers an agent."""
    return world.as_(by).post(IDENTITIES, IDENTITY | changes)


def register_service(world: World, identity: str, by: str = "staff", **changes: Any) -> TestResponse:
    """Registers a service of an agent."""
    return world.as_(by).post(f"{IDENTITIES}{identity}/register_service/", SERVICE | changes)


def register_processor(world: World, service: str, by: str = "staff", **changes: Any) -> TestResponse:
    """Registers a processor of a service."""
    return world.as_(by).post(f"{SERVICES}{service}/register_processor/", PROCESSOR | changes)


def register_all(world: World, by: str = "staff", **changes: Any) -> tuple[str, str, str]:
    """Registers an agent with a service and a processor, and returns their uuids."""
    identity = register(world, by, **changes).get_json()["uuid"]
    service = register_service(world, identity, by).get_json()["uuid"]
    return identity, service, register_processor(world, service, by).get_json()["uuid"]
