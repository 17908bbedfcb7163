"""Sentences about entries with other sizes: what is wider there, which axes are turned, which layers follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TypeVar

from planner.checkpoints import SavedTensor
from planner.comparison.state import StateEntry
from planner.layers._layer import Sizes
from planner.loading.entries import StateMatch
from planner.loading.names import NameNode, said
from planner.loading.roles import Resized, heads, square_sides, stems
from planner.loading.sentences import Difference, DifferenceKind, changes_text, place_of_name, place_of_step, sizes_text
from planner.report import Report
from planner.words import named

Pairs = Sequence[tuple[StateEntry, SavedTensor]]
K = TypeVar("K")


def resizings(report: Report, found: StateMatch) -> Iterator[Difference]:
    """What differs in sizes."""
    forms: defaultdict[DifferenceKind | None, list[tuple[StateEntry, SavedTensor]]] = defaultdict(list)
    for entry, tensor in found.other_sizes:
        forms[_form(entry.sizes, tensor.sizes)].append((entry, tensor))
    yield from _turned(report, forms["transposed"], found)
    yield from _same_numbers(report, forms["axes of 1"])
    yield from _Widths(report, found, forms[None]).all()


def _form(ours: Sizes, theirs: Sizes) -> DifferenceKind | None:
    """How the same numbers may stand in the checkpoint."""
    if len(ours) == len(theirs) and len(ours) > 1:
        *kernel, last, first = *ours[2:], ours[1], ours[0]
        if theirs in ((*kernel, last, first), (*kernel, first, last)):
            return "transposed"
    if [each for each in ours if each != 1] == [each for each in theirs if each != 1]:
        return "axes of 1"
    return None


def _difference(report: Report, kind: DifferenceKind, text: str, pairs: Pairs, block: str = "") -> Difference:
    mine, theirs = tuple(each.name for each, _ in pairs), tuple(each.name for _, each in pairs)
    at = place_of_name(report, block, [pairs[0][0].step]) if block else place_of_step(report, pairs[0][0].step)
    return Difference(kind, text, mine, theirs, at)


def _turned(report: Report, pairs: Pairs, found: StateMatch) -> Iterator[Difference]:
    """Entries of a library that has axes in another order; of square ones their sizes do not tell."""
    same = [*found.agreeing, *found.renamed]
    squares = [now.name for now, _ in same if len(now.sizes) == 2 and now.sizes[0] == now.sizes[1] > 1]
    for rank in (2, 3):
        some = [each for each in pairs if (len(each[0].sizes) > 2) == (rank > 2)]
        if not some:
            continue
        (entry, tensor), names = some[0], [each.name for each, _ in some]
        verb = "is" if len(some) == 1 else "are"
        what = "transposed" if rank == 2 else "with the axes of the kernel first"
        text = (
            f"{said(names)} {verb} stored {what}: {sizes_text(entry.sizes)}, the checkpoint {sizes_text(tensor.sizes)}"
        )
        if squares and rank == 2:
            text = f"{text}; {said(squares)} may be too, as squares look alike"
        yield _difference(report, "transposed", text, some)


def _same_numbers(report: Report, pairs: Pairs) -> Iterator[Difference]:
    if pairs:
        entry, tensor = pairs[0]
        sizes = f"{sizes_text(entry.sizes)}, the checkpoint {sizes_text(tensor.sizes)}"
        verb = "has" if len(pairs) == 1 else "have"
        text = f"{said([each.name for each, _ in pairs])} {verb} the same numbers with other axes of 1: {sizes}"
        yield _difference(report, "axes of 1", text, pairs)


class _Widths:
    """Steps with other numbers of channels, rows or taps."""

    def __init__(self, report: Report, found: StateMatch, pairs: Pairs) -> None:
        self.report = report
        by_step: defaultdict[int, list[tuple[StateEntry, SavedTensor]]] = defaultdict(list)
        numbers = report.plan.numbers
        for each in pairs:
            by_step[numbers[each[0].step.name]].append(each)
        self.steps = [Resized.of(by_step[i]) for i in sorted(by_step)]
        self.tree = NameNode.of(dict.fromkeys(each.step.name for each in found.expected.values()))
        self.heads, self.stems = heads(report.plan), stems(report.plan)
        self.factors = {each.factor for each in self.steps if each.outs and each.step.name not in self.heads}

    def all(self) -> Iterator[Difference]:
        groups: defaultdict[str, list[Resized]] = defaultdict(list)
        for each in self.steps:
            groups[self._kind(each)].append(each)
        yield from self._heads(groups["head"])
        yield from self._stems(groups["stem"])
        yield from self._wider(groups["width"])
        yield from self._following(groups["reads"], bool(groups["width"]))
        yield from self._kernels([each for each in self.steps if self._kind(each) != "other"])
        for each in groups["other"]:
            yield from self._other(each)

    def _kind(self, each: Resized) -> str:
        if each.other:
            return "other"
        if each.step.name in self.heads and len(each.outs) == 1 and each.factor not in self.factors:
            return "head"
        if each.step.name in self.stems and len(each.reads) == 1 and not each.outs:
            return "stem"
        return "width" if each.outs else "reads" if each.reads else "kernel"

    def _heads(self, steps: Sequence[Resized]) -> Iterator[Difference]:
        for (was, now), some in _grouped((each.outs[0], each) for each in steps):
            outputs = [self.report.plan.shape(each) for each in self.report.plan.outputs]
            params = {name for name, value in self.report.plan.model.params.items() if value == was}
            vector = all(shape is not None and len(shape) == 1 for shape in outputs)
            noun = "classes" if vector or any("class" in name for name in params) else "channels"
            names = named([each.step.name for each in some])
            who = f"the head {names} has" if len(some) == 1 else f"the heads {names} have"
            changes = [each.channels_read for each in some if each.reads]
            more = f"; it reads other numbers of channels: {changes_text(changes)}" if changes else ""
            yield self._told("head", f"{who} {was:,} {noun}, the checkpoint {now:,}{more}", some)

    def _stems(self, steps: Sequence[Resized]) -> Iterator[Difference]:
        for (was, now), some in _grouped((each.channels_read, each) for each in steps):
            names, verb = named([each.step.name for each in some]), "reads" if len(some) == 1 else "read"
            noun = "channel" if was == 1 else "channels"
            yield self._told("stem", f"{names} {verb} {was:,} {noun} of the input, in the checkpoint {now:,}", some)

    def _wider(self, steps: Sequence[Resized]) -> Iterator[Difference]:
        """Blocks of which all is wider, then single steps, those that are by one factor together."""
        by_name = {each.step.name: each for each in steps}
        for factor, some in _grouped((each.factor, each) for each in steps):
            names = {each.step.name for each in some}
            blocks, singles = list[str](), list[str]()
            waiting = [self.tree]
            while waiting:
                node = waiting.pop()
                inside = [each for each in node.names if each in names]
                if node.path and len(inside) == len(node.names) > 1 and factor is not None:
                    blocks.append(node.path)
                elif node.path in names and not node.children:
                    singles.append(node.path)
                elif inside:
                    waiting += reversed(node.children.values())
            of = {block: [by_name[each] for each in self._within(block, names)] for block in blocks}
            if blocks:
                changed = [each for block in blocks for each in of[block]]
                verb = "is" if len(blocks) == 1 else "are"
                text = f"all of {named(blocks)} {verb} {_times(factor)}: {changes_text(_widths(changed))}"
                yield self._told("width", text, changed, blocks[0])
            if singles:
                changed = [by_name[each] for each in singles]
                verb = "is" if len(singles) == 1 else "are"
                text = f"{said(singles)} {verb} {_times(factor)}: {changes_text(_widths(changed))}"
                yield self._told("width", text, changed)

    def _within(self, block: str, names: Iterable[str]) -> list[str]:
        node = self.tree.at(block)
        wanted = set(names)
        return [each for each in (node.names if node else ()) if each in wanted]

    def _following(self, steps: Sequence[Resized], widths: bool) -> Iterator[Difference]:
        """Steps that have their own width and read another one."""
        if not steps:
            return
        names, verb = said([each.step.name for each in steps]), "reads" if len(steps) == 1 else "read"
        changes = changes_text(each.channels_read for each in steps)
        noun = "rows" if all(each.is_table for each in steps) else "channels"
        if noun == "rows":
            verb = "has" if len(steps) == 1 else "have"
        kind: DifferenceKind = "width follows" if widths and noun == "channels" else "sizes"
        yield self._told(kind, f"{names} {verb} other numbers of {noun}: {changes}", steps)

    def _kernels(self, steps: Sequence[Resized]) -> Iterator[Difference]:
        for (was, now), some in _grouped((each.kernel, each) for each in steps if each.kernel is not None):
            names, verb = said([each.step.name for each in some]), "has" if len(some) == 1 else "have"
            text = f"{names} {verb} a kernel of {sizes_text(was)}, the checkpoint {sizes_text(now)}"
            yield self._told("kernel", text, some)

    def _other(self, each: Resized) -> Iterator[Difference]:
        for entry, tensor in each.pairs:
            differing = [pair for pair in zip(entry.sizes, tensor.sizes, strict=False) if pair[0] != pair[1]]
            one = len(entry.sizes) == len(tensor.sizes) and len(differing) == 1
            squares = _squares(*differing[0]) if one else ""
            sizes = f"{sizes_text(entry.sizes)}, the checkpoint {sizes_text(tensor.sizes)}"
            kind: DifferenceKind = "places" if squares else "sizes"
            yield _difference(self.report, kind, f"`{entry.name}` is {sizes}{squares}", [(entry, tensor)])

    def _told(self, kind: DifferenceKind, text: str, steps: Sequence[Resized], block: str = "") -> Difference:
        return _difference(self.report, kind, text, [pair for each in steps for pair in each.pairs], block)


def _grouped(pairs: Iterable[tuple[K, Resized]]) -> list[tuple[K, list[Resized]]]:
    found: defaultdict[K, list[Resized]] = defaultdict(list)
    for key, each in pairs:
        found[key].append(each)
    return list(found.items())


def _widths(steps: Iterable[Resized]) -> list[tuple[int, int]]:
    return [pair for each in steps for pair in each.outs]


def _times(factor: Fraction | None) -> str:
    """How much wider: `twice as wide`."""
    if factor is None:
        return "of another width"
    if factor == 2:
        return "twice as wide"
    if factor == Fraction(1, 2):
        return "half as wide"
    exact = factor * 1000
    if exact.denominator != 1:
        return "of another width"
    return f"{float(factor):g} times as wide"


def _squares(was: int, now: int) -> str:
    """Numbers of places that are squares, but for one in front: ` (14×14 places and 1, there 24×24 and 1)`."""
    for ours, theirs, more in square_sides(was, now):
        rest = f" and {more}" if more else ""
        return f" ({ours}×{ours}{rest} places, there {theirs}×{theirs}{rest})"
    return ""
