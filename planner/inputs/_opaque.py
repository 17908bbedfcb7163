"""Steps that no layer says: what comes out of them is declared, and nothing besides."""

from __future__ import annotations

from collections.abc import Sequence

from planner.faults.not_imported import NotImported
from planner.geometry import Shape
from planner.inputs._axes import Sizes, Traced, factors
from planner.inputs._building import GraphBuilder
from planner.inputs._following import Following, follows, number_of
from planner.inputs._graph import GraphNode, Output


def opaque(b: GraphBuilder, name: str, sources: Sequence[Traced], sizes: Sequence[Sizes], reason: str) -> Traced:
    """A step that gives a tensor of some sizes in each run; of the axes of one that it reads with these sizes, if there
    is such a one.
    """
    like = next((each for each in sources if each.axes and b.runs_of(each) == list(sizes)), None)
    return _like(b, name, sources, like, reason) if like is not None else _of(b, name, sources, sizes, reason)


def _like(b: GraphBuilder, name: str, sources: Sequence[Traced], like: Traced, reason: str) -> Traced:
    """A step that gives a tensor of the same sizes as one that it reads."""
    shapes = tuple((each[like.output.number],) for each in like.output.step.shapes)
    output = [None if len(set(sizes)) > 1 else sizes[0] for sizes in zip(*(shape for (shape,) in shapes), strict=True)]
    return b.like(_custom(b, name, output, sources, shapes, reason), like)


def _of(b: GraphBuilder, name: str, sources: Sequence[Traced], sizes: Sequence[Sizes], reason: str) -> Traced:
    """A step that gives a tensor of some sizes in each run; the batch is in its first dimension, if anywhere."""
    per_sample = any(each.has_batch for each in sources)
    if per_sample and all(each and each[0] % batch == 0 for each, batch in zip(sizes, b.batch.sizes, strict=True)):
        own = [(each[0] // batch, *each[1:]) for each, batch in zip(sizes, b.batch.sizes, strict=True)]
        rows = [each[1:] if each[0] == 1 and len(each) > 1 else each for each in own]
        folded = len(rows[0]) == len(own[0])
    else:
        rows, folded, per_sample = [each or (1,) for each in sizes], False, False
    output = [number_of(each) for each in zip(*rows, strict=True)]
    if b.twins and follows(output):
        raise NotImported(
            f"`{b.graph.name}` cannot be said in a model file",
            label=f"what {name} gives has sizes that follow from the number of samples ({reason})",
            help="keep samples apart: each is planned on its own, and the first dimension is that of samples",
        )
    step = _custom(b, name, output, sources, tuple((Shape(each),) for each in rows), reason)
    axes = factors(rows)
    dims = axes if sizes[0] else ()
    if per_sample:
        dims = ((b.batch, *axes[0]), *axes[1:]) if folded else ((b.batch,), *axes)
    return Traced(Output(step), axes, dims, b.batch)


def _custom(
    b: GraphBuilder,
    name: str,
    output: Sequence[int | Following | None],
    sources: Sequence[Traced],
    shapes: tuple[tuple[Shape], ...],
    reason: str,
) -> GraphNode:
    read = tuple(each.output for each in sources)
    step = GraphNode("Custom", {"class": name, "output": [*output]}, read, b.scope, None, shapes, reason=reason)
    b.add(step)
    return step
