"""Drawing: which rows of a report become boxes, which blocks are opened, and the arrows between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate

from planner.model import around
from planner.outputs._fold import Row, Tree
from planner.outputs.draw._kinds import BlockKind, Kinds, only_works_on_values
from planner.outputs.draw._picture import Arrow, Box, Frame, Picture, TooManyBoxes
from planner.outputs.draw._room import LEAST_OPENED, PAGE, height
from planner.outputs.draw._ways import BoxPair, hands_on, lent, skips
from planner.plan import Plan, Tensor
from planner.report import Report

COMFORTABLE = 36
"""The most boxes that are drawn where no depth is asked for, as far as folding can reduce their number."""
MOST_PASSED = 4_000
"""Boxes that all arrows together go past."""
MOST_BESIDE = 100_000
"""Pairs of arrows that go past one box together, over all boxes. Engines take minutes for more of either, and nobody
can follow the arrows."""
MOST_BOXES = 4000
DEEPEST = 100
MOST_STACKED = 5
"""Layers in one box."""


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


def _opened(report: Report, tree: Tree, kinds: Kinds, plain: bool, terse: bool) -> tuple[Picture, set[BlockKind]]:
    """The picture with as many kinds of blocks opened as a page holds, and these kinds."""
    found = replace(_picture(report, tree.rows(kinds.opening(set())), plain), terse=terse)
    room = max(PAGE, height(found) + LEAST_OPENED * terse)
    opened: set[BlockKind] = set()
    for more in kinds.by_weight():
        try:
            tried = _picture(report, tree.rows(kinds.opening(opened | more)), plain, COMFORTABLE)
        except TooManyBoxes:
            continue
        tried = replace(tried, terse=terse)
        if height(tried) <= room:
            found, opened = tried, opened | more
    return found, opened


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
    """Whether too many arrows go past boxes for an engine to finish."""
    changes = [0] * (boxes + 1)
    for arrow in arrows:
        changes[arrow.source.number + 1] += 1
        changes[arrow.target.number] -= 1
    past = list(accumulate(changes))
    return sum(past) > MOST_PASSED or sum(count * count for count in past) > MOST_BESIDE


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
    """Whether a layer works on the values of the layer above cell by cell, and nothing else reads that layer."""
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
    refs: defaultdict[BoxPair, dict[Tensor, None]] = defaultdict(dict)
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
