"""Sentences about what only one side has, block by block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from planner.layers._layer import COUNTER
from planner.loading.affixes import Affix, agreement, beginnings
from planner.loading.entries import StateMatch
from planner.loading.folded import folded
from planner.loading.lora import low_rank
from planner.loading.names import NameNode, entries, module_of, own_of, said, whole_blocks
from planner.loading.parametrized import parametrized
from planner.loading.sentences import Difference, DifferenceKind, place_of_name, place_of_step
from planner.report import Report
from planner.words import counted, joined, named

MOST_BLOCKS = 12
"""Sentences about blocks of one side."""
LEAST_ALIKE = 2
"""Blocks that lack the same, from which on one sentence is about all of them."""


def absences(report: Report, found: StateMatch) -> Iterator[Difference]:
    """What is missing from the checkpoint, and what is in it alone."""
    told = set[str]()
    for each in (
        *_tied(report, found),
        *_shared(found),
        *parametrized(report, found),
        *folded(report, found),
        *low_rank(report, found),
    ):
        yield each
        told |= {*each.file, *each.checkpoint}
    there = {found.affix.applied(each.name) or each.name: each.name for each in found.saved}
    missing = [each.name for each in found.missing if each.name not in told]
    unexpected = {name: each.name for name, each in found.unexpected.items() if each.name not in told}
    ours = NameNode.of(found.expected)
    theirs = NameNode.of(there)
    yield from _Alone(report, "missing", ours, theirs, missing, {}).all()
    yield from _Alone(report, "unexpected", theirs, ours, list(unexpected), unexpected).all()
    yield from _outside(found)
    yield from _unknown(report, found)


class _Alone:
    """The names that one side has alone.

    own    all names of that side
    other  all names of the other side
    raw    what the checkpoint calls them, of names of the checkpoint
    """

    def __init__(
        self,
        report: Report,
        kind: DifferenceKind,
        own: NameNode,
        other: NameNode,
        names: Sequence[str],
        raw: dict[str, str],
    ) -> None:
        self.report = report
        self.kind = kind
        self.own, self.other = own, other
        self.names = names
        self.raw = raw
        self.where = "is missing from the checkpoint" if kind == "missing" else "is in the checkpoint alone"
        self.wheres = self.where.replace("is ", "are ", 1)

    def all(self) -> Iterator[Difference]:
        partly = [each for each in self.names if self._is_in_both(each)]
        yield from self._of_layers(partly)
        apart = set(partly)
        yield from self._blocks([each for each in self.names if each not in apart])

    def _is_in_both(self, name: str) -> bool:
        """Whether both sides have the layer that an entry is in."""
        module = module_of(name)
        there = self.other.at(module) if module else None
        return there is not None and bool(there.children)

    def _of_layers(self, names: Sequence[str]) -> Iterator[Difference]:
        """Entries of layers that both sides have, such as `bias` of all convolutions."""
        by_layer: defaultdict[str, list[str]] = defaultdict(list)
        for name in names:
            by_layer[module_of(name)].append(name)
        groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for layer, some in by_layer.items():
            groups[tuple(map(own_of, some))].append(layer)
        for owns, layers in groups.items():
            some = [f"{layer}.{own}" for layer in layers for own in owns]
            verb = self.where if len(owns) == 1 else self.wheres
            whose = named(layers) if len(layers) < 3 else counted(len(layers), "layer")
            names_ = "" if len(layers) < 3 else f": {said(layers)}"
            buffers = all(own in ("running_mean", "running_var", COUNTER) for own in owns)
            counts = owns == (COUNTER,)
            more = "; PyTorch before 0.4.1 wrote no such counter, nor do other libraries" if counts else ""
            text = f"{named(owns)} of {whose} {verb}{names_}{more}"
            yield self._told("buffers" if buffers else self.kind, text, some, layers[0])

    def _blocks(self, names: Sequence[str]) -> Iterator[Difference]:
        """Blocks and layers as a whole, those that several blocks have alike together."""
        by_parent: defaultdict[str, list[NameNode]] = defaultdict(list)
        for node in whole_blocks(names, self.own):
            for each in self._apart(node):
                by_parent[module_of(each.path)].append(each)
        groups: defaultdict[object, list[list[NameNode]]] = defaultdict(list)
        for parent, nodes in by_parent.items():
            apart = not parent or self._are_copies(parent, nodes)
            groups[parent if apart else tuple(own_of(node.path) for node in nodes)].append(nodes)
        shown = list(groups.values())
        for group in shown[:MOST_BLOCKS]:
            if len(group) < LEAST_ALIKE:
                yield from map(self._siblings, group)
            else:
                yield self._in_blocks(group)
        if rest := [name for group in shown[MOST_BLOCKS:] for nodes in group for node in nodes for name in node.names]:
            verb = self.where if len(rest) == 1 else self.wheres
            tops = dict.fromkeys(name.split(".")[0] for name in rest)
            text = f"{counted(len(rest), 'more entry')} of {named(list(tops))} {verb}"
            yield self._told(self.kind, text, rest, next(iter(tops)))

    def _apart(self, node: NameNode) -> list[NameNode]:
        """A block, or what stands in it where the other side has a layer of its name."""
        inside = list(node.children.values())
        layer = self.other.at(node.path) is not None and all(each.children for each in inside)
        return inside if layer and inside else [node]

    def _siblings(self, nodes: Sequence[NameNode]) -> Difference:
        """What stands in one block; copies of what the block has more of are counted."""
        names = [name for node in nodes for name in node.names]
        parent = module_of(nodes[0].path)
        shown = [self._raw_path(node) for node in nodes]
        verb = self.where if len(nodes) == 1 else self.wheres
        text = f"{said(shown) if len(shown) < 7 else named(shown)} {verb} ({entries(len(names))})"
        if not self._are_copies(parent, nodes):
            return self._told(self.kind, text, names, nodes[0].path)
        sides = (self.own, self.other) if self.kind == "missing" else (self.other, self.own)
        ours, theirs = (sum(map(str.isdecimal, node.children)) for side in sides if (node := side.at(parent)))
        text = f"`{parent}` has {counted(ours, 'copy')}, the checkpoint {theirs:,}: {text}"
        return self._told("copies", text, names, nodes[0].path)

    def _in_blocks(self, group: Sequence[Sequence[NameNode]]) -> Difference:
        """What stands in several blocks alike."""
        names = [name for nodes in group for node in nodes for name in node.names]
        parents = [module_of(nodes[0].path) for nodes in group]
        verb = self.where if len(group[0]) == 1 else self.wheres
        noun = "layer" if self.report.plan.step(parents[0]) is not None else "block"
        what = f"{named([own_of(node.path) for node in group[0]])} of {counted(len(parents), noun)}"
        text = f"{what} {verb} ({entries(len(names))}): {said(parents)}"
        return self._told(self.kind, text, names, group[0][0].path)

    def _are_copies(self, parent: str, nodes: Sequence[NameNode]) -> bool:
        """Whether these are numbered, and like another one that both sides have."""
        around, there = (side.at(parent) if parent else None for side in (self.own, self.other))
        if around is None or there is None:
            return False
        own = {node.path for node in nodes}
        blocks = all(any(each.children for each in node.children.values()) for node in nodes)
        numbered = blocks and all(node.path.rpartition(".")[2].isdecimal() for node in nodes)
        likes = [
            each.below for name, each in around.children.items() if each.path not in own and name in there.children
        ]
        return numbered and all(any(node.below <= like for like in likes) for node in nodes)

    def _raw_path(self, node: NameNode) -> str:
        """A block as the side calls it that has it."""
        name = node.names[0]
        raw = self.raw.get(name, "")
        behind = name[len(node.path) :]
        return raw.removesuffix(behind) if raw and raw.endswith(behind) else node.path

    def _told(self, kind: DifferenceKind, text: str, names: Sequence[str], path: str) -> Difference:
        at = place_of_name(self.report, path)
        while at is None and path:
            path = module_of(path)
            at = place_of_name(self.report, path)
        if self.kind == "missing":
            step = self.report.plan.step(module_of(names[0])) or self.report.plan.step(names[0])
            return Difference(
                kind, text, file=tuple(names), at=at or (place_of_step(self.report, step) if step else None)
            )
        return Difference(kind, text, checkpoint=tuple(self.raw[name] for name in names), at=at)


def _tied(report: Report, found: StateMatch) -> Iterator[Difference]:
    """Entries that are tied to others, which the checkpoint has."""
    there = {now.name for now, _ in (*found.agreeing, *found.renamed)}
    for entry in found.missing:
        own = entry.name[len(entry.step.name) + 1 :]
        first = report.plan.weight(entry.step, own)
        if first != entry.name and first in there:
            text = f"`{entry.name}` is missing from the checkpoint; it is tied to `{first}`, which is there"
            yield Difference("tied", text, (entry.name,), at=place_of_step(report, entry.step))


def _shared(found: StateMatch) -> Iterator[Difference]:
    """Tensors that the checkpoint has under several names, of which the file has one."""
    places: dict[object, str] = {}
    for _, tensor in (*found.agreeing, *found.resized, *found.renamed):
        if tensor.place is not None:
            places[tensor.place] = tensor.name
    again = [(each.name, places[each.place]) for each in found.unexpected.values() if each.place in places]
    if again:
        names = [name for name, _ in again]
        verb = "is" if len(names) == 1 else "are"
        same = f"the same tensor{'' if len(names) == 1 else 's'} as {said([first for _, first in again])}"
        text = f"{said(names)} {verb} in the checkpoint alone, and {verb} {same}: stored under two names"
        yield Difference("shared", text, checkpoint=tuple(names))


def _outside(found: StateMatch) -> Iterator[Difference]:
    """Tensors whose names begin otherwise: another copy of the network, and what is none."""
    sizes = {name: each.sizes for name, each in found.expected.items()}
    rest = list(found.outside)
    for front in beginnings([each.name for each in rest]):
        some = [each for each in rest if each.name.startswith(front)]
        agreeing = agreement(Affix(without=front), some, sizes)[0]
        if 2 * agreeing > max(len(some), len(found.agreeing)):
            verb = "agrees" if agreeing == 1 else "agree"
            text = f"{entries(len(some))} of the checkpoint begin with `{front}` in place of `{found.affix.without}`"
            text = f"{text}, of which {agreeing:,} {verb} too"
            yield Difference("unexpected", text, checkpoint=tuple(each.name for each in some))
            rest = [each for each in rest if each not in some]
    if rest:
        names = [each.name for each in rest]
        verb = "does" if len(names) == 1 else "do"
        front = found.affix.without or joined(found.affix.wrappers)
        text = f"{entries(len(names))} of the checkpoint {verb} not begin with `{front}`: {said(names)}"
        yield Difference("unexpected", text, checkpoint=tuple(names))


def _unknown(report: Report, found: StateMatch) -> Iterator[Difference]:
    for step, tensors in found.foreign:
        assert step.facts is not None
        verb = "is" if len(tensors) == 1 else "are"
        below = f"; {entries(len(tensors))} below it {verb} not compared" if tensors else ""
        text = f"what `{step.name}` stores is not known: its class is `{step.facts.foreign}`{below}"
        yield Difference(
            "unknown", text, checkpoint=tuple(each.name for each in tensors), at=place_of_step(report, step)
        )
    if found.unplanned:
        names, whose = [each.name for each in found.unplanned], "its" if len(found.unplanned) == 1 else "their"
        text = f"{said(names)} could not be planned, so {whose} entries are not known; `planner check` says why"
        yield Difference("unknown", text, at=place_of_step(report, found.unplanned[0]))
