"""Options with which more of a checkpoint agrees. Each is tried before it is told: the file is planned with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import isqrt
from typing import Any

from planner.comparison.state import StateEntry, entries_of
from planner.layers._layer import Sizes
from planner.loading.entries import StateMatch
from planner.loading.fusing import Fusing, fused
from planner.loading.names import NameNode
from planner.loading.roles import square_sides, stems
from planner.plan import Plan
from planner.report import Report

MOST_STEPS = 30_000
"""Steps of all plans that are made to look for advice."""
MOST_TRIED = 40
"""Values that are tried in one round."""
MOST_OPTIONS = 6
"""Options that are told together."""
FACTORS = (0.25, 0.33, 0.35, 0.5, 0.67, 0.75, 1.0, 1.1, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0)
"""Multipliers that networks are published with."""


@dataclass(frozen=True, slots=True)
class Options:
    """Other values than the file's: parameters, shapes of inputs by name, a scale."""

    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    scale: str | None = None

    def as_words(self, single: bool) -> list[str]:
        """The options as a command takes them; `single` where the file has one input."""
        found = [f"--set {name}={_written(value)}" for name, value in self.params.items()]
        for name, shape in self.inputs.items():
            found.append(f"--input {'' if single else f'{name}='}{'x'.join(map(str, shape))}")
        return found + ([f"--scale {self.scale}"] if self.scale else [])


@dataclass(frozen=True, slots=True)
class Advice:
    """Options, and what comes of them.

    options  as a command takes them
    before, after  how many entries agree without them and with them, renamed as is known
    of       how many entries the file has with them
    fits     whether then all agree, on both sides
    """

    options: tuple[str, ...]
    before: int
    after: int
    of: int
    fits: bool


Replan = Callable[[Options], Plan | None]


def advised(report: Report, found: StateMatch, replan: Replan, scales: Iterable[str] = ()) -> Advice | None:
    """The options with which most agrees: one after the other, each of which makes the difference smaller."""
    search = _OptionSearch(report, found, replan, tuple(scales))
    change = search.run()
    if change is None:
        return None
    words = change.as_words(len(report.plan.inputs) == 1)
    return Advice(tuple(words), search.first[1], search.best[1], search.best[2], search.best[0] == 0)


class _OptionSearch:
    def __init__(self, report: Report, found: StateMatch, replan: Replan, scales: tuple[str, ...]) -> None:
        self.replan = replan
        self.scales = scales
        known = {was.name: now.name for now, was in found.renamed}
        in_joints = {each.name for joint in found.joints for each in joint.checkpoint}
        rest = [each for each in found.saved if each.name not in in_joints]
        names = ((known.get(each.name) or found.affix.applied(each.name), each) for each in rest)
        self.there = {each.name: each.theirs for each in found.joints}
        self.there |= {name: each.sizes for name, each in names if name is not None}
        self.spent = 0
        self.plan = report.plan
        self.first = self.best = self._score(report.plan)

    def _score(self, plan: Plan) -> tuple[int, int, int]:
        """How much stands apart, how many entries agree, and how many there are."""
        sides = self._sides(plan)
        agree = [name for name, sizes in sides.ours.items() if sides.theirs.get(name) == sizes]
        entries = sum(len(sides.our_parts.get(name, [name])) for name in agree)
        return len(sides.ours) + len(sides.theirs) - 2 * len(agree), entries, len(StateMatch.sizes_in(plan))

    def _sides(self, plan: Plan) -> Fusing:
        """The entries of a plan and those of the checkpoint, what stands in one on either side put together."""
        return fused(StateMatch.sizes_in(plan), self.there)

    def run(self) -> Options | None:
        change = Options()
        for _ in range(MOST_OPTIONS):
            better = self._better(change)
            if better is None:
                break
            change = better
            if self.best[0] == 0:
                break
        return change if change != Options() else None

    def _better(self, change: Options) -> Options | None:
        """The best of the values that are near, if it is better than what is known."""
        found = None
        plan = self.plan
        for number, candidate in enumerate(self._candidates(change, plan)):
            if number >= MOST_TRIED or self.spent > MOST_STEPS:
                break
            tried = self.replan(candidate)
            if tried is None or not tried.complete:
                continue
            self.spent += len(tried.steps)
            score = self._score(tried)
            if score[0] < self.best[0]:
                self.best, self.plan, found = score, tried, candidate
                if not score[0]:
                    break
        return found

    def _candidates(self, change: Options, plan: Plan) -> Iterator[Options]:
        """Values that would explain a difference, the nearest first; each once."""
        sides = self._sides(plan)
        pairs = list(dict.fromkeys(_differing(sides.ours, sides.theirs)))
        counts = list(dict.fromkeys(_counts(sides.ours, sides.theirs)))
        seen = set[str]()
        for each in (
            *(replace(change, scale=scale) for scale in self.scales if not change.scale),
            *self._inputs(change, plan),
            *(
                replace(change, params={**change.params, name: value})
                for name, now in plan.model.params.items()
                for value in _values(now, pairs, counts)
                if value != now
            ),
        ):
            if repr(each) not in seen:
                seen.add(repr(each))
                yield each

    def _inputs(self, change: Options, plan: Plan) -> Iterator[Options]:
        """Other channels, as the first layers have them, and other sizes, as numbers of places tell them."""
        shapes = {step.name: tuple(step.outputs[0]) for step in plan.inputs if step.outputs}
        first = stems(plan)
        for entry in (each for step in plan.steps for each in entries_of(step).values()):
            theirs = self.there.get(entry.name)
            if theirs is None or theirs == entry.sizes or len(theirs) != len(entry.sizes):
                continue
            for source, shape in shapes.items():
                for other in _shapes(entry, theirs, shape, entry.step.name in first):
                    yield replace(change, inputs={**change.inputs, source: other})


