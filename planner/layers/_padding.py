"""Padding of windows: what a model file says, as cells before and after each axis, and as `F.pad` wants it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from planner.faults.wrong_value import WrongValue
from planner.layers._call import Call

PadAmounts = tuple[int, int]
"""Cells before and after an axis."""


def sides_of(
    padding: int | str | tuple[int | PadAmounts, ...], kernels: Sequence[int], dilations: Sequence[int]
) -> tuple[PadAmounts, ...]:
    """Cells before and after each axis, where they do not depend on the input's size; of `same` the odd one is after.

    Raises WrongValue where there are numbers for more axes, or for fewer.
    """
    rank = len(kernels)
    if padding == "same":
        totals = [dilation * (kernel - 1) for dilation, kernel in zip(dilations, kernels, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, str):
        return ((0, 0),) * rank
    if isinstance(padding, int):
        return ((padding, padding),) * rank
    if len(padding) != rank:
        raise WrongValue("padding", f"one number, or one or a pair for each of {rank} spatial axes", padding)
    return tuple((side, side) if isinstance(side, int) else side for side in padding)


def flat(sides: Iterable[PadAmounts]) -> tuple[int, ...]:
    """The sides as `F.pad` wants them: the last axis first."""
    return tuple(side for pair in reversed([*sides]) for side in pair)


def padded(sides: Iterable[PadAmounts], **more: object) -> Call:
    """The call that puts cells before and after each spatial axis, or takes them off."""
    return Call("F.pad", {"pad": flat(sides), **more}, positional=("pad",))
