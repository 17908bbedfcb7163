"""Shapes and axis maps: the only convolution arithmetic in the house.

An axis map says how the cells of one output axis depend on the cells of one input axis. Lengths, losses, receptive
fields, reach and size solving are all worked out from its answers, so they cannot disagree. The channel axis is an
axis like the others: a dense layer is `All`, a grouped one `Grouped`, a slice of channels a `Slice`.

A set of cells on an axis is a Python int read as bits: bit i is cell i. Union is `|`, the count is `bit_count()`.

Sources: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285; the shape
sections of the torch.nn documentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Literal, Self

Cells = int
"""A set of cells of one axis, as bits."""


class Shape(tuple[int, ...]):
    """The sizes of a tensor, channels last and without the batch: `Shape((224, 224, 3))` is printed `224×224×3`."""

    __slots__ = ()

    @property
    def spatial(self) -> tuple[int, ...]:
        return self[:-1]

    @property
    def channels(self) -> int:
        return self[-1]

    @property
    def elements(self) -> int:
        return math.prod(self)

    @property
    def torch(self) -> tuple[int, ...]:
        """The same sizes as PyTorch orders them, channels first: `(3, 224, 224)`."""
        return (self[-1], *self[:-1])

    @classmethod
    def of_torch(cls, sizes: tuple[int, ...]) -> Self:
        """The shape of a channels-first tensor without its batch axis."""
        return cls((*sizes[1:], sizes[0]))

    def __str__(self) -> str:
        return "×".join(map(str, self))


def all_cells(n: int) -> Cells:
    return (1 << n) - 1


def _spaced(cells: Cells, step: int) -> Cells:
    """Cell i moved to cell i·step."""
    return cells if step == 1 or not cells else int(("0" * (step - 1)).join(f"{cells:b}"), 2)


def _every(cells: Cells, step: int) -> Cells:
    """Cell i·step moved to cell i; the cells between are dropped."""
    return cells if step == 1 or not cells else int(f"{cells:b}"[::-1][::step][::-1], 2)


def _smeared(cells: Cells, taps: int, dilation: int) -> Cells:
    """The union of `cells` moved up by j·dilation for every tap j, in log(taps) steps."""
    covered = 1
    while covered < taps:
        more = min(covered, taps - covered)
        cells |= cells << more * dilation
        covered += more
    return cells


@dataclass(frozen=True, slots=True)
class Loss:
    """What one axis map loses on an axis of a given length, in cells.

    lost, lost_before   real cells past the last window, or before the first, that no window reads
    uneven              padding cells that no window reads although those of the other side are read
    skipped             real cells inside the covered stretch that no window reads
    overhang            cells of the last window past the padded end (ceil_mode)
    blank               windows that read padding alone
    """

    leftover: int = 0
    lost: int = 0
    lost_before: int = 0
    uneven: int = 0
    skipped: int = 0
    overhang: int = 0
    blank: int = 0

    @property
    def real(self) -> int:
        """Real cells that are read by no window at all."""
        return self.lost + self.lost_before + self.skipped

    def __bool__(self) -> bool:
        return self != NO_LOSS


NO_LOSS = Loss()


@dataclass(frozen=True, slots=True)
class Ramp:
    """A whole number for every cell i of an endless axis: values[i mod P] + advance · (i div P), where P =
    len(values).
    """

    values: tuple[int, ...]
    advance: int

    def __call__(self, i: int) -> int:
        turns, phase = divmod(i, len(self.values))
        return self.values[phase] + self.advance * turns

    @property
    def slope(self) -> Fraction:
        return Fraction(self.advance, len(self.values))

    @property
    def rises(self) -> bool:
        """Whether no cell has a smaller number than the one before it."""
        return all(self(i) <= self(i + 1) for i in range(len(self.values)))

    def reduced(self) -> Ramp:
        """The same ramp with the smallest period."""
        period = len(self.values)
        for shorter in range(1, period // 2 + 1):
            if period % shorter == 0 and self.advance * shorter % period == 0:
                short = Ramp(self.values[:shorter], self.advance * shorter // period)
                if all(short(i) == value for i, value in enumerate(self.values)):
                    return short
        return self


@dataclass(frozen=True, slots=True)
class Span:
    """Which stretch of an endless axis each cell sees: from `low(i)` to `high(i)`, every `step`-th cell of it.

    Where the cells of a period see stretches of different size, `low` may pass `high` by one: that cell sees nothing.
    """

    low: Ramp
    high: Ramp
    step: int = 1

    def at(self, i: int) -> tuple[int, int]:
        """The first and the last cell that cell i sees."""
        return self.low(i), self.high(i)

    @property
    def period(self) -> int:
        return math.lcm(len(self.low.values), len(self.high.values))

    @property
    def advance(self) -> int:
        """How far the stretch moves in a period."""
        return int(self.stride * self.period)

    @property
    def size(self) -> int:
        """Cells of the widest stretch."""
        return max([high - low + 1 for low, high in map(self.at, range(self.period))])

    @property
    def stride(self) -> Fraction:
        """How far the stretch moves from one cell to the next; 0 where every cell sees the same."""
        return self.low.slope

    @property
    def centre(self) -> Fraction:
        """Where the middle of cell 0's stretch lies; the mean over a period where its cells differ."""
        stretches = [(i, *self.at(i)) for i in range(self.period)]
        seeing = [each for each in stretches if each[1] <= each[2]] or stretches
        middles = [Fraction(low + high, 2) - i * self.stride for i, low, high in seeing]
        return sum(middles, Fraction(0)) / len(middles)

    @property
    def plain(self) -> bool:
        """Whether every cell sees something, and none begins or ends to see before the one before it does."""
        return (
            self.low.rises and self.high.rises and all([low <= high for low, high in map(self.at, range(self.period))])
        )


