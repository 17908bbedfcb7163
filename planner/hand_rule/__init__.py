"""The hand rule: one layer, axis by axis, worked out as on paper; what it loses and why, and what would lose nothing.

At stride 1 the size is n − K + 1: the kernel costs K − 1, and padding gives back. A stride divides that number and
rounds up. A kernel never discards a cell; only a stride does. All numbers are answers of the axis maps in `geometry`.

A new kind of layer is a file with one class as `Sliding` is; words and strips may be bettered freely.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod

from planner.geometry import all_cells
from planner.hand_rule._working import Change, Finding, OnAxis, Strip, Working, WorkingLine
from planner.hand_rule.request import Refused, Request

__all__ = [
    "Change",
    "Finding",
    "OnAxis",
    "OnPaper",
    "Refused",
    "Request",
    "Strip",
    "Working",
    "WorkingLine",
    "work_out",
]

MOST_OUT = 10_000_000
"""The longest axis that may come out."""


@dataclass(frozen=True, slots=True)
class OnPaper:
    """One layer worked out on every axis of its input."""

    axes: tuple[Working, ...]

    def name(self, axis: int) -> str:
        from planner.layers._layer import axis_name

        return axis_name(axis, len(self.axes))

    @property
    def fits(self) -> bool:
        return all(each.out is not None for each in self.axes)

    @property
    def cells(self) -> int:
        return prod(each.n for each in self.axes)

    @property
    def taps(self) -> int:
        """The taps of the whole kernel; 0 where none slides."""
        return prod(len(each.taps) for each in self.axes)

    @property
    def dilated(self) -> bool:
        return any(each.layer.arguments().get("dilation", 1) != 1 for each in self.axes)

    @property
    def mean_taps(self) -> Fraction:
        """How many of its taps fall on cells, on average."""
        return prod((each.mean_taps for each in self.axes), start=Fraction(1))

    @property
    def unread(self) -> int:
        """The cells of the whole input that nothing reads: all that lie in a row, on any axis, that nothing reads."""
        read = [each.layer.map(each.n).reads(all_cells(each.out or 0), each.n).bit_count() for each in self.axes]
        return self.cells - prod(read)


def work_out(request: Request) -> OnPaper:
    """Every axis; those that are alike once. Raises Refused where the request is no layer."""
    known: dict[tuple[OnAxis, int], Working] = {}
    pairs = list(zip(request.layers(), request.sizes(), strict=True))
    for layer, n in pairs:
        if (out := layer.map(n).length(n)) > MOST_OUT:
            raise Refused(f"{out:,} cells would come out; {MOST_OUT:,} are the most that is worked out")
        if (layer, n) not in known:
            known[layer, n] = layer.work_out(n)
    return OnPaper(tuple(known[pair] for pair in pairs))
