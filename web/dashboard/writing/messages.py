"""What a form has done, told once on the page after it.

It is in a cookie of a minute, and not in the address: a link could say that something was approved. It is
authenticated by the session's secret, as a neighbour of our host can set cookies for it, too.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from datetime import timedelta

COOKIE = "usage_ledger_done"

LIFETIME = timedelta(minutes=1)

LONGEST = 1_000
"""In characters: browsers keep cookies of 4,096 bytes."""


def sealed(message: str, secret: str) -> str:
    """Return a message as a cookie carries it, for the session with this secret."""
    text = urlsafe_b64encode(message[:LONGEST].encode()).decode()
    return f"{text}.{_code(text, secret)}"


def opened(cookie: str, secret: str) -> str:
    """Return the message of a cookie, empty if this session has none."""
    text, _, code = cookie.partition(".")
    if not secret or not hmac.compare_digest(code.encode(), _code(text, secret).encode()):
        return ""
    try:
        return urlsafe_b64decode(text).decode()
    except (Error, UnicodeDecodeError):
        return ""


def _code(text: str, secret: str) -> str:
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()
