"""Which step of one plan is which step of another: by its name or, where names differ, by its layer and its place.

A name that the file gives is what a step is known by. A name that is counted (a position in a list, `relu_1`) says
little: one layer more, and all after it have other names. Such steps, and those that were renamed, are found by what
they read and by what reads them. Every pass looks keys up, so that the time grows with the number of steps alone.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from planner.diagnostics import Path
from planner.model import Group
from planner.plan import Plan

FURTHEST = 8
"""How many steps away two steps are compared in what is around them."""
NEAREST = 2
"""So many steps away, what is around two steps must be the same for them to be taken for one."""


class Pair(NamedTuple):
    """The number of a step in the plan before and in the plan after; None where it has none there."""

    before: int | None
    after: int | None


def matched(before: Plan, after: Plan) -> list[Pair]:
    """All steps of both plans, each once, in the order of the plan after; a step that is gone stands behind what it
    stood behind. The other way round, the same steps are found.
    """
    sides = _PlanSide(before), _PlanSide(after)
    first, second = sides if sides[0].rank() <= sides[1].rank() else sides[::-1]
    _Matching(first, second).run()
    return _in_order(sides[0].partners, sides[1].partners)


def _in_order(before: Sequence[int | None], after: Sequence[int | None]) -> list[Pair]:
    gone: defaultdict[int, list[Pair]] = defaultdict(list)
    behind = -1
    for i, partner in enumerate(before):
        if partner is None:
            gone[behind].append(Pair(i, None))
        else:
            behind = partner
    pairs = gone[-1]
    for j, partner in enumerate(after):
        pairs.append(Pair(partner, j))
        pairs += gone[j]
    return pairs


class _PlanSide:
    """One of the two plans, with what a step is looked up by.

    partners  the numbers that its steps have in the other plan
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.partners: list[int | None] = [None] * len(plan.steps)
        self.returned: defaultdict[int, tuple[int, ...]] = defaultdict(tuple)
        for place, tensor in enumerate(plan.outputs):
            self.returned[tensor.step] += (place,)
        self._kinds: dict[int, str] = {}
        self._given: dict[Group | None, bool] = {None: True}

    @property
    def free(self) -> list[int]:
        """The steps without a partner."""
        return [i for i, partner in enumerate(self.partners) if partner is None]

    def rank(self) -> tuple[object, ...]:
        """What decides which of two plans is gone through first: the same one both ways round."""
        steps = self.plan.steps
        wiring = [(step.name, step.sources) for step in steps]
        return len(steps), wiring, [*map(self.kind, range(len(steps)))], self.plan.outputs

    def name(self, i: int) -> str:
        return self.plan.steps[i].name

    def type(self, i: int) -> str:
        return self.plan.steps[i].type

    def kind(self, i: int) -> str:
        """A step's type and arguments."""
        step = self.plan.steps[i]
        if step.layer is None:
            return step.type
        if id(step.layer) not in self._kinds:
            self._kinds[id(step.layer)] = repr(step.layer)
        return self._kinds[id(step.layer)]

    def sizes(self, i: int) -> Hashable:
        """A step's type and arguments, the sizes of its weights, and the channels that it gives."""
        step = self.plan.steps[i]
        return self.kind(i), tuple(step.weights.values()), tuple([each.channels for each in step.outputs])

    def lists(self) -> dict[str, list[int]]:
        """The layers that stand directly in the model or in a block, by its name."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for i, step in enumerate(self.plan.steps):
            if not step.is_input:
                found[step.group.name if step.group else ""].append(i)
        return found

    def is_given(self, i: int) -> bool:
        """Whether the file gives a step its name, and all blocks around it theirs; or these are the only ones of their
        type.
        """
        return self.says(i) and self._group_is_given(self.plan.steps[i].group)

    def says(self, i: int) -> bool:
        """Whether that is so in the list that the step stands in."""
        step = self.plan.steps[i]
        return step.is_input or self._is_known_by(step.name, step.path)

    def is_known(self, members: Sequence[int]) -> bool:
        """Whether the file gives a list its name, and some of its layers theirs."""
        steps = [self.plan.steps[i] for i in members]
        return bool(steps) and self._group_is_given(steps[0].group) and any(map(self.says, members))

    def _group_is_given(self, group: Group | None) -> bool:
        around: list[Group] = []
        while group is not None and group not in self._given:
            around.append(group)
            group = group.parent
        for each in reversed(around):
            self._given[each] = self._given[each.parent] and self._is_known_by(each.name, each.path)
        return self._given[around[0] if around else group]

    def _is_known_by(self, name: str, path: Path) -> bool:
        """Whether an entry of the file says its own name, or its type has no number in its name, and no other has."""
        source, path = self.plan.model.source.written_at(path)
        entry = source.at(path)
        if isinstance(entry, dict) and "name" in entry:
            return True
        return not re.search(r"(^|[._])\d+$", name) and f"{name}_1" not in self._names

    @cached_property
    def _names(self) -> set[str]:
        return {*self.plan.numbers, *(group.name for group in self.plan.model.groups)}

    # Places, in numbers of this plan's steps or, by `numbers`, of those of the other

    def reads(self, i: int, numbers: Sequence[int | None] | None = None) -> Hashable:
        """What a step reads; None where it reads nothing, or something that has no number."""
        found = []
        for step, output in self.plan.steps[i].sources:
            number = step if numbers is None else numbers[step]
            if number is None:
                return None
            found.append((number, output))
        return tuple(found) or None

    def read_by(self, i: int, numbers: Sequence[int | None] | None = None) -> Hashable:
        """Where a step is read, and as which of the model's outputs; None as for `reads`."""
        found = []
        for step, source in self.plan.readers(i):
            number = step if numbers is None else numbers[step]
            if number is None:
                return None
            found.append((number, source, self.plan.steps[step].sources[source].output))
        return (tuple(sorted(found)), self.returned.get(i)) if found or i in self.returned else None


