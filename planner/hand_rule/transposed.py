"""A transposed convolution: the hand rule backwards. The stride multiplies, the kernel gives back, padding takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from planner.diagnostics import Severity
from planner.faults.window_does_not_fit import WindowDoesNotFit
from planner.geometry import Cells, Spread, all_cells
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
    nearest,
    perfect,
    plural,
    which,
)
from planner.words import counted


@dataclass(frozen=True, slots=True)
class Transposed(OnAxis):
    """The arguments of a transposed convolution along an axis."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    output_padding: int = 0

    def map(self, n: int) -> Spread:
        return Spread(self.kernel, self.stride, self.dilation, self.padding, self.output_padding)

    def arguments(self) -> dict[str, Argument]:
        return {
            "kernel_size": self.kernel,
            "stride": self.stride,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "dilation": self.dilation,
        }

    def words(self) -> str:
        said = [f"transposed, kernel {self.kernel}", f"stride {self.stride}"]
        said += [f"dilation {self.dilation}"] if self.dilation > 1 else []
        said += [f"padding {self.padding}"] if self.padding else []
        said += [f"output_padding {self.output_padding}"] if self.output_padding else []
        return ", ".join(said)

    def perfect(self, n: int) -> bool:
        spread = self.map(n)
        even = spread.length(n) > 0 and len(set(spread.overlap)) == 1
        return even and not _unwritten(spread, n) and not _unread(spread, n)

    def work_out(self, n: int) -> Working:
        spread = self.map(n)
        lines = tuple(_lines(spread, n))
        if (out := spread.length(n)) < 1:
            changes = tuple(perfect("padding", self._paddings(n), 2))
            return Working(
                self, n, None, lines, (_unfit(out),), changes=changes, heading="It fits, and all is even, with"
            )
        origins = _origins(spread, n)
        return Working(
            layer=self,
            n=n,
            out=out,
            lines=lines,
            findings=tuple(_findings(spread, n)),
            praise=f"Away from the ends, every cell is written by {counted(spread.overlap[0], 'input')}.",
            notes=tuple(_notes(n, origins)),
            changes=() if self.perfect(n) else tuple(self._changes(n)),
            heading="Every cell is written, and all alike, with",
            strip=_strip(spread, n),
            more={
                "overlap": list(spread.overlap),
                "unwritten": _unwritten(spread, n).bit_count(),
                "way_back": [{"size": size, "output_padding": extra} for size, extra in origins],
            },
        )

    # What would be even

    def _changes(self, n: int) -> Iterator[Change]:
        extras = nearest(range(self.stride), self.output_padding)
        tried = ((f"--output-padding {extra}", replace(self, output_padding=extra), n) for extra in extras)
        yield from perfect("output_padding", tried, 2)
        yield from perfect("padding", self._paddings(n), 2)
        yield from perfect("kernel", self._kernels(n), 3)

    def _paddings(self, n: int) -> Iterator[Tried]:
        for padding in range(self.padding - 1, -1, -1):
            yield f"-p {padding}", replace(self, padding=padding), n

    def _kernels(self, n: int) -> Iterator[Tried]:
        """Kernels that are multiples of the stride, with the padding that keeps the size, or makes it stride · n if
        close.
        """
        out, times = self.map(n).length(n), n * self.stride
        wanted = times if abs(out - times) < self.stride else out
        turns = range(max(self.kernel // self.stride - 2, 1), self.kernel // self.stride + 5)
        for kernel in nearest((turn * self.stride for turn in turns), self.kernel):
            plain = replace(self, kernel=kernel, padding=0, output_padding=0)
            beyond = plain.map(n).length(n) - wanted
            padding = max(-(-beyond // 2), 0)
            extra = 2 * padding - beyond
            if extra < self.stride:
                argument = f"-k {kernel}"
                argument += f" -p {padding}" if padding != self.padding else ""
                argument += f" --output-padding {extra}" if extra != self.output_padding else ""
                yield argument, replace(plain, padding=padding, output_padding=extra), n


# The working


def _lines(spread: Spread, n: int) -> Iterator[WorkingLine]:
    yield WorkingLine("", n, "cells")
    if spread.stride > 1:
        yield WorkingLine(
            "×", spread.stride, f"the stride sets them {spread.stride} apart: {n - 1} · {spread.stride} + 1"
        )
        yield WorkingLine("", Spread(1, spread.stride).length(n), "places, from the first to the last")
    dilated = spread.dilation > 1 and spread.kernel > 1
    steps = f"{counted(spread.kernel - 1, 'step')} of {spread.dilation}" if dilated else f"{spread.kernel} − 1"
    yield WorkingLine("+", spread.extent - 1, f"the kernel gives back what it costs: {steps}")
    if spread.padding:
        yield WorkingLine("−", 2 * spread.padding, f"padding takes: {spread.padding} off both ends")
    if spread.output_padding:
        yield WorkingLine("+", spread.output_padding, "output_padding, at the end")
    yield WorkingLine("", spread.length(n), "cells out")


# What was found


def _unfit(out: int) -> Finding:
    fault = WindowDoesNotFit("", f"{out} cells")
    text = f"{capital(fault.message)}: the padding takes all that there is. PyTorch refuses it."
    return Finding("window-does-not-fit", Severity.ERROR, "does not fit", text)


def _unwritten(spread: Spread, n: int) -> Cells:
    """The output cells that no input writes."""
    out = spread.length(n)
    return all_cells(out) & ~spread.forward.reads(all_cells(n), out)


def _unread(spread: Spread, n: int) -> Cells:
    """The inputs whose whole output is cut off."""
    return all_cells(n) & ~spread.reads(all_cells(spread.length(n)), n)


def _findings(spread: Spread, n: int) -> Iterator[Finding]:
    if unread := _unread(spread, n):
        count = unread.bit_count()
        subject = f"{capital(which(unread))} of the input {plural(count, 'is', 'are')}"
        text = f"{subject} lost: the padding cuts off all that is written from there."
        yield Finding("lost-cells", Severity.WARNING, f"{counted(count, 'cell')} lost", text, unread)
    if unwritten := _unwritten(spread, n):
        count = unwritten.bit_count()
        subject = f"{capital(which(unwritten))} of the output {plural(count, 'is', 'are')}"
        text = f"{subject} written by no input, and {plural(count, 'holds', 'hold')} the bias alone. {_why(spread)}"
        yield Finding("unwritten-cells", Severity.WARNING, f"{counted(count, 'cell')} unwritten", text, unwritten)
    if len({*spread.overlap} - {0}) > 1:
        pattern = spread.overlap * (1 + (spread.stride < 4))
        counts = ", ".join(map(str, pattern[:12]))
        text = f"{_why_uneven(spread)}: cells of the output are written by {counts}, … inputs in turn, a checkerboard."
        yield Finding("uneven-overlap", Severity.INFO, "uneven overlap", text)


def _why(spread: Spread) -> str:
    """The reason why output cells are not written."""
    if spread.stride > spread.extent:
        return f"The stride of {spread.stride} is longer than the kernel, which spans {spread.extent}."
    if 0 in spread.overlap:
        return f"With a dilation of {spread.dilation} and a stride of {spread.stride}, all write the same places."
    return "output_padding adds cells at the end, and no input reaches that far."


def _why_uneven(spread: Spread) -> str:
    if spread.kernel % spread.stride:
        return f"The stride of {spread.stride} does not divide the kernel of {spread.kernel}"
    return f"With a dilation of {spread.dilation}, the taps do not share a stride of {spread.stride} evenly"


# What else is worth saying


def _origins(spread: Spread, n: int) -> list[tuple[int, int]]:
    """The sizes that the forward convolution maps to n, each with the output_padding that leads back."""
    tried = ((replace(spread, output_padding=extra).length(n), extra) for extra in range(spread.stride))
    return [(size, extra) for size, extra in tried if size > 0 and spread.forward.length(size) == n]


def _notes(n: int, origins: list[tuple[int, int]]) -> Iterator[str]:
    if len(origins) > 1:
        (smallest, least), (largest, most) = origins[0], origins[-1]
        sizes = f"{smallest} {'or' if len(origins) == 2 else 'to'} {largest} cells"
        yield (
            f"The way back: forwards, the same convolution makes {sizes} into {n}; output_padding {least} leads "
            f"back to {smallest}, {most} to {largest}."
        )


def _strip(spread: Spread, n: int) -> Strip:
    out = spread.length(n)
    span = spread.forward.span(out)

    def mark(cell: int) -> str:
        if not 0 <= cell < out:
            return "cut"
        count = spread.writers(cell, n)
        return str(count) if count < 10 else "many"

    return Strip(min(span.low(0), 0), out, max(span.high(n - 1) + 1, out), mark, n, span, "input")
