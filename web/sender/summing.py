"""Files with several lines for a figure, one for each job, say: added up before they are sent.

Lines are of one sum when they say the same but for amount or usage, date, description and reason, and their
dates are written in the same month. A sum is sent with the first of that month at midnight, which means the
month as it is written. Where a line of a sum can't be read none of the sum is sent: nobody means half of it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple

from marshmallow import ValidationError, missing

from ledger.decisions.usage import CLOCKS_DIFFER
from ledger.errors import MeasuredInFuture
from web.sender.files import Format, ReportFile, chunk_of, dated
from web.sender.lines import FilePosition, UnreadableFile
from web.sender.tables import ReportLine
from web.wire.body import json_line, not_a_dictionary
from web.wire.errors import MalformedBody
from web.wire.failures.refusals import WORDS
from web.wire.fields import NO_DATETIME, Amount, moment_of, uuid_of
from web.wire.requests import COMPONENT_REPORT, FIELDS, USER_REPORT

AMOUNT = Amount(required=True)
TEXTS = ("description", "reason")
"""What a sum has if all its lines have the same."""
NOT_IN_COMMON = {"amount", "usage", "date", *TEXTS}
UUIDS = ("resource", "plan_period", "component_usage")
WHERE_DAYS_BEGIN = timezone(timedelta(hours=14))
"""Of a date without an offset nobody knows here which zone it is of: it may be this one."""
UNDATED = ""
ZERO = Decimal("0.00")

Errors = dict[str, Any]


class Share(NamedTuple):
    """What a line adds to a sum: that of the lines with this in common, dated in this month, as YYYY-MM.

    Of a line with `errors` the month is None if nobody knows it, and so is what it has in common.
    """

    common: str | None
    month: str | None
    amount: Decimal = ZERO
    texts: tuple[Any, ...] = ()
    errors: Errors | None = None


@dataclass(slots=True)
class Sum:
    line: int
    """The number of its first line."""
    texts: tuple[Any, ...]
    """The TEXTS of all its lines, None where they differ."""
    total: Decimal = ZERO  # exact: no file has lines enough for more than the 28 digits of a context


class SummedFile:
    """The sums of a file in the order of their first lines, behind the lines that can't be added up.

    Reads the file at once, and again where there are such lines; it keeps a few hundred bytes for each sum.
    `begun` is the date of sums without one. Raises UnreadableFile.
    """

    def __init__(self, file: BinaryIO, kind: Format, begun: str) -> None:
        self._file, self._kind, self._begun, self._start = file, kind, begun, file.tell()
        self._latest = datetime.fromisoformat(begun) + CLOCKS_DIFFER
        self._sums: dict[tuple[str, str], Sum] = {}
        self._bad: dict[tuple[str | None, str | None], int] = {}
        reports = ReportFile(file, kind, begun)
        for item in reports.undated:
            self._add(item.line, share_of(item, self._latest))
        self.is_cut_off, self._whole = reports.is_cut_off, reports.place
        self._items, self._sent = self._all(), 0

    @property
    def place(self) -> FilePosition:
        """Return the place in sums. The digest is that of the whole file: any line may change any sum."""
        return FilePosition(self._sent, self._sent, self._whole.digest)

    def skip_to(self, place: FilePosition) -> bool:
        while self._sent < place.offset and self.chunk(1):
            pass
        return self.place == place

    def chunk(self, most: int) -> list[ReportLine]:
        items = chunk_of(self._items, most)
        self._sent += len(items)
        return items

    def _add(self, line: int, share: Share) -> None:
        if share.errors or share.common is None or share.month is None:
            self._bad.setdefault((share.common, share.month), line)
            return
        each = self._sums.setdefault((share.common, share.month), Sum(line, share.texts))
        each.total += share.amount
        if each.texts != share.texts:
            pairs = zip(each.texts, share.texts, strict=True)
            each.texts = tuple(text if text == other else None for text, other in pairs)

    def _all(self) -> Iterator[ReportLine]:
        if self._bad:
            yield from (dated(item, self._begun) for item in self._refused())
        for (common, month), each in self._sums.items():
            if self._bad_line(common, month) is None:
                yield dated(ReportLine(each.line, sum_of(common, month, each)), self._begun)

    def _refused(self) -> Iterator[ReportLine]:
        """Yield the lines of sums that are not sent, from a second look at the file."""
        self._file.seek(self._start)
        reports = ReportFile(self._file, self._kind, self._begun)
        for item in reports.undated:
            share = share_of(item, self._latest)
            bad = self._bad_line(share.common, share.month)
            if share.errors:
                yield ReportLine(item.line, item.body, share.errors)
            elif bad is not None:
                told = f"Line {bad} is refused, and is of the same sum, or may be."
                yield ReportLine(item.line, item.body, {"detail": told})
        if reports.place != self._whole:
            raise UnreadableFile("it was changed while it was read")

    def _bad_line(self, common: str | None, month: str | None) -> int | None:
        """Return an unreadable line of this sum, or one that may be of it, as its month is not known."""
        for key in ((common, month), (common, None), (None, None)):
            if key in self._bad:
                return self._bad[key]
        return None


def share_of(item: ReportLine, latest: datetime) -> Share:
    """Return what a line adds to a sum, if its date is not after `latest`."""
    values = json_line(item.body)
    if isinstance(values, MalformedBody):
        return Share(None, None, errors={"detail": str(values)})
    if not isinstance(values, dict):
        wrong = {"non_field_errors": [not_a_dictionary(values)]}
        return Share(None, None, errors=item.errors or wrong)
    schema = USER_REPORT if "username" in values else COMPONENT_REPORT
    figure = "usage" if schema is USER_REPORT else "amount"
    errors = schema.strangers(values) | (item.errors or {})
    month, amount = None, None
    try:
        month = month_of(values, latest)
    except ValidationError as error:
        errors.setdefault("date", error.messages)
    try:
        amount = AMOUNT.deserialize(values.get(figure, missing))
    except ValidationError as error:
        errors[figure] = error.messages
    texts = tuple(map(values.get, TEXTS))
    return Share(common_of(values), month, amount or ZERO, texts, errors or None)


def common_of(values: dict[str, Any]) -> str:
    """Return as text what the lines of one sum have in common, in whatever way they write it."""
    common = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in values.items()
        if name in FIELDS and name not in NOT_IN_COMMON
    }
    common |= {name: uuid.hex for name in UUIDS if (uuid := uuid_of(common.get(name)))}
    return json.dumps(common, sort_keys=True, default=str)


def month_of(values: dict[str, Any], latest: datetime) -> str:
    """Return the month as the date is written. Raises ValidationError."""
    if "date" not in values:
        return UNDATED
    try:
        if not isinstance(values["date"], str):
            raise ValueError(values["date"])
        moment = moment_of(values["date"].strip(), WHERE_DAYS_BEGIN)
    except ValueError:
        raise ValidationError(NO_DATETIME) from None
    if moment > latest:  # the sum would be dated with the first of the month, and pass
        raise ValidationError(WORDS[MeasuredInFuture][1])
    return f"{moment.year:04}-{moment.month:02}"


def sum_of(common: str, month: str, total: Sum) -> bytes:
    values = json.loads(common)
    values["usage" if "username" in values else "amount"] = str(total.total)
    values |= {name: text for name, text in zip(TEXTS, total.texts, strict=True) if text is not None}
    if month != UNDATED:
        values["date"] = f"{month}-01T00:00:00"
    return json.dumps(values, default=str).encode()
