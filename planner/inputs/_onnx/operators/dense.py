"""Products with weights, normalizations, embeddings and recurrent layers."""

from __future__ import annotations

from typing import Any

from planner.inputs._axes import Factor, Traced
from planner.inputs._graph import NotSayable, Output
from planner.inputs._onnx.building import OnnxBuilder
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.operators import operator
from planner.inputs._onnx.values import StoredTensor, Value
from planner.inputs.operations._arguments import chosen
from planner.inputs.operations.windows import as_map


@operator("MatMul")
def matmul(b: OnnxBuilder, node: FileNode, x: Value, y: Value, bias: Value | None = None) -> Traced:
    """A product; with weights that the file has, it is a dense layer. `bias` comes from a sum that follows."""
    if isinstance(x, Traced) and isinstance(y, StoredTensor) and len(y.sizes) == 2:
        return _dense(b, x, y, bias, turned=True)
    found: Traced = b.torch("matmul", b.operand(x), b.operand(y))
    return found if bias is None else b.torch("add", found, b.operand(bias))


def _dense(b: OnnxBuilder, x: Traced, weight: StoredTensor, bias: Value | None, *, turned: bool) -> Traced:
    path = b.path(weight, bias)
    own = b.held(path, "weight", weight, (1, 0) if turned else None)
    found: Traced = b.torch("linear", x, own, b.held(path, "bias", bias))
    return found


@operator("Gemm")
def gemm(b: OnnxBuilder, node: FileNode, x: Value, y: Value, c: Value | None = None) -> Traced:
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    left = b.operand(x)
    if not isinstance(left, Traced) or left.rank != 2:
        raise NotSayable("a product of what is no matrix")
    if node.get("transA", 0):
        left = left.with_dims(reversed(left.dims))
    straight = bool(node.get("transB", 0))
    if isinstance(y, StoredTensor) and len(y.sizes) == 2:
        width = y.sizes[0] if straight else y.sizes[1]
        own = isinstance(c, StoredTensor) and c.sizes == (width,) and alpha == beta == 1
        found = _dense(b, left, y, c if own else None, turned=not straight)
        c = None if own else c
    else:
        right = b.tensor(y)
        found = b.torch("matmul", left, right.with_dims(reversed(right.dims)) if straight else right)
    found = found if alpha == 1 else b.torch("mul", found, alpha)
    if c is None:
        return found
    shift = b.operand(c)
    result: Traced = b.torch("add", found, shift if beta == 1 else b.torch("mul", shift, beta))
    return result


@operator("BatchNormalization")
def batch_normalization(
    b: OnnxBuilder, node: FileNode, x: Value, scale: Value, bias: Value, mean: Value, var: Value
) -> Traced:
    if node.get("training_mode", 0) or node.get("spatial", 1) != 1:
        raise NotSayable("batch normalization by the batch, or of each cell by itself")
    path = b.path(scale, bias)
    held = {"weight": scale, "bias": bias, "running_mean": mean, "running_var": var}
    mean_, var_ = (b.held(path, name, held[name]) for name in ("running_mean", "running_var"))
    weight, shift = (b.held(path, name, held[name]) for name in ("weight", "bias"))
    found: Traced = b.torch("batch_norm", b.tensor(x), mean_, var_, weight, shift, eps=node.get("epsilon", 1e-5))
    return found


@operator("InstanceNormalization")
def instance_normalization(b: OnnxBuilder, node: FileNode, x: Value, scale: Value, bias: Value) -> Traced:
    image = b.first(b.tensor(x))
    rank = len(image.axes) - 1
    path = b.path(scale, bias)
    b.held(path, "weight", scale)
    b.held(path, "bias", bias)
    arguments = {"affine": True} | chosen({"eps": (node.get("epsilon", 1e-5), 1e-5)})
    return as_map(b, b.step(f"InstanceNorm{rank}d", arguments, [image], path=path), image)


@operator("LayerNormalization")
def layer_normalization(b: OnnxBuilder, node: FileNode, x: Value, scale: Value, bias: Value | None = None) -> Traced:
    tensor = b.tensor(x)
    if len(node.outputs) > 1 and any(name in b.read for name in node.outputs[1:]):
        raise NotSayable("layer normalization that gives its mean")
    if tensor.dim(node.get("axis", -1)) != tensor.rank - 1:
        raise NotSayable("layer normalization over several dimensions")
    sizes = [b.sizes(x)[0][-1]]
    path = b.path(scale, bias)
    held = b.held(path, "weight", scale), b.held(path, "bias", bias)
    found: Traced = b.torch("layer_norm", tensor, sizes, *held, eps=node.get("epsilon", 1e-5))
    return found


@operator("RMSNormalization")
def rms_normalization(b: OnnxBuilder, node: FileNode, x: Value, scale: Value) -> Traced:
    tensor = b.tensor(x)
    if tensor.dim(node.get("axis", -1)) != tensor.rank - 1:
        raise NotSayable("normalization over several dimensions")
    path = b.path(scale)
    held = b.held(path, "weight", scale)
    found: Traced = b.torch("rms_norm", tensor, [b.sizes(x)[0][-1]], held, node.get("epsilon", 1e-5))
    return found


@operator("GroupNormalization")
def group_normalization(b: OnnxBuilder, node: FileNode, x: Value, scale: Value, bias: Value) -> Traced:
    weight = b.weight(scale)
    if b.opset < 21 and weight.sizes != (b.sizes(x)[0][1],):
        raise NotSayable("group normalization with a scale for each group")
    path = b.path(scale, bias)
    held = b.held(path, "weight", scale), b.held(path, "bias", bias)
    found: Traced = b.torch("group_norm", b.tensor(x), node.get("num_groups"), *held, eps=node.get("epsilon", 1e-5))
    return found


