from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.analyses.lossless import padded
from planner.cells import all_cells, shifted
from planner.diagnostics import Diagnostic, Severity
from planner.rules._rule import Rule
from planner.words import grouped

if TYPE_CHECKING:
    from planner.analyses.loss import AxisLoss
    from planner.plan import Step
    from planner.report import Report


class UnevenPadding(Rule):
    """The windows of a layer read the padding at the start of an axis and not that at the end, as the stride does not
    reach it.

    No real cell is lost, but the windows sit half a cell towards the start for every cell of padding left over.
    ResNet-50 at 224 has five such layers.

    Why it matters: the asymmetry of several layers adds up and makes networks see the two borders of an image
    differently; it has been measured to cost detectors small objects (Alsallakh et al., "Mind the Pad", ICLR 2021,
    arXiv:2010.02178).

    When to ignore it: nearly always; most published networks have it at their usual input size.

    How to fix it: an input size of the form that `planner sizes` calls exact (ResNet: n ≡ 1 mod 32), or one-sided
    padding.
    """

    code = "NSP324"
    severity = Severity.INFO
    bad = """
        input: [224, 224, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 7, stride: 2, padding: 3}  # NSP324
        """
    good = """
        input: [225, 225, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 7, stride: 2, padding: 3}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step, losses in zip(report.plan.steps, report.losses, strict=True):
            said = [(each.name, text) for each in losses if (text := _unused(report, step, each))]
            if said:
                yield cls.at(
                    step,
                    f"{step.type} does not use the padding at the end",
                    label=grouped(said),
                    help="harmless for most networks; exact input sizes avoid it (`planner sizes` lists them)",
                    key="padding",
                )


def _unused(report: Report, step: Step, axis: AxisLoss) -> str:
    """What padding of its own, or of a layer before it, a step leaves over; where real cells are lost, that is what
    counts.
    """
    window, loss = axis.window, axis.loss
    if window is None or loss.skipped or not (loss.uneven or loss.lost):
        return ""
    lost = shifted(all_cells(loss.lost), axis.n - loss.lost)
    before, by = padded(report.plan, step.sources[axis.source], axis.axis, lost)
    if before != lost:
        return ""
    over = "one is" if loss.leftover == 1 else f"{loss.leftover:,} are"
    if loss.lost:
        return f"of {axis.n:,} cells, padding of `{by}` among them, the last {over} left over"
    return f"of {window.before:,} + {window.after:,} cells of padding the last {over} left over"
