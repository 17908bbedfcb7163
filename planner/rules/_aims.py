"""The rules of targets, which are data, matched with the steps of a plan: shared by the kinds of what they find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.geometry import Bins
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
        keys = [name for name in rule.where if step.layer is not None and name in step.layer.given()]
        return cls.at(
            step,
            f"{aim.title} {cls.does} {step.type}",
            label=rule.says,
            help=f"{rule.help}; {rule.source}" if rule.help else f"as {rule.source} says",
            key=keys[0] if keys else "output_size" if rule.uneven_bins else (),
        )


def _is_about(rule: TargetRule, step: Step) -> bool:
    """Whether all that a rule asks for is so of a step."""
    if rule.layers and step.type not in rule.layers:
        return False
    if any(getattr(step.layer, name, None) not in values for name, values in rule.where.items()):
        return False
    if rule.uneven_bins and not _has_uneven_bins(step):
        return False
    shapes = [tuple(shape) for shape in step.outputs]
    if rule.most_axes is not None and all(len(shape) <= rule.most_axes for shape in shapes):
        return False
    if rule.most_long_axes is not None:
        long = [sum(size > 1 for size in shape) for shape in shapes]
        if max(long, default=0) <= rule.most_long_axes:
            return False
    if rule.most_elements is not None:
        return max((shape.elements for shape in step.outputs), default=0) > rule.most_elements
    return bool(step.outputs)


def _has_uneven_bins(step: Step) -> bool:
    axes = [
        (each, n)
        for links in step.links
        for link, shape in zip(links, step.inputs, strict=True)
        for each, n in zip(link.axes, shape.spatial, strict=True)
    ]
    return any(isinstance(each, Bins) and n % each.bins for each, n in axes)
