"""Rows of windows: the cells that one output reads, through merges too, are those at which it has a gradient."""

from __future__ import annotations

import math
from itertools import product
from random import Random
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from linear_copy import LinearCopy
from planner.analyses.rows import Taps, gridded, rows
from planner.plan import Tensor
from random_networks import planned

LENGTH = {1: 151, 2: 41}
"""Cells along each axis, so that the output in the middle sees no border."""


def convolution(random: Random, rank: int, name: str, source: str) -> dict[str, Any]:
    """A convolution of stride 1 that keeps the size, padded evenly or on one side."""
    kernel, dilation = random.choice([1, 2, 3, 3]), random.choice([1, 1, 2, 3])
    room = (kernel - 1) * dilation
    before = random.choice([room // 2, room // 2, 0, room])
    given = {
        "out_channels": 2,
        "kernel_size": kernel,
        "dilation": dilation,
        "padding": [[before, room - before]] * rank,
    }
    return {"name": name, "type": f"Conv{rank}d", "from": source, **given}


def branching(random: Random) -> dict[str, Any]:
    """Convolutions and sums of two to three earlier tensors."""
    rank = random.choice([1, 1, 2])
    names, layers = ["input"], []
    for i in range(random.randint(2, 6)):
        if len(names) > 2 and random.random() < 0.4:
            layers.append({"name": f"n{i}", "type": "Add", "from": random.sample(names, random.choice([2, 2, 3]))})
        else:
            layers.append(convolution(random, rank, f"n{i}", random.choice(names[-2:])))
        names.append(f"n{i}")
    return {"input": [*[LENGTH[rank]] * rank, 2], "layers": layers, "outputs": names[-1]}


def places(taps: Taps) -> set[tuple[int, ...]]:
    found = set()
    for box in taps.boxes:
        axes = [
            [low + i for i in range(cells.bit_length()) if cells >> i & 1]
            for cells, low in zip(box, taps.low, strict=True)
        ]
        found |= set(product(*axes))
    return found


@given(st.randoms(use_true_random=False))
def test_taps_are_the_gradient_of_one_cell(random: Random) -> None:
    plan = planned(branching(random))
    copy = LinearCopy(plan)
    rank, found = len(plan.steps[0].outputs[0].spatial), rows(plan)
    middle = (LENGTH[1 if rank == 1 else 2] // 2,) * rank
    for i, step in enumerate(plan.steps[1:], 1):
        row = found[i][0]
        assert row is not None
        assert row.origin == Tensor(0, 0)
        assert row.taps is not None
        one = copy.values[i][0][0].movedim(0, -1)[middle]
        (seen,) = copy.read(one, [copy.values[0][0]])
        cells = {tuple(cell) for cell in (torch.nonzero(seen.any(-1)) - torch.tensor(middle)).tolist()}
        assert places(row.taps) == cells, step.name
        assert row.taps.read == len(cells)
        assert row.taps.spanned == math.prod(max(axis) - min(axis) + 1 for axis in zip(*cells, strict=True))


def test_random_rows_have_holes_and_not() -> None:
    plans = [planned(branching(Random(seed))) for seed in range(200)]
    assert 20 < sum(bool(list(gridded(plan))) for plan in plans) < 180


def test_dilated_residual_blocks_read_all_of_their_field() -> None:
    """Blocks of dilation 1, 2 and 4, as in dilated ResNets: 29×29 cells without a hole, by autograd."""
    block = [
        {"name": "conv1", "type": "Conv2d", "out_channels": 2, "kernel_size": 3, "dilation": "$d", "padding": "$d"},
        {"name": "conv2", "type": "Conv2d", "out_channels": 2, "kernel_size": 3, "dilation": "$d", "padding": "$d"},
        {"type": "Add", "from": ["conv2", "input"]},
    ]
    layers = [{"name": f"b{d}", "type": "basic", "d": d} for d in (1, 2, 4)]
    plan = planned(
        {"input": [65, 65, 2], "layers": layers, "blocks": {"basic": {"params": {"d": None}, "layers": block}}}
    )
    copy = LinearCopy(plan)
    (seen,) = copy.read(copy.values[-1][0][0, :, 32, 32], [copy.values[0][0]])
    assert int(seen.any(-1).sum()) == 29 * 29 == 841
    row = rows(plan)[-1][0]
    assert row is not None
    assert row.taps is not None
    assert (row.taps.read, row.taps.spanned, row.count) == (841, 841, 4)
    assert not list(gridded(plan))
