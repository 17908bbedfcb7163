"""Operators that files have in several nodes and layers as one: a dense layer with its bias, and activations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.values import StoredTensor


def simplified(nodes: Sequence[FileNode], stored: Mapping[str, StoredTensor], outputs: Sequence[str]) -> list[FileNode]:
    """The nodes with a product and the sum that follows it as one, and `x · sigmoid(x)` as one."""
    uses = Counter(name for node in nodes for name in (*node.inputs, *node.captured))
    uses.update(outputs)
    makers = {name: node for node in nodes for name in node.outputs}
    gone: set[FileNode] = set()
    for node in nodes:
        if node.op == "Add" and len(node.inputs) == 2 and node.is_own:
            _with_bias(node, stored, uses, makers, gone)
        elif node.op == "Mul" and len(node.inputs) == 2 and node.is_own:
            _with_sigmoid(node, uses, makers, gone)
    return [node for node in nodes if node not in gone]


def _with_bias(
    node: FileNode,
    stored: Mapping[str, StoredTensor],
    uses: Mapping[str, int],
    makers: Mapping[str, FileNode],
    gone: set[FileNode],
) -> None:
    """Make a sum of a product with weights and a bias the product with both."""
    for product, shift in (node.inputs, reversed(node.inputs)):
        made, bias = makers.get(product), stored.get(shift)
        if made is None or bias is None or made.op != "MatMul" or uses[product] > 1 or len(made.inputs) != 2:
            continue
        weight = stored.get(made.inputs[1])
        if weight is not None and len(weight.sizes) == 2 and bias.sizes == weight.sizes[1:] and made.is_own:
            node.op, node.inputs = "MatMul", [*made.inputs, shift]
            node.name, node.scope, node.own = made.name, made.scope, made.own
            gone.add(made)
            return


def _with_sigmoid(node: FileNode, uses: Mapping[str, int], makers: Mapping[str, FileNode], gone: set[FileNode]) -> None:
    for x, gate in (node.inputs, reversed(node.inputs)):
        made = makers.get(gate)
        if made is not None and made.op == "Sigmoid" and made.inputs == [x] and uses[gate] == 1 and made.is_own:
            node.op, node.inputs = "Silu", [x]
            gone.add(made)
            return
