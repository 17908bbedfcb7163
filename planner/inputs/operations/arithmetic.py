"""Operators and functions that work value by value."""

from __future__ import annotations

from functools import partial
from numbers import Number
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._building import GraphBuilder
from planner.inputs._following import Following
from planner.inputs._graph import NotSayable, Output
from planner.inputs._meeting import met
from planner.inputs._stored import Held
from planner.inputs.operations import OPERATIONS, operation
from planner.inputs.operations._arguments import chosen

SCALAR = (Number, Following)


def operator(type_: str, b: GraphBuilder, x: Any, y: Any) -> Traced:
    """An operator on two operands, of which one may be a number."""
    arguments: dict[str, Any] = {}
    if isinstance(x, SCALAR) and isinstance(y, SCALAR):
        raise NotSayable("an operator on numbers")
    if isinstance(y, SCALAR) or isinstance(x, SCALAR):
        number, tensor, swapped = (y, b.tensor(x), False) if isinstance(y, SCALAR) else (x, b.tensor(y), True)
        if swapped and type_ in ("Subtract", "Divide", "Power"):
            arguments["reversed"] = True
        return b.like(b.step(type_, {"other": number, **arguments}, [tensor]), tensor)
    tensors, axes, dims, _ = met(b, [b.tensor(x), b.tensor(y)])
    shapes = [tensor.output.step.shapes[0][tensor.output.number] for tensor in tensors]
    if shapes[0] != shapes[1] and type_ not in ("Multiply", "Divide"):
        arguments["broadcast"] = True
    return Traced(Output(b.step(type_, arguments, tensors)), axes, dims, b.batch)


@operation("add", "iadd", "radd")
def add(b: GraphBuilder, x: Any, y: Any, *, alpha: Any = 1) -> Traced:
    if set(b.reads) == {"truth"}:
        raise NotSayable("a sum of truth values")
    if alpha != 1:
        y = operator("Multiply", b, y, alpha)
    if isinstance(y, int | float) and not y and not isinstance(x, Number):
        return b.tensor(x)
    return operator("Add", b, x, y)


@operation("sub", "subtract", "isub")
def sub(b: GraphBuilder, x: Any, y: Any, *, alpha: Any = 1) -> Traced:
    if alpha != 1:
        y = operator("Multiply", b, y, alpha)
    return operator("Subtract", b, x, y)


@operation("div", "divide", "true_divide", "truediv", "idiv", "itruediv")
def div(b: GraphBuilder, x: Any, y: Any, *, rounding_mode: Any = None) -> Traced:
    quotient = operator("Divide", b, x, y)
    if rounding_mode is None:
        return quotient
    return b.like(b.step("Floor" if rounding_mode == "floor" else "Trunc", {}, [quotient]), quotient)


@operation("floordiv", "floor_divide")
def floordiv(b: GraphBuilder, x: Any, y: Any) -> Traced:
    return div(b, x, y, rounding_mode="floor")


@operation("remainder", "mod", "imod")
def remainder(b: GraphBuilder, x: Any, y: Any) -> Traced:
    """What a division leaves, with the sign of the divisor."""
    whole = div(b, x, y, rounding_mode="floor")
    return operator("Subtract", b, x, operator("Multiply", b, whole, y))


@operation("fmod")
def fmod(b: GraphBuilder, x: Any, y: Any) -> Traced:
    """What a division leaves, with the sign of what is divided."""
    whole = div(b, x, y, rounding_mode="trunc")
    return operator("Subtract", b, x, operator("Multiply", b, whole, y))


@operation("frac")
def frac(b: GraphBuilder, x: Any) -> Traced:
    """What stands behind the point."""
    return operator("Subtract", b, x, _function("Trunc", b, x))


def _turned(type_: str, b: GraphBuilder, y: Any, x: Any) -> Traced:
    """An operator whose second operand comes first, as in `2 - x`."""
    return operator(type_, b, x, y)


for _type, _names, _reversed in (
    ("Multiply", ("mul", "multiply", "imul", "rmul"), ()),
    ("Power", ("pow", "ipow"), ("rpow",)),
    ("Maximum", ("maximum",), ()),
    ("Minimum", ("minimum",), ()),
    ("Subtract", (), ("rsub",)),
    ("Divide", (), ("rdiv", "rtruediv")),
):
    OPERATIONS.update(dict.fromkeys(_names, partial(operator, _type)))
    OPERATIONS.update(dict.fromkeys(_reversed, partial(_turned, _type)))


@operation("addcmul")
def addcmul(b: GraphBuilder, x: Any, y: Any, z: Any, *, value: Any = 1) -> Traced:
    product = operator("Multiply", b, y, z)
    return operator("Add", b, x, operator("Multiply", b, product, value) if value != 1 else product)


@operation("addcdiv")
def addcdiv(b: GraphBuilder, x: Any, y: Any, z: Any, *, value: Any = 1) -> Traced:
    quotient = operator("Divide", b, y, z)
    return operator("Add", b, x, operator("Multiply", b, quotient, value) if value != 1 else quotient)


@operation("lerp")
def lerp(b: GraphBuilder, x: Any, end: Any, weight: Any) -> Traced:
    return operator("Add", b, x, operator("Multiply", b, operator("Subtract", b, end, x), weight))


def _function(type_: str, b: GraphBuilder, x: Any, inplace: bool = False) -> Traced:
    """A function of each value, without arguments."""
    tensor = b.tensor(x)
    return b.like(b.step(type_, {}, [tensor]), tensor)


