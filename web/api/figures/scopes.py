"""/api/ledger/projects/, customers/ and offerings/: what the caller sees usage of."""

from projections.queries.figures.scopes import CUSTOMERS, OFFERINGS, PROJECTS
from web.api.pages import page_of, row_of
from web.request.pipeline import api
from web.wire.figures.filters import CUSTOMERS_QUERY, OFFERINGS_QUERY, PROJECTS_QUERY
from web.wire.responses.figures import CUSTOMER_SEEN, OFFERING_SEEN, PROJECT_SEEN

blueprint = api("ledger_scopes", "/api/ledger")
blueprint.add_url_rule("/projects/", "projects", page_of(PROJECTS, PROJECTS_QUERY, PROJECT_SEEN))
blueprint.add_url_rule("/projects/<object_id:uuid>/", "project", row_of(PROJECTS, PROJECT_SEEN, "Project"))
blueprint.add_url_rule("/customers/", "customers", page_of(CUSTOMERS, CUSTOMERS_QUERY, CUSTOMER_SEEN))
blueprint.add_url_rule(
    "/customers/<object_id:uuid>/", "customer", row_of(CUSTOMERS, CUSTOMER_SEEN, "Customer")
)
blueprint.add_url_rule("/offerings/", "offerings", page_of(OFFERINGS, OFFERINGS_QUERY, OFFERING_SEEN))
blueprint.add_url_rule(
    "/offerings/<object_id:uuid>/", "offering", row_of(OFFERINGS, OFFERING_SEEN, "Offering")
)
