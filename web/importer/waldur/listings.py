"""Waldur's lists that are read: which function of its client asks for them, for which fields, in which order.

Only fields that are read are asked for: that spares Waldur work, and people their names and addresses.
Lists are ordered by what stays, so that no page is shifted while it is read; Waldur breaks ties by age.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple


class Listing(NamedTuple):
    """A list of Waldur. `module` is below `waldur_api_client.api`; the enums are the client's, by name."""

    module: str
    field_enum: str | None = None
    fields: tuple[str, ...] = ()
    order: Any = None
    order_enum: str | None = None
    filters: Mapping[str, Any] = {}
    is_needed: bool = False
    """Whether nothing can be imported without it."""

    @property
    def path(self) -> str:
        """Return the path of the list, as people know it."""
        return f"/api/{self.module.split('.')[0].replace('_', '-')}/"

    def parameters(self, module: ModuleType) -> dict[str, Any]:
        """Return the arguments of the client's function that say what is asked for."""
        given: dict[str, Any] = dict(self.filters)
        if self.field_enum:
            given["field"] = [getattr(module, self.field_enum)(name) for name in self.fields]
        if self.order:
            given["o"] = [getattr(module, self.order_enum)(self.order)] if self.order_enum else self.order
        return given

    def unread(self, module: ModuleType) -> list[str]:
        """Return the fields that the client knows of, and nobody asks for."""
        known = [each.value for each in getattr(module, self.field_enum)] if self.field_enum else []
        return [name for name in known if name not in self.fields]


LISTINGS: dict[str, Listing] = {
    "users": Listing(
        "users.users_list",
        "UserFieldEnum",
        ("uuid", "username", "is_staff", "is_support", "is_active"),
        "username",
        "MarketplaceServiceProviderUserOEnum",
    ),
    "customers": Listing(
        "customers.customers_list", "CustomerFieldEnum", ("uuid", "name", "abbreviation"), "name"
    ),
    "projects": Listing(
        "projects.projects_list",
        "ProjectFieldEnum",
        ("uuid", "name", "customer_uuid", "customer_name", "is_removed"),
        "created",
        "MarketplaceProviderCustomerProjectOEnum",
        {"include_terminated": True},
    ),
    "categories": Listing(
        "marketplace_categories.marketplace_categories_list",
        "MarketplaceCategoryFieldEnum",
        ("uuid", "title"),
        "title",
    ),
    "service_providers": Listing(
        "marketplace_service_providers.marketplace_service_providers_list",
        "ServiceProviderFieldEnum",
        ("uuid", "customer_uuid", "customer_name"),
        "customer_name",
        "CallManagingOrganisationOEnum",
    ),
    "offerings": Listing(
        "marketplace_provider_offerings.marketplace_provider_offerings_list",
        "ProviderOfferingDetailsFieldEnum",
        (
            *("uuid", "name", "type", "state", "customer_uuid", "customer_name", "category_uuid"),
            *("category_title", "project_uuid", "parent_uuid", "plugin_options", "components", "plans"),
        ),
        "created",
        "ProviderOfferingDetailsOEnum",
        is_needed=True,
    ),
    "resources": Listing(
        "marketplace_provider_resources.marketplace_provider_resources_list",
        "ResourceFieldEnum",
        (
            *("uuid", "name", "slug", "backend_id", "state", "created", "limits", "attributes"),
            *("backend_metadata", "offering_uuid", "plan_uuid", "plan_name", "project_uuid", "project_name"),
            *("customer_uuid", "customer_name"),
        ),
        "created",
        "ResourceOEnum",
        is_needed=True,
    ),
    "offering_users": Listing(
        "marketplace_offering_users.marketplace_offering_users_list",
        "OfferingUserFieldEnum",
        ("uuid", "offering_uuid", "user_uuid", "user_username", "username"),
        "created",
        "OfferingUserOEnum",
    ),
    "user_roles": Listing(
        "user_permissions.user_permissions_list",
        order="created",
        order_enum="OfferingPermissionOEnum",
        filters={"show_inactive": True},
    ),
    "component_user_usage_limits": Listing("component_user_usage_limits.component_user_usage_limits_list"),
    "component_usages": Listing(
        "marketplace_component_usages.marketplace_component_usages_list",
        "ComponentUsageFieldEnum",
        (
            *("uuid", "created", "description", "type", "usage", "date", "missing_usage_policy", "recurring"),
            *("resource_uuid", "billing_period"),
        ),
        "billing_period",
        "ComponentUsageOEnum",
        is_needed=True,
    ),
    "component_user_usages": Listing(
        "marketplace_component_user_usages.marketplace_component_user_usages_list",
        "ComponentUserUsageFieldEnum",
        ("uuid", "user", "username", "component_usage", "usage", "created"),
        "component_usage__billing_period",
        "ComponentUserUsageOEnum",
        is_needed=True,
    ),
}
"""By the names of the structure format's lists."""

ME = "users.users_me_retrieve"
PLAN_PERIODS = "marketplace_provider_resources.marketplace_provider_resources_plan_periods_list"
