"""Notes are signed, read and refused as those of Go's sumdb/note."""

from base64 import b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.proof import Malformed, Unproven
from ledger.proof.notes import Signature, Signer, Verifier, open_note, read_note, sign

# The keys and the note that the documentation of Go's package shows.
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER = "— PeterNeumann " + (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
ENOCH = "— EnochRoot " + (
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
)

ONE, OTHER = (
    Signer.of(f"ledger.example/{name}", sha256(name.encode()).digest()) for name in ("one", "other")
)


def note_of(*lines: str, text: str = TEXT) -> bytes:
    return "".join([text, "\n", *(f"{line}\n" for line in lines)]).encode()


def test_the_keys_of_go_are_read_and_written() -> None:
    signer = Signer.parse(PRIVATE + "\n")
    assert (signer.name, signer.text, signer.verifier_key) == ("PeterNeumann", PRIVATE, PUBLIC)
    assert Verifier.parse(PUBLIC) == signer.verifier
    assert Verifier.parse(PUBLIC).line == PUBLIC
    assert PRIVATE[-44:] not in repr(signer)


def test_the_note_of_go_is_signed_and_opened() -> None:
    note = note_of(PETER)
    assert sign(TEXT, Signer.parse(PRIVATE)) == note
    opened = open_note(note, [Verifier.parse(PUBLIC)])
    assert opened == (TEXT, (Signature("PeterNeumann", PUBLIC, None),))


def test_signatures_of_keys_that_nobody_knows_are_ignored() -> None:
    verifiers = [Verifier.parse(PUBLIC), ONE.verifier]
    same_name = Signer.of("PeterNeumann", b"1" * 32).line(TEXT)[:-1]
    for note in (note_of(PETER, ENOCH), note_of(ENOCH, PETER), note_of(same_name, PETER, ENOCH)):
        opened = open_note(note, verifiers)
        assert [each.key for each in opened.signatures] == [PUBLIC]
        assert opened.is_signed_by(verifiers[0])
        assert not opened.is_signed_by(verifiers[1])


def test_a_note_has_all_signatures_of_known_keys() -> None:
    note = sign(TEXT, ONE, OTHER)
    opened = open_note(note, [OTHER.verifier, ONE.verifier])
    assert [each.key for each in opened.signatures] == [ONE.verifier_key, OTHER.verifier_key]
    assert note == sign(TEXT, ONE) + OTHER.line(TEXT).encode()


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    with pytest.raises(Unproven, match=r"by none of the keys .* but by PeterNeumann\+c74f20a3"):
        open_note(note_of(PETER), [ONE.verifier, OTHER.verifier])
    with pytest.raises(Unproven):
        open_note(note_of(PETER), [])


@pytest.mark.parametrize("text", [TEXT.replace("your", "my"), "\n" + TEXT, TEXT + "\n", TEXT[:-2] + "\n"])
def test_a_signature_of_another_text_is_refused(text: str) -> None:
    with pytest.raises(Unproven, match=r"the signature of PeterNeumann\+c74f20a3 does not hold"):
        open_note(note_of(PETER, text=text), [Verifier.parse(PUBLIC)])


def test_one_forged_signature_spoils_the_others() -> None:
    forged = ONE.line("another text\n")[:-1]
    with pytest.raises(Unproven, match="of ledger"):
        open_note(note_of(PETER, forged), [Verifier.parse(PUBLIC), ONE.verifier])
    short = f"— {ONE.name} {b64encode(ONE.verifier.key_id + b'short').decode()}"
    with pytest.raises(Unproven, match="of ledger"):
        open_note(note_of(PETER, short), [Verifier.parse(PUBLIC), ONE.verifier])


@pytest.mark.parametrize(
    ("note", "what"),
    [
        (b"", "not a signed note"),
        (TEXT.encode(), "not a signed note"),
        (note_of(), "not a signed note"),
        (note_of(PETER)[:-1], "not a signed note"),
        (note_of(PETER) + b"\n", "not a signed note"),
        (note_of(PETER) + b"more\n", "not a line of a signature"),
        (note_of(PETER.replace("—", "-")), "not a line of a signature"),
        (note_of(PETER.replace(" P", "P")), "not a line of a signature"),
        (note_of(PETER.replace("PeterN", "Peter N")), "not base64"),
        (note_of(PETER.replace("PeterN", "Peter\u00a0N")), "not a name"),
        (note_of(PETER.replace("PeterN", "Peter+N")), "not a name"),
        (note_of(PETER.replace("PeterNeumann", "")), "not a name"),
        (note_of(PETER + " "), "not base64"),
        (note_of(PETER[:-1]), "not base64"),
        (note_of(PETER.replace("nAM=", "nAN=")), "not base64 as it has to be written"),
        (note_of("— PeterNeumann x08gow=="), "too short"),
        (note_of("— PeterNeumann"), "not base64"),
        (note_of(PETER).replace(b"If", b"\xff"), "not UTF-8"),
        (note_of(PETER).replace(b"If", b"I\tf"), "control characters"),
        (note_of(PETER).replace(b"\n", b"\r\n"), "control characters"),
        (note_of(PETER).replace(b"If", b"I\x00f"), "control characters"),
        (note_of(*[PETER] * 101), "more than 100 signatures"),
        (note_of(PETER, text="x" * 1_000_000 + "\n"), "more than 1000000 bytes"),
    ],
)
def test_what_is_not_a_note_is_refused(note: bytes, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        open_note(note, [Verifier.parse(PUBLIC)])


def test_a_text_may_have_blank_lines() -> None:
    text = "one\n\ntwo\n\n\n"
    assert open_note(sign(text, ONE), [ONE.verifier]).text == text
    assert [each.name for each in read_note(sign(text, ONE, OTHER))[1]] == [ONE.name, OTHER.name]


@pytest.mark.parametrize("text", ["", "no line feed", "a\ttab\n", "a return\r\n", "a null\0\n"])
def test_no_other_text_is_signed(text: str) -> None:
    with pytest.raises(Malformed, match="a text to sign"):
        sign(text, ONE)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "not a name"),
        ("PeterNeumann", "not base64"),
        (PUBLIC.replace("c74f20a3", "c74f20a4"), "another hash"),
        (PUBLIC.replace("c74f20a3", "C74F20A3"), "another hash"),
        (PUBLIC.replace("Peter", "Pete"), "another hash"),
        (PUBLIC.replace("+ARpc", "+BRpc"), "unknown kind"),
        (PUBLIC + "AAAA", "unknown kind"),
        (PUBLIC + "\n", "not base64"),
        (PUBLIC.replace("Peter", "Peter "), "not a name"),
        (PRIVATE, "not base64"),
    ],
)
def test_other_lines_are_no_public_key(line: str, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        Verifier.parse(line)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not a private key"),
        (PUBLIC, "not a private key"),
        (PRIVATE.replace("c74f20a3", "c74f20a4"), "another hash"),
        (PRIVATE.replace("Peter", "Pete"), "another hash"),
        (PRIVATE.replace("+AYEK", "+BYEK"), "unknown kind"),
        (PRIVATE.replace("Peter", "Peter "), "not a name"),
        (PRIVATE + "AAAA", "35 bytes in place of 32"),
        ("PRIVATE+KEY+AYEKFALVFGyNhPJEMzD1QIDr", "not base64"),
    ],
)
def test_other_texts_are_no_private_key_and_no_secret_is_told(text: str, what: str) -> None:
    with pytest.raises(Malformed, match=what) as refused:
        Signer.parse(text)
    assert "AYEK" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x00b"])
