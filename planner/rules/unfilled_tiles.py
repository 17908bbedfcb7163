from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.analyses.tiles import InTiles, in_tiles
from planner.diagnostics import Diagnostic, Severity
from planner.rules._rule import Rule
from planner.words import counted, percent

if TYPE_CHECKING:
    from planner.report import Report


class UnfilledTiles(Rule):
    """The channels of a convolution or a `Linear` do not fill the tiles in which the target multiplies matrices.

    NVIDIA's Tensor Cores take 16 bytes of channels at once: 8 in float16 and bfloat16, 4 in TF32, as which float32 is
    counted, 16 in int8. What is left over is padded, or worked without them. Three channels of a picture need four, as
    the page of the vendor says. Convolutions in groups are not judged.

    Sources: NVIDIA's guide to convolutional layers for float16 and TF32, and cuBLAS's manual for 16 bytes in general;
    `planner explain tensor-cores` has the addresses.

    Why it matters: padded channels take the time of real ones and learn nothing.

    When to ignore it: when the number of channels is given, as that of classes, or the layer is a small part.

    How to fix it: a multiple of the tile; the finding says how much of the work is padding.
    """

    code = "NSP452"
    severity = Severity.WARNING
    mended_by = ("filled_tiles",)
    bad = """
        target: tensor-cores
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 30, kernel_size: 3}  # NSP452
        """
    fixed = """
        target: tensor-cores
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 32, kernel_size: 3}
        """
    good = fixed

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for each in in_tiles(report.plan, report.plan.model.budget.dtype or report.dtype):
            outs, ins = each.full_outs > each.outs, each.full_ins > each.ins and not each.first
            if outs or ins:
                yield cls._found(report, each, outs, ins)

    @classmethod
    def _found(cls, report: Report, each: InTiles, outs: bool, ins: bool) -> Diagnostic:
        step = report.plan.steps[each.step]
        said = [f"{counted(each.outs, 'output channel')} in place of {each.full_outs:,}"] if outs else []
        said += (
            [f"{counted(each.ins, 'input channel')} in place of {each.full_ins:,}"] if each.full_ins > each.ins else []
        )
        padded = each.full_macs - each.macs
        helps = [f"`{each.argument}: {each.full_outs}` fills them in the same time, by tiles"] if outs else []
        helps += [f"`{report.plan.label(step.sources[0])}` gives {each.ins:,} channels"] if ins else []
        return cls.at(
            step,
            f"{step.type} does not fill the tiles of {each.aim.title}",
            label=f"{' and '.join(said)}, in tiles of {each.tile}: of {each.full_macs:,} MACs in tiles {padded:,} are "
            f"padding, {percent(padded, each.full_macs)}",
            help="; ".join(helps),
            key=each.argument if outs else (),
        )
