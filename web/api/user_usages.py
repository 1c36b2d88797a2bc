"""/api/marketplace-component-user-usages/: reading what single users consumed."""

from projections.queries.user_usages import USAGES
from web.api.audit.history import add_history
from web.api.pages import page_of, row_of
from web.request.audit.history import USER_USAGES
from web.request.pipeline import api
from web.wire.filters import COMPONENT_USER_USAGE_QUERY
from web.wire.responses.audit import COMPONENT_USER_USAGE_VERSION
from web.wire.responses.lists import COMPONENT_USER_USAGE

blueprint = api("user_usages", "/api/marketplace-component-user-usages")
blueprint.add_url_rule("/", "index", page_of(USAGES, COMPONENT_USER_USAGE_QUERY, COMPONENT_USER_USAGE))
blueprint.add_url_rule(
    "/<object_id:uuid>/", "retrieve", row_of(USAGES, COMPONENT_USER_USAGE, "ComponentUserUsage")
)
add_history(blueprint, USER_USAGES, COMPONENT_USER_USAGE_VERSION)
