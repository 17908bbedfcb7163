from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._dropped import dropped, to_the_edge
from planner.rules._rule import Rule
from planner.rules._trying import Trials
from planner.words import grouped

if TYPE_CHECKING:
    from planner.report import Report


NOTHING = "neither padding at the end nor a nearby input size makes a window read them"


class LostCells(Rule):
    """The stride of a layer leaves the last real cells of an axis over: no window reads them, and no other path does
    either.

    With n cells, padding and a window that spans K, (n + padding − K) mod stride cells are left over at the end.
    Where they are more than the padding there, real cells are lost. The kernel never loses any; only the stride does.

    Why it matters: what the layers before computed there is thrown away, and the outputs look at a stretch that is
    shifted towards the start. After several such layers, whole rows of the input are unread (`unread-input`).

    When to ignore it: when the border does not matter, as where images are cropped with room to spare.

    How to fix it: padding on the far side, `ceil_mode: true` for a pool, a kernel that is larger by the cells lost, or
    an input size that loses nothing (`planner sizes` lists them).
    """

    code = "NSP321"
    drops = True
    mended_by = ("padding_at_end", "ceil_mode", "padding", "kernel_size", "input_size")
    bad = """
        input: [224, 224, 3]
        layers:
          - {type: MaxPool2d, kernel_size: 3, stride: 2}  # NSP321
        """
    fixed = """
        input: [224, 224, 3]
        layers:
          - {type: MaxPool2d, kernel_size: 3, stride: 2, ceil_mode: true}
        """
    good = """
        input: [225, 225, 3]
        layers:
          - {type: MaxPool2d, kernel_size: 3, stride: 2}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        trials = Trials(report)
        for step, found in dropped(report):
            lost = [each for each in found if each.edge & each.nowhere]
            if lost:
                yield cls.at(
                    step,
                    f"{step.type} drops cells at the edge of its input",
                    label=grouped(each.said(each.edge & each.nowhere) for each in lost),
                    help=f"use {way}" if (way := to_the_edge(trials, step, lost)) else NOTHING,
                    key="stride" if lost[0].axis.window else "padding",
                )
