"""The result of a layer worked out on paper: the working, what is lost, what would lose nothing, a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice

from planner.cells import Cells, all_cells, one_cell, ranged
from planner.diagnostics import Severity
from planner.geometry import NO_LOSS, AxisMap, Loss, Span
from planner.words import counted, joined

Argument = int | bool | str | tuple[int, int]


@dataclass(frozen=True, slots=True)
class WorkingLine:
    """One line of the working: a number, what is done with it (`−`, `÷`, …; nothing for what comes out), and why."""

    sign: str
    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that goes wrong on the axis: in a word or two, in a sentence, and the cells in question."""

    name: str
    severity: Severity
    brief: str
    text: str
    cells: Cells = 0
    explained: bool = True
    """Whether the manual has a page of that name."""


@dataclass(frozen=True, slots=True)
class Change:
    """Another size or argument with which nothing is lost, as text for the command line and as the layer it makes."""

    name: str
    argument: str
    layer: OnAxis
    n: int
    out: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """A picture of an axis: cells `first` up to, not including, `stop`, and rows with the stretch that each takes.

    The real cells are 0 … cells − 1. `mark` names what a cell is, or is the number to show; row i takes what `span`
    says of i.
    """

    first: int
    cells: int
    stop: int
    mark: Callable[[int], str]
    rows: int
    span: Span
    noun: str

    @classmethod
    def of(cls, along: AxisMap, n: int, noun: str) -> Strip:
        """The strip of windows that move over n cells; `noun` is what a row is called."""
        rows, span, loss = along.length(n), along.span(n), along.loss(n)
        assert span is not None
        read = along.reads(all_cells(rows), n)
        # No window between the first and the last period goes further than these.
        ends = {*range(rows)[: span.period], *range(rows)[-span.period :]}
        first, end = min(map(span.low, ends)), max(map(span.high, ends)) + 1

        def mark(cell: int) -> str:
            if 0 <= cell < n:
                return "cell" if read & one_cell(cell) else "skipped" if first <= cell < end else "lost"
            if cell >= end:
                return "uneven"
            return "overhang" if cell >= max(n, end - loss.overhang) else "padding"

        return cls(min(first, 0), n, max(n, end) + loss.uneven, mark, rows, span, noun)


@dataclass(frozen=True, slots=True)
class Working:
    """One layer worked out on an axis of n cells. `out` is None where nothing comes out.

    praise  what may be said where nothing was found
    notes   what is worth knowing besides
    heading  what the changes do
    taps    for each tap of a sliding window, in how many windows it falls on a cell
    more    what only layers of this kind have, for the JSON
    """

    layer: OnAxis
    n: int
    out: int | None
    lines: tuple[WorkingLine, ...]
    findings: tuple[Finding, ...] = ()
    praise: str = ""
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    heading: str = "Nothing is lost with"
    loss: Loss = NO_LOSS
    taps: tuple[int, ...] = ()
    strip: Strip | None = None
    more: dict[str, object] = field(default_factory=dict)

    @property
    def severity(self) -> Severity | None:
        """The severity of the worst finding."""
        found = {each.severity for each in self.findings}
        return next((each for each in Severity if each in found), None)

    @property
    def mean_taps(self) -> Fraction:
        """The mean number of a window's taps that fall on cells."""
        return Fraction(sum(self.taps), self.out or 1)


class OnAxis(ABC):
    """A layer's arguments along one axis. Subclasses are frozen values."""

    __slots__ = ()

    @abstractmethod
    def map(self, n: int) -> AxisMap:
        """The axis map that the arguments make on n cells."""

    @abstractmethod
    def arguments(self) -> dict[str, Argument]:
        """The arguments by PyTorch's names."""

    @abstractmethod
    def words(self) -> str:
        """The arguments in words, on one line."""

    @abstractmethod
    def perfect(self, n: int) -> bool:
        """Whether the layer fits on n cells with nothing lost, left over, skipped or uneven."""

    @abstractmethod
    def work_out(self, n: int) -> Working: ...


Tried = tuple[str, OnAxis, int]
"""A layer that might be perfect: the argument that makes it, the layer itself, and the number of cells."""


def perfect(name: str, tried: Iterable[Tried], most: int) -> Iterator[Change]:
    """The first of the layers tried that are perfect."""
    found = (each for each in tried if each[2] > 0 and each[1].perfect(each[2]))
    for argument, layer, n in islice(found, most):
        yield Change(name, argument, layer, n, layer.map(n).length(n))


def nearest(numbers: Iterable[int], given: int) -> list[int]:
    """The numbers from 0 on except the given one, the nearest first; of two equally near, the smaller first."""
    return sorted({each for each in numbers if each >= 0 and each != given}, key=lambda each: (abs(each - given), each))


# Words


def which(cells: Cells) -> str:
    """`cell 5`, `cells 1–9, 11–19, … (81 in all)`."""
    return f"cell{'s' * (cells.bit_count() != 1)} {ranged(cells, 5)}"


def listed(numbers: list[int]) -> str:
    """`0`, `0 and 2`, `0, 1 and 3`."""
    if len(numbers) > 6:
        return f"{numbers[0]}, {numbers[1]}, …, {numbers[-1]}"
    return joined([*map(str, numbers)])


def halves(length: Fraction) -> str:
    """A length in cells that is a multiple of one half: `half a cell`, `1 cell`, `2.5 cells`."""
    if length == Fraction(1, 2):
        return "half a cell"
    whole, rest = divmod(length, 1)
    return f"{whole}.5 cells" if rest else counted(whole, "cell")


def hundredths(number: Fraction) -> str:
    """A positive number to two decimals."""
    whole = round(number * 100)
    return f"{whole // 100}.{whole % 100:02}"


def plural(count: int, one: str, many: str) -> str:
    """The verb that goes with a count."""
    return one if count == 1 else many


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
