"""/api/marketplace-service-providers/: customers who provide offerings."""

from projections.queries.catalogue.service_providers import SERVICE_PROVIDERS
from web.api.catalogue.queries import SERVICE_PROVIDER_QUERY
from web.api.pages import page_of, row_of
from web.request.pipeline import api
from web.wire.responses.catalogue import SERVICE_PROVIDER

blueprint = api("service_providers", "/api/marketplace-service-providers")
blueprint.add_url_rule("/", "index", page_of(SERVICE_PROVIDERS, SERVICE_PROVIDER_QUERY, SERVICE_PROVIDER))
blueprint.add_url_rule(
    "/<object_id:uuid>/", "retrieve", row_of(SERVICE_PROVIDERS, SERVICE_PROVIDER, "ServiceProvider")
)
