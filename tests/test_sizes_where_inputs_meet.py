"""Sizes of two inputs that meet behind different strides, against planning the model at every pair of sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import count
from random import Random
from typing import Any

import pytest

from meeting_inputs import CHANNELS, INPUTS, at, network
from planner.analyses.input_sizes import InputSizes, input_sizes
from planner.analyses.sizes import sizes
from planner.geometry import Shape
from planner.outputs import renderer
from planner.outputs._screen import Screen
from planner.plan import Known, Plan
from planner.propagation import propagate
from planner.source import of_mapping
from planner.unfolding import load
from test_sizes import fits, loses, lost
from test_sizes_together import said

MOST = 40
KINDS = ("works", "lossless", "exact")
Pair = tuple[int, int]
PAIRS: list[Pair] = [(n, m) for n in range(1, MOST + 1) for m in range(1, MOST + 1)]

# What holds at every pair


@dataclass(frozen=True)
class Tried:
    """A network with all pairs of sizes of one axis, the last, that work, are lossless, are exact.

    rest   the sizes of the other axes
    given  the pair that stands in the file
    """

    network: dict[str, Any]
    rest: tuple[int, ...]
    given: Pair
    sets: dict[str, frozenset[Pair]]

    def found(self, axis: str | None = None) -> list[InputSizes]:
        return list(input_sizes(load(of_mapping(at(self.network, *shapes(self.given, self.rest)))), axis=axis))

    def sizes(self, pair: Pair) -> dict[tuple[str, str], int]:
        """The sizes of all axes by name."""
        names = ("height", "width") if self.rest else ("length",)
        several = zip(INPUTS, shapes(pair, self.rest), strict=True)
        return {(owner, name): n for owner, shape in several for name, n in zip(names, shape, strict=True)}


def shapes(pair: Pair, rest: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [(*rest[k : k + 1], n) for k, n in enumerate(pair)]


def exact(plan: Plan, axis: int) -> bool:
    """Whether no window hangs over the end of the axis, and nothing is left over, of padding either."""
    return all(
        fits(link.axes[axis], x[axis], y[axis]) and not loses(link.axes[axis], x[axis], y[axis])
        for step in plan.steps
        for links, y in zip(step.links, step.outputs, strict=not step.is_input)
        for link, x in zip(links, step.inputs, strict=True)
    )


def lossless(plan: Plan, axis: int) -> bool:
    """Whether no step leaves out cells of the axis that nothing else reads, as the rules find it."""
    return not lost(plan, axis, {step.name for step in plan.steps})


@cache
def tried(seed: int, rank: int) -> Tried:
    """A network drawn by a seed that works somewhere."""
    return next(found for each in count() if (found := _tried(Random(f"{seed} {each}"), rank)))


def _tried(random: Random, rank: int) -> Tried | None:
    made = network(random, rank)
    model = load(of_mapping(at(made, *[(MOST,) * rank] * 2)))
    known: Known = {}

    def planned(pair: Pair, rest: tuple[int, ...]) -> Plan:
        several = zip(INPUTS, shapes(pair, rest), strict=True)
        return propagate(model, inputs={name: Shape((*x, CHANNELS)) for name, x in several}, known=known)

    def drawn() -> tuple[int, ...]:
        return tuple(random.randint(1, MOST) for _ in range(2))

    rest: tuple[int, ...] = ()
    if rank > 1:
        several = ((drawn(), drawn()) for _ in range(4000))
        rest = next((other for (a, b), other in several if planned((a, b), other).complete), ())
        if not rest:
            return None
    plans = {pair: plan for pair in PAIRS if (plan := planned(pair, rest)).complete}
    if not plans:
        return None
    good = frozenset(pair for pair, plan in plans.items() if lossless(plan, rank - 1))
    if not good and random.randint(0, 3):  # most networks at random lose cells at any size
        return None
    best = frozenset(pair for pair in good if exact(plans[pair], rank - 1))
    return Tried(made, rest, random.choice([*plans]), {"works": frozenset(plans), "lossless": good, "exact": best})


# What the text says


def told(found: list[InputSizes]) -> list[str]:
    """The parts of the text, each on lines that are not wrapped."""
    text: str = renderer("sizes", "text")(found, Screen(width=10_000), 1, 0)
    return [part for part in text.split("\n\n") if re.match(r"\w+ of `", part)]


def stated(part: str, kind: str, pair: Pair) -> bool | None:
    """What a part of the text says of a pair of sizes; None where it leaves that open."""
    title = part.splitlines()[0]
    entries = re.split(r"\n  (?=\w)", part)
    first, *others = next(each for each in entries if each.startswith(kind)).removeprefix(kind).strip().split("\n")
    if "at once" in title or "; with " in title:
        return None  # it is said of other sizes
    if len(own := re.findall(r"\w+ of `(\w)`", title.split(", now")[0])) == 1:
        return holds(first.split("; ")[0], pair[INPUTS.index(own[0])])
    said = first.split("; ")[0].split(": ")[-1]
    both = said.removesuffix(", any with any").removesuffix(" for both")
    alternatives = [
        (pair[0] == pair[1] or said.endswith("any with any")) and holds(both, pair[0]) and holds(both, pair[1])
    ]
    for each in map(str.strip, others):
        if re.match(r"and [\d,]+ more", each):
            alternatives.append(None)
            continue
        words, _, steps = each.removeprefix("or ").partition(", and so on by ")
        by = [int(step) for step in steps.replace(",", "").split(" and ")] if steps else [0]
        one, other = words.split(" with ")
        boxes = range(max(pair) if steps else 1)
        alternatives += [
            n >= 1 and m >= 1 and holds(one, n) and holds(other, m)
            for k in boxes
            for n, m in [(pair[0] - k * by[0], pair[1] - k * by[-1])]
        ]
    return True if True in alternatives else None if None in alternatives else False


def holds(words: str, n: int) -> bool | None:
    """Whether a set in words holds a size."""
    words = re.sub(r"(?<=\d),(?=\d{3})", "", words)
    if "…" in words:
        return None
    found = re.search(r"every \S+ from (\d+)", words)
    if found and n >= int(found[1]):
        return True
    found = re.search(r"≡ (.+?) mod (\d+), from (\d+)", words)
    if found and n >= int(found[3]) and n % int(found[2]) in numbers(found[1]):
        return True
    found = re.search(r"(?:=|also) ([\d–, ]+)$", words)
    return bool(found and n in numbers(found[1]))


def numbers(words: str) -> set[int]:
    ends = [[int(n) for n in each.split("–")] for each in words.split(", ")]
    return {n for each in ends for n in range(each[0], each[-1] + 1)}


# Against one another


def compare(seed: int, rank: int) -> None:
    one = tried(seed, rank)
    found = one.found("width" if rank > 1 else None)
    parts = told(found)
    assert parts
    for pair in PAIRS:
        places = one.sizes(pair)
        for kind in KINDS:
            expected = pair in one.sets[kind]
            assert said(found, places, kind) in (expected, None), (kind, pair, one)
            assert conjunction([stated(each, kind, pair) for each in parts]) in (expected, None), (kind, pair, one)
    if rank > 1:
        whole = one.found()
        for pair in PAIRS:
            assert said(whole, one.sizes(pair), "works") in (pair in one.sets["works"], None), (pair, one)


def conjunction(several: list[bool | None]) -> bool | None:
    return False if False in several else None if None in several else True


def asked(seed: int) -> None:
    """What is said of single steps along the first input, the other as it stands in the file: what a step refuses and
    takes where it is planned; and where that is at few sizes, some of which it refuses, that it is asked nowhere else.
    """
    one = tried(seed, 1)
    model = load(of_mapping(at(one.network, *shapes(one.given, ()))))
    plans = {
        n: propagate(model, inputs={INPUTS[0]: Shape((n, CHANNELS)), INPUTS[1]: Shape((one.given[1], CHANNELS))})
        for n in range(1, 3 * MOST)
    }
    for each in sizes(model, INPUTS[0], 0).conditions:
        i = next(i for i, step in enumerate(model.instances) if step.name == each.step)
        failing = {n for n, plan in plans.items() if each.step in {found.step for found in plan.diagnostics}}
        planned = {n for n, plan in plans.items() if plan.steps[i].facts is not None}
        assert all((n in each.works) == (n in planned) for n in planned | failing), (each, one)
        assert all(n in each.works for n in plans if n in each.lossless), (each, one)
        assert all(n in each.lossless for n in plans if n in each.exact), (each, one)
        for n in planned:
            if n in each.exact:
                assert ends(plans[n], i), (each, n, one)
        if max(planned | failing, default=0) < MOST:
            for takes in (each.works, each.lossless, each.exact):
                if any(n not in takes for n in planned | failing):
                    assert all(n in planned for n in plans if n in takes), (each, one)


def ends(plan: Plan, i: int) -> bool:
    """Whether the windows of a step end where its inputs do."""
    step = plan.steps[i]
    pairs = [
        (link.axes[0], x[0], y[0])
        for links, y in zip(step.links, step.outputs, strict=True)
        for link, x in zip(links, step.inputs, strict=True)
    ]
    return all(fits(*each) for each in pairs)


@pytest.mark.parametrize("seed", range(5))
def test_every_pair_of_lengths(seed: int) -> None:
    compare(seed, 1)


@pytest.mark.parametrize("seed", [1, 1032])
def test_every_pair_of_widths_with_axis(seed: int) -> None:
    compare(seed, 2)


@pytest.mark.parametrize("seed", range(5))
def test_what_single_steps_ask_for(seed: int) -> None:
    asked(seed)


@pytest.mark.parametrize("seed", [129])
def test_lengths_that_meet_every_third_one(seed: int) -> None:
    """Three cells of one input come of each of the other, so nothing goes with two sizes of three."""
    compare(seed, 1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 400))
def test_every_pair_of_lengths_of_many(seed: int) -> None:
    compare(seed, 1)
    asked(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_every_pair_of_widths_of_many(seed: int) -> None:
    compare(seed, 2)
