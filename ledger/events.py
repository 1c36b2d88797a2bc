"""The permanent vocabulary: every kind of fact the journal may hold.

A stored fact is read for as long as the ledger exists, so this file changes only by adding: a new
kind, or a new field with a default. A default is not stored, so it never changes either. A fact's topic
is pinned and never reused; what can't be said by a default gets a higher `class_version` and an
`upcast_vN_vN+1` that the mapper applies to old states.

Every fact can be understood alone. It carries two times, `recorded_at` (ours) and, where something
was measured, `measured_at` (the reporter's, with the UTC offset it was written with). People are named
by `person` ids only; see `ledger/domain/people.py`.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID, uuid5

from msgspec import Struct

from ledger.domain import agents, catalogue
from ledger.domain.access import TokenUses
from ledger.domain.billing.corrections import ComponentSum, CorrectedFigure, CorrectionItem
from ledger.domain.billing.manifests import ControlTotals
from ledger.domain.reports import Policy, RecordedOutcome

Source = Literal["api", "import", "carry-over", "command-line"]


KINDS: dict[str, "type[Fact]"] = {}
"""The kinds of facts by their topics: what is named in a journal otherwise is none, and is not looked for."""


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every fact says: its stream, its place there (1, 2, …), and when we recorded it (UTC)."""

    TOPIC: ClassVar[str]
    class_version: ClassVar[int] = 1

    originator_id: UUID
    originator_version: int
    recorded_at: datetime

    def __init_subclass__(cls) -> None:
        if "TOPIC" in vars(cls):
            KINDS[cls.TOPIC] = cls


class Requested(Fact, frozen=True, kw_only=True):
    """A fact that names the request that led to it, if one did. See `ledger/domain/provenance.py`."""

    token_uuid: UUID | None = None
    agent: str = ""
    request_id: str = ""
    traceparent: str = ""


class Report(Requested, frozen=True, kw_only=True):
    """What reports about a component and about one of its users have in common.

    Their stream is one per (resource, component, month). Project, customer, offering and provider are
    those of the resource when the report was recorded. `month` is the first day of the month that the
    report counts for. `written_date` is the date exactly as the reporter sent it, None if undated.
    `reported_by` is a user's uuid, None where nobody is known (an import). `reason` says why, in the words
    of whoever reported. `correction_uuid` is the correction that it is a part of.
    """

    usage_uuid: UUID
    resource_uuid: UUID
    component_uuid: UUID
    component_type: str
    month: date
    project_uuid: UUID
    customer_uuid: UUID
    offering_uuid: UUID
    provider_uuid: UUID
    measured_at: datetime
    written_date: str | None = None
    reported_by: UUID | None = None
    source: Source = "api"
    reason: str = ""
    correction_uuid: UUID | None = None


class UsageReported(Report, frozen=True, kw_only=True):
    """A provider stated a month's total of a component.

    `amount` is what was stated; `plan_amount` is the part of it that falls to this plan: less than the
    amount only after a plan switch inside the month. Both in the component's unit, two decimals.
    `created_at` is set for imported usages that are older than this journal.
    """

    TOPIC = "UsageReported"

    amount: Decimal
    plan_amount: Decimal
    plan_uuid: UUID | None = None
    plan_period_uuid: UUID | None = None
    missing_usage_policy: Policy = "none"
    description: str = ""
    created_at: datetime | None = None


class UsageCarriedOver(UsageReported, frozen=True, kw_only=True):
    """Nobody reported a component's usage, and the policy of its last report said what to assume.

    Reads as a report of the month: `amount` is what is assumed, `reported_by` who set the policy, and
    `carried_from` the usage of the month before.
    """

    TOPIC = "UsageCarriedOver"

    carried_from: UUID
    source: Source = "carry-over"


class UserUsageReported(Report, frozen=True, kw_only=True):
    """A provider stated how much of a component usage one user consumed.

    `total` is set where the component usage stood at zero and takes the sum of its users as its own.
    """

    TOPIC = "UserUsageReported"

    user_usage_uuid: UUID
    person: UUID
    commitment: str
    amount: Decimal
    offering_user_uuid: UUID | None = None
    total: Decimal | None = None
    created_at: datetime | None = None


