"""The authoritative example of each row of the API and of each fact, whole and in order.

They fit each other and `tests/world.py`: staff reports at `NOW`. Tests say by keyword what is different in
theirs, as in `usage_row(usage="8.00")`; whoever adds a field to a row or a fact adds it here.
"""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from ledger import events
from ledger.domain import agents
from ledger.domain import catalogue as entities
from ledger.domain.billing.manifests import ControlTotals
from ledger.domain.reports import RecordedOutcome, RecordedRefusal
from ledger.proof.notes import Signer
from ledger.proof.rotations import rotation_note
from tests import world as w
from tests.billing.controls import CORRECTION_STEPS

Row = dict[str, Any]

AT_NOW = "2026-11-15T12:00:00+00:00"
USAGE_UUID, USER_USAGE_UUID = w.uid(0x51), w.uid(0x52)
PERSON, COMMITMENT = UUID(int=0x61), "0" * 64


def changed(example: Row, changes: Row) -> Row:
    """Return the example with other values. It has no other keys, and their order stays."""
    assert changes.keys() <= example.keys()
    return example | changes


# --- rows ---

OWNERS = {
    "resource_name": "Resource",
    "resource_uuid": w.RESOURCE,
    "offering_name": "Cluster",
    "offering_uuid": w.OFFERING,
    "project_name": "Project",
    "project_uuid": w.PROJECT,
    "customer_name": "Consumer",
    "customer_uuid": w.CONSUMER,
}


def usage_row(**changes: Any) -> Row:
    """Return a row of the component usages."""
    example = {
        "uuid": USAGE_UUID,
        "created": AT_NOW,
        "description": "",
        "type": "cpu",
        "name": "CPU",
        "measured_unit": "hours",
        "usage": "12.50",
        "date": AT_NOW,
        "missing_usage_policy": "none",
        "recurring": False,
        **OWNERS,
        "billing_period": "2026-11-01",
        "modified_by": 1,
    }
    return changed(example, changes)


def user_usage_row(**changes: Any) -> Row:
    """Return a row of the user usages."""
    example = {
        "uuid": USER_USAGE_UUID,
        "user": None,
        "username": "ann",
        "component_usage": f"http://localhost{w.USAGES}{USAGE_UUID}/",
        "usage": "2.50",
        "measured_unit": "hours",
        "description": "",
        "created": AT_NOW,
        "modified": AT_NOW,
        "backend_id": "",
        **OWNERS,
        "component_type": "cpu",
        "date": AT_NOW,
        "billing_period": "2026-11-01",
    }
    return changed(example, changes)


def monthly_row(**changes: Any) -> Row:
    """Return a row of the monthly summary."""
    example = {
        "offering_uuid": w.OFFERING,
        "offering_name": "Cluster",
        "offering_type": "Marketplace.Slurm",
        "service_provider_uuid": w.PROVIDER,
        "service_provider_name": "Provider",
        "category_uuid": w.uid(0),
        "category_title": "",
        "component_type": "cpu",
        "component_name": "CPU",
        "measured_unit": "hours",
        "billing_type": "usage",
        "limit_amount": None,
        "limit_period": "month",
        "billing_period": "2026-11-01",
        "total_consumed": "12.50",
        "total_allocated": "0.00",
        "usage_percent": None,
    }
    return changed(example, changes)


PERIOD = {
    "current_period_label": "Nov 2026",
    "current_period_start": "2026-11-01",
    "current_period_end": "2026-11-01",
}


def project_usage_row(**changes: Any) -> Row:
    """Return what a project or customer used of one component in its current period."""
    example = {
        "type": "cpu",
        "offering_name": "Cluster",
        "offering_uuid": w.OFFERING,
        "limit": None,
        "name": "CPU",
        "description": "",
        "measured_unit": "hours",
        "billing_type": "usage",
        "limit_period": "month",
        "usage": 12.5,
        "limit_usage": 0.0,
        "usage_terminated": 0.0,
        "limit_usage_terminated": 0.0,
        **PERIOD,
    }
    return changed(example, changes)


def usage_series(**changes: Any) -> Row:
    """Return what a project or customer used of one component month by month."""
    example = {
        "offering_uuid": w.OFFERING,
        "offering_name": "Cluster",
        "type": "cpu",
        "name": "CPU",
        "measured_unit": "hours",
        "billing_type": "usage",
        "limit_period": "month",
        "limit": None,
        **PERIOD,
        "today": "2026-11-15",
        "buckets": [bucket()],
    }
    return changed(example, changes)


