from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.cells import ranged
from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule
from planner.words import counted, share

if TYPE_CHECKING:
    from planner.report import Report


class UnreadChannels(Rule):
    """Channels, computed or of an input, that no path to an output reads, as where only one part of a split is used.

    Why it matters: their weights get no gradient and their computation is wasted.

    When to ignore it: when the dropped part is kept for later use.

    How to fix it: fewer `out_channels`, or a reader for the other part.
    """

    code = "NSP241"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3}  # NSP241
          - {name: half, type: Slice, dim: 1, stop: 4}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 4, kernel_size: 3}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        if report.reach is None:
            return
        steps = report.plan.steps
        followers = set[int]()
        for i, (step, unread) in enumerate(zip(steps, report.reach.unread, strict=True)):
            channels = unread[0].channels if unread and unread[0].read else 0
            if not channels:
                continue
            made = step.is_input or step.macs
            if made and not any(ref.step in followers for ref in step.sources):
                total, count = step.outputs[0].channels, channels.bit_count()
                yield cls.at(
                    step,
                    f"nothing reads {share(count, total, 'channel')} of `{step.name}`",
                    label=f"{'channel' if count == 1 else 'channels'} {ranged(channels)} of {step.outputs[0]}",
                    help=f"use {counted(total - count, 'channel')}, or read the others",
                )
            followers.add(i)