@operator("GroupNorm")
def group_norm(
    b: OnnxBuilder, node: FileNode, x: Value, groups: Value, back: Value, scale: Value, bias: Value
) -> Traced:  # fmt: skip
    """Group normalization, which files have as one of instances between two reshapes, a scale and a shift."""
    sizes = b.sizes(x)
    count = b.whole(groups)[1]
    if any(
        tuple(int(n) or own[i] for i, n in enumerate(e)) != own for e, own in zip(b.numbers(back), sizes, strict=True)
    ):
        raise NotSayable("group normalization that is reshaped")
    path = b.path(scale, bias)
    weight, shift = (_flat(b, each) for each in (scale, bias))
    held = b.held(path, "weight", weight), b.held(path, "bias", shift)
    found: Traced = b.torch("group_norm", b.tensor(x), count, *held, eps=node.get("epsilon", 1e-5))
    return found


def _flat(b: OnnxBuilder, value: Value) -> StoredTensor:
    """A weight for each channel, (C, 1, 1), in one dimension."""
    own = b.weight(value)
    return StoredTensor(own.name, own.sizes[:1], own.kind, own.proto, own.fill, own.array, own.turned, own.trained)


@operator("LRN")
def local_response_normalization(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    if not node.get("size", 0) % 2:
        raise NotSayable("local response normalization over an even number of channels")
    given = {"alpha": (node.get("alpha", 1e-4), 1e-4), "beta": (node.get("beta", 0.75), 0.75)}
    arguments = {"size": node.get("size")} | chosen({**given, "k": (node.get("bias", 1.0), 1.0)})
    image = b.first(b.tensor(x))
    return as_map(b, b.step("LocalResponseNorm", arguments, [image]), image)


@operator("PRelu")
def prelu(b: OnnxBuilder, node: FileNode, x: Value, slope: Value) -> Traced:
    weight = b.weight(slope)
    image = b.first(b.tensor(x))
    channels = b.sizes(x)[0][1]
    count = max(weight.sizes, default=1)
    spread = (count, *[1] * (image.rank - 2))
    if count != 1 and (count != channels or weight.sizes != spread):
        raise NotSayable("slopes for single cells")
    path = b.path(slope)
    b.origins[f"{path}.weight"] = weight
    arguments = {} if count == 1 else {"num_parameters": count}
    return as_map(b, b.step("PReLU", arguments, [image], path=path), image)


# Recurrent layers


@operator("LSTM", "GRU", "RNN")
def recurrent(
    b: OnnxBuilder, node: FileNode, x: Value, w: Value, r: Value, bias: Value | None = None,
    lengths: Value | None = None, *states: Value | None,
) -> tuple[Traced, ...]:  # fmt: skip
    """A layer on (L, N, C): all outputs (L, directions, N, H), and the last states (directions, N, H)."""
    plain = not node.get("layout", 0) and node.get("clip") is None and not node.get("input_forget", 0)
    if lengths is not None or not plain or not all(_are_zeros(b, each) for each in states):
        raise NotSayable(f"{node.op} with a first state, with lengths or with bounds")
    kinds = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}[node.op]
    backwards, both = node.get("direction", "forward") == "reverse", node.get("direction") == "bidirectional"
    if backwards or (node.get("activations") or kinds) not in (kinds, kinds * 2):
        raise NotSayable(f"{node.op} backwards, or with functions of its own")
    if node.op == "GRU" and not node.get("linear_before_reset", 0):
        raise NotSayable("a GRU whose gate is applied before the product")
    tensor = b.last(b.tensor(x))
    if len(tensor.axes) != 2 or tensor.rank != 3 or tensor.dims[1] != (b.batch,):
        raise NotSayable(f"{node.op} on axes that are folded into the batch")
    hidden = b.weight(r).sizes[-1]
    path = b.path(w)
    b.origins |= {f"{path}.{name}": b.weight(each) for name, each in (("W", w), ("R", r), ("B", bias)) if each}
    arguments = {"hidden_size": hidden} | chosen({"bias": (bias is not None, True), "bidirectional": (both, False)})
    step = b.step(node.op, arguments, [tensor], path=path)
    return _unrolled(b, node, step, tensor, hidden, both)


def _unrolled(b: OnnxBuilder, node: FileNode, step: Any, x: Traced, hidden: int, both: bool) -> tuple[Traced, ...]:
    runs = b.runs
    way, width = ((Factor((2,) * runs),) if both else ()), Factor((hidden,) * runs)
    y = Traced(Output(step), (x.axes[0], (*way, width)), (x.dims[0], way, (b.batch,), (width,)), b.batch)
    last = [
        b.output(step, lambda axes: (axes[0], (b.batch,), axes[1]), i) for i in range(1, 3 if node.op == "LSTM" else 2)
    ]
    return (y, *last)


def embedded(b: OnnxBuilder, indices: Traced, table: StoredTensor) -> Traced:
    """A vector of a table for each number."""
    path = b.path(table)
    found: Traced = b.torch("embedding", indices, b.held(path, "weight", table))
    return found


def is_table(value: Value) -> bool:
    return isinstance(value, StoredTensor) and value.kind == "float" and len(value.sizes) == 2


def _are_zeros(b: OnnxBuilder, value: Value | None) -> bool:
    """Whether a value is nothing but zeros, or is left out."""
    return value is None or (not isinstance(value, Traced) and not any(each.any() for each in b.numbers(value)))
