"""Which entries are the same ones by other names, where sizes and order leave no choice.

Entries are looked at module by module: a convolution with a bias is one thing with two sizes. First blocks that are
alike are joined by what stands in them; then, in files that keep the order of the network, what is left is put beside
each other in order, if all of it fits so; else blocks that hold the same sizes are looked for wherever they stand. What
could be joined in several ways is told, and not joined.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise, takewhile

from planner.layers._layer import COUNTER, Sizes
from planner.loading.content import by_content, units
from planner.loading.evidence import is_likely
from planner.loading.names import NameNode, module_of, own_of
from planner.loading.sequences import aligned

SYNONYMS = {
    "gamma": "weight", "beta": "bias", "kernel": "weight", "depthwise_kernel": "weight", "scale": "weight",
    "embedding": "weight", "embeddings": "weight", "moving_mean": "running_mean", "moving_variance": "running_var",
    "mean": "running_mean", "var": "running_var", "w": "weight", "b": "bias", "g": "weight",
}  # fmt: skip
"""What other libraries call a module's entries."""
LARGEST_RUN = 40
"""Modules that are alike side by side, up to which their names are compared."""

SizeSignature = tuple[tuple[str, Sizes], ...]


@dataclass(slots=True)
class Renaming:
    """The entries of the file and of the checkpoint that are the same by other names.

    names      the file's names by the checkpoint's
    ambiguous  modules of the file, and those of the checkpoint that each of them could be
    """

    names: dict[str, str] = field(default_factory=dict)
    ambiguous: list[tuple[list[str], list[str]]] = field(default_factory=list)


class OneSide:
    """The entries of the file, or those of the checkpoint: all of them, and those that the other side has not.

    modules  the modules of which the other side has no entry, each with its entries
    called   what an entry is called, by its module and the name that PyTorch has for it
    doubtful  the modules that could be several ones of the other side
    """

    def __init__(self, all_names: Iterable[str], apart: Mapping[str, Sizes]) -> None:
        self.sizes = apart
        self.tree = NameNode.of(apart)
        self._all = NameNode.of(all_names)
        self.done, self.doubtful = set[str](), set[str]()
        self.called = {(module_of(name), _plain(own_of(name))): own_of(name) for name in apart}
        found: defaultdict[str, list[tuple[str, Sizes]]] = defaultdict(list)
        for name, each in apart.items():
            found[module_of(name)].append((_plain(own_of(name)), each))
        counts = Counter(map(module_of, self._all.names))
        self.modules = {name: tuple(sorted(each)) for name, each in found.items() if counts[name] == len(each)}

    @property
    def left(self) -> list[str]:
        """The modules that are not joined and not told to be ambiguous."""
        return [each for each in self.modules if each not in self.done]

    def blocks(self, node: NameNode) -> dict[str, NameNode]:
        """What stands in a block, as far as the other side has nothing of it, and it is not joined."""
        found = {}
        for part, child in node.children.items():
            there = self._all.at(child.path)
            whole = there is not None and len(there.names) == len(child.names)
            if child.children and whole and not any(module_of(name) in self.done for name in child.names):
                found[part] = child
        return found

    def holds(self, node: NameNode) -> object:
        """What a block holds: the names in it, as they are called everywhere, with their sizes."""
        start = len(node.path) + 1
        return frozenset((_plain(name[start:]), self.sizes[name]) for name in node.names)

    def sizes_in(self, node: NameNode) -> object:
        """What a block holds without the names of its layers."""
        return frozenset(Counter((_plain(own_of(name)), self.sizes[name]) for name in node.names).items())

    def full(self, module: str, plain: str) -> str:
        """The name of an entry of a module."""
        own = self.called[module, plain]
        return f"{module}.{own}" if module else own


def renamed(ours: OneSide, theirs: OneSide, *, in_order: bool, by_names: bool = True) -> Renaming:
    """What the file has as what the checkpoint has; both in their order, which alone counts without `by_names`."""
    work = _Joining(ours, theirs)
    if ours.sizes and theirs.sizes:
        if by_names:
            work.by_synonyms()
            work.by_blocks(ours.tree, theirs.tree)
        if in_order:
            work.by_order(of_all=by_names)
        if by_names:
            work.by_content(in_order)
            work.by_sizes()
            work.by_nesting()
            work.by_entries()
    return work.renaming


