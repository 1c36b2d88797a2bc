"""Parsers that need no ledger, each with texts that it takes. None raises anything but its own refusals."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from marshmallow import ValidationError

from ledger.proof import Malformed, Unproven
from ledger.proof.bundles.manifest import Manifest as BundleManifest
from ledger.proof.bundles.manifest import note_text
from ledger.proof.checkpoints import Checkpoint, InclusionProof, open_checkpoint
from ledger.proof.entries import entry_of, pack_entries, parse_entry, unpack_entries
from ledger.proof.notes import Verifier, open_note, read_note
from ledger.proof.rotations import Rotation, rotation_note
from ledger.proof.tiles import parse_entries_tile, parse_tile
from ledger.proof.verify_bundle import verify_bundle
from tests.proof.bundling import NEXT, SIGNER, bundle, checkpoint, files_of, journal
from tests.world import CATALOGUE
from web.backup import BackupError
from web.backup.manifest import read_manifest
from web.importer.reading import StructureError, parsed, read_lists
from web.importer.yaml_text import NotYaml, json_of
from web.runtime.config import Settings
from web.runtime.variables import ConfigurationError
from web.sender.client import UploadFailed
from web.sender.files import ReportFile
from web.sender.lines import UnreadableFile
from web.sender.progress import Chunk, Upload, decode
from web.sender.summing import SummedFile
from web.wire.audit.positions import position_or_time
from web.wire.body import from_json, json_line
from web.wire.bounds import check_fields, check_values, lines_of
from web.wire.errors import MalformedBody
from web.wire.fields import moment_of, position_of, uuid_of

BEGUN = "2026-11-15T12:00:00+00:00"
ENTRIES = journal(5)


class Target(NamedTuple):
    """A parser, and texts that it takes."""

    parse: Callable[[bytes], object]
    seeds: list[bytes]


def refusing(parse: Callable[[bytes], object], *refusals: type[Exception]) -> Callable[[bytes], object]:
    """Return a parser that refuses by returning None. Its refusals say something, and say it in one line."""

    def parsing(data: bytes) -> object:
        try:
            return parse(data)
        except refusals as refusal:
            told = str(refusal)
        assert told, data
        return None

    return parsing


def text_of(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Return the parser of a text as bytes: as a header or a decoded query has it."""
    return lambda data: parse(data.decode("utf-8", "replace"))


def entry_again(data: bytes) -> None:
    """Hold what is read of an entry to what is written of it."""
    found = parse_entry(data)
    if not found.is_hashed:
        stream = found.originator_id
        assert entry_of(stream, found.version, found.position, found.topic, found.state) == data


def entries_again(data: bytes) -> None:
    assert pack_entries(unpack_entries(data)) == data


def key_again(data: bytes) -> None:
    line = data.decode("utf-8", "replace")
    assert Verifier.parse(line).line == line


