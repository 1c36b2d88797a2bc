"""/api/marketplace-stats/: figures over all resources, for staff and support only.

`web/request/authentication.py` turns everybody else away.
"""

from projections.queries.statistics.component_usages import COMPONENT_USAGES
from projections.queries.statistics.missing_usage import MISSING_USAGE
from projections.queries.statistics.project_usages import PROJECT_USAGES
from projections.queries.statistics.usage_trends import USAGE_TRENDS
from web.api.pages import page_of, whole_list_of
from web.request.authentication import STATISTICS
from web.request.pipeline import api
from web.wire.filters import ALL_QUERY, CURRENT_MONTH_QUERY, MISSING_USAGE_QUERY, MONTH_RANGE_QUERY
from web.wire.responses import statistics

blueprint = api("statistics", STATISTICS.removesuffix("/"))
blueprint.add_url_rule(
    "/aggregated_usage_trends/",
    "aggregated_usage_trends",
    whole_list_of(USAGE_TRENDS, ALL_QUERY, statistics.AGGREGATED_USAGE_TREND),
)
blueprint.add_url_rule(
    "/resources_missing_usage/",
    "resources_missing_usage",
    page_of(MISSING_USAGE, MISSING_USAGE_QUERY, statistics.RESOURCE_MISSING_USAGE),
)
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
