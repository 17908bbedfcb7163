"""Networks of Keras as graphs: lists of layers, graphs of calls, and models within models.

Source: https://keras.io/guides/serialization_and_saving/
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.geometry import Shape
from planner.inputs._graph import Graph, ModuleCall, NotSayable, Output
from planner.inputs._keras import activations, core, merging, norms, sequences, shapes, windows
from planner.inputs._keras.archive import must_be_bounded
from planner.inputs._keras.building import MEANINGS, Building
from planner.inputs._keras.given import MOST_AXES, Given, Sources
from planner.inputs._keras.references import config_of, ends_of, ends_within, history_of, is_end, keras_tensor
from planner.inputs._keras.sequences import within

FAMILIES = (activations, core, merging, norms, sequences, shapes, windows)
MODELS = ("Functional", "Model", "Sequential")
DEEPEST = 30
"""Models in one another."""
_NOT_A_NAME = re.compile(r"\W")

GivenShapes = Mapping[str, Sequence[int]] | Sequence[int] | None


@dataclass(eq=False)
class LayerCall:
    """One call of a layer: what it is called with, and how many of its calls come before."""

    given: Given
    node: int
    args: Any
    kwargs: dict[str, Any]
    waits: int = 0
    feeds: list[LayerCall] = field(default_factory=list)


def graph_of(config: Mapping[str, Any], name: str, inputs: GivenShapes = None) -> Building:
    """The graph of a network; the sizes of its inputs, where the configuration leaves them open."""
    must_be_bounded(config)
    kind, inner = _kind_of(config)
    graph = Graph(name, ModuleCall("", name))
    b = Building(graph)
    shapes = _input_shapes(kind, inner, config)
    tensors = [b.input(label, shape) for label, shape in _sized(shapes, inputs).items()]
    if len(tensors) == 1:
        tensors[0].step.arguments.clear()
    found = _model(b, Given(kind, name, inner, ""), Sources([*tensors]), 0)
    if not graph.steps:
        found = [b.add("Identity", each) for each in found]
    graph.outputs += [*dict.fromkeys(found)]
    _name_outputs(graph)
    return b


def _name_outputs(graph: Graph) -> None:
    """Give the steps that make the network's outputs a name, where they have none."""
    taken = dict.fromkeys([*graph.inputs, *(step.path for step in graph.steps if step.path is not None)], 1)
    for step in (output.step for output in graph.outputs if output.step.path is None):
        base = step.type.lower()
        step.path = _unique(base if step.scope is graph.top else f"{step.scope.path}.{base}", taken)


