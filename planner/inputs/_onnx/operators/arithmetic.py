"""Operators that work value by value."""

from __future__ import annotations

from functools import partial
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._graph import NotSayable
from planner.inputs._onnx.building import OnnxBuilder
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.operators import OPERATORS, operator
from planner.inputs._onnx.values import KnownNumbers, StoredTensor, Value
from planner.inputs.operations.arithmetic import with_arguments


def _operands(b: OnnxBuilder, x: Value, y: Value) -> tuple[Any, Any]:
    """Two operands, of which one may be a number."""
    left, right = b.operand(x), b.operand(y)
    if not isinstance(left, Traced) and not isinstance(right, Traced):
        left = b.tensor(x)
    ranks = [b.rank(each) for each, own in ((x, left), (y, right)) if not isinstance(own, Traced)]
    if any(rank > max(b.rank(own) for own in (left, right) if isinstance(own, Traced)) for rank in ranks):
        left, right = (own if isinstance(own, Traced) else b.tensor(each) for each, own in ((x, left), (y, right)))
    return left, right


def _two(name: str, b: OnnxBuilder, node: FileNode, x: Value, y: Value) -> Any:
    """An operator on two operands, of which one may be a number."""
    if "truth" in b.reads:
        raise NotSayable("arithmetic with truth values")
    left, right = _operands(b, x, y)
    if name == "div" and set(b.reads) == {"whole"}:
        return b.torch(name, left, right, rounding_mode="trunc")
    return b.torch(name, left, right)


for _op, _name in (("Add", "add"), ("Sub", "sub"), ("Mul", "mul"), ("Div", "div")):
    OPERATORS[_op] = partial(_two, _name)


@operator("Pow")
def power(b: OnnxBuilder, node: FileNode, x: Value, y: Value) -> Any:
    right = b.operand(y)
    if isinstance(x, Traced) and right == 2:
        return b.torch("square", x)
    if isinstance(x, Traced) and right == 0.5:
        return b.torch("sqrt", x)
    return _two("pow", b, node, x, y)


def _many(name: str, b: OnnxBuilder, node: FileNode, *given: Value) -> Any:
    found: Any = given[0]
    for each in given[1:]:
        found = _two(name, b, node, found, each)
    return found if isinstance(found, Traced) else b.tensor(found)


for _op, _name in (("Sum", "add"), ("Max", "maximum"), ("Min", "minimum")):
    OPERATORS[_op] = partial(_many, _name)


@operator("Mean")
def mean(b: OnnxBuilder, node: FileNode, *given: Value) -> Any:
    return b.torch("div", _many("add", b, node, *given), len(given))


PLAIN = {
    "Abs": "abs", "Neg": "neg", "Sign": "sign", "Sqrt": "sqrt", "Reciprocal": "reciprocal", "Exp": "exp", "Log": "log",
    "Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "asin", "Acos": "acos", "Atan": "atan", "Sinh": "sinh",
    "Cosh": "cosh", "Erf": "erf", "Floor": "floor", "Ceil": "ceil", "Round": "round", "Sigmoid": "sigmoid",
    "Tanh": "tanh", "Relu": "relu", "HardSwish": "hardswish", "Softplus": "softplus", "Softsign": "softsign",
    "Mish": "mish",
}  # fmt: skip


def _plain(name: str, b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    return b.torch(name, b.tensor(x))


OPERATORS.update({op: partial(_plain, name) for op, name in PLAIN.items()})


@operator("Swish")
def swish(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    alpha, tensor = node.get("alpha", 1.0), b.tensor(x)
    if alpha == 1:
        return b.torch("silu", tensor)
    return b.torch("mul", tensor, b.torch("sigmoid", b.torch("mul", tensor, alpha)))


@operator("Silu")
def silu(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    """X · sigmoid(x), which files have as two operators."""
    return b.torch("silu", b.tensor(x))


# Truth values


def _compared(name: str, b: OnnxBuilder, node: FileNode, x: Value, y: Value) -> Any:
    b.gives = ["truth"]
    return b.torch(name, *_operands(b, x, y))


for _op, _name in (
    ("Equal", "eq"), ("Less", "lt"), ("Greater", "gt"), ("LessOrEqual", "le"), ("GreaterOrEqual", "ge"),
    ("And", "and"), ("Or", "or"),
):  # fmt: skip
    OPERATORS[_op] = partial(_compared, _name)


@operator("Where")
def where(b: OnnxBuilder, node: FileNode, condition: Value, x: Value, y: Value) -> Any:
    b.gives = b.reads[1:2]
    return b.torch("where", b.tensor(condition), *_operands(b, x, y))


@operator("Not")
def opposite(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    return b.torch("invert", b.tensor(x))


@operator("LeakyRelu")
def leaky_relu(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    return b.torch("leaky_relu", b.tensor(x), node.get("alpha", 0.01))


@operator("Elu")
def elu(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    return b.torch("elu", b.tensor(x), node.get("alpha", 1.0))


@operator("Celu")
def celu(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    return with_arguments(b, "CELU", x, {"alpha": (node.get("alpha", 1.0), 1.0)})


@operator("Selu")
def selu(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    if abs(node.get("alpha", 1.67326) - 1.67326) > 1e-4 or abs(node.get("gamma", 1.0507) - 1.0507) > 1e-4:
        raise NotSayable("SELU with other constants")
    return b.torch("selu", b.tensor(x))


@operator("Gelu")
def gelu(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    return b.torch("gelu", b.tensor(x), node.get("approximate", "none"))


@operator("HardSigmoid")
def hard_sigmoid(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return b.torch("hardsigmoid", b.tensor(x))
    return b.torch("clamp", b.torch("add", b.torch("mul", b.tensor(x), alpha), beta), 0.0, 1.0)


@operator("ThresholdedRelu")
def thresholded_relu(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    return with_arguments(b, "Threshold", x, {"threshold": (node.get("alpha", 1.0), None), "value": (0.0, None)})


@operator("Shrink")
def shrink(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    lambd, bias = node.get("lambd", 0.5), node.get("bias", 0.0)
    if bias not in (0.0, lambd):
        raise NotSayable("a shrink with a shift of its own")
    return with_arguments(b, "Softshrink" if bias else "Hardshrink", x, {"lambd": (lambd, 0.5)})


@operator("Clip")
def clip(b: OnnxBuilder, node: FileNode, x: Value, low: Value | None = None, high: Value | None = None) -> Any:
    bounds = []
    for given, name in ((low, "min"), (high, "max")):
        known = isinstance(given, StoredTensor | KnownNumbers)
        bounds.append(b.fixed(given).reshape(-1)[0].item() if known else node.get(name))
        if given is not None and not known:
            raise NotSayable("bounds that are computed")
    tensor = b.tensor(x)
    least, most = (None if each is None or abs(each) > 3.4e38 else each for each in bounds)
    if least is None and most is None:
        return tensor
    if (least, most) == (0, 6):
        return b.torch("relu6", tensor)
    if (least, most) == (0, None):
        return b.torch("relu", tensor)
    return b.torch("clamp", tensor, least, most)
