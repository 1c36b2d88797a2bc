"""Values of a file in Waldur's structure format: types, checks, and the base of all objects."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from ledger.domain.people import Person
from web.wire.fields import check_offset, digits_problem

# No longer than Waldur's. Some of them are indexed, which PostgreSQL does up to 2,700 bytes.
Name = Annotated[str, Meta(max_length=500)]
ComponentType = Annotated[str, Meta(min_length=1, max_length=255)]
Username = Annotated[str, Meta(min_length=1, max_length=255)]
SmallInteger = Annotated[int, Meta(ge=0, le=1000)]

People = Mapping[str, Person]
"""The person behind each username."""


class Timestamp:
    """A date with or without time. Without an offset it is the ledger's local time."""

    def __init__(self, text: object, zone: tzinfo) -> None:
        """Read the text of a date. Raises ValueError."""
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            raise ValueError("Is no date or time") from None
        check_year(moment)
        self.at = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        check_offset(self.at)


def check_year(day: date) -> None:
    """Raise ValueError for a year from which a zone or the next month could lead out of the calendar."""
    if not 1 < day.year < 9999:
        raise ValueError("Is out of range")


def decode_hook(zone: tzinfo) -> Callable[[type, object], Timestamp]:
    """Return the hook that decodes the one type here that msgspec does not know."""

    def decode(kind: type, value: object) -> Timestamp:
        assert kind is Timestamp
        return Timestamp(value, zone)

    return decode


class BadValue(Exception):
    """A value can't be used: key and reason."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key, self.reason = key, reason


def check_amount(key: str, amount: Decimal) -> None:
    """Raise BadValue unless it is a figure as the ledger keeps them."""
    check_number(key, amount)
    if problem := digits_problem(amount):
        raise BadValue(key, problem)


def check_number(key: str, number: Decimal | None) -> None:
    """Raise BadValue unless it is a number of a size that databases take."""
    if number is None:
        return
    if not number.is_finite():
        raise BadValue(key, "Is no number")
    _, digits, exponent = number.as_tuple()
    if len(digits) > 40 or abs(int(exponent)) > 40:
        raise BadValue(key, "Has too many digits")


class StructureItem(Struct, frozen=True, kw_only=True):
    """An object of a list. `REFERS` names the list that each of its references leads to."""

    VALUE: ClassVar[type[Struct]]
    REFERS: ClassVar[dict[str, str]] = {}

    def references(self) -> dict[str, str]:
        """Return the list that each reference leads to, by the attribute's name."""
        return self.REFERS

    def check(self) -> None:
        """Raise BadValue for an error that the types alone can't find."""

    def value(self, people: People, zone: tzinfo) -> Any:
        """Return the object as the ledger takes it. A missing or null key has the ledger's default."""
        return self.VALUE(**self._given())

    def _given(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        return {
            name: each.at if isinstance(each, Timestamp) else each
            for name, each in given.items()
            if each is not None
        }


class PersonalItem(StructureItem, frozen=True, kw_only=True):
    """An object with a username, in place of which the ledger has a person."""

    username: str

    def value(self, people: People, zone: tzinfo) -> Any:
        person, given = people[self.username], self._given()
        del given["username"]
        return self.VALUE(**given, person=person.uuid, commitment=person.commitment)
