"""Proof that nobody rewrote the journal: what is hashed, how it is signed, and how an auditor checks both.

It needs Python's standard library, `cryptography` for signatures, and nothing else of this project.
"""


class Malformed(ValueError):
    """Bytes or text are not of the form that they should be."""


class Unproven(ValueError):
    """A signature or a proof does not hold."""
