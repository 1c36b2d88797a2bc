"""Tells in one line what is wrong with what a command was given."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from marshmallow import ValidationError

from web.wire.body import NON_FIELD
from web.wire.errors import MalformedBody


@contextmanager
def told(about: str = "") -> Iterator[None]:
    """Turn refusals into click's, which prints a line and exits. It begins with what they are about."""
    try:
        yield
    except MalformedBody as error:
        raise click.ClickException(_line(about, str(error))) from None
    except ValidationError as error:
        raise click.ClickException(_line(about, *_sentences(error.messages_dict))) from None


def _line(about: str, *sentences: str) -> str:
    return f"{about}: {'; '.join(sentences)}" if about else "; ".join(sentences)


def _sentences(messages: dict[str, Any], within: str = "") -> Iterator[str]:
    """Yield what is wrong, each with the name of the value, and of those that it is in."""
    for name, told in messages.items():
        whole = within if name == NON_FIELD else f"{within}{'.' if within else ''}{name}"
        if isinstance(told, dict):
            yield from _sentences(told, whole)
        else:
            yield ": ".join(filter(None, (whole, " ".join(map(str, told)))))
