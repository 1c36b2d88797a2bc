"""What reporting agents register: the agent of an offering, its services, and their processors.

Their ids follow from their names, so an agent that registers again, or twice at once, is the same one. What
tells only that an agent lives is no description: it would be a new fact in every cycle.
"""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct, structs

from ledger.domain.catalogue import NAMESPACE, Entity


class AgentDependency(Struct, frozen=True, order=True):
    """A package that an agent runs with."""

    package: str
    version: str


class AgentIdentity(Entity, frozen=True, kw_only=True):
    """An agent of an offering. `created_by` is the user who registered it first.

    The content of its configuration is not kept: it may hold passwords and tokens.
    """

    uuid: UUID
    offering_uuid: UUID
    name: str
    version: str | None = None
    dependencies: tuple[AgentDependency, ...] = ()
    config_file_path: str | None = None
    last_restarted: datetime
    created_by: UUID | None = None

    @staticmethod
    def uuid_of(offering_uuid: UUID, name: str) -> UUID:
        """Return the uuid of the agent of this name at an offering."""
        return uuid5(NAMESPACE, f"AgentIdentity:{offering_uuid.hex}:{name}")

    def after(self, known: "AgentIdentity") -> "AgentIdentity":
        """Return this, or what is known of the agent if only its restart is new: agents tell it each time."""
        return known if structs.replace(self, last_restarted=known.last_restarted) == known else self


class AgentService(Entity, frozen=True, kw_only=True):
    """Something that an agent does, such as to report."""

    uuid: UUID
    identity_uuid: UUID
    name: str
    mode: str | None = None

    @staticmethod
    def uuid_of(identity_uuid: UUID, name: str) -> UUID:
        """Return the uuid of the service of this name of an agent."""
        return uuid5(NAMESPACE, f"AgentService:{identity_uuid.hex}:{name}")


class AgentProcessor(Entity, frozen=True, kw_only=True):
    """A part of a service that works with one system, of the kind `backend_type`, such as SLURM."""

    uuid: UUID
    service_uuid: UUID
    name: str
    backend_type: str
    backend_version: str | None = None

    @staticmethod
    def uuid_of(service_uuid: UUID, name: str) -> UUID:
        """Return the uuid of the processor of this name of a service."""
        return uuid5(NAMESPACE, f"AgentProcessor:{service_uuid.hex}:{name}")
