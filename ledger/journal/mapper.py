"""Between facts and what the journal stores of them.

The library's own transcoding would spell out a type for every uuid and date. A `UsageReported` takes about
0.7 KB. Price: a mapper of our own.
"""

from typing import Any, cast
from uuid import UUID

import msgspec
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from ledger.errors import UnreadableFact
from ledger.events import KINDS, Fact

ENVELOPE = b'{"originator_id":"%s","originator_version":%d,'
"""How the text of every fact begins, with its stream and its version there."""

ENVELOPE_ENDS = len(ENVELOPE % (b"0" * 32, 0)) - 2
"""Where the version begins: the first comma from here on ends the envelope."""


class FactMapper(Mapper[UUID]):
    """Writes facts as a topic and JSON, and reads them back. UUIDs are 32 hex digits.

    A third of the size of the library's own transcoding, and typed. The envelope is cut off, as stream and
    version have columns of their own. Fields at their defaults are left out.
    """

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())
        self._encoder = msgspec.json.Encoder(uuid_format="hex")
        self._decoder = msgspec.json.Decoder(dict[str, Any])
        self._kinds: dict[str, tuple[type[Fact], msgspec.json.Decoder[Fact]]] = {}

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        fact: Fact = domain_event
        text = self._encoder.encode(fact)
        state = text[text.index(b",", ENVELOPE_ENDS) + 1 :]
        version = b'"class_version":%d,' % fact.class_version if fact.class_version > 1 else b""
        return StoredEvent(
            fact.originator_id, fact.originator_version, type(fact).TOPIC, b"{" + version + state
        )

    def to_domain_event(self, stored_event: StoredEvent, position: int | None = None) -> Fact:
        stream = cast(UUID, stored_event.originator_id)
        envelope = ENVELOPE % (stream.hex.encode(), stored_event.originator_version)
        return self.fact(stored_event.topic, envelope + stored_event.state[1:], position)

    def fact(self, topic: str, text: bytes, position: int | None = None) -> Fact:
        """Decode a fact of this topic from its text with the envelope.

        Raises UnreadableFact, which names its position if that is given.
        """
        if topic not in self._kinds:
            if (known := KINDS.get(topic)) is None:
                raise UnreadableFact(topic, "this version knows no such kind", position)
            self._kinds[topic] = known, msgspec.json.Decoder(known)
        kind, decoder = self._kinds[topic]
        try:
            return decoder.decode(self._upcast(text, kind) if kind.class_version > 1 else text)
        except Exception as error:  # whatever a text that nobody wrote leads to
            raise UnreadableFact(topic, f"{type(error).__name__}: {error}", position) from error

    def _upcast(self, text: bytes, kind: type[Fact]) -> bytes:
        state = self._decoder.decode(text)
        for version in range(state.pop("class_version", 1), kind.class_version):
            getattr(kind, f"upcast_v{version}_v{version + 1}")(state)
        return self._encoder.encode(state)
