"""Steps that work in place on a tensor that something else reads: PyTorch gives that reader the overwritten values.

Steps run in the order of the plan. A tensor of memory of its own lies there as its module leaves it: without gaps, in
the order of the module's layout, or for a function of each value in the order of its source. Where PyTorch keeps
the channels last, as in another `memory_format` or in convolutions behind a `Linear`, it may copy what is flattened.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from operator import itemgetter
from typing import Literal, NamedTuple

from planner.geometry import Shape
from planner.memory import Memory
from planner.plan import Plan, Step, Tensor

MOST_COMPARED = 1 << 22
"""Pairs of tensors that are compared for a plan; later steps that work in place are taken to overwrite nothing."""

Phase = Literal["always", "training", "evaluation"]


class Overwriting(NamedTuple):
    """A step that works in place, and a later reader that was meant to get the values from before.

    tensor  the tensor that is written over
    read    the tensor that is read, which may be another view of the same memory
    reader  the step that reads it: the step itself where it would write several elements at one place; None where the
            model returns it or, if it is an input, the caller has it
    """

    step: int
    tensor: Tensor
    read: Tensor
    reader: int | None
    when: Phase = "always"


class _Stored(NamedTuple):
    """A tensor in memory. `version` is the tensor that the memory was made for, or the last one written into it."""

    ref: Tensor
    memory: Memory
    version: Tensor
    end: int
    """Where its memory ends."""

    @classmethod
    def of(cls, ref: Tensor, memory: Memory, version: Tensor) -> _Stored:
        return cls(ref, memory, version, memory.end)

    def meets(self, other: _Stored) -> bool:
        return self.memory.start < other.end and other.memory.start < self.end and self.memory.meets(other.memory)


@dataclass(slots=True)
class _Execution:
    """The tensors of one run of a plan, the times at which they are read, and the steps that write."""

    tensors: dict[Tensor, _Stored] = field(default_factory=dict)
    reads: defaultdict[Tensor, list[tuple[float, _Stored]]] = field(default_factory=lambda: defaultdict(list))
    """The reads of each version, with the number of the step."""
    later: defaultdict[Tensor, list[Tensor]] = field(default_factory=lambda: defaultdict(list))
    """The versions that were made by writing into one."""
    writers: list[int] = field(default_factory=list)

    def read(self, at: float, ref: Tensor) -> None:
        if tensor := self.tensors.get(ref):
            self.reads[tensor.version].append((at, tensor))

    def versions_beside(self, version: Tensor, written: Tensor) -> Iterator[Tensor]:
        """A version of a tensor and all versions made from it, except those that one given write has made."""
        versions = [version]
        while versions:
            each = versions.pop()
            yield each
            versions += [made for made in self.later.get(each, ()) if made != written]


def overwriting(plan: Plan) -> list[Overwriting]:
    """The steps that overwrite what is read after them, each with one such reader."""
    if not any(step.layer and step.layer.overwrites(training=True) for step in plan.steps):
        return []
    found = {training: dict(_found(plan, training=training)) for training in (False, True)}
    merged: list[Overwriting] = []
    for i in sorted({*found[False], *found[True]}):
        evaluation, training = found[False].get(i), found[True].get(i)
        when: Phase = "always" if evaluation and training else "training" if training else "evaluation"
        each = evaluation or training
        assert each is not None
        merged.append(Overwriting(i, each.tensor, each.read, each.reader, when))
    return merged


def _found(plan: Plan, *, training: bool) -> Iterator[tuple[int, Overwriting]]:
    """The steps that overwrite a tensor, each with what it overwrites. A step is left out where an earlier step that is
    reported wrote into the same memory: with memory of its own for the earlier step, the later step would overwrite
    nothing.
    """
    run = _ran(plan, training=training)
    left = MOST_COMPARED
    for i in run.writers:
        source = run.tensors[plan.steps[i].sources[0]]
        if source.memory.repeats:
            yield i, Overwriting(i, source.ref, source.ref, i)
            continue
        first: tuple[float, _Stored] | None = None
        for version in run.versions_beside(source.version, Tensor(i, 0)):
            reads = run.reads.get(version, [])
            for at, tensor in reads[bisect_right(reads, i, key=itemgetter(0)) :]:
                left -= 1
                if source.meets(tensor):
                    first = at, tensor
                    break
            left -= 1
            if first is not None or left < 0:
                break
        if left < 0:
            return
        if first is not None:
            at, tensor = first
            yield i, Overwriting(i, source.ref, tensor.ref, None if at == inf else int(at))


def _ran(plan: Plan, *, training: bool) -> _Execution:
    """The run of a plan, step by step. The caller reads the inputs and the outputs in the end, and the next run reads
    the parameters.
    """
    run = _Execution()
    held = [Tensor(i, 0) for i, step in enumerate(plan.steps) if not step.sources]
    for i, step in enumerate(plan.steps):
        views = _views(step, run, training=training)
        overwrites = step.layer is not None and step.layer.overwrites(training=training)
        for source, ref in enumerate(step.sources):
            if (views is None or overwrites) and not step.lends_size(source):
                run.read(i, ref)
        for output in range(len(step.outputs)):
            ref = Tensor(i, output)
            if views is None:
                run.tensors[ref] = _Stored.of(ref, _new(step, output, run), ref)
                continue
            version = run.tensors[step.sources[0]].version
            if overwrites:
                run.writers.append(i)
                run.later[version].append(ref)
            run.tensors[ref] = _Stored.of(ref, views[output], ref if overwrites else version)
    for ref in (*held, *plan.outputs):
        run.read(inf, ref)
    return run


def _views(step: Step, run: _Execution, *, training: bool) -> tuple[Memory, ...] | None:
    if step.layer is None or step.facts is None or not step.sources:
        return None
    return step.layer.laid(step.facts, run.tensors[step.sources[0]].memory, training=training)


def _new(step: Step, output: int, run: _Execution) -> Memory:
    """The memory of an output of a step, laid out as PyTorch's module lays it out."""
    shape: Shape = step.outputs[output]
    layer, sizes = step.layer, shape.torch
    source = run.tensors.get(step.sources[0]) if step.sources else None
    if layer is None or (layer.layout == "any" and source is None):
        return Memory.packed(sizes)
    layout = layer.calls(*step.inputs)[-1].layout
    if layout == "any" and source is not None and len(source.memory.sizes) == len(sizes):
        return Memory.packed(sizes, source.memory.order)
    return Memory.packed(sizes, (*range(1, len(sizes)), 0) if layout == "last" else None)