What = Callable[[_PlanSide, int], Hashable]
"""What two steps must have in common."""
PlaceKey = Callable[[_PlanSide, int, Sequence[int | None] | None], Hashable]
"""The place of a step, in numbers of its own plan or of the other's; None where it has none yet."""


class _Matching:
    """Finds partners: in each pass, for steps of both sides that have none yet."""

    def __init__(self, first: _PlanSide, second: _PlanSide) -> None:
        self.first = first
        self.second = second

    def run(self) -> None:
        self._inputs()
        self._by_name(lambda i, j: self._same_type(i, j) and self._are_given(i, j))
        self._by_list(known=True)
        self._by_place(_PlanSide.sizes)
        self._by_list(known=False)
        self._by_surroundings()
        self._by_name(lambda i, j: self._same_type(i, j) and self.first.says(i) and self.second.says(j))
        self._by_place(_PlanSide.kind)
        self._by_name(self._same_type)
        self._in_between(_PlanSide.type)
        self._by_name(self._is_other_type)
        self._in_between(lambda side, i: side.plan.steps[i].is_input)

    def _join(self, i: int, j: int) -> None:
        self.first.partners[i], self.second.partners[j] = j, i

    # By name

    def _inputs(self) -> None:
        """Inputs have the same name, or there is one each."""
        inputs = [[i for i in side.free if side.plan.steps[i].is_input] for side in (self.first, self.second)]
        if len(inputs[0]) == len(inputs[1]) == 1:
            self._join(inputs[0][0], inputs[1][0])
        self._by_name(lambda i, j: self.first.plan.steps[i].is_input and self.second.plan.steps[j].is_input)

    def _by_name(self, fits: Callable[[int, int], bool]) -> None:
        numbers = self.first.plan.numbers
        for j in self.second.free:
            i = numbers.get(self.second.name(j))
            if i is not None and self.first.partners[i] is None and fits(i, j):
                self._join(i, j)

    def _same_type(self, i: int, j: int) -> bool:
        return self.first.type(i) == self.second.type(j) and self._are_layers(i, j)

    def _is_other_type(self, i: int, j: int) -> bool:
        """Whether a step has got another type: a given name stays that of a step, a counted one in its place only."""
        return self._are_layers(i, j) and (self._are_given(i, j) or self._read_the_same(i, j))

    def _are_given(self, i: int, j: int) -> bool:
        return self.first.is_given(i) and self.second.is_given(j)

    def _are_layers(self, i: int, j: int) -> bool:
        return not self.first.plan.steps[i].is_input and not self.second.plan.steps[j].is_input

    def _read_the_same(self, i: int, j: int) -> bool:
        return self.first.reads(i) == self.second.reads(j, self.second.partners) is not None

    def _by_list(self, *, known: bool) -> None:
        """The steps of lists that have the same layers in the same order: only their arguments have changed.

        known  of lists alone of which the file gives the name, and those of some of their layers
        """
        lists = self.first.lists(), self.second.lists()
        for name, members in lists[1].items():
            others = lists[0].get(name, [])
            if known and not (self.first.is_known(others) and self.second.is_known(members)):
                continue
            if [*map(self.first.type, others)] == [*map(self.second.type, members)]:
                self._join_free(zip(others, members, strict=True))

    def _join_free(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Join those of the same name of which neither has a partner."""
        for i, j in pairs:
            free = self.first.partners[i] is None and self.second.partners[j] is None
            if free and self.first.name(i) == self.second.name(j):
                self._join(i, j)

    # By place

    def _by_place(self, what: What) -> None:
        """Steps that read the same, from the inputs on; then those that the same reads, from the outputs back."""
        self._where(what, lambda side, i, numbers: side.reads(i, numbers), self.second.free)
        self._where(what, lambda side, i, numbers: side.read_by(i, numbers), reversed(self.second.free))

    def _in_between(self, what: What) -> None:
        """Steps that read the same and that the same reads."""

        def place(side: _PlanSide, i: int, numbers: Sequence[int | None] | None) -> Hashable:
            around = side.reads(i, numbers), side.read_by(i, numbers)
            return None if None in around else around

        self._where(what, place, self.second.free)

    def _where(self, what: What, place: PlaceKey, order: Iterable[int]) -> None:
        """Join what has the same place, of several the one with the same name."""
        places = ((i, place(self.first, i, None)) for i in self.first.free)
        keys: dict[int, Hashable] = {i: (what(self.first, i), around) for i, around in places if around is not None}
        queues: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for i, key in keys.items():
            queues[key].append(i)

        def key_of(j: int) -> Hashable:
            around = place(self.second, j, self.second.partners)
            return None if around is None else (what(self.second, j), around)

        numbers = self.first.plan.numbers, self.second.plan.numbers
        for j in order:
            key = key_of(j)
            queue = queues.get(key)
            namesake = numbers[0].get(self.second.name(j)) if queue else None
            if namesake is not None and self.first.partners[namesake] is None and keys.get(namesake) == key:
                self._join(namesake, j)
                continue
            while queue and self.first.partners[queue[0]] is not None:
                queue.popleft()
            if queue:
                other = numbers[1].get(self.first.name(queue[0]))
                waits = other is not None and self.second.partners[other] is None and key_of(other) == key
                if not waits:
                    self._join(queue.popleft(), j)

    # By what is around

    def _by_surroundings(self) -> None:
        """Steps around which all is the same, as far as it goes; of several such, as many on either side, in order."""
        sides = self.first, self.second
        free = [side.free for side in sides]
        if not free[0] or not free[1]:
            return
        rounds = list(_surroundings(sides, free))
        for labels in reversed(rounds[NEAREST - 1 :]):
            buckets: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
            for k, side in enumerate(sides):
                for i in free[k]:
                    if side.partners[i] is None:
                        buckets[labels[k][i]][k].append(i)
            for ours, theirs in buckets.values():
                if len(ours) == len(theirs):
                    for i, j in zip(ours, theirs, strict=True):
                        self._join(i, j)


def _surroundings(sides: tuple[_PlanSide, _PlanSide], free: list[list[int]]) -> Iterator[list[list[int]]]:
    """Numbers for the steps of both sides, which are equal where all is equal one step away, two, and so on."""
    known: dict[Hashable, int] = {}

    def label(of: Hashable) -> int:
        return known.setdefault(of, len(known))

    labels = []
    for k, side in enumerate(sides):
        pairs = ((i, partner) if k == 0 else (partner, i) for i, partner in enumerate(side.partners))
        labels.append([label(pair) for pair in pairs])
        for i in free[k]:
            labels[k][i] = label(side.sizes(i))
    for _ in range(FURTHEST):
        further = [list(each) for each in labels]
        for k, side in enumerate(sides):
            steps, own = side.plan.steps, labels[k]
            for i in free[k]:
                sources = tuple([(own[each.step], each.output) for each in steps[i].sources])
                readers = tuple(sorted([(own[each.step], each.source) for each in side.plan.readers(i)]))
                further[k][i] = label((own[i], sources, readers, side.returned.get(i)))
        labels = further
        yield labels