def usage_by_project(**changes: Any) -> Row:
    """Return what the projects of a customer used of one component."""
    example = {name: value for name, value in usage_series().items() if name != "buckets"}
    return changed(example | {"total_usage": 12.5, "projects": [project_share()]}, changes)


def bucket(**changes: Any) -> Row:
    """Return a month of a series."""
    return changed({"billing_period": "2026-11-01", "usage": 12.5, "usage_terminated": 0.0}, changes)


def project_share(**changes: Any) -> Row:
    """Return what one of a customer's projects used."""
    example = {
        "project_uuid": w.PROJECT,
        "project_name": "Project",
        "is_removed": False,
        "usage": 12.5,
        "usage_terminated": 0.0,
        "buckets": [bucket()],
    }
    return changed(example, changes)


def bulk_answer(*results: Row) -> Row:
    """Return what a bulk report is answered, with the counts that follow from its results."""
    counts = dict.fromkeys(("created", "changed", "unchanged", "refused"), 0)
    for each in results:
        if each["result"] in counts:
            counts[each["result"]] += 1
    return {**counts, "results": list(results)}


def bulk_result(**changes: Any) -> Row:
    """Return what the answer to a bulk report says of one item."""
    return changed({"result": "created", "uuid": USAGE_UUID, "position": 1}, changes)


# --- facts ---


REQUESTED = {"token_uuid": None, "agent": "", "request_id": "", "traceparent": ""}
"""The provenance of facts where nobody is known."""


def _of_report(**changes: Any) -> dict[str, Any]:
    example = {
        "originator_id": UUID(int=0x71),
        "originator_version": 1,
        "recorded_at": w.NOW,
        "usage_uuid": UUID(USAGE_UUID),
        "resource_uuid": UUID(w.RESOURCE),
        "component_uuid": UUID(w.CPU),
        "component_type": "cpu",
        "month": date(2026, 11, 1),
        "project_uuid": UUID(w.PROJECT),
        "customer_uuid": UUID(w.CONSUMER),
        "offering_uuid": UUID(w.OFFERING),
        "provider_uuid": UUID(w.PROVIDER),
        "measured_at": w.NOW,
        "written_date": None,
        "reported_by": UUID(w.uid(1)),
        "source": "api",
        **REQUESTED,
    }
    return example | changes


def usage_reported(**changes: Any) -> events.UsageReported:
    """Return the fact of `usage_row`."""
    example = _of_report(
        amount=Decimal("12.50"),
        plan_amount=Decimal("12.50"),
        plan_uuid=UUID(w.BASIC),
        plan_period_uuid=UUID(int=0x72),
        missing_usage_policy="none",
        description="",
        created_at=None,
    )
    return events.UsageReported(**changed(example, changes))


def usage_carried_over(**changes: Any) -> events.UsageCarriedOver:
    """Return the fact of a usage that `carry-over` assumed of the month after `usage_reported`."""
    example = _of_report(
        recorded_at=w.NOW.replace(month=12),
        measured_at=w.NOW.replace(month=12),
        month=date(2026, 12, 1),
        usage_uuid=UUID(int=0x53),
        source="carry-over",
        amount=Decimal("12.50"),
        plan_amount=Decimal("12.50"),
        plan_uuid=UUID(w.BASIC),
        plan_period_uuid=UUID(int=0x72),
        missing_usage_policy="reuse",
        description="",
        created_at=None,
        carried_from=UUID(USAGE_UUID),
    )
    return events.UsageCarriedOver(**changed(example, changes))


def user_usage_reported(**changes: Any) -> events.UserUsageReported:
    """Return the fact of `user_usage_row`."""
    example = _of_report(
        originator_version=2,
        user_usage_uuid=UUID(USER_USAGE_UUID),
        person=PERSON,
        commitment=COMMITMENT,
        amount=Decimal("2.50"),
        offering_user_uuid=None,
        total=None,
        created_at=None,
    )
    return events.UserUsageReported(**changed(example, changes))


def described(entity: entities.Entity, **changes: Any) -> events.Described:
    """Return the fact of an entity's first description."""
    example = {
        "originator_id": entity.stream,
        "originator_version": 1,
        "recorded_at": w.NOW,
        "source": "import",
        "described_by": None,
        **REQUESTED,
        "entity": entity,
    }
    return events.DESCRIPTIONS[type(entity)](**changed(example, changes))


