from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.analyses.alignment import Manner
from planner.diagnostics import Diagnostic, Severity
from planner.rules._branches import how_causal, meeting
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


class CausalBranches(Rule):
    """Branches that meet are causal: each sees cells up to one and the same cell, and none past it. Padding of
    (kernel_size − 1)·dilation cells is wholly before the input; or wholly after it, which is the same in reversed time.

    WaveNet (arXiv:1609.03499), temporal convolutional networks (arXiv:1803.01271) and audio codecs that work on a
    stream are built like this. The middles of what the branches see are apart, as one branch sees further back than the
    other.

    Why it matters: it is right where the network must not see the future. Elsewhere, centred padding would let each
    cell see both sides.

    When to ignore it: when the model is meant to be causal. It is a remark, not a warning.

    How to fix it: where the model need not be causal, pad half the extent on either side.
    """

    code = "NSP337"
    severity = Severity.INFO
    bad = """
        input: [100, 8]
        layers:
          - {name: conv, type: Conv1d, out_channels: 8, kernel_size: 3, dilation: 2, padding: [[4, 0]]}
          - {type: Add, from: [conv, input]}  # NSP337
        """
    good = """
        input: [100, 8]
        layers:
          - {name: conv, type: Conv1d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2}
          - {type: Add, from: [conv, input]}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for found in meeting(report, Manner.CAUSAL):
            yield cls.at(
                found[0].step,
                f"the branches of {found[0].step.type} are causal: they see one side only",
                label=how_causal(report.plan, found),
                help="right for a stream; otherwise pad half the extent on either side",
                key="from",
            )