class Described(Requested, frozen=True, kw_only=True):
    """A catalogue entity as it is from now on, whole. One stream per entity.

    `described_by` is a user's uuid, None where nobody is known (an import, a command).
    """

    source: Source = "import"
    described_by: UUID | None = None
    entity: catalogue.Entity


class CustomerDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "CustomerDescribed"
    entity: catalogue.Customer


class ProjectDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "ProjectDescribed"
    entity: catalogue.Project


class CategoryDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "CategoryDescribed"
    entity: catalogue.Category


class ServiceProviderDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "ServiceProviderDescribed"
    entity: catalogue.ServiceProvider


class OfferingDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "OfferingDescribed"
    entity: catalogue.Offering


class ComponentDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "ComponentDescribed"
    entity: catalogue.Component


class PlanDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "PlanDescribed"
    entity: catalogue.Plan


class PlanComponentDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "PlanComponentDescribed"
    entity: catalogue.PlanComponent


class ResourceDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "ResourceDescribed"
    entity: catalogue.Resource


class PlanPeriodDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "PlanPeriodDescribed"
    entity: catalogue.PlanPeriod


class UserDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "UserDescribed"
    entity: catalogue.User


class OfferingUserDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "OfferingUserDescribed"
    entity: catalogue.OfferingUser


class RoleDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "RoleDescribed"
    entity: catalogue.Role


class BillingMonthDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "BillingMonthDescribed"
    entity: catalogue.BillingMonth


class UserUsageLimitDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "UserUsageLimitDescribed"
    entity: catalogue.UserUsageLimit


class AgentIdentityDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "AgentIdentityDescribed"
    entity: agents.AgentIdentity


class AgentServiceDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "AgentServiceDescribed"
    entity: agents.AgentService


class AgentProcessorDescribed(Described, frozen=True, kw_only=True):
    TOPIC = "AgentProcessorDescribed"
    entity: agents.AgentProcessor


class UserUsageLimitRemoved(Requested, frozen=True, kw_only=True):
    """A user's limit does not hold any more. `entity` is as it was last described, in the same stream.

    `removed_by` is a user's uuid, None where nobody is known (an import).
    """

    TOPIC = "UserUsageLimitRemoved"

    source: Source = "api"
    removed_by: UUID | None = None
    entity: catalogue.UserUsageLimit


DESCRIPTIONS: dict[type[catalogue.Entity], type[Described]] = {
    kind.__annotations__["entity"]: kind for kind in Described.__subclasses__()
}


class CorrectionStep(Requested, frozen=True, kw_only=True):
    """A step of a correction, whose facts are one stream. It is of figures of one provider.

    `done_by` is a user's uuid, None where nobody is known (a command).
    """

    correction_uuid: UUID
    provider_uuid: UUID
    done_by: UUID | None = None
    source: Source = "api"


class CorrectionProposed(CorrectionStep, frozen=True, kw_only=True):
    """Somebody proposed to change figures, and said why. Nothing of them changed yet.

    `sums` are as the figures stood then. `reverts` is the correction that this one puts back, and
    `fingerprint` the SHA-256 of a request that named itself with an idempotency key.
    """

    TOPIC = "CorrectionProposed"

    title: str
    reason: str
    ticket: str = ""
    items: tuple[CorrectionItem, ...]
    sums: tuple[ComponentSum, ...]
    reverts: UUID | None = None
    fingerprint: str = ""


class CorrectionApproved(CorrectionStep, frozen=True, kw_only=True):
    """Somebody stood behind a correction: `is_by_proposer` says that it was nobody else.

    `seen_at` is the position at which they had seen its figures, None where they did not say so.
    """

    TOPIC = "CorrectionApproved"

    is_by_proposer: bool = False
    seen_at: int | None = None


class CorrectionRejected(CorrectionStep, frozen=True, kw_only=True):
    """Somebody ended a correction that was not applied yet."""

    TOPIC = "CorrectionRejected"

    reason: str


