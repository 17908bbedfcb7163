"""Names of a `state_dict` as a tree, and several of them as one: `layer3.*.conv1`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from planner.words import counted, joined, runs

MOST_NAMES = 3
"""Names, or patterns of names, that a sentence has one by one."""
MOST_RUNS = 5
"""Runs of numbers in such a pattern."""
NUMBER = re.compile(r"((?<![^.])\d+(?![^.])|(?<=layer_)\d+(?![^.])|(?<=block_)\d+(?![^.])|(?<=stage_)\d+(?![^.]))")
"""The number of a copy: as a part of a name, or behind such a word."""


def pattern(name: str) -> str:
    """A name without the numbers of copies."""
    return NUMBER.sub("*", name)


class NameNode:
    """What names that begin alike have in common: `names` are all of them, `children` by the next part of a name."""

    def __init__(self, path: str = "") -> None:
        self.path = path
        self.names: list[str] = []
        self.children: dict[str, NameNode] = {}

    @classmethod
    def of(cls, names: Iterable[str]) -> NameNode:
        root = cls()
        for name in names:
            here = root
            here.names.append(name)
            for part in name.split("."):
                below = f"{here.path}.{part}" if here.path else part
                here = here.children.setdefault(part, cls(below))
                here.names.append(name)
        return root

    def at(self, path: str) -> NameNode | None:
        here: NameNode | None = self
        for part in path.split(".") if path else ():
            here = here.children.get(part) if here else None
        return here

    @property
    def below(self) -> frozenset[str]:
        """The names without what they have in common."""
        return frozenset(name[len(self.path) + 1 :] for name in self.names) if self.path else frozenset(self.names)


def module_of(name: str) -> str:
    """The full name of what has an entry: `layer1.0.conv1` for `layer1.0.conv1.weight`."""
    return name.rpartition(".")[0]


def own_of(name: str) -> str:
    """The name that a module has for its entry: `weight`."""
    return name.rpartition(".")[2]


def whole_blocks(chosen: Iterable[str], of: NameNode) -> Iterator[NameNode]:
    """The largest parts of a tree of which all names are chosen; a name that stands alone is one."""
    wanted = frozenset(chosen)
    waiting = [of]
    while waiting:
        node = waiting.pop()
        count = sum(name in wanted for name in node.names)
        if count == len(node.names) and node.path:
            yield node
        elif count:
            waiting += reversed(node.children.values())


def said(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Names in a sentence, those that differ in one number as one; how many more there are is exact."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        groups[pattern(name)].append(name)
    texts, counts = [], []
    for group in groups.values():
        for shown, count in _as_one(group):
            texts.append(shown)
            counts.append(count)
    if len(texts) <= most:
        return joined(texts)
    return f"{', '.join(texts[:most])} and {sum(counts[most:]):,} more"


def _as_one(names: Sequence[str]) -> list[tuple[str, int]]:
    """Names that differ in numbers: `layer3.{4, 5}` where it is one number, else the first and how many are like it."""
    columns = list(zip(*(NUMBER.split(name) for name in names), strict=True))
    varying = [column for column in columns if len({*column}) > 1]
    if len(names) == 1:
        return [(f"`{names[0]}`", 1)]
    if len(varying) > 1 or not all(part.isdecimal() for part in varying[0]):
        return [(f"`{names[0]}` and {len(names) - 1:,} like it", len(names))]
    found = runs(sorted(map(int, varying[0])))
    if len(found) > MOST_RUNS:
        return [(f"`{names[0]}` and {len(names) - 1:,} like it", len(names))]
    numbers = ", ".join(f"{a}…{b}" if b - a > 1 else ", ".join(map(str, range(a, b + 1))) for a, b in found)
    parts = [f"{{{numbers}}}" if column is varying[0] else column[0] for column in columns]
    return [(f"`{''.join(parts)}`", len(names))]


def entries(count: int) -> str:
    """How many entries."""
    return counted(count, "entry")
