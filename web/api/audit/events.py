"""/api/ledger/events/: every fact of the journal, in its order, for those who keep a copy or look into it.

The answer is an array of events, and `Link` names the next one. With `wait` a client that has all of them is
answered as soon as there are more. With `Accept: application/x-ndjson` all come at once, an event a line, and
so they do in other forms (`web/exports/answering.py`).

Facts come up to where the read models are, as what belongs to whom is known so far. `Ledger-Position` says
where that is, and a reader who was answered fewer events than `limit` may go on behind it. No fact comes
before it later, as the order of positions is that of commits: see `ledger/journal/recorder.py`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from urllib.parse import quote, urlencode

from eventsourcing.persistence import Notification
from flask import Response, current_app, request

from ledger.errors import NotPermitted
from web.api.audit.reading import Readable
from web.exports.answering import Found, response_of
from web.limits.admission import PLACE, STREAMED, Place, Room
from web.request.authentication import caller
from web.request.pipeline import api
from web.request.read_your_writes import waited
from web.request.services import current, services
from web.wire.audit.feed import BATCH, FEED_QUERY, LINES, event_of, is_asked_for_lines
from web.wire.declared.parameters import takes
from web.wire.exports.forms import FORMAT, NDJSON, Form
from web.wire.parameters import last_of
from web.wire.rendering import answers, raises
from web.wire.responses.audit import CLOUD_EVENT
from web.wire.urls import root_url

WAITS = "LEDGER_FEED_WAITS"
"""Key in an app's config: the Room of those who wait for facts. Where it is full nobody waits."""

STREAMS = "LEDGER_STREAMS"
"""Key in an app's config: the Room of those to whom lines are sent."""

blueprint = api("ledger_events", "/api/ledger/events")


@blueprint.get("/")
@takes(FEED_QUERY)
@answers(CLOUD_EVENT, is_list=True, headers=("Link", "Vary"), forms=(BATCH, LINES))
@raises(NotPermitted)
def events() -> Response:
    readable = Readable.by(caller(), services())
    query = FEED_QUERY.load({name: last_of(name) for name in FEED_QUERY.fields if name in request.args})
    source, form = services().origin(), _form()
    if form:
        if query["wait"]:
            _awaited(readable, query["after"], 1, float(query["wait"]))
        response = _stream(form, readable, query["after"], source)
    else:
        facts = _awaited(readable, query["after"], query["limit"], float(query["wait"]))
        response = Response(b"[%s]" % b",".join(_events(readable, facts, source)), content_type=BATCH)
        if facts:
            response.headers["Link"] = f'<{_url_after(facts[-1], query["limit"])}>; rel="next"'
    response.vary.add("Accept")
    return response


def _form() -> Form | None:
    """Return the form that is asked for. Where `Accept` names lines beside JSON, they are meant."""
    form = current().form
    if FORMAT in request.args or form not in (None, NDJSON):
        return form
    return NDJSON if is_asked_for_lines(request.accept_mimetypes) else None


def _events(readable: Readable, facts: Sequence[Notification], source: str) -> Iterator[bytes]:
    leaves = readable.leaves([fact.id for fact in facts])
    return (event_of(fact, source, leaves[fact.id]) for fact in facts)


def _awaited(readable: Readable, after: int, most: int, seconds: float) -> list[Notification]:
    """Return the facts behind a position. Where there are none wait so many seconds for them."""
    deadline, end = time.monotonic() + seconds, current().end
    assert end, "the pipeline has asked where the read models are"
    while not (facts := readable.page(after, end.position, most)):
        after, left = max(after, end.position), deadline - time.monotonic()
        if left <= 0:
            break
        end = waited(end, after + 1, current_app.config[WAITS], left)
        if end.position <= after:
            break
    return facts


def _stream(form: Form, readable: Readable, after: int, source: str) -> Response:
    """Return all facts behind a position, up to where the read models are now. Raises Overloaded."""
    end, place = current().end, request.environ.get(PLACE)
    assert end, "the pipeline has asked where the read models are"
    if request.method == "HEAD" and form is NDJSON:
        return Response(content_type=LINES)
    room: Room = current_app.config[STREAMS]
    stack = ExitStack()
    stack.enter_context(room.entered())
    blocks = _blocks(readable, after, end.position, source, place)
    if form is not NDJSON:
        rows = (event.decode() for block in blocks for event in block)
        return response_of(form, CLOUD_EVENT.fields, Found(rows, None, end), "", stack)
    request.environ[STREAMED] = True
    response = Response(_lines(blocks, stack), content_type=LINES)
    response.call_on_close(stack.close)  # also where nobody takes the first line
    return response


def _lines(blocks: Iterator[list[bytes]], stack: ExitStack) -> Iterator[bytes]:
    with stack:
        for block in blocks:
            if block:
                yield b"".join(event + b"\n" for event in block)


def _blocks(
    readable: Readable, after: int, last: int, source: str, place: Place | None
) -> Iterator[list[bytes]]:
    """Yield the events of a block at a time. There is a place for reading it, and none while it is sent."""
    blocks = readable.blocks(after, last)
    while True:
        with place.held() if place else nullcontext():
            if (block := next(blocks, None)) is None:
                return
            events = [*_events(readable, block, source)]
        yield events


def _url_after(fact: Notification, limit: int) -> str:
    """Return the URL of what comes after a fact."""
    query = {"after": fact.id, "limit": limit} | ({"wait": last_of("wait")} if last_of("wait") else {})
    return f"{root_url()}{quote(request.path[1:])}?{urlencode(query)}"
