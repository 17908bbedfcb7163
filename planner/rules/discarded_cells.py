from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.rules._rule import Rule
from planner.rules._waste import ONE_IN, by_stride, is_unread, leaving_out, wastes
from planner.words import named, percent, share

if TYPE_CHECKING:
    from planner.report import Report


class DiscardedCells(Rule):
    """A crop, a slice or a selection takes a part, and nothing reads the rest: input that is never seen, or at least
    one multiply-add in a hundred computed in vain.

    A vision transformer that goes on with its class token works out 196 more tokens in its last layer, which nothing
    reads: in ViT-B/16, 1,215,363,072 of 17,563,828,224 multiply-adds.

    Why it matters: the part is taken on purpose, so it is seldom a mistake; but the rest has its price, and a slice
    that is off by one loses input.

    When to ignore it: when the part is what you want.

    How to fix it: take the part before what is computed for the rest: crop the input, or give the last attention the
    class token alone as its query.
    """

    code = "NSP328"
    severity = Severity.INFO
    bad = """
        input: [64, 64, 3]
        layers:
          - {type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
          - {type: CenterCrop, size: 32}  # NSP328
        """
    good = """
        input: [64, 64, 3]
        layers:
          - {type: CenterCrop, size: 64}
          - {type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        steps, total = report.plan.steps, report.cost.known_macs
        said = _unseen_input(report)
        for waste in wastes(report):
            if waste.macs * ONE_IN >= total:
                names = named([steps[i].name for i in waste.computed_by], 3)
                whole = f"{total:,}{'' if report.cost.macs is not None else ' known'}"
                price = f"{waste.macs:,} of {whole} MACs, {percent(waste.macs, total)}"
                said[waste.step].append(f"the rest took {price}, in {names}")
        for i, texts in sorted(said.items()):
            if not by_stride(report, i) and not is_unread(report, i):
                yield cls.at(
                    steps[i],
                    f"{steps[i].type} takes a part, and nothing reads the rest",
                    label="; ".join(texts),
                    help="take the part earlier, so that the rest is not computed, unless this is what you want",
                )


def _unseen_input(report: Report) -> defaultdict[int, list[str]]:
    """What is never read of the inputs because parts are taken, by the steps that take them; where strides lose cells
    too, `unread-input` says it all.
    """
    said: defaultdict[int, list[str]] = defaultdict(list)
    for i, step in enumerate(report.plan.inputs):
        unread = report.unread_inputs.get(step.name)
        if unread is not None and unread.read and unread.cells:
            cells, total = unread.cells, math.prod(unread.shape.spatial)
            verb = "is" if cells == 1 else "are"
            takers = leaving_out(report, i)
            if not any(by_stride(report, by) for by in takers):
                for by in takers:
                    said[by].append(f"{share(cells, total, 'cell')} of `{step.name}` {verb} never read")
    return said
