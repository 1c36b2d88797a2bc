"""Decides what a manifest leads to: a fact that says what was stated, and what stood.

An agent that has no answer sends its manifest again: that is a fact only if it says something else than the
sender's last one, or if something else stands.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs

from ledger.domain.billing.manifests import Manifest, Standing
from ledger.domain.provenance import NOBODY_KNOWN, Provenance
from ledger.events import ManifestSent, Source

Earlier = Sequence[tuple[int, ManifestSent]]
"""The manifests of one offering and month with their positions, in order."""


def same_again(manifest: Manifest, standing: Standing, earlier: Earlier, sent_by: UUID | None) -> int | None:
    """Return the position of the sender's last manifest if it says all that this one would, else None."""
    own = [(position, fact) for position, fact in earlier if fact.sent_by == sent_by]
    if not own:
        return None
    position, last = own[-1]
    said = (last.stated, last.note, last.standing, last.carried_over)
    says = (manifest.stated, manifest.note, standing.figures, standing.carried_over)
    return position if said == says else None


def manifest_sent(
    manifest: Manifest,
    standing: Standing,
    earlier: Earlier,
    now: datetime,
    source: Source = "api",
    sent_by: UUID | None = None,
    provenance: Provenance = NOBODY_KNOWN,
) -> ManifestSent:
    """Return the fact that a manifest was sent, and compared with what stands."""
    return ManifestSent(
        originator_id=manifest.stream,
        originator_version=earlier[-1][1].originator_version + 1 if earlier else 1,
        recorded_at=now,
        offering_uuid=manifest.offering_uuid,
        provider_uuid=manifest.provider_uuid,
        month=manifest.month,
        stated=manifest.stated,
        note=manifest.note,
        compared_at=standing.position,
        standing=standing.figures,
        carried_over=standing.carried_over,
        sent_by=sent_by,
        source=source,
        **structs.asdict(provenance),
    )
