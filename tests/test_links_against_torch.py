"""What each output cell reads: every layer's links against PyTorch, in which one input value after another is changed.

A value is read by the output cells that come out otherwise. Weights and inputs are positive, and the changes small and
large, up and down, so that none gets lost where a function is flat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from torch import Tensor

from layer_cases import cases
from layer_oracle import Case, called, calls_of, made, planner_says
from planner.geometry import Link, Shape, bits
from planner.layers import all_layers
from planner.layers._layer import Call

pytestmark = pytest.mark.filterwarnings("ignore")

LONGEST = {0: 1, 1: 7, 2: 5, 3: 3}
MOST_VALUES = 300
CHANGES = (1.0, 30.0, -30.0)

NOT_COMPARED = {
    ".*Norm.*": "statistics do not count as reading",
    "Fractional.*": "windows are drawn anew for every sample",
    "Constant|Parameter": "reads nothing",
}
READ_MORE_THAN_IS = {
    "Embedding|Flatten|Fold|MatMul|Mean|Permute|Reshape|Select|Stack|Unflatten": "axes are joined, or change places",
    "Einsum|Squeeze|Transpose|Unsqueeze": "the channels change places",
    "RotaryEmbedding": "the first position is not turned",
    "Gather|TopK": "one cell is picked of those that may be",
    "Interpolate|Upsample": "bicubic copies where no axis at all changes its length",
    "LSTM|GRU|RNN": "one of two directions reads one half of the sequence",
    ".*Soft(max|min).*|.*Attention|Transformer.*": "a weight among one is 1, and the norm of one value is 0",
}
"""Layers whose output cells may read fewer cells than their links say, and why."""


COMPARED = [name for name in all_layers() if not any(re.fullmatch(types, name) for types in NOT_COMPARED)]


@pytest.mark.parametrize("name", COMPARED)
def test_links_are_what_torch_reads(name: str) -> None:
    loose = any(re.fullmatch(types, name) for types in READ_MORE_THAN_IS)
    compared = 0

    @settings(max_examples=settings().max_examples // 5, suppress_health_check=list(HealthCheck))
    @given(cases(all_layers()[name], LONGEST))
    def compare(case: Case) -> None:
        nonlocal compared
        assume(not planner_says(case).refused and sum(x.elements for x in case.inputs) <= MOST_VALUES)
        links = case.type(**case.args).facts(*case.inputs).links
        for output, changed in zip(links, changes(case), strict=False):
            if changed is None:
                continue
            compared += 1
            for link, x, read in zip(output, case.inputs, changed, strict=True):
                y = tuple(read.shape[: read.dim() - len(x)])
                said = torch.stack([reads(part, x, y) for part in link.parts or (link,)]).any(0)
                fits = not (read & ~said).any() if loose else torch.equal(read, said)
                assert fits, f"{case}\n{link}\n{differences(read, said)}"
                assert not (said & ~reads(link, x, y)).any(), f"{case}\nparts say more than {link}"

    compare()
    assert compared


def reads(link: Link, x: Shape, y: tuple[int, ...]) -> Tensor:
    """Whether an output cell reads an input cell: a table whose axes are those of y and then those of x."""
    table = torch.ones((*y, *x), dtype=torch.bool)
    maps = [*zip(link.axes, link.landing, strict=True), (link.channels, len(y) - 1)]
    for axis, (along, to) in enumerate(maps):
        rows = torch.zeros((1 if to is None else y[to], x[axis]), dtype=torch.bool)
        for o, row in enumerate(rows):
            row[bits(along.reads(1 << o, x[axis]))] = True
        sizes = [1] * table.dim()
        sizes[len(y) + axis] = x[axis]
        if to is not None:
            sizes[to] = y[to]
        table &= rows.reshape(sizes)
    return table


def changes(case: Case) -> Iterator[list[Tensor] | None]:
    """For each output, and for each input, which output cells change with which input cell; None for whole numbers."""
    calls = calls_of(case)
    random = torch.Generator().manual_seed(0)
    things = [_prepared(made(call), random) for call in calls]
    found: list[list[Tensor] | None] = []
    for change in CHANGES:
        for i, table in enumerate(_changed(case, calls, things, change)):
            if change == CHANGES[0]:
                found.append(table)
            elif (known := found[i]) is not None and table is not None:
                found[i] = [a | b for a, b in zip(known, table, strict=True)]
    yield from found


def _prepared(thing: object, random: torch.Generator) -> object:
    if isinstance(thing, torch.nn.Module):
        thing.double().eval()
        for weight in thing.parameters():
            torch.nn.init.uniform_(weight, 0.05, 0.15, generator=random)
    return thing


def _changed(case: Case, calls: tuple[Call, ...], things: list[object], change: float) -> Iterator[list[Tensor] | None]:
    """As `changes`, for one change. Each sample has one value changed; the last has none."""
    count = sum(x.elements for x in case.inputs)
    last = calls[0].layout == "last"
    random = torch.Generator().manual_seed(1)
    tensors, start = [], 0
    for i, x in enumerate(case.inputs):
        values = torch.rand(x.elements, dtype=torch.float64, generator=random) / 10 + 0.1
        by: float = change
        if i in case.type.indices:
            assume(case.args.get("num_embeddings", min(map(min, case.inputs))) > 1)
            values, by = torch.zeros(x.elements, dtype=torch.long), 1
        samples = values.repeat(count + 1, 1)
        samples[torch.arange(x.elements) + start, torch.arange(x.elements)] += by
        start += x.elements
        samples = samples.reshape(count + 1, *x)
        tensors.append(samples if last else samples.movedim(-1, 1))
    with torch.no_grad():
        for call, thing in zip(calls, things, strict=True):
            tensors = called(call, thing, tensors)
    for tensor, batch in zip(tensors, calls[-1].batches or (0,) * len(tensors), strict=True):
        found = tensor.movedim(batch, 0)
        found = found if calls[-1].layout == "last" else found.movedim(1, -1)
        assume(bool(found[-1].isfinite().all()))
        yield _tables(found, case.inputs) if found.is_floating_point() else None


def _tables(found: Tensor, inputs: tuple[Shape, ...]) -> list[Tensor]:
    plain = found[-1]
    differ = ~torch.isclose(found[:-1], plain.expand_as(found[:-1]), rtol=1e-10, atol=1e-14)
    parts = torch.split(differ, [x.elements for x in inputs])
    return [part.movedim(0, -1).reshape(*plain.shape, *x) for part, x in zip(parts, inputs, strict=True)]


def differences(read: Tensor, said: Tensor) -> str:
    """The first places where two tables differ."""
    lines = [f"reads {place} but links do not say so" for place in (read & ~said).nonzero()[:5].tolist()]
    return "\n".join(lines + [f"does not read {place}" for place in (said & ~read).nonzero()[:5].tolist()])