PLAIN = {
    "abs": "Abs", "neg": "Neg", "negative": "Neg", "sign": "Sign", "square": "Square", "sqrt": "Sqrt",
    "rsqrt": "Rsqrt", "reciprocal": "Reciprocal", "exp": "Exp", "expm1": "Expm1", "log": "Log", "log2": "Log2",
    "log10": "Log10", "log1p": "Log1p", "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos",
    "atan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "erf": "Erf", "floor": "Floor", "ceil": "Ceil", "round": "Round",
    "trunc": "Trunc", "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU", "relu6": "ReLU6", "silu": "SiLU",
    "selu": "SELU", "mish": "Mish", "hardswish": "Hardswish", "hardsigmoid": "Hardsigmoid", "logsigmoid": "LogSigmoid",
    "log_sigmoid": "LogSigmoid",
    "softsign": "Softsign", "tanhshrink": "Tanhshrink", "exp2": "Exp2", "special_expit": "Sigmoid",
}  # fmt: skip
OPERATIONS.update({name: partial(_function, type_) for name, type_ in PLAIN.items()})


def with_arguments(b: GraphBuilder, type_: str, x: Any, arguments: dict[str, tuple[Any, Any]]) -> Traced:
    """A function of each value with arguments, of which those at their defaults are left out."""
    tensor = b.tensor(x)
    return b.like(b.step(type_, chosen(arguments), [tensor]), tensor)


@operation("gelu")
def gelu(b: GraphBuilder, x: Any, approximate: str = "none") -> Traced:
    return with_arguments(b, "GELU", x, {"approximate": (approximate, "none")})


@operation("leaky_relu")
def leaky_relu(b: GraphBuilder, x: Any, negative_slope: float = 0.01, inplace: bool = False) -> Traced:
    return with_arguments(b, "LeakyReLU", x, {"negative_slope": (negative_slope, 0.01)})


@operation("elu")
def elu(b: GraphBuilder, x: Any, alpha: float = 1.0, inplace: bool = False) -> Traced:
    return with_arguments(b, "ELU", x, {"alpha": (alpha, 1.0)})


@operation("hardtanh")
def hardtanh(b: GraphBuilder, x: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Traced:
    return with_arguments(b, "Hardtanh", x, {"min_val": (min_val, -1.0), "max_val": (max_val, 1.0)})


@operation("celu")
def celu(b: GraphBuilder, x: Any, alpha: float = 1.0, inplace: bool = False) -> Traced:
    return with_arguments(b, "CELU", x, {"alpha": (alpha, 1.0)})


def _shrunk(type_: str, b: GraphBuilder, x: Any, lambd: float = 0.5) -> Traced:
    return with_arguments(b, type_, x, {"lambd": (lambd, 0.5)})


OPERATIONS.update({"hardshrink": partial(_shrunk, "Hardshrink"), "softshrink": partial(_shrunk, "Softshrink")})


@operation("threshold", "_threshold")
def threshold(b: GraphBuilder, x: Any, threshold: float, value: float, inplace: bool = False) -> Traced:
    return with_arguments(b, "Threshold", x, {"threshold": (threshold, None), "value": (value, None)})


@operation("rrelu")
def rrelu(
    b: GraphBuilder, x: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Traced:
    if training:
        raise NotSayable("slopes at random in evaluation too")
    return with_arguments(b, "RReLU", x, {"lower": (lower, 1 / 8), "upper": (upper, 1 / 3)})


@operation("softplus")
def softplus(b: GraphBuilder, x: Any, beta: float = 1.0, threshold: float = 20.0) -> Traced:
    return with_arguments(b, "Softplus", x, {"beta": (beta, 1.0), "threshold": (threshold, 20.0)})


@operation("invert", "logical_not", "bitwise_not")
def invert(b: GraphBuilder, x: Any) -> Traced:
    """The opposite of truth values, which are 0 and 1."""
    if b.reads != ["truth"]:
        raise NotSayable("the opposite of what is no truth value")
    return operator("Subtract", b, 1, x)


@operation("clamp_min")
def clamp_min(b: GraphBuilder, x: Any, min: Any) -> Traced:
    return clamp(b, x, min)


@operation("clamp_max")
def clamp_max(b: GraphBuilder, x: Any, max: Any) -> Traced:
    return clamp(b, x, None, max)


@operation("clamp", "clip")
def clamp(b: GraphBuilder, x: Any, min: Any = None, max: Any = None) -> Traced:
    if not all(each is None or isinstance(each, int | float) for each in (min, max)):
        raised = operator("Maximum", b, x, min) if min is not None else x
        return operator("Minimum", b, raised, max) if max is not None else raised
    return with_arguments(b, "Clamp", x, {"min": (min, None), "max": (max, None)})


# What leaves values as they are


@operation("contiguous", "clone", "detach", "requires_grad", "alias", "positive", "data.__get__", "cuda", "cpu")
def unchanged(b: GraphBuilder, x: Any, *_: Any, **__: Any) -> Any:
    return x if isinstance(x, Held) else b.tensor(x)


@operation("to", "type", "type_as", "float", "double", "half", "bfloat16", "long", "int", "short", "bool")
def cast(b: GraphBuilder, x: Any, *_: Any, **__: Any) -> Any:
    """Values as another type of number: what becomes a whole number is cut off behind the point, and what becomes a
    truth value is 1 where it is not 0.
    """
    was, now = b.reads[0], b.gives[0]
    if now == "truth" != was:
        tensor = b.tensor(x)
        signs = b.like(b.step("Sign", {}, [tensor]), tensor)
        return b.like(b.step("Abs", {}, [signs]), tensor)
    if now != "whole" or was != "float":
        return unchanged(b, x)
    tensor = b.tensor(x)
    return b.like(b.step("Trunc", {}, [tensor]), tensor)


@operation("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
def dropout(b: GraphBuilder, x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    if training and p:
        raise NotSayable("dropout that works in evaluation too")
    return unchanged(b, x)
