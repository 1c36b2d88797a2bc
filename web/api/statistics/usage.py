"""/api/marketplace-stats/: figures over all resources, for staff and support only.

`web/request/authentication.py` turns everybody else away.
"""

from projections.queries.statistics.component_usages import COMPONENT_USAGES
from projections.queries.statistics.project_usages import PROJECT_USAGES
from web.api.pages import whole_list_of
from web.request.authentication import STATISTICS
from web.request.pipeline import api
from web.wire.filters import CURRENT_MONTH_QUERY, MONTH_RANGE_QUERY
from web.wire.responses import statistics

blueprint = api("statistics", STATISTICS.removesuffix("/"))
blueprint.add_url_rule(
    "/component_usages/",
    "component_usages",
    whole_list_of(COMPONENT_USAGES, CURRENT_MONTH_QUERY, statistics.COMPONENT_USAGES),
)
blueprint.add_url_rule(
    "/component_usages_per_month/",
    "component_usages_per_month",
    whole_list_of(COMPONENT_USAGES, MONTH_RANGE_QUERY, statistics.COMPONENT_USAGES_PER_MONTH),
)
blueprint.add_url_rule(
    "/component_usages_per_project/",
    "component_usages_per_project",
    whole_list_of(PROJECT_USAGES, CURRENT_MONTH_QUERY, statistics.COMPONENT_USAGES_PER_PROJECT),
)
