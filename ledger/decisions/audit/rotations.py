"""Decides that a signing key takes the place of another one."""

from datetime import datetime

from ledger.events import SigningKeyRotated
from ledger.proof.notes import Signer
from ledger.proof.rotations import rotation_note


def rotated(old: Signer, new: Signer, earlier: int, now: datetime) -> SigningKeyRotated:
    """Return the fact that a key, by its own word, is followed by another one, after so many before it."""
    return SigningKeyRotated(
        originator_id=SigningKeyRotated.STREAM,
        originator_version=earlier + 1,
        recorded_at=now,
        verifier_key=new.verifier_key,
        replaced=old.verifier_key,
        note=rotation_note(old, new.verifier),
    )
