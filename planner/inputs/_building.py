"""Building a graph: steps of the planner's layers, each tried on the shapes that arrive in every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.inputs._axes import Axis, Factor, Sizes, Traced, factors, size_of
from planner.inputs._following import Following, Varied, as_map, at_run, follows, number_of
from planner.inputs._graph import Graph, GraphNode, ModuleCall, NotSayable, Output
from planner.inputs._patterns import named, together, written
from planner.inputs._stored import Held
from planner.layers import all_layers
from planner.layers._layer import Facts, Layer
from planner.weights import must_be_alike


class GraphBuilder:
    """Adds steps to a graph, in the call of a module that is under way.

    batch        the factor that stands for the batch in all tensors
    scope        the call of a module that is under way
    weights      what the network stores, by the names of its `state_dict`
    apart        layers by their paths, with their classes, whose weights are tensors by themselves
    firsts       names of the `state_dict` for weights that have an earlier name, and that name
    owners       of weights by their first names, the names under which they are first used
    results      the sizes of what the function in hand returns: for each result and dimension, those of all runs
    added        the steps that were added, in order
    counted      the outputs that follow from whole numbers alone, which layers have found or counted
    notes        what operations remember of steps: what a constant holds; with its two dimensions, `lower triangle` of
                 a matrix that holds 1 up to its diagonal, and `causal` of one that holds −∞ behind it; `opposite` of
                 truth values; `distinct` places along an axis, with that axis
    reads, gives  what kinds of numbers the tensors hold that it is given, and those that it returns: `float`, `whole`,
                 or `truth` for truth values
    """

    def __init__(self, graph: Graph, batch: Factor) -> None:
        self.graph = graph
        self.scope = graph.top
        self.batch = batch
        self.stored: dict[tuple[str, ModuleCall], Traced] = {}
        self.weights: Mapping[str, Held] = {}
        self.apart: Mapping[str, str] = {}
        self.firsts: Mapping[str, str] = {}
        self.owners: dict[str, str] = {}
        self.results: list[list[Sizes]] = []
        self.reads: list[str] = []
        self.gives: list[str] = []
        self.chunks: dict[object, GraphNode] = {}
        self.added: list[GraphNode] = []
        self.counted: set[Output] = set()
        self.notes: dict[GraphNode, Any] = {}

    @property
    def runs(self) -> int:
        return len(self.batch.sizes)

    @property
    def twins(self) -> bool:
        """Whether the runs differ in the number of samples alone."""
        return self.runs > 1 and all(len(set(step.shapes)) == 1 for step in self.graph.inputs.values())

    # Steps

    def input(
        self, name: str, sizes: Sequence[Sizes], *, channels_last: bool = False, varied: Varied | None = None
    ) -> Traced:
        """An input of the network, of the sizes that PyTorch's tensor has in each run, the batch first; `varied` says
        which of its dimensions are made longer in the others.
        """
        varied = varied or as_map(len(sizes[0]) - 1)
        shapes = [Shape(each[1:]) if channels_last else Shape.of_torch(each[1:]) for each in sizes]
        step = GraphNode("input", {}, (), self.graph.top, shapes=tuple((shape,) for shape in shapes))
        self.graph.inputs[name] = step
        self.graph.varied[name] = varied if channels_last else (*varied[1:], *varied[:1])
        axes = factors(shapes)
        own = axes if channels_last else (axes[-1], *axes[:-1])
        return Traced(Output(step), axes, ((self.batch,), *own), self.batch)

    def step(
        self, type_: str, arguments: Mapping[str, Any], sources: Sequence[Traced], *, path: str | None = None
    ) -> GraphNode:
        """A step of a layer; raises NotSayable where the layer does not take its arguments or its sources."""
        if any(tensor.is_empty for tensor in sources):
            raise NotSayable("an empty tensor")
        if self.twins and follows(arguments):
            raise NotSayable("a number that follows from how many samples there are, or from their values")
        layers = layers_of(type_, arguments, self.runs)
        shapes = [
            tuple(tensor.output.step.shapes[run][tensor.output.number] for tensor in sources)
            for run in range(self.runs)
        ]
        try:
            found: list[Facts] = [layer.facts(*each) for layer, each in zip(layers, shapes, strict=True)]
        except Fault as fault:
            raise NotSayable(f"{type_}: {fault.message}") from None
        sources = self._of_one_type(layers[0], found[0], sources)
        step = GraphNode(
            type_,
            dict(arguments),
            tuple(tensor.output for tensor in sources),
            self.scope,
            path,
            tuple(facts.outputs for facts in found),
        )
        if path is not None:
            names = [*found[0].weights, *found[0].buffers]
            step.state = {name: f"{path}.{name}" if name else path for name in names}
            owners = {name: self.owners.setdefault(self.firsts.get(own, own), own) for name, own in step.state.items()}
            step.ties = {name: owner for name, owner in owners.items() if name and owner != step.state[name]}
            if not step.ties.keys().isdisjoint(found[0].buffers):  # these cannot be tied: the layer is another's
                step.path, step.state, step.ties = next(iter(owners.values())).rpartition(".")[0], owners, {}
        alone = bool(sources) and path is None and all(x.output in self.counted for x in sources)
        counted = range(len(found[0].outputs)) if alone else layers[0].whole_outputs
        self.counted.update(Output(step, number) for number in counted)
        self.add(step)
        return step

    def _of_one_type(self, layer: Layer, facts: Facts, sources: Sequence[Traced]) -> Sequence[Traced]:
        """The sources of a layer, those that follow from whole numbers alone times one where PyTorch wants all in the
        weights' type: what gave them that type in the network leaves values as they are, and is no step.
        """
        whole = [k not in layer.indices and x.output in self.counted for k, x in enumerate(sources)]
        if not (facts.weights and any(whole)) and not must_be_alike(layer, whole):
            return sources
        return [self._fractional(x) if each else x for x, each in zip(sources, whole, strict=True)]

    def _fractional(self, x: Traced) -> Traced:
        one = self.step("Constant", {"shape": [1] * len(x.axes), "fill": "ones"}, [])
        return self.like(self.step("Multiply", {}, [x, Traced(Output(one), x.axes, (), self.batch)]), x)

    def add(self, step: GraphNode) -> None:
        """Put a step into the call of the module that is under way."""
        self.scope.members.append(step)
        self.added.append(step)

    def forget(self, steps: Sequence[GraphNode]) -> None:
        """Take steps back that were added in vain."""
        for step in steps:
            step.scope.members.remove(step)
        self.added = [each for each in self.added if each not in steps]
        self.stored = {key: each for key, each in self.stored.items() if each.output.step not in steps}
        self.chunks = {key: each for key, each in self.chunks.items() if each not in steps}
        used = {own for step in self.added for own in step.state.values()}
        self.owners = {first: own for first, own in self.owners.items() if own in used}

    def output(self, step: GraphNode, dims: Callable[[tuple[Axis, ...]], Sequence[Axis]], number: int = 0) -> Traced:
        """An output of a step as a tensor with new factors; `dims` orders its axes as the trace has them."""
        axes = factors([shapes[number] for shapes in step.shapes])
        several = len(step.shapes[0]) > 1 and not all_layers()[step.type].extras
        numbered = several or number > 0
        return Traced(Output(step, number, numbered), axes, tuple(dims(axes)), self.batch)

    def like(self, step: GraphNode, x: Traced) -> Traced:
        """The only output of a step that leaves shapes as they are."""
        return Traced(Output(step), x.axes, x.dims, self.batch)

    # What operations ask

    def tensor(self, given: Any) -> Traced:
        """A tensor among the arguments of a function; a parameter becomes a step where it is first used."""
        if isinstance(given, Traced):
            return given
        if isinstance(given, Held):
            return self.parameter(given)
        raise NotSayable(f"a {type(given).__name__} where a tensor is meant")

    def wanted(self) -> list[Sizes]:
        """The sizes of the result of the call in hand, by dimension, in all runs."""
        return self.results[0]

    def runs_of(self, x: Traced) -> list[Sizes]:
        return [x.sizes(run) for run in range(self.runs)]

    def like_size(self, wanted: Sequence[Sizes]) -> Traced | None:
        """An earlier tensor that has these spatial sizes in every run, if there is one."""
        for step in (*reversed(self.graph.steps), *self.graph.inputs.values()):
            for number in range(len(step.shapes[0])):
                if [shapes[number].spatial for shapes in step.shapes] == list(wanted):
                    return Traced(Output(step, number, len(step.shapes[0]) > 1), (), (), self.batch)
        return None

    def is_owned(self, weight: Any, attribute: str, *others: Any) -> bool:
        """Whether a module has a weight under its usual name, and the others beside it."""
        try:
            return self.owner(weight, attribute, *others) not in self.apart
        except NotSayable:
            return False

    def owner(self, weight: Any, attribute: str, *others: Any) -> str:
        """The full name of the module that has a weight under its usual name, and the others beside it."""
        if not isinstance(weight, Held):
            raise NotSayable("weights that are computed")
        if any(isinstance(each, Traced) for each in others):
            raise NotSayable("a bias that is computed")
        path, _, name = weight.name.rpartition(".")
        if name != attribute or any(isinstance(each, Held) and each.name.rpartition(".")[0] != path for each in others):
            raise NotSayable("weights of unusual names")
        return path

    def parameter(self, given: Held) -> Traced:
        """A parameter or a buffer as a tensor; a step in the call of its module, or of one above that."""
        home = self.home(given.name.rpartition(".")[0])
        if (given.name, home) not in self.stored:
            self.stored[given.name, home] = self._first_read(given, home)
        return self.stored[given.name, home]

    def _first_read(self, given: Held, home: ModuleCall) -> Traced:
        sizes = given.sizes
        batched = len(sizes) > 1 and sizes[0] == 1
        own = sizes[1:] if batched else sizes
        first = len(own) > 1 and own[0] > 1 and set(own[1:]) == {1}
        arguments: dict[str, Any] = {"shape": [*own[1:], own[0]] if first else list(own)}
        arguments |= {"batch": True} if batched else {}
        arguments |= {"channels_last": True} if len(own) > 1 and not first else {}
        if not given.trained:
            arguments |= {"whole": True} if given.whole else {}
            arguments |= {} if given.kept else {"persistent": False}
        step = self.step("Parameter" if given.trained else "Buffer", arguments, [], path=given.name)
        if home is not self.scope:  # before what reads it
            self.scope.members.remove(step)
            step.scope = home
            inside = self.scope
            while inside.parent is not None and inside.parent is not home:
                inside = inside.parent
            home.members.insert(home.members.index(inside), step)
        dims = factors([sizes] * self.runs)
        axes = dims[1:] if batched else dims
        return Traced(Output(step), (*axes[1:], axes[0]) if first else axes or ((),), dims, self.batch)

    def home(self, path: str) -> ModuleCall:
        """The innermost call under way of the module of a path, or of one above it."""
        scope: ModuleCall | None = self.scope
        while scope is not None:
            if path == scope.path or not scope.path or path.startswith(f"{scope.path}."):
                return scope
            scope = scope.parent
        return self.graph.top

    # Orders

    def ordered(self, x: Traced, axes: Sequence[Axis]) -> Traced:
        """The tensor with these axes, of its own factors; rearranged where its step has others."""
        axes = tuple(axes)
        if axes == x.axes:
            return x
        step = self.step(*self._moved(x, axes))
        return Traced(Output(step), axes, x.dims, self.batch)

    def reshaped(self, x: Traced, wanted: Sequence[Sizes]) -> Traced:
        """The tensor with dimensions of other sizes; where these lie across its axes, each dimension becomes an axis
        first, or all of them one.
        """
        for way in (Traced.joined, self.settled):
            with suppress(NotSayable):
                return way(x).reshaped(wanted)
        return self._in_a_row(x).reshaped(wanted)

    def _in_a_row(self, x: Traced) -> Traced:
        """The tensor with all values of a sample in one row, which is its only axis."""
        if x.has_batch and x.dims[0][:1] != (self.batch,):
            raise NotSayable("a reshape across the batch")
        row = tuple(factor for dim in range(x.rank) for factor in x.own(dim))
        dim = (self.batch, *row) if x.has_batch else row
        return self.ordered(x, [row]).with_dims([dim]).joined()

    def settled(self, x: Traced) -> Traced:
        """The tensor with an axis for each dimension, which is one factor: rearranged where it is not so."""
        rows = self.rows(x, ())
        if sorted(map(_ids, rows)) == sorted(map(_ids, x.axes)):
            return x.joined()
        order = (*rows[1:], rows[0]) if len(rows) > 2 else rows or [()]
        return self.ordered(x, order).joined()

    def outgoing(self, x: Traced) -> Output:
        """What a network gives, with its axes in the order of its dimensions: the channels second, or last."""
        x = self.settled(x)
        rows = tuple(self.rows(x, ())) or ((),)
        turned = (*rows[1:], rows[0])
        order = rows if x.axes in (rows, turned) or x.axes[-1] == rows[-1] else turned
        return (x if x.axes == turned else self.ordered(x, order)).output

    def _moved(self, x: Traced, axes: tuple[Axis, ...]) -> tuple[str, dict[str, Any], list[Traced]]:
        """The layer that puts factors into other axes, its arguments and sources."""
        before, after = ([factor for axis in each for factor in axis] for each in ((x.axes[-1], *x.axes[:-1]), axes))
        if len(axes) == 1 and len(x.axes) > 1 and before == after:
            return "Flatten", {}, [x]
        cells = tuple(factor for axis in x.axes[:-1] for factor in axis)
        if len(x.axes) > 2 and axes == (cells, x.axes[-1]):
            return "Flatten", {"start_dim": 2}, [x]
        runs = together(x.axes, axes)
        names = named([run[0] for run in runs])
        known: dict[str, int | Following] = {}
        sources = [x]
        for axis in x.axes:
            parts = [run for run in runs if run[0] in axis]
            free = [run for run in parts if len({size_of(run, at) for at in range(self.runs)}) > 1]
            stated = [run for run in parts if run not in free]
            if len(free) > 1 and len(sources) == 1:
                sizes = [tuple(size_of(each, run) for each in axes[:-1]) for run in range(self.runs)]
                like = self.like_size(sizes)
                if like is None:
                    stated = [*stated, *free[1:]]
                else:
                    sources = [x, like]
            if not free and stated:
                stated = stated[1:]
            known |= {names[run[0]]: number_of([size_of(run, at) for at in range(self.runs)]) for run in stated}
        pattern = " -> ".join(" ".join(written(axis, names) for axis in each) for each in (x.axes, axes))
        return "Rearrange", {"pattern": pattern, **known}, sources

    def first(self, x: Traced, rank: int | None = None, *, folds: bool = False) -> Traced:
        """The tensor as a layer takes it that has the batch first, the channels second and spatial axes behind; before
        these stand axes that are folded into the batch, where the layer `folds` such.
        """
        if rank is not None and x.rank != rank + 2:
            raise NotSayable(f"a tensor of {x.rank} dimensions where {rank + 2} are meant")
        if x.rank < 2 or any(self.batch in dim for dim in x.dims[1:]):
            raise NotSayable("the batch in another dimension than the first")
        folded = self.folded(x, 0)
        if folded and not folds:
            raise NotSayable("axes that are folded into the batch")
        return self.ordered(x, (*folded, *x.dims[2:], x.dims[1]))

    def folded(self, x: Traced, dim: int) -> tuple[Axis, ...]:
        """The axes that are folded into the batch in a dimension: one, where they are one already."""
        own = x.own(dim)
        return () if not own else (own,) if own in x.axes else tuple((factor,) for factor in own)

    def last(self, x: Traced) -> Traced:
        """The tensor as a layer takes it that works on the last dimension, whatever stands before it."""
        channels = x.own(x.rank - 1)
        if len(channels) != len(x.dims[-1]):
            raise NotSayable("the batch as channels")
        if x.axes[-1] == channels and len(x.axes) <= max(x.rank - x.has_batch, 1):
            return x
        return self.ordered(x, (*self.rows(x, [x.rank - 1]), channels))

    def rows(self, x: Traced, but: Sequence[int]) -> list[Axis]:
        """The axes that hold the other dimensions, each an axis, in the order of the trace."""
        return [
            x.own(dim) for dim in range(x.rank) if dim not in but and not (self.batch in x.dims[dim] and not x.own(dim))
        ]

    def parted(self, x: Traced, dim: int) -> tuple[Traced, int]:
        """The tensor with a dimension as an axis of its own, and which axis that is."""
        own = x.own(dim)
        if self.batch in x.dims[dim]:
            raise NotSayable("a part of the batch")
        if own in x.axes and (own or x.axes.count(()) == 1):
            return x, x.axes.index(own)
        rows = self.rows(x, [dim])
        if own:
            axes = [axis for axis in x.axes if not set(axis) & set(own)]
            if sum(map(len, axes)) + len(own) == sum(map(len, x.axes)):
                at = next(i for i, axis in enumerate(x.axes) if set(axis) & set(own))
                at = min(at, len(axes))
                moved = self.ordered(x, (*axes[:at], own, *axes[at:]))
                return moved, at
        moved = self.ordered(x, (own, *rows) if rows else (own, ()))
        return moved, 0


def _ids(axis: Axis) -> tuple[int, ...]:
    return tuple(map(id, axis))


def layer_of(type_: str, arguments: Mapping[str, Any]) -> Layer:
    """The layer of a type with arguments; raises NotSayable where it does not take them."""
    try:
        return all_layers()[type_].model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors()[0]
        raise NotSayable(f"{type_} with {'.'.join(map(str, first['loc']))}") from None


def layers_of(type_: str, arguments: Mapping[str, Any], runs: int) -> list[Layer]:
    """The layer in each run: the same one where its arguments are."""
    given = [at_run(arguments, run) for run in range(runs)]
    first = layer_of(type_, given[0])
    return [first if each == given[0] else layer_of(type_, each) for each in given]


def dim_of_axis(axis: int, rank: int) -> int:
    """PyTorch's `dim` of an axis of a step with `rank` axes, which the file counts by."""
    return 1 if axis == rank - 1 else axis + 2
