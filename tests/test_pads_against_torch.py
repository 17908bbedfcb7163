"""Padding layers by brute force: every padding, positive, negative and mixed, on axes of a few cells.

Cells are numbered from 1, so that what comes out says where it comes from: a copy of a cell, or 0 for what is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from planner.diagnostics import Fault
from planner.geometry import Shape, bits
from planner.layers import all_layers
from planner.layers._layer import Facts

KINDS = ("ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad")
Sides = Sequence[int]


def planned(kind: str, sides: Sides, x: Shape) -> Facts | None:
    """What the plan says; None where it refuses."""
    rank = len(x.spatial)
    args: dict[str, Any] = {"padding": list(sides), **({"value": 0.0} if kind == "ConstantPad" else {})}
    try:
        return all_layers()[f"{kind}{rank}d"](**args).facts(x)
    except Fault:
        return None


def computed(kind: str, sides: Sides, x: Tensor) -> Tensor | None:
    """What PyTorch makes of it; None where it refuses, or where nothing comes out."""
    more = {"value": 0.0} if kind == "ConstantPad" else {}
    try:
        found: Tensor = getattr(torch.nn, f"{kind}{x.dim() - 2}d")(tuple(sides), **more)(x)
    except (RuntimeError, ValueError):
        return None
    return found if found.numel() else None


def numbered(spatial: Sequence[int], samples: int = 1) -> Tensor:
    cells = torch.arange(1.0, 1 + torch.Size(spatial).numel(), dtype=torch.float64)
    return cells.reshape(1, 1, *spatial).repeat(samples, 1, *(1,) * len(spatial))


def origins(facts: Facts, x: Shape) -> Tensor:
    """The number of the cell that each cell of the output reads, as the links say; 0 where it reads none."""
    (y,), ((link,),) = facts.outputs, facts.links
    found = torch.zeros(y.spatial, dtype=torch.float64)
    reads = [
        [bits(along.reads(1 << i, n)) for i in range(m)]
        for along, n, m in zip(link.axes, x.spatial, y.spatial, strict=True)
    ]
    assert all(len(cells) <= 1 for axis in reads for cells in axis)
    for place in product(*map(range, y.spatial)):
        cells = [axis[i] for axis, i in zip(reads, place, strict=True)]
        if all(cells):
            number = 0
            for (cell,), n in zip(cells, x.spatial, strict=True):
                number = number * n + cell
            found[place] = number + 1
    return found


def all_cases() -> Iterator[tuple[tuple[int, ...], Sides]]:
    """Axes and paddings: all to 5 cells on one axis, and fewer on two and three."""
    yield from (((n,), sides) for n in range(1, 6) for sides in product(range(-6, 7), repeat=2))
    yield from (((2, 3), sides) for sides in product((-2, -1, 1, 3), repeat=4))
    yield from (((2, 1, 3), sides) for sides in product((-1, 1), repeat=6))


@pytest.mark.parametrize("kind", KINDS)
def test_pads_are_what_torch_computes(kind: str) -> None:
    compared = refused = 0
    for spatial, sides in all_cases():
        shape = Shape((*spatial, 1))
        facts, x = planned(kind, sides, shape), numbered(spatial)
        if kind == "CircularPad" and (facts is None) and unwritten(spatial, sides):
            refused += 1  # what PyTorch gives there is told below
            continue
        found = computed(kind, sides, x)
        case = f"{kind}{len(spatial)}d {sides} on {shape}: {facts and facts.outputs}, {found}"
        assert (facts is None) == (found is None), case
        if facts is None or found is None:
            refused += 1
            continue
        compared += 1
        assert facts.outputs == (Shape((*found.shape[2:], 1)),), case
        assert torch.equal(origins(facts, shape), found[0, 0]), case
    assert min(compared, refused) > 150


def unwritten(spatial: Sequence[int], sides: Sides) -> bool:
    """Whether circular padding on one side takes more cells than a crop on the other leaves."""
    pairs = zip(reversed(spatial), sides[::2], sides[1::2], strict=True)
    return any(n + min(a, 0) + min(b, 0) < max(a, b) <= n for n, a, b in pairs)


@pytest.mark.parametrize(("sides", "n"), [((-1, 3), 3), ((3, -1), 3), ((-2, 3), 4), ((4, -1), 4)])
def test_circular_padding_of_more_than_a_crop_leaves_has_no_values(sides: Sides, n: int) -> None:
    # PyTorch tells a shape on its meta device, and refuses a single map. In a batch it copies cells of what it is
    # writing: with padding after them they are already there, with padding before them not yet.
    assert planned("CircularPad", sides, Shape((n, 1))) is None
    pad = torch.nn.CircularPad1d((sides[0], sides[1]))
    assert pad(torch.zeros(2, 3, n, device="meta")).shape == (2, 3, n + sum(sides))
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        pad(numbered((n,)))