class AxisMap:
    """How one output axis depends on one input axis. Subclasses are frozen values."""

    __slots__ = ()

    def length(self, n: int) -> int:
        """Cells of the output axis; below 1 where the map does not fit on n cells."""
        raise NotImplementedError

    def reads(self, cells: Cells, n: int) -> Cells:
        """Which of the n input cells the given output cells read."""
        raise NotImplementedError

    def loss(self, n: int) -> Loss:
        return NO_LOSS

    def misfit(self, n: int) -> str:
        """Why nothing is left of n cells, in words and numbers."""
        return f"{n} cells leave {self.length(n)}"

    def span(self, n: int) -> Span | None:
        """Which stretch of the input each output cell reads, on an axis without ends; None where every cell reads all
        of it.
        """
        return None

    def period(self, n: int) -> int:
        """After how many output cells the stretches of `span` repeat, further on."""
        return 1

    @property
    def widest(self) -> int:
        """The most cells from one end of a window to the other, or from one window to the next."""
        return 1

    @property
    def settles(self) -> int:
        """From how many cells on the map is regular: one period of cells more, and the length grows by one period's
        worth.
        """
        return 1

    @property
    def keeps(self) -> bool:
        """Whether every output cell is exactly the input cell of the same number."""
        return False


PadMode = Literal["constant", "reflect", "replicate", "circular"]
"""What padding cells are: a number, or copies of real cells."""


