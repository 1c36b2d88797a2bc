"""Waldur's own client registers an agent, and reads every answer about it."""

from uuid import UUID

import pytest
from waldur_api_client import AuthenticatedClient
from waldur_api_client.api.marketplace_site_agent_identities import (
    marketplace_site_agent_identities_count as count_identities,
)
from waldur_api_client.api.marketplace_site_agent_identities import (
    marketplace_site_agent_identities_create as create,
)
from waldur_api_client.api.marketplace_site_agent_identities import (
    marketplace_site_agent_identities_list as list_identities,
)
from waldur_api_client.api.marketplace_site_agent_identities import (
    marketplace_site_agent_identities_register_service as register_service,
)
from waldur_api_client.api.marketplace_site_agent_identities import (
    marketplace_site_agent_identities_retrieve as retrieve,
)
from waldur_api_client.api.marketplace_site_agent_identities import (
    marketplace_site_agent_identities_update as update,
)
from waldur_api_client.api.marketplace_site_agent_processors import (
    marketplace_site_agent_processors_list as list_processors,
)
from waldur_api_client.api.marketplace_site_agent_services import (
    marketplace_site_agent_services_list as list_services,
)
from waldur_api_client.api.marketplace_site_agent_services import (
    marketplace_site_agent_services_register_processor as register_processor,
)
from waldur_api_client.api.users import users_me_retrieve
from waldur_api_client.api.version import version_retrieve
from waldur_api_client.errors import UnexpectedStatus
from waldur_api_client.models import (
    AgentIdentityRequest,
    AgentProcessorCreateRequest,
    AgentServiceCreateRequest,
    AgentServiceState,
    UserMeFieldEnum,
)
from waldur_api_client.types import UNSET

from tests.agents.registering import IDENTITY, PROCESSOR, SERVICE
from tests.support.clients import client_of
from tests.world import OFFERING, World, uid
from web.request.conditional import VERSION


def test_an_agent_is_registered_and_read_with_every_value(world: World, url: str) -> None:
    with client_of(world, "offering-manager", url) as client:
        body = AgentIdentityRequest.from_dict(IDENTITY)
        made = create.sync(client=client, body=body)
        service = register_service.sync(
            made.uuid, client=client, body=AgentServiceCreateRequest.from_dict(SERVICE)
        )
        processor = register_processor.sync(
            service.uuid, client=client, body=AgentProcessorCreateRequest.from_dict(PROCESSOR)
        )
        again = update.sync(made.uuid, client=client, body=body)
        assert again == retrieve.sync(made.uuid, client=client)
        assert list_identities.sync_all(client=client, name=made.name) == [again]
        assert count_identities.sync(client=client) == 1
        assert (made.offering, made.created_by, made.name) == (UUID(OFFERING), UUID(uid(3)), body.name)
        assert made.to_dict()["dependencies"] == body.to_dict()["dependencies"][::-1]  # by name
        assert (made.last_restarted, made.compatibility.status) == (body.last_restarted, "unknown")
        assert [each.uuid for each in again.services] == [service.uuid]
        [listed] = list_services.sync_all(client=client, identity_uuid=made.uuid)
        assert (listed.identity, listed.state) == (made.uuid, AgentServiceState.ACTIVE)
        assert listed.statistics
        assert listed.statistics.to_dict() == {}
        assert [each.uuid for each in listed.processors] == [processor.uuid]
        assert list_processors.sync_all(client=client, service_uuid=service.uuid) == [processor]
        assert {**service.additional_properties, **again.additional_properties} == {}


def test_the_client_reads_the_version_and_who_it_is(world: World, url: str) -> None:
    with client_of(world, "offering-manager", url) as client:
        assert version_retrieve.sync(client=client).version == VERSION
        me = users_me_retrieve.sync(client=client)
        assert me.permissions
        [role] = me.permissions
        assert (me.username, me.is_staff, me.additional_properties) == ("offering-manager", False, {})
        assert (role.role_name, role.scope_type, role.scope_uuid) == (
            "OFFERING.MANAGER",
            "offering",
            UUID(OFFERING),
        )
        assert role.additional_properties == {}
        only = users_me_retrieve.sync(client=client, field=[UserMeFieldEnum.UUID])
        assert (only.uuid, only.username) == (UUID(uid(3)), UNSET)


def test_the_client_is_told_what_is_wrong_with_a_registration(client: AuthenticatedClient) -> None:
    with pytest.raises(UnexpectedStatus) as refused:
        create.sync(client=client, body=AgentIdentityRequest(offering=UUID(uid(0xDEAD)), name="agent"))
    assert refused.value.status_code == 400
    assert b"does not exist" in refused.value.content
