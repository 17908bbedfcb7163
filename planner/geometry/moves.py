"""Axis maps that move cells unchanged: padding, cropping, slices, turning round, picking, writing over."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from planner.cells import Cells, all_cells, every, folded, imaged, mirrored, one_cell, shifted, spaced
from planner.geometry.axis_map import AxisMap, Ramp, Span

PadMode = Literal["constant", "reflect", "replicate", "circular"]
"""What padding cells are: a number, or copies of real cells."""


@dataclass(frozen=True, slots=True)
class Shift(AxisMap):
    """Padding (positive) and cropping (negative) at either end; also the place of a part within a concatenation."""

    before: int = 0
    after: int = 0
    mode: PadMode = "constant"

    def length(self, n: int) -> int:
        return n + self.before + self.after

    def reads(self, cells: Cells, n: int) -> Cells:
        read = shifted(cells, -self.before) & all_cells(n)
        if self.mode != "constant":
            before, after = max(self.before, 0), max(self.after, 0)
            read |= self._copied(cells & all_cells(before), shifted(cells, -n - self.before) & all_cells(after), n)
        return read

    def span(self, n: int) -> Span:
        return Span(Ramp((-self.before,), 1), Ramp((-self.before,), 1))

    @property
    def settles(self) -> int:
        mirrored = 0 if self.mode == "constant" else max(self.before, self.after)
        return 1 + max(0, -self.before - self.after, mirrored)

    def _copied(self, before: Cells, after: Cells, n: int) -> Cells:
        """The real cells that padding copies, for some padding cells before the axis and some after it."""
        if self.mode == "replicate":
            return (1 if before else 0) | (one_cell(n - 1) if after else 0)
        if self.mode == "reflect":
            front = shifted(mirrored(before, self.before), 1) if before else 0
            return front | (shifted(mirrored(after, self.after), n - 1 - self.after) if after else 0)
        # As in torch, circular padding repeats what a crop at the other end leaves.
        first, end = max(-self.before, 0), n + min(self.after, 0)
        round_ = end - first
        around = folded(shifted(before, -self.before % round_), round_) | folded(
            shifted(after, (n - first) % round_), round_
        )
        return shifted(around, first)

    @property
    def keeps(self) -> bool:
        return not (self.before or self.after)


KEEP = Shift()
"""The map of every layer that leaves an axis as it is."""


@dataclass(frozen=True, slots=True)
class Centre(AxisMap):
    """The middle `size` cells of a longer axis, or a shorter axis in the middle of `size` cells; an odd cell goes to
    the end.
    """

    size: int

    def at(self, n: int) -> Shift:
        """The padding or cropping that centring means on an axis of n cells."""
        if n > self.size:
            return Shift(-((n - self.size) // 2), -((n - self.size + 1) // 2))
        return Shift((self.size - n) // 2, (self.size - n + 1) // 2)

    def length(self, n: int) -> int:
        return self.size

    def reads(self, cells: Cells, n: int) -> Cells:
        return self.at(n).reads(cells, n)

    def span(self, n: int) -> Span:
        return self.at(n).span(n)


@dataclass(frozen=True, slots=True)
class Sliced(AxisMap):
    """`x[start:stop:step]` along an axis, as Python counts; step is positive."""

    start: int | None = None
    stop: int | None = None
    step: int = 1

    def _range(self, n: int) -> range:
        return range(*slice(self.start, self.stop, self.step).indices(n))

    def length(self, n: int) -> int:
        return len(self._range(n))

    def span(self, n: int) -> Span:
        first = self._range(n).start
        return Span(Ramp((first,), self.step), Ramp((first,), self.step))

    @property
    def settles(self) -> int:
        ends = [end for end in (self.start, self.stop) if end is not None]
        from_start, from_end = max([0, *ends]), -min([0, *ends])
        return max(from_start + from_end, 1)

    def reads(self, cells: Cells, n: int) -> Cells:
        return shifted(spaced(cells, self.step), self._range(n).start) & all_cells(n)


@dataclass(frozen=True, slots=True)
class Flipped(AxisMap):
    """The cells in reverse: output i is input n − 1 − i."""

    def length(self, n: int) -> int:
        return n

    def reads(self, cells: Cells, n: int) -> Cells:
        return mirrored(cells, n)

    def span(self, n: int) -> Span:
        return Span(Ramp((n - 1,), -1), Ramp((n - 1,), -1))


@dataclass(frozen=True, slots=True)
class Rolled(AxisMap):
    """The cells moved on by `shift`, those that leave at one end coming in at the other: output i is input
    (i − shift) mod n.

    The span is that of the cells that do not come round; where most do, that of these.
    """

    shift: int

    def length(self, n: int) -> int:
        return n

    def reads(self, cells: Cells, n: int) -> Cells:
        shift = self.shift % n
        return shifted(cells, -shift) | shifted(cells & all_cells(shift), n - shift)

    def span(self, n: int) -> Span:
        shift = self.shift % n
        if 2 * shift > n or (2 * shift == n and self.shift < 0):
            shift -= n
        return Span(Ramp((-shift,), 1), Ramp((-shift,), 1))

    @property
    def settles(self) -> int:
        return abs(self.shift) + 1

    @property
    def keeps(self) -> bool:
        return not self.shift


@dataclass(frozen=True, slots=True)
class Picked(AxisMap):
    """The listed cells, in their order: output i is input index[i]."""

    index: tuple[int, ...]

    def length(self, n: int) -> int:
        return len(self.index)

    def reads(self, cells: Cells, n: int) -> Cells:
        return imaged(
            cells,
            lambda a, b: [(cell, cell + 1) for cell in self.index[a:b]],
            n,
            len(self.index),
            contiguous=False,
        )

    @property
    def _step(self) -> int | None:
        """How far the cells are apart, if all are equally far apart."""
        steps = {after - before for before, after in pairwise(self.index)}
        return steps.pop() if len(steps) == 1 else 1 if not steps else None

    def period(self, n: int) -> int:
        return 1 if self._step is not None else len(self.index)

    def span(self, n: int) -> Span:
        step = self._step
        ramp = Ramp(self.index, 0) if step is None else Ramp(self.index[:1], step)
        return Span(ramp, ramp)

    @property
    def settles(self) -> int:
        return max(self.index) + 1


@dataclass(frozen=True, slots=True)
class Overwritten(AxisMap):
    """An axis of which `x[start:stop:step]` is written over: the other cells stay, and these are not read."""

    cut: Sliced

    def length(self, n: int) -> int:
        return n

    def reads(self, cells: Cells, n: int) -> Cells:
        return cells & ~self.cut.reads(all_cells(self.cut.length(n)), n)

    def span(self, n: int) -> Span:
        return KEEP.span(n)

    @property
    def settles(self) -> int:
        return self.cut.settles


@dataclass(frozen=True, slots=True)
class Written(AxisMap):
    """A part that is written over the cells start, start + step, … of an axis of `cells` cells."""

    start: int
    step: int
    cells: int

    def length(self, n: int) -> int:
        return self.cells

    def reads(self, cells: Cells, n: int) -> Cells:
        return every(shifted(cells, -self.start), self.step) & all_cells(n)

    def period(self, n: int) -> int:
        return self.step

    def span(self, n: int) -> Span:
        places = [divmod(i - self.start, self.step) for i in range(self.step)]
        low = Ramp(tuple(place + (phase > 0) for place, phase in places), 1)
        return Span(low, Ramp(tuple(place for place, _ in places), 1))

    @property
    def widest(self) -> int:
        return self.step
