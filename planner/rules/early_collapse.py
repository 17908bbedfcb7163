from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.geometry import SameWindow, Window
from planner.rules._rule import Rule
from planner.words import counted, named

if TYPE_CHECKING:
    from planner.analyses.axes import StepAxis
    from planner.plan import Step
    from planner.report import Report


class EarlyCollapse(Rule):
    """Strides bring the feature map down to a single cell, and layers behind still slide windows over it.

    Why it matters: those windows see one real cell and padding; the layers are dense layers with most of their
    weights idle, and nothing is left to be found in space.

    When to ignore it: when the network is planned here at a smaller size than it will be used at.

    How to fix it: a larger input, or fewer strides.
    """

    code = "NSP336"
    severity = Severity.INFO
    bad = """
        input: [4, 4, 16]
        layers:
          - {type: MaxPool2d, kernel_size: 2}
          - {type: MaxPool2d, kernel_size: 2}  # NSP336
          - {type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
        """
    good = """
        input: [16, 16, 16]
        layers:
          - {type: MaxPool2d, kernel_size: 2}
          - {type: MaxPool2d, kernel_size: 2}
          - {type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        collapsing = {id(step) for step, axes in report.axes if _collapses(step, axes)}
        if not collapsing:
            return
        steps = report.plan.steps
        collapsed_by: list[int | None] = []
        idle: dict[int, list[str]] = {}
        for i, step in enumerate(steps):
            origin = _collapsed(step, [collapsed_by[ref.step] for ref in step.sources])
            found = step.links[0][0].axes if step.links and step.links[0] else ()  # a Parameter reads nothing
            windows = [each for each in found if isinstance(each, Window | SameWindow)]
            if origin is not None and any(each.kernel > 1 for each in windows):
                idle.setdefault(origin, []).append(step.name)
            if id(step) in collapsing:
                origin = i
            collapsed_by.append(origin)
        for i, names in idle.items():
            step = steps[i]
            yield cls.at(
                step,
                f"{step.type} leaves a single cell, and windows slide over it later",
                label=f"{step.inputs[0]} becomes {step.outputs[0]}; "
                f"{counted(len(names), 'layer')} with windows behind it: {named(names, 3)}",
                help="use a larger input, or fewer strides",
            )


def _collapses(step: Step, axes: tuple[StepAxis, ...]) -> bool:
    """Whether a step brings a feature map down to one cell with windows, not by pooling all of it on purpose."""
    single = max(step.outputs[0].spatial, default=0) == 1
    return single and max(step.inputs[0].spatial, default=0) > 1 and any(each.window is not None for each in axes)


def _collapsed(step: Step, sources: list[int | None]) -> int | None:
    """The step that brought all inputs of a step down to one cell; None where one of them has more, or never had."""
    if not step.inputs or any(not x.spatial or max(x.spatial) > 1 for x in step.inputs):
        return None
    return min([each for each in sources if each is not None], default=None)
