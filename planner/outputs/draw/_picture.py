"""The picture of a plan, independent of any format: boxes, frames around them, arrows between them.

A box is a layer with the layers that only work on its values (an activation, a norm, dropout), or a folded block; a
frame is an opened block.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from planner.geometry import Shape
from planner.model import Group, around
from planner.outputs._fold import Row
from planner.outputs._screen import printable
from planner.outputs.draw._kinds import is_one_box
from planner.outputs.draw._marks import Mark, marks
from planner.outputs.draw._ways import alone
from planner.outputs.plan.table import shapes_text
from planner.plan import Plan, Step
from planner.report import Report

MOST_KINDS = 4
_SHORT = {"kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g", "output_size": "to"}
_PER_AXIS = {*_SHORT, "output_padding", "scale_factor", "size", "shape", "unflattened_size"}
"""Arguments with a number for each axis, which read like a shape."""
_FORMULAS = {"equation", "pattern"}
"""Arguments that say by themselves what they are."""
LONGEST_FORMULA, LONGEST_VALUE = 40, 24
_SHOWN_BY_SHAPE = {"out_channels", "out_features", "bias", "inplace", "affine", "eps", "momentum"}


class TooManyBoxes(Exception):
    """More boxes than a picture can hold; the text says what to do."""


@dataclass(eq=False, slots=True)
class Frame:
    """An opened block, or the first of several copies.

    captions  opened blocks that hold nothing but this frame, the outermost first; they have no frame of their own
    """

    number: int
    row: Row
    parent: Frame | None
    captions: list[Row] = field(default_factory=list)

    @property
    def shifts(self) -> tuple[int, ...]:
        """The distance, in steps, of each copy from the first, the copies of the frames around it included."""
        apart = len(self.row.steps) // self.row.copies
        outer = self.parent.shifts if self.parent else (0,)
        return tuple(shift + apart * copy for shift in outer for copy in range(self.row.copies))


@dataclass(eq=False, slots=True)
class Box:
    """A layer and what is stacked under it, a folded block, an input (`shape`), or an output (`rows` is empty).

    steps     the numbers of the plan's steps that its rows stand for, in the first copy of the blocks around it
    shifts    how many steps each copy comes after the first
    captions  opened blocks that hold nothing but this box, the outermost first; they have no frame of their own
    also      what it reads beside the boxes that have an arrow to it
    """

    number: int
    title: str
    rows: list[Row]
    frame: Frame | None = None
    steps: list[range] = field(default_factory=list)
    shifts: tuple[int, ...] = (0,)
    shape: Shape | None = None
    is_output: bool = False
    captions: list[Row] = field(default_factory=list)
    also: list[Box] = field(default_factory=list)

    def all_steps(self) -> Iterator[range]:
        """The steps in all copies of the blocks around it."""
        return (range(each.start + shift, each.stop + shift) for shift in self.shifts for each in self.steps)

    @property
    def head(self) -> Row | None:
        return self.rows[0] if self.rows else None

    @property
    def is_block(self) -> bool:
        return bool(self.rows) and self.rows[0].is_block


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow: what one box reads of another.

    skip  it goes past boxes that lie on a longer way between the two
    lent  of the source only its size is used
    """

    source: Box
    target: Box
    shapes: tuple[Shape, ...]
    skip: bool
    lent: bool = False

    @property
    def text(self) -> str:
        return shapes_text(self.shapes)


