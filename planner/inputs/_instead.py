"""What a module may have been meant to read, where it fails on tensors of the shapes that it is given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import torch

from planner.inputs._given import GivenRun, Inputs

OF_TYPES = ("scalar type", "type Long", "should be the same", "dtype")
"""What PyTorch's errors say where numbers are of another type."""
MOST = 4
"""Inputs of which each may hold whole numbers or not."""


def with_whole_numbers(inputs: Inputs, error: BaseException) -> Iterator[tuple[Inputs, tuple[str, ...]]]:
    """Inputs of a module with whole numbers in some of them, as tokens are, and the names of these."""
    told = any(each in str(error) for each in OF_TYPES)
    names = [*inputs.meant] if told and inputs.varied is not None and len(inputs.meant) <= MOST else []
    for count in range(1, len(names) + 1):
        for whole in combinations(names, count):
            meant = {
                name: (sizes, torch.long if name in whole else type_) for name, (sizes, type_) in inputs.meant.items()
            }
            yield inputs._replace(meant=meant, varied=None), whole


def with_channels_last(inputs: Inputs) -> tuple[GivenRun, str] | None:
    """The run for shapes that were given with the channels first, and how to write them; None where none were."""
    if inputs.varied is None or any(len(sizes) < 3 for sizes, _ in inputs.meant.values()):
        return None
    run: GivenRun = {name: ((sizes[0], *sizes[2:], sizes[1]), type_) for name, (sizes, type_) in inputs.meant.items()}
    written = {name: "x".join(map(str, (*sizes[2:], sizes[1]))) for name, (sizes, _) in run.items()}
    alone = len(written) == 1
    return run, " ".join(f"--input {each}" if alone else f"--input {name}={each}" for name, each in written.items())
