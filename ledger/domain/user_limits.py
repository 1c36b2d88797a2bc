"""What a user's limit is decided on, and the rules that it has to keep."""

from uuid import UUID

from msgspec import Struct

from ledger.domain.access import Caller
from ledger.errors import ComponentOfOtherOffering, LimitExists, NotInProject, NotPermitted


class LimitContext(Struct, frozen=True, kw_only=True):
    """The surroundings of a limit: those of its resource, component and offering user.

    `others` are other limits for the same three. `is_member`: does the person behind the offering user have
    an active role on the project itself?
    """

    project_uuid: UUID
    customer_uuid: UUID
    offering_uuid: UUID
    provider_uuid: UUID
    component_offering_uuid: UUID
    is_member: bool
    others: tuple[UUID, ...] = ()

    def check_right(self, caller: Caller) -> None:
        """Raise NotPermitted if the caller may not limit users of the resource."""
        if not caller.may_limit_users(self.project_uuid, self.customer_uuid, self.provider_uuid):
            raise NotPermitted

    def check_rules(self) -> None:
        """Raise the Refusal of the first rule that the limit breaks."""
        if self.others:
            raise LimitExists
        if not self.is_member:
            raise NotInProject
        if self.component_offering_uuid != self.offering_uuid:
            raise ComponentOfOtherOffering
