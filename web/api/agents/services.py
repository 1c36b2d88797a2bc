"""/api/marketplace-site-agent-services/ and …-processors/: what agents do, and what they do it with."""

from flask import Response

from ledger.domain.agents import AgentIdentity, AgentProcessor, AgentService
from projections.queries.agents.registrations import IDENTITIES, PROCESSORS, SERVICES
from web.api.agents.registering import check_right, named, register
from web.api.pages import page_of, row_of, row_response
from web.request.authentication import visible
from web.request.pipeline import api
from web.request.references import load
from web.request.services import services
from web.wire.agents import bodies
from web.wire.agents.filters import PROCESSOR_QUERY, SERVICE_QUERY
from web.wire.rendering import answers, reads
from web.wire.responses.agents import AGENT_PROCESSOR, AGENT_SERVICE

SERVICE_PATH, PROCESSOR_PATH = "/marketplace-site-agent-services/", "/marketplace-site-agent-processors/"

blueprint = api("agent_services", "/api")
blueprint.add_url_rule(SERVICE_PATH, "services", page_of(SERVICES, SERVICE_QUERY, AGENT_SERVICE))
blueprint.add_url_rule(
    f"{SERVICE_PATH}<object_id:uuid>/", "service", row_of(SERVICES, AGENT_SERVICE, "AgentService")
)
blueprint.add_url_rule(PROCESSOR_PATH, "processors", page_of(PROCESSORS, PROCESSOR_QUERY, AGENT_PROCESSOR))
blueprint.add_url_rule(
    f"{PROCESSOR_PATH}<object_id:uuid>/", "processor", row_of(PROCESSORS, AGENT_PROCESSOR, "AgentProcessor")
)


@blueprint.post(f"{SERVICE_PATH}<object_id:uuid>/register_processor/")
@reads(bodies.PROCESSOR)
@answers(AGENT_PROCESSOR, 200, 201)
def register_processor(uuid: str) -> Response:
    with services().reading() as cursor:
        service = named(cursor, SERVICES, AgentService, uuid)
        check_right(cursor, named(cursor, IDENTITIES, AgentIdentity, service.identity_uuid.hex))
    values, _ = load(bodies.PROCESSOR)
    processor = AgentProcessor(
        uuid=AgentProcessor.uuid_of(service.uuid, values["name"]), service_uuid=service.uuid, **values
    )
    status = 201 if register(processor) else 200
    return row_response(PROCESSORS, AGENT_PROCESSOR, "AgentProcessor", processor.uuid, visible(), status)