class _Joining:
    def __init__(self, ours: OneSide, theirs: OneSide) -> None:
        self.ours, self.theirs = ours, theirs
        self.renaming = Renaming()

    def by_synonyms(self) -> None:
        """Join entries that other libraries call otherwise, in modules that have one name."""
        for name, sizes in self.theirs.sizes.items():
            plain = _plain(name)
            if plain != name and self.ours.sizes.get(plain) == sizes:
                self.renaming.names[name] = plain
                self.ours.done.add(module_of(plain))
                self.theirs.done.add(module_of(name))

    # Blocks

    def by_blocks(self, ours: NameNode, theirs: NameNode) -> None:
        """Join parts of two trees that hold the same: by their names, else where there is one such part on either side.
        Those that hold the same sizes alone are looked into.
        """
        mine, other = self.ours.blocks(ours), self.theirs.blocks(theirs)
        whole, common = frozenset(mine), _common_parts(ours, theirs)
        for part in [*mine] if ours.path != theirs.path else []:
            if part in common and part in other and self.ours.holds(mine[part]) == self.theirs.holds(other[part]):
                self._join(mine.pop(part), other.pop(part))
        for left, right in _alike(mine, other, self.ours.holds, self.theirs.holds):
            pairs = _paired(left, right)
            for one, two in pairs:
                self._join(one, two)
                del mine[own_of(one.path)], other[own_of(two.path)]
        for left, right in _alike(mine, other, self.ours.sizes_in, self.theirs.sizes_in):
            if len(left) == len(right) == 1 and left[0].path != right[0].path:
                self.by_blocks(left[0], right[0])
                del mine[own_of(left[0].path)], other[own_of(right[0].path)]
        for part, child in ours.children.items():
            if part in common and (part not in whole or (part in mine and part in other)):
                self.by_blocks(child, theirs.children[part])

    def _join(self, ours: NameNode, theirs: NameNode) -> None:
        names = {_plain(name[len(ours.path) + 1 :]): name for name in ours.names}
        for name in theirs.names:
            self.renaming.names[name] = names[_plain(name[len(theirs.path) + 1 :])]
        self.ours.done.update(map(module_of, ours.names))
        self.theirs.done.update(map(module_of, theirs.names))

    # Order

    def by_order(self, *, of_all: bool = False) -> None:
        """Join the modules that are left in their order, if that leaves none over on one side, but for those with other
        sizes that stand alone between two that fit. Modules with entries that no module of the other side has are not
        looked at; where order is asked `of_all`, there may be none on the side that has fewer.
        """
        left, right = self._of_both()
        if of_all and min(len(left), len(right)) < min(len(self.ours.left), len(self.theirs.left)):
            return
        one, other = [self.ours.modules[name] for name in left], [self.theirs.modules[name] for name in right]
        if 2 * (Counter(one) & Counter(other)).total() < min(len(one), len(other)) or not one or not other:
            return
        pairs = aligned(one, other)
        if pairs is None:
            return
        pairs += _between(pairs, one, other)
        if len(pairs) < min(len(one), len(other)):
            return
        joined = [(left[i], right[j]) for i, j in sorted(pairs)]
        doubtful = self._crossing(joined)
        for each in joined:
            if each not in doubtful:
                self._join_modules(*each)

    def _of_both(self) -> tuple[list[str], list[str]]:
        """The modules that are left on both sides, without those that are like none of the other side."""
        sides = self.ours, self.theirs
        kinds = [{tuple(_axes(side.modules[name])) for name in side.left} for side in sides]
        both = kinds[0] & kinds[1]
        left, right = ([name for name in side.left if tuple(_axes(side.modules[name])) in both] for side in sides)
        return left, right

    def _join_modules(self, ours: str, theirs: str) -> None:
        """Join the entries of two modules, which have the same names for them."""
        self.ours.done.add(ours)
        self.theirs.done.add(theirs)
        for own, _ in self.ours.modules[ours]:
            self.renaming.names[self.theirs.full(theirs, own)] = self.ours.full(ours, own)

    # Sizes

    def by_content(self, in_order: bool) -> None:
        """Join what blocks that hold the same sizes hold alike."""
        mine, other = (
            units({name: each for name, each in side.sizes.items() if self._is_left(side, name, joined)}, _plain)
            for side, joined in ((self.ours, {*self.renaming.names.values()}), (self.theirs, {*self.renaming.names}))
        )
        for one, two in by_content(mine, other, in_order=in_order):
            names = [each.names for each in (one, two)]
            alone = [[own for own in each if own != COUNTER] for each in names]
            owns = zip(*alone, strict=True) if len(alone[0]) == 1 else zip(alone[0], alone[0], strict=True)
            pairs = [*owns, *[(COUNTER, COUNTER)] * all(COUNTER in each for each in names)]
            for own, their in pairs:
                self.renaming.names[names[1][their]] = names[0][own]
                self.ours.done.add(module_of(names[0][own]))
                self.theirs.done.add(module_of(names[1][their]))

    @staticmethod
    def _is_left(side: OneSide, name: str, joined: set[str]) -> bool:
        """Whether an entry is not joined, and is of no module that could be several ones."""
        return name not in joined and module_of(name) not in side.doubtful

    def by_sizes(self) -> None:
        """Join modules that have what no other has, if everything that one side has left is on the other side too."""
        places: defaultdict[SizeSignature, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        for k, side in enumerate((self.ours, self.theirs)):
            for name in side.left:
                places[side.modules[name]][k].append(name)
        groups = places.values()
        alike = all(len(a) == len(b) for a, b in groups)
        if all(len(a) <= len(b) for a, b in groups) or all(len(a) >= len(b) for a, b in groups):
            for a, b in groups:
                if len(a) == len(b) == 1:
                    if alike or is_likely(a[0], b[0]):
                        self._join_modules(a[0], b[0])
                elif a and b:
                    self._ambiguous(a, b)

    def by_nesting(self) -> None:
        """Join a layer with the only one in a block of its name, whatever its sizes: `fc` and `fc.1`."""
        for one, other in ((self.ours, self.theirs), (self.theirs, self.ours)):
            for name in one.left:
                block = other.tree.at(name) if name else None
                inside = dict.fromkeys(map(module_of, block.names)) if block is not None else {}
                only = next(iter(inside)) if len(inside) == 1 else name
                if only != name and only in other.left and _axes(one.modules[name]) == _axes(other.modules[only]):
                    self._join_modules(*((name, only) if one is self.ours else (only, name)))

    def by_entries(self) -> None:
        """Join parameters of their own, as `pos_embed`: with the weight of a layer of that name, else where all of what
        one side has left is on the other side, each with sizes that nothing else has.
        """
        for name in [each for each in self.ours.sizes if f"{each}.weight" in self.theirs.sizes]:
            if len(self.ours.sizes[name]) == len(self.theirs.sizes[f"{name}.weight"]):
                self.renaming.names.setdefault(f"{name}.weight", name)
        given, names = {*self.renaming.names.values()}, self.renaming.names
        ours = [each for each in self.ours.sizes if each not in given and module_of(each) not in self.ours.done]
        theirs = [each for each in self.theirs.sizes if each not in names and module_of(each) not in self.theirs.done]
        here, there = [self.ours.sizes[each] for each in ours], [self.theirs.sizes[each] for each in theirs]
        if all(len(each) > 1 and here.count(each) == there.count(each) == 1 for each in min(here, there, key=len)):
            by_sizes = dict(zip(there, theirs, strict=True))
            names |= {by_sizes[size]: name for size, name in zip(here, ours, strict=True) if size in by_sizes}

    def _crossing(self, joined: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Pairs whose names say that another order is meant: `q`, `k`, `v` here, `k_proj`, `q_proj`, `v_proj` there."""
        doubtful = set[tuple[str, str]]()
        runs: defaultdict[object, list[tuple[str, str]]] = defaultdict(list)
        for ours, theirs in joined:
            runs[module_of(ours), module_of(theirs), self.ours.modules[ours]].append((ours, theirs))
        for run in runs.values():
            for one, two in combinations(run[:LARGEST_RUN], 2):
                (a, x), (b, y) = ([each.rpartition(".")[2] for each in pair] for pair in (one, two))
                if _likeness(a, y) + _likeness(b, x) > _likeness(a, x) + _likeness(b, y):
                    doubtful |= {one, two}
            told = [each for each in run if each in doubtful]
            if told:
                self._ambiguous([each[0] for each in told], [each[1] for each in told])
        return doubtful

    def _ambiguous(self, ours: list[str], theirs: list[str]) -> None:
        """Note what could be joined in several ways."""
        self.renaming.ambiguous.append((ours, theirs))
        for side, modules in ((self.ours, ours), (self.theirs, theirs)):
            side.done.update(modules)
            side.doubtful.update(modules)


def _alike(
    mine: Mapping[str, NameNode],
    other: Mapping[str, NameNode],
    of_mine: Callable[[NameNode], object],
    of_other: Callable[[NameNode], object],
) -> list[tuple[list[NameNode], list[NameNode]]]:
    """The blocks of both sides that have the same in common."""
    groups: defaultdict[object, tuple[list[NameNode], list[NameNode]]] = defaultdict(lambda: ([], []))
    for side, (nodes, key) in enumerate(((mine, of_mine), (other, of_other))):
        for node in nodes.values():
            groups[key(node)][side].append(node)
    return [each for each in groups.values() if all(each)]


def _common_parts(ours: NameNode, theirs: NameNode) -> set[str]:
    """The names that parts of two blocks have in common; numbers only where one side has all those of the other, since
    else one may count from 0, and the other from 1.
    """
    numbers = [{part for part in each.children if part.isdecimal()} for each in (ours, theirs)]
    counted_alike = numbers[0] <= numbers[1] or numbers[1] <= numbers[0]
    return {part for part in ours.children if part in theirs.children and (counted_alike or not part.isdecimal())}


def _paired(left: list[NameNode], right: list[NameNode]) -> list[tuple[NameNode, NameNode]]:
    """One block and one, or as many numbered ones, which have an order."""
    numbered = all(own_of(node.path).isdecimal() for node in (*left, *right))
    if len(left) != len(right) or not (len(left) == 1 or numbered):
        return []
    if numbered:
        left, right = (sorted(side, key=lambda node: int(own_of(node.path))) for side in (left, right))
    return list(zip(left, right, strict=True))


def _plain(name: str) -> str:
    """A name with the entry as PyTorch calls it."""
    module, dot, own = name.rpartition(".")
    return f"{module}{dot}{SYNONYMS.get(own, own)}"


def _between(
    pairs: Sequence[tuple[int, int]], one: Sequence[SizeSignature], other: Sequence[SizeSignature]
) -> list[tuple[int, int]]:
    """Modules with the same entries in other sizes that stand alone on either side between two pairs."""
    found = []
    for (i, j), (k, m) in pairwise([(-1, -1), *sorted(pairs), (len(one), len(other))]):
        if k - i == m - j == 2:
            ours, theirs = one[i + 1], other[j + 1]
            if _axes(ours) == _axes(theirs):
                found.append((i + 1, j + 1))
    return found


def _axes(entries: SizeSignature) -> list[tuple[str, int]]:
    """The entries of a module with their numbers of axes."""
    return [(name, len(sizes)) for name, sizes in entries]


def _likeness(one: str, other: str) -> int:
    """How many letters the words of two names begin with alike; numbers count where words do."""
    words, numbers = ([re.findall(kind, name.lower()) for name in (one, other)] for kind in (r"[^\W\d_]+", r"\d+"))
    alike = sum(max((_common(word, each) for each in words[1]), default=0) for word in words[0])
    return alike and alike + len({*numbers[0]} & {*numbers[1]})


def _common(one: str, other: str) -> int:
    """The number of letters with which two words begin alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
