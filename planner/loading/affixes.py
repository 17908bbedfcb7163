"""What the names of a checkpoint begin with that those of the file do not: `module.`, `model.`, `_orig_mod.`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from planner.checkpoints import SavedTensor
from planner.layers._layer import Sizes

WRAPPERS = (
    "_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module", "base_layer",
)  # fmt: skip
"""Parts of names that come of what a network was wrapped in, which may stand anywhere in them."""
COLLECTIONS = ("params", "batch_stats")
"""What Flax keeps apart, each with the names of all modules."""
DEEPEST = 4
"""Parts of names that may be in front."""
MOST_TRIED = 60
OUTPUT = re.compile(r":\d+$")
"""What TensorFlow puts behind a name: which output of an operation it is."""


@dataclass(frozen=True, slots=True)
class Affix:
    """How names of a checkpoint become those of the file: dots in place of slashes, parts that are left out anywhere,
    then a beginning that is taken away, then one that is put there.
    """

    wrappers: tuple[str, ...] = ()
    without: str = ""
    before: str = ""
    slashes: bool = False

    def __bool__(self) -> bool:
        return bool(self.wrappers or self.without or self.before or self.slashes)

    def applied(self, name: str) -> str | None:
        """A name as the file would have it; None where it does not begin so."""
        if self.slashes:
            name = OUTPUT.sub("", name).replace("/", ".")
        if self.wrappers:
            name = ".".join(part for part in name.split(".") if part not in self.wrappers)
        return self.before + name[len(self.without) :] if name.startswith(self.without) else None


def affix_of(tensors: Sequence[SavedTensor], expected: Mapping[str, Sizes]) -> tuple[Affix, tuple[int, int]]:
    """The change to names with which most entries agree, and how many agree then: with their sizes, by name. None is
    made without need, and none that leaves more than half of what could agree apart.
    """
    names = [each.name for each in tensors]
    slashes = 2 * sum("/" in name for name in names) > len(names) and not any("/" in name for name in expected)
    tops = {name.partition("/")[0] for name in names} if slashes else set()
    best = Affix(COLLECTIONS if tops and tops <= {*COLLECTIONS} else (), slashes=slashes)
    score = agreement(best, tensors, expected)
    if score[0] == len(expected):
        return best, score
    for affix in [*_candidates(names, expected, slashes)][:MOST_TRIED]:
        found = agreement(affix, tensors, expected)
        if found > score and 2 * found[1] > min(len(expected), len(tensors), _reached(affix, names)):
            best, score = affix, found
    return best, score


def agreement(affix: Affix, tensors: Iterable[SavedTensor], expected: Mapping[str, Sizes]) -> tuple[int, int]:
    """How many entries agree by name and sizes, and by name."""
    sizes = {name: each.sizes for each in tensors if (name := affix.applied(each.name)) in expected}
    return sum(expected[name] == each for name, each in sizes.items() if name is not None), len(sizes)


def _reached(affix: Affix, names: Iterable[str]) -> int:
    return sum(affix.applied(name) is not None for name in names)


def _candidates(names: Sequence[str], expected: Collection[str], slashes: bool) -> Iterator[Affix]:
    """What may be in front, what is simplest first."""
    if slashes:
        names = [name for each in names if (name := Affix(slashes=True).applied(each)) is not None]
    parts = {part for name in names for part in name.split(".")}
    ours = {part for name in expected for part in name.split(".")}
    there = tuple(each for each in WRAPPERS if each in parts and each not in ours)
    for wrappers in dict.fromkeys([(), *((each,) for each in there), there]):
        plain = [name for each in names if (name := Affix(wrappers).applied(each)) is not None]
        fronts, own = [*beginnings(plain)], [*beginnings(expected)]
        yield Affix(wrappers, slashes=slashes)
        yield from (Affix(wrappers, without=front, slashes=slashes) for front in fronts)
        if not wrappers:
            yield from (Affix(before=front, slashes=slashes) for front in own)


def beginnings(names: Collection[str]) -> Iterator[str]:
    """What at least a tenth of the names begin with, up to a dot, the most frequent first."""
    counts = Counter[str]()
    for name in names:
        parts = name.split(".")[:-1]
        counts.update(".".join((*parts[:depth], "")) for depth in range(1, min(len(parts), DEEPEST) + 1))
    least = max(len(names) // 10, 1)
    yield from (front for front, count in counts.most_common(12) if count >= least)
