"""/api/marketplace-provider-offerings/: offerings with their components, for those who provide them."""

from projections.queries.catalogue.offerings import OFFERINGS
from web.api.catalogue.queries import OFFERING_QUERY
from web.api.pages import page_of, row_of
from web.request.pipeline import api
from web.wire.responses.catalogue import OFFERING, USER_ATTRIBUTE_CONFIG

blueprint = api("provider_offerings", "/api/marketplace-provider-offerings")
blueprint.add_url_rule("/", "index", page_of(OFFERINGS, OFFERING_QUERY, OFFERING))
blueprint.add_url_rule("/<object_id:uuid>/", "retrieve", row_of(OFFERINGS, OFFERING, "Offering"))
blueprint.add_url_rule(
    "/<object_id:uuid>/user-attribute-config/",
    "user_attribute_config",
    row_of(OFFERINGS, USER_ATTRIBUTE_CONFIG, "Offering"),
)
