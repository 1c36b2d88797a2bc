"""/api/marketplace-site-agent-identities/: agents of offerings.

Whoever may report for an offering may register its agents. The answer to a second registration by one name is
the first agent, described anew, and no refusal: both ends know it by that name.
"""

from flask import Response
from marshmallow import ValidationError
from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.agents import AgentIdentity, AgentService
from ledger.errors import NotPermitted
from projections.lookups.registrations import registered
from projections.queries.agents.registrations import IDENTITIES, SERVICES
from web.api.agents.registering import check_right, named, register
from web.api.pages import page_of, row_of, row_response
from web.request.authentication import caller, visible
from web.request.describing import append_description
from web.request.pipeline import api
from web.request.references import load
from web.request.services import services
from web.wire.agents import bodies
from web.wire.agents.filters import IDENTITY_QUERY
from web.wire.body import Body
from web.wire.rendering import answers, reads
from web.wire.responses.agents import AGENT_IDENTITY, AGENT_SERVICE

KEPT = "An agent keeps the one that it was registered with."

blueprint = api("agent_identities", "/api/marketplace-site-agent-identities")
blueprint.add_url_rule("/", "index", page_of(IDENTITIES, IDENTITY_QUERY, AGENT_IDENTITY))
blueprint.add_url_rule("/<object_id:uuid>/", "retrieve", row_of(IDENTITIES, AGENT_IDENTITY, "AgentIdentity"))


@blueprint.post("/")
@reads(bodies.IDENTITY)
@answers(AGENT_IDENTITY, 201)
def create() -> Response:
    values, _ = load(bodies.IDENTITY)
    offering = values.pop("offering")
    offering_uuid = offering["offering_uuid"]
    if not caller().may_report(offering_uuid, offering["provider_uuid"]):
        raise NotPermitted
    new = AgentIdentity(
        uuid=AgentIdentity.uuid_of(offering_uuid, values["name"]),
        offering_uuid=offering_uuid,
        created_by=caller().user_uuid,
        **{"last_restarted": services().clock()} | values,
    )

    def choose(cursor: Cursor[DictRow]) -> AgentIdentity:
        known = registered(cursor, AgentIdentity, new.uuid)
        return structs.replace(new, created_by=known.created_by).after(known) if known else new

    return _answer(append_description(choose), 201)


@blueprint.put("/<object_id:uuid>/")
@reads(bodies.IDENTITY)
@answers(AGENT_IDENTITY)
def update(uuid: str) -> Response:
    return _changed(uuid, bodies.IDENTITY)


@blueprint.patch("/<object_id:uuid>/")
@reads(bodies.IDENTITY_CHANGES)
@answers(AGENT_IDENTITY)
def change(uuid: str) -> Response:
    return _changed(uuid, bodies.IDENTITY_CHANGES)


@blueprint.post("/<object_id:uuid>/register_service/")
@reads(bodies.SERVICE)
@answers(AGENT_SERVICE, 200, 201)
def register_service(uuid: str) -> Response:
    identity = _writable(uuid)
    values, _ = load(bodies.SERVICE)
    service = AgentService(
        uuid=AgentService.uuid_of(identity.uuid, values["name"]), identity_uuid=identity.uuid, **values
    )
    status = 201 if register(service) else 200
    return row_response(SERVICES, AGENT_SERVICE, "AgentService", service.uuid, visible(), status)


def _writable(uuid: str) -> AgentIdentity:
    """Return the agent that a path names. Raises NotFound, NotPermitted."""
    with services().reading() as cursor:
        identity = named(cursor, IDENTITIES, AgentIdentity, uuid)
        check_right(cursor, identity)
    return identity


def _changed(uuid: str, schema: Body) -> Response:
    identity = _writable(uuid)
    values, _ = load(schema)
    offering = values.pop("offering", None)
    kept = {
        "offering": offering is None or offering["offering_uuid"] == identity.offering_uuid,
        "name": values.get("name", identity.name) == identity.name,
    }
    if not all(kept.values()):
        raise ValidationError({field: [KEPT] for field in kept if not kept[field]})

    def choose(cursor: Cursor[DictRow]) -> AgentIdentity:
        known = registered(cursor, AgentIdentity, identity.uuid) or identity
        return structs.replace(known, **values).after(known)

    return _answer(append_description(choose))


def _answer(identity: AgentIdentity, status: int = 200) -> Response:
    return row_response(IDENTITIES, AGENT_IDENTITY, "AgentIdentity", identity.uuid, visible(), status)
