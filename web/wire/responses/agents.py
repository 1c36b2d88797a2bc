"""The answers that agents ask for before they report: version, who they are, and what they registered."""

from typing import get_args

from marshmallow import fields

from ledger.domain.catalogue import ScopeType
from web.wire.responses.columns import Boolean, Constant, Empty, Hex, Link, Moment, Objects, Text, Word
from web.wire.responses.schemas import Members, ObjectSchema, RowSchema, declare

VERSION = declare(ObjectSchema, "Version", version=fields.String(required=True))

TIMES: Members = {"created": Moment(), "modified": Moment()}

PROCESSOR: Members = {
    "uuid": Hex(),
    "url": Link("marketplace-site-agent-processors"),
    "name": Text(),
    "backend_type": Text(),
    "backend_version": Text(allow_none=True),
    **TIMES,
}
NESTED_PROCESSOR = declare(RowSchema, "NestedAgentProcessor", **PROCESSOR)
AGENT_PROCESSOR = declare(
    RowSchema, "AgentProcessor", **PROCESSOR, service=Hex(attribute="service_uuid"), service_name=Text()
)

SERVICE: Members = {
    "uuid": Hex(),
    "url": Link("marketplace-site-agent-services"),
    "name": Text(),
    "mode": Text(allow_none=True),
    "state": Constant('"Active"'),
    "statistics": Constant("{}"),
    **TIMES,
}
NESTED_SERVICE = declare(RowSchema, "NestedAgentService", **SERVICE)
AGENT_SERVICE = declare(
    RowSchema,
    "AgentService",
    **SERVICE,
    identity=Hex(attribute="identity_uuid"),
    identity_name=Text(),
    processors=Objects(NESTED_PROCESSOR),
)

AGENT_IDENTITY = declare(
    RowSchema,
    "AgentIdentity",
    uuid=Hex(),
    url=Link("marketplace-site-agent-identities"),
    offering=Hex(attribute="offering_uuid"),
    created_by=Hex(allow_none=True),
    name=Text(),
    version=Text(allow_none=True),
    dependencies=Objects(declare(RowSchema, "AgentDependency", package=Text(), version=Text())),
    config_file_path=Text(allow_none=True),
    last_restarted=Moment(),
    **TIMES,
    services=Objects(NESTED_SERVICE),
    compatibility=Constant('{"status":"unknown","message":"Versions of agents are not judged here."}'),
)

PERMISSION = declare(
    RowSchema,
    "MePermission",
    role_name=Text(),
    scope_type=Word(get_args(ScopeType)),
    scope_uuid=Hex(),
    scope_name=Text(),
    customer_uuid=Hex(allow_none=True),
    customer_name=Text(allow_none=True),
    project_uuid=Hex(allow_none=True),
    expiration_time=Constant("null"),
)
USER_ME = declare(
    RowSchema,
    "UserMe",
    url=Link("users"),
    uuid=Hex(),
    username=Text(),
    full_name=Empty(),
    is_staff=Boolean(),
    is_support=Boolean(),
    is_active=Boolean(),
    permissions=Objects(PERMISSION),
)

ROWS = (AGENT_IDENTITY, AGENT_SERVICE, AGENT_PROCESSOR, USER_ME)
