"""The lists of layers of a model file, and which steps of the plan each entry of them came to."""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import cached_property

from planner.arithmetic import Expression
from planner.diagnostics import Path
from planner.format import Block, Entry, is_spatial
from planner.layers import all_layers
from planner.plan import Plan
from planner.sight import ANY, stands_for_several


def names_others(block: Block, number: int) -> bool:
    """Whether what names mean depends on whether an entry is there: those of further entries of the same type without a
    name, which each have another number, or its own, which an alternative has too.
    """
    entry = block.entries[number]
    if block.nameless or not (isinstance(entry.when, Expression) or isinstance(entry.repeat, Expression)):
        return False
    if entry.name is not None:
        return sum(other.name == entry.name for other in block.entries) > 1
    return any(other.name is None and other.type == entry.type for other in block.entries[number + 1 :])


def reads_any(block: Block) -> bool:
    """Whether a list reads an input of which there may be any number."""
    name = block.inputs[-1].removeprefix(ANY)
    read = {*block.outputs, *(each for entry in block.entries for each in entry.sources or ())}
    return block.takes_any and any(each.startswith((ANY, f"{name}.")) for each in read)


class Structure:
    """The lists of layers of a plan's model."""

    def __init__(self, plan: Plan, opened: Set[Path] = frozenset(), *, sequential: bool = False) -> None:
        """`opened` are lists that are written with a forward pass, though each entry reads the one above it; nothing is
        written with one where all is to be `sequential`.
        """
        self.plan = plan
        self.opened = opened
        self.sequential = sequential
        self.model = plan.model
        self.types = all_layers()
        self.parting = {
            step.path[:-1]
            for step in plan.layers
            if len(step.outputs) > 1 and not (step.layer is not None and step.layer.extras)
        }
        """Lists in which a layer hands on several tensors."""
        named = {each.ref.step for each in self.model.numbered if each.ref.output}
        self.extras = {group.block.path for group in self.model.groups if group.last - 1 in named}
        """Lists that hand on the further outputs of their last layer, which somebody names."""
        self._chains: dict[Path, bool] = {}
        self.fractional: set[tuple[Block, str]] = set()
        """Parameters of blocks that are no whole number in some copy."""
        for group in plan.model.groups:
            self.fractional |= {(group.block, each) for each, found in group.args.items() if type(found) is float}

    @cached_property
    def params(self) -> set[str]:
        """The names of all parameters, of the model and of its blocks."""
        known = {id(each): each for each in (self.model.blocks, *(group.block.in_sight for group in self.model.groups))}
        blocks = [block for named in known.values() for block in named.values() if block is not None]
        return {*self.model.params, *(each for block in blocks for each in block.params)}

    def is_chain(self, block: Block) -> bool:
        """Whether a list is written without a forward pass: each entry reads the one above it, and the last one is what
        the list hands on.
        """
        if block.path[-1] != "layers":
            return True  # the repetitions of one entry, as a list of their own
        if block.path not in self._chains:
            self._chains[block.path] = block.path not in self.opened and self.forbids_chain(block) is None
        return self._chains[block.path]

    def in_place(self, block: Block) -> bool:
        """Whether a list is written inside of another list's module."""
        return block.owner is not None and self.is_chain(block)

    def within(self, block: Block) -> Iterator[Block]:
        """A list with those that are written inside of its module."""
        yield block
        for entry in block.entries:
            if entry.inner is not None and self.in_place(entry.inner):
                yield from self.within(entry.inner)

    def in_model(self, block: Block) -> bool:
        """Whether a list is the model's own, or written in place there."""
        return block.is_model or (block.owner is not None and self.in_place(block) and self.in_model(block.owner))

    def forbids_chain(self, block: Block) -> Entry | None:
        """The first entry that reads something else than what stands above it, hands on more than one tensor, or has
        weights of another.
        """
        above: tuple[str, ...] = ("input", *block.inputs)
        several = len(block.inputs) > 1 or block.takes_any
        for entry in block.entries:
            read = entry.sources[0] if entry.sources is not None else None
            elsewhere = read is not None and read not in above
            elsewhere |= not self.sequential and any(map(is_spatial, entry.reads))
            if several or elsewhere or entry.borrows or not self._takes_one(block, entry):
                return entry
            several = False
            above = (entry.plain_name,) if entry.plain_name is not None else ()
        last = block.entries[-1]
        if block.outputs and (len(block.outputs) > 1 or block.outputs[0] not in above):
            return last
        return last if block.path in self.parting else None

    def _takes_one(self, owner: Block, entry: Entry) -> bool:
        """Whether an entry of a list reads one tensor."""
        if entry.sources is not None and (len(entry.sources) > 1 or stands_for_several(entry.sources[0])):
            return False
        if entry.inner is not None or isinstance(entry.type, Expression):
            return True
        if entry.type in self.types:
            return self.types[entry.type].takes != (0, 0)
        block = owner.in_sight.get(entry.type)
        return block is None or (len(block.inputs) == 1 and not block.takes_any and len(block.outputs) <= 1)
