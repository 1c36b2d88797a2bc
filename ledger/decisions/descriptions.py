"""Decides what describing or removing an entity leads to: a fact, unless it is as it was last described."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs

from ledger.domain.catalogue import Entity, UserUsageLimit
from ledger.domain.provenance import NOBODY_KNOWN, Provenance
from ledger.events import DESCRIPTIONS, Fact, Source, UserUsageLimitRemoved


def describe(
    entities: Sequence[Entity],
    known: Mapping[UUID, tuple[int, str]],
    digests: Sequence[str],
    now: datetime,
    source: Source = "import",
    described_by: UUID | None = None,
    provenance: Provenance = NOBODY_KNOWN,
) -> list[Fact]:
    """Return a description of each entity whose digest differs from the last one in its stream."""
    facts: list[Fact] = []
    for entity, digest in zip(entities, digests, strict=True):
        version, last = known.get(entity.stream, (0, ""))
        if digest != last:
            kind = DESCRIPTIONS[type(entity)]
            facts.append(
                kind(
                    originator_id=entity.stream,
                    originator_version=version + 1,
                    recorded_at=now,
                    source=source,
                    described_by=described_by,
                    **structs.asdict(provenance),
                    entity=entity,
                )
            )
    return facts


def remove(
    limit: UserUsageLimit,
    known: Mapping[UUID, tuple[int, str]],
    now: datetime,
    source: Source = "import",
    removed_by: UUID | None = None,
    provenance: Provenance = NOBODY_KNOWN,
) -> UserUsageLimitRemoved:
    """Return the removal of a limit, which is known."""
    version, _ = known[limit.stream]
    return UserUsageLimitRemoved(
        originator_id=limit.stream,
        originator_version=version + 1,
        recorded_at=now,
        source=source,
        removed_by=removed_by,
        **structs.asdict(provenance),
        entity=limit,
    )
