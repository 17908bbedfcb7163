"""Paths: along how many paths each input cell reaches the outputs, relative to the cell with the most paths.

Worked out backwards, from the outputs or from one cell of a step: the paths of a cell are those of all cells that read
it, added up. Channels are left out, so a path is one through the windows. The numbers soon have hundreds of digits, so
only their shares of the largest are kept, as floating-point numbers.

In a network of equal random weights they are what W. Luo et al. call the effective receptive field ("Understanding the
effective receptive field in deep convolutional neural networks", NIPS 2016).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from planner.geometry import All, AxisMap, Link, Pieces, bits
from planner.plan import Plan

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Shares = NDArray[numpy.float64]

LONGEST_AXIS = 2048
"""Longer axes are not counted."""
HUGE = 1e200
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def paths(plan: Plan, *, step: int | None = None, cell: tuple[int, ...] = ()) -> dict[str, Shares] | None:
    """The share of paths of every input position, relative to the position with the most, for each input that is
    reached.

    step, cell  count the paths to one cell of a step's first output, instead of those to all of the model's outputs

    None for a plan that is not complete, or has an axis that is too long to look at.
    """
    import numpy

    sizes = [n for each in plan.steps for shape in each.outputs for n in shape.spatial]
    if not plan.complete or max(sizes, default=0) > LONGEST_AXIS:
        return None
    counts: dict[tuple[int, int], Shares] = {}
    if step is None:
        for at, output in plan.outputs:
            counts[at, output or 0] = numpy.ones(plan.steps[at].outputs[output or 0].spatial)
    else:
        counts[step, 0] = numpy.zeros(plan.steps[step].outputs[0].spatial)
        counts[step, 0][cell] = 1
    found: dict[str, Shares] = {}
    for i in range(len(plan.steps) - 1, -1, -1):
        here = plan.steps[i]
        for output, links in enumerate(here.links or ((),)):
            count = counts.pop((i, output), None)
            if count is None:
                continue
            if here.is_input:
                found[here.name] = count / (count.max() or 1)
                continue
            largest = count.max()
            if largest > HUGE:  # all counts that are not complete yet are scaled by the same factor
                count = count / largest
                counts = {tensor: each / largest for tensor, each in counts.items()}
                found = {name: each / largest for name, each in found.items()}
            for tensor, link, x in zip(here.sources, links, here.inputs, strict=True):
                if not link.empty:
                    passed = _back(count, link, x.spatial)
                    counts[tensor] = counts[tensor] + passed if tensor in counts else passed
    return found


def _back(count: Shares, link: Link, spatial: tuple[int, ...]) -> Shares:
    """The path counts of a layer's input, given those of its output."""
    import numpy

    if link.pieces is not None:
        return _rearranged(count, link.pieces, spatial)
    outer = _LETTERS[: count.ndim]
    inner = ""
    operands: list[Shares] = [count]
    terms = [outer]
    for axis, to, n in zip(link.axes, link.landing, spatial, strict=True):
        if to is not None and axis.keeps and outer[to] not in inner:
            inner += outer[to]
            continue
        letter = _LETTERS[count.ndim + len(inner)]
        inner += letter
        operands.append(_matrix(axis, 1, n)[0] if to is None else _matrix(axis, count.shape[to], n))
        terms.append(letter if to is None else outer[to] + letter)
    made: Shares = numpy.einsum(f"{','.join(terms)}->{inner}", *operands, optimize=True)
    return made


def _rearranged(count: Shares, pieces: Pieces, spatial: tuple[int, ...]) -> Shares:
    """The path counts before axes are parted and joined. What comes of channels is summed up; what goes to them, every
    cell has.
    """
    import numpy

    here = [i for axis in pieces.outs[:-1] for i in axis]
    wanted = [i for axis in pieces.ins[:-1] for i in axis]
    parted = count.reshape([pieces.sizes[i] for i in here])
    summed = parted.sum(axis=tuple([at for at, i in enumerate(here) if i not in wanted]))
    left = [i for i in here if i in wanted]
    turned = summed.transpose([left.index(i) for i in wanted if i in left])
    widened = turned.reshape([pieces.sizes[i] if i in left else 1 for i in wanted])
    return numpy.broadcast_to(widened, [pieces.sizes[i] for i in wanted]).reshape(spatial)


@lru_cache(maxsize=256)
def _matrix(axis: AxisMap, m: int, n: int) -> Shares:
    """The map of an axis as a matrix of ones and zeros: which of n input cells each of m output cells reads."""
    import numpy

    read = numpy.zeros((m, n))
    if isinstance(axis, All):
        read[:] = 1
    else:
        for o in range(m):
            read[o, bits(axis.reads(1 << o, n))] = 1
    return read
