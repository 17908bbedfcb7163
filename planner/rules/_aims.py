"""The rules of targets, which are data, matched with the steps of a plan: shared by the kinds of what they find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from planner.geometry import AxisMap, Bins, Spread, Window
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.diagnostics import Diagnostic
    from planner.plan import Step
    from planner.report import Report
    from planner.targets import Aim, Finds, TargetRule


class OfTargets(Rule):
    """What rules of targets find. `finds` is what such a rule calls it, `does` what a headline says of the target."""

    finds: Finds
    does: str

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for aim in report.plan.model.targets:
            rules = [rule for rule in aim.rules if rule.finds == cls.finds]
            for step in report.plan.steps if rules else ():
                found = next((rule for rule in rules if _is_about(rule, step)), None)
                if found is not None:
                    yield cls._said(step, aim, found)

    @classmethod
    def _said(cls, step: Step, aim: Aim, rule: TargetRule) -> Diagnostic:
        keys = [name for name in (*rule.where, *rule.unless) if step.layer is not None and name in step.layer.given()]
        outside = _outside(rule, step)
        longest = [max(map(max, step.outputs))] if rule.longest_axis is not None else []
        numbers = outside.numbers if outside else longest
        return cls.at(
            step,
            f"{aim.title} {cls.does} {step.type}",
            label=f"{rule.says}, and here {' and '.join(f'{each:,}' for each in numbers)}" if numbers else rule.says,
            help=f"{rule.help}; {rule.source}" if rule.help else f"as {rule.source} says",
            key=keys[0] if keys else "output_size" if rule.uneven_bins else outside.argument if outside else (),
        )


class OutsideRange(NamedTuple):
    """The numbers of a window's argument that are too small or too large, each once."""

    argument: str
    numbers: tuple[int, ...]


def _is_about(rule: TargetRule, step: Step) -> bool:
    """Whether all that a rule asks for is so of a step."""
    if (rule.layers and step.type not in rule.layers) or (rule.inputs and not step.is_input) or not step.outputs:
        return False
    if any(getattr(step.layer, name, None) not in values for name, values in rule.where.items()):
        return False
    if any(getattr(step.layer, name) in values for name, values in rule.unless.items()):
        return False
    if (rule.uneven_bins and not _has_uneven_bins(step)) or (rule.windows and not _outside(rule, step)):
        return False
    shapes = [tuple(shape) for shape in step.outputs]
    for most, numbers in (
        (rule.most_axes, map(len, shapes)),
        (rule.most_long_axes, (sum(size > 1 for size in shape) for shape in shapes)),
        (rule.most_elements, (shape.elements for shape in step.outputs)),
        (rule.longest_axis, (size for shape in shapes for size in shape)),
    ):
        if most is not None and max(numbers, default=0) <= most:
            return False
    return not rule.narrow or any(shape[-2:-1] == (1,) and max(shape[:-2], default=1) > 1 for shape in shapes)


def _outside(rule: TargetRule, step: Step) -> OutsideRange | None:
    """The first argument of a layer's windows that is out of the range which a rule has for it."""
    windows = [axis for links in step.links for link in links for axis in link.axes]
    for argument, (least, most) in rule.windows.items():
        numbers = [number for each in windows for number in _numbers(each, argument)]
        found = tuple(dict.fromkeys(number for number in numbers if not least <= number <= most))
        if found:
            return OutsideRange(argument, found)
    return None


def _numbers(axis: AxisMap, argument: str) -> tuple[int, ...]:
    """What an argument comes to along one axis: padding before and after it."""
    if not isinstance(axis, Window | Spread):
        return ()
    if argument != "padding":
        return ({"kernel_size": axis.kernel, "stride": axis.stride, "dilation": axis.dilation}[argument],)
    return (axis.before, axis.after) if isinstance(axis, Window) else (axis.padding,)


def _has_uneven_bins(step: Step) -> bool:
    axes = [
        (each, n)
        for links in step.links
        for link, shape in zip(links, step.inputs, strict=True)
        for each, n in zip(link.axes, shape.spatial, strict=True)
    ]
    return any(isinstance(each, Bins) and n % each.bins for each, n in axes)
