"""Arithmetic with numbers that are known, as of sizes from which the target of a reshape is made: worked out exactly,
for every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.inputs._axes import Traced
from planner.inputs._graph import NotSayable
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.values import LARGEST, MOST_NUMBERS, KnownNumbers, StoredTensor, Value

if TYPE_CHECKING:
    from planner.inputs._onnx.building import OnnxBuilder

Worked = Callable[..., Any]
FOLDED: dict[str, Worked] = {}


def folded(b: OnnxBuilder, node: FileNode, read: Sequence[Value | None]) -> Value | tuple[Value, ...] | None:
    """What a node gives that reads nothing but known numbers; None for another one."""
    if node.op not in FOLDED or any(isinstance(each, Traced) for each in read) or not any(map(_follows, read)):
        return None
    try:
        columns = [(None,) * b.runs if each is None else b.numbers(each) for each in read]
        runs = [FOLDED[node.op](b, node, *row) for row in zip(*columns, strict=True)]
    except (NotSayable, ValueError, IndexError, TypeError, KeyError, OverflowError, ZeroDivisionError, MemoryError):
        return None  # the operator itself says why
    if isinstance(runs[0], list):
        return tuple(b.worked_out(each) for each in zip(*runs, strict=True))
    found = b.worked_out(runs)
    b.gives = [found.kind]
    return found


def _follows(value: Value | None) -> bool:
    """Whether a value is of numbers that are worked with: weights stay weights."""
    if isinstance(value, KnownNumbers):
        return True
    return isinstance(value, StoredTensor) and (value.kind != "float" or not value.trained) and value.fill is None


def _worked(*ops: str) -> Callable[[Worked], Worked]:
    def added(function: Worked) -> Worked:
        FOLDED.update(dict.fromkeys(ops, function))
        return function

    return added


def _checked(array: Any) -> Any:
    """Numbers that are small enough for the ones that follow from them to be exact."""
    found = np.asarray(array)
    if np.issubdtype(found.dtype, np.integer) and found.size and int(np.abs(found).max()) > LARGEST:
        raise NotSayable("a number that is too large")
    return found


def _exactly(function: Callable[[Any, Any], Any], b: OnnxBuilder, node: FileNode, *given: Any) -> Any:
    """A function of two whole numbers without overflow, or of others."""
    found = given[0]
    for each in given[1:]:
        if all(np.issubdtype(array.dtype, np.integer) for array in (found, each)):
            with np.errstate(all="raise"):
                exact = function(found.astype(object), each.astype(object))
            if np.asarray(exact).size and int(np.abs(exact).max()) > LARGEST:
                raise NotSayable("a number that is too large")
            found = np.asarray(exact).astype(np.int64)
        else:
            with np.errstate(all="ignore"):
                found = np.asarray(function(found, each))
    return _checked(found)


def _quotient(a: Any, b: Any) -> Any:
    """A quotient, of whole numbers without what stands behind the point."""
    if a.dtype != object:
        return a / b
    return np.frompyfunc(lambda x, y: abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1), 2, 1)(a, b)


for _op, _function in (
    ("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Div", _quotient), ("Max", np.maximum),
    ("Min", np.minimum), ("Sum", np.add),
):  # fmt: skip
    FOLDED[_op] = partial(_exactly, _function)


def _by_value(function: Callable[..., Any], b: OnnxBuilder, node: FileNode, *given: Any) -> Any:
    with np.errstate(all="ignore"):
        return _checked(function(*given))


for _op, _one in (
    ("Neg", np.negative), ("Abs", np.abs), ("Floor", np.floor), ("Ceil", np.ceil), ("Sqrt", np.sqrt),
    ("Round", np.round), ("Not", np.logical_not), ("And", np.logical_and), ("Or", np.logical_or),
    ("Equal", np.equal), ("Less", np.less), ("Greater", np.greater), ("LessOrEqual", np.less_equal),
    ("GreaterOrEqual", np.greater_equal), ("Where", np.where), ("Reciprocal", np.reciprocal), ("Exp", np.exp),
    ("Log", np.log), ("Sin", np.sin), ("Cos", np.cos), ("Identity", np.asarray), ("Sign", np.sign),
):  # fmt: skip
    FOLDED[_op] = partial(_by_value, _one)


@_worked("Mod")
def _mod(b: OnnxBuilder, node: FileNode, x: Any, y: Any) -> Any:
    return np.fmod(x, y) if node.get("fmod", 0) else np.mod(x, y)


@_worked("Pow")
def _pow(b: OnnxBuilder, node: FileNode, x: Any, y: Any) -> Any:
    found = np.power(x.astype(np.float64), y.astype(np.float64))
    return _checked(found.astype(x.dtype)) if (np.abs(found) < LARGEST).all() else _too_large()


def _too_large() -> Any:
    raise NotSayable("a number that is too large")


@_worked("Cast")
def _cast(b: OnnxBuilder, node: FileNode, x: Any) -> Any:
    kind = kind_of_type(node.get("to"))
    return x.astype({"float": np.float64, "whole": np.int64, "truth": bool}[kind])


def kind_of_type(number: Any) -> str:
    """What kind of numbers a type of ONNX has."""
    from onnx import TensorProto

    floats = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}
    if number in floats:
        return "float"
    if number == TensorProto.BOOL:
        return "truth"
    if number in (TensorProto.INT64, TensorProto.INT32, TensorProto.INT16, TensorProto.INT8, TensorProto.UINT8,
                  TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64):  # fmt: skip
        return "whole"
    raise NotSayable("numbers of an unusual type")


@_worked("Concat")
def _concat(b: OnnxBuilder, node: FileNode, *given: Any) -> Any:
    return np.concatenate(given, axis=node.get("axis", 0))


@_worked("ScatterND")
def _scatter_nd(b: OnnxBuilder, node: FileNode, x: Any, places: Any, updates: Any) -> Any:
    if node.get("reduction", "none") != "none":
        raise NotSayable("a sum at places")
    found = x.copy()
    found[tuple(np.moveaxis(places, -1, 0))] = updates
    return found


@_worked("Gather")
def _gather(b: OnnxBuilder, node: FileNode, x: Any, indices: Any) -> Any:
    return np.take(x, indices, axis=node.get("axis", 0))


@_worked("Unsqueeze")
def _unsqueeze(b: OnnxBuilder, node: FileNode, x: Any, axes: Any = None) -> Any:
    wanted = node.get("axes") if axes is None else [int(each) for each in axes.ravel()]
    return np.expand_dims(x, tuple(wanted or ()))


@_worked("Squeeze")
def _squeeze(b: OnnxBuilder, node: FileNode, x: Any, axes: Any = None) -> Any:
    wanted = node.get("axes") if axes is None else [int(each) for each in axes.ravel()]
    return np.squeeze(x, None if wanted is None else tuple(wanted))


@_worked("Reshape")
def _reshape(b: OnnxBuilder, node: FileNode, x: Any, shape: Any) -> Any:
    wanted = [int(n) if n or node.get("allowzero", 0) else x.shape[i] for i, n in enumerate(shape)]
    return x.reshape(wanted)


@_worked("Transpose")
def _transpose(b: OnnxBuilder, node: FileNode, x: Any) -> Any:
    return x.transpose(node.get("perm"))


@_worked("Slice")
def _slice(b: OnnxBuilder, node: FileNode, x: Any, *bounds: Any) -> Any:
    places = [slice(None)] * x.ndim
    for axis, start, stop, step in bounds_of(node, x.ndim, *bounds):
        places[axis] = slice(start, stop, step)
    return x[tuple(places)]


def bounds_of(node: FileNode, rank: int, *given: Any) -> list[tuple[int, int, int | None, int]]:
    """The dimensions that a slice cuts, with the bounds as Python has them."""
    own = given or (node.get("starts"), node.get("ends"), node.get("axes"))
    starts, stops, axes, steps = [*own, None, None][:4]
    first, last = ([int(each) for each in np.ravel(bound)] for bound in (starts, stops))
    along = range(len(first)) if axes is None else [int(each) % rank for each in np.ravel(axes)]
    by = [1] * len(first) if steps is None else [int(each) for each in np.ravel(steps)]
    # Beyond the front, going backwards, is written as the smallest number
    return [
        (axis, start, None if step < 0 and stop < -LARGEST // 2 else stop, step)
        for axis, start, stop, step in zip(along, first, last, by, strict=True)
    ]


@_worked("Range")
def _range(b: OnnxBuilder, node: FileNode, start: Any, limit: Any, delta: Any) -> Any:
    first, last, by = (each.reshape(-1)[0].item() for each in (start, limit, delta))
    if abs(last - first) > MOST_NUMBERS * abs(by):
        raise NotSayable("numbers of which there are many")
    return np.arange(first, last, by)


@_worked("Expand")
def _expand(b: OnnxBuilder, node: FileNode, x: Any, shape: Any) -> Any:
    wanted = np.broadcast_shapes(x.shape, tuple(int(each) for each in shape))
    return np.broadcast_to(x, wanted)


@_worked("Tile")
def _tile(b: OnnxBuilder, node: FileNode, x: Any, repeats: Any) -> Any:
    if x.size * int(np.prod(repeats)) > MOST_NUMBERS:
        raise NotSayable("numbers of which there are many")
    return np.tile(x, [int(each) for each in repeats])


@_worked("Split")
def _split(b: OnnxBuilder, node: FileNode, x: Any, sizes: Any = None) -> Any:
    axis = node.get("axis", 0)
    wanted = node.get("split") if sizes is None else [int(each) for each in sizes]
    if wanted is None:
        return list(np.array_split(x, len(node.outputs), axis))
    return list(np.split(x, np.cumsum(wanted)[:-1], axis))


def _reduced(function: Callable[..., Any], b: OnnxBuilder, node: FileNode, x: Any, axes: Any = None) -> Any:
    wanted = node.get("axes") if axes is None else [int(each) for each in axes.ravel()]
    if not wanted and node.get("noop_with_empty_axes", 0):
        return x
    return _checked(function(x, axis=tuple(wanted) if wanted else None, keepdims=bool(node.get("keepdims", 1))))


for _op, _reduction in (
    ("ReduceProd", np.prod), ("ReduceSum", np.sum), ("ReduceMax", np.max), ("ReduceMin", np.min),
    ("ReduceMean", np.mean),
):  # fmt: skip
    FOLDED[_op] = partial(_reduced, _reduction)


@_worked("Trilu")
def _trilu(b: OnnxBuilder, node: FileNode, x: Any, k: Any = None) -> Any:
    by = 0 if k is None else int(k.reshape(-1)[0])
    return np.triu(x, by) if node.get("upper", 1) else np.tril(x, by)


@_worked("CumSum")
def _cumsum(b: OnnxBuilder, node: FileNode, x: Any, axis: Any) -> Any:
    if node.get("exclusive", 0) or node.get("reverse", 0):
        raise NotSayable("a sum from the other end")
    return _checked(np.cumsum(x, int(axis.reshape(-1)[0])))