def user_usage_limit_removed(**changes: Any) -> events.UserUsageLimitRemoved:
    """Return the fact that ends the limit of ENTITIES."""
    example = {
        "originator_id": LIMIT.stream,
        "originator_version": 2,
        "recorded_at": w.NOW,
        "source": "api",
        "removed_by": UUID(w.uid(6)),
        **REQUESTED,
        "entity": LIMIT,
    }
    return events.UserUsageLimitRemoved(**changed(example, changes))


def token_issued(**changes: Any) -> events.TokenIssued:
    """Return the fact of a new token."""
    example = {
        "originator_id": UUID(int=0x73),
        "originator_version": 1,
        "recorded_at": w.NOW,
        "token_uuid": UUID(int=0x73),
        "token_hash": "1" * 64,
        "user_uuid": UUID(w.uid(1)),
        "expires_at": w.NOW.replace(year=2027),
    }
    return events.TokenIssued(**changed(example, changes))


def token_revoked(**changes: Any) -> events.TokenRevoked:
    """Return the fact of the end of `token_issued`."""
    example = {
        "originator_id": UUID(int=0x73),
        "originator_version": 2,
        "recorded_at": w.NOW,
        "token_uuid": UUID(int=0x73),
    }
    return events.TokenRevoked(**changed(example, changes))


def person_forgotten(**changes: Any) -> events.PersonForgotten:
    """Return the fact that somebody's name was deleted."""
    example = {
        "originator_id": UUID(int=0x63),
        "originator_version": 1,
        "recorded_at": w.NOW,
        "person": UUID(int=0x63),
        "reason": "Erasure, ticket 12",
        "forgotten_by": UUID(w.uid(1)),
        "source": "command-line",
    }
    return events.PersonForgotten(**changed(example, changes))


def read_models_verified(**changes: Any) -> events.ReadModelsVerified:
    """Return the fact that the read models were found to follow from the journal."""
    example = {
        "originator_id": UUID(int=0x64),
        "originator_version": 1,
        "recorded_at": w.NOW,
        "to": 48,
        "facts": 48,
        "differences": 0,
    }
    return events.ReadModelsVerified(**changed(example, changes))


def manifest_sent(**changes: Any) -> events.ManifestSent:
    """Return the fact that a manifest was sent, and did not match what stood."""
    example = {
        "originator_id": UUID(int=0x65),
        "originator_version": 1,
        "recorded_at": w.NOW,
        **REQUESTED,
        "offering_uuid": UUID(w.OFFERING),
        "provider_uuid": UUID(w.PROVIDER),
        "month": date(2026, 10, 1),
        "stated": ControlTotals(reports=2, resources=1, totals={"cpu": Decimal("5.00")}),
        "compared_at": 48,
        "standing": ControlTotals(reports=1, resources=1, totals={"cpu": Decimal("5.00")}),
        "carried_over": 1,
        "note": "All agents have reported",
        "sent_by": UUID(w.uid(1)),
    }
    return events.ManifestSent(**changed(example, changes))


def signing_key_rotated(**changes: Any) -> events.SigningKeyRotated:
    """Return the fact that a signing key was replaced, by its own word."""
    old, new = (Signer.of("usage-ledger/00", bytes([number]) * 32) for number in (1, 2))
    example = {
        "originator_id": events.SigningKeyRotated.STREAM,
        "originator_version": 1,
        "recorded_at": w.NOW,
        "verifier_key": new.verifier_key,
        "replaced": old.verifier_key,
        "note": rotation_note(old, new.verifier),
    }
    return events.SigningKeyRotated(**changed(example, changes))


def request_decided(**changes: Any) -> events.RequestDecided:
    """Return the fact of a request with an idempotency key, of whose reports one was stored."""
    outcome = RecordedOutcome(result="created", uuid=UUID(USAGE_UUID), position=1)
    refusal = RecordedRefusal("NotReportable", ("fee",))
    example = {
        "originator_id": UUID(int=0x74),
        "originator_version": 1,
        "recorded_at": w.NOW,
        **REQUESTED,
        "user_uuid": UUID(w.uid(1)),
        "fingerprint": "2" * 64,
        "form": "bulk",
        "outcomes": (outcome, RecordedOutcome(result="refused", refusal=refusal)),
    }
    return events.RequestDecided(**changed(example, changes))


def request_answered(**changes: Any) -> events.RequestAnswered:
    """Return the fact that `request_decided` replaces, as older journals hold it."""
    example = {
        "originator_id": UUID(int=0x74),
        "originator_version": 1,
        "recorded_at": w.NOW,
        "user_uuid": UUID(w.uid(1)),
        "fingerprint": "2" * 64,
        "status": 201,
        "body": "",
    }
    return events.RequestAnswered(**changed(example, changes))


