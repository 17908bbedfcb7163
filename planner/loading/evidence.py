"""What tells layers apart that hold the same sizes: what their names have in common, what stands beside them, numbers.

Each kind of evidence says which of some layers of the file are which of some of the checkpoint, and says nothing of
those of which it does not know: a name that is not known is better than a wrong one, which would load without a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from planner.loading.names import module_of

DIGITS = re.compile(r"\d+")
WORDS = re.compile(r"[a-z]+")
FIRST, LAST = "first", "last"
NORMS = {
    FIRST: (
        r"(^|\.)(layer_?norm|norm|ln)_?1", r"before", r"(^|\.)(input|self_attn|sa|attn|attention)_(layer_?)?norm",
        r"(^|\.)attention\.output\.layernorm", r"(^|\.)layer\.0\.layer_norm",
    ),
    LAST: (
        r"(^|\.)(layer_?norm|norm|ln)_?[23]", r"after",
        r"(^|\.)(post_attention|final|output|ffn|mlp|ff)_(layer_?)?norm", r"(^|\.)(?<!attention\.)output\.layernorm",
        r"(^|\.)layer\.1\.layer_norm",
    ),
}  # fmt: skip
"""How the norms of a transformer's block are called: that of the attention, and that of the layers after it."""

MEANING = {
    "ln": "norm", "layernorm": "norm", "normalization": "norm", "bn": "norm", "batchnorm": "norm",
    "heads": "head", "classifier": "head", "fc": "head", "logits": "head",
}  # fmt: skip
"""Words that say the same."""
SAYING_LITTLE = frozenset({"dense", "linear", "layer", "layers", "weight", "bias", "model", "module"})
"""Words that any layer may have in its name."""

IndexPairs = Sequence[tuple[int, int]]


class SettledNames:
    """What is known to be the same by now.

    learned  names in a block of the file, by blocks that are called alike, with those in that of the checkpoint
    back     the other way round
    beside   the blocks of the checkpoint in which stands what stands in a block of the file
    numbers  the numbers in names that are alike but for these
    """

    def __init__(self) -> None:
        self.learned: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        self.back: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        self.beside: defaultdict[str, set[str]] = defaultdict(set)
        self.numbers: defaultdict[tuple[str, str], set[tuple[tuple[int, ...], tuple[int, ...]]]] = defaultdict(set)

    def add(self, ours: str, theirs: str, one: str, other: str) -> None:
        """Note that two layers in two blocks are the same one."""
        here = _numberless(ours), _numberless(theirs)
        names = one.removeprefix(f"{ours}."), other.removeprefix(f"{theirs}.")
        self.learned[(*here, names[0])].add(names[1])
        self.back[(*here, names[1])].add(names[0])
        self.beside[module_of(one)].add(module_of(other))
        self.numbers[_numberless(one), _numberless(other)].add((_numbers(one), _numbers(other)))

    def turned(self, one: str, other: str) -> bool:
        """Whether one side counts layers of these names from the other end."""
        known = sorted(self.numbers[_numberless(one), _numberless(other)])
        return any(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(known))


@dataclass(frozen=True, slots=True)
class Doubt:
    """Layers with the same sizes in two blocks that are the same one, by their names in these.

    exact  those that have the same entries too, and the same axes of 1
    """

    ours: str
    theirs: str
    left: Sequence[str]
    right: Sequence[str]
    exact: IndexPairs
    known: SettledNames

    def where(self, is_so: Callable[[str, str], bool]) -> IndexPairs:
        """The pairs of which something is so, and of neither in any other pair."""
        return _certain(
            (i, j) for i, one in enumerate(self.left) for j, two in enumerate(self.right) if is_so(one, two)
        )


Evidence = Callable[[Doubt], IndexPairs]


def by_ends(doubt: Doubt) -> IndexPairs:
    """One name is what the other ends in: `pooler.dense` and `bert.pooler.dense`. Positions in lists may have moved."""
    return doubt.where(
        lambda one, two: (
            (f".{one}".endswith(f".{two}") or f".{two}".endswith(f".{one}"))
            and not DIGITS.search(min(one, two, key=len))
        )
    )


