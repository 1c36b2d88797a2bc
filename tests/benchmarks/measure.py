"""Rounds: everything that is compared takes its turn in each of them, and medians are taken over rounds."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from statistics import median

from msgspec import Struct

from tests.benchmarks.load import Played


class Series(Struct, frozen=True):
    """The figures of one side, one for each round, and the latencies in ms where they were taken."""

    unit: str
    figures: list[float]
    p50: list[float] = []
    p99: list[float] = []
    calls: int = 0
    bytes: int = 0
    errors: int = 0

    @property
    def median(self) -> float:
        return median(self.figures)

    @property
    def median_p50(self) -> float:
        return median(self.p50)

    @property
    def median_p99(self) -> float:
        return median(self.p99)


class Target(Struct, frozen=True):
    """What a figure has to reach, the figure in words, and whether it does."""

    text: str
    figure: str
    met: bool


class Line(Struct, frozen=True):
    """A line of the table: one kind of work beside its floor, and what is asked of it.

    `note` is one more line below it.
    """

    row: int
    work: str
    measured: Series | None = None
    floor: Series | None = None
    targets: list[Target] = []
    note: str = ""
    details: dict[str, float] = {}
    """Further figures for the JSON."""


Side = Callable[[float], Played]
"""One side of a comparison: plays for so many seconds."""


def alternate(
    rounds: int, seconds: float, sides: Mapping[str, Side], settle: Callable[[], None], per_call: int = 1
) -> dict[str, Series]:
    """Lets the sides play in turn, round by round, after a short one that does not count.

    Figures are calls a second, times `per_call` where a call has several values. `settle` waits until what
    one play has left under way is done, so that it does not count against the next.
    """
    for side in sides.values():
        side(1)
    played: dict[str, list[Played]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            settle()
            played[name].append(side(seconds))
    return {name: series(each, per_call) for name, each in played.items()}


def series(played: Sequence[Played], per_call: int = 1) -> Series:
    return Series(
        unit="/s",
        figures=[(each.calls - each.refused) * per_call / each.seconds for each in played],
        p50=[each.p50 if each.calls else inf for each in played],
        p99=[each.p99 if each.calls else inf for each in played],
        calls=sum(each.calls for each in played),
        bytes=sum(each.bytes for each in played),
        errors=sum(each.errors for each in played),
    )


def at_least(ratio: float, wanted: float, of: str) -> Target:
    """That a figure is a good enough part of a floor; both in parts of one."""
    return Target(f"≥ {wanted:.0%} of {of}", f"{ratio:.1%}", ratio >= wanted)


def at_least_times(ratio: float, wanted: float, of: str) -> Target:
    return Target(f"≥ {wanted:g} x {of}", f"{ratio:.1f} x", ratio >= wanted)


def at_most_times(ratio: float, wanted: float, of: str) -> Target:
    return Target(f"≤ {wanted:g} x {of}", f"{ratio:.2f} x", ratio <= wanted)


def no_errors(*measured: Series) -> list[Target]:
    """A target only where it is missed: a refused or lost call makes a figure worthless."""
    errors = sum(each.errors for each in measured)
    return [Target("no error", f"{errors}", False)] if errors else []
