from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


class UnreadLayer(Rule):
    """A layer, or an input of the model, whose output nothing reads.

    Why it matters: it is computed, its weights get no gradient, and most likely a `from` was forgotten or points past
    it.

    When to ignore it: when it is kept for its weights, as an auxiliary head of which only the `state_dict` matters.

    How to fix it: read it with `from`, list it under `outputs`, or take it out.
    """

    code = "NSP242"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: a, type: Conv2d, out_channels: 8, kernel_size: 3}  # NSP242
          - {name: b, type: Conv2d, out_channels: 8, kernel_size: 3, from: input}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: a, type: Conv2d, out_channels: 8, kernel_size: 3}
          - {name: b, type: Conv2d, out_channels: 8, kernel_size: 3}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        plan = report.plan
        if not plan.complete:
            return
        read = {ref.step for step in plan.steps for ref in step.sources} | {ref.step for ref in plan.outputs}
        for i, step in enumerate(plan.steps):
            if i not in read:
                what = "the input" if step.is_input else step.type
                yield cls.at(
                    step,
                    f"nothing reads the output of {what} `{step.name}`",
                    label=f"{step.outputs[0]} is computed for nobody"
                    if not step.is_input
                    else f"{step.outputs[0]} is not used",
                    help=f"name it in a `from`, list it under `outputs: [{step.name}]`, or take it out",
                )
