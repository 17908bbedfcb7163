"""Tensors that meet, and arithmetic with numbers, as layers and as operations between them.

Source: https://keras.io/api/layers/merging_layers/ and https://keras.io/api/ops/numpy/
"""

from __future__ import annotations

from typing import Any

from planner.inputs._graph import NotSayable, Output
from planner.inputs._keras.activations import by_name
from planner.inputs._keras.building import Building, means
from planner.inputs._keras.given import Given, Sources, is_number, plain
from planner.inputs._keras.shapes import rearranged, reshaped

ARITHMETIC = {
    "Add": "Add",
    "Subtract": "Subtract",
    "Multiply": "Multiply",
    "Divide": "Divide",
    "TrueDivide": "Divide",
    "Maximum": "Maximum",
    "Minimum": "Minimum",
    "Power": "Power",
}


def _met(b: Building, type_: str, tensors: list[Output], path: str | None = None) -> Output:
    """Tensors, cell by cell; an axis of one cell, or one that is not there, is repeated."""
    rank = max(len(b.shape(each)) for each in tensors)
    raised = []
    for each in tensors:
        shape = b.shape(each)
        raised.append(reshaped(b, each, [1] * (rank - len(shape)) + [*shape]) if len(shape) < rank else each)
    alike = len({b.shape(each) for each in raised}) == 1
    spread = None if alike or type_ in ("Multiply", "Divide") else True
    if type_ == "Power" and len(raised) != 2:
        raise NotSayable("it takes two tensors")
    return b.add(type_, *raised, path=path, broadcast=spread)


@means(*ARITHMETIC)
def arithmetic(b: Building, given: Given, sources: Sources) -> Output:
    """Several tensors, or one and a number on either side."""
    type_, path = ARITHMETIC[given.kind], given.shown_path
    tensors = sources.tensors
    if len(tensors) > 1:
        return _met(b, type_, tensors, path)
    operands = [*sources.args, *sources.kwargs.values()]
    numbers = [each for each in operands if is_number(each)]
    if len(tensors) != 1 or len(numbers) != 1 or len(operands) != 2:
        if len(tensors) == 1 and len(operands) == 1:  # a layer that merges a list of one
            return tensors[0]
        raise NotSayable("it is not called with tensors and a number")
    reversed_ = type_ in ("Subtract", "Divide", "Power") and isinstance(operands[0], int | float)
    return b.add(type_, tensors[0], path=path, other=plain(numbers[0]), reversed=reversed_ or None)


@means("Average")
def average(b: Building, given: Given, sources: Sources) -> Output:
    tensors = sources.tensors
    if len(tensors) < 2:
        raise NotSayable("it takes several tensors")
    return b.add("Divide", _met(b, "Add", tensors), path=given.shown_path, other=len(tensors))


@means("Concatenate")
def concatenate(b: Building, given: Given, sources: Sources) -> Output:
    tensors = sources.tensors
    if not tensors:
        raise NotSayable("it takes several tensors")
    dim = b.dim(tensors[0], given.whole("axis", -1))
    return b.add("Concat", *tensors, path=given.shown_path, dim=None if dim == 1 else dim)


@means("Dot")
def dot(b: Building, given: Given, sources: Sources) -> Output:
    """Products summed along an axis of each, as `Einsum` writes it: the batch first, then the channels."""
    given.must_be("normalize", False)
    if len(sources.tensors) != 2:
        raise NotSayable("it takes two tensors")
    x, y = sources.tensors
    axes = given.several("axes") * (2 if len(given.several("axes")) == 1 else 1)
    if len(axes) != 2:
        raise NotSayable("its axes must be one for each tensor")
    at = b.axis(x, axes[0]), b.axis(y, axes[1])
    left = ["k" if i == at[0] else letter for i, letter in enumerate("lmno"[: len(b.shape(x))])]
    right = ["k" if i == at[1] else letter for i, letter in enumerate("stuv"[: len(b.shape(y))])]
    out = [each for each in [*left, *right] if each != "k"]
    if not out:
        return b.add("Sum", b.add("Multiply", x, y), path=given.shown_path, dim=1, keepdim=True)

    def torch(letters: list[str]) -> str:
        return "".join(["b", letters[-1], *letters[:-1]])

    equation = f"{torch(left)},{torch(right)}->{torch(out)}"
    return b.add("Einsum", x, y, path=given.shown_path, equation=equation)


@means("Matmul")
def matmul(b: Building, given: Given, sources: Sources) -> Output:
    if len(sources.tensors) != 2:
        raise NotSayable("it takes two tensors")
    return b.add("MatMul", *sources.tensors, path=given.shown_path)


# Operations on one tensor

