"""What a budget may bound: what the model has of it, and which part of the model has most.

A measure is a class here, and a line of the same name in `planner.budget.BOUNDS`, which has its manual.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from planner.analyses.cost import BYTES
from planner.cells import TooManyRuns
from planner.layers._layer import axis_name
from planner.model import Group
from planner.rules._waste import leaving_out
from planner.words import counted, named, percent

if TYPE_CHECKING:
    from planner.analyses.ordering import Better
    from planner.diagnostics import Path
    from planner.plan import Plan, Step
    from planner.report import Report


@dataclass(frozen=True, slots=True)
class Amount:
    """What a model has of something, as far as it is known.

    unknown  why it is not known, where it is not: the model has at least `known`
    mend     what to do about that
    at       the step that it is about, where it is about one
    place    which output and axis it is about, or what it was counted for
    """

    known: int
    unknown: str = ""
    mend: str = ""
    at: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Blame:
    """A block or a layer, and what it has to do with an amount."""

    path: Path
    says: str


class Measure:
    """Something that a budget bounds.

    over  the headline where there is too much of it, or too little
    noun  what is counted
    """

    over: ClassVar[str]
    noun: ClassVar[str]

    @classmethod
    def amount(cls, report: Report) -> Amount:
        raise NotImplementedError

    @classmethod
    def weights(cls, report: Report) -> Sequence[int]:
        """How much of it each step has; nothing where it is not made of steps."""
        return ()

    @classmethod
    def part(cls, report: Report, amount: Amount) -> Blame | None:
        """The part of the model that has most of it."""
        weights = cls.weights(report)
        found = heaviest(report.plan, weights)
        if found is None:
            return None
        most, weight = found
        return Blame(most.path, f"`{most.name}` has most: {cls.said(weight)}, {percent(weight, sum(weights))}")

    @classmethod
    def said(cls, amount: int) -> str:
        """An amount in words."""
        return counted(amount, cls.noun)

    @classmethod
    def advice(cls, report: Report) -> str:
        """What may help, which was tried; nothing where nothing does."""
        return ""


_UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@cache
def measures() -> dict[str, type[Measure]]:
    """Every measure by its name in a budget: `ReceptiveFieldMeasure` is `receptive_field`."""
    classes = {name.removesuffix("Measure"): each for name, each in globals().items() if name.endswith("Measure")}
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): each for name, each in classes.items() if name}


def heaviest(plan: Plan, weights: Sequence[int]) -> tuple[Step | Group, int] | None:
    """The block or layer that has most; inside of one that has more than half of everything, that which has most there
    if it has more than half of everything too.
    """
    everything = sum(weights)
    found: tuple[Step | Group, int] | None = None
    group: Group | None = None
    while everything:
        parts = [(_weight(each, plan, weights), each) for each in plan.members(group)]
        weight, most = max(parts, key=lambda part: part[0], default=(0, None))
        if most is None or (found is not None and weight * 2 <= everything):
            return found
        found = most, weight
        if not isinstance(most, Group) or weight * 2 <= everything:
            return found
        group = most
    return found


def _weight(each: Step | Group, plan: Plan, weights: Sequence[int]) -> int:
    return sum(weights[each.first : each.last]) if isinstance(each, Group) else weights[plan.numbers[each.name]]


class _Counted(Measure):
    """What is counted of every step, and not known of some.

    what, key  what is not known of these, and the argument of a layer that says it
    """

    what: ClassVar[str]
    key: ClassVar[str]

    @classmethod
    def unknown(cls, report: Report) -> Sequence[str]:
        """The steps of which it is not known."""
        raise NotImplementedError

    @classmethod
    def amount(cls, report: Report) -> Amount:
        known, unknown = sum(cls.weights(report)), cls.unknown(report)
        if not unknown:
            return Amount(known)
        return Amount(known, f"the {cls.what} of {named(unknown)} are not known", f"say `{cls.key}: N` there")


class ParamsMeasure(_Counted):
    over = "too many parameters"
    noun, what, key = "parameter", "parameters", "params"

    @classmethod
    def unknown(cls, report: Report) -> Sequence[str]:
        return report.cost.unknown_params

    @classmethod
    def weights(cls, report: Report) -> Sequence[int]:
        return [step.params or 0 for step in report.plan.steps]


class MacsMeasure(_Counted):
    over = "too many multiply-adds"
    noun, what, key = "MAC", "multiply-adds", "macs"

    @classmethod
    def unknown(cls, report: Report) -> Sequence[str]:
        return report.cost.unknown_macs

    @classmethod
    def weights(cls, report: Report) -> Sequence[int]:
        return [step.macs or 0 for step in report.plan.steps]


class FlopsMeasure(MacsMeasure):
    over = "too many FLOPs"
    noun = "FLOP"

    @classmethod
    def weights(cls, report: Report) -> Sequence[int]:
        return [2 * each for each in super().weights(report)]


class _Bytes(Measure):
    noun = "byte"

    @classmethod
    def said(cls, amount: int) -> str:
        near = next(((size, unit) for size, unit in _UNITS if amount >= size), None)
        if near is None or amount % near[0] == 0:
            return f"{amount // near[0]:,} {near[1]}" if near else super().said(amount)
        tenths = amount * 10 // near[0]
        return f"{super().said(amount)} ({tenths // 10:,}.{tenths % 10} {near[1]})"


class ActivationsMeasure(_Bytes):
    over = "too many bytes of activations"

    @classmethod
    def amount(cls, report: Report) -> Amount:
        return Amount(report.budgeted.cost.activation_bytes, place=_how(report))

    @classmethod
    def weights(cls, report: Report) -> Sequence[int]:
        counted = report.budgeted
        size = BYTES[counted.dtype] * counted.batch
        return [size * sum(shape.elements for shape in step.outputs) for step in report.plan.steps]


class PeakMeasure(_Bytes):
    over = "too many bytes of tensors at once"

    @classmethod
    def amount(cls, report: Report) -> Amount:
        return Amount(report.budgeted.cost.peak_bytes, place=_how(report))

    @classmethod
    def part(cls, report: Report, amount: Amount) -> Blame | None:
        at = report.budgeted.cost.peak_step
        step = report.plan.steps[at] if at is not None else None
        return None if step is None else Blame(step.path, f"they are there at `{step.name}`")

    @classmethod
    def advice(cls, report: Report) -> str:
        from planner.analyses.ordering import better

        now = report.budgeted.cost
        found = better(report.plan, batch=now.batch, dtype=now.dtype)
        if found is None:
            return ""
        best = "" if found.ordering.exact else ", the least that was found"
        return (
            f"{_order(report.plan, found)}: {cls.said(found.peak_bytes)} in place of {cls.said(now.peak_bytes)}{best}"
        )


class KeptMeasure(_Bytes):
    over = "too many bytes kept for backward"

    @classmethod
    def amount(cls, report: Report) -> Amount:
        training, place = report.budgeted.trained, _how(report)
        if report.budgeted.autocast:
            place += f", autocast to {report.budgeted.autocast}"
        if not report.plan.complete:
            return Amount(0)
        if training is None:
            return Amount(0, "nothing is trained in int8", "use `dtype: float32` in the budget", place=place)
        if training.kept_bytes is None:
            steps = training.unknown_kept
            unknown = f"what {named(steps)} {'keeps' if len(steps) == 1 else 'keep'} is not known"
            return Amount(training.known_kept, unknown, "leave `kept` out of the budget", place=place)
        return Amount(training.kept_bytes, place=place)

    @classmethod
    def weights(cls, report: Report) -> Sequence[int]:
        training = report.budgeted.trained
        return [] if training is None else [step.kept or 0 for step in training.steps]


class ReceptiveFieldMeasure(Measure):
    over = "an output sees too little"
    noun = "cell"

    @classmethod
    def amount(cls, report: Report) -> Amount:
        """The smallest size on any axis of any input that an output depends on."""
        sizes: list[tuple[int, int, str]] = []
        for tensor in report.plan.outputs:
            fields = report.fields[tensor.step]
            for source, axes in fields[tensor.output].items() if fields else ():
                for axis, each in enumerate(axes):
                    if each.size is None:
                        name = report.plan.label(tensor)
                        return Amount(0, f"how much of `{report.plan.steps[source].name}` `{name}` sees is not known")
                    of = f"{axis_name(axis, len(axes))} of `{report.plan.steps[source].name}`"
                    sizes.append((each.size, tensor.step, f"`{report.plan.label(tensor)}` on the {of}"))
        if not sizes:
            return Amount(0, "no output sees an axis of an input")
        size, at, place = min(sizes, key=lambda each: each[0])
        return Amount(size, at=at, place=place)

    @classmethod
    def part(cls, report: Report, amount: Amount) -> Blame | None:
        if amount.at is None:
            return None
        step = report.plan.steps[amount.at]
        return Blame(step.path, f"`{step.name}` is that output")


class UnreadMeasure(Measure):
    over = "too many cells of the input are never read"
    noun = "cell"

    @classmethod
    def amount(cls, report: Report) -> Amount:
        try:
            if report.reach is not None:
                return Amount(sum(each.cells for each in report.unread_inputs.values()))
        except TooManyRuns:
            pass
        return Amount(0, "what is read of a long axis was not worked out")

    @classmethod
    def part(cls, report: Report, amount: Amount) -> Blame | None:
        unread = [(each.cells, name) for name, each in report.unread_inputs.items() if each.cells]
        number = report.plan.numbers[max(unread)[1]] if unread else 0
        losing = next(iter(leaving_out(report, number)), None)
        step = report.plan.steps[losing] if losing is not None else None
        return None if step is None else Blame(step.path, f"`{step.name}` leaves them out")


def _how(report: Report) -> str:
    """What bytes are counted for."""
    return f"batch {report.budgeted.batch}, {report.budgeted.dtype}"


def _order(plan: Plan, found: Better) -> str:
    """What to run before what."""
    move = found.move
    if move is None:
        first = next(i for i, step in enumerate(found.ordering.steps) if i != step)
        last = next(i for i, step in reversed([*enumerate(found.ordering.steps)]) if i != step)
        names = [plan.steps[i].name for i in found.ordering.steps[first : last + 1]]
        return (
            f"run {named(names, most=12)} in this order"
            if len(names) <= 12
            else f"run {len(names)} steps in another order"
        )
    return f"run {_run(plan, move.first, move.last)} before `{plan.steps[move.before].name}`"


def _run(plan: Plan, first: int, last: int) -> str:
    """Steps that stand together, by the name of the block that they are, or of the first and the last."""
    for group in plan.model.groups:
        if (group.first, group.last) == (first, last + 1):
            return f"`{group.name}`"
    a, b = plan.steps[first].name, plan.steps[last].name
    return f"`{a}`" if first == last else f"`{a}` to `{b}`"
