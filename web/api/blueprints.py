"""All endpoints: the blueprint of each module that has some."""

from web.api import (
    bulk_reports,
    component_usages,
    health,
    monthly_summaries,
    project_usages,
    root,
    user_usage_limits,
    user_usages,
)
from web.api.agents import about, identities
from web.api.agents import services as agent_services
from web.api.audit import diff, events, unexplained, verifications
from web.api.billing import completeness, corrections, manifests, months
from web.api.catalogue import (
    offering_users,
    plan_periods,
    provider_offerings,
    resources,
    service_providers,
)
from web.api.exports import focus
from web.api.figures import scopes
from web.api.figures import usages as figures
from web.api.proof import checkpoints, proofs, tiles
from web.api.statistics import offerings, usage

BLUEPRINTS = (
    health.blueprint,
    component_usages.blueprint,
    user_usages.blueprint,
    monthly_summaries.blueprint,
    project_usages.blueprint,
    bulk_reports.blueprint,
    events.blueprint,
    verifications.blueprint,
    diff.blueprint,
    unexplained.blueprint,
    scopes.blueprint,
    figures.blueprint,
    months.blueprint,
    corrections.blueprint,
    manifests.blueprint,
    completeness.blueprint,
    focus.blueprint,
    checkpoints.blueprint,
    tiles.blueprint,
    proofs.blueprint,
    usage.blueprint,
    offerings.blueprint,
    provider_offerings.blueprint,
    service_providers.blueprint,
    resources.blueprint,
    plan_periods.blueprint,
    offering_users.blueprint,
    about.blueprint,
    identities.blueprint,
    agent_services.blueprint,
    user_usage_limits.blueprint,
    root.blueprint,
)
