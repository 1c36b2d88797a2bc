"""What the answer to a GET depends on, by its route: all facts, the catalogue, or usage within bounds.

A route that is not listed here depends on the whole journal, which is always right: any fact changes its
ETag. Bounds are what the caller may see, and those filters that narrow it in a way that nobody can mistake.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from werkzeug.datastructures import MultiDict

from ledger.domain.access import Caller
from projections.fast.scopes import Bound, Bounds, Kind
from web.wire.fields import uuid_of

OF_CATALOGUE = Bounds()
"""Of an answer that no report changes."""


class Narrowing(NamedTuple):
    """How usage is narrowed: by which parameters to scopes of which kinds, and by the uuid in the path."""

    filters: Mapping[str, tuple[Kind, ...]] = {}
    of_path: tuple[Kind, ...] = ()


OF_A_RESOURCE: tuple[Kind, ...] = ("project of", "offering of")
BY_OWNER: dict[str, tuple[Kind, ...]] = {"project_uuid": ("project",), "customer_uuid": ("customer",)}
BY_RESOURCE = BY_OWNER | {"resource_uuid": OF_A_RESOURCE}
BY_OFFERING: dict[str, tuple[Kind, ...]] = BY_RESOURCE | {"offering_uuid": ("offering",)}
BY_PROVIDER: dict[str, tuple[Kind, ...]] = BY_OWNER | {"provider_uuid": ("provider",)}

OF_PROJECT, OF_CUSTOMER = (
    f"/api/marketplace-{kind}-usage/<object_id:uuid>/" for kind in ("project", "customer")
)

# Sums by component stay with the offering that a resource was of then, so that the filters of offerings and
# providers do not narrow those to what they touch. Nor do filters that may come more than once.
NARROWED: dict[str, Narrowing] = {
    "/api/marketplace-component-usages/": Narrowing(BY_OFFERING),
    "/api/marketplace-component-usages/<object_id:uuid>/": Narrowing(),
    "/api/marketplace-component-user-usages/": Narrowing(BY_OFFERING),
    "/api/marketplace-component-user-usages/<object_id:uuid>/": Narrowing(),
    "/api/ledger/monthly-usages/": Narrowing(BY_RESOURCE),
    "/api/ledger/movers/": Narrowing(BY_RESOURCE),
    "/api/ledger/freshness/": Narrowing(),
    "/api/marketplace-provider-resources/": Narrowing(BY_PROVIDER),
    "/api/marketplace-provider-resources/<object_id:uuid>/": Narrowing(of_path=OF_A_RESOURCE),
    "/api/marketplace-resources/<object_id:uuid>/": Narrowing(of_path=OF_A_RESOURCE),
    f"{OF_PROJECT}components-usage/": Narrowing(of_path=("project",)),
    f"{OF_PROJECT}components-usage-timeseries/": Narrowing(of_path=("project",)),
    f"{OF_CUSTOMER}components-usage/": Narrowing(of_path=("customer",)),
    f"{OF_CUSTOMER}components-usage-timeseries/": Narrowing(of_path=("customer",)),
    f"{OF_CUSTOMER}components-usage-by-project/": Narrowing(of_path=("customer",)),
}
"""Routes of answers about usage that the caller may see, each with what else narrows it."""

CATALOGUE = {
    *("/api/ledger/projects/", "/api/ledger/projects/<object_id:uuid>/"),
    *("/api/ledger/customers/", "/api/ledger/customers/<object_id:uuid>/"),
    *("/api/ledger/offerings/", "/api/ledger/offerings/<object_id:uuid>/"),
    *("/api/marketplace-provider-offerings/", "/api/marketplace-provider-offerings/<object_id:uuid>/"),
    *("/api/marketplace-service-providers/", "/api/marketplace-service-providers/<object_id:uuid>/"),
    *("/api/marketplace-offering-users/", "/api/marketplace-offering-users/<object_id:uuid>/"),
    *("/api/marketplace-site-agent-identities/", "/api/marketplace-site-agent-identities/<object_id:uuid>/"),
    *("/api/marketplace-site-agent-services/", "/api/marketplace-site-agent-services/<object_id:uuid>/"),
    *("/api/marketplace-site-agent-processors/", "/api/marketplace-site-agent-processors/<object_id:uuid>/"),
    *("/api/component-user-usage-limits/", "/api/component-user-usage-limits/<object_id:uuid>/"),
    "/api/users/me/",
}
"""Routes of answers that show no usage, and no sum of it."""


def bounds_of(
    route: str, in_path: Mapping[str, str], query: MultiDict[str, str], caller: Caller
) -> Bounds | None:
    """Return within which bounds facts can change an answer; None: any fact of the journal can."""
    if route in CATALOGUE:
        return OF_CATALOGUE
    if (narrowing := NARROWED.get(route)) is None:
        return None
    asked: list[tuple[Kind, UUID]] = []
    if wanted := uuid_of(in_path.get("uuid")):
        asked += [(kind, wanted) for kind in narrowing.of_path]
    for name, kinds in narrowing.filters.items():
        # Of a filter that comes twice, or is none, it is for the view to say what is done with it.
        values = query.getlist(name)
        if len(values) == 1 and (wanted := uuid_of(values[0])):
            asked += [(kind, wanted) for kind in kinds]
    bounds = Bounds(_seen_by(caller), tuple((each,) for each in asked))
    return None if bounds == OF_CATALOGUE else bounds


def _seen_by(caller: Caller) -> Bound | None:
    """Return what the caller sees usage of, None if that is all."""
    if caller.sees_all:
        return None
    scopes: tuple[tuple[Kind, Iterable[UUID]], ...] = (
        ("customer", caller.scopes("customer")),
        ("provider", caller.providers),
        ("project", caller.scopes("project")),
        ("offering", caller.scopes("offering")),
    )
    return tuple((kind, uuid) for kind, uuids in scopes for uuid in sorted(set(uuids)))
