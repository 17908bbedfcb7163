from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, puts
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.analyses.overwriting import Overwriting
    from planner.report import Report

ONLY = {"always": "", "training": ", in training", "evaluation": ", in evaluation"}


class OverwrittenInput(Rule):
    """A layer with `inplace: true` whose input, or another view of the same memory, is read by a layer that comes
    after it, is returned, or was there before: an input of the model, a Parameter or a Constant.

    A block that begins with `ReLU` in place is the common case: its shortcut then carries the rectified input. Layers
    that only cut, flatten or exchange axes hand on the same memory; so does dropout in evaluation. Dropout writes in
    training alone.

    Why it matters: the reader gets what was written over the tensor, not what the file says, and PyTorch says nothing.
    It raises in training alone, where a Parameter is written over, a part of a `Split`, or what it has kept to
    work out gradients (https://docs.pytorch.org/docs/stable/notes/autograd.html
    #in-place-operations-with-autograd).

    When to ignore it: when published weights were trained so; the shapes are the same.

    How to fix it: `inplace: false`.
    """

    code = "NSP404"
    bad = """
        input: [32, 32, 16]
        layers:
          - {name: stem, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
          - {name: relu, type: ReLU, inplace: true}  # NSP404
          - {name: conv, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
          - {name: add, type: Add, from: [conv, stem]}
        """
    fixed = """
        input: [32, 32, 16]
        layers:
          - {name: stem, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
          - {name: relu, type: ReLU, inplace: false}
          - {name: conv, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
          - {name: add, type: Add, from: [conv, stem]}
        """
    good = """
        input: [32, 32, 16]
        layers:
          - {name: stem, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
          - {name: relu, type: ReLU}
          - {name: conv, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
          - {name: add, type: Add, from: [conv, stem]}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for each in report.overwriting:
            step = report.plan.steps[each.step]
            what, label = _said(report, each)
            yield cls.at(
                step,
                f"{step.type} writes over {what}",
                label=label,
                help="use `inplace: false`",
                key="inplace",
                mends=puts("inplace", False),
            )


def _said(report: Report, each: Overwriting) -> tuple[str, str]:
    """What is written over, and what comes of it."""
    plan = report.plan
    written, read = plan.label(each.tensor), plan.label(each.read)
    only = ONLY[each.when]
    shared = "" if written == read else f"`{written}` shares its memory; "
    if each.reader == each.step:
        raised = "more than one element of the written-to tensor refers to a single memory location"
        return f"`{read}`, whose repeated cells are one in memory", f"PyTorch raises: {raised}{only}"
    if each.reader is not None:
        reader = plan.steps[each.reader].name
        return f"`{read}`, which `{reader}` reads after it", f"{shared}`{reader}` gets what is written{only}"
    holder = plan.steps[each.read.step]
    if holder.is_input:
        return f"the input `{read}`", f"{shared}the caller's own tensor is changed{only}"
    if not holder.sources and not holder.weights:
        return f"the Constant `{read}`", f"{shared}it stays so in every later forward pass{only}"
    if not holder.sources:
        return f"the Parameter `{read}`", f"{shared}PyTorch raises: a leaf Variable in an in-place operation{only}"
    return f"`{read}`, which the model returns", f"{shared}the caller gets what is written{only}"
