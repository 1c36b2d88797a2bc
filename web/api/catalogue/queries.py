"""The filters and orders of the catalogue's lists: their names on the wire, and what they restrict inside."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, post_load

from web.wire.filters import containing
from web.wire.parameters import (
    AnyFilter,
    BooleanFilter,
    ChoicesFilter,
    MomentFilter,
    Ordering,
    TextFilter,
    UuidFilter,
)
from web.wire.responses.catalogue import OFFERING_STATES, RESOURCE_STATES


class CatalogueQuery(Schema):
    """The filters that all of these lists have."""

    class Meta:
        unknown = EXCLUDE

    created = MomentFilter(attribute="created_from")
    created_before = MomentFilter(attribute="created_until")
    modified = MomentFilter(attribute="modified_from")
    modified_before = MomentFilter(attribute="modified_until")

    STATES: ClassVar[Mapping[str, int]] = {}

    @post_load
    def restrictions(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return the restrictions: states as numbers, parts of names as patterns, one offering by itself."""
        if "states" in data:
            data["states"] = [int(self.STATES[word]) for word in data["states"]]
        for name in ("name_part", "project_name_part"):
            if part := data.get(name):
                data[name] = containing(part)
        if len(data.get("offering_uuids", ())) == 1:
            [data["offering_uuid"]] = data.pop("offering_uuids")
        return data


class OfferingQuery(CatalogueQuery):
    STATES = OFFERING_STATES

    customer_uuid = UuidFilter()
    category_uuid = UuidFilter()
    project_uuid = UuidFilter()
    parent_uuid = UuidFilter()
    state = ChoicesFilter(tuple(OFFERING_STATES), attribute="states")
    type = AnyFilter(TextFilter(), attribute="offering_types")
    name = TextFilter(attribute="name_part")
    name_exact = TextFilter()
    o = Ordering({name: name for name in ("created", "name", "state", "type")})


class ServiceProviderQuery(CatalogueQuery):
    customer_uuid = UuidFilter()
    o = Ordering({"customer_name": "customer_name"})


class ResourceQuery(CatalogueQuery):
    """`customer_uuid` is the consumer, `provider_uuid` the customer of the offering."""

    STATES = RESOURCE_STATES

    offering_uuid = AnyFilter(UuidFilter(), attribute="offering_uuids")
    project_uuid = UuidFilter()
    customer_uuid = UuidFilter()
    provider_uuid = UuidFilter()
    plan_uuid = UuidFilter()
    category_uuid = UuidFilter()
    parent_offering_uuid = UuidFilter()
    offering_type = TextFilter()
    state = ChoicesFilter(tuple(RESOURCE_STATES), attribute="states")
    name = TextFilter(attribute="name_part")
    name_exact = TextFilter()
    project_name = TextFilter(attribute="project_name_part")
    slug = TextFilter()
    backend_id = TextFilter()
    usage_based = BooleanFilter(attribute="is_usage_based")
    limit_based = BooleanFilter(attribute="is_limit_based")
    o = Ordering(
        {
            name: name
            for name in (
                *("backend_id", "created", "customer_name", "name", "offering_name", "plan_name"),
                *("project_name", "state"),
            )
        }
    )


class OfferingUserQuery(CatalogueQuery):
    offering_uuid = AnyFilter(UuidFilter(), attribute="offering_uuids")
    provider_uuid = UuidFilter()
    parent_offering_uuid = UuidFilter()
    user_uuid = UuidFilter()
    user_username = TextFilter()
    username = TextFilter()
    is_restricted = BooleanFilter()
    o = Ordering({name: name for name in ("created", "modified", "username")})

    @post_load
    def nobody_is_restricted(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data.pop("is_restricted", False):
            data["nothing"] = None
        return data


OFFERING_QUERY, SERVICE_PROVIDER_QUERY, RESOURCE_QUERY, OFFERING_USER_QUERY = (
    OfferingQuery(),
    ServiceProviderQuery(),
    ResourceQuery(),
    OfferingUserQuery(),
)