def _kind_of(config: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The class of a model, and what it says of itself."""
    kind, inner = config.get("class_name"), config.get("config")
    if not isinstance(kind, str) or not isinstance(inner, dict):
        help = "a configuration is what `model.to_json()` gives"
        raise NotImported("this is no configuration of Keras: it names no class", help=help)
    if not isinstance(inner.get("layers"), list):
        help = "Keras keeps no layers of such a model: build it from functions, or as a Sequential"
        raise NotImported(f"the model is of the class {shown(kind)}, which does not list its layers", help=help)
    return kind if kind in MODELS else "Functional", inner


# Inputs


def _input_shapes(kind: str, config: Mapping[str, Any], outer: Mapping[str, Any]) -> dict[str, list[int | None]]:
    """The shapes of a network's inputs by name, None where a size is open."""
    layers = [layer for layer in config["layers"] if isinstance(layer, dict)]
    if kind != "Sequential":
        ends = ends_of(config.get("input_layers"), "input_layers")
        by_name = {_label(layer): layer for layer in layers}
        shapes: dict[str, list[int | None]] = {}
        taken: dict[str, int] = {}
        for label, times in Counter(label for label, _, _ in ends).items():
            if label not in by_name or times > 1:
                what = "is listed twice" if times > 1 else "is not among the layers"
                raise NotImported(f"the input `{shown(label)}` {what}")
            shapes[_unique(_plain(label), taken)] = _shape_in(config_of(by_name[label]), label)
        return shapes
    first = config_of(layers[0]) if layers else {}
    build = outer.get("build_config")
    for found in (first, config, build if isinstance(build, dict) else {}):
        for key in ("batch_shape", "batch_input_shape", "build_input_shape", "input_shape"):
            if isinstance(found.get(key), list):
                return {"input": _sizes(found[key], "input")}
    help = "call `model.build(…)` or begin it with `keras.Input(…)` before it is saved"
    raise NotImported("the Sequential does not say the shape of its input", help=help)


def _shape_in(config: Mapping[str, Any], label: str) -> list[int | None]:
    return _sizes(config.get("batch_shape", config.get("batch_input_shape")), label)


def _sizes(value: Any, label: str) -> list[int | None]:
    """The sizes behind the batch."""
    whole = isinstance(value, list) and all(
        each is None or (isinstance(each, int) and not isinstance(each, bool) and each > 0) for each in value
    )
    if not whole or len(value) < 2:
        raise NotImported(f"the input `{shown(label)}` has no shape: {value!r:.60}")
    if len(value) > MOST_AXES + 1:
        raise NotImported(f"the input `{shown(label)}` has more than {MOST_AXES} axes")
    return [*value[1:]]


def _sized(shapes: Mapping[str, Sequence[int | None]], inputs: GivenShapes) -> dict[str, Shape]:
    """Shapes with the sizes that were asked for."""
    asked = inputs if isinstance(inputs, Mapping) else dict.fromkeys([*shapes][:1], inputs) if inputs else {}
    strange = next((name for name in asked if name not in shapes), None)
    if strange is not None:
        raise NotImported(f"there is no input `{shown(strange)}`", help=f"there is {shown(', '.join(shapes), 200)}")
    still = {name: own for name, own in shapes.items() if None in asked.get(name, own)}
    if still:
        name, own = next(iter(still.items()))
        message = f"the size of the input `{shown(name)}` is open: [{', '.join(map(_or_open, own))}]"
        raise NotImported(message, help=_how_to_give(still, alone=len(shapes) == 1))
    found = {}
    for name, own in shapes.items():
        sizes = asked.get(name, own)
        if len(sizes) != len(own) or any(n is not None and n != m for n, m in zip(own, sizes, strict=True)):
            wanted = f"[{', '.join(map(_or_open, own))}]"
            raise NotImported(f"the input `{shown(name)}` is {[*sizes]}, where the network has {wanted}")
        found[name] = Shape(n for n in sizes if n is not None)
    return found


def _or_open(size: int | None) -> str:
    return "?" if size is None else str(size)


def _how_to_give(shapes: Mapping[str, Sequence[int | None]], alone: bool) -> str:
    """How to give the shapes of inputs whose sizes are open, on the command line and in Python."""
    sized = {name: tuple(224 if n is None else n for n in own) for name, own in [*shapes.items()][:3]}
    options = [f"--input {'' if alone else f'{name}='}{'x'.join(map(str, own))}" for name, own in sized.items()]
    return f"give it: `{' '.join(options)}`, or input={next(iter(sized.values())) if alone else sized}"


# Names


def _plain(label: str) -> str:
    """A name that a module can have."""
    found = _NOT_A_NAME.sub("_", label) or "layer"
    return f"{found}_" if found in ("input", "training") else found


def _unique(name: str, taken: dict[str, int]) -> str:
    """A name that none of those taken is, of which each has the last number that was put behind it."""
    found = name
    while found in taken:
        taken[name] += 1
        found = f"{name}_{taken[name]}"
    taken[found] = 1
    return found


def _label(layer: Any) -> str:
    """The name of a layer in the file."""
    found = layer.get("name") if isinstance(layer, dict) else None
    found = config_of(layer).get("name") if found is None else found
    return found if isinstance(found, str) else ""


def _given(layer: Any, path: str, taken: dict[str, int]) -> Given:
    kind = layer.get("class_name") if isinstance(layer, dict) else None
    if not isinstance(kind, str):
        raise NotImported("a layer has no class")
    label = _label(layer) or kind
    name = _unique(_plain(label), taken)
    usual = re.sub(r"(_\d+)?$", "", label).replace("_", "") == kind.replace("_", "").lower()
    return Given(kind, label, config_of(layer), f"{path}.{name}" if path else name, named=not usual)


# Models


def _model(b: Building, given: Given, sources: Sources, depth: int) -> list[Output]:
    """What comes out of a model."""
    if depth > DEEPEST:
        raise NotImported(f"models stand in one another more than {DEEPEST} deep")
    layers = given.config.get("layers")
    if not isinstance(layers, list):
        raise NotSayable("it does not list its layers")
    taken = {} if given.path else dict.fromkeys(b.graph.inputs, 1)
    if given.kind == "Sequential":
        outputs = sources.tensors
        for layer in layers:
            each = _given(layer, given.path, taken)
            if each.kind != "InputLayer":
                outputs = _called(b, each, Sources([*outputs] if len(outputs) == 1 else [outputs]), depth)
        return outputs
    by_label: dict[str, Given] = {}
    for layer in layers:
        each = _given(layer, given.path, taken)
        if by_label.setdefault(_label(layer), each) is not each:
            raise NotImported(f"two layers are called `{shown(_label(layer))}`")
    return _functional(b, given, layers, by_label, sources.tensors, depth)


def _functional(
    b: Building, given: Given, layers: list[Any], by_label: Mapping[str, Given], tensors: list[Output], depth: int
) -> list[Output]:
    """What comes out of a graph of calls. A chain is followed to its end before another one is begun."""
    known: dict[tuple[str, int], list[Output]] = {}
    inputs = ends_of(given.config.get("input_layers"), "input_layers")
    if len(inputs) != len(tensors):
        raise NotSayable(f"it is called with {len(tensors)} tensors, and takes {len(inputs)}")
    for (label, node, _), tensor in zip(inputs, tensors, strict=True):
        known[label, node] = [tensor]
    ends = [
        (label, _counted(by_label, label, node), number)
        for label, node, number in ends_of(given.config.get("output_layers"), "output_layers")
    ]
    calls = _needed(_calls(layers, by_label), ends)
    ready = _linked(calls, known, by_label)
    while ready:
        call = ready.pop()
        sources = Sources(_resolved(call.args, known), _resolved(call.kwargs, known))
        known[call.given.label, call.node] = _called(b, call.given, sources, depth)
        for after in reversed(call.feeds):
            after.waits -= 1
            if not after.waits:
                ready.append(after)
    left = next((call.given.label for call in calls if call.waits), None)
    if left is not None:
        raise NotImported(f"the layer `{shown(left)}` reads what follows from itself")
    return [_tensor(end, known) for end in ends]


def _counted(by_label: Mapping[str, Given], label: str, node: int) -> int:
    """Which call of a layer a number means that counts the making of a model as one."""
    return node - 1 if label in by_label and by_label[label].kind in ("Functional", "Model") and node else node


def _calls(layers: Sequence[Any], by_label: Mapping[str, Given]) -> list[LayerCall]:
    """All calls of all layers, in the order of the file."""
    found = []
    for layer in layers:
        nodes = layer.get("inbound_nodes") or []
        if not isinstance(nodes, list):
            raise NotImported(f"the layer `{shown(_label(layer))}` has no list of calls")
        if nodes and all(isinstance(node, list) and node and isinstance(node[0], str) for node in nodes):
            nodes = [nodes]  # of a single call, as very old files have it
        for number, node in enumerate(nodes):
            args, kwargs = _arguments(node, by_label, _label(layer))
            found.append(LayerCall(by_label[_label(layer)], number, args, kwargs))
    return found


def _needed(calls: Sequence[LayerCall], ends: Sequence[tuple[str, int, int]]) -> list[LayerCall]:
    """The calls from which these tensors follow."""
    by_name = {(call.given.label, call.node): call for call in calls}
    found: set[LayerCall] = set()
    open_ = [(label, node) for label, node, _ in ends]
    while open_:
        call = by_name.get(open_.pop())
        if call is not None and call not in found:
            found.add(call)
            open_ += [(label, node) for label, node, _ in ends_within([call.args, call.kwargs])]
    return [call for call in calls if call in found]


def _arguments(node: Any, by_label: Mapping[str, Given], label: str) -> tuple[list[Any], dict[str, Any]]:
    """What a layer is called with, in the form of Keras 3; that of Keras 2 lists `[layer, node, tensor, arguments]`."""
    if isinstance(node, dict) and isinstance(node.get("args"), list) and isinstance(node.get("kwargs"), dict):
        return node["args"], node["kwargs"]
    if isinstance(node, list) and all(is_end(each) for each in node):
        tensors = [keras_tensor(each[0], _counted(by_label, each[0], each[1]), each[2]) for each in node]
        more = node[0][3] if node and len(node[0]) > 3 else {}
        kwargs = more if isinstance(more, dict) else {}
        return [tensors if len(tensors) > 1 else tensors[0]] if tensors else [], kwargs
    raise NotImported(f"a call of the layer `{shown(label)}` is written in no known form")


def _linked(
    calls: Sequence[LayerCall], known: Mapping[tuple[str, int], list[Output]], by_label: Mapping[str, Given]
) -> list[LayerCall]:
    """Let each call know those that wait for it; those that wait for none, the first last."""
    by_name = {(call.given.label, call.node): call for call in calls}
    for call in calls:
        for label, node, _ in dict.fromkeys(ends_within([call.args, call.kwargs])):
            if (label, node) in known:
                continue
            if (label, node) not in by_name:
                what = "which is not called so often" if label in by_label else "which is not there"
                raise NotImported(f"`{shown(call.given.label)}` reads `{shown(label)}`, {what}")
            by_name[label, node].feeds.append(call)
            call.waits += 1
    return [call for call in reversed(calls) if not call.waits]


def _tensor(end: tuple[str, int, int], known: Mapping[tuple[str, int], list[Output]]) -> Output:
    label, node, number = end
    outputs = known.get((label, node), [])
    if number >= len(outputs):
        raise NotImported(f"the layer `{shown(label)}` does not give a tensor {number} in its call {node}")
    return outputs[number]


def _resolved(data: Any, known: Mapping[tuple[str, int], list[Output]]) -> Any:
    """Arguments with outputs in place of the names of tensors."""
    end = history_of(data)
    if end is not None:
        return _tensor(end, known)
    if isinstance(data, dict):
        return {key: _resolved(each, known) for key, each in data.items()}
    return [_resolved(each, known) for each in data] if isinstance(data, list) else data


def _called(b: Building, given: Given, sources: Sources, depth: int) -> list[Output]:
    """What comes out of a layer or a model within the network."""
    b.count_call()
    try:
        if given.kind in MODELS:
            with b.within(given.path, "Sequential"):
                return _model(b, given, sources, depth + 1)
        if given.kind == "TimeDistributed":
            return _time_distributed(b, given, sources, depth)
        if given.kind not in MEANINGS:
            raise NotSayable(_reason(given.kind))
        found = MEANINGS[given.kind](b, given, sources)
    except NotSayable as reason:
        raise _refused(given, str(reason)) from None
    return found if isinstance(found, list) else [found]


def _refused(given: Given, reason: str) -> NotImported:
    message = f"the layer `{shown(given.label)}` of the class {shown(given.kind)} has no counterpart"
    return NotImported(message, reason, "write the model file by hand, with a `Custom` layer in its place")


def _reason(kind: str) -> str:
    if kind == "Lambda":
        return "it holds a function, which is not run"
    return "a class that the planner does not know, or that is not Keras' own"


def _time_distributed(b: Building, given: Given, sources: Sources, depth: int) -> list[Output]:
    """A layer on each step of a sequence: the axis of time is as a batch."""
    x = sources.tensors[0] if sources.tensors else None
    if x is None or len(sources.tensors) > 1 or b.rank(x) < 2:
        raise NotSayable("it is not called with a single sequence")
    inner = within(given, "layer")
    b.lead += 1
    try:
        return _called(b, inner, Sources([x]), depth + 1)
    finally:
        b.lead -= 1
