"""Rules of URLs whose builders are compiled once in a process, however many applications there are."""

from collections.abc import Callable

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]

_builders: dict[tuple[object, ...], Builder] = {}


class KeptRule(Rule):
    """A rule of werkzeug's. To compile what builds its URLs takes most of the time that an application takes,
    and every test has an application of its own.

    Such a function is given the rule when it is called, so rules with the same parts may share one.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        if self.defaults:  # compiled into the function
            return super()._compile_builder(append_unknown)
        parts = (*self._trace, append_unknown)
        if parts not in _builders:
            _builders[parts] = super()._compile_builder(append_unknown)
        return _builders[parts]
