"""Blocks that hold the same sizes on both sides, wherever they stand and whatever they are called, and what is in them.

Blocks are put beside each other first, the largest first: one that holds what no other does, or as many copies, in the
order of their numbers. What then has the same sizes within two such blocks is told apart by evidence (`evidence`), and
left alone where there is none: a file that sorts names keeps no order that could be asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from planner.layers._layer import COUNTER, Sizes
from planner.loading.evidence import DIGITS, EVIDENCE, Doubt, IndexPairs, SettledNames, by_numbers, in_series, is_likely
from planner.loading.fusing import IN_PROJ
from planner.loading.names import NameNode, module_of, own_of

LAYERS = frozenset({"weight", "bias", "running_mean", "running_var", COUNTER})
"""What a layer calls its entries; others are parameters of their own."""
LEAST_IN_A_BLOCK = 2
MOST_PAIRS = 1_024
"""Pairs of layers with the same sizes, up to which evidence is looked for."""


class HeldLayer(NamedTuple):
    """A layer with its entries, or a parameter of its own.

    path   its full name
    sizes  the sizes by which it is found: without axes of 1, and without a name where it has one entry
    exact  the names and sizes of its entries as they are
    names  the full names of its entries, by what PyTorch calls them
    at     which of all units it is
    """

    path: str
    sizes: object
    exact: object
    names: Mapping[str, str]
    at: int


def units(sizes: Mapping[str, Sizes], plain: Callable[[str], str]) -> Iterator[HeldLayer]:
    """The layers and the parameters that stand in a module with others."""
    tree, places = NameNode.of(sizes), {name: i for i, name in enumerate(sizes)}
    modules: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name in sizes:
        module, own = module_of(name), own_of(name)
        if own.startswith(f"{IN_PROJ}_"):  # a layer within nn.MultiheadAttention, as it were
            module, own = f"{module}.{IN_PROJ}".lstrip("."), own.removeprefix(f"{IN_PROJ}_")
        modules[module][own] = name
    for path, owns in modules.items():
        node = tree.at(path)
        is_block = not path or (node is not None and any(each.children for each in node.children.values()))
        alone = {own for own in owns if is_block or plain(own) not in LAYERS}
        for some in (
            {own: owns[own] for own in owns if own not in alone},
            *({own: owns[own]} for own in owns if own in alone),
        ):
            names = {plain(own): name for own, name in some.items()}
            exact = tuple(sorted((own, sizes[name]) for own, name in names.items() if own != COUNTER))
            if exact and len(names) == len(some):
                wide = [(own if len(exact) > 1 else "", *(n for n in each if n != 1)) for own, each in exact]
                first = next(iter(some.values()))
                yield HeldLayer(first if {*some} <= alone else path, tuple(wide), exact, names, places[first])


@dataclass(slots=True)
class SameBlock:
    """Two blocks that are the same one.

    groups  the units in them that stand in no smaller such pair, by their sizes
    places  where in both files stands what is the same in them
    around  the blocks that these stand in
    whole   whether both hold the same sizes and nothing else
    """

    ours: str
    theirs: str
    groups: list[tuple[list[HeldLayer], list[HeldLayer]]]
    places: list[tuple[int, int]]
    around: SameBlock | None
    whole: bool

    @property
    def outwards(self) -> Iterator[SameBlock]:
        """These two, those around them, and so on."""
        here: SameBlock | None = self
        while here is not None:
            yield here
            here = here.around


def by_content(
    ours: Iterable[HeldLayer], theirs: Iterable[HeldLayer], *, in_order: bool
) -> list[tuple[HeldLayer, HeldLayer]]:
    """The units of both sides that are the same ones; their order counts where both sides are in order."""
    mine, other = list(ours), list(theirs)
    found = list[SameBlock]()
    waiting: list[tuple[_HeldBlock, _HeldBlock, SameBlock | None]] = [
        (_HeldBlock.whole(mine), _HeldBlock.whole(other), None)
    ]
    while waiting:
        both, inside = _parted(*waiting.pop())
        found.append(both)
        waiting += ((*pair, both) for pair in inside)
    return _settled(found, in_order)


class _HeldBlock:
    """A block of one side with all units in it."""

    def __init__(self, node: NameNode, units: Mapping[str, HeldLayer]) -> None:
        self.node = node
        self.path = node.path
        self.units = [units[name] for name in dict.fromkeys(node.names)]
        self.by_path = units

    @classmethod
    def whole(cls, units: Sequence[HeldLayer]) -> _HeldBlock:
        by_path = {each.path: each for each in units}
        return cls(NameNode.of(by_path), by_path)

    def among(self, shared: set[object]) -> list[HeldLayer]:
        return [each for each in self.units if each.sizes in shared]

    def blocks(self, shared: set[object]) -> defaultdict[frozenset[tuple[object, int]], list[_HeldBlock]]:
        """The blocks in it by what they hold of these sizes. Of blocks that hold the same units there is one, called by
        the innermost that has a number.
        """
        found: defaultdict[frozenset[tuple[object, int]], list[_HeldBlock]] = defaultdict(list)
        waiting = [(self.node, len(self.among(shared)), self)]
        while waiting:
            node, around, outer = waiting.pop()
            for child in reversed(node.children.values()):
                if not child.children:
                    continue
                block = _HeldBlock(child, self.by_path)
                held = Counter(each.sizes for each in block.among(shared))
                if LEAST_IN_A_BLOCK <= held.total() < around:
                    found[frozenset(held.items())].append(block)
                elif held.total() == around and DIGITS.search(own_of(child.path)):
                    outer.path = child.path
                waiting.append((child, held.total(), block if held.total() < around else outer))
        return found


def _parted(
    ours: _HeldBlock, theirs: _HeldBlock, around: SameBlock | None
) -> tuple[SameBlock, list[tuple[_HeldBlock, _HeldBlock]]]:
    """The blocks in two that are the same ones, the largest first; and the units beside them."""
    shared: set[object] = {each.sizes for each in ours.units} & {each.sizes for each in theirs.units}
    counts = [Counter(each.sizes for each in side.among(shared)) for side in (ours, theirs)]
    mine, other = ours.blocks(shared), theirs.blocks(shared)
    pairs = list[tuple[_HeldBlock, _HeldBlock]]()
    covered = set[str](), set[str]()
    for held in sorted((each for each in mine if each in other), key=lambda each: -sum(n for _, n in each)):
        left, right = (
            [each for each in blocks[held] if not any(unit.path in done for unit in each.units)]
            for blocks, done in zip((mine, other), covered, strict=True)
        )
        if not left or len(left) != len(right):
            continue
        if not any(count * len(left) == counts[0][sizes] == counts[1][sizes] for sizes, count in held):
            continue  # all of it stands elsewhere too
        joined = in_series([each.path for each in left], [each.path for each in right])
        for i, j in joined or ():
            pairs.append((left[i], right[j]))
            for done, count, block in zip(covered, counts, pairs[-1], strict=True):
                done.update(each.path for each in block.units)
                count.subtract(each.sizes for each in block.units if each.sizes in shared)
    groups: defaultdict[object, tuple[list[HeldLayer], list[HeldLayer]]] = defaultdict(lambda: ([], []))
    for k, side in enumerate((ours, theirs)):
        for unit in side.among(shared):
            if unit.path not in covered[k]:
                groups[unit.sizes][k].append(unit)
    places = [(end(u.at for u in one.units), end(u.at for u in two.units)) for one, two in pairs for end in (min, max)]
    whole = Counter(each.sizes for each in ours.units) == Counter(each.sizes for each in theirs.units)
    both = [each for each in groups.values() if all(each)]
    return SameBlock(ours.path, theirs.path, both, places, around, whole), pairs


def _settled(found: Sequence[SameBlock], in_order: bool) -> list[tuple[HeldLayer, HeldLayer]]:
    """Layers that are alone with their sizes in two blocks, and those that evidence tells apart, as long as it does."""
    known = SettledNames()
    settled = list[tuple[HeldLayer, HeldLayer]]()
    doubtful = [(both, left, right) for both in found for left, right in both.groups]
    tried = -1
    while tried != len(settled):
        tried = len(settled)
        for both, left, right in doubtful:
            for i, j in _told(both, left, right, known, in_order):
                settled.append((left[i], right[j]))
                both.places.append((left[i].at, right[j].at))
                for each in both.outwards:
                    known.add(each.ours, each.theirs, left[i].path, right[j].path)
            gone = {id(unit) for pair in settled[tried:] for unit in pair}
            left[:], right[:] = ([each for each in side if id(each) not in gone] for side in (left, right))
        doubtful = [each for each in doubtful if each[1] and each[2]]
    return settled


def _told(
    both: SameBlock, left: Sequence[HeldLayer], right: Sequence[HeldLayer], known: SettledNames, in_order: bool
) -> IndexPairs:
    """Which of some units with the same sizes are the same ones, by the first evidence that says so of any."""
    if len(left) == len(right) == 1:
        is_sure = both.whole or both.around is not None or is_likely(left[0].path, right[0].path)
        return [(0, 0)] if is_sure else []
    if not left or len(left) * len(right) > MOST_PAIRS:
        return []
    exact = [(i, j) for i, one in enumerate(left) for j, two in enumerate(right) if one.exact == two.exact]
    ours, theirs = (
        [each.path.removeprefix(f"{path}.") for each in side]
        for path, side in ((both.ours, left), (both.theirs, right))
    )
    doubt = Doubt(both.ours, both.theirs, ours, theirs, exact, known)
    for evidence in EVIDENCE:
        found = evidence(doubt)
        against = in_order and evidence is by_numbers and not _agree([(left[i].at, right[j].at) for i, j in found])
        if found and not against:
            return found
    pairs = list(zip(left, right, strict=False))
    ordered = len(left) == len(right) and _agree([*both.places, *((one.at, two.at) for one, two in pairs)])
    return [(i, i) for i in range(len(pairs))] if in_order and ordered else []


def _agree(places: Sequence[tuple[int, int]]) -> bool:
    """Whether what is the same stands in the same order on both sides."""
    theirs = [other for _, other in sorted(places)]
    return theirs == sorted(theirs)
