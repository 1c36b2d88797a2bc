"""Who asks, and what they may see and report: the rules of roles."""

from functools import cached_property
from typing import Literal
from uuid import UUID

from msgspec import Struct

from ledger.domain.catalogue import ScopeType

SET_USAGE, RESOURCE_LIST, PROJECT_LIST = "RESOURCE.SET_USAGE", "RESOURCE.LIST", "PROJECT.LIST"
READ_FACTS = "LEDGER.READ_FACTS"
SET_USER_LIMIT, GET_STATISTICS = "RESOURCE.CONSUMPTION_LIMITATION", "SERVICE_PROVIDER.GET_STATISTICS"
ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    "CUSTOMER.OWNER": frozenset({SET_USAGE, SET_USER_LIMIT, RESOURCE_LIST, PROJECT_LIST, GET_STATISTICS}),
    "CUSTOMER.SUPPORT": frozenset(),
    "CUSTOMER.MANAGER": frozenset({SET_USAGE, SET_USER_LIMIT, GET_STATISTICS}),
    "OFFERING.MANAGER": frozenset({SET_USAGE}),
    "PROJECT.ADMIN": frozenset({RESOURCE_LIST, PROJECT_LIST}),
    "PROJECT.MANAGER": frozenset({RESOURCE_LIST, PROJECT_LIST}),
    "PROJECT.MEMBER": frozenset({RESOURCE_LIST, PROJECT_LIST}),
    "AUDITOR": frozenset({READ_FACTS, RESOURCE_LIST, PROJECT_LIST, GET_STATISTICS}),
}
"""What roles permit, after Waldur's defaults; AUDITOR is ours. Usages are seen with any role, here or not."""

ROLE_SCOPES: dict[str, tuple[ScopeType, ...]] = {
    "CUSTOMER.OWNER": ("customer",),
    "CUSTOMER.SUPPORT": ("customer",),
    "CUSTOMER.MANAGER": ("customer", "service_provider"),
    "OFFERING.MANAGER": ("offering",),
    "PROJECT.ADMIN": ("project",),
    "PROJECT.MANAGER": ("project",),
    "PROJECT.MEMBER": ("project",),
    "AUDITOR": ("customer",),
}
"""What roles are meant to be held on. An import takes any role on anything, as sites have their own."""


TokenUses = Literal["all", "read", "report"]
"""What a token is for: whatever its user may do, or only one part of that."""


class HeldRole(Struct, frozen=True, array_like=True):
    """An active role, as the caller of a request holds it."""

    role_name: str
    scope_type: ScopeType
    scope_uuid: UUID
    provider_uuid: UUID | None = None
    """The customer behind a service provider, None for other scopes."""

    def permits(self, permission: str) -> bool:
        return permission in ROLE_PERMISSIONS.get(self.role_name, ())


class Caller(Struct, frozen=True, kw_only=True, dict=True):
    """Who asks: an active user with their active roles. What follows from them is found once."""

    user_uuid: UUID
    is_staff: bool
    is_support: bool
    roles: tuple[HeldRole, ...] = ()

    @property
    def sees_all(self) -> bool:
        return self.is_staff or self.is_support

    def scopes(self, scope_type: ScopeType, permission: str | None = None) -> list[UUID]:
        """Return the scopes on which the caller holds a role, with this permission if one is named."""
        return [
            role.scope_uuid
            for role in self.roles
            if role.scope_type == scope_type and (permission is None or role.permits(permission))
        ]

    @property
    def providers(self) -> list[UUID]:
        """Return customers whose provider side the caller sees, by a role there or on a ServiceProvider."""
        return [
            *self.scopes("customer"),
            *(role.provider_uuid for role in self.roles if role.provider_uuid is not None),
        ]

    def may_report(self, offering_uuid: UUID, provider_uuid: UUID) -> bool:
        """Return whether the caller is staff, or has a permitting role on the offering or its provider."""
        return self.is_staff or offering_uuid in self._own_offerings or provider_uuid in self._own_providers

    def may_limit_users(self, project_uuid: UUID, customer_uuid: UUID, provider_uuid: UUID) -> bool:
        """Return whether the caller is staff, or has a permitting role on either side of a resource."""
        return (
            self.is_staff
            or project_uuid in self.scopes("project", SET_USER_LIMIT)
            or customer_uuid in self.scopes("customer", SET_USER_LIMIT)
            or provider_uuid in self.providers_with(SET_USER_LIMIT)
        )

    @property
    def reports_somewhere(self) -> bool:
        """Return whether there is anything at all that the caller may report."""
        return self.is_staff or bool(self._own_offerings or self._own_providers)

    def may_see_statistics(self, provider_uuid: UUID) -> bool:
        """Return whether the caller sees all, or has a permitting role on the provider."""
        return self.sees_all or provider_uuid in self.providers_with(GET_STATISTICS)

    def is_provider_of(self, offering_uuid: UUID, provider_uuid: UUID) -> bool:
        """Return whether the caller has any role on the offering or its provider."""
        return provider_uuid in self.providers or offering_uuid in self.scopes("offering")

    def only_at(self, offering_uuid: UUID, provider_uuid: UUID) -> "Caller":
        """Return the caller with nothing but what they may do about an offering of this provider."""
        roles: tuple[HeldRole, ...] = ()
        if self.may_report(offering_uuid, provider_uuid):
            roles = (HeldRole("OFFERING.MANAGER", "offering", offering_uuid),)
        elif self.sees_all or self.is_provider_of(offering_uuid, provider_uuid):
            roles = (HeldRole("", "offering", offering_uuid),)  # which permits nothing, and shows it
        return Caller(user_uuid=self.user_uuid, is_staff=False, is_support=False, roles=roles)

    @cached_property
    def _own_offerings(self) -> set[UUID]:
        return set(self.scopes("offering", SET_USAGE))

    @cached_property
    def _own_providers(self) -> set[UUID | None]:
        return self.providers_with(SET_USAGE)

    def providers_with(self, permission: str) -> set[UUID | None]:
        """Return the customers on whose provider side the caller holds a permitting role."""
        return {
            role.scope_uuid if role.scope_type == "customer" else role.provider_uuid
            for role in self.roles
            if role.scope_type in ("customer", "service_provider") and role.permits(permission)
        }
