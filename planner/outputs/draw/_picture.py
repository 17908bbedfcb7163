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
from itertools import accumulate

from planner.geometry import Shape
from planner.model import Group
from planner.outputs._fold import Row, Tree
from planner.outputs._screen import printable
from planner.outputs.draw._kinds import Kind, Kinds, is_one_box, only_works_on_values
from planner.outputs.draw._marks import Mark, marks
from planner.outputs.draw._room import LEAST_OPENED, PAGE, height
from planner.outputs.draw._ways import Pair, alone, hands_on, lent, skips
from planner.outputs.plan.table import shapes_text
from planner.plan import Plan, Step, Tensor
from planner.report import Report

COMFORTABLE = 36
"""So many boxes are drawn at most where no depth is asked for, if folding can bring them down to it."""
MOST_PASSED = 4_000
"""Boxes that all arrows together go past."""
MOST_BESIDE = 100_000
"""Pairs of arrows that go past one box together, over all boxes. Engines take minutes for more of either, and nobody
can follow the arrows."""
MOST_BOXES = 4000
DEEPEST = 100
MOST_KINDS = 4
MOST_STACKED = 5
"""Layers in one box."""
_SHORT = {"kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g", "output_size": "to"}
_PER_AXIS = {*_SHORT, "output_padding", "scale_factor", "size", "shape", "unflattened_size"}
"""Arguments with a number for each axis, which read like a shape."""
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
        """How many steps each copy comes after the first, the copies of the frames around it included."""
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
        """The shape that a box says in the place of its arrows; an output says the one of the arrow to it."""
        shapes: defaultdict[Box, set[str]] = defaultdict(set)
        for arrow in self.arrows if self.terse else ():
            if not arrow.lent:
                shapes[arrow.target if arrow.target.is_output else arrow.source].add(arrow.text)
        return {box: found.pop() for box, found in shapes.items() if len(found) == 1}

    @cached_property
    def one_line(self) -> set[Box]:
        """The boxes that say all in one line."""
        return alone(self.boxes, self.arrows) if self.terse else set()

    @property
    def plain(self) -> bool:
        """Whether some of what boxes read is named in them, and has no arrow."""
        return any(box.also for box in self.boxes)

    def plainer(self) -> Picture:
        """The picture with one arrow to each box; what else the box reads is named in it."""
        return replace(self, arrows=list(_nearest(self.arrows)))

    def first_in(self, frame: Frame) -> Box:
        """The box of a frame, or of one in it, that is entered first."""
        return next(box for box in self.boxes if frame in _frames_around(box.frame))

    def says_more(self, row: Row) -> bool:
        """Whether more is said of a layer or a block than name and type."""
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
        """What is in a folded block, from its own list of layers."""
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


def around(group: Group | None) -> Iterator[Group]:
    """A block and the blocks that it stands in, innermost first."""
    while group is not None:
        yield group
        group = group.parent


def _frames_around(frame: Frame | None) -> Iterator[Frame]:
    """A frame and those that it stands in."""
    while frame is not None:
        yield frame
        frame = frame.parent


def draw(report: Report, depth: int | None = None, every: bool = False, plain: bool = False) -> Picture:
    """The picture of a plan, with one copy of every kind of block opened.

    depth  levels of blocks to open; left out, as many kinds of blocks as a page holds, the repeated ones first
    every  every copy is opened, not one of each kind
    plain  a box has one arrow, from the nearest of its sources; the others are named in it
    """
    tree = Tree(report.plan, growing=not every)
    if every:
        levels = DEEPEST if depth is None else depth
        return _picture(report, tree.rows(lambda group, level: level + 1 < levels, every=True), plain)
    kinds = Kinds(report.plan)
    if depth is not None:
        return _picture(report, tree.rows(kinds.down_to(depth)), plain)
    found, opened = _opened(report, tree, kinds, plain, terse=False)
    if height(found) > PAGE or not kinds.main() <= opened:
        shorter, more = _opened(report, tree, kinds, plain, terse=True)
        found = shorter if height(found) > PAGE or len(more) > len(opened) else found
    return found


def _opened(report: Report, tree: Tree, kinds: Kinds, plain: bool, terse: bool) -> tuple[Picture, set[Kind]]:
    """The picture with as many kinds of blocks opened as a page holds, and these kinds."""
    found = replace(_picture(report, tree.rows(kinds.opening(set())), plain), terse=terse)
    room = max(PAGE, height(found) + LEAST_OPENED * terse)
    opened: set[Kind] = set()
    for more in kinds.by_weight():
        try:
            tried = _picture(report, tree.rows(kinds.opening(opened | more)), plain, COMFORTABLE)
        except TooManyBoxes:
            continue
        tried = replace(tried, terse=terse)
        if height(tried) <= room:
            found, opened = tried, opened | more
    return found, opened


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


def reads_too(box: Box) -> str:
    """What a box reads beside the box that has an arrow to it: the names, or the first and the last of them."""
    names = [printable(each.title) for each in box.also]
    if len(names) <= 3:
        return f"reads {', '.join(names)} too"
    return f"reads {len(names)} more: {names[0]} … {names[-1]}"


def is_named(row: Row) -> bool:
    """Whether a row's name says more than its type."""
    return re.fullmatch(rf"{re.escape(row.type.lower())}(_\d+)?", row.name) is None


