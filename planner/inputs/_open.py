"""Which axes of a network's inputs may have other sizes, found out by running it, where its inputs are tensors of any
layout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from planner.inputs._following import Longer, Varied
from planner.inputs._given import GivenRun, longer_than

LONGER = (64, 5, -1)
"""How many cells longer, or shorter, an axis is in the runs that tell whether it is open."""

Dimension = tuple[str, int]
"""One of an input, counted from that behind the batch."""


class OpenAxes(NamedTuple):
    """The axes that are open: dimensions that can be made longer, by themselves or with others of the same size.

    varied    for each input, which of these axes its dimensions are
    shorter   those that cannot be made much longer, with their sizes: a table of positions holds no more
    unrolled  dimensions over which the network goes step by step, so that it is another one for each size
    """

    varied: Mapping[str, Varied]
    shorter: Mapping[int, int] = {}
    unrolled: Sequence[Dimension] = ()

    def within(self, longer: Longer) -> Longer:
        """How much longer axes are made in a run, or how much shorter where they cannot be made longer."""
        sizes = ((more, self.shorter.get(at)) for at, more in enumerate(longer))
        return tuple(more if size is None else -(more % (size // 2 + 1)) for more, size in sizes)


Outline = Sequence[object]


def open_axes(meant: GivenRun, first: Outline, outline_of: Callable[[GivenRun], Outline | None]) -> OpenAxes:
    """The axes that are open of what a network reads.

    first       what it calls at the sizes that are meant
    outline_of  what it calls at others; None where it does not run
    """
    sizes = {(name, i): n for name, (own, _) in meant.items() for i, n in enumerate(own[1:]) if n > 1}
    unrolled: list[Dimension] = []

    def tried(some: Sequence[Dimension]) -> int | None:
        """How much longer some dimensions can be made together."""
        known = [first]
        runs: list[int] = []
        for more in LONGER:
            run = longer_than(meant, _varied(meant, [some]), (more,))
            if run is None or (found := outline_of(run)) is None:
                continue
            runs.append(more)
            if found in known:
                return runs[0]
            known.append(found)
        unrolled.extend(some if runs else ())
        return None

    found: dict[tuple[Dimension, ...], int] = {}
    for each in sizes:
        if more := tried([each]):
            found[each,] = more
    alone = {each for each, *_ in found} | {*unrolled}
    for size in dict.fromkeys(sizes.values()):
        together = [each for each, n in sizes.items() if n == size and each not in alone]
        for some in (together, *combinations(together, max(len(together) - 1, 0))):
            if len(some) > 1 and (more := tried(some)):
                found[tuple(some)] = more
                break
    axes = sorted(found, key=lambda some: [*sizes].index(some[0]))
    shorter = {at: sizes[some[0]] for at, some in enumerate(axes) if found[some] != LONGER[0]}
    return OpenAxes(_varied(meant, axes), shorter, [*dict.fromkeys(unrolled)])


def _varied(meant: GivenRun, axes: Iterable[Sequence[Dimension]]) -> dict[str, Varied]:
    """For each input, which of some axes its dimensions are."""
    known = {each: at for at, some in enumerate(axes) for each in some}
    return {name: tuple(known.get((name, i)) for i in range(len(own) - 1)) for name, (own, _) in meant.items()}