def _shapes(entry: StateEntry, theirs: Sizes, shape: Sizes, is_first: bool) -> Iterator[tuple[int, ...]]:
    """Other shapes of an input that would explain the sizes of one entry."""
    ours, step = entry.sizes, entry.step
    if is_first and step.inputs and len(ours) > 1 and ours[0] == theirs[0] and ours[1] != theirs[1]:
        yield (*shape[:-1], theirs[1] * (step.inputs[0].channels // ours[1]))
    for was, now in zip(ours, theirs, strict=True):
        for factor in _factors(was, now):
            scaled = [factor * n for n in shape[:-1]]
            if scaled and all(each.denominator == 1 for each in scaled):
                yield (*map(int, scaled), shape[-1])


def _differing(expected: Mapping[str, Sizes], there: Mapping[str, Sizes]) -> Iterator[tuple[int, int]]:
    """Sizes that differ, here and there."""
    for name, sizes in expected.items():
        theirs = there.get(name)
        if theirs is not None and len(theirs) == len(sizes):
            yield from ((was, now) for was, now in zip(sizes, theirs, strict=True) if was != now and was and now)


def _counts(expected: Mapping[str, Sizes], there: Mapping[str, Sizes]) -> Iterator[tuple[int, int]]:
    """Numbers of copies that differ, here and there."""
    ours, theirs = NameNode.of(expected), NameNode.of(there)
    waiting = [(ours, theirs)]
    while waiting:
        mine, other = waiting.pop()
        counts = [sum(map(str.isdecimal, each.children)) for each in (mine, other)]
        if counts[0] != counts[1] and min(counts):
            yield counts[0], counts[1]
        waiting += [(child, other.children[part]) for part, child in mine.children.items() if part in other.children]


def _values(now: Any, pairs: list[tuple[int, int]], counts: list[tuple[int, int]]) -> Iterator[Any]:
    """Values of a parameter that would explain sizes or numbers of copies."""
    if isinstance(now, bool):
        yield not now
    elif isinstance(now, int):
        yield from (there for here, there in (*pairs, *counts) if here == now)
        yield from (now + there - here for here, there in counts if now + there - here >= 0)
        yield from (int(scaled) for here, there in pairs if (scaled := Fraction(now * there, here)).denominator == 1)
    elif isinstance(now, float):
        yield from (round(now * there / here, 4) for here, there in pairs[:8])
        yield from FACTORS
    elif isinstance(now, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in now):
        for i, each in enumerate(now):
            yield from ([*now[:i], there, *now[i + 1 :]] for here, there in (*counts, *pairs) if here == each)
        for here, there in pairs[:8]:
            if all(each * there % here == 0 for each in now):
                yield [each * there // here for each in now]


def _factors(was: int, now: int) -> Iterator[Fraction]:
    """The factor between the sides of two squares of places, which may have one more place in front."""
    if was != now and was and now:
        yield from (Fraction(theirs, ours) for ours, theirs, _ in square_sides(was, now))
        ratio = Fraction(now, was)
        root = isqrt(ratio.numerator), isqrt(ratio.denominator)
        if root[0] ** 2 == ratio.numerator and root[1] ** 2 == ratio.denominator:
            yield Fraction(*root)


def _written(value: Any) -> str:
    return f"'{value}'" if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
