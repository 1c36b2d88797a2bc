"""A key that was replaced hands over to the next, and to nobody else."""

import json
from pathlib import Path

import pytest

from ledger.proof import Malformed, Unproven
from ledger.proof.entries import entry_of
from ledger.proof.notes import Signer, Verifier, sign
from ledger.proof.rotations import TOPIC, Keys, Rotation, rotation_note, rotation_text
from tests.proof.bundling import (
    NEXT,
    ORIGIN,
    SIGNER,
    STRANGER,
    THIRD,
    Auditor,
    Entries,
    bundle_with,
    checkpoint,
    journal,
    position,
)  # fmt: skip


def state(old: Signer, new: Signer, note: str = "", **changes: object) -> bytes:
    fact = {
        "verifier_key": new.verifier_key,
        "replaced": old.verifier_key,
        "note": note or rotation_note(old, new.verifier),
    }
    return json.dumps(fact | changes).encode()


def test_the_old_key_signs_the_new_one() -> None:
    note = rotation_note(SIGNER, NEXT.verifier)
    assert note == sign(f"{ORIGIN}/key\n{NEXT.verifier_key}\n", SIGNER).decode()
    rotation = Rotation.parse(state(SIGNER, NEXT, by="somebody"))
    assert rotation == Rotation(NEXT.verifier, SIGNER.verifier, note)


def test_a_key_of_another_ledger_follows_nobody() -> None:
    other = Signer.of("elsewhere", b"2" * 32)
    with pytest.raises(Malformed, match="can't be replaced"):
        rotation_note(SIGNER, other.verifier)
    with pytest.raises(Unproven, match="replaced by one of elsewhere"):
        Rotation.parse(state(SIGNER, other, sign(rotation_text(other.verifier), SIGNER).decode()))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"", Malformed),
        (b"[]", Malformed),
        (b"[" * 100_000, Malformed),
        (b"sha256:" + b"0" * 64, Malformed),
        (b"{}", Malformed),
        (state(SIGNER, NEXT, note="no note"), Malformed),
        (state(SIGNER, NEXT, note=3), Malformed),  # type: ignore[arg-type]
        (state(SIGNER, NEXT, verifier_key=None), Malformed),
        (state(SIGNER, NEXT, replaced="some key"), Malformed),
        (state(SIGNER, NEXT, note=rotation_note(SIGNER, THIRD.verifier)), Unproven),
        (state(SIGNER, NEXT, note=rotation_note(STRANGER, NEXT.verifier)), Unproven),
        (state(SIGNER, NEXT, note=sign(f"{NEXT.verifier_key}\n", SIGNER).decode()), Unproven),
    ],
)
def test_no_other_fact_replaces_a_key(text: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        Rotation.parse(text)


def of(keys: Keys, *sizes: int) -> list[list[Verifier]]:
    return [keys.of(size) for size in sizes]


ONE, TWO, THREE = SIGNER.verifier, NEXT.verifier, THIRD.verifier


@pytest.mark.parametrize("trusted", [SIGNER, NEXT, THIRD])
def test_whoever_trusts_one_key_trusts_the_others_until_they_are_replaced(trusted: Signer) -> None:
    keys = Keys([trusted.verifier])
    keys.rotate(state(SIGNER, NEXT), 100)
    keys.rotate(state(NEXT, THIRD), 200)
    assert of(keys, 1, 100) == [[ONE, TWO, THREE]] * 2
    assert of(keys, 101, 200) == [[TWO, THREE]] * 2
    assert of(keys, 201, 10_000) == [[THREE]] * 2


def test_a_key_that_the_journal_does_not_name_stays_trusted_alone() -> None:
    keys = Keys([STRANGER.verifier])
    keys.rotate(state(SIGNER, NEXT), 100)
    assert of(keys, 1, 101) == [[STRANGER.verifier]] * 2
    assert Keys([STRANGER.verifier, ONE]).of(5) == [STRANGER.verifier, ONE]


def test_only_the_key_in_force_is_replaced_and_never_by_one_of_before() -> None:
    keys = Keys([ONE])
    keys.rotate(state(SIGNER, NEXT), 100)
    for old, new in ((SIGNER, THIRD), (STRANGER, THIRD), (NEXT, SIGNER), (NEXT, NEXT)):
        with pytest.raises(Unproven, match="was replaced"):
            keys.rotate(state(old, new), 110)
    keys.rotate(state(NEXT, THIRD), 120)
    assert of(keys, 100, 110, 121) == [[ONE, TWO, THREE], [TWO, THREE], [THREE]]


ROTATED_AT = 50


@pytest.fixture(name="auditor")
def auditor_with_a_folder(tmp_path: Path) -> Auditor:
    return Auditor(tmp_path)


def rotating(text: bytes) -> Entries:
    """Return a journal of 80 facts, of which one replaces the key."""
    entries = journal(80)
    fact = entry_of("e" * 32, 1, position(ROTATED_AT), TOPIC, text)
    return [
        *entries[:ROTATED_AT],
        fact,
        *(
            entry_of("d" * 32, number + 1, position(ROTATED_AT + 1 + number), "UsageReported", b"{}")
            for number in range(29)
        ),
    ]


ROTATED = rotating(state(SIGNER, NEXT))


def rotated_bundle(entries: Entries, last: Signer) -> bytes:
    notes = [checkpoint(entries, 20, SIGNER), checkpoint(entries, 60, last), checkpoint(entries, 80, last)]
    return bundle_with(entries, notes, last)


@pytest.mark.parametrize("trusted", [SIGNER, NEXT])
def test_a_bundle_is_checked_with_the_key_of_before_and_of_after(auditor: Auditor, trusted: Signer) -> None:
    archive = rotated_bundle(ROTATED, NEXT)
    kept = checkpoint(ROTATED, ROTATED_AT, SIGNER)
    assert auditor.findings(archive, kept, keys=[trusted]) == []


def test_a_thief_of_an_old_key_signs_nothing_after_it_was_replaced(auditor: Auditor) -> None:
    lines = auditor.findings(rotated_bundle(ROTATED, SIGNER))
    assert [line.split(": ")[0] for line in lines] == [*("manifest.note", "checkpoints/80", "checkpoints/60")]
    kept = checkpoint(ROTATED, ROTATED_AT + 1, SIGNER)
    lines = auditor.findings(rotated_bundle(ROTATED, NEXT), kept)
    assert [line.split(": ")[0] for line in lines] == ["kept-0"]


def test_a_thief_of_an_old_key_does_not_get_its_history_past_who_trusts_the_new_one(
    auditor: Auditor,
) -> None:
    forged = rotating(state(SIGNER, STRANGER))
    assert len(auditor.findings(rotated_bundle(forged, STRANGER), keys=[NEXT])) == 4


def test_a_key_that_nobody_handed_over_to_is_refused_at_its_position(auditor: Auditor) -> None:
    forged = rotating(state(SIGNER, NEXT, rotation_note(STRANGER, NEXT.verifier)))
    lines = auditor.findings(rotated_bundle(forged, NEXT))
    assert lines[0].startswith(f"journal {position(ROTATED_AT)} does not replace the signing key: ")
    assert len(lines) == 4
