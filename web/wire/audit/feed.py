"""The feed on the wire: the parameters that it is read by, and facts as events of CloudEvents 1.0."""

import re
from base64 import b64encode
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import orjson
from eventsourcing.persistence import Notification
from marshmallow import Schema, ValidationError, fields
from werkzeug.datastructures import MIMEAccept

from web.wire.fields import A_POSITION, position_of

BATCH, LINES = "application/cloudevents-batch+json", "application/x-ndjson"
"""The two forms of the feed: an array of events, and an event a line."""

MOST_EVENTS, USUAL_EVENTS, LONGEST_WAIT = 1000, 100, 30

SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class After(fields.Field[int]):
    """A position in the journal, or any number beyond it."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> int:
        if (position := position_of(value)) is None:
            raise ValidationError(f"Must {A_POSITION}")
        return position


class Limit(fields.Field[int]):
    """Bounds of the number of events in an answer."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> int:
        number = position_of(value)
        if number is None or not 1 <= number <= MOST_EVENTS:
            raise ValidationError(f"Must be a whole number from 1 to {MOST_EVENTS}.")
        return number


class Wait(fields.Field[Decimal]):
    """Seconds, with or without decimals."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if not SECONDS.fullmatch(value) or Decimal(value) > LONGEST_WAIT:
            raise ValidationError(f"Must be a number of seconds from 0 to {LONGEST_WAIT}.")
        return Decimal(value)


class FeedQuery(Schema):
    """Which facts are asked for. An empty value is an error: without `after` the whole journal is read."""

    after = After(load_default=0)
    limit = Limit(load_default=USUAL_EVENTS)
    wait = Wait(load_default=Decimal(0))


FEED_QUERY = FeedQuery()


class _State(msgspec.Struct):
    recorded_at: str


_STATES = msgspec.json.Decoder(_State)


def is_asked_for_lines(accepted: MIMEAccept) -> bool:
    """Return whether a header `Accept` names the form of lines, and no other form before it."""
    wanted = accepted.quality(LINES) if LINES in accepted.values() else 0
    return wanted > 0 and wanted >= accepted.quality(BATCH)


def event_of(fact: Notification, source: str, leaf: int) -> bytes:
    """Return a fact, a leaf of the tree, as a CloudEvent: in JSON on one line.

    Its `data` is the state as it is stored, whether or not anybody knows its kind. A state that is no JSON,
    which the ledger never wrote, is there in base64 (`data_base64`), and one without a time has none.
    """
    assert isinstance(fact.originator_id, UUID), "so they are here"
    try:
        time, data = {"time": _STATES.decode(fact.state).recorded_at}, _as_json(fact.state)
    except msgspec.DecodeError:
        time, data = {}, _as_far_as_it_is_json(fact.state)
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": str(fact.id),
            "source": source,
            "type": fact.topic,
            "subject": fact.originator_id.hex,
            **time,
            "datacontenttype": "application/json",
            "sequence": str(fact.id),
            "originatorversion": fact.originator_version,
            "leafindex": leaf,
            **data,
        }
    )


def _as_json(state: bytes) -> dict[str, Any]:
    return {"data": orjson.Fragment(state)}


def _as_far_as_it_is_json(state: bytes) -> dict[str, Any]:
    try:
        orjson.loads(state)
    except orjson.JSONDecodeError:
        return {"data_base64": b64encode(state).decode()}
    return _as_json(state)
