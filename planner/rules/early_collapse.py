from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.geometry import SameWindow, Window
from planner.rules._rule import Rule
from planner.words import counted, named

if TYPE_CHECKING:
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
        steps = report.plan.steps
        collapsed_by: list[int | None] = []
        idle: dict[int, list[str]] = {}
        for i, step in enumerate(steps):
            origin = collapsed_by[step.sources[0].step] if len(step.sources) == 1 else None
            if not step.facts or not step.inputs or not step.inputs[0].spatial or len(step.sources) != 1:
                collapsed_by.append(None)
                continue
            axes, x = step.links[0][0].axes, step.inputs[0]
            windows = [each for each in axes if isinstance(each, Window | SameWindow)]
            if origin is not None and any(each.kernel > 1 for each in windows):
                idle.setdefault(origin, []).append(step.name)
            if origin is None and windows and max(x.spatial) > 1 and max(step.outputs[0].spatial, default=0) == 1:
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
