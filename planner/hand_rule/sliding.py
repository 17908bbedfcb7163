"""A convolution or a pool by the hand rule: the kernel costs, padding gives back, the stride divides and rounds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import Literal

from planner.diagnostics import Severity
from planner.faults.window_does_not_fit import WindowDoesNotFit
from planner.geometry import NO_LOSS, Cells, Loss, SameWindow, Spread, Window, all_cells
from planner.hand_rule._working import (
    Argument,
    Change,
    Finding,
    OnAxis,
    Strip,
    Tried,
    Working,
    WorkingLine,
    capital,
    halves,
    hundredths,
    listed,
    nearest,
    perfect,
    plural,
    which,
)
from planner.words import counted

TRIED = 32
"""How far from the given stride and dilation others are tried."""
TURNS = 12
"""How many multiples of the stride, up and down, are tried for paddings and kernels."""


@dataclass(frozen=True, slots=True)
class Sliding(OnAxis):
    """The arguments of a window that slides along an axis; padding as one number a side, or one of two words."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: tuple[int, int] | Literal["same", "tf_same"] = (0, 0)
    ceil: bool = False

    def map(self, n: int) -> Window:
        if isinstance(self.padding, str):  # at stride 1, the only one that PyTorch's `same` has, the two agree
            return SameWindow(self.kernel, self.stride, self.dilation).at(n)
        return Window(self.kernel, self.stride, self.dilation, *self.padding, self.ceil)

    def arguments(self) -> dict[str, Argument]:
        return {
            "kernel_size": self.kernel,
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "ceil_mode": self.ceil,
        }

    def words(self) -> str:
        said = [f"kernel {self.kernel}", f"stride {self.stride}"]
        if self.dilation > 1:
            said.append(f"dilation {self.dilation}")
        if isinstance(self.padding, str):
            said.append({"same": "padding same", "tf_same": "TensorFlow's SAME"}[self.padding])
        elif self.padding != (0, 0):
            before, after = self.padding
            said.append(f"padding {before}" if before == after else f"padding {before} before, {after} after")
        return ", ".join([*said, *(["ceil_mode"] if self.ceil else [])])

    @property
    def allowed(self) -> bool:
        """Whether there is such a layer: only pools have ceil_mode, with equal padding of at most half the window."""
        if not self.ceil or isinstance(self.padding, str):
            return True
        before, after = self.padding
        return before != after or before <= self.kernel // 2

    def perfect(self, n: int) -> bool:
        window = self.map(n)
        return self.allowed and window.length(n) > 0 and window.loss(n) == NO_LOSS and all(window.taps(n))

    def work_out(self, n: int) -> Working:
        window = self.map(n)
        lines, changes = tuple(_lines(self, window, n)), () if self.perfect(n) else tuple(self._changes(window, n))
        if (out := window.length(n)) < 1:
            heading = "It fits, and nothing is lost, with"
            return Working(self, n, None, lines, (_unfit(window, n),), changes=changes, heading=heading)
        loss, shift = window.loss(n), _shift(window, n)
        findings = sorted(_findings(window, n, loss), key=lambda each: [*Severity].index(each.severity))
        lossy = any(each.severity is Severity.WARNING for each in findings)
        return Working(
            layer=self,
            n=n,
            out=out,
            lines=lines,
            findings=tuple(findings),
            praise=_praise(window, n),
            notes=tuple(_notes(window, n, loss, shift)),
            changes=changes,
            heading="Nothing is lost with" if lossy else "Nothing is left over with",
            loss=loss,
            taps=window.taps(n),
            strip=Strip.of(window, n, "window"),
            more={"off_center": str(shift), "taps": list(window.taps(n))},
        )

    # What would lose nothing

    def _changes(self, window: Window, n: int) -> Iterator[Change]:
        """Sizes, paddings and kernels all act on the number that the stride has to divide; the rest is tried."""
        fitting = max(replace(window, ceil=False).length(n), 1)
        first = window.missing(fitting, n)
        deltas = [window.missing(fitting + more, n) for more in range(-TURNS, TURNS + 1)]
        sizes = nearest((n + delta for delta in deltas if abs(delta - first) <= 2 * self.stride), n)
        least = min(window.length(n), 2)  # with a single window, the stride divides nothing
        tried = ((str(size), self, size) for size in sizes if self.map(size).length(size) >= least)
        yield from perfect("size", tried, 3)
        yield from perfect("padding", self._paddings(deltas, n), 3)
        kernels = [self.kernel - delta // self.dilation for delta in deltas if delta % self.dilation == 0]
        tried = ((f"-k {k}", replace(self, kernel=k), n) for k in nearest(kernels, self.kernel) if k)
        yield from perfect("kernel", tried, 3)
        yield from perfect("stride", self._strides(window, n), 2)
        if self.kernel > 1:
            yield from perfect("dilation", self._dilations(window, n), 2)
        yield from self._ceil(window, n)

    def _paddings(self, deltas: list[int], n: int) -> Iterator[Tried]:
        """Other paddings, the nearest first; of two equally near, the more even, then the one with more at the end."""
        if isinstance(self.padding, str):
            return
        before, after = self.padding
        pairs = {(before + delta // 2, after + delta // 2) for delta in deltas if delta % 2 == 0}
        pairs |= {pair for delta in deltas for pair in ((before, after + delta), (before + delta, after))}

        def far(pair: tuple[int, int]) -> tuple[int, ...]:
            return abs(pair[0] - before) + abs(pair[1] - after), abs(pair[0] - pair[1]), pair[0]

        for pair in sorted(pairs - {self.padding}, key=far):
            if min(pair) >= 0:
                yield _padding_argument(pair), replace(self, padding=pair), n

    def _strides(self, window: Window, n: int) -> Iterator[Tried]:
        if self.padding != "same":
            near = range(max(self.stride - TRIED, 1), min(self.stride + TRIED, window.extent) + 1)
            for stride in nearest(chain([1], near), self.stride):
                yield f"-s {stride}", replace(self, stride=stride), n

    def _dilations(self, window: Window, n: int) -> Iterator[Tried]:
        """Smaller dilations, with the padding that keeps the size."""
        keeps = window.extent % 2 and self.padding == (window.extent // 2,) * 2
        for dilation in range(self.dilation - 1, max(self.dilation - TRIED, 0), -1):
            other = replace(self, dilation=dilation)
            half, odd = divmod(other.map(n).extent, 2)
            if keeps and odd:
                yield f"-d {dilation} -p {half}", replace(other, padding=(half, half)), n
            elif not keeps:
                yield f"-d {dilation}", other, n

    def _ceil(self, window: Window, n: int) -> Iterator[Change]:
        """The same pool with ceil_mode: the last window may hang over the end."""
        other = replace(self, ceil=True)
        if not other.allowed or not window.loss(n).lost:
            return
        out, loss = other.map(n).length(n), other.map(n).loss(n)
        if out > window.length(n) and not (loss.real or loss.blank) and all(other.map(n).taps(n)):
            yield Change("ceil_mode", "--ceil", other, n, out, "pools only")


def _padding_argument(pair: tuple[int, int]) -> str:
    before, after = pair
    return f"-p {before}" if before == after else f"-p {before},{after}"


# The working


def _lines(layer: Sliding, window: Window, n: int) -> Iterator[WorkingLine]:
    yield WorkingLine("", n, "cells")
    if window.before or window.after:
        yield WorkingLine("+", window.before + window.after, _padding_words(layer, window))
    yield WorkingLine("−", window.extent - 1, _kernel_words(window))
    places = 1 - window.missing(1, n)
    if window.length(n) < 1:
        yield WorkingLine("", places, "places for the window: there must be 1")
        return
    if window.stride == 1:
        yield WorkingLine("", places, "cells out: at stride 1, every place is taken")
        return
    yield WorkingLine("", places, "places for the window, at stride 1")
    yield WorkingLine("÷", window.stride, f"the stride takes one place in {window.stride}, from the first on: round up")
    floor = replace(window, ceil=False)
    more = window.length(n) - floor.length(n)
    if more:
        yield WorkingLine("", floor.length(n), "windows")
        yield WorkingLine("+", more, "ceil_mode: one more window, over the end")
    elif window.ceil and floor.loss(n).leftover:
        yield WorkingLine("", floor.length(n), "windows")
        yield WorkingLine("+", more, "ceil_mode: no more window, it would start past the last cell")
    yield WorkingLine("", window.length(n), "cells out")


def _padding_words(layer: Sliding, window: Window) -> str:
    before, after = window.before, window.after
    sides = f"{before} on both sides" if before == after else f"{before} before, {after} after"
    owner = {"same": "`same` padding", "tf_same": "TensorFlow's SAME"}.get(str(layer.padding), "padding")
    return f"{owner} gives back: {sides}"


def _kernel_words(window: Window) -> str:
    if window.kernel == 1:
        return "a kernel of 1 costs nothing"
    if window.dilation > 1:
        return f"the kernel costs its extent − 1: {counted(window.kernel - 1, 'step')} of {window.dilation}"
    return f"the kernel costs {window.kernel} − 1"


# What was found


def _unfit(window: Window, n: int) -> Finding:
    fault = WindowDoesNotFit("", window.misfit(n))
    text = f"{capital(fault.message)}: {window.misfit(n)}. PyTorch refuses it."
    return Finding("window-does-not-fit", Severity.ERROR, "does not fit", text)


def _end(window: Window, n: int) -> int:
    """The last cell of the last window."""
    return window.span(n).high(window.length(n) - 1)


def _unread(window: Window, n: int) -> Cells:
    return all_cells(n) & ~window.reads(all_cells(window.length(n)), n)


def _findings(window: Window, n: int, loss: Loss) -> Iterator[Finding]:
    unread, covered = _unread(window, n), all_cells(max(_end(window, n) + 1, 0))
    if lost := unread & ~covered:
        brief = f"{counted(loss.lost, 'cell')} lost"
        text = f"{_lost_words(lost, n)} read by no window. {_why_lost(window, n)}"
        yield Finding("lost-cells", Severity.WARNING, brief, text, lost)
    if skipped := unread & covered:
        subject = f"{capital(which(skipped))} {plural(loss.skipped, 'is', 'are')}"
        text = f"{subject} skipped, read by no window. {_why_skipped(window)}"
        yield Finding("skipped-cells", Severity.WARNING, f"{loss.skipped:,} skipped", text, skipped)
    if loss.uneven and not loss.lost:
        used = "the padding before is read in full" if window.before else "it might as well be left out"
        text = f"No cell is lost, but {loss.clauses['uneven-padding']}; {used}."
        yield Finding("uneven-padding", Severity.INFO, "uneven padding", text)
    if loss.overhang:
        floor = replace(window, ceil=False)
        text = f"{capital(loss.clauses['overhang'])}. Without ceil_mode, "
        if floor.length(n) > 0:
            at_edge = counted(floor.loss(n).lost, "cell")
            text += f"{counted(floor.length(n), 'cell')} would come out, and {at_edge} be lost."
        else:
            text += "nothing would come out."
        yield Finding("overhang", Severity.INFO, f"hangs {counted(loss.overhang, 'cell')} over", text, explained=False)
    yield from _on_padding(window, n, loss)


def _on_padding(window: Window, n: int, loss: Loss) -> Iterator[Finding]:
    """The findings on windows and taps that lie on padding alone."""
    if loss.blank:
        text = f"{loss.clauses['blank-windows']}: what comes out there says nothing about the input."
        yield Finding("blank-windows", Severity.WARNING, f"{counted(loss.blank, 'window')} on padding alone", text)
    if dead := [tap for tap, count in enumerate(window.taps(n)) if not count]:
        live = window.kernel - len(dead)
        text = (
            f"Of the taps 0–{window.kernel - 1}, {listed(dead)} {plural(len(dead), 'lies', 'lie')} on padding in every "
            f"window: on {counted(n, 'cell')}, this kernel of {window.kernel} does the work of a kernel of {live}."
        )
        yield Finding("padding-only-taps", Severity.WARNING, f"{counted(len(dead), 'tap')} on padding alone", text)


def _lost_words(lost: Cells, n: int) -> str:
    count = lost.bit_count()
    if count == n:
        return "All cells are"
    return f"{capital(which(lost))}, the last{f' {count}' if count > 1 else ''}, {plural(count, 'is', 'are')}"


def _why_lost(window: Window, n: int) -> str:
    """The reason why cells are lost: where the last window ends, and what another window would need."""
    ordinal = "last" if window.length(n) > 1 else "only"
    missing = counted(window.missing(window.length(n) + 1, n), "cell")
    needs = f"the next, {window.stride} further on, needs {missing} more than there are"
    return f"The {ordinal} window ends on cell {_end(window, n)}; {needs}."


def _why_skipped(window: Window) -> str:
    if window.stride > window.extent:
        gap = f"{counted(window.stride - window.extent, 'cell')} {plural(window.stride - window.extent, 'lies', 'lie')}"
        return f"The stride of {window.stride} is longer than the window, which spans {window.extent}: {gap} between."
    return f"The dilation of {window.dilation} leaves holes in a window, which the other windows do not fill."


# What else is worth saying


def _praise(window: Window, n: int) -> str:
    if window.stride == 1:
        return "At stride 1 every cell is read, however large the kernel."
    cell = f"cell {_end(window, n)}, the last" if _end(window, n) < n else "the last cell of padding"
    return f"The last window ends on {cell}: nothing is left over."


def _shift(window: Window, n: int) -> Fraction:
    """The distance of the middle of the windows from the middle of the cells; positive towards the end."""
    span = window.span(n)
    return span.centre + span.stride * (window.length(n) - 1) / 2 - Fraction(n - 1, 2)


def _notes(window: Window, n: int, loss: Loss, shift: Fraction) -> Iterator[str]:
    if shift:
        yield f"The windows as a whole sit {halves(abs(shift))} towards the {'end' if shift > 0 else 'start'}."
    if window.dilation > 1 and (window.before or window.after):
        mean = Fraction(sum(window.taps(n)), window.length(n))
        yield f"On average, {hundredths(mean)} of {window.kernel} taps fall on cells, the others on padding."
    if loss.leftover and window.before == window.after and not window.ceil:
        back = Spread(window.kernel, window.stride, window.dilation, window.before)
        exact = replace(back, output_padding=loss.leftover)
        out = window.length(n)
        yield (
            f"The way back: the transposed convolution makes {out} into {back.length(out)}, "
            f"and with output_padding {loss.leftover} into {exact.length(out)}."
        )