@dataclass(eq=False)
class Picture:
    """A plan's boxes in order of execution, its frames and its arrows.

    terse  boxes say the shape of what they hand on, in the place of their arrows; those that nothing stands beside say
           all in one line
    """

    report: Report
    boxes: list[Box]
    frames: list[Frame]
    arrows: list[Arrow]
    terse: bool = False

    @property
    def plan(self) -> Plan:
        return self.report.plan

    @cached_property
    def marks(self) -> dict[int, tuple[Mark, ...]]:
        return dict(marks(self.report))

    @property
    def folded(self) -> bool:
        return any(each.is_block for each in self.boxes)

    @cached_property
    def fans(self) -> list[list[Box]]:
        """Three or more boxes of one type in one frame that read the same things, in order."""
        reading: defaultdict[int, list[int]] = defaultdict(list)
        for arrow in self.arrows:
            reading[arrow.target.number].append(arrow.source.number)
        found: defaultdict[tuple[object, ...], list[Box]] = defaultdict(list)
        for box in self.boxes:
            if box.head is not None and reading[box.number]:
                found[box.frame, box.head.type, *reading[box.number]].append(box)
        return [fan for fan in found.values() if len(fan) > 2]

    @cached_property
    def told(self) -> dict[Box, str]:
        """The shape that a box states in place of its arrows; an output states that of the arrow to it."""
        shapes: defaultdict[Box, set[str]] = defaultdict(set)
        for arrow in self.arrows if self.terse else ():
            if not arrow.lent:
                shapes[arrow.target if arrow.target.is_output else arrow.source].add(arrow.text)
        return {box: found.pop() for box, found in shapes.items() if len(found) == 1}

    @cached_property
    def one_line(self) -> set[Box]:
        """The boxes that state everything on one line."""
        return alone(self.boxes, self.arrows) if self.terse else set()

    @property
    def plain(self) -> bool:
        """Whether boxes name some of what they read, instead of having an arrow from there."""
        return any(box.also for box in self.boxes)

    def plainer(self) -> Picture:
        """The picture with one arrow to each box; what else the box reads is named in it."""
        return replace(self, arrows=list(_nearest(self.arrows)))

    def first_in(self, frame: Frame) -> Box:
        """The first box inside a frame, or inside a frame in it, that data enter."""
        return next(box for box in self.boxes if frame in frames_around(box.frame))

    def says_more(self, row: Row) -> bool:
        """Whether a layer or a block shows more than its name and type."""
        return row.is_block or bool(arguments(self.plan.steps[row.steps.start]))

    def marks_of(self, box: Box, steps: range | None = None) -> list[Mark]:
        """The marks of a box, or of some of its steps; of those of the same name in several copies, the first."""
        found: list[Mark] = []
        for i in (i for each in (box.steps if steps is None else [steps]) for i in each):
            first = list(self.marks.get(i, ()))
            others = {mark.name: mark for shift in reversed(box.shifts[1:]) for mark in self.marks.get(i + shift, ())}
            names = {mark.name for mark in first}
            found += first + [mark for name, mark in others.items() if name not in names]
        return found

    def contents(self, row: Row) -> str:
        """The layers of a folded block, from the block's own list."""
        first = range(row.steps.start, row.steps.start + len(row.steps) // row.copies)
        block = next(each for each in around(self.plan.steps[first.start].group) if each.path == row.path)
        if is_one_box(self.plan, block):
            steps = [self.plan.steps[i] for i in first]
            return ", ".join(f"{printable(step.type)} {arguments(step)}".rstrip() for step in steps)
        counts: Counter[str] = Counter()
        last: Group | None = None
        for i in first:
            step = self.plan.steps[i]
            inner = next((each for each in around(step.group) if each.parent is block), None)
            if inner is None:
                counts[step.type] += 1
            elif inner is not last:
                counts[inner.type] += 1
            last = inner
        shown = [f"{count} {printable(name)}" if count > 1 else printable(name) for name, count in counts.items()]
        return ", ".join(shown[:MOST_KINDS] + ["…"] * (len(shown) > MOST_KINDS))


def frames_around(frame: Frame | None) -> Iterator[Frame]:
    """A frame and those that it stands in."""
    while frame is not None:
        yield frame
        frame = frame.parent


def family(step: Step) -> str:
    """The family of a step's layer; nothing for an input."""
    return "" if step.layer is None else step.layer.family()


def arguments(step: Step) -> str:
    """A layer's arguments in a few characters, except those that its shape shows: `k3 s2 p1`."""
    if step.layer is None:
        return ""
    given = step.layer.given()
    if step.facts and step.facts.foreign:
        return printable(step.facts.foreign.rpartition(".")[2])
    said = [_argument(name, value) for name, value in given.items() if name not in _SHOWN_BY_SHAPE]
    return " ".join(each for each in said if each).rstrip(",")


def reads_too(box: Box) -> str:
    """What a box reads beside the box that has an arrow to it: the names, or the first and the last of them."""
    names = [printable(each.title) for each in box.also]
    if len(names) <= 3:
        return f"reads {', '.join(names)} too"
    return f"reads {len(names)} more: {names[0]} … {names[-1]}"


def is_named(row: Row) -> bool:
    """Whether a row's name says more than its type does."""
    return re.fullmatch(rf"{re.escape(row.type.lower())}(_\d+)?", row.name) is None


def _argument(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else ""
    text = printable(_joined(value, "×" if name in _PER_AXIS else ","))
    longest = LONGEST_FORMULA if name in _FORMULAS else LONGEST_VALUE
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if name in _FORMULAS:
        return f"{text.replace('->', '→')},"
    short = _SHORT.get(name, "")
    return f"{short}{text}" if len(short) == 1 and text[:1].isdigit() else f"{short or name} {text}"


def _joined(value: object, between: str) -> str:
    """A list as its values; a pair for each axis as `2,0×1,1`."""
    if not isinstance(value, list | tuple):
        return str(value)
    return between.join(_joined(each, ",") for each in value)


def _nearest(arrows: Iterable[Arrow]) -> Iterator[Arrow]:
    """For each box, the arrow from the nearest box that it reads; what else it reads is noted in it."""
    reading: defaultdict[int, list[Arrow]] = defaultdict(list)
    for arrow in arrows:
        reading[arrow.target.number].append(arrow)
    for each in reading.values():
        nearest = max(each, key=lambda arrow: arrow.source.number)
        nearest.target.also += [arrow.source for arrow in each if arrow is not nearest]
        yield replace(nearest, skip=False)
