"""Uploads a file of reports to a running service: chunk by chunk, and on from where it broke off."""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Any, BinaryIO

import orjson
from msgspec import Raw

from web.sender.client import ApiClient, NotReached, TooLarge
from web.sender.files import Format, ReportFile, Reports
from web.sender.lines import FilePosition
from web.sender.progress import Chunk, Refused, Upload, UploadProgress, packed
from web.sender.summing import SummedFile
from web.sender.tables import ReportLine

Sent = Callable[[FilePosition], None]


def send(reports: Reports, client: ApiClient, progress: UploadProgress, sent: Sent) -> None:
    """Send the reports that are left. `sent` is called after each chunk with the place that it ends at.

    Raises UploadFailed and UnreadableFile; what was sent by then stays sent.
    """
    while items := reports.chunk(progress.upload.chunk):
        progress.begin(reports.place)
        good = [item for item in items if item.errors is None]
        try:
            results = iter(_results(good, client, progress.upload) if good else ())
        except NotReached:
            progress.take_back()
            raise
        told = [
            {"result": "refused", "errors": item.errors} if item.errors else next(results) for item in items
        ]
        progress.add(_chunk(reports.place, items, told))
        sent(reports.place)


def reports_left(
    file: BinaryIO, kind: Format, progress: UploadProgress, tell: Callable[[str], None]
) -> Reports:
    """Return the reports of a file behind those that are sent; all of them if that part has changed.

    `tell` is called with a line for people that says which.
    """
    if not progress.is_begun:
        return _reports(file, kind, progress.upload)
    start = file.tell()
    reports = _reports(file, kind, progress.upload)
    if progress.place and reports.skip_to(progress.place):
        of_what = "sums" if progress.upload.is_summed else "lines"
        tell(f"{progress.place.lines} {of_what} were sent before.")
        return reports
    if progress.place:
        tell("Lines that were sent before have changed; all is sent from the start.")
    if progress.place or not reports.skip_to(progress.upload.first):
        progress.restart()  # what was on its way, if anything, was of another file
    file.seek(start)
    return _reports(file, kind, progress.upload)


def _reports(file: BinaryIO, kind: Format, upload: Upload) -> Reports:
    return (SummedFile if upload.is_summed else ReportFile)(file, kind, upload.begun)


def _results(items: list[ReportLine], client: ApiClient, upload: Upload) -> list[dict[str, Any]]:
    """Return the result of each item. Sends halves where the service takes no body so large."""
    try:
        return client.report([item.body for item in items], _key(items, upload))
    except TooLarge:
        if len(items) == 1:
            return [{"result": "refused", "errors": {"detail": "The service takes no body of this size."}}]
    middle = len(items) // 2
    return _results(items[:middle], client, upload) + _results(items[middle:], client, upload)


def _key(items: list[ReportLine], upload: Upload) -> str:
    """Return an idempotency key made of the upload, the place in the file, and the items."""
    digest = sha256(f"{upload.id} {items[0].line}\n".encode())
    for item in items:
        digest.update(item.body + b"\n")
    return digest.hexdigest()


def _chunk(place: FilePosition, items: list[ReportLine], results: list[dict[str, Any]]) -> Chunk:
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
    """Return a line as it is, or as a JSON text if it is no JSON at all."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return Raw(orjson.dumps(body.decode(errors="replace")))
    return Raw(body)