def by_others(doubt: Doubt) -> IndexPairs:
    """What they are in blocks that are called alike, in which their sizes leave no choice."""
    here, known = (_numberless(doubt.ours), _numberless(doubt.theirs)), doubt.known
    return doubt.where(
        lambda one, two: known.learned.get((*here, one)) == {two} and known.back.get((*here, two)) == {one}
    )


def by_neighbours(doubt: Doubt) -> IndexPairs:
    """What stands beside them, in a block within, is the same."""

    def beside(one: str, two: str) -> bool:
        around = module_of(one), module_of(two)
        return all(around) and f"{doubt.theirs}.{around[1]}".lstrip(".") in doubt.known.beside.get(
            f"{doubt.ours}.{around[0]}".lstrip("."), ()
        )

    return doubt.where(beside)


def by_sizes(doubt: Doubt) -> IndexPairs:
    """The same entries, with their axes of 1."""
    return _certain(doubt.exact)


def by_place_of_norms(doubt: Doubt) -> IndexPairs:
    """The norm of the attention, and that of the layers after it, by the names that libraries have for them."""
    places = [[_place_of_norm(name) for name in side] for side in (doubt.left, doubt.right)]
    if any(sorted(side) != [FIRST, LAST] for side in places):
        return []
    return [(places[0].index(each), places[1].index(each)) for each in (FIRST, LAST)]


def _place_of_norm(name: str) -> str:
    found = [place for place, forms in NORMS.items() if any(re.search(form, name.lower()) for form in forms)]
    return found[0] if len(found) == 1 else ""


def by_numbers(doubt: Doubt) -> IndexPairs:
    """As many on both sides that differ in their numbers alone, unless one side is known to count backwards."""
    one, two = f"{doubt.ours}.{doubt.left[0]}", f"{doubt.theirs}.{doubt.right[0]}"
    return [] if doubt.known.turned(one.lstrip("."), two.lstrip(".")) else in_series(doubt.left, doubt.right) or []


def by_words(doubt: Doubt) -> IndexPairs:
    """The words in their names, where two are more like each other than either is like any other one."""
    scores = [[_likeness(one, two) for two in doubt.right] for one in doubt.left]
    rows, columns = [_best(row) for row in scores], [_best(column) for column in zip(*scores, strict=True)]
    return [(i, j) for i, j in enumerate(rows) if j is not None and columns[j] == i]


EVIDENCE: Sequence[Evidence] = (
    by_ends, by_others, by_neighbours, by_sizes, by_place_of_norms, by_numbers, by_words,
)  # fmt: skip
"""The kinds of evidence, the surest first."""


def in_series(left: Sequence[str], right: Sequence[str]) -> IndexPairs | None:
    """One and one, or as many that differ in their numbers alone, in that order."""
    if len(left) != len(right) or any(len({*map(_numberless, side)}) > 1 for side in (left, right)):
        return None
    ours, theirs = (
        [i for _, i in sorted((_numbers(name), i) for i, name in enumerate(side))] for side in (left, right)
    )
    return list(zip(ours, theirs, strict=True))


def is_likely(one: str, other: str) -> bool:
    """Whether names say something of the same kind, where sizes were found once on either side, and others are left."""
    words = [{MEANING.get(word, word) for word in WORDS.findall(name.lower())} - SAYING_LITTLE for name in (one, other)]
    return any(a.startswith(b) or b.startswith(a) for a in words[0] for b in words[1])


def _certain(pairs: Iterable[tuple[int, int]]) -> IndexPairs:
    """The pairs of which neither is in another one."""
    found = list(pairs)
    ours, theirs = Counter(i for i, _ in found), Counter(j for _, j in found)
    return [(i, j) for i, j in found if ours[i] == theirs[j] == 1]


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(map(int, DIGITS.findall(name)))


def _numberless(name: str) -> str:
    return DIGITS.sub("*", name)


def _best(scores: Sequence[int]) -> int | None:
    """Which of some is the largest, if that is one alone and more than 0."""
    most = max(scores)
    return scores.index(most) if most and scores.count(most) == 1 else None


def _likeness(one: str, other: str) -> int:
    """How many letters the words of two names have in common: a word, or one that begins with the other."""
    words = [WORDS.findall(name.lower()) for name in (one, other)]
    return sum(
        max((min(len(a), len(b)) for b in words[1] if a.startswith(b) or b.startswith(a)), default=0) for a in words[0]
    )
