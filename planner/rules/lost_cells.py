from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._dropped import dropped, sentence
from planner.rules._rule import Rule
from planner.words import grouped

if TYPE_CHECKING:
    from planner.report import Report


class LostCells(Rule):
    """A stride does not divide what the kernel leaves, so that the last real cells of an axis are read by no window,
    and by no other path either.

    With n cells, padding and a window that reaches K, (n + padding − K) mod stride cells are left over at the end.
    Where they are more than the padding there, real cells are lost. The kernel never loses any; only the stride does.

    Why it matters: what the layers before computed there is thrown away, and the outputs look at a stretch that is
    shifted towards the start. After several such layers, whole rows of the input are unread (`unread-input`).

    When to ignore it: when the border does not matter, as where images are cropped with room to spare.

    How to fix it: an input size that divides, padding on the far side, `ceil_mode: true` for a pool, or a kernel that
    is larger by the cells lost.
    """

    code = "NSP321"
    bad = """
        input: [224, 224, 3]
        layers:
          - {type: MaxPool2d, kernel_size: 3, stride: 2}  # NSP321
        """
    good = """
        input: [224, 224, 3]
        layers:
          - {type: MaxPool2d, kernel_size: 3, stride: 2, ceil_mode: true}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step, found in dropped(report):
            lost = [each for each in found if each.edge & each.nowhere]
            if lost:
                yield cls.at(
                    step,
                    f"{step.type} drops cells at the edge of its input",
                    label=grouped(sentence(each.axis, each.edge & each.nowhere, "read by no window") for each in lost),
                    help="use an input size that divides, padding at the end, `ceil_mode: true`, or a larger kernel",
                    key="stride",
                )
