"""The picture of a plan before it has a form: boxes, frames around them, arrows between them.

A box is a layer with the layers that only work on its values (an activation, a norm, dropout), or a folded block; a
frame is an opened block.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from planner.analyses.receptive_field import LONGEST_PERIOD
from planner.geometry import Shape
from planner.model import Group, Ref
from planner.outputs._fold import Row, rows
from planner.outputs._screen import printable
from planner.outputs.draw._marks import Mark, marks
from planner.outputs.plan.table import shapes_text
from planner.plan import Plan, Step
from planner.report import Report

COMFORTABLE = 36
"""So many boxes are drawn at most where no depth is asked for, if folding can bring them down to it."""
MOST_BOXES = 4000
DEEPEST = 100
MOST_KINDS = 4
MOST_STACKED = 5
"""Layers in one box."""
_SHORT = {"kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g", "output_size": "to"}
_SHOWN_BY_SHAPE = {"out_channels", "out_features", "bias", "inplace", "affine", "eps", "momentum"}


class TooManyBoxes(Exception):
    """More boxes than a picture can hold; the text says what to do."""


@dataclass(eq=False, slots=True)
class Frame:
    """An opened block."""

    number: int
    row: Row
    parent: Frame | None


@dataclass(eq=False, slots=True)
class Box:
    """A layer and what is stacked under it, a folded block, an input (`shape`), or an output (`rows` is empty).

    steps     the numbers of the plan's steps that it stands for
    captions  opened blocks that hold nothing but this box, the outermost first; they have no frame of their own
    """

    number: int
    title: str
    rows: list[Row]
    frame: Frame | None = None
    steps: list[range] = field(default_factory=list)
    shape: Shape | None = None
    is_output: bool = False
    captions: list[Row] = field(default_factory=list)

    @property
    def head(self) -> Row | None:
        return self.rows[0] if self.rows else None

    @property
    def is_block(self) -> bool:
        return bool(self.rows) and self.rows[0].is_block


@dataclass(frozen=True, slots=True)
class Arrow:
    """What one box reads of another.

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
    """A plan's boxes in order of execution, its frames and its arrows."""

    report: Report
    depth: int | None
    boxes: list[Box]
    frames: list[Frame]
    arrows: list[Arrow]

    @property
    def plan(self) -> Plan:
        return self.report.plan

    @cached_property
    def marks(self) -> dict[int, tuple[Mark, ...]]:
        return dict(marks(self.report))

    @property
    def folded(self) -> bool:
        return any(each.is_block for each in self.boxes)

    def marks_of(self, steps: range) -> list[Mark]:
        return [mark for i in steps for mark in self.marks.get(i, ())]

    def contents(self, row: Row) -> str:
        """What is in a folded block, from its own list of layers."""
        first = range(row.steps.start, row.steps.start + len(row.steps) // row.copies)
        block = next(each for each in _around(self.plan.steps[first.start]) if each.path == row.path)
        counts: Counter[str] = Counter()
        last: Group | None = None
        for i in first:
            step = self.plan.steps[i]
            inner = next((each for each in _around(step) if each.parent is block), None)
            if inner is None:
                counts[step.type] += 1
            elif inner is not last:
                counts[inner.type] += 1
            last = inner
        shown = [f"{count} {printable(name)}" if count > 1 else printable(name) for name, count in counts.items()]
        return ", ".join(shown[:MOST_KINDS] + ["…"] * (len(shown) > MOST_KINDS))


def _around(step: Step) -> Iterator[Group]:
    """The blocks that a step stands in, innermost first."""
    group = step.group
    while group is not None:
        yield group
        group = group.parent


def draw(report: Report, depth: int | None = None) -> Picture:
    """The picture with blocks opened down to `depth` levels; left out, as far as it stays easy to survey."""
    if depth is not None:
        return _picture(report, depth)
    found = _picture(report, 1)
    for deeper in range(2, DEEPEST):
        if not found.folded:
            break
        try:
            found = _picture(report, deeper, COMFORTABLE)
        except TooManyBoxes:
            break
    return found


def family(step: Step) -> str:
    """The family of a step's layer: the file in `layers/` that it stands in."""
    return type(step.layer).__module__.rpartition(".")[2] if step.layer is not None else ""


def arguments(step: Step) -> str:
    """A layer's arguments in a few characters, without those that show in its shape: `k3 s2 p1`."""
    if step.layer is None:
        return ""
    given = step.layer.given()
    said = [_argument(name, value) for name, value in given.items() if name not in _SHOWN_BY_SHAPE]
    return " ".join(each for each in said if each)


def is_named(row: Row) -> bool:
    """Whether a row's name says more than its type."""
    return re.fullmatch(rf"{re.escape(row.type.lower())}(_\d+)?", row.name) is None


def _argument(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else ""
    if isinstance(value, list | tuple):
        value = "×".join(map(str, value)) if not any(isinstance(each, list | tuple) for each in value) else value
    text = printable(str(value))
    if len(text) > 24:
        text = text[:23] + "…"
    short = _SHORT.get(name, name)
    return f"{short}{text}" if len(short) == 1 and text[:1].isdigit() else f"{short} {text}"


# How it is put together


def _picture(report: Report, depth: int, most: int = MOST_BOXES) -> Picture:
    plan = report.plan
    boxes = [
        Box(i, step.name, [], steps=[range(i, i + 1)], shape=step.outputs[0]) for i, step in enumerate(plan.inputs)
    ]
    frames: list[Frame] = []
    readers = _readers(plan)
    frame: Frame | None = None
    for row in _rows(plan, depth):
        while frame is not None and row.depth <= frame.row.depth:
            frame = frame.parent
        if row.opened:
            frame = Frame(len(frames), row, frame)
            frames.append(frame)
            continue
        above = boxes[-1] if boxes else None
        if above is not None and above.rows and above.frame is frame and _stacks(plan, above, row, readers):
            above.rows.append(row)
            above.steps.append(row.steps)
            continue
        boxes.append(Box(len(boxes), row.name, [row], frame, [row.steps]))
        if len(boxes) > most:
            fewer = "fold blocks with --depth 1" if plan.model.groups else "fold it: put its layers into blocks"
            raise TooManyBoxes(f"more than {most:,} boxes are too many for a picture; {fewer}")
    arrows = _arrows(plan, boxes)
    return Picture(report, depth, boxes, _with_several(frames, boxes), arrows)


def _with_several(frames: list[Frame], boxes: list[Box]) -> list[Frame]:
    """The frames that hold more than one box; of the others, the box takes the caption."""
    kept: list[Frame] = []
    for frame in reversed(frames):
        inside = [box for box in boxes if box.frame is frame]
        if len(inside) == 1 and not any(each.parent is frame for each in kept):
            inside[0].frame = frame.parent
            inside[0].captions.insert(0, frame.row)
        else:
            kept.append(frame)
    return kept[::-1]


def _rows(plan: Plan, depth: int) -> Iterator[Row]:
    """The rows of the plan; copies of a block that stand side by side, not one behind the other, as one each."""
    for row in rows(plan, depth):
        if row.copies == 1 or _chained(plan, row):
            yield row
        else:
            yield from _apart(plan, row)


def _chained(plan: Plan, row: Row) -> bool:
    """Whether every copy reads nothing but the copy before it and what that one read too."""
    size = len(row.steps) // row.copies
    for start in range(row.steps.start + size, row.steps.stop, size):
        outer = {ref.step for i in range(start, start + size) for ref in plan.steps[i].sources if ref.step < start}
        if not any(start - size <= each for each in outer) or any(each < start - size for each in outer):
            return False
    return True


def _apart(plan: Plan, row: Row) -> Iterator[Row]:
    """A row of copies as one row each."""
    size = len(row.steps) // row.copies
    parent = next(each for each in _around(plan.steps[row.steps.start]) if each.path == row.path).parent
    for start in range(row.steps.start, row.steps.stop, size):
        group = next(each for each in _around(plan.steps[start]) if each.parent is parent)
        name = group.name.removeprefix(f"{parent.name}.") if parent else group.name
        params, macs = row.params // row.copies, row.macs // row.copies
        steps = range(start, start + size)
        yield replace(row, name=name, path=group.path, steps=steps, copies=1, params=params, macs=macs)


def _readers(plan: Plan) -> list[int]:
    """How many times each step is read, being an output of the model counted too."""
    counts = [0] * len(plan.steps)
    for step in plan.steps:
        for ref in step.sources:
            counts[ref.step] += 1
    for ref in plan.outputs:
        counts[ref.step] += 1
    return counts


def _stacks(plan: Plan, above: Box, row: Row, readers: list[int]) -> bool:
    """Whether a layer only works on the values of the one above, each where it is, and nothing else reads that one."""
    last = above.rows[-1]
    if row.is_block or last.is_block or len(above.rows) == MOST_STACKED:
        return False
    i, step = row.steps.start, plan.steps[row.steps.start]
    if step.facts is None or step.macs or len(step.sources) != 1 or len(step.outputs) != 1:
        return False
    source = step.sources[0].step
    return (
        source == last.steps.start == i - 1
        and readers[source] == 1
        and step.outputs == step.inputs
        and all(axis.keeps for axis in step.links[0][0].axes)
    )


def _arrows(plan: Plan, boxes: list[Box]) -> list[Arrow]:
    owner: dict[int, Box] = {i: box for box in boxes for steps in box.steps for i in steps}
    refs: defaultdict[tuple[int, int], dict[Ref, None]] = defaultdict(dict)
    for box in list(boxes):
        for steps in box.steps:
            for i in steps:
                for ref in plan.steps[i].sources:
                    if owner[ref.step] is not box:
                        refs[owner[ref.step].number, box.number][ref] = None
    for place, ref in enumerate(plan.outputs):
        name = "output" if len(plan.outputs) == 1 else f"output {place}"
        end = Box(len(boxes), name, [], is_output=True)
        boxes.append(end)
        refs[owner[ref.step].number, end.number][ref] = None
    lent = _lent(plan, owner, len(boxes) - len(plan.outputs), refs)
    skips = _skips(len(boxes), refs, lent, {box.number for box in boxes if _hands_on(plan, box)})
    return [
        Arrow(
            boxes[source],
            boxes[target],
            tuple(shape for ref in read if (shape := plan.shape(ref)) is not None),
            (source, target) in skips,
            (source, target) in lent,
        )
        for (source, target), read in refs.items()
    ]


def _lent(plan: Plan, owner: dict[int, Box], planned: int, pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """The pairs of boxes of which the second uses nothing but the size of the first."""
    used: set[tuple[int, int]] = set()
    for i, step in enumerate(plan.steps):
        for links in step.links or ([None] * len(step.sources),):
            for ref, link in zip(step.sources, links, strict=False):
                if link is None or not link.empty:
                    used.add((owner[ref.step].number, owner[i].number))
    return {(source, target) for source, target in pairs if target < planned and (source, target) not in used}


def _hands_on(plan: Plan, box: Box) -> bool:
    """Whether a box gives each cell as it was, or leaves it out: an identity, a crop."""
    if not box.rows or box.is_block:
        return False
    return all(
        step.facts is not None
        and not step.macs
        and len(step.sources) - sum(link.empty for link in step.links[0]) == 1
        and all(
            axis.keeps or (axis.period(n) <= LONGEST_PERIOD and (span := axis.span(n)) is not None and span.size == 1)
            for link, x in zip(step.links[0], step.inputs, strict=True)
            if not link.empty
            for axis, n in zip(link.axes, x.spatial, strict=True)
        )
        for step in (plan.steps[i] for steps in box.steps for i in steps)
    )


Pair = tuple[int, int]


def _skips(count: int, pairs: Iterable[Pair], lent: set[Pair], passing: set[int]) -> set[Pair]:
    """The pairs between which there is also a longer way, along values but for its last piece.

    A box that only hands on what it reads (`passing`) to one other does not end a skip, and is not a way of its own.
    """
    sources: defaultdict[int, list[int]] = defaultdict(list)
    readers: defaultdict[int, list[int]] = defaultdict(list)
    for source, target in pairs:
        sources[target].append(source)
        if (source, target) not in lent:
            readers[source].append(target)
    before = [0] * count  # as bits: the boxes from which there is a way to this one
    found: set[Pair] = set()
    for target in range(count):
        around = real = 0
        for source in sources[target]:
            around |= before[source]
            real |= before[source] if source not in passing else 0
        found |= {(source, target) for source in sources[target] if around >> source & 1}
        valued = [source for source in sources[target] if (source, target) not in lent]
        for source in valued:
            before[target] |= before[source] | 1 << source
            behind = [each for each in sources[source] if (each, source) not in lent]
            if source in passing and len(valued) > 1 and len(behind) == 1 and readers[source] == [target]:
                found |= {(behind[0], source), (source, target)} if real >> behind[0] & 1 else set()
    return found - lent
