"""The hand rule: one layer, axis by axis, worked out as on paper; what it loses and why, and what would lose nothing.

At stride 1 the size is n − K + 1: the kernel costs K − 1, and padding gives back. A stride divides that number and
rounds up. A kernel never discards a cell; only a stride does. All numbers are answers of the axis maps in `geometry`.

A new kind of layer is a file with one class as `Sliding` is; words and pictures may be improved freely.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from planner.geometry import AxisMap, Bins, SameWindow, Spread, Window, all_cells
from planner.hand_rule._working import Change, Finding, OnAxis, Strip, Working, WorkingLine
from planner.hand_rule.adaptive import Adaptive
from planner.hand_rule.request import Refused, Request
from planner.hand_rule.sliding import Sliding
from planner.hand_rule.transposed import Transposed

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
    "layer_of",
    "work_out",
    "worked_out",
]

MOST_OUT = 10_000_000
"""The longest output axis."""


@dataclass(frozen=True, slots=True)
class OnPaper:
    """One layer, worked out on every axis of its input."""

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
        """The number of taps of the whole kernel; 0 where no kernel slides."""
        return prod(len(each.taps) for each in self.axes)

    @property
    def dilated(self) -> bool:
        return any(each.layer.arguments().get("dilation", 1) != 1 for each in self.axes)

    @property
    def mean_taps(self) -> Fraction:
        """The mean number of the kernel's taps that fall on cells."""
        return prod((each.mean_taps for each in self.axes), start=Fraction(1))

    @property
    def unread(self) -> int:
        """The number of cells of the whole input that nothing reads: all in a row that nothing reads, on any axis."""
        read = [each.layer.map(each.n).reads(all_cells(each.out or 0), each.n).bit_count() for each in self.axes]
        return self.cells - prod(read)


def layer_of(along: AxisMap) -> OnAxis | None:
    """The layer, as it is worked out on paper, that moves along an axis as a map says; None where there is none."""
    match along:
        case Window(kernel, stride, dilation, before, after, ceil, "constant"):
            return Sliding(kernel, stride, dilation, (before, after), ceil)
        case SameWindow(kernel, stride, dilation, "constant"):
            return Sliding(kernel, stride, dilation, "same" if stride == 1 else "tf_same")
        case Spread(kernel, stride, dilation, padding, output_padding):
            return Transposed(kernel, stride, dilation, padding, output_padding)
        case Bins(bins):
            return Adaptive(bins)
    return None


def worked_out(pairs: Iterable[tuple[OnAxis, int]]) -> OnPaper:
    """Layers worked out, each on an axis of so many cells."""
    return OnPaper(tuple(layer.work_out(n) for layer, n in pairs))


def work_out(request: Request) -> OnPaper:
    """The layer of a request, worked out on every axis; equal axes once. Raises Refused if the request is no layer."""
    known: dict[tuple[OnAxis, int], Working] = {}
    pairs = list(zip(request.layers(), request.sizes(), strict=True))
    for layer, n in pairs:
        if (out := layer.map(n).length(n)) > MOST_OUT:
            raise Refused(f"{out:,} cells would come out; {MOST_OUT:,} are the most that is worked out")
        if (layer, n) not in known:
            known[layer, n] = layer.work_out(n)
    return OnPaper(tuple(known[pair] for pair in pairs))
