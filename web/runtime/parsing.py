"""What the texts of settings mean: each function returns a value, or raises ValueError with what is wrong.

The reason follows the name of a variable.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[1-9]\d{0,4}))?")
"""In lower case and ASCII, and with the schemes of browsers' extensions."""

LEDGER_ORIGIN = re.compile(r"[A-Za-z0-9._~:/@-]{1,200}")

LAST_PORT = 65_535

DAY = 86_400

SHORTEST_POLL, LONGEST_POLL = 0.01, 10
"""In seconds: below, a database is asked for nothing else; above, answers are too old."""

WEB_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")

USUAL_PORT = re.compile(r"http:.*:80|https:.*:443")


def parse_zone(text: str) -> ZoneInfo:
    """Return the time zone of an IANA name. Raises ValueError."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError):  # it imports what is named
        raise ValueError(f"{text!r} is no time zone like Europe/Tallinn") from None


def parse_bytes(text: str) -> int:
    """Return a positive number of bytes. Raises ValueError."""
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"{text!r} is no number of bytes")
    return int(text)


def parse_count(text: str) -> int:
    """Return a number of things, which may be 0. Raises ValueError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 3):
        raise ValueError(f"{text!r} is no number from 0 to 99")
    return int(text)


def parse_seconds(text: str) -> float:
    """Return a number of seconds, with or without decimals, up to a day. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,6})?", text) or float(text) > DAY:
        raise ValueError(f"{text!r} is no number of seconds from 0 to {DAY}")
    return float(text)


def parse_poll(text: str) -> float:
    """Return the seconds between two looks at a database. Raises ValueError."""
    seconds = parse_seconds(text)
    if not SHORTEST_POLL <= seconds <= LONGEST_POLL:
        raise ValueError(f"{text!r} is no number of seconds from {SHORTEST_POLL} to {LONGEST_POLL}")
    return seconds


def parse_url(text: str) -> str | None:
    """Return the URL of a server, None for an empty one. Raises ValueError."""
    if text and not WEB_URL.fullmatch(text):
        raise ValueError(f"{text!r} is no URL like https://ledger.example.org")
    return text or None


def number_from(least: int, most: int) -> Callable[[str], int]:
    """Return a function that reads a number of things between bounds, and raises ValueError for others."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 7 and least <= int(text) <= most):
            raise ValueError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return parse


def seconds_from(least: float, most: float) -> Callable[[str], float]:
    """Return a function that reads seconds between bounds, and raises ValueError for others."""

    def parse(text: str) -> float:
        if not (re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,6})?", text) and least <= float(text) <= most):
            raise ValueError(f"{text!r} is no number of seconds from {least:g} to {most:g}")
        return float(text)

    return parse


def parse_origins(text: str) -> tuple[str, ...]:
    """Return the origins in a list with commas, or `*`, as browsers write them. Raises ValueError."""
    origins = tuple(each.strip().lower() for each in text.split(",") if each.strip())
    for each in origins:
        found = ORIGIN.fullmatch(each)
        if each != "*" and (found is None or int(found["port"] or 0) > LAST_PORT):
            raise ValueError(f"{each!r} is no origin like https://portal.example.org, without a path")
        if USUAL_PORT.fullmatch(each):
            raise ValueError(f"browsers leave out the port of {each!r}, as it is the usual one")
    if "*" in origins and len(origins) > 1:
        raise ValueError("'*' stands for every origin, so there can be no other beside it")
    return origins


def parse_origin(text: str) -> str:
    """Return what a ledger is called: what can stand in a URL, and in a signed note. Raises ValueError."""
    if text and not LEDGER_ORIGIN.fullmatch(text):
        raise ValueError(f"{text!r} is no name like ledger.example.org/hpc, in ASCII and without spaces")
    return text


def parse_currency(text: str) -> str:
    """Return a currency by its code of ISO 4217. Raises ValueError."""
    if not re.fullmatch("[A-Z]{3}", text):
        raise ValueError(f"{text!r} is no code of a currency like EUR, as ISO 4217 has them")
    return text


def parse_switch(text: str) -> bool:
    """Return whether a text is `yes`. Raises ValueError unless it is `yes` or `no`."""
    if text.lower() not in ("yes", "no"):
        raise ValueError(f"{text!r} is neither yes nor no")
    return text.lower() == "yes"


def parse_folder(text: str) -> Path:
    """Return an absolute path, with `~` expanded."""
    return Path(text).expanduser().absolute()


def parse_token(text: str) -> str | None:
    """Return an API token, None for an empty one. Raises ValueError, with no part of the token in it."""
    token = text.strip()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ValueError("has characters that no API token has")
    return token or None


def parse_log(text: str) -> Literal["json", "text"] | None:
    """Return the form of the log, None for that which suits where it goes. Raises ValueError."""
    if text in ("json", "text"):
        return "json" if text == "json" else "text"
    if text:
        raise ValueError(f"{text!r} is neither json nor text")
    return None


def parse_choice(text: str) -> bool | None:
    """Return whether a text is `yes`, None where nothing is chosen. Raises ValueError."""
    return parse_switch(text) if text else None


def parse_metrics(text: str) -> bool:
    """Return whether everybody may read the metrics. Raises ValueError unless it is `open` or nothing."""
    if text not in ("", "open"):
        raise ValueError(
            f"{text!r} is not open; LEDGER_METRICS_TOKEN has them read by those who know a token"
        )
    return text == "open"
