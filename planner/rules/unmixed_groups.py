from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.analyses.channels import Kept
from planner.diagnostics import Diagnostic
from planner.geometry import bits
from planner.rules._rule import Rule
from planner.words import named, ranged

if TYPE_CHECKING:
    from planner.report import Report


class UnmixedGroups(Rule):
    """Grouped convolutions in a row whose groups never exchange anything: the network is several separate ones side
    by side.

    Output group g of a grouped convolution reads the input channels [g·C/groups, (g+1)·C/groups) only. Behind a
    second one with the same groups, the channels of different groups still have no ancestor in common.

    Why it matters: no feature can combine what different groups see; accuracy suffers, which is why ShuffleNet
    shuffles channels between grouped layers (Zhang et al., arXiv:1707.01083).

    When to ignore it: when the streams are meant to be separate, as for several modalities.

    How to fix it: `{type: ChannelShuffle, groups: …}` between the layers, or a dense 1×1 convolution.
    """

    code = "NSP240"
    mended_by = ("channel_shuffle",)
    bad = """
        input: [28, 28, 48]
        layers:
          - {type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4}
          - {type: ReLU}
          - {type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4}  # NSP240
        """
    fixed = """
        input: [28, 28, 48]
        layers:
          - {type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4}
          - {type: ReLU}
          - {type: ChannelShuffle, groups: 4}
          - {type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4}
        """
    good = """
        input: [28, 28, 48]
        layers:
          - {type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4}
          - {type: ChannelShuffle, groups: 4}
          - {type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for kept in report.kept_apart:
            if not harmless(report, kept):
                yield finding(cls, report, kept)


def harmless(report: Report, kept: Kept) -> bool:
    """Whether at most one of the layers has groups of more than one channel, and something mixes them later."""
    wide = [i for i in kept.steps if _group_width(report, i) > 1]
    return len(wide) < 2 and kept.mixed_by is not None


def _group_width(report: Report, i: int) -> int:
    step = report.plan.steps[i]
    reads = step.links[0][0].channels.reads(1, step.inputs[0].channels)
    return reads.bit_count()


def finding(kind: type[Rule], report: Report, kept: Kept) -> Diagnostic:
    steps = report.plan.steps
    last = steps[kept.steps[-1]]
    parts = sorted(kept.components, key=lambda part: part.own & -part.own)
    seen = "; ".join(f"inputs {ranged(bits(part.origin))} → outputs {ranged(bits(part.own))}" for part in parts[:3])
    more = f"; … ({len(parts):,} groups)" if len(parts) > 3 else ""
    nowhere = "; nothing mixes them" if report.plan.complete else ""
    mixed = f"; `{steps[kept.mixed_by].name}` mixes them later" if kept.mixed_by is not None else nowhere
    names = named([steps[i].name for i in kept.steps], 3)
    return kind.at(
        last,
        f"{len(kept.steps)} grouped layers in a row keep {len(parts):,} groups of channels apart",
        label=f"{names}: {seen}{more}{mixed}",
        help=f"put {_mixer(report, kept)} before `{last.name}`",
        key="groups",
    )


def _mixer(report: Report, kept: Kept) -> str:
    """What would mix the groups: a shuffle, where each group then takes a channel of every other, or a dense layer."""
    last = kept.steps[-1]
    x, parts = report.plan.steps[last].inputs[0], len(kept.components)
    rank, channels = len(x.spatial), x.channels
    dense = f"{{type: Conv{rank}d, out_channels: {channels}, kernel_size: 1}}" if 1 <= rank <= 3 else "a dense layer"
    shuffles = channels % parts == 0 and _group_width(report, last) >= parts
    return f"{{type: ChannelShuffle, groups: {parts}}} or {dense}" if shuffles else dense
