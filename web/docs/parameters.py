"""Parameters and headers that no schema declares, by name: what they may be, and what they say."""

from typing import Any, NamedTuple

from web.docs.converter import POSITION, UUID_TEXT
from web.request.idempotency import LONGEST_KEY
from web.wire.audit.reasons import LONGEST_REASON
from web.wire.exports.forms import FORMS, JSON

Json = dict[str, Any]


class Told(NamedTuple):
    """What a parameter or header is: in words, as JSON Schema, and whether there is no doing without."""

    description: str
    schema: Json
    is_required: bool = False


def _moment_of_journal(more: str) -> Told:
    either = [POSITION, {"type": "string", "format": "date-time"}]
    return Told(f"A position of the journal, or a time in RFC 3339. {more}", {"anyOf": either})


QUERY = {
    "page": Told("The number of a page, from 1 on, or `last`.", {"type": ["integer", "string"]}),
    "page_size": Told(
        "How many rows a page has. Of more than the most, the most; what is no number from 1 on is as good as"
        " none.",
        {"type": ["integer", "string"], "default": 10},
    ),
    "as_of": _moment_of_journal("The answer is that of then, when it was the last fact."),
    "from": _moment_of_journal("What the figures are compared with.")._replace(is_required=True),
    "to": _moment_of_journal("Up to where they are compared; if it is left out, up to now."),
    "min_position": Told(
        "Wait up to 3 seconds for the answer to show the fact at this position, or else answer 503. Decimals"
        " are cut off.",
        {"type": "number"},
    ),
    "format": Told(
        "The form of the answer; others than `json` have all rows that match, and no pages. Without it"
        " `Accept` says which.",
        {"type": "string", "enum": [JSON, *FORMS], "default": JSON},
    ),
    "include_terminated": Told(
        "Also what was used of resources that are terminated. Another word than those for `true` is `false`.",
        {"type": ["boolean", "string"], "default": False},
    ),
    "offering_uuid": Told("The offering that the component is of.", UUID_TEXT, is_required=True),
    "component_type": Told("The type of the component.", {"type": "string"}, is_required=True),
    "period_offset": Told(
        "0 for the current period of the component's limit, -1 for the one before …",
        {"type": "integer", "default": 0},
    ),
    "atomic": Told("Store all reports or none.", {"type": "boolean", "default": True}),
    "dry_run": Told(
        "Store nothing, and say what would become of each.", {"type": "boolean", "default": False}
    ),
}

PATH = {
    "uuid": Told("The uuid of the object.", UUID_TEXT),
    "position": Told("The position of a fact in the journal.", {"type": "integer", "minimum": 1}),
    "place": Told(
        "The level and the number of a tile as of tlog-tiles, with slashes: `0/000`, `0/000.p/7`.",
        {"type": "string"},
    ),
    "file": Told("A file of the page.", {"type": "string"}),
}

_TEXT: Json = {"type": "string"}

REQUEST_HEADERS = {
    "Prefer": Told(
        "`handling=strict` (RFC 7240): refuse parameters and keys of bodies that are unknown, which Waldur"
        " ignores. Below `/api/ledger/` they always are.",
        _TEXT,
    ),
    "If-None-Match": Told("The `ETag` of an answer that the client has: 304 if it is still the same.", _TEXT),
    "Idempotency-Key": Told(
        "A name of the request: what it asks for is done once, however often it is sent.",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    ),
    "Ledger-Expect": Told(
        "The position that the reporter has read up to: 412 if the figure has changed since.", POSITION
    ),
    "Ledger-Reason": Told(
        "Why the figure is stated, kept with it: ASCII, or UTF-8 in percent-encoding.",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_REASON},
    ),
    "Content-Encoding": Told("`gzip`, if the body is.", {"type": "string", "enum": ["gzip", "identity"]}),
    "X-Request-ID": Told("What the client calls the request; it is kept with the facts.", _TEXT),
    "traceparent": Told("The trace that the request is a part of (W3C); it is kept with the facts.", _TEXT),
}

RESPONSE_HEADERS = {
    "Ledger-Position": Told("Up to which position of the journal the answer is good.", {"type": "integer"}),
    "ETag": Told("A name of the answer, for `If-None-Match`.", _TEXT),
    "Link": Told("URLs of the pages `first`, `prev`, `next` and `last`, as far as there are such.", _TEXT),
    "X-Result-Count": Told("How many rows there are on all pages.", {"type": "integer"}),
    "Ledger-Ignored": Told("Names of parameters that are unknown and were ignored.", _TEXT),
    "Preference-Applied": Told("`handling=strict`, if the client preferred that.", _TEXT),
    "Idempotency-Replayed": Told("`true` if this is the answer to an earlier request of this key.", _TEXT),
    "Retry-After": Told("After how many seconds another try is worth it.", {"type": "integer"}),
    "WWW-Authenticate": Told("`Token`: how to say who asks.", _TEXT),
    "Accept-Encoding": Told("`gzip`: how a body may be encoded.", _TEXT),
    "Allow": Told("The methods that there are.", _TEXT),
    "Vary": Told("Which headers of the request the answer depends on.", _TEXT),
    "Cache-Control": Told("How long the answer may be kept.", _TEXT),
    "X-Request-ID": Told(
        "The id by which the log knows the request: the client's, or else a new one.", _TEXT
    ),
    "Ledger-Origin": Told("The name of the ledger whose position it is, where the answer is a file.", _TEXT),
    "Content-Disposition": Told("The name of the file, where the answer is one.", _TEXT),
    "Content-Security-Policy": Told("What the page may load.", _TEXT),
    "X-Content-Type-Options": Told("`nosniff`: it is what it says.", _TEXT),
    "Referrer-Policy": Told("`no-referrer`: nobody is told of the page.", _TEXT),
}