def test_no_signer_has_a_name_that_notes_can_t_have(name: str) -> None:
    with pytest.raises(Malformed, match="not a name"):
        Signer.of(name, b"1" * 32)


def cosigned(text: str, time: int) -> tuple[Verifier, str]:
    """Return the key of a witness, and the line by which it signs a text, made without what is tested."""
    private = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    key = b"\x04" + private.public_key().public_bytes_raw()
    key_id = sha256(b"witness.example/w1\n" + key).digest()[:4]
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    signature = key_id + time.to_bytes(8, "big") + private.sign(message)
    line = f"witness.example/w1+{key_id.hex()}+{b64encode(key).decode()}"
    return Verifier.parse(line), f"— witness.example/w1 {b64encode(signature).decode()}"


def test_a_witness_signs_when_it_has_seen_a_text() -> None:
    witness, line = cosigned(TEXT, 1_679_315_147)
    opened = open_note(note_of(PETER, line), [Verifier.parse(PUBLIC), witness])
    assert [(each.name, each.time) for each in opened.signatures] == [
        ("PeterNeumann", None),
        ("witness.example/w1", 1_679_315_147),
    ]


def test_a_witness_s_signature_of_another_text_is_refused() -> None:
    witness, line = cosigned("another\n", 1_679_315_147)
    with pytest.raises(Unproven, match="of witness"):
        open_note(note_of(PETER, line), [Verifier.parse(PUBLIC), witness])
    assert len(open_note(note_of(PETER, line), [Verifier.parse(PUBLIC)]).signatures) == 1
