"""Remedies for channels and groups, and for layers whose answer is one of a few."""

from __future__ import annotations

import math
from collections.abc import Iterator

from planner.analyses.tiles import in_tiles
from planner.geometry import Bins, Grouped
from planner.layers._fields import per_axis
from planner.plan import Step
from planner.remedies._case import Case, Proposal


def channel_shuffle(case: Case) -> Iterator[Proposal]:
    """A shuffle between two grouped layers, as in ShuffleNet (arXiv:1707.01083)."""
    step = case.step
    if step is None or step.facts is None or not step.links:
        return
    channels = step.links[0][0].channels
    entry = case.at(step.path)
    if isinstance(channels, Grouped) and isinstance(entry, dict) and not {"when", "repeat"} & set(entry):
        groups = _groups_before(case, step) or channels.groups
        edit = case.insert(step, {"type": "ChannelShuffle", "groups": groups})
        if edit is not None and "from" not in entry:
            yield Proposal((edit,))


def group_norm(case: Case) -> Iterator[Proposal]:
    """A norm over groups of channels, which does not look at the batch (arXiv:1803.08494)."""
    channels = case.step.inputs[0].channels if case.step is not None and case.step.inputs else 1
    if case.step is not None and channels > 1:
        groups = math.gcd(channels, 32)
        yield case.put(case.step, type="GroupNorm", num_groups=groups if groups < channels else 1)


def filled_tiles(case: Case) -> Iterator[Proposal]:
    """As many channels as the tiles of the target have room for."""
    step, report = case.step, case.report
    for each in in_tiles(case.plan, case.plan.model.budget.dtype or report.dtype) if step is not None else ():
        if case.plan.steps[each.step] is step and each.full_outs > each.outs:
            yield case.put(step, **{each.argument: each.full_outs})


def even_bins(case: Case) -> Iterator[Proposal]:
    """A number of bins that divides the axis: the nearest such numbers."""
    step = case.step
    if step is None or not step.links or case.changed(step, output_size=1) is None:
        return
    bins = [
        (each.bins, n)
        for each, n in zip(step.links[0][0].axes, step.inputs[0].spatial, strict=True)
        if isinstance(each, Bins)
    ]
    if len(bins) == len(step.inputs[0].spatial):
        fewer = [_divisor_below(m, n) for m, n in bins]
        more = [_divisor_above(m, n) for m, n in bins]
        for numbers in (more, fewer):
            yield case.put(step, output_size=per_axis(numbers))


def _divisor_below(m: int, n: int) -> int:
    """The largest divisor of n that is not more than m."""
    return max(d for d in range(1, min(m, n) + 1) if n % d == 0)


def _divisor_above(m: int, n: int) -> int:
    """The smallest divisor of n that is not less than m; n where there is none."""
    return next((d for d in range(m, n + 1) if n % d == 0), n)


def _groups_before(case: Case, step: Step) -> int | None:
    """The number of groups of the nearest grouped layer that feeds a step."""
    for _ in range(50):
        if len(step.sources) != 1:
            return None
        step = case.plan.steps[step.sources[0].step]
        channels = step.links[0][0].channels if step.links and step.links[0] else None
        if isinstance(channels, Grouped):
            return channels.groups
        if channels is not None and not channels.keeps:
            return None
    return None
