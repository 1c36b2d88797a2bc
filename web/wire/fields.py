"""Fields of request bodies. What they accept, and the words in which they refuse, are Waldur's."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

from marshmallow import ValidationError, fields

from ledger.domain.catalogue import PlanPeriod
from ledger.domain.months import month_of, start_of
from ledger.domain.reports import Measured
from ledger.errors import InvalidItem
from web.fast.loader import FieldCache, load_well_formed
from web.wire.body import Body, Loading, not_a_dictionary, not_a_list
from web.wire.bounds import check_items
from web.wire.errors import echo

REQUIRED: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": "This field is required.",
    "null": "This field may not be null.",
}

TRUE = {"t", "y", "yes", "true", "on", "1"}
FALSE = {"f", "n", "no", "false", "off", "0"}
NULL = {"", "null", "none"}

NO_DATETIME = (
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)

A_POSITION = "be a position: a whole number from 0 on."
MOST_DIGITS = 18

CENT = Decimal("0.01")

MOST_WORDED = 1_000
"""Of how many wrong items of a list it is said what is wrong."""
WRONG_TOO = InvalidItem(
    {"non_field_errors": [f"Is wrong, too: what is wrong is said of the first {MOST_WORDED} such items."]}
)


class Text(fields.Field[str]):
    """A string, trimmed. Numbers are taken as strings."""

    default_error_messages = REQUIRED

    def __init__(self, *, allow_blank: bool = False, max_length: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_blank, self.max_length = allow_blank, max_length

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValidationError("Not a valid string.")
        text = str(float(value) if isinstance(value, Decimal) else value).strip()
        if not text and not self.allow_blank:
            raise ValidationError("This field may not be blank.")
        if "\x00" in text:
            raise ValidationError("Null characters are not allowed.")
        if self.max_length is not None and len(text) > self.max_length:
            raise ValidationError(f"Ensure this field has no more than {self.max_length} characters.")
        return text


class Amount(fields.Field[Decimal]):
    """A figure with at most 18 digits before and 2 after the point; the result has exactly 2."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        text = str(value).strip()
        if len(text) > 1000:
            raise ValidationError("String value too large.")
        try:
            amount = Decimal(text)
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or "_" in text:
            raise ValidationError("A valid number is required.")
        if problem := digits_problem(amount):
            raise ValidationError(problem)
        return amount.quantize(CENT) + 0  # + 0 makes a negative zero a zero


def digits_problem(amount: Decimal) -> str | None:
    """Return the error of a finite number's digits as they are written: `5.000` has three decimals."""
    _, digits, exponent = amount.as_tuple()
    assert isinstance(exponent, int), "only NaN and infinities have another exponent"
    decimals = max(0, -exponent)
    whole = max(0, len(digits) + exponent)
    if max(whole + decimals, len(digits)) > 20:
        return "Ensure that there are no more than 20 digits in total."
    if decimals > 2:
        return "Ensure that there are no more than 2 decimal places."
    if whole > 18:
        return "Ensure that there are no more than 18 digits before the decimal point."
    return None


