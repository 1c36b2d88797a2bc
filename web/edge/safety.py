"""Headers that every answer has, whoever makes it: a view, a page, an error, a 304 or a busy server.

They are for browsers. An answer of the API is no document: nothing may be loaded from it, nobody may frame
it, and it is what its content type says. Pages say themselves what they load. What came with a token or a
cookie is kept by nobody but its reader's browser, which asks each time whether it still holds.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", POLICY),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""What an answer has that says nothing else itself."""

OF_HTTPS = (("Strict-Transport-Security", "max-age=31536000"),)
"""Where the client came by https, as a proxy that is believed says. Of subdomains we know nothing."""

OF_SOMEBODY = (("Cache-Control", "private, no-cache"),)

SECRETS = ("HTTP_AUTHORIZATION", "HTTP_COOKIE")


class Safety:
    """WSGI middleware that adds these headers. It is the outermost one."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_of_somebody = any(name in environ for name in SECRETS)

        def answer(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            told = {name.lower() for name, _ in headers}
            added = ALWAYS + (OF_SOMEBODY if is_of_somebody or "set-cookie" in told else ())
            if environ["wsgi.url_scheme"] == "https":  # now, as a proxy says it further inside
                added += OF_HTTPS
            new = [each for each in added if each[0].lower() not in told]
            return start_response(status, [*headers, *new], *rest)

        return self._application(environ, answer)
