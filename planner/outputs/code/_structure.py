"""The lists of layers of a model file, and which steps of the plan each entry of them came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from planner.arithmetic import Template, has_arithmetic, is_expression, parse_template
from planner.diagnostics import Path
from planner.format import RESERVED, names_of
from planner.layers import all_layers
from planner.model import Group
from planner.plan import Plan, Step


@dataclass(eq=False)
class Slot:
    """One entry of a list of layers, as the file has it. `args` are its arguments, with their arithmetic."""

    path: Path
    type: str
    name: str | None
    sources: tuple[str, ...] | None
    repeat: Any
    when: Any
    args: Mapping[str, Any]
    inner: Listing | None = None

    @cached_property
    def template(self) -> Template | None:
        """A name with arithmetic in it."""
        return parse_template(self.name) if is_expression(self.name) and self.name else None

    @cached_property
    def computed(self) -> list[tuple[str, Any]]:
        """The arguments with arithmetic in them."""
        return [(each, raw) for each, raw in self.args.items() if has_arithmetic(raw)]

    @property
    def repeats(self) -> bool:
        return self.repeat is not None


@dataclass(eq=False)
class Listing:
    """A list of layers: the model's own, that of a block, or one in place, which knows its `owner`.

    chain  whether each entry reads the one above it, and the last one is what the list hands on
    """

    path: Path
    name: str
    slots: list[Slot]
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ("input",)
    outputs: tuple[str, ...] | None = None
    owner: Listing | None = None
    chain: bool = False

    @cached_property
    def nameless(self) -> bool:
        return all(slot.name is None for slot in self.slots)

    def names_others(self, number: int) -> bool:
        """Whether what names mean depends on whether an entry is there: those of further entries of the same type
        without a name, which each have another number, or its own, which an alternative has too.
        """
        slot = self.slots[number]
        if self.nameless or not (is_expression(slot.when) or is_expression(slot.repeat)):
            return False
        if slot.name is not None:
            return sum(other.name == slot.name for other in self.slots) > 1
        return any(other.name is None and other.type == slot.type for other in self.slots[number + 1 :])

    @property
    def is_model(self) -> bool:
        return self.path == ("layers",)

    @property
    def in_place(self) -> bool:
        """Whether it is written inside of another list's module."""
        return self.owner is not None and self.chain

    @property
    def in_model(self) -> bool:
        """Whether it is the model's own, or written in place there."""
        return self.is_model or (self.owner is not None and self.chain and self.owner.in_model)


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
        self.data = plan.model.source.data
        self.types = all_layers()
        self.parting = {
            step.path[:-1]
            for step in plan.layers
            if len(step.outputs) > 1 and not (step.layer is not None and step.layer.extras)
        }
        """Lists in which a layer hands on several tensors."""
        self.extras = self._extras()
        """Lists that hand on the further outputs of their last layer, which somebody names."""
        self.blocks: dict[str, Listing] = {}
        inputs = tuple(step.name for step in plan.inputs)
        self.root = self._listing(("layers",), self.model.name, self.data, inputs)
        self._inside: dict[Group | None, list[Group]] = {}
        self.fractional: set[tuple[str, str]] = set()
        """Parameters of blocks that are no whole number in some copy."""
        for group in plan.model.groups:
            self._inside.setdefault(group.parent, []).append(group)
            self.fractional |= {(group.type, each) for each, found in group.args.items() if type(found) is float}

    @cached_property
    def params(self) -> set[str]:
        """The names of all parameters, of the model and of its blocks."""
        blocks = (self.data.get("blocks") or {}).values()
        return {
            *self.model.params,
            *(each for raw in blocks if isinstance(raw, dict) for each in raw.get("params") or {}),
        }

    def _extras(self) -> set[Path]:
        named = {each.ref.step for each in self.model.numbered if each.ref.output}
        return {self._path_of(group) for group in self.model.groups if group.last - 1 in named}

    def _path_of(self, group: Group) -> Path:
        """Where the list stands of which a group is a copy."""
        raw: Any = self.data
        for key in group.path:
            raw = raw[key]
        return (*group.path, "layers") if raw.get("layers") is not None else ("blocks", group.type, "layers")

    def block(self, name: str) -> Listing | None:
        """The block of a name, if there is one."""
        found = self.blocks.get(name)
        raw = (self.data.get("blocks") or {}).get(name)
        if found is None and isinstance(raw, dict):
            inputs = names_of(raw["inputs"]) if raw.get("inputs") is not None else ("input",)
            found = self.blocks[name] = self._listing(("blocks", name, "layers"), name, raw, inputs)
            found.params = raw.get("params") or {}
        return found

    def _listing(self, path: Path, name: str, raw: Mapping[str, Any], inputs: tuple[str, ...]) -> Listing:
        outputs = names_of(raw["outputs"]) if raw.get("outputs") is not None else None
        listing = Listing(path, name, [], inputs=inputs, outputs=outputs)
        listing.slots += [self._slot(each, (*path, i), listing) for i, each in enumerate(raw["layers"])]
        listing.chain = path not in self.opened and self.forbids_chain(listing) is None
        return listing

    def _slot(self, raw: Mapping[str, Any], path: Path, owner: Listing) -> Slot:
        name, sources = raw.get("name"), raw.get("from")
        slot = Slot(
            path=path,
            type=raw.get("type") or "Sequential",
            name=None if name is None else str(name),
            sources=None if sources is None else names_of(sources),
            repeat=raw.get("repeat"),
            when=raw.get("when"),
            args={key: each for key, each in raw.items() if key not in RESERVED and not key.startswith("x-")},
        )
        if raw.get("layers") is not None:
            slot.inner = self._listing((*path, "layers"), slot.name or "layers", {"layers": raw["layers"]}, ("input",))
            slot.inner.owner = owner
        return slot

    def forbids_chain(self, listing: Listing) -> Slot | None:
        """The first entry that reads something else than what stands above it, or hands on more than one tensor."""
        above: tuple[str, ...] = ("input", *listing.inputs)
        several = len(listing.inputs) > 1
        for slot in listing.slots:
            if several or not self._takes_one(slot) or (slot.sources is not None and slot.sources[0] not in above):
                return slot
            several = False
            above = (slot.name,) if slot.name is not None and slot.template is None else ()
        last = listing.slots[-1]
        if listing.outputs is not None and (len(listing.outputs) > 1 or listing.outputs[0] not in above):
            return last
        return last if listing.path in self.parting else None

    def _takes_one(self, slot: Slot) -> bool:
        """Whether an entry reads one tensor."""
        if slot.sources is not None and len(slot.sources) > 1:
            return False
        if slot.inner is not None or is_expression(slot.type):
            return True
        if slot.type in self.types:
            return self.types[slot.type].takes != (0, 0)
        block = (self.data.get("blocks") or {}).get(slot.type) or {}
        several = (block.get("inputs"), block.get("outputs"))
        return not any(isinstance(each, list) and len(each) > 1 for each in several)

    def members(self, group: Group | None) -> Iterator[Step | Group]:
        """What stands directly in a copy of a list: steps, and copies of the lists that are called in it."""
        steps = self.plan.steps
        at = 0 if group is None else group.first
        for inside in self._inside.get(group, ()):
            yield from steps[at : inside.first]
            yield inside
            at = inside.last
        yield from steps[at : len(steps) if group is None else group.last]
