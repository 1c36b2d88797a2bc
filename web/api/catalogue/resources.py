"""/api/marketplace-provider-resources/ and /api/marketplace-resources/: what usage is reported of.

The first is for those who provide resources, the second for everybody who sees their usage.
"""

from projections.queries.catalogue.resources import PROVIDED, RESOURCES
from web.api.catalogue.queries import RESOURCE_QUERY
from web.api.pages import page_of, row_of
from web.request.pipeline import api
from web.wire.responses.catalogue import RESOURCE

PROVIDER_PATH, CONSUMER_PATH = "/api/marketplace-provider-resources/", "/api/marketplace-resources/"

blueprint = api("resources")
blueprint.add_url_rule(PROVIDER_PATH, "index", page_of(PROVIDED, RESOURCE_QUERY, RESOURCE))
blueprint.add_url_rule(
    f"{PROVIDER_PATH}<object_id:uuid>/", "retrieve_provided", row_of(PROVIDED, RESOURCE, "Resource")
)
blueprint.add_url_rule(
    f"{CONSUMER_PATH}<object_id:uuid>/", "retrieve", row_of(RESOURCES, RESOURCE, "Resource")
)
