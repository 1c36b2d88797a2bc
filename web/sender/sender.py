"""Sending a file of reports to a running client: chunk by chunk, and from where it broke off."""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Any, BinaryIO

import orjson
from msgspec import Raw

from web.sender.client import ApiClient, NotReached, TooLarge
from web.sender.files import Format, ReportFile, Reports
from web.sender.lines import Place
from web.sender.progress import Chunk, Progress, Refused, Sending, packed
from web.sender.summing import SummedFile
from web.sender.tables import Item

Sent = Callable[[Place], None]


def send(reports: Reports, client: ApiClient, progress: Progress, sent: Sent) -> None:
    """Sends what is left. `sent` is told after each chunk how far it got.

    Raises SendingFailed and UnreadableFile; what was sent by then stays sent.
    """
    while items := reports.chunk(progress.sending.chunk):
        progress.begin(reports.place)
        good = [item for item in items if item.errors is None]
        try:
            results = iter(_results(good, client, progress.sending) if good else ())
        except NotReached:
            progress.take_back()
            raise
        told = [
            {"result": "refused", "errors": item.errors} if item.errors else next(results) for item in items
        ]
        progress.add(_chunk(reports.place, items, told))
        sent(reports.place)


def reports_left(file: BinaryIO, kind: Format, progress: Progress, tell: Callable[[str], None]) -> Reports:
    """The reports of a file, behind those that are sent. All of them, if that part is not what it was."""
    if not progress.is_begun:
        return _reports(file, kind, progress.sending)
    start = file.tell()
    reports = _reports(file, kind, progress.sending)
    if progress.place and reports.skip_to(progress.place):
        of_what = "sums" if progress.sending.is_summed else "lines"
        tell(f"{progress.place.lines} {of_what} were sent before.")
        return reports
    if progress.place:
        tell("Lines that were sent before have changed; all is sent from the start.")
    if progress.place or not reports.skip_to(progress.sending.first):
        progress.restart()  # what was on its way, if anything, was of another file
    file.seek(start)
    return _reports(file, kind, progress.sending)


def _reports(file: BinaryIO, kind: Format, sending: Sending) -> Reports:
    return (SummedFile if sending.is_summed else ReportFile)(file, kind, sending.begun)


def _results(items: list[Item], client: ApiClient, sending: Sending) -> list[dict[str, Any]]:
    """What became of each item; of too many at once, in halves."""
    try:
        return client.report([item.body for item in items], _key(items, sending))
    except TooLarge:
        if len(items) == 1:
            return [{"result": "refused", "errors": {"detail": "The service takes no body of this size."}}]
    middle = len(items) // 2
    return _results(items[:middle], client, sending) + _results(items[middle:], client, sending)


def _key(items: list[Item], sending: Sending) -> str:
    """The same for the same items in the same place of the same sending, and for nothing else."""
    digest = sha256(f"{sending.id} {items[0].line}\n".encode())
    for item in items:
        digest.update(item.body + b"\n")
    return digest.hexdigest()


def _chunk(place: Place, items: list[Item], results: list[dict[str, Any]]) -> Chunk:
    return Chunk(
        place=place,
        results=dict(Counter(result["result"] for result in results)),
        refused=[
            Refused(item.line, _raw(item.body), Raw(orjson.dumps(result.get("errors"))))
            for item, result in zip(items, results, strict=True)
            if result["result"] == "refused"
        ],
        figures=packed(result["uuid"] for result in results if isinstance(result.get("uuid"), str)),
    )


def _raw(body: bytes) -> Raw:
    """A line as it is, or as a text if it is no JSON at all."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return Raw(orjson.dumps(body.decode(errors="replace")))
    return Raw(body)
