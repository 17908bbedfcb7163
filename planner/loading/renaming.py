"""Which entries are the same ones by other names, where sizes and order leave no choice.

StateMatch are looked at module by module: a convolution with a bias is one thing with two sizes. First blocks that are
alike are joined by what stands in them; then, in files that keep the order of the network, what is left is put beside
each other in order. What could be joined in several ways is told, and not joined.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from planner.layers._layer import Sizes
from planner.loading.names import NameNode, module_of, own_of
from planner.loading.sequences import aligned

SYNONYMS = {
    "gamma": "weight", "beta": "bias", "kernel": "weight", "scale": "weight", "embedding": "weight",
    "embeddings": "weight", "moving_mean": "running_mean", "moving_variance": "running_var", "mean": "running_mean",
    "var": "running_var", "w": "weight", "b": "bias", "g": "weight",
}  # fmt: skip
"""What other libraries call a module's entries."""
LARGEST_RUN = 40
"""Modules that are alike side by side, up to which their names are compared."""

Signature = tuple[tuple[str, Sizes], ...]


@dataclass(slots=True)
class Renaming:
    """What is the same by another name.

    names      the file's names by the checkpoint's
    ambiguous  modules of the file, and those of the checkpoint that each of them could be
    """

    names: dict[str, str] = field(default_factory=dict)
    ambiguous: list[tuple[list[str], list[str]]] = field(default_factory=list)


class OneSide:
    """The entries of the file, or those of the checkpoint: all of them, and those that the other side has not.

    modules  the modules of which the other side has no entry, each with its entries
    called   what an entry is called, by its module and the name that PyTorch has for it
    """

    def __init__(self, all_names: Iterable[str], apart: Mapping[str, Sizes]) -> None:
        self.sizes = apart
        self.tree = NameNode.of(apart)
        self._all = NameNode.of(all_names)
        self.done = set[str]()
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

    def blocks(self, node: NameNode) -> Iterator[NameNode]:
        """What stands in a block, as far as the other side has nothing of it."""
        for child in node.children.values():
            there = self._all.at(child.path)
            if child.children and there is not None and len(there.names) == len(child.names):
                yield child

    def holds(self, node: NameNode) -> object:
        """What a block holds: the names in it, as they are called everywhere, with their sizes."""
        start = len(node.path) + 1
        return frozenset((_plain(name[start:]), self.sizes[name]) for name in node.names)

    def full(self, module: str, plain: str) -> str:
        """The name of an entry of a module."""
        own = self.called[module, plain]
        return f"{module}.{own}" if module else own


def renamed(ours: OneSide, theirs: OneSide, *, in_order: bool, by_names: bool = True) -> Renaming:
    """What the file has as what the checkpoint has; both in their order, which alone counts without `by_names`."""
    work = _Joining(ours, theirs)
    if ours.sizes and theirs.sizes:
        if by_names:
            work.by_blocks(ours.tree, theirs.tree)
        if in_order:
            work.by_order()
        if by_names:
            work.by_sizes()
    return work.found


