"""Axis maps of convolutions and pools, whose windows slide over the input, and of transposed ones, which write."""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.cells import Cells, Run, all_cells, every, imaged, shifted, smeared, spaced
from planner.geometry.axis_map import NO_LOSS, AxisMap, Loss, Ramp, Span
from planner.geometry.shift import PadMode, Shift


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
    def extent(self) -> int:
        return self.dilation * (self.kernel - 1) + 1

    @property
    def settles(self) -> int:
        return self.extent

    @property
    def widest(self) -> int:
        return max(self.extent, self.stride, self.before, self.after)

    def span(self, n: int) -> Span:
        first = -self.before
        return Span(Ramp((first,), self.stride), Ramp((first + self.extent - 1,), self.stride), self.dilation)

    def missing(self, windows: int, n: int) -> int:
        """How many cells, of n and of padding, so many windows lack to leave nothing over; negative where there are too
        many.
        """
        return (windows - 1) * self.stride + self.extent - n - self.before - self.after

    def length(self, n: int) -> int:
        places, leftover = divmod(-self.missing(1, n), self.stride)
        windows = places + 1
        # torch: a window that hangs over the end must start inside the input or its left padding.
        return windows + (self.ceil and leftover > 0 and windows * self.stride < n + self.before)

    def reads(self, cells: Cells, n: int) -> Cells:
        if self.kernel >= self.stride and self.dilation == 1 and not isinstance(cells, int):
            taps = imaged(cells, self._taken, n + self.before + self.after, 1, self.stride)
        else:
            taps = smeared(spaced(cells, self.stride), self.kernel, self.dilation)
        return Shift(self.before, self.after, self.mode).reads(taps, n)

    def _taken(self, a: int, b: int) -> list[Run]:
        """The cells of the padded axis that the windows a up to, not including, b read, for windows without gaps."""
        return [(a * self.stride, (b - 1) * self.stride + self.kernel)]

    def misfit(self, n: int) -> str:
        padding = f" + {self.before + self.after} of padding" if self.before or self.after else ""
        return f"a window that spans {self.extent} on {n} cells{padding}"

    def loss(self, n: int) -> Loss:
        out = self.length(n)
        if out < 1:
            return NO_LOSS
        beyond = -self.missing(out, n)  # the end of the last window
        inside = min(max(n + self.after - beyond, 0), n)  # real cells up to there
        lost, skipped = n - inside, 0
        if self.stride > self.extent or self.dilation > 1 or self.mode != "constant":
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
        """For each tap of the window, the number of windows in which that tap falls on a real cell."""
        out = self.length(n)
        counts = []
        for j in range(self.kernel):
            start = self.before - j * self.dilation  # window i is on a real cell where start ≤ i·stride < start + n
            first, stop = -(-start // self.stride), -(-(start + n) // self.stride)
            counts.append(max(min(stop, out) - max(first, 0), 0))
        return tuple(counts)

    def _blank(self, n: int, out: int) -> int:
        """The number of windows with every tap on padding, before, past or astride the real cells."""
        starts = range(-self.before, out * self.stride - self.before, self.stride)
        reaching = min(max(-((self.extent - 1 - self.before) // self.stride), 0), out)  # the first that ends at cell 0
        past = min(-(-(n + self.before) // self.stride), out)
        astride = 0
        if self.dilation > n:
            among = starts[reaching : -(-self.before // self.stride)]
            astride = sum(first % self.dilation >= n for first in among)
        return reaching + out - past + astride

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
        """The plain window with the padding that SAME means on an axis of n cells."""
        extent = self.dilation * (self.kernel - 1) + 1
        padding = max((self.length(n) - 1) * self.stride + extent - n, 0)
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
    def extent(self) -> int:
        return self.dilation * (self.kernel - 1) + 1

    def length(self, n: int) -> int:
        return (n - 1) * self.stride - 2 * self.padding + self.extent + self.output_padding

    def reads(self, cells: Cells, n: int) -> Cells:
        # Output o reads input i where i·stride = o + padding − j·dilation: look down from o, then keep every stride-th.
        down = self.extent - 1
        starts = smeared(shifted(cells, self.padding), self.kernel, self.dilation)
        aligned = -down % self.stride
        return every(shifted(starts, aligned), self.stride) >> (down + aligned) // self.stride & all_cells(n)

    @property
    def widest(self) -> int:
        return max(self.extent, self.stride, self.padding)

    def period(self, n: int) -> int:
        return self.stride

    def span(self, n: int) -> Span:
        lows, highs = [], []
        common = math.gcd(self.dilation, self.stride)
        turn = self.stride // common  # taps so far apart read cells `step` apart
        for o in range(self.stride):
            start = o + self.padding
            first = start // common * pow(self.dilation // common, -1, turn) % turn
            if start % common or first >= self.kernel:
                lows.append(start // self.stride + 1)
                highs.append(start // self.stride)
            else:
                last = first + (self.kernel - 1 - first) // turn * turn
                lows.append((start - last * self.dilation) // self.stride)
                highs.append((start - first * self.dilation) // self.stride)
        step = self.dilation // common
        return Span(Ramp(tuple(lows), 1), Ramp(tuple(highs), 1), step)

    def loss(self, n: int) -> Loss:
        out = self.length(n)
        if out < 1:
            return NO_LOSS
        # Input i writes from i·stride − padding on: those that write nothing lie before, behind, or between the taps.
        before = min(-(-max(self.padding - self.extent + 1, 0) // self.stride), n)
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
        """The convolution whose transpose this is: that convolution reads the cells that this one writes."""
        return Window(self.kernel, self.stride, self.dilation, self.padding, self.padding)

    @property
    def overlap(self) -> tuple[int, ...]:
        """How many inputs write each output cell away from the ends, for one period from output 0's phase on."""
        counts = [0] * self.stride
        for j in range(self.kernel):
            counts[(j * self.dilation - self.padding) % self.stride] += 1
        return tuple(counts)

    def written(self, cells: Cells, n: int) -> int:
        """The number of writes to some output cells in all, by n inputs."""
        taps = (j * self.dilation - self.padding for j in range(self.kernel))
        return sum((every(shifted(cells, -tap), self.stride) & all_cells(n)).bit_count() for tap in taps)

    def writers(self, cell: int, n: int) -> int:
        """The number of inputs, of n, that write an output cell."""
        starts = (cell + self.padding - j * self.dilation for j in range(self.kernel))
        return sum(start % self.stride == 0 and 0 <= start // self.stride < n for start in starts)

    @property
    def keeps(self) -> bool:
        return self.kernel == self.stride == 1 and not (self.padding or self.output_padding)
