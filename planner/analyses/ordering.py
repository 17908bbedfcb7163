"""The order of steps with the smallest peak of memory: which branch to run first.

What is alive after some steps depends on which these are alone, not on their order; so the search goes over sets of
steps, the smallest peak first. A step that leaves no more alive than there was, and does not raise the peak, is run at
once: to put it off helps nothing, since whatever else has run, it frees no less later. Steps behind which all others
wait part the model into stretches that are searched one by one. A step without sources, such as a parameter, comes
right before its only reader.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from planner.analyses.cost import cost
from planner.analyses.overwriting import overwriting
from planner.budget import DType
from planner.plan import Plan, Tensor

MOST_TRIED = 50_000
"""Steps that are tried next for a model; with more, the best order that was found by then is taken."""
MOST_GREEDY = 200
"""Steps of a stretch for which the order is tried that always leaves least alive."""
MOST_MOVED = 60
"""Steps among which a single move is looked for."""
FEW = 16
"""Steps of which every run is tried as that move; of more, those that begin where the best order does."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order of steps and its peak, in elements of one sample.

    exact  whether no order has a smaller peak; else it is the best that was found
    """

    steps: tuple[int, ...]
    peak: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Move:
    """Steps that stand together, from `first` to `last`, and run before another one that had come before them."""

    first: int
    last: int
    before: int


@dataclass(frozen=True, slots=True)
class Better:
    """An order of a plan's steps with a smaller peak than that of the file, which was planned.

    peak_bytes  the peak in that order
    move        the one move that makes it; None where it takes several
    """

    ordering: Ordering
    peak_bytes: int
    move: Move | None


@dataclass(slots=True)
class Work:
    """What steps make and read, in the order in which they run.

    makes   for each step, the sizes of its outputs
    reads   for each step, the tensors that it reads
    kept    the tensors that stay
    inputs  how many of the first steps are there from the start
    """

    makes: Sequence[Sequence[int]]
    reads: Sequence[Collection[tuple[int, int]]]
    kept: Collection[tuple[int, int]]
    inputs: int

    @classmethod
    def of(cls, plan: Plan) -> Work:
        makes = [[shape.elements for shape in step.outputs] for step in plan.steps]
        reads = [frozenset(step.sources) for step in plan.steps]
        return cls(makes, reads, frozenset(plan.outputs), len(plan.inputs))


@dataclass(slots=True)
class _Bundle:
    """Steps that run one right after the other.

    makes    the elements that they make
    holds    those that are alive at least while they run: what they make and what they read
    needs    the bundles before it, as bits
    tensors  of what they make or read, the sizes, the bundles that read them, and whether they stay
    """

    steps: list[int]
    makes: int = 0
    holds: int = 0
    needs: int = 0
    tensors: list[tuple[int, int, bool]] = field(default_factory=list)

    def more(self, done: int) -> int:
        """How much more is alive after this bundle than before, where these bundles have run by then."""
        freed = sum(size for size, readers, stays in self.tensors if not stays and not readers & ~done)
        return self.makes - freed


def better(plan: Plan, *, batch: int = 1, dtype: DType = "float32") -> Better | None:
    """The order of steps with the smallest peak; None where that of the file has it, or where it matters to steps that
    work in place.
    """
    if not plan.complete or overwriting(plan):
        return None
    work = Work.of(plan)
    found = ordering(work)
    other = _reordered(plan, found.steps)
    now, then = (cost(each, batch=batch, dtype=dtype).peak_bytes for each in (plan, other))
    if then >= now or overwriting(other):
        return None
    blocks = [range(group.first, group.last) for group in plan.model.groups]
    return Better(found, then, _move(work, found, blocks))


def _reordered(plan: Plan, order: Sequence[int]) -> Plan:
    """The plan with its steps in another order."""
    place = {step: i for i, step in enumerate(order)}
    at = [replace(plan.steps[i], sources=tuple(_at(place, ref) for ref in plan.steps[i].sources)) for i in order]
    return replace(plan, steps=at, outputs=tuple(_at(place, ref) for ref in plan.outputs))


def _at(place: Mapping[int, int], tensor: Tensor) -> Tensor:
    return Tensor(place[tensor.step], tensor.output)


def _move(work: Work, found: Ordering, blocks: Sequence[range]) -> Move | None:
    """The one move that has the same peak as an order: that of a block, or of the fewest steps."""
    given = [*range(len(work.makes))]
    differ = [i for i in given if found.steps[i] != i]
    first, last = differ[0], differ[-1]
    if last - first >= MOST_MOVED:
        return None
    starts = range(first + 1, last + 1) if last - first < FEW else [found.steps[first]]
    runs = [(block[0], block[-1]) for block in blocks if block and first < block[0] <= last]
    runs += sorted(((i, j) for i in starts for j in range(i, last + 1)), key=lambda run: (run[1] - run[0], run))
    for i, j in runs:
        needed = max((source for step in range(i, j + 1) for source, _ in work.reads[step] if source < i), default=0)
        for before in range(max(first, needed + 1), i):
            order = [*given[:before], *given[i : j + 1], *given[before:i], *given[j + 1 :]]
            if peak_of(work, order) <= found.peak:
                return Move(i, j, before)
    return None


def ordering(work: Work, most: int = MOST_TRIED) -> Ordering:
    """The order with the smallest peak; where that takes too long, the best that was found."""
    bundles = _bundles(work)
    alive, floor = _inputs(work)
    floor = max([floor, *(bundle.holds for bundle in bundles)])
    loose = _loose(work, bundles)
    order, done, exact = list(range(work.inputs)), 0, True
    for stretch in _stretches(bundles, loose):
        search = _StretchSearch(bundles, stretch, done, alive, most)
        found, peak, whole = search.best(floor)
        most = max(search.left, 0)
        exact = exact and (peak <= floor or (whole and not loose))
        floor = max(floor, peak)
        for i in found:
            done |= 1 << i
            alive += bundles[i].more(done)
            order += bundles[i].steps
    given = peak_of(work, range(len(work.makes)))
    return Ordering(tuple(order), floor, exact) if floor < given else Ordering((*range(len(work.makes)),), given, exact)


def peak_of(work: Work, order: Sequence[int]) -> int:
    """The most that is alive when steps run in an order, each tensor freed after its last reader."""
    last: dict[tuple[int, int], int] = {}
    for i in order:
        last.update(((i, output), i) for output in range(len(work.makes[i])))
        last.update((tensor, i) for tensor in work.reads[i])
    freed: dict[int, int] = {}
    for (step, output), i in last.items():
        if (step, output) not in work.kept:
            freed[i] = freed.get(i, 0) + work.makes[step][output]
    alive = peak = 0
    for i in order:
        alive += sum(work.makes[i])
        peak = max(peak, alive)
        alive -= freed.get(i, 0)
    return peak


def _inputs(work: Work) -> tuple[int, int]:
    """What is alive once the inputs are there, and the most until then."""
    read = {tensor for tensors in work.reads for tensor in tensors}
    alive = peak = 0
    for i in range(work.inputs):
        alive += sum(work.makes[i])
        peak = max(peak, alive)
        stays = read.union(work.kept)
        alive -= sum(size for output, size in enumerate(work.makes[i]) if (i, output) not in stays)
    return alive, peak


def _bundles(work: Work) -> list[_Bundle]:
    """The steps that may be moved, each with those without sources that it alone reads."""
    steps = range(work.inputs, len(work.makes))
    reading: dict[int, set[int]] = {}
    for i in steps:
        for source, _ in work.reads[i]:
            reading.setdefault(source, set()).add(i)
    joined: dict[int, list[int]] = {}
    for i in steps:
        alone = not work.reads[i] and len(work.makes[i]) == len(reading.get(i, ())) == 1
        joined.setdefault(min(reading[i]) if alone else i, []).append(i)
    bundles = [_Bundle(joined[last]) for last in sorted(joined)]
    home = {step: i for i, bundle in enumerate(bundles) for step in bundle.steps}
    readers: dict[tuple[int, int], int] = {}
    for step in steps:
        for tensor in work.reads[step]:
            readers[tensor] = readers.get(tensor, 0) | 1 << home[step]
    for bundle in bundles:
        made = {(step, output) for step in bundle.steps for output in range(len(work.makes[step]))}
        read = {tensor for step in bundle.steps for tensor in work.reads[step]} - made
        bundle.makes = sum(work.makes[step][output] for step, output in made)
        bundle.holds = bundle.makes + sum(work.makes[step][output] for step, output in read)
        bundle.tensors = [(work.makes[a][b], readers.get((a, b), 0), (a, b) in work.kept) for a, b in made | read]
        for source, _ in read:
            if source in home:
                bundle.needs |= 1 << home[source]
    return bundles


def _loose(work: Work, bundles: Sequence[_Bundle]) -> int:
    """The bundles that depend on no input, as bits: they could run at any time before what reads them."""
    loose = 0
    for i, bundle in enumerate(bundles):
        reads = {source for step in bundle.steps for source, _ in work.reads[step]}
        if not bundle.needs & ~loose and not any(source < work.inputs for source in reads):
            loose |= 1 << i
    return loose


def _stretches(bundles: Sequence[_Bundle], loose: int) -> Iterator[list[int]]:
    """The bundles in stretches, each of which ends with one that needs all before it and that all behind it need. Loose
    bundles stand in the stretch in which they are first needed.
    """
    above = [bundle.needs for bundle in bundles]
    below = [0] * len(bundles)
    for i in range(len(bundles)):
        for j in _bits(bundles[i].needs):
            above[i] |= above[j]
    for i in reversed(range(len(bundles))):
        for j in _bits(bundles[i].needs):
            below[j] |= below[i] | 1 << i
    placed = before = 0
    behind = (1 << len(bundles)) - 1 & ~loose
    for i in range(len(bundles)):
        if loose >> i & 1:
            continue
        behind &= ~(1 << i)
        if not before & ~above[i] and not behind & ~below[i]:
            yield [*_bits((above[i] | 1 << i) & ~placed)]
            placed |= above[i] | 1 << i
        before |= 1 << i
    if left := ((1 << len(bundles)) - 1) & ~placed:
        yield [*_bits(left)]


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


class _StepsBefore(NamedTuple):
    """Bundles in the order in which they run, the last one outermost: many orders share what they begin with."""

    before: _StepsBefore | None
    bundle: int


class _Begun(NamedTuple):
    """How far an order has come.

    done   the bundles that have run, as bits
    ready  those of the stretch that may run next
    alive  what is alive by then
    """

    done: int
    ready: int
    alive: int
    path: _StepsBefore | None


class _StretchSearch:
    """The search for the best order of one stretch.

    left  how many bundles may still be tried
    """

    def __init__(self, bundles: Sequence[_Bundle], stretch: Sequence[int], done: int, alive: int, most: int) -> None:
        """done, alive: the bundles before the stretch, as bits, and what is alive behind these."""
        self.bundles, self.stretch, self.left = bundles, stretch, most
        self.behind: dict[int, list[int]] = {i: [] for i in stretch}
        ready = 0
        for i in stretch:
            needs = [*_bits(bundles[i].needs & ~done)]
            for each in needs:
                self.behind[each].append(i)
            ready |= 0 if needs else 1 << i
        self.start = _Begun(done, ready, alive, None)

    def best(self, floor: int) -> tuple[Sequence[int], int, bool]:
        """The best order, its peak or the floor where that is higher, and whether none is better."""
        ways = (False, True) if len(self.stretch) <= MOST_GREEDY else (False,)
        known = min((self._simple(floor, greedy) for greedy in ways), key=lambda found: found[1])
        if known[1] <= floor:
            return (*known, True)
        tie = count(1)
        waiting = [(floor, 0, 0, self.start)]
        seen: set[int] = set()
        while waiting and self.left > 0:
            peak, _, _, state = heappop(waiting)
            if peak >= known[1]:
                return (*known, True)
            state = self._at_once(peak, state)
            if not state.ready:
                return _flat(state.path), peak, True
            if state.done in seen:
                continue
            seen.add(state.done)
            for i in _bits(state.ready):
                then = max(peak, state.alive + self.bundles[i].makes)
                if then < known[1]:
                    after = self._run(state, i, self._tried(state, i))
                    heappush(waiting, (then, -after.done.bit_count(), next(tie), after))
        return (*known, not waiting)

    def _tried(self, state: _Begun, i: int) -> int:
        """What is alive once one more bundle has run; it counts as a trial."""
        self.left -= 1
        return state.alive + self.bundles[i].more(state.done | 1 << i)

    def _run(self, state: _Begun, i: int, alive: int) -> _Begun:
        done, ready = state.done | 1 << i, state.ready ^ 1 << i
        for each in self.behind[i]:
            if not self.bundles[each].needs & ~done:
                ready |= 1 << each
        return _Begun(done, ready, alive, _StepsBefore(state.path, i))

    def _at_once(self, peak: int, state: _Begun) -> _Begun:
        """Run what leaves no more alive than there was and does not raise the peak."""
        going = True
        while going:
            going = False
            for i in _bits(state.ready):
                then = self._tried(state, i)
                if then <= state.alive and state.alive + self.bundles[i].makes <= peak:
                    state, going = self._run(state, i, then), True
                    break
        return state

    def _simple(self, floor: int, greedy: bool) -> tuple[Sequence[int], int]:
        """The order as it is given, or the one that always runs what leaves least alive."""
        state, peak = self.start, floor
        for given in self.stretch:
            left = {i: self._tried(state, i) for i in _bits(state.ready)} if greedy else {}
            i = min(left, key=lambda i: (left[i], i)) if greedy else given
            peak = max(peak, state.alive + self.bundles[i].makes)
            state = self._run(state, i, self._tried(state, i))
        return _flat(state.path), peak


def _flat(path: _StepsBefore | None) -> list[int]:
    order = []
    while path is not None:
        order.append(path.bundle)
        path = path.before
    return order[::-1]