class _Joining:
    def __init__(self, ours: OneSide, theirs: OneSide) -> None:
        self.ours, self.theirs = ours, theirs
        self.found = Renaming()

    # Blocks

    def by_blocks(self, ours: NameNode, theirs: NameNode) -> None:
        """Join parts of the two trees that hold the same, where there is one such part on either side."""
        groups: defaultdict[object, tuple[list[NameNode], list[NameNode]]] = defaultdict(lambda: ([], []))
        for side, (which, node) in enumerate(((self.ours, ours), (self.theirs, theirs))):
            for child in which.blocks(node):
                groups[which.holds(child)][side].append(child)
        for left, right in groups.values():
            if left and right:
                self._alike(left, right)
        for part, child in ours.children.items():
            if part in theirs.children:
                self.by_blocks(child, theirs.children[part])

    def _alike(self, left: list[NameNode], right: list[NameNode]) -> None:
        """Join blocks that hold the same: one and one, or as many and numbered, so that they have an order."""
        names = [[each.path.rpartition(".")[2] for each in side] for side in (left, right)]
        numbered = all(name.isdecimal() for side in names for name in side)
        if len(left) == len(right) and (len(left) == 1 or numbered):
            if numbered:
                left, right = (
                    sorted(side, key=lambda each: int(each.path.rpartition(".")[2])) for side in (left, right)
                )
            for ours, theirs in zip(left, right, strict=True):
                self._join(ours, theirs)

    def _join(self, ours: NameNode, theirs: NameNode) -> None:
        names = {_plain(name[len(ours.path) + 1 :]): name for name in ours.names}
        for name in theirs.names:
            self.found.names[name] = names[_plain(name[len(theirs.path) + 1 :])]
        self.ours.done.update(map(module_of, ours.names))
        self.theirs.done.update(map(module_of, theirs.names))

    # Order

    def by_order(self) -> None:
        """Join the modules that are left in their order, if that leaves none over on one side, but for those with other
        sizes that stand alone between two that fit.
        """
        left, right = self.ours.left, self.theirs.left
        one, other = ([side.modules[name] for name in side.left] for side in (self.ours, self.theirs))
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

    def _join_modules(self, ours: str, theirs: str) -> None:
        """Join the entries of two modules, which have the same names for them."""
        self.ours.done.add(ours)
        self.theirs.done.add(theirs)
        for own, _ in self.ours.modules[ours]:
            self.found.names[self.theirs.full(theirs, own)] = self.ours.full(ours, own)

    # Sizes

    def by_sizes(self) -> None:
        """Join modules that have what no other has, if everything that one side has left is on the other side too."""
        places: defaultdict[Signature, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        for k, side in enumerate((self.ours, self.theirs)):
            for name in side.left:
                places[side.modules[name]][k].append(name)
        groups = places.values()
        if all(len(a) <= len(b) for a, b in groups) or all(len(a) >= len(b) for a, b in groups):
            for a, b in groups:
                if len(a) == len(b) == 1:
                    self._join_modules(a[0], b[0])
                elif a and b:
                    self._ambiguous(a, b)

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
        self.found.ambiguous.append((ours, theirs))
        self.ours.done.update(ours)
        self.theirs.done.update(theirs)


def _plain(name: str) -> str:
    """A name with the entry as PyTorch calls it."""
    module, dot, own = name.rpartition(".")
    return f"{module}{dot}{SYNONYMS.get(own, own)}"


def _between(
    pairs: Sequence[tuple[int, int]], one: Sequence[Signature], other: Sequence[Signature]
) -> list[tuple[int, int]]:
    """Modules with the same entries in other sizes that stand alone on either side between two pairs."""
    found = []
    for (i, j), (k, m) in pairwise([(-1, -1), *sorted(pairs), (len(one), len(other))]):
        if k - i == m - j == 2:
            ours, theirs = one[i + 1], other[j + 1]
            if [(name, len(sizes)) for name, sizes in ours] == [(name, len(sizes)) for name, sizes in theirs]:
                found.append((i + 1, j + 1))
    return found


def _likeness(one: str, other: str) -> int:
    """How many letters the words of two names begin with alike; positions tell nothing."""
    if one.isdecimal() or other.isdecimal():
        return 0
    words = [re.findall(r"[a-z]+|\d+", name.lower()) for name in (one, other)]
    return sum(max((_common(word, each) for each in words[1]), default=0) for word in words[0])


def _common(one: str, other: str) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def substitutions(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """What names have become, without what they end in alike, and how many entries each change is about."""
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for was, now in names:
        left, right = was.split("."), now.split(".")
        while left and right and left[-1] == right[-1] and len(left) + len(right) > 2:
            left.pop()
            right.pop()
        found[".".join(left) or was, ".".join(right) or now] += 1
    return dict(found)
