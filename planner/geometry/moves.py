"""Axis maps that move cells unchanged: centring, slices, turning round, picking, writing over."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from planner.cells import Cells, all_cells, every, imaged, mirrored, shifted, spaced
from planner.geometry.axis_map import AxisMap, Ramp, Span
from planner.geometry.shift import KEEP, Shift


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
