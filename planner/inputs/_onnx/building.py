"""A builder that goes along the nodes of an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from planner.inputs._axes import Factor, Sizes, Traced, factors
from planner.inputs._building import GraphBuilder, layer_of
from planner.inputs._following import Following, at_run, number_of
from planner.inputs._graph import Graph, GraphNode, NotSayable, Output
from planner.inputs._onnx.naming import LayerNames
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.scopes import ScopePath
from planner.inputs._onnx.values import MOST_IN_ALL, MOST_NUMBERS, KnownNumbers, StoredTensor, Unknown, Value, kind_of
from planner.inputs._stored import Held
from planner.inputs.operations import all_operations


class OnnxBuilder(GraphBuilder):
    """What operators ask and add to.

    opset    the version of ONNX' operators
    node     the node in hand
    read     names that something reads
    places   the modules in which steps stand, as far as the file tells them
    origins  where in the file the weights of steps are, by the names of the `state_dict`
    """

    def __init__(self, graph: Graph, batch: Factor, opset: int) -> None:
        super().__init__(graph, batch)
        self.opset = opset
        self.node = FileNode("", "", "", [], [])
        self.read: set[str] = set()
        self.values: dict[str, Value] = {}
        self.kinds: dict[str, str] = {}
        self.places: dict[GraphNode, ScopePath] = {}
        self.origins: dict[str, StoredTensor] = {}
        self.names = LayerNames()
        self.count = 0

    # What comes in

    def sizes(self, value: Value) -> list[Sizes]:
        """The sizes of a tensor in all runs."""
        if isinstance(value, Traced):
            return self.runs_of(value)
        if isinstance(value, Unknown):
            raise NotSayable("a tensor whose size is not known")
        if isinstance(value, KnownNumbers):
            return [each.shape for each in value.runs]
        return [value.sizes] * self.runs

    def rank(self, value: Value) -> int:
        return len(self.sizes(value)[0])

    def kind(self, value: Value | None, name: str) -> str:
        """What kind of numbers a value holds."""
        return value.kind if isinstance(value, StoredTensor | KnownNumbers) else self.kinds.get(name, "float")

    def numbers(self, value: Value | None) -> tuple[Any, ...]:
        """The numbers of a value in all runs; raises NotSayable where these are not known."""
        if isinstance(value, StoredTensor):
            return (value.numbers,) * self.runs
        if isinstance(value, KnownNumbers):
            return value.runs
        raise NotSayable("numbers that are computed from what comes in")

    def fixed(self, value: Value | None) -> Any:
        """The numbers of a value, which are the same in all runs."""
        first, *others = self.numbers(value)
        if any(each.shape != first.shape or (each != first).any() for each in others):
            raise NotSayable("numbers that follow from the input's size")
        return first

    def whole(self, value: Value | None) -> list[int]:
        """Whole numbers, the same in all runs."""
        return [int(each) for each in np.ravel(self.fixed(value))]

    def following(self, value: Value | None) -> list[int | Following]:
        """Whole numbers, each of which may be another one in each run."""
        rows = [np.ravel(each) for each in self.numbers(value)]
        if len({row.size for row in rows}) > 1:
            raise NotSayable("numbers of which there are more at another size")
        return [number_of([int(each) for each in column]) for column in zip(*rows, strict=True)]

    def axes(self, value: Value | None) -> list[int] | None:
        """The dimensions that an attribute names, or in newer operators an input; None where none do."""
        if value is not None:
            return self.whole(value)
        found = self.node.get("axes")
        return None if found is None else list(found)

    def weight(self, value: Value | None, what: str = "weights") -> StoredTensor:
        """A value as weights that the file has."""
        if isinstance(value, KnownNumbers):
            fixed = self.fixed(value)
            return StoredTensor(self.node.outputs[0], fixed.shape, value.kind, array=fixed, trained=False)
        if not isinstance(value, StoredTensor):
            raise NotSayable(f"{what} that are computed")
        return value

    def held(self, path: str, name: str, value: Value | None, turned: Sequence[int] | None = None) -> Held | None:
        """A weight as the layer at a path has it, under the layer's own name for it."""
        if value is None:
            return None
        own = self.weight(value)
        own = own if turned is None else own.transposed(turned)
        self.origins[f"{path}.{name}"] = own
        return Held(f"{path}.{name}", own.sizes)

    def path(self, weight: Value | None, bias: Value | None = None) -> str:
        """The name of the layer in hand, which has these weights."""
        return self.names.layer(self.node, [self.weight(each) for each in (weight, bias) if each is not None])

    def operand(self, value: Value | None) -> Any:
        """A value as functions of PyTorch take it: a tensor, or a number."""
        if isinstance(value, Traced):
            return value
        if isinstance(value, KnownNumbers):
            return self._constant(value)
        if not isinstance(value, StoredTensor):
            raise NotSayable("a tensor that is left out" if value is None else "a tensor whose size is not known")
        if prod(value.sizes) == 1 and (number := _single(value)) is not None:
            return number
        return self._parameter(value)

    def tensor(self, given: Any) -> Traced:
        if isinstance(given, StoredTensor):
            return self._parameter(given)
        if isinstance(given, KnownNumbers):
            found = self._constant(given)
            if not isinstance(found, Traced):
                raise NotSayable("a single number where a tensor is meant")
            return found
        return super().tensor(given)

    def _parameter(self, value: StoredTensor) -> Traced:
        """Weights as a tensor."""
        if not value.sizes:
            raise NotSayable(f"`{value.name}`, which has no axis")
        before = value.turned
        order = None if before is None else [before.index(i) for i in range(len(before))]
        original = value if order is None else value.transposed(order)
        name = self.names.tensor(self.node, value)
        self.origins[name] = original
        held = Held(name, original.sizes, value.trained and value.kind == "float", value.kind != "float")
        found = self.parameter(held)
        return found if before is None else found.with_dims(found.dims[i] for i in before)

    def _constant(self, value: KnownNumbers) -> Any:
        """Numbers as a number where they are all the same, in every run; else as weights."""
        fixed = self.fixed(value)
        if fixed.size == 1 or (fixed.size and (fixed == fixed.flat[0]).all() and fixed.ndim == 0):
            return fixed.reshape(-1)[0].item()
        samples = fixed[:1] if fixed.ndim > 1 and (fixed == fixed[:1]).all() else fixed
        return self._parameter(
            StoredTensor(self.node.outputs[0], samples.shape, value.kind, array=samples, trained=False)
        )

    # What is added

    def step(
        self, type_: str, arguments: Mapping[str, Any], sources: Sequence[Traced], *, path: str | None = None
    ) -> GraphNode:
        """A step of a layer, whose weights must have the sizes of those in the file, in every run."""
        step = super().step(type_, arguments, sources, path=path)
        for run in range(self.runs if path is not None else 0):
            read = (each.output.step.shapes[run][each.output.number] for each in sources)
            facts = layer_of(type_, at_run(arguments, run)).facts(*read)
            for name, sizes in {**facts.weights, **facts.buffers}.items():
                own = self.origins.get(f"{path}.{name}" if name else str(path))
                if own is not None and [n for n in own.sizes if n != 1] != [n for n in sizes if n != 1]:
                    raise NotSayable(f"weights of the sizes {own.sizes} where {tuple(sizes)} are meant")
        return step

    def torch(self, name: str, *args: Any, results: Sequence[Sequence[Sizes]] = (), **kwargs: Any) -> Any:
        """What a function of PyTorch means. `results` has the sizes of what it returns, in all runs."""
        self.results = [list(zip(*runs, strict=True)) for runs in results]
        found = all_operations()[name](self, *args, **kwargs)
        for each, wanted in zip(found if isinstance(found, tuple) else (found,), results, strict=False):
            self._must_have(each, wanted)
        return found

    def _must_have(self, found: Traced, wanted: Sequence[Sizes]) -> None:
        """Raise NotSayable where a tensor has other sizes than it must have; without a batch it is the same for all."""
        for sizes, goal, batch in zip(self.runs_of(found), wanted, self.batch.sizes, strict=True):
            own = (
                sizes
                if found.has_batch
                else tuple(goal[i] if n == 1 and goal[i : i + 1] == (batch,) else n for i, n in enumerate(sizes))
            )
            if own != goal:
                raise NotSayable(f"sizes {sizes} where {goal} are meant")

    def worked_out(self, runs: Sequence[Any], kind: str | None = None) -> KnownNumbers:
        """Numbers that were worked out, of which there are not too many."""
        arrays = tuple(np.asarray(each) for each in runs)
        self.count += sum(each.size for each in arrays)
        if any(each.size > MOST_NUMBERS for each in arrays) or self.count > MOST_IN_ALL:
            raise NotSayable("numbers of which there are many")
        return KnownNumbers(arrays, kind or kind_of(arrays[0]))

    # Orders

    def reshaped(self, x: Traced, wanted: Sequence[Sizes]) -> Traced:
        """The tensor with dimensions of other sizes. A batch of one sample is told from other dimensions of one cell by
        its place.
        """
        if set(self.batch.sizes) != {1} or not x.has_batch:
            return super().reshaped(x, wanted)
        at = next(i for i, dim in enumerate(x.dims) if self.batch in dim)
        plain = x.with_dims(tuple(f for f in dim if f is not self.batch) for dim in x.dims)
        one = [i for i, sizes in enumerate(wanted) if set(sizes) == {1}]
        before = list(zip(*self.runs_of(x), strict=True))[:at]
        place = at if at in one and before == list(wanted[:at]) else 0 if not at else one[0] if one else 0
        found = super().reshaped(plain, wanted)
        dims = [(self.batch, *dim) if i == place else dim for i, dim in enumerate(found.dims)]
        return found.with_dims(dims or [(self.batch,)])

    def lifted(self, x: Traced) -> Traced:
        """The tensor with a batch of one sample in its first dimension, where that has one cell anyway."""
        if set(self.batch.sizes) != {1} or not x.has_batch or x.dims[0]:
            return x
        if (self.batch,) in x.dims:
            return x
        rest = (tuple(factor for factor in dim if factor is not self.batch) for dim in x.dims[1:])
        return x.with_dims([(self.batch,), *rest])


def _single(value: StoredTensor) -> int | float | None:
    """The number that a tensor of one holds; None where the file does not have it."""
    try:
        number: int | float = value.numbers.reshape(-1)[0].item()
    except NotSayable:
        return None
    return number


def spread(b: OnnxBuilder, step: GraphNode) -> Traced:
    """The only output of a step with an axis for each dimension, the batch first."""
    axes = factors([shapes[0] for shapes in step.shapes])
    return Traced(Output(step), axes, ((b.batch,), *axes), b.batch)