class Choice(fields.Field[str]):
    """One of some words."""

    default_error_messages = REQUIRED

    def __init__(self, choices: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in self.choices:
            raise ValidationError(f'"{echo(value)}" is not a valid choice.')
        return str(value)


class NullableBoolean(fields.Field[bool | None]):
    """True, false or null, in any of the ways in which forms and scripts write them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_none=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool | None:
        word = str(value).lower()
        if isinstance(value, list | dict) or word not in TRUE | FALSE | NULL:
            raise ValidationError("Must be a valid boolean.")
        return None if word in NULL else word in TRUE


class Moment(fields.Field[Measured]):
    """A date with or without time, kept as written. Without an offset it is the ledger's local time."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Measured:
        try:
            if not isinstance(value, str):
                raise ValueError(value)
            moment = moment_of(value.strip(), Loading.get().zone)
        except ValueError:
            raise ValidationError(NO_DATETIME) from None
        return Measured(at=moment, written=value.strip())


def moment_of(text: str, zone: tzinfo) -> datetime:
    """Return a moment written in ISO 8601, in `zone` if it names no offset. Raises ValueError.

    The first and the last year are left out: no zone and no next month leads out of the calendar then.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if not 1 < moment.year < 9999:
        raise ValueError("Is out of range")
    check_offset(moment)
    return moment


def check_offset(moment: datetime) -> None:
    """Raise ValueError for an offset that facts can't keep, or PostgreSQL does not take."""
    offset = moment.utcoffset() or timedelta(0)
    if abs(offset) >= timedelta(hours=16) or offset % timedelta(minutes=1):
        raise ValueError("Has an offset from UTC that there is not")


def load_item(schema: Body, item: Any, cache: FieldCache, *, is_worded: bool = True) -> Any:
    """Return an item of a list as `schema` loads it, or an InvalidItem; `cache` is of the whole list.

    To find the words for an error takes longer than all else: without `is_worded` they are not looked for.
    """
    if not isinstance(item, Mapping):
        return InvalidItem({"non_field_errors": [not_a_dictionary(item)]})
    try:
        return schema.load(item, cache=cache) if is_worded else load_well_formed(schema, item, cache)
    except ValidationError as error:
        return InvalidItem(error.messages_dict) if is_worded else WRONG_TOO


class Items(fields.Field[list[Any]]):
    """A list of objects. Errors are a list aligned with it, an empty object for each good item."""

    default_error_messages = REQUIRED

    def __init__(self, schema: Body, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schema = schema

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError({"non_field_errors": [not_a_list(value)]})
        check_items(len(value))
        return self.checked(list(self._loaded(value)))

    def _loaded(self, items: list[Any]) -> Iterator[Any]:
        cache, wrong = FieldCache(dict), 0
        for item in items:
            loaded = load_item(self.schema, item, cache, is_worded=wrong < MOST_WORDED)
            wrong += isinstance(loaded, InvalidItem)
            yield loaded

    def checked(self, items: list[Any]) -> list[Any]:
        errors = [item.problems if isinstance(item, InvalidItem) else {} for item in items]
        if any(errors):
            raise ValidationError(errors)
        return items


class BulkItems(Items):
    """At least one object. Bad ones load as InvalidItem: the ledger refuses them along with its own."""

    def checked(self, items: list[Any]) -> list[Any]:
        if not items:
            raise ValidationError("At least one usage item is required.")
        return items


Kind = Literal["resources", "components", "plan_periods", "usages", "offering_users", "offerings"]
"""The part of Found that a field's uuids are looked up in."""


def no_such(value: Any) -> str:
    """Return what is said of a uuid that names nothing, or nothing that the caller may know of."""
    return f"Object with uuid={echo(value)} does not exist."


class Reference(fields.Field[Any]):
    """The uuid of something that exists, loaded as the object that was found for it.

    An unknown uuid and a text that is no uuid get the same error.
    """

    default_error_messages = REQUIRED

    def __init__(self, kind: Kind, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def uuid_in(self, text: str) -> UUID | None:
        """Return the uuid that a text names, None if it names none."""
        return uuid_of(text)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value == "":
            raise self.make_error("null")
        uuid = uuid_of(value)
        found = getattr(Loading.get().found, self.kind).get(uuid) if uuid else None
        if found is None:
            raise ValidationError(no_such(value))
        return found


class OpenPlanPeriod(Reference):
    """The uuid of a plan period that has not ended before the current month, loaded as a PlanPeriod."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("plan_periods", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> PlanPeriod:
        period: PlanPeriod = super()._deserialize(value, attr, data, **kwargs)
        context = Loading.get()
        if period.end and period.end < start_of(month_of(context.now, context.zone), context.zone):
            raise ValidationError("Billing period is closed.")
        return period


def position_of(value: Any) -> int | None:
    """Return a position as JSON or a table writes it, None for anything else."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    is_whole = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return int(text) if is_whole else None


class Position(fields.Field[int]):
    """A position in the journal."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        position = position_of(value)
        if position is None:
            raise ValidationError(f"Must {A_POSITION}")
        return position


def uuid_of(value: Any) -> UUID | None:
    """Return a uuid written with or without dashes, None for anything else."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
