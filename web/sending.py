"""Sending a file of reports to a running service: chunk by chunk, and from where it broke off."""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Any, BinaryIO

import orjson
from msgspec import Raw

from web.bulk_client import Service, TooLarge
from web.report_files import Format, Item, Place, ReportFile
from web.sending_progress import Chunk, Progress, Refused, Sending

Sent = Callable[[Place], None]


def send(reports: ReportFile, service: Service, progress: Progress, sent: Sent) -> None:
    """Sends what is left. `sent` is told after each chunk how far it got.

    Raises SendingFailed and UnreadableFile; what was sent by then stays sent.
    """
    while items := reports.chunk(progress.sending.chunk):
        progress.begin()
        results = _results(items, service, progress.sending)
        progress.add(_chunk(reports.place, items, results))
        sent(reports.place)


def reports_left(file: BinaryIO, kind: Format, progress: Progress, tell: Callable[[str], None]) -> ReportFile:
    """The reports of a file, behind those that are sent. All of them, if that part is not what it was."""
    reports = ReportFile(file, kind)
    if progress.place is None:
        return reports
    if reports.skip_to(progress.place):
        tell(f"{progress.place.lines} lines were sent before.")
        return reports
    tell("Lines that were sent before have changed; all is sent from the start.")
    progress.restart()
    file.seek(0)
    return ReportFile(file, kind)


def _results(items: list[Item], service: Service, sending: Sending) -> list[dict[str, Any]]:
    """What became of each item; of too many at once, in halves."""
    try:
        return service.report([item.body for item in items], _key(items, sending))
    except TooLarge:
        if len(items) == 1:
            return [{"result": "refused", "errors": {"detail": "The service takes no body of this size."}}]
    middle = len(items) // 2
    return _results(items[:middle], service, sending) + _results(items[middle:], service, sending)


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
    )


def _raw(body: bytes) -> Raw:
    """A line as it is, or as a text if it is no JSON at all."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return Raw(orjson.dumps(body.decode(errors="replace")))
    return Raw(body)
