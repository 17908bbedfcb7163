"""What each output cell reads: every layer's links against PyTorch, in which one input value after another is changed.

A value is read by the output cells that come out otherwise. Weights are positive, and so are inputs; the changes are
small and large, up and down, and to 0, so that none gets lost where a function is flat. Where cells seem not to be read
that should be, other inputs are tried: what is read there counts too, and nothing may be read that is not said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from torch import Tensor

from layer_cases import cases
from layer_oracle import TYPES, Case, all_called, calls_of, made, planner_says
from planner.geometry import KEEP, Link, Pieces, Shape, bits
from planner.layers._call import Call

pytestmark = pytest.mark.filterwarnings("ignore")

LONGEST = {0: 1, 1: 7, 2: 5, 3: 3}
MOST_VALUES = 300
CHANGES: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda x: x + 1,
    lambda x: x + 30,
    lambda x: x - 30,
    lambda x: 0 * x,
)
RANGES = ((0.1, 0.2), (-0.2, -0.1), (0.9, 1.1), (-3.0, 3.0))
"""Where the inputs lie: the first of these, and the others where one of their cells seems not to be read."""

NOT_COMPARED = {
    "[A-Z].*Norm.*": "statistics do not count as reading",
    "Fractional.*": "windows are drawn anew for every sample",
    "Buffer|Constant|Parameter": "reads nothing",
}
READ_MORE_THAN_IS = {
    "Convolve..": "a number of the weight may meet nothing but padding",
    "RotaryEmbedding": "the first position is not turned",
    "Einsum|Stack": "a letter stands twice, or one tensor is put where another might be",
    "Gather|TopK": "one cell is picked of those that may be",
    "Interpolate|Upsample": "bicubic copies where no axis at all changes its length",
    "LSTM|GRU|RNN": "one of two directions reads one half of the sequence",
    ".*Soft(max|min).*|.*Attention|Transformer.*": "a weight among one is 1, and the norm of one value is 0",
}
"""Layers whose output cells may read fewer cells than their links say, and why; beside those whose links say by
themselves that the channels change places with other axes.
"""


def reads_less(case: Case, links: tuple[tuple[Link, ...], ...]) -> bool:
    """Whether output cells may read fewer cells than their links say: by the layer, its arguments, or the links."""
    if any(_changes_places(link) for each in links for link in each):
        return True
    if any(re.fullmatch(types, case.name) for types in READ_MORE_THAN_IS):
        return True
    if case.args.get("other") == 0:
        return True  # what is multiplied by 0 is 0
    if case.name == "Embedding":
        return "max_norm" in case.args  # vectors that are cut to one length may be equal
    if case.name == "Normalize":
        p = case.args.get("p", 2)
        below = p < 0 and "eps" in case.args  # such a norm is small, and eps may stand in its place
        return bool(below or 0 < abs(p) < 0.1)  # a root so high is infinite, and what is divided by it 0
    if case.name == "Reshape":
        return case.type(**case.args).facts(*case.inputs).links[0][0].pieces is None  # 4×6 as 3×8
    if "keepdim" not in case.type.model_fields:
        return False
    x, dims = case.inputs[0], case.args["dim"]
    axes = {dim % (len(x) + 1) for dim in ([dims] if isinstance(dims, int) else dims)}
    alone = all(x.torch[axis - 1] == 1 for axis in axes)  # whose variance is 0, and whose place is the first
    return alone and case.name in ("ArgMax", "ArgMin", "Std", "Var")


def _changes_places(link: Link) -> bool:
    """Whether the channels and another axis change places, where every cell counts as reading all of both."""
    return link.pieces is None and link.onto is not None and link.channels is not KEEP


COMPARED = [name for name in TYPES if not any(re.fullmatch(types, name) for types in NOT_COMPARED)]


@pytest.mark.parametrize("name", COMPARED)
def test_links_are_what_torch_reads(name: str) -> None:
    compared = 0

    @settings(max_examples=settings().max_examples // 5, suppress_health_check=list(HealthCheck))
    @given(cases(TYPES[name], LONGEST))
    def compare(case: Case) -> None:
        nonlocal compared
        assume(not planner_says(case).refused and sum(x.elements for x in case.inputs) <= MOST_VALUES)
        links = case.type(**case.args).facts(*case.inputs).links
        loose = reads_less(case, links)
        found = changes(case, RANGES[0])
        for values in () if loose else RANGES[1:]:
            if all(torch.equal(read, said(link, x, read)) for read, link, x in _paired(case, links, found)):
                break
            found = _either(found, changes(case, values))
        for read, link, x in _paired(case, links, found):
            compared += 1
            wanted = said(link, x, read)
            fits = not (read & ~wanted).any() if loose else torch.equal(read, wanted)
            why = "" if loose else "\n(a layer that may read less than its links say belongs in READ_MORE_THAN_IS)"
            assert fits, f"{case}\n{link}\n{differences(read, wanted)}{why}"
            y = tuple(read.shape[: read.dim() - len(x)])
            assert not (wanted & ~reads(link, x, y)).any(), f"{case}\nparts say more than {link}"

    compare()
    assert compared


Changed = list[list[Tensor] | None]
"""For each output, and for each input, which output cells change with which input cell; None for an output that is not
compared."""


def _paired(case: Case, links: tuple[tuple[Link, ...], ...], found: Changed) -> Iterator[tuple[Tensor, Link, Shape]]:
    """What is read of each input for each output, with the link that says so."""
    for output, changed in zip(links, found, strict=False):
        if changed is not None:
            yield from zip(changed, output, case.inputs, strict=True)


def _either(one: Changed, other: Changed) -> Changed:
    """What is read with one or the other change."""
    return [
        None if a is None or b is None else [x | y for x, y in zip(a, b, strict=True)]
        for a, b in zip(one, other, strict=True)
    ]


def said(link: Link, x: Shape, read: Tensor) -> Tensor:
    """What a link says is read, as a table of the same axes."""
    y = tuple(read.shape[: read.dim() - len(x)])
    if link.pieces is not None:
        return pieces_read(link.pieces, x, y)
    return torch.stack([reads(part, x, y) for part in link.parts or (link,)]).any(0)


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


def pieces_read(pieces: Pieces, x: Shape, y: tuple[int, ...]) -> Tensor:
    """Which input cell each output cell reads where axes are parted and joined, as a table like that of `reads`."""
    table = torch.zeros((*y, *x), dtype=torch.bool)
    for cell in product(*map(range, y)):
        for box in pieces.read([1 << i for i in cell]):
            for own in product(*map(bits, box)):
                table[cell + own] = True
    return table


def changes(case: Case, values: tuple[float, float]) -> Changed:
    """What changes with which input cell, where inputs lie between two values."""
    calls = calls_of(case)
    random = torch.Generator().manual_seed(0)
    things = [_prepared(made(call), random) for call in calls]
    found = [list(_changed(case, calls, things, change, values)) for change in CHANGES]
    return reduce(_either, found)


def _prepared(thing: object, random: torch.Generator) -> object:
    if isinstance(thing, torch.nn.Module):
        thing.double().eval()
        for weight in thing.parameters():
            torch.nn.init.uniform_(weight, 0.05, 0.15, generator=random)
    return thing


def _changed(
    case: Case,
    calls: tuple[Call, ...],
    things: list[object],
    change: Callable[[Tensor], Tensor],
    between: tuple[float, float],
) -> Iterator[list[Tensor] | None]:
    """As `changes`, for one change. Each sample has one value changed; the last has none."""
    count = sum(x.elements for x in case.inputs)
    last = calls[0].layout == "last"
    random = torch.Generator().manual_seed(1)
    tensors, start = [], 0
    for i, x in enumerate(case.inputs):
        low, high = between
        values, by = torch.rand(x.elements, dtype=torch.float64, generator=random) * (high - low) + low, change
        if i in case.type.indices:
            assume(case.args.get("num_embeddings", min(map(min, case.inputs))) > 1)
            values, by = torch.zeros(x.elements, dtype=torch.long), CHANGES[0]
        samples = values.repeat(count + 1, 1)
        own = torch.arange(x.elements) + start, torch.arange(x.elements)
        samples[own] = by(samples[own])
        start += x.elements
        samples = samples.reshape(count + 1, *x)
        tensors.append(samples if last else samples.movedim(-1, 1))
    with torch.no_grad():
        tensors = all_called(calls, things, tensors)
    for tensor, batch in zip(tensors, calls[-1].batches or (0,) * len(tensors), strict=True):
        found = tensor.movedim(batch, 0)
        found = found if calls[-1].layout == "last" else found.movedim(1, -1)
        assume(between != RANGES[0] or bool(found[-1].isfinite().all()))
        yield _tables(found.double(), case.inputs) if found.is_floating_point() or 0 in case.type.places else None


def _tables(found: Tensor, inputs: tuple[Shape, ...]) -> list[Tensor]:
    plain = found[-1]
    differ = ~torch.isclose(found[:-1], plain.expand_as(found[:-1]), rtol=1e-10, atol=1e-13, equal_nan=True)
    parts = torch.split(differ, [x.elements for x in inputs])
    return [part.movedim(0, -1).reshape(*plain.shape, *x) for part, x in zip(parts, inputs, strict=True)]


def differences(read: Tensor, said: Tensor) -> str:
    """The first places where two tables differ."""
    lines = [f"reads {place} but links do not say so" for place in (read & ~said).nonzero()[:5].tolist()]
    return "\n".join(lines + [f"does not read {place}" for place in (said & ~read).nonzero()[:5].tolist()])
