"""/api/marketplace-offering-users/: people as offerings know them."""

from projections.queries.catalogue.offering_users import OFFERING_USERS
from web.api.catalogue.queries import OFFERING_USER_QUERY
from web.api.pages import page_of, row_of
from web.request.pipeline import api
from web.wire.responses.catalogue import OFFERING_USER

blueprint = api("offering_users", "/api/marketplace-offering-users")
blueprint.add_url_rule("/", "index", page_of(OFFERING_USERS, OFFERING_USER_QUERY, OFFERING_USER))
blueprint.add_url_rule(
    "/<object_id:uuid>/", "retrieve", row_of(OFFERING_USERS, OFFERING_USER, "OfferingUser")
)
