"""Functions of each value by itself, and of values that meet."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from planner.autograd import attention, pointwise, products, recurrent
from planner.autograd.calls._running import Handler, Running
from planner.autograd.tensors import Strided
from planner.autograd.tensors import pointwise as strides_of

_OF_INPUT = "abs square log log2 log10 log1p sin cos asin acos atan sinh cosh erf clamp"
_OF_OUTPUT = "sqrt rsqrt reciprocal exp exp2 expm1 tan"
_POINTWISE: dict[str, tuple[str, str]] = {
    "nn.ReLU": ("output", "output"),
    **{f"nn.{name}": ("input", "input") for name in ("ReLU6", "Hardtanh", "Hardswish", "Hardsigmoid")},
    **{f"nn.{name}": ("input", "input") for name in ("SiLU", "Mish", "Threshold")},
    **{f"nn.{name}": ("input", "output") for name in ("ELU", "SELU", "CELU", "LeakyReLU")},
    **{f"nn.{name}": ("input", "") for name in ("GELU", "Softplus", "Softshrink", "Hardshrink")},
    **{f"nn.{name}": ("output", "") for name in ("Sigmoid", "Tanh")},
    **{f"Tensor.{name}": ("input", "") for name in _OF_INPUT.split()},
    **{f"Tensor.{name}": ("output", "") for name in _OF_OUTPUT.split()},
    **{f"Tensor.{name}": ("", "") for name in ("sign", "floor", "ceil", "round", "trunc")},
    "operator.neg": ("", ""),
}
"""What functions of one tensor keep: as they are, and in place."""
_FRACTIONS = frozenset(_OF_INPUT.split()[2:-1] + _OF_OUTPUT.split())
"""Functions that make fractions of whole numbers."""


def _pointwise(c: Running) -> Strided:
    keeps, in_place = _POINTWISE[c.name]
    if c.args.get("inplace"):
        return pointwise.in_place(c.t, c.x, in_place)
    if not c.x.is_float and c.name.rpartition(".")[2] in _FRACTIONS:
        return c.t.new(c.x.sizes, c.t.dtype)
    return pointwise.function(c.t, c.x, keeps, exact=c.name in ("nn.ReLU6", "nn.Hardtanh"))


def _log_sigmoid(c: Running) -> Strided:
    return c.t.noted("log_sigmoid", (c.x,), c.t.new(c.x.sizes, c.x.dtype), c.x, c.t.like(c.x))


def _rrelu(c: Running) -> Strided:
    noise = c.t.like(c.x)
    if c.args.get("inplace"):
        made = Strided(c.x.storage, c.x.sizes, c.x.strides, c.x.dtype)
        return c.t.noted("rrelu", (c.x,), made, noise, made)
    return c.t.noted("rrelu", (c.x,), c.t.new(c.x.sizes, c.x.dtype), c.x, noise)


def _softsign(c: Running) -> Strided:
    size = pointwise.function(c.t, c.x, "input", "abs")
    return pointwise.divide(c.t, c.x, pointwise.with_number(c.t, size, "add", 1, first=False))


def _tanhshrink(c: Running) -> Strided:
    return pointwise.add(c.t, c.x, pointwise.function(c.t, c.x, "output", "tanh"))


def _prelu(c: Running) -> Strided:
    x, weight = c.t.lower(c.x), c.t.lower(c.weights["weight"])
    return c.t.noted("prelu", (x, weight), c.t.like(x), x, weight)


def _softmax(c: Running) -> Strided:
    return attention.softmax(c.t, c.x)


def _softmin(c: Running) -> Strided:
    return attention.softmax(c.t, pointwise.function(c.t, c.x, "", "neg"))


def _glu(c: Running) -> Strided:
    (dim,) = c.dims(c.args.get("dim", -1))
    sizes = tuple(n // 2 if i == dim else n for i, n in enumerate(c.x.sizes))
    half = replace(c.x, sizes=sizes)
    return c.t.noted("glu", (c.x,), c.t.new(sizes, c.x.dtype, strides_of(sizes, half, half)), c.x)


def _long(c: Running) -> Strided:
    return c.x if c.x.dtype == "int64" else c.t.like(c.x, "int64")


def _dropout(c: Running, *, channels: bool = False, alpha: bool = False, rank: int = 0) -> Strided:
    """Of a sample without a batch, PyTorch takes the first axis for the channels: so do modules for sequences and for
    volumes wherever the number of axes is another one.
    """
    p, inplace = c.args.get("p", 0.5), bool(c.args.get("inplace"))
    count = 0 if not channels else 1 if rank and c.x.dim != rank + 2 else 2
    return pointwise.dropout(c.t, c.x, p, own=count, alpha=alpha, inplace=inplace)


def _stochastic_depth(c: Running) -> Strided:
    """Ones, dropped out, times the input."""
    rows = c.x.sizes[0] if c.args.get("mode", "row") == "row" else 1
    ones = c.t.new((rows, *(1,) * (c.x.dim - 1)), c.x.dtype)
    return pointwise.multiply(c.t, c.x, ones)


_OPERATORS = {"add": pointwise.add, "sub": pointwise.add, "mul": pointwise.multiply, "truediv": pointwise.divide}


def _operator(c: Running, *, turned: bool = False) -> Strided:
    kind = c.name.rpartition(".")[2]
    number = next(iter(c.args.values()), None)
    if kind == "gt":
        return pointwise.compare(c.t, c.x)
    if kind == "matmul":
        return products.matmul(c.t, c.x, c.xs[1])
    function = pointwise.power if kind == "pow" else _OPERATORS[kind]
    made, *others = c.xs
    for each in others:
        made = function(c.t, made, each)
    return made if number is None else pointwise.with_number(c.t, made, kind, number, first=turned)


def _bound(c: Running) -> Strided:
    made, *others = c.xs
    for each in others:
        made = pointwise.bound(c.t, made, each)
    return made


def _where(c: Running) -> Strided:
    return pointwise.where(c.t, c.x, c.xs[1], c.xs[2] if len(c.xs) > 2 else None)


def _concat(c: Running) -> Strided:
    return attention.concat(c.t, c.xs, c.dims(c.args["dim"])[0])


def _stack(c: Running) -> Strided:
    return recurrent.stack(c.t, c.xs, c.args["dim"] % (c.x.dim + 1))


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_POINTWISE, _pointwise),
    "nn.LogSigmoid": _log_sigmoid,
    "nn.RReLU": _rrelu,
    "nn.Softsign": _softsign,
    "nn.Tanhshrink": _tanhshrink,
    "nn.PReLU": _prelu,
    **dict.fromkeys(("nn.Softmax", "nn.LogSoftmax", "nn.Softmax2d"), _softmax),
    "nn.Softmin": _softmin,
    "nn.GLU": _glu,
    "Tensor.long": _long,
    "nn.Dropout": _dropout,
    **{f"nn.Dropout{n}d": partial(_dropout, channels=True, rank=n % 2 and n) for n in (1, 2, 3)},
    "nn.AlphaDropout": partial(_dropout, alpha=True),
    "nn.FeatureAlphaDropout": partial(_dropout, channels=True, alpha=True),
    "torchvision.ops.StochasticDepth": _stochastic_depth,
    **{f"operator.{name}": _operator for name in ("gt", "matmul", "add", "sub", "mul", "truediv", "pow")},
    **dict.fromkeys(("torch.maximum", "torch.minimum"), _bound),
    "torch.where": _where,
    "torch.cat": _concat,
    "torch.stack": _stack,
}
