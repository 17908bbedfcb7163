"""The blocks of a plan as the forward passes that the code has for them: what each is given, runs, and hands on.

A class runs all that its own outputs depend on, whether or not the model needs these, and is given all that the file
gives the block, whether or not it reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from planner.diagnostics import Path
from planner.format import Entry
from planner.model import Group
from planner.plan import Plan, Tensor, first_of

PassMember = int | Group
"""What stands directly in a block: a step by its number, or another block."""


@dataclass(eq=False, slots=True)
class ForwardPass:
    """A block, or the model itself where there is no `group`, as one forward pass.

    sources  what it is given
    outputs  what it hands on
    members  what stands in it, in order of execution
    living   those of them that it runs
    left     how often it reads each tensor
    """

    group: Group | None
    sources: list[Tensor]
    outputs: list[Tensor]
    members: list[PassMember]
    living: set[PassMember] = field(default_factory=set)
    left: Counter[Tensor] = field(default_factory=Counter)


class ForwardPasses:
    """The forward passes of a plan.

    all  those of the model and of its blocks; copies of a block are taken for one class, which runs in each of them
         what it runs in some
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.all = {group: self._pass(group) for group in (None, *plan.model.groups)}
        self._run()
        self._copies: Counter[tuple[Group | None, object]] = Counter(
            (forward.group, self.path(member)) for forward in self.all.values() for member in forward.members
        )

    def made(self, member: PassMember) -> list[Tensor]:
        """The tensors that a member hands on: of a block that states nothing, all that its last layer makes."""
        if isinstance(member, int):
            return [Tensor(member, o) for o in range(len(self.plan.steps[member].outputs))]
        leaving = self.plan.leaving(member)
        if member.outputs:
            return leaving
        return list(dict.fromkeys(each for tensor in leaving for each in self._beside(tensor, member)))

    def _beside(self, tensor: Tensor, group: Group) -> list[Tensor]:
        """What is handed on together with a tensor that the last entry of a block makes."""
        if not group.first <= tensor.step < group.last:
            return [tensor]
        inside: Group | None = self.plan.steps[tensor.step].group
        if inside is group:
            return self.made(tensor.step)
        while inside is not None and inside.parent is not group:
            inside = inside.parent
        return [tensor] if inside is None or inside.outputs else self.made(inside)

    def read(self, member: PassMember) -> list[Tensor]:
        """The tensors that a member is given."""
        if isinstance(member, Group):
            return list(map(first_of, member.sources))
        step = self.plan.steps[member]
        return [source for k, source in enumerate(step.sources) if not step.lends_size(k)]

    def variables(self, forward: ForwardPass) -> Iterator[Tensor]:
        """The tensors that the code holds until a forward pass returns: what it is given, and what has a variable.

        What the next call alone reads has none that lasts, unless that call reads so much that all of it has one.
        """
        yield from forward.sources
        living = [member for member in forward.members if member in forward.living]
        for member, following in pairwise(living):
            wanted = [tensor for tensor in self.made(member) if forward.left[tensor]]
            read = self.read(following)
            if len(wanted) > 1 or len(read) > 2 or any(forward.left[it] > 1 or it not in read for it in wanted):
                yield from wanted

    def path(self, member: PassMember) -> Path:
        """The place of the entry that a member is a copy of."""
        return member.path if isinstance(member, Group) else self.plan.steps[member].path

    def entry(self, member: PassMember) -> Entry | None:
        """The entry that a member is a copy of; None for an input of the model."""
        group = member.parent if isinstance(member, Group) else self.plan.steps[member].group
        block = self.plan.model.root if group is None else group.block
        *_, number = self.path(member)
        within = self.path(member)[: len(block.path)] == block.path
        return block.entries[number] if within and isinstance(number, int) else None

    def is_repeated(self, member: PassMember) -> bool:
        """Whether a member is one of several copies of an entry."""
        group = member.parent if isinstance(member, Group) else self.plan.steps[member].group
        return self._copies[group, self.path(member)] > 1

    def _pass(self, group: Group | None) -> ForwardPass:
        plan = self.plan
        at, last = (0, len(plan.steps)) if group is None else (group.first, group.last)
        members: list[PassMember] = []
        for inside in plan.blocks.get(group, ()):
            members += [*range(at, inside.first), inside]
            at = inside.last
        members += range(at, last)
        outputs = list(plan.outputs) if group is None else self.made(group)
        return ForwardPass(group, [] if group is None else list(map(first_of, group.sources)), outputs, members)

    def unit(self, group: Group | None) -> Hashable:
        """What stands for all copies of a block that may be one class: they are given tensors of as many axes."""
        if group is None:
            return None
        shapes = (self.plan.shape(tensor) for tensor in self.all[group].sources)
        return (id(group.block), *(len(shape or ()) for shape in shapes))

    def _run(self) -> None:
        """Find out what each forward pass runs, and how often it reads each tensor."""
        always: set[Hashable] = set()
        count = -1
        while count < len(always):
            count = len(always)
            for group, forward in self.all.items():
                self._live(forward, self.unit(group), always)

    def _live(self, forward: ForwardPass, unit: Hashable, always: set[Hashable]) -> None:
        forward.living.clear()
        forward.left = Counter(forward.outputs)
        wanted = {tensor.step for tensor in forward.outputs}
        copies = Counter[object]()
        for member in reversed(forward.members):
            path = self.path(member)
            copies[path] += 1
            steps = [member] if isinstance(member, int) else range(member.first, member.last)
            part = unit, path, copies[path]
            if wanted.isdisjoint(steps) and part not in always:
                continue
            always.add(part)
            forward.living.add(member)
            forward.left.update(self.read(member))
            sources = self.read(member) if isinstance(member, Group) else self.plan.steps[member].sources
            wanted.update(tensor.step for tensor in sources)
