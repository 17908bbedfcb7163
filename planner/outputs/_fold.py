"""The steps of a plan as a tree of blocks, folded at a depth, with equal siblings as one row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from planner.diagnostics import Path
from planner.geometry import Shape
from planner.model import Group
from planner.outputs._alike import Likeness, series
from planner.outputs._screen import printable
from planner.outputs._weights import lent, lent_to_copies
from planner.plan import Plan, Tensor

Opens = Callable[[Group, int], bool]
"""Whether a block, or the first of several copies, is opened at a level of rows, counted from 0."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: one layer, one block, or several equal blocks one after the other.

    name     its name below the block that it stands in; of several copies, the first and the last
    path     its place in the file, or that of the first copy
    steps    the steps of the plan that it stands for
    planned  whether all of them have their shapes; params and macs are of those that have, None if unknown of some
    opened   its layers follow, in rows of their own; of several copies, those of the first
    beside   the copies stand side by side, and not one after the other
    differ   the arguments in which copies differ: `dilation 1, 2, 4`
    weights  whose weights it uses, where they are not its own: `shares conv1`
    foreign  the name of a class that only the user's own code has
    """

    name: str
    type: str
    depth: int
    path: Path
    steps: range
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    params: int | None
    macs: int | None
    planned: bool
    is_block: bool = False
    opened: bool = False
    copies: int = 1
    beside: bool = False
    differ: str = ""
    weights: str = ""
    foreign: str = ""

    @property
    def notes(self) -> str:
        """What is said after its type: `, dilation 1, 2, 4, shares a`."""
        return "".join(f", {each}" for each in (self.foreign, self.differ, self.weights) if each)

    @property
    def times(self) -> str:
        """The number of copies that the row stands for, as ` ×6`."""
        return f" ×{self.copies}{' side by side' if self.beside else ''}" if self.copies > 1 else ""


def rows(plan: Plan, depth: int | None = None) -> Iterator[Row]:
    """The rows of a table in order of execution. Blocks are opened down to `depth` levels of rows, or all of them;
    equal blocks that are not opened are one row.
    """
    return Tree(plan).rows(lambda group, level: depth is None or level + 1 < depth, every=True)


class Tree:
    """The blocks of a plan, and what is read of them outside; rows can be made with any blocks opened.

    growing  blocks are equal, too, where their channels differ: the layers of a DenseNet, which read ever more
    """

    def __init__(self, plan: Plan, growing: bool = False) -> None:
        self.plan = plan
        self.growing = growing
        self.copies = Likeness(plan)
        self.characters: dict[Group, tuple[object, ...]] = {}
        self.blocks: defaultdict[Group | None, list[Group]] = defaultdict(list)
        for group in plan.model.groups:
            if group.first < group.last:
                self.blocks[group.parent].append(group)
        self.last_reader: dict[Tensor, int] = {}
        for i, step in enumerate(plan.steps):
            self.last_reader.update(dict.fromkeys(step.sources, i))
        self.last_reader.update(dict.fromkeys(plan.outputs, len(plan.steps)))

    def rows(self, opens: Opens, every: bool = False) -> Iterator[Row]:
        """The rows in order of execution; with `every`, all of several equal blocks are opened, not only the first."""
        return self._below(None, 0, opens, every)

    def _below(self, parent: Group | None, depth: int, opens: Opens, every: bool) -> Iterator[Row]:
        """The rows of the layers and blocks in a block, or in the model."""
        at, last = (parent.first, parent.last) if parent else (len(self.plan.inputs), len(self.plan.steps))
        for run in self._runs(parent):
            yield from (self._layer(i, depth) for i in range(at, run[0].first))
            at = run[-1].last
            opened = opens(run[0], depth)
            for copies in [[each] for each in run] if opened and every else [run]:
                yield self._block(copies, depth, opened)
                if opened:
                    yield from self._below(copies[0], depth + 1, opens, every)
        yield from (self._layer(i, depth) for i in range(at, last))

    def _runs(self, parent: Group | None) -> Iterator[list[Group]]:
        """The blocks in a block, as runs: a block alone, or equal blocks next to one another."""
        for _, equal in groupby(self.blocks[parent], self._character):
            for run in _adjacent(list(equal)):
                yield from self.copies.runs(run)

    def _character(self, block: Group) -> tuple[object, ...]:
        """The key that equal blocks have in common."""
        if block not in self.characters:
            shapes = [
                shape.spatial if self.growing else shape for shape in (*self._inputs(block), *self._outputs(block))
            ]
            planned = self._planned(range(block.first, block.last))
            self.characters[block] = block.type, *self.copies.signature(block), *shapes, planned
        return self.characters[block]

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
            params=step.params if step.facts else 0,
            macs=step.macs if step.facts else 0,
            planned=step.facts is not None,
            foreign=printable(step.facts.foreign.rpartition(".")[2]) if step.facts else "",
            weights=lent(self.plan, step),
        )

    def _block(self, copies: list[Group], depth: int, opened: bool) -> Row:
        first, last = copies[0], copies[-1]
        names = [_below(each.name, each.parent) for each in (first, last)]
        steps = range(first.first, last.last)
        planned = [self.plan.steps[i] for i in steps if self.plan.steps[i].facts is not None]
        return Row(
            name=names[0] if len(copies) == 1 else "…".join(names),
            type=first.type,
            depth=depth,
            path=first.path,
            steps=steps,
            inputs=self._inputs(first),
            outputs=self._outputs(last),
            params=summed(each.params for each in planned),
            macs=summed(each.macs for each in planned),
            planned=self._planned(steps),
            is_block=True,
            opened=opened,
            copies=len(copies),
            beside=len(copies) > 1 and self.plan.arriving(first) == self.plan.arriving(last),
            differ="; ".join(filter(None, [self.copies.differences(copies), self._growth(copies)])),
            weights=lent_to_copies(copies),
        )

    def _growth(self, copies: list[Group]) -> str:
        """The numbers of channels that copies hand on, where these differ."""
        made = [[shape.channels for shape in self._outputs(each)] for each in copies]
        return series("channels", [each[0] for each in made]) if any(each != made[0] for each in made) else ""

    def _planned(self, steps: range) -> bool:
        return all(self.plan.steps[i].facts is not None for i in steps)

    def _inputs(self, block: Group) -> tuple[Shape, ...]:
        """The shapes that a block reads from outside."""
        return tuple(shape for ref in self.plan.arriving(block) if (shape := self.plan.shape(ref)))

    def _outputs(self, block: Group) -> tuple[Shape, ...]:
        """The shapes of a block that are read outside, in the block's order; of its last step if nothing reads any."""
        steps = self.plan.steps
        every = (Tensor(i, o) for i in range(block.first, block.last) for o in range(len(steps[i].outputs)))
        made = self.plan.leaving(block) if block.outputs else every
        read = [shape for ref in made if self.last_reader.get(ref, 0) >= block.last and (shape := self.plan.shape(ref))]
        return tuple(read) or steps[block.last - 1].outputs


def summed(numbers: Iterable[int | None]) -> int | None:
    """A sum, which is unknown where one of the numbers is."""
    found = list(numbers)
    return None if None in found else sum([each or 0 for each in found])


def _below(name: str, parent: Group | None) -> str:
    """The part of a full name after the name of the block around it."""
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