class CorrectionApplied(CorrectionStep, frozen=True, kw_only=True):
    """The figures of a correction were changed, all of them, in the transaction of this fact.

    `figures` are aligned with the items of its proposal.
    """

    TOPIC = "CorrectionApplied"

    figures: tuple[CorrectedFigure, ...]
    sums: tuple[ComponentSum, ...]


class CorrectionReverted(CorrectionStep, frozen=True, kw_only=True):
    """Another correction, `reverted_with`, put back what this one had changed, in the same transaction."""

    TOPIC = "CorrectionReverted"

    reverted_with: UUID


class TokenIssued(Fact, frozen=True, kw_only=True):
    """A user got an API token, which was shown once; only its SHA-256 is kept. One stream per token.

    It is for some `uses` only, and with `offering_uuid` for what the user may do about that offering.
    """

    TOPIC = "TokenIssued"

    token_uuid: UUID
    token_hash: str
    user_uuid: UUID
    expires_at: datetime | None = None
    uses: TokenUses = "all"
    offering_uuid: UUID | None = None


class TokenRevoked(Fact, frozen=True, kw_only=True):
    """A token stopped being valid."""

    TOPIC = "TokenRevoked"

    token_uuid: UUID


class PersonForgotten(Fact, frozen=True, kw_only=True):
    """The name of a person was deleted from `journal.person`, in the transaction of this fact.

    Its stream is the person's id. `forgotten_by` is a user's uuid, None where nobody is known.
    """

    TOPIC = "PersonForgotten"

    person: UUID
    reason: str
    forgotten_by: UUID | None = None
    source: Source = "command-line"


class RequestDecided(Requested, frozen=True, kw_only=True):
    """A request that named itself with an idempotency key was decided, and this came of its reports.

    Its stream is one per user and key, so a key is decided once. `fingerprint` is the SHA-256 of the request,
    and `form` names how its answer is worded.
    """

    TOPIC = "RequestDecided"

    user_uuid: UUID
    fingerprint: str
    form: str
    outcomes: tuple[RecordedOutcome, ...] = ()


class RequestAnswered(Fact, frozen=True, kw_only=True):
    """What RequestDecided replaces: the answer as it went out over HTTP. Journals hold it, nobody writes it.

    Its stream is the same, one per user and key.
    """

    TOPIC = "RequestAnswered"

    user_uuid: UUID
    fingerprint: str
    status: int
    body: str = ""


class ManifestSent(Requested, frozen=True, kw_only=True):
    """Somebody stated what they had sent for a month of an offering, and it was compared with what stood.

    Manifests of one offering and month are one stream. `standing` is what stood at the position `compared_at`
    without the figures that were carried over, of which there were `carried_over`. `provider_uuid` is the
    customer of the offering then. `sent_by` is a user's uuid, None where nobody is known (a command).
    """

    TOPIC = "ManifestSent"

    offering_uuid: UUID
    provider_uuid: UUID
    month: date
    stated: ControlTotals
    compared_at: int
    standing: ControlTotals
    carried_over: int = 0
    note: str = ""
    sent_by: UUID | None = None
    source: Source = "api"


class ReadModelsVerified(Fact, frozen=True, kw_only=True):
    """An operator compared the read models with the journal, to the end.

    `to` is the last position that was looked at, `facts` how many there are up to it, and `differences` how
    many findings there were. All of them are in one stream.
    """

    TOPIC = "ReadModelsVerified"

    to: int
    facts: int
    differences: int


class SigningKeyRotated(Fact, frozen=True, kw_only=True):
    """An operator replaced the key that checkpoints are signed with.

    `verifier_key` is the line of the new key, `replaced` that of the one before, and `note` a signed note of
    that one about the new one: see `ledger/proof/rotations.py`. All of them are in one stream.
    """

    TOPIC = "SigningKeyRotated"
    STREAM: ClassVar[UUID] = uuid5(catalogue.NAMESPACE, "Signing keys")

    verifier_key: str
    replaced: str
    note: str
