"""The steps of a plan as a tree of blocks, folded at a depth, with equal siblings as one row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from planner.diagnostics import Path
from planner.geometry import Shape
from planner.model import Group, Ref
from planner.plan import Plan


@dataclass(frozen=True, slots=True)
class Row:
    """One layer, one block, or so many equal blocks one after the other.

    name     its name below the block that it stands in; of several copies, the first and the last
    path     its place in the file, or that of the first copy
    steps    the steps of the plan that it stands for
    planned  whether all of them have their shapes; params and macs are of those that have
    opened   its layers follow, in rows of their own
    """

    name: str
    type: str
    depth: int
    path: Path
    steps: range
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    params: int
    macs: int
    planned: bool
    is_block: bool = False
    opened: bool = False
    copies: int = 1


def rows(plan: Plan, depth: int | None = None) -> Iterator[Row]:
    """The rows of a table in order of execution. Blocks are opened down to `depth` levels of rows, or all of them."""
    return _Tree(plan, depth).below(None, 0)


class _Tree:
    def __init__(self, plan: Plan, depth: int | None) -> None:
        self.plan = plan
        self.depth = depth
        self.blocks: defaultdict[Group | None, list[Group]] = defaultdict(list)
        for group in plan.model.groups:
            if group.first < group.last:
                self.blocks[group.parent].append(group)
        self.last_reader: dict[Ref, int] = {}
        for i, step in enumerate(plan.steps):
            self.last_reader.update(dict.fromkeys(step.sources, i))
        self.last_reader.update(dict.fromkeys(plan.outputs, len(plan.steps)))

    def below(self, parent: Group | None, depth: int) -> Iterator[Row]:
        """The rows of what stands in a block, or in the model."""
        at, last = (parent.first, parent.last) if parent else (len(self.plan.inputs), len(self.plan.steps))
        folded = self.depth is not None and depth + 1 >= self.depth
        for _, equal in groupby(self.blocks[parent], self._character if folded else id):
            blocks = list(equal)
            for runs in _adjacent(blocks):
                yield from (self._layer(i, depth) for i in range(at, runs[0].first))
                at = runs[-1].last
                yield self._block(runs, depth, opened=not folded)
                if not folded:
                    yield from self.below(runs[0], depth + 1)
        yield from (self._layer(i, depth) for i in range(at, last))

    def _character(self, block: Group) -> tuple[object, ...]:
        """What equal blocks have in common."""
        steps = range(block.first, block.last)
        return block.type, repr(block.args), len(steps), self._inputs(steps), self._outputs(block), self._planned(steps)

    def _layer(self, i: int, depth: int) -> Row:
        step = self.plan.steps[i]
        return Row(
            name=_below(step.name, step.group),
            type=step.type,
            depth=depth,
            path=step.path,
            steps=range(i, i + 1),
            inputs=step.inputs,
            outputs=step.outputs,
            params=step.params or 0,
            macs=step.macs or 0,
            planned=step.facts is not None,
        )

    def _block(self, copies: list[Group], depth: int, opened: bool) -> Row:
        first, last = copies[0], copies[-1]
        names = [_below(each.name, each.parent) for each in (first, last)]
        steps = range(first.first, last.last)
        facts = [facts for i in steps if (facts := self.plan.steps[i].facts)]
        return Row(
            name=names[0] if len(copies) == 1 else "…".join(names),
            type=first.type,
            depth=depth,
            path=first.path,
            steps=steps,
            inputs=self._inputs(range(first.first, first.last)),
            outputs=self._outputs(last),
            params=sum(each.params for each in facts),
            macs=sum(each.macs for each in facts),
            planned=self._planned(steps),
            is_block=True,
            opened=opened,
            copies=len(copies),
        )

    def _planned(self, steps: range) -> bool:
        return all(self.plan.steps[i].facts is not None for i in steps)

    def _inputs(self, steps: range) -> tuple[Shape, ...]:
        """The shapes of what comes from outside."""
        refs = dict.fromkeys(ref for i in steps for ref in self.plan.steps[i].sources if ref.step not in steps)
        return tuple(shape for ref in refs if (shape := self.plan.shape(ref)))

    def _outputs(self, block: Group) -> tuple[Shape, ...]:
        """The shapes of what is read outside, in the block's order; of the last step where nobody reads."""
        steps = self.plan.steps
        made = block.outputs or [
            Ref(i, output) for i in range(block.first, block.last) for output in range(len(steps[i].outputs))
        ]
        made = [Ref(ref.step, ref.output or 0) for ref in made]
        read = [shape for ref in made if self.last_reader.get(ref, 0) >= block.last and (shape := self.plan.shape(ref))]
        return tuple(read) or steps[block.last - 1].outputs


def _below(name: str, parent: Group | None) -> str:
    """The part of a full name that comes after that of the block around it."""
    return name.removeprefix(f"{parent.name}.") if parent else name


def _adjacent(blocks: list[Group]) -> Iterator[list[Group]]:
    """Runs of blocks with no layer between them."""
    run = blocks[:1]
    for block in blocks[1:]:
        if block.first != run[-1].last:
            yield run
            run = []
        run.append(block)
    yield run