def proof_again(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert InclusionProof.parse(text).text == text


def tile_again(data: bytes) -> None:
    path = data.decode("utf-8", "replace")
    assert parse_tile(path).path == path


def entries_tile_again(data: bytes) -> None:
    path = data.decode("utf-8", "replace")
    assert parse_entries_tile(path).entries_path == path


def signed(data: bytes) -> None:
    """Only what was signed is taken for it."""
    if open_note(data, [SIGNER.verifier]).text == open_note(NOTE, [SIGNER.verifier]).text:
        read_note(data)
    open_checkpoint(data, [SIGNER.verifier])


def audited(data: bytes) -> None:
    with NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        findings, summary = verify_bundle(Path(file.name), [SIGNER.verifier])
    assert findings or summary
    assert all(line and "\n" not in line for line in findings), findings


def structure(data: bytes, suffix: str = ".json") -> None:
    with NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        lists, unread = read_lists(Path(file.name))
    assert all(line.isprintable() for line in unread)
    for name, raws in lists.items():
        list(parsed(name, raws, ZoneInfo("UTC")))


def yaml(data: bytes) -> None:
    json.loads(json_of(data), parse_int=str)


def reports(kind: Any) -> Callable[[bytes], None]:
    """Read a file of reports, line by line: what is sent is JSON on one line."""

    def read(data: bytes) -> None:
        file = ReportFile(BytesIO(data), kind, BEGUN)
        while chunk := file.chunk(100):
            for item in chunk:
                assert b"\n" not in item.body
                if kind == "csv":
                    orjson.loads(item.body)
        if data:
            SummedFile(BytesIO(data), kind, BEGUN).chunk(100)

    return read


def setting(name: str) -> Callable[[bytes], None]:
    """Read a variable of the environment: what is refused is refused under its name."""

    def read(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape").replace("\0", "")
        try:
            Settings.from_environment({name: text})
        except ConfigurationError as error:
            told = str(error)
        else:
            return
        assert name in told, told

    return read


def moment(data: bytes) -> None:
    found = moment_of(data.decode("utf-8", "replace"), ZoneInfo("Europe/Tallinn"))
    assert found.tzinfo is not None
    found.astimezone(UTC)


def counted(data: bytes) -> None:
    check_values(data, "usages")
    check_fields(data, "usages")
    for line in lines_of(data):
        json_line(line)


JSON = orjson.dumps(
    {"resource": "0" * 31 + "1", "usages": [{"type": "cpu", "amount": "12.50", "recurring": None}]}
)
NOTE = checkpoint(ENTRIES, 5)
PROOF = InclusionProof(0, [b"h" * 32], NOTE).text.encode()
CSV = b'resource,type,amount,date,description\n0000000000000000000000000000000f,cpu,1.50,2026-11-01,"a, b"\n'
LINES = (
    b'{"resource": "0f", "type": "cpu", "amount": 5}\n{"resource": "0f", "type": "cpu", "username": "a"}\n'
)
FILE = orjson.dumps({name: rows[:2] for name, rows in CATALOGUE.items()})
YAML = (
    b"customers:\n- &a {uuid: 0000000000000000000000000000000f, name: 'A'}\n- uuid: '0e'\n  name: |\n    x\n"
)
MANIFEST = (
    b'{"format":"usage-ledger backup 1","ledger_id":"0000000000000000000000000000000f","position":5,'
    b'"facts":5,"root":"aGFzaA==","origin":"a","version":"0.2.0","postgresql":180000,"created":"2026-11-15T12:00:00Z"}'
)
ROTATION = orjson.dumps(
    {
        "verifier_key": NEXT.verifier_key,
        "replaced": SIGNER.verifier_key,
        "note": rotation_note(SIGNER, NEXT.verifier),
    }
)

SETTINGS: Mapping[str, list[bytes]] = {
    "LEDGER_DATABASE_URL": [b"postgresql://ledger@db.example.org/ledger?sslmode=require", b"host=a user=b"],
    "LEDGER_TIME_ZONE": [b"Europe/Tallinn"],
    "LEDGER_MAX_BODY_BYTES": [b"1000000", b"10MB"],
    "LEDGER_CORS_ORIGINS": [b"https://a.example.org, https://b.example.org:8443"],
    "LEDGER_ORIGIN": [b"example.org/ledger"],
    "LEDGER_CURRENCY": [b"EUR"],
    "LEDGER_QUEUE_SECONDS": [b"2.5"],
    "LEDGER_PRIMARY_URL": [b"https://ledger.example.org/"],
    "LEDGER_METRICS_TOKEN": [b"f" * 40],
    "LEDGER_LOG": [b"json"],
    "LEDGER_STRICT": [b"yes"],
    "LEDGER_SIGNING_KEY": [b"/var/lib/key"],
}

PARSERS: dict[str, Target] = {
    "json": Target(refusing(from_json, MalformedBody, RecursionError), [JSON]),
    "values": Target(refusing(counted, MalformedBody, ValidationError), [JSON, LINES, b"a=1&b[0]c=2"]),
    "moments": Target(
        refusing(moment, ValueError, ValidationError), [b"2026-11-01T00:00:00+02:00", b"2026-11-01"]
    ),
    "points": Target(refusing(text_of(position_or_time), ValidationError), [b"152", b"2026-11-01T00:00:00Z"]),
    "positions": Target(text_of(position_of), [b"152"]),
    "uuids": Target(text_of(uuid_of), [b"0" * 32]),
    "notes": Target(refusing(signed, Malformed, Unproven), [NOTE]),
    "checkpoints": Target(
        refusing(text_of(Checkpoint.parse), Malformed), [NOTE.partition(b"\n\n")[0] + b"\n"]
    ),
    "bundle notes": Target(
        refusing(lambda data: read_note(data), Malformed), [NOTE, note_text("a", 1, b"").encode()]
    ),
    "keys": Target(refusing(key_again, Malformed), [SIGNER.verifier_key.encode()]),
    "entries": Target(refusing(entry_again, Malformed), ENTRIES),
    "packed entries": Target(refusing(entries_again, Malformed), [pack_entries(ENTRIES)]),
    "proofs": Target(refusing(proof_again, Malformed), [PROOF]),
    "tiles": Target(refusing(tile_again, Malformed), [b"tile/0/x001/234.p/5", b"tile/1/000"]),
    "tiles of entries": Target(refusing(entries_tile_again, Malformed), [b"tile/entries/x001/234.p/5"]),
    "bundles": Target(audited, [bundle(ENTRIES, 2)]),
    "catalogues": Target(refusing(structure, StructureError), [FILE]),
    "catalogues in YAML": Target(
        refusing(lambda data: structure(data, ".yaml"), StructureError), [YAML, FILE]
    ),
    "yaml": Target(refusing(yaml, NotYaml), [YAML]),
    "csv": Target(refusing(reports("csv"), UnreadableFile), [CSV, CSV.replace(b",", b";")]),
    "lines": Target(refusing(reports("ndjson"), UnreadableFile), [LINES]),
    "manifests of bundles": Target(
        refusing(BundleManifest.parse, Malformed), [files_of(bundle(ENTRIES, 2))["manifest.json"]]
    ),
    "rotations": Target(refusing(Rotation.parse, Malformed, Unproven), [ROTATION]),
    "progress": Target(
        refusing(lambda data: (decode(data, Upload), decode(data, Chunk)), UploadFailed), [b'{"file":"a"}']
    ),
    "manifests": Target(refusing(read_manifest, BackupError), [MANIFEST]),
} | {name: Target(setting(name), seeds) for name, seeds in SETTINGS.items()}
"""By what is parsed."""
