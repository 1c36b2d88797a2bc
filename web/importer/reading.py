"""Reads files in Waldur's structure format: their lists, object by object, and the keys that are not read.

What is wrong is told with list, position, key and value. What we don't know is passed over, and named.
"""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import tzinfo
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Raw

from web.importer.structure import KEYS, LISTS
from web.importer.values import StructureItem, decode_hook
from web.importer.yaml_text import NotYaml, json_of

LONGEST_VALUE = 100
"""In characters: as much of a wrong value is shown."""

MOST_NAMED = 20
"""So many of a list's keys that are not read are named, the first ones."""

LIKENESS = 0.8
"""A name so like another one is taken for a misspelt one: `customer_uid` is 0.96 of `customer_uuid`."""

YAML = (".yaml", ".yml")
"""Suffixes of files that are not in JSON."""

Lists = dict[str, list[Raw]]

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class StructureError(Exception):
    """A file can't be imported; nothing of it was. The message names list, position, key and value."""


class Key:
    """A key of an object as often as it is there: unlike texts, no two of these are equal."""

    __slots__ = ("text",)

    def __init__(self, _kind: type, text: str) -> None:
        self.text = text


WITH_ALL_KEYS = msgspec.json.Decoder(dict[Key, Raw], dec_hook=Key)


class Unread:
    """The keys of a file that are not read: each name once, with the number of objects that have it."""

    def __init__(self) -> None:
        self._keys: dict[str, Counter[str]] = {name: Counter() for name in LISTS}
        self._meant: dict[tuple[str, str], str] = {}

    def note(self, name: str, keys: Collection[str]) -> None:
        """Take in the keys of an object of a list."""
        if unread := set(keys) - KEYS[name]:
            counted = self._keys[name]
            for key in sorted(unread - counted.keys()):
                if len(counted) <= MOST_NAMED:  # one more, to know that there are more
                    counted[key] = 0
                    self._meant[name, key] = _meant(key, KEYS[name] - set(keys))
            counted.update(unread & counted.keys())

    def lines(self) -> Iterator[str]:
        """Yield a line for each list that has keys which are not read."""
        for name, counted in self._keys.items():
            named = [
                f"{_printable(key)} (of {number}{self._meant[name, key]})"
                for key, number in islice(counted.items(), MOST_NAMED)
            ]
            if len(counted) > MOST_NAMED:
                named.append("and more")
            if named:
                yield f"{name}: not read: {', '.join(named)}"


def read_lists(path: Path) -> tuple[Lists, list[str]]:
    """Return the known lists of a file, their objects still as text, and a line for people if it has others.

    A file in YAML is told by its name. Raises StructureError, OSError.
    """
    try:
        text = _text(path)
        top = WITH_ALL_KEYS.decode(json_of(bytes(text)) if path.suffix.lower() in YAML else text)
    except (*UNREADABLE, NotYaml) as error:
        raise StructureError(f"{path}: {error}") from None
    counted = Counter(key.text for key in top)
    known = {key.text: text for key, text in top.items() if key.text in LISTS}
    if not known:
        raise StructureError(f"{path} has none of the lists of Waldur's structure format: {', '.join(LISTS)}")
    if twice := [name for name in known if counted[name] > 1]:
        raise StructureError(f"{path}: {twice[0]} is there {counted[twice[0]]} times")
    others = [
        f"{_printable(key.text)} ({_size(text)}{_meant(key.text, LISTS.keys() - known.keys())})"
        for key, text in top.items()
        if key.text not in LISTS
    ]
    lists = {name: _objects(name, known.get(name, Raw(b"[]"))) for name in LISTS}
    return lists, [f"{path}: not read: {', '.join(others)}"] if others else []


def _text(path: Path) -> memoryview:
    """Return a file in UTF-8, with or without a byte order mark. Raises StructureError for UTF-16 and 32."""
    data = path.read_bytes()
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise StructureError(f"{path}: Is in UTF-16 or UTF-32, and only UTF-8 is read")
    return memoryview(data)[len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0 :]


def _objects(name: str, text: Raw) -> list[Raw]:
    try:
        return msgspec.json.decode(text, type=list[Raw])
    except UNREADABLE:
        raise StructureError(f"{name} = {shown(text)}: Is not a list of objects") from None


def _size(text: Raw) -> str:
    try:
        number = len(msgspec.json.decode(text, type=list[Raw]))
    except UNREADABLE:
        return "no list"
    return f"{number} object{'' if number == 1 else 's'}"


def _meant(name: str, known: Collection[str]) -> str:
    """Return a question if an unknown name looks like a known one, else nothing."""
    like = get_close_matches(name[:LONGEST_VALUE], known, n=1, cutoff=LIKENESS)
    return f"; is it {like[0]}?" if like else ""


def parsed(name: str, raws: Sequence[Raw], zone: tzinfo) -> Iterator[StructureItem]:
    """Yield the objects of a list; naive times are of `zone`. Raises StructureError."""
    decoder = msgspec.json.Decoder(LISTS[name], dec_hook=decode_hook(zone))
    for index, raw in enumerate(raws):
        try:
            yield decoder.decode(raw)
        except UNREADABLE as error:
            reason, _, path = str(error).partition(" - at `$.")
            if missing := re.search("missing required field `(.*)`", reason):
                raise _missing(name, index, missing[1], raw) from None
            raise error_at(name, index, re.split(r"[.\[`]", path)[0], raw, reason) from None


def keys_of(name: str, index: int, raw: Raw) -> set[str]:
    """Return the keys of an object. Raises StructureError if one that is read is there twice."""
    try:
        counted = Counter(key.text for key in WITH_ALL_KEYS.decode(raw))
    except UNREADABLE as error:
        raise error_at(name, index, "", raw, str(error)) from None
    if len(counted) < counted.total():
        twice = [key for key, number in counted.items() if number > 1 and key in KEYS[name]]
        if twice:
            raise StructureError(f"{name}[{index}].{twice[0]}: Is there {counted[twice[0]]} times")
    return set(counted)


def _missing(name: str, index: int, key: str, raw: Raw) -> StructureError:
    like = get_close_matches(key, keys_of(name, index, raw) - KEYS[name], n=1, cutoff=LIKENESS)
    instead = f"; is it {_printable(like[0])}?" if like else ""
    return StructureError(f"{name}[{index}].{key}: Is missing{instead}")


def error_at(name: str, index: int, key: str, raw: Raw, reason: str) -> StructureError:
    """Return an error about an object, or about the value of one of its keys."""
    try:
        value = msgspec.json.decode(raw, type=dict[str, Raw])[key] if key else raw
    except (*UNREADABLE, KeyError):
        key, value = "", raw
    return StructureError(f"{name}[{index}]{key and f'.{key}'} = {shown(value)}: {reason}")


def shown(raw: Raw) -> str:
    """Return a value in one line, shortened."""
    return _printable(" ".join(bytes(raw).decode(errors="replace").split()))


def _printable(text: str) -> str:
    short = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
    return "".join(each if each.isprintable() else "\ufffd" for each in short)