def _argument(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else ""
    text = printable(_joined(value, "×" if name in _PER_AXIS else ","))
    if len(text) > 24:
        text = text[:23] + "…"
    short = _SHORT.get(name, "")
    return f"{short}{text}" if len(short) == 1 and text[:1].isdigit() else f"{short or name} {text}"


def _joined(value: object, between: str) -> str:
    """A list as its values; a pair for each axis as `2,0×1,1`."""
    if not isinstance(value, list | tuple):
        return str(value)
    return between.join(_joined(each, ",") for each in value)


# How it is put together


def _picture(report: Report, shown: Iterable[Row], plain: bool, most: int = MOST_BOXES) -> Picture:
    plan = report.plan
    boxes = [
        Box(i, step.name, [], steps=[range(i, i + 1)], shape=step.outputs[0]) for i, step in enumerate(plan.inputs)
    ]
    frames: list[Frame] = []
    frame: Frame | None = None
    for row in shown:
        while frame is not None and row.depth <= frame.row.depth:
            frame = frame.parent
        if row.opened:
            frame = Frame(len(frames), row, frame)
            frames.append(frame)
            continue
        above = boxes[-1] if boxes else None
        if above is not None and above.rows and above.frame is frame and _stacks(plan, above, row):
            above.rows.append(row)
            above.steps.append(row.steps)
            continue
        boxes.append(Box(len(boxes), row.name, [row], frame, [row.steps], frame.shifts if frame else (0,)))
        if len(boxes) > most:
            fewer = "fold blocks with --depth 1" if plan.model.groups else "fold it: put its layers into blocks"
            raise TooManyBoxes(f"more than {most:,} boxes are too many for a picture; {fewer}")
    arrows = _arrows(plan, boxes)
    found = Picture(report, boxes, _with_several(frames, boxes), arrows)
    return found.plainer() if plain or _tangled(arrows, len(boxes)) else found


def _tangled(arrows: Iterable[Arrow], boxes: int) -> bool:
    """Whether so many arrows go past boxes that an engine would not come to an end with them."""
    changes = [0] * (boxes + 1)
    for arrow in arrows:
        changes[arrow.source.number + 1] += 1
        changes[arrow.target.number] -= 1
    past = list(accumulate(changes))
    return sum(past) > MOST_PASSED or sum(count * count for count in past) > MOST_BESIDE


def _nearest(arrows: Iterable[Arrow]) -> Iterator[Arrow]:
    """For each box, the arrow from the nearest box that it reads; what else it reads is noted in it."""
    reading: defaultdict[int, list[Arrow]] = defaultdict(list)
    for arrow in arrows:
        reading[arrow.target.number].append(arrow)
    for each in reading.values():
        nearest = max(each, key=lambda arrow: arrow.source.number)
        nearest.target.also += [arrow.source for arrow in each if arrow is not nearest]
        yield replace(nearest, skip=False)


def _with_several(frames: list[Frame], boxes: list[Box]) -> list[Frame]:
    """The frames that hold more than one thing; of the others, the box or the frame in them takes the caption."""
    kept: list[Frame] = []
    for frame in reversed(frames):
        boxes_in = [box for box in boxes if box.frame is frame]
        frames_in = [each for each in kept if each.parent is frame]
        if len(boxes_in) + len(frames_in) != 1:
            kept.append(frame)
        elif boxes_in:
            boxes_in[0].frame = frame.parent
            boxes_in[0].captions.insert(0, frame.row)
        else:
            frames_in[0].parent = frame.parent
            frames_in[0].captions.insert(0, frame.row)
    return kept[::-1]


def _stacks(plan: Plan, above: Box, row: Row) -> bool:
    """Whether a layer only works on the values of the one above, each where it is, and nothing else reads that one."""
    last = above.rows[-1]
    if row.is_block or last.is_block or len(above.rows) == MOST_STACKED:
        return False
    i = row.steps.start
    if i - 1 in plan.returned:
        return False
    return last.steps.start == i - 1 and len(plan.readers(i - 1)) == 1 and only_works_on_values(plan, i)


def _given_name(plan: Plan, ref: Tensor) -> str:
    """An output as the file names it: by the outermost block that hands it on, and not by the step in there."""
    name = plan.label(ref)
    for group in around(plan.steps[ref.step].group):
        made = plan.leaving(group)
        if ref not in made:
            break
        name = group.name if len(made) == 1 else f"{group.name}.{made.index(ref)}"
    return name


def _arrows(plan: Plan, boxes: list[Box]) -> list[Arrow]:
    owner = {i: box for box in boxes for steps in box.all_steps() for i in steps}
    refs: defaultdict[Pair, dict[Tensor, None]] = defaultdict(dict)
    for box in list(boxes):
        for i in (i for steps in box.steps for i in steps):
            for ref in plan.steps[i].sources:
                if owner[ref.step] is not box:
                    refs[owner[ref.step].number, box.number][ref] = None
    for ref in plan.outputs:
        name = "output" if len(plan.outputs) == 1 else f"output {_given_name(plan, ref)}"
        end = Box(len(boxes), name, [], is_output=True)
        boxes.append(end)
        refs[owner[ref.step].number, end.number][ref] = None
    sizes = lent(plan, owner, len(boxes) - len(plan.outputs), refs)
    past = skips(len(boxes), refs, sizes, {box.number for box in boxes if hands_on(plan, box)})
    return [
        Arrow(
            boxes[source],
            boxes[target],
            tuple(shape for ref in read if (shape := plan.shape(ref)) is not None),
            (source, target) in past,
            (source, target) in sizes,
        )
        for (source, target), read in refs.items()
    ]