# --- entities of the catalogue ---

LIMIT = entities.UserUsageLimit(
    uuid=UUID(int=0x76),
    resource_uuid=UUID(w.RESOURCE),
    component_uuid=UUID(w.CPU),
    offering_user_uuid=UUID(w.OFFERING_USER),
    limit=Decimal(20),
)

ENTITIES = (
    entities.Customer(uuid=UUID(w.CONSUMER), name="Consumer", abbreviation="C"),
    entities.Project(uuid=UUID(w.PROJECT), name="Project", customer_uuid=UUID(w.CONSUMER)),
    entities.Category(uuid=UUID(w.CATEGORY), title="HPC"),
    entities.ServiceProvider(uuid=UUID(w.SERVICE_PROVIDER), customer_uuid=UUID(w.PROVIDER)),
    entities.Offering(
        uuid=UUID(w.OFFERING),
        name="Cluster",
        offering_type="Marketplace.Slurm",
        customer_uuid=UUID(w.PROVIDER),
        category_uuid=UUID(w.CATEGORY),
        plugin_options={"homedir_prefix": "/home/"},
    ),
    entities.Component(
        uuid=UUID(w.CPU),
        offering_uuid=UUID(w.OFFERING),
        component_type="cpu",
        name="CPU",
        description="Core hours",
        measured_unit="hours",
        limit_amount=Decimal("1000.75"),
        unit_factor=Decimal(60),
    ),
    entities.Plan(uuid=UUID(w.BASIC), name="Basic", offering_uuid=UUID(w.OFFERING), billing_mode="usage"),
    entities.PlanComponent(
        plan_uuid=UUID(w.BASIC), component_uuid=UUID(w.CPU), price=Decimal("0.05"), amount=Decimal(100)
    ),
    entities.Resource(
        uuid=UUID(w.RESOURCE),
        name="Resource",
        offering_uuid=UUID(w.OFFERING),
        project_uuid=UUID(w.PROJECT),
        plan_uuid=UUID(w.BASIC),
        limits={"cpu": Decimal(100), "gpu": None},
        created=w.NOW.replace(month=1),
        attributes={"nodes": [1, 2]},
    ),
    entities.PlanPeriod(
        uuid=UUID(int=0x72),
        resource_uuid=UUID(w.RESOURCE),
        plan_uuid=UUID(w.BASIC),
        start=w.NOW.replace(month=1),
    ),
    entities.User(uuid=UUID(w.uid(1)), person=UUID(int=0x62), commitment=COMMITMENT, is_staff=True),
    entities.OfferingUser(
        uuid=UUID(w.OFFERING_USER), offering_uuid=UUID(w.OFFERING), person=PERSON, commitment=COMMITMENT
    ),
    entities.Role(
        uuid=UUID(int=0x75),
        user_uuid=UUID(w.uid(6)),
        role_name="CUSTOMER.OWNER",
        scope_type="customer",
        scope_uuid=UUID(w.CONSUMER),
    ),
    entities.BillingMonth(
        offering_uuid=UUID(w.OFFERING), month=date(2026, 10, 1), is_closed=True, note="Audited"
    ),
    LIMIT,
    agents.AgentIdentity(
        uuid=UUID(int=0x77),
        offering_uuid=UUID(w.OFFERING),
        name="agent",
        version="1.0.7",
        dependencies=(agents.AgentDependency("waldur-api-client", "8.1.2"),),
        last_restarted=w.NOW,
        created_by=UUID(w.uid(3)),
    ),
    agents.AgentService(uuid=UUID(int=0x78), identity_uuid=UUID(int=0x77), name="report", mode="report"),
    agents.AgentProcessor(
        uuid=UUID(int=0x79), service_uuid=UUID(int=0x78), name="OfferingReportProcessor", backend_type="slurm"
    ),
)
"""An entity of each kind."""

FACTS = (
    usage_reported(),
    usage_carried_over(),
    user_usage_reported(),
    *map(described, ENTITIES),
    user_usage_limit_removed(),
    token_issued(),
    token_revoked(),
    person_forgotten(),
    read_models_verified(),
    manifest_sent(),
    *CORRECTION_STEPS,
    signing_key_rotated(),
    request_decided(),
    request_answered(),
)
"""A fact of each kind."""