FUNCTIONS = {
    "Absolute": "Abs",
    "Abs": "Abs",
    "Exp": "Exp",
    "Log": "Log",
    "Negative": "Neg",
    "Rsqrt": "Rsqrt",
    "Sqrt": "Sqrt",
    "Square": "Square",
    "Sin": "Sin",
    "Cos": "Cos",
    "Tanh": "Tanh",
    "Erf": "Erf",
    "Sign": "Sign",
    "Floor": "Floor",
    "Reciprocal": "Reciprocal",
}
ACTIVATIONS = {
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Selu": "selu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "LogSigmoid": "log_sigmoid",
    "Mish": "mish",
}
REDUCTIONS = {"Mean": "Mean", "Max": "Max", "Min": "Min", "Sum": "Sum", "Prod": "Prod"}


@means(*FUNCTIONS)
def function(b: Building, given: Given, sources: Sources) -> Output:
    return b.add(FUNCTIONS[given.kind], sources.only_tensor(), path=given.shown_path)


@means(*ACTIVATIONS)
def activation(b: Building, given: Given, sources: Sources) -> Output:
    return by_name(b, ACTIVATIONS[given.kind], sources.only_tensor(), given.shown_path)


@means("Gelu")
def gelu(b: Building, given: Given, sources: Sources) -> Output:
    tanh = given.flag("approximate", True)
    return b.add("GELU", sources.only_tensor(), path=given.shown_path, approximate="tanh" if tanh else None)


@means("LeakyRelu")
def leaky_relu(b: Building, given: Given, sources: Sources) -> Output:
    slope = given.number("negative_slope", 0.2)
    return b.add("LeakyReLU", sources.only_tensor(), path=given.shown_path, negative_slope=slope)


@means("Clip")
def clip(b: Building, given: Given, sources: Sources) -> Output:
    least, most = given.number("x_min"), given.number("x_max")
    return b.add("Clamp", sources.only_tensor(), path=given.shown_path, min=least, max=most)


@means(*REDUCTIONS)
def reduction(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    axes = given.several("axis")
    if not axes:
        raise NotSayable("it goes along all axes, the batch among them")
    dims = sorted(b.dim(x, axis) for axis in axes)
    keep = given.flag("keepdims", False)
    shape, places = b.shape(x), [b.axis(x, axis) for axis in axes]
    if not keep and len(shape) - 1 in places and len(places) < len(shape):
        # Where the channels vanish, the last axis that is left takes their place, as in Keras.
        kept = reduced(b, REDUCTIONS[given.kind], x, dims, True)
        return reshaped(b, kept, [n for i, n in enumerate(shape) if i not in places], given.shown_path)
    return reduced(b, REDUCTIONS[given.kind], x, dims, keep, given.shown_path)


def reduced(b: Building, type_: str, x: Output, dims: list[int], keep: bool, path: str | None = None) -> Output:
    """A reduction over dimensions as PyTorch counts them."""
    if not keep and len(dims) == len(b.shape(x)):
        raise NotSayable("it leaves no axis")
    return b.add(type_, x, path=path, dim=dims[0] if len(dims) == 1 else dims, keepdim=keep or None)


@means("Transpose")
def transpose(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    axes = given.several("axes", [*range(b.rank(x), -1, -1)])
    if sorted(axes) != [*range(b.rank(x) + 1)] or axes[0] != 0 or b.lead:
        raise NotSayable("it moves the batch")
    return rearranged(b, x, [axis - 1 for axis in axes[1:]], given.shown_path)


@means("GetItem")
def get_item(b: Building, given: Given, sources: Sources) -> Output:
    """A part of a tensor along one axis after the other."""
    x, keys = sources.only_tensor(), sources.args[1:] or [*sources.kwargs.values()][1:]
    parts = keys[0] if keys and isinstance(keys[0], list) else keys
    if not all(_is_slice(each) for each in parts) or not parts or len(parts) > b.rank(x) + 1 or b.lead:
        raise NotSayable("it takes other parts than slices")
    bounds = [(each["config"]["start"], each["config"]["stop"], each["config"]["step"]) for each in parts]
    if bounds[0] != (None, None, None):
        raise NotSayable("it takes a part of the batch")
    for axis, (start, stop, step) in enumerate(bounds[1:], 1):
        if (start, stop, step) != (None, None, None):
            stop = b.shape(x)[axis - 1] if stop is None else stop
            x = b.add("Slice", x, dim=b.dim(x, axis), start=start or 0, stop=stop, step=step)
    return x


def _is_slice(part: Any) -> bool:
    if not isinstance(part, dict) or part.get("class_name") != "__slice__" or not isinstance(part.get("config"), dict):
        return False
    bounds = [part["config"].get(key, "") for key in ("start", "stop", "step")]
    return all(each is None or (isinstance(each, int) and not isinstance(each, bool)) for each in bounds)
