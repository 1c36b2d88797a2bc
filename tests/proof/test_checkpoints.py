"""Checkpoints and proofs are written and read as C2SP says."""

from base64 import b64encode
from hashlib import sha256

import pytest

from ledger.proof import Malformed, Unproven
from ledger.proof.checkpoints import Checkpoint, InclusionProof, open_checkpoint
from ledger.proof.hashing import EMPTY_ROOT
from ledger.proof.notes import Signer, sign
from tests.proof.naive import NaiveTree, leaf

# The example of c2sp.org/tlog-checkpoint.
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")

SIGNER = Signer.of("usage-ledger/701", b"1" * 32)
ENTRIES = [b"entry %d" % number for number in range(300)]
TREE = NaiveTree([leaf(each) for each in ENTRIES])
CHECKPOINT = Checkpoint("usage-ledger/701", 300, TREE.root(300))
NOTE = sign(CHECKPOINT.text, SIGNER)


def test_a_checkpoint_is_read_and_written() -> None:
    checkpoint = Checkpoint("example.com/behind-the-sofa", 20_852_163, ROOT)
    assert Checkpoint.parse(TEXT) == checkpoint
    assert checkpoint.text == TEXT
    extended = checkpoint._replace(extensions=("one", "two words"))
    assert extended.text == TEXT + "one\ntwo words\n"
    assert Checkpoint.parse(extended.text) == extended


def test_the_empty_tree_has_a_checkpoint() -> None:
    text = f"here\n0\n{b64encode(sha256().digest()).decode()}\n"
    assert Checkpoint.parse(text) == ("here", 0, EMPTY_ROOT, ())


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "three lines"),
        (TEXT[:-1], "three lines"),
        (TEXT + "\n", "none of them empty"),
        ("\n" + TEXT, "none of them empty"),
        ("one\n2\n", "three lines"),
        (TEXT.replace("20852163", "020852163"), "no number"),
        (TEXT.replace("20852163", "+20852163"), "no number"),
        (TEXT.replace("20852163", "20_852_163"), "no number"),
        (TEXT.replace("20852163", "-1"), "no number"),
        (TEXT.replace("20852163", " 1"), "no number"),
        (TEXT.replace("20852163", "\u0663"), "no number"),
        (TEXT.replace("20852163", "9" * 20), "no number"),
        (TEXT.replace("=", ""), "not base64"),
        (TEXT.replace("q2I=", "q2J="), "not base64"),
        (TEXT.replace("CsUY", ""), "29 bytes"),
    ],
)
def test_other_texts_are_no_checkpoint(text: str, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        Checkpoint.parse(text)


def test_a_checkpoint_is_signed_by_a_key_of_its_ledger() -> None:
    other = Signer.of("elsewhere", b"2" * 32)
    assert open_checkpoint(NOTE, [SIGNER.verifier]) == CHECKPOINT
    assert open_checkpoint(sign(CHECKPOINT.text, other, SIGNER), [SIGNER.verifier, other.verifier])
    with pytest.raises(Unproven, match="not signed by a key of that name"):
        open_checkpoint(sign(CHECKPOINT.text, other), [SIGNER.verifier, other.verifier])
    with pytest.raises(Unproven, match="none of the keys"):
        open_checkpoint(NOTE, [other.verifier])


PROOF = InclusionProof(271, TREE.path(271, 0, 300), NOTE)


def test_a_proof_is_lines_and_the_checkpoint() -> None:
    hashes = "".join(f"{b64encode(each).decode()}\n" for each in TREE.path(271, 0, 300))
    assert PROOF.text == f"c2sp.org/tlog-proof@v1\nindex 271\n{hashes}\n{NOTE.decode()}"
    assert InclusionProof.parse(PROOF.text) == PROOF
    with_extra = InclusionProof(271, PROOF.hashes, NOTE, b"position 280")
    assert with_extra.text == PROOF.text.replace("index", "extra cG9zaXRpb24gMjgw\nindex")
    assert InclusionProof.parse(with_extra.text) == with_extra


def test_a_proof_holds_for_its_entry_alone() -> None:
    proof = InclusionProof.parse(PROOF.text)
    assert proof.check(ENTRIES[271], [SIGNER.verifier]) == CHECKPOINT
    with pytest.raises(Unproven, match="leads to another root"):
        proof.check(ENTRIES[270], [SIGNER.verifier])
    with pytest.raises(Unproven, match="none of the keys"):
        proof.check(ENTRIES[271], [Signer.of(SIGNER.name, b"3" * 32).verifier])


def test_the_only_leaf_needs_no_hashes() -> None:
    note = sign(Checkpoint(SIGNER.name, 1, TREE.root(1)).text, SIGNER)
    proof = InclusionProof(0, [], note)
    assert proof.text == f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note.decode()}"
    assert InclusionProof.parse(proof.text).check(ENTRIES[0], [SIGNER.verifier]).size == 1


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("@v1", "@v2", "not a proof"),
        ("c2sp", "\nc2sp", "not a proof"),
        ("index 271\n", "", "without an index"),
        ("index 271", "index 0271", "without an index"),
        ("index 271", "index -1", "without an index"),
        ("index 271", "index", "without an index"),
        ("index 271", "index 271 ", "without an index"),
        ("index 271", "extra ?\nindex 271", "not base64"),
        ("index 271", "extra YQ==\nextra YQ==\nindex 271", "without an index"),
        ("index 271", "index 271\nYQ==", "1 bytes in place of 32"),
        ("index 271\n", "index 271\n" + f"{'A' * 43}=\n" * 60, "more than 63 hashes"),
        (f"\n\n{SIGNER.name}", f"\n{SIGNER.name}", "."),
        ("\n300\n", "\nmany\n", "no number"),
    ],
)
def test_other_texts_are_no_proof(before: str, after: str, what: str) -> None:
    assert before in PROOF.text
    with pytest.raises(Malformed, match=what):
        InclusionProof.parse(PROOF.text.replace(before, after, 1))