@dataclass(frozen=True, slots=True)
class Window(AxisMap):
    """A convolution or a pool: output i reads input i·stride − before + j·dilation for the taps j = 0 … kernel−1."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False
    mode: PadMode = "constant"

    @property
    def reach(self) -> int:
        return self.dilation * (self.kernel - 1) + 1

    @property
    def settles(self) -> int:
        return self.reach

    @property
    def widest(self) -> int:
        return max(self.reach, self.stride, self.before, self.after)

    def span(self, n: int) -> Span:
        first = -self.before
        return Span(Ramp((first,), self.stride), Ramp((first + self.reach - 1,), self.stride), self.dilation)

    def length(self, n: int) -> int:
        places, leftover = divmod(n + self.before + self.after - self.reach, self.stride)
        windows = places + 1
        # torch: a window that hangs over the end must start inside the input or its left padding.
        return windows + (self.ceil and leftover > 0 and windows * self.stride < n + self.before)

    def reads(self, cells: Cells, n: int) -> Cells:
        taps = _smeared(_spaced(cells, self.stride), self.kernel, self.dilation)
        return Shift(self.before, self.after, self.mode).reads(taps, n)

    def misfit(self, n: int) -> str:
        padding = f" + {self.before + self.after} of padding" if self.before or self.after else ""
        return f"a window that reaches {self.reach} on {n} cells{padding}"

    def loss(self, n: int) -> Loss:
        out = self.length(n)
        if out < 1:
            return NO_LOSS
        end = (out - 1) * self.stride + self.reach  # of the last window, on the padded axis
        beyond = n + self.before + self.after - end
        inside = min(max(end - self.before, 0), n)  # real cells up to there
        lost, skipped = n - inside, 0
        if self.stride > self.reach or self.dilation > 1 or self.mode != "constant":
            unread = all_cells(n) & ~self.reads(all_cells(out), n)
            lost, skipped = (unread >> inside).bit_count(), (unread & all_cells(inside)).bit_count()
        return Loss(
            leftover=max(beyond, 0),
            lost=lost,
            uneven=min(max(beyond, 0), self.after),
            skipped=skipped,
            overhang=max(-beyond, 0),
            blank=self._blank(n, out) if self.mode == "constant" else 0,
        )

    def taps(self, n: int) -> tuple[int, ...]:
        """For each tap, in how many windows it falls on a real cell."""
        out = self.length(n)
        counts = []
        for j in range(self.kernel):
            start = self.before - j * self.dilation  # window i is on a real cell where start ≤ i·stride < start + n
            first, stop = -(-start // self.stride), -(-(start + n) // self.stride)
            counts.append(max(min(stop, out) - max(first, 0), 0))
        return tuple(counts)

    def _blank(self, n: int, out: int) -> int:
        """Windows with every tap on padding. They lie at the ends, or stand with their taps astride a short input."""
        starts = range(-self.before, out * self.stride - self.before, self.stride)
        before, past = -(-self.before // self.stride), max(0, (n + self.before - self.reach) // self.stride + 1)
        ends = {*starts[:before], *starts[past:]}
        return sum(not any(0 <= tap < n for tap in range(first, first + self.reach, self.dilation)) for first in ends)

    @property
    def keeps(self) -> bool:
        return self.kernel == self.stride == 1 and not (self.before or self.after)


@dataclass(frozen=True, slots=True)
class SameWindow(AxisMap):
    """A window padded as TensorFlow's SAME and ONNX's SAME_UPPER: ceil(n / stride) outputs, the odd padding cell
    after.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    mode: PadMode = "constant"

    def at(self, n: int) -> Window:
        """The plain window that this one is on an axis of n cells."""
        reach = self.dilation * (self.kernel - 1) + 1
        padding = max((self.length(n) - 1) * self.stride + reach - n, 0)
        sides = (padding // 2, padding - padding // 2)
        return Window(self.kernel, self.stride, self.dilation, *sides, mode=self.mode)

    def length(self, n: int) -> int:
        return -(-n // self.stride)

    def reads(self, cells: Cells, n: int) -> Cells:
        return self.at(n).reads(cells, n)

    def loss(self, n: int) -> Loss:
        return self.at(n).loss(n)

    def span(self, n: int) -> Span:
        return self.at(n).span(n)

    @property
    def settles(self) -> int:
        return self.dilation * (self.kernel - 1) + self.stride

    @property
    def widest(self) -> int:
        return self.settles

    @property
    def keeps(self) -> bool:
        return self.kernel == self.stride == 1


@dataclass(frozen=True, slots=True)
class Spread(AxisMap):
    """A transposed convolution: input i writes outputs i·stride − padding + j·dilation for the taps j = 0 …
    kernel−1.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    output_padding: int = 0

    @property
    def reach(self) -> int:
        return self.dilation * (self.kernel - 1) + 1

    def length(self, n: int) -> int:
        return (n - 1) * self.stride - 2 * self.padding + self.reach + self.output_padding

    def reads(self, cells: Cells, n: int) -> Cells:
        # Output o reads input i where i·stride = o + padding − j·dilation: look down from o, then keep every stride-th.
        down = self.reach - 1
        moved = cells << self.padding if self.padding >= 0 else cells >> -self.padding
        starts = _smeared(moved, self.kernel, self.dilation)
        aligned = -down % self.stride
        return _every(starts << aligned, self.stride) >> (down + aligned) // self.stride & all_cells(n)

    @property
    def widest(self) -> int:
        return max(self.reach, self.stride, self.padding)

    def period(self, n: int) -> int:
        return self.stride

    def span(self, n: int) -> Span:
        lows, highs = [], []
        for o in range(self.stride):
            starts = [o + self.padding - j * self.dilation for j in range(self.kernel)]
            read = [start // self.stride for start in starts if start % self.stride == 0]
            nothing = (o + self.padding) // self.stride
            lows.append(min(read, default=nothing + 1))
            highs.append(max(read, default=nothing))
        step = self.dilation // math.gcd(self.dilation, self.stride)
        return Span(Ramp(tuple(lows), 1), Ramp(tuple(highs), 1), step)

    def loss(self, n: int) -> Loss:
        out = self.length(n)
        if out < 1:
            return NO_LOSS
        # Input i writes from i·stride − padding on: those that write nothing lie before, behind, or between the taps.
        before = min(-(-max(self.padding - self.reach + 1, 0) // self.stride), n)
        end = min(max((out + self.padding - 1) // self.stride + 1, before), n)
        skipped = 0
        if self.dilation > 1:
            within = all_cells(end) & ~all_cells(before)
            skipped = (within & ~self.reads(all_cells(out), n)).bit_count()
        return Loss(lost=n - end, lost_before=before, skipped=skipped)

    @property
    def settles(self) -> int:
        return self.padding * 2 // self.stride + 2

    @property
    def forward(self) -> Window:
        """The convolution that this one turns round: it reads the cells that this one writes."""
        return Window(self.kernel, self.stride, self.dilation, self.padding, self.padding)

    @property
    def overlap(self) -> tuple[int, ...]:
        """How many inputs write each output cell away from the ends: one period, from the phase of output 0 on."""
        counts = [0] * self.stride
        for j in range(self.kernel):
            counts[(j * self.dilation - self.padding) % self.stride] += 1
        return tuple(counts)

    def written(self, cells: Cells, n: int) -> int:
        """How often n inputs write some output cells, all together."""
        taps = (j * self.dilation - self.padding for j in range(self.kernel))
        starts = (cells >> tap if tap >= 0 else cells << -tap for tap in taps)
        return sum((_every(each, self.stride) & all_cells(n)).bit_count() for each in starts)

    def writers(self, cell: int, n: int) -> int:
        """How many of n inputs write an output cell."""
        starts = (cell + self.padding - j * self.dilation for j in range(self.kernel))
        return sum(start % self.stride == 0 and 0 <= start // self.stride < n for start in starts)

    @property
    def keeps(self) -> bool:
        return self.kernel == self.stride == 1 and not (self.padding or self.output_padding)


@dataclass(frozen=True, slots=True)
class Bins(AxisMap):
    """Adaptive pooling: bin i of m reads the cells floor(i·n/m) up to, not including, ceil((i+1)·n/m)."""

    bins: int

    def length(self, n: int) -> int:
        return self.bins

    def bounds(self, i: int, n: int) -> tuple[int, int]:
        return i * n // self.bins, -(-(i + 1) * n // self.bins)

    def reads(self, cells: Cells, n: int) -> Cells:
        if cells == all_cells(self.bins):
            return all_cells(n)
        read = 0
        for i in bits(cells):
            start, stop = self.bounds(i, n)
            read |= all_cells(stop - start) << start
        return read

    def period(self, n: int) -> int:
        return self.bins // math.gcd(n, self.bins)

    def span(self, n: int) -> Span:
        bounds = [self.bounds(i, n) for i in range(self.period(n))]
        advance = n // math.gcd(n, self.bins)
        return Span(
            Ramp(tuple(low for low, _ in bounds), advance), Ramp(tuple(stop - 1 for _, stop in bounds), advance)
        )


@dataclass(frozen=True, slots=True)
class RandomBins(AxisMap):
    """Fractional max pooling: windows of `kernel` cells, about (n − kernel) / (length − 1) apart, drawn at random.

    An output cell reads what it may read: window i starts at one of the whole numbers around i times the distance.
    B. Graham, "Fractional max-pooling", arXiv:1412.6071, as PyTorch draws it.
    """

    kernel: int
    size: int | None = None
    ratio: float | None = None

    def length(self, n: int) -> int:
        return self.size if self.size is not None else math.floor(n * (self.ratio or 0))

    def distance(self, n: int) -> Fraction:
        return Fraction(n - self.kernel, self.length(n) - 1) if self.length(n) > 1 else Fraction(0)

    def bounds(self, i: int, n: int) -> tuple[int, int]:
        """The first cell that output i may read, and the one after the last."""
        if self.length(n) == 1:
            return n - self.kernel, n
        start = i * self.distance(n)
        return math.floor(start), math.ceil(start) + self.kernel

    def reads(self, cells: Cells, n: int) -> Cells:
        read = 0
        for i in bits(cells):
            start, stop = self.bounds(i, n)
            read |= all_cells(stop - start) << start
        return read & all_cells(n)

    def period(self, n: int) -> int:
        return self.distance(n).denominator

    def span(self, n: int) -> Span:
        distance = self.distance(n)
        bounds = [self.bounds(i, n) for i in range(distance.denominator)]
        lows, highs = tuple(low for low, _ in bounds), tuple(stop - 1 for _, stop in bounds)
        return Span(Ramp(lows, distance.numerator), Ramp(highs, distance.numerator))


Interpolation = Literal["nearest", "nearest-exact", "linear", "cubic", "lanczos", "area"]
_FILTERS: Mapping[Interpolation, int] = {"linear": 1, "cubic": 2, "lanczos": 3}
"""How many steps the filter of an antialiased interpolation reaches on either side."""


@dataclass(frozen=True, slots=True)
class Resample(AxisMap):
    """Interpolation to a size, or by a factor; the factor is multiplied in double precision, as torch does.

    `ratio` is what torch steps by on the input: 1/factor where it keeps the factor, n/m where it works it out again. An
    axis that keeps its length is copied, but by `nearest-exact`, and by `cubic` without antialias; one that is doubled
    by `nearest` has each cell twice.
    """

    size: int | None = None
    factor: float | None = None
    mode: Interpolation = "nearest"
    align_corners: bool = False
    recompute: bool = False
    antialias: bool = False

    def length(self, n: int) -> int:
        return self.size if self.size is not None else math.floor(n * (self.factor or 1))

    def ratio(self, n: int) -> Fraction:
        m = self.length(n)
        if self.align_corners:
            return Fraction(n - 1, m - 1) if m > 1 else Fraction(0)
        copies = m == n and (self.antialias or self.mode in ("nearest", "linear"))
        doubles = m == 2 * n and self.mode == "nearest"
        if self.factor is None or self.recompute or copies or doubles or self.mode == "area":
            return Fraction(n, m)
        return 1 / (Fraction(self.factor).limit_denominator(1 << 20) or Fraction(self.factor))

    def reads(self, cells: Cells, n: int) -> Cells:
        if self.mode == "area":
            return Bins(self.length(n)).reads(cells, n)
        ratio = self.ratio(n)
        up, down = ratio.as_integer_ratio()
        nearest = self.mode == "nearest"
        read = bytearray(b"0") * n  # in one number, every cell would cost as much as the axis is long
        for i in bits(cells):
            for cell in (i * up // down,) if nearest else self._taps(i, ratio):
                if 0 <= cell < n or not self.antialias:  # a filter is cut off at the ends, other taps are moved there
                    read[min(max(cell, 0), n - 1)] = ord("1")
        return int(read[::-1], 2)

    def _taps(self, i: int, ratio: Fraction) -> Sequence[int]:
        """The cells that output i reads with a weight other than zero, on an axis without ends."""
        if self.mode == "nearest":
            return range(math.floor(i * ratio), math.floor(i * ratio) + 1)
        if self.mode == "nearest-exact":
            cell = math.floor((i + Fraction(1, 2)) * ratio)
            return range(cell, cell + 1)
        centre = (i + Fraction(1, 2)) * ratio - Fraction(1, 2)
        if self.antialias:
            # The filter is zero at whole steps from its middle, which align_corners does not move.
            step = max(ratio, Fraction(1))
            reach = _FILTERS[self.mode] * step
            cells = range(math.floor(centre - reach) + 1, math.ceil(centre + reach))
            return [cell for cell in cells if cell == centre or (cell - centre) % step]
        if self.align_corners:
            centre = i * ratio
        cell = math.floor(centre)
        if centre == cell:
            return range(cell, cell + 1)
        return range(cell, cell + 2) if self.mode == "linear" else range(cell - 1, cell + 3)

    def period(self, n: int) -> int:
        return Bins(self.length(n)).period(n) if self.mode == "area" else self.ratio(n).denominator

    def span(self, n: int) -> Span | None:
        if self.mode == "area":
            return Bins(self.length(n)).span(n)
        ratio = self.ratio(n)
        taps = [self._taps(i, ratio) for i in range(ratio.denominator)]
        lows, highs = tuple(each[0] for each in taps), tuple(each[-1] for each in taps)
        return Span(Ramp(lows, ratio.numerator), Ramp(highs, ratio.numerator))

    @property
    def keeps(self) -> bool:
        return self.factor == 1


@dataclass(frozen=True, slots=True)
class Shift(AxisMap):
    """Padding (positive) and cropping (negative) at either end; also the place of a part within a concatenation."""

    before: int = 0
    after: int = 0
    mode: PadMode = "constant"

    def length(self, n: int) -> int:
        return n + self.before + self.after

    def reads(self, cells: Cells, n: int) -> Cells:
        inside = cells >> self.before if self.before >= 0 else cells << -self.before
        read = inside & all_cells(n)
        if self.mode != "constant":
            end = max(self.before + n, 0)
            copies = [*bits(cells & all_cells(max(self.before, 0))), *(end + o for o in bits(cells >> end))]
            for o in copies:
                read |= 1 << self._image(o - self.before, n)
        return read

    def span(self, n: int) -> Span:
        return Span(Ramp((-self.before,), 1), Ramp((-self.before,), 1))

    @property
    def settles(self) -> int:
        mirrored = 0 if self.mode == "constant" else max(self.before, self.after)
        return 1 + max(0, -self.before - self.after, mirrored)

    def _image(self, i: int, n: int) -> int:
        """The real cell whose value padding cell i takes."""
        if self.mode == "replicate":
            return min(max(i, 0), n - 1)
        if self.mode == "circular":  # torch goes round what a crop at the other end leaves
            first, end = max(-self.before, 0), n + min(self.after, 0)
            return first + (i - first) % (end - first)
        return -i if i < 0 else 2 * (n - 1) - i

    @property
    def keeps(self) -> bool:
        return not (self.before or self.after)


KEEP = Shift()
"""The map of every layer that leaves an axis as it is."""


@dataclass(frozen=True, slots=True)
class Centre(AxisMap):
    """The middle `size` cells of a longer axis, or a shorter one amid `size` cells; an odd cell more is at the end."""

    size: int

    def at(self, n: int) -> Shift:
        """The padding or cropping that this is on an axis of n cells."""
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
class Slice(AxisMap):
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
        return _spaced(cells, self.step) << self._range(n).start & all_cells(n)


@dataclass(frozen=True, slots=True)
class All(AxisMap):
    """Every one of m output cells reads every input cell: global pooling, a dense layer's channels, attention."""

    cells: int = 1

    def length(self, n: int) -> int:
        return self.cells

    def reads(self, cells: Cells, n: int) -> Cells:
        return all_cells(n) if cells else 0


@dataclass(frozen=True, slots=True)
class Prefix(AxisMap):
    """Output i reads the inputs 0 to i: a recurrent layer that goes along an axis in one direction."""

    def length(self, n: int) -> int:
        return n

    def reads(self, cells: Cells, n: int) -> Cells:
        return all_cells(cells.bit_length())


@dataclass(frozen=True, slots=True)
class Grouped(AxisMap):
    """Channels in groups: output group g of `groups` reads the input channels [g·n/groups, (g+1)·n/groups)."""

    cells: int
    groups: int

    def length(self, n: int) -> int:
        return self.cells

    def reads(self, cells: Cells, n: int) -> Cells:
        if cells == all_cells(self.cells):
            return all_cells(n)
        wide, narrow = n // self.groups, self.cells // self.groups
        read = 0
        for g in range(self.groups):
            if cells >> g * narrow & all_cells(narrow):
                read |= all_cells(wide) << g * wide
        return read


@dataclass(frozen=True, slots=True)
class Shuffle(AxisMap):
    """Channel shuffle (ShuffleNet, arXiv:1707.01083): output j·groups + g is input g·n/groups + j."""

    groups: int

    def length(self, n: int) -> int:
        return n

    def reads(self, cells: Cells, n: int) -> Cells:
        if cells == all_cells(n):
            return cells
        wide = n // self.groups
        read = 0
        for o in bits(cells):
            read |= 1 << (o % self.groups) * wide + o // self.groups
        return read


@dataclass(frozen=True, slots=True)
class Halves(AxisMap):
    """Output i reads input i and input i + n/2: the gated linear unit."""

    def length(self, n: int) -> int:
        return n // 2

    def reads(self, cells: Cells, n: int) -> Cells:
        return cells | cells << n // 2


@dataclass(frozen=True, slots=True)
class Raveled(AxisMap):
    """One of several axes that are written in one row: each of its cells `inner` times in turn, and all `outer`
    times.
    """

    along: AxisMap
    inner: int = 1
    outer: int = 1

    def length(self, n: int) -> int:
        return self.outer * self.along.length(n) * self.inner

    def reads(self, cells: Cells, n: int) -> Cells:
        count = self.along.length(n)
        along = all_cells(count)
        if cells != all_cells(self.length(n)):
            along = 0
            for o in bits(cells):
                along |= 1 << o // self.inner % count
        return self.along.reads(along, n)

    def span(self, n: int) -> Span | None:
        along = self.along.span(n)
        if along is None:
            return None
        if self.outer == 1:
            cells, low, high = along.period, along.low.advance, along.high.advance
        else:
            cells, low, high = self.along.length(n), 0, 0
        row = [i for i in range(cells) for _ in range(self.inner)]
        return Span(Ramp(tuple(map(along.low, row)), low), Ramp(tuple(map(along.high, row)), high), along.step)


@dataclass(frozen=True, slots=True)
class Unread(AxisMap):
    """An axis of an input that is not read at all: the input only lends its size."""

    def length(self, n: int) -> int:
        return n

    def reads(self, cells: Cells, n: int) -> Cells:
        return 0


def bits(cells: Cells) -> list[int]:
    """The numbers of the cells in a set, ascending."""
    if cells.bit_count() * 16 < cells.bit_length():
        text, found = f"{cells:b}"[::-1], []
        i = text.find("1")
        while i >= 0:
            found.append(i)
            i = text.find("1", i + 1)
        return found
    return [i for i, bit in enumerate(reversed(f"{cells:b}")) if bit == "1"] if cells else []


@dataclass(frozen=True)
class Link:
    """How one output of a step depends on one of its inputs.

    axes      for each spatial axis of the input, its map
    channels  the map of the channel axis
    onto      for each spatial axis of the input, the output's spatial axis it lands on, or None where it is folded
              away; left out: axis for axis
    parts     where what is read on one axis depends on the others: links whose union it is exactly; the maps themselves
              then say what is read at most
    """

    axes: tuple[AxisMap, ...]
    channels: AxisMap
    onto: tuple[int | None, ...] | None = None
    parts: tuple[Link, ...] = ()

    @cached_property
    def landing(self) -> tuple[int | None, ...]:
        return self.onto if self.onto is not None else tuple(range(len(self.axes)))

    @property
    def empty(self) -> bool:
        """Whether nothing of the input is read."""
        return isinstance(self.channels, Unread)

    def output(self, x: Shape) -> Shape:
        """The output's shape, for a link whose axes all land in order."""
        sizes = [
            axis.length(n) for axis, n, to in zip(self.axes, x.spatial, self.landing, strict=True) if to is not None
        ]
        return Shape((*sizes, self.channels.length(x.channels)))

    def with_channels(self, channels: AxisMap) -> Link:
        return replace(self, channels=channels)


def keep(rank: int) -> Link:
    """The link of a pointwise layer on `rank` spatial axes."""
    return Link((KEEP,) * rank, KEEP)


def unread(rank: int) -> Link:
    """The link to an input on `rank` spatial axes that only lends its size."""
    return Link((Unread(),) * rank, Unread())
