"""Bodies of registrations. Every text has a bound, as all of them but one are kept for ever."""

from datetime import UTC
from typing import Any

from marshmallow import ValidationError

from ledger.domain.agents import AgentDependency
from web.wire.body import Body
from web.wire.fields import Items, Moment, Reference, Text

MOST_DEPENDENCIES = 500
LONGEST_NAME, LONGEST_VERSION, LONGEST_PATH, LONGEST_FILE = 255, 100, 1_000, 1_000_000
"""In characters."""


def name() -> Text:
    return Text(required=True, max_length=LONGEST_NAME)


def optional(max_length: int) -> Text:
    """Return a field that may be empty or null, too."""
    return Text(allow_blank=True, allow_none=True, max_length=max_length)


class DependencyBody(Body):
    package = name()
    version = Text(required=True, allow_blank=True, max_length=LONGEST_VERSION)

    def build(self, values: dict[str, Any]) -> AgentDependency:
        return AgentDependency(**values)


class Dependencies(Items):
    """Packages with their versions, in the order of their names: agents find them in any order."""

    def checked(self, items: list[Any]) -> Any:
        if len(items) > MOST_DEPENDENCIES:
            raise ValidationError(
                f"No more than {MOST_DEPENDENCIES} dependencies are kept, and these are {len(items)}."
            )
        return tuple(sorted(super().checked(items)))


class IdentityChanges(Body):
    """What an agent says of itself, as far as it says it. The content of its configuration is not kept."""

    offering = Reference("offerings")
    name = Text(max_length=LONGEST_NAME)
    version = optional(LONGEST_VERSION)
    dependencies = Dependencies(DependencyBody())
    config_file_path = optional(LONGEST_PATH)
    config_file_content = optional(LONGEST_FILE)
    last_restarted = Moment()

    def build(self, values: dict[str, Any]) -> dict[str, Any]:
        values.pop("config_file_content", None)
        if moment := values.get("last_restarted"):
            values["last_restarted"] = moment.at.astimezone(UTC)
        return values


class IdentityBody(IdentityChanges):
    offering = Reference("offerings", required=True)
    name = name()


class ServiceBody(Body):
    name = name()
    mode = optional(LONGEST_NAME)


class ProcessorBody(Body):
    name = name()
    backend_type = Text(required=True, max_length=LONGEST_NAME)
    backend_version = optional(LONGEST_VERSION)


# Made once: to make a schema takes longer than to load with it.
IDENTITY_CHANGES, IDENTITY, SERVICE, PROCESSOR = (
    IdentityChanges(),
    IdentityBody(),
    ServiceBody(),
    ProcessorBody(),
)
