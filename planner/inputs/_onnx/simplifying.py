"""Operators that files have in several nodes and layers as one: a dense layer with its bias, activations, and
normalization by groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isclose, sqrt

from planner.inputs._graph import NotSayable
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.values import StoredTensor


def simplified(nodes: Sequence[FileNode], stored: dict[str, StoredTensor], outputs: Sequence[str]) -> list[FileNode]:
    """The nodes of a graph, of which several that are one layer have become one node. Weights that stand for others by
    their names are added to those that are stored.
    """
    kept = [node for node in nodes if not _is_other_name(node, stored)]
    found = _Simplified(kept, stored, outputs)
    for node in kept:
        if node.is_own and len(node.inputs) == 2 and node.op in ("Add", "Mul"):
            found.look(node)
    return [node for node in kept if node not in found.gone]


def _is_other_name(node: FileNode, stored: dict[str, StoredTensor]) -> bool:
    """Whether a node gives weights another name, as those of the same numbers have; the name is then kept."""
    if node.op != "Identity" or not node.is_own or len(node.inputs) != 1 or node.inputs[0] not in stored:
        return False
    (name,) = node.outputs
    stored[name] = replace(stored[node.inputs[0]], name=name)
    return True


class _Simplified:
    """A search for nodes that are one.

    gone  nodes that others now do the work of
    """

    def __init__(self, nodes: Sequence[FileNode], stored: Mapping[str, StoredTensor], outputs: Sequence[str]) -> None:
        self.stored = dict(stored)
        self.uses = Counter(name for node in nodes for name in (*node.inputs, *node.captured))
        self.uses.update(outputs)
        self.makers = {name: node for node in nodes for name in node.outputs if node.is_own}
        self.gone: set[FileNode] = set()
        self.constants = {
            node.outputs[0]: node for node in nodes if node.op == "Constant" and node.is_own and len(node.outputs) == 1
        }

    def look(self, node: FileNode) -> None:
        looks = (self.bias, self.group_norm) if node.op == "Add" else (self.silu, self.gelu)
        for look in looks:
            if any(look(node, *pair) for pair in (node.inputs, node.inputs[::-1])):
                return

    def only(self, name: str, op: str, count: int) -> FileNode | None:
        """The node of an operator with so many inputs that gives a tensor which nothing else reads."""
        made = self.makers.get(name)
        right = made is not None and made.op == op and len(made.inputs) == count and self.uses[name] == 1
        return made if right else None

    def become(self, node: FileNode, op: str, inputs: Sequence[str], *others: FileNode) -> bool:
        """Make a node another one, which does the work of others too, and is called as the first of these."""
        first = others[0]
        node.op, node.inputs = op, list(inputs)
        node.attributes, node.name, node.scope, node.own = first.attributes, first.name, first.scope, first.own
        self.gone.update(others)
        return True

    def number(self, name: str) -> float | None:
        """The number that a tensor of one holds; None for another tensor."""
        found = self.constant(name)
        try:
            return float(found.numbers.reshape(-1)[0]) if found is not None and not any(found.sizes) else None
        except NotSayable:
            return None

    def constant(self, name: str) -> StoredTensor | None:
        """A tensor that the file has, among its weights or in a node."""
        if name in self.constants and name not in self.stored:
            from planner.inputs._onnx.network import stored_of

            tensor = self.constants[name].get("value")
            return None if tensor is None else stored_of(tensor, name)
        return self.stored.get(name)

    # What is one

    def bias(self, node: FileNode, product: str, shift: str) -> bool:
        """A product with weights, and a bias."""
        made, bias = self.only(product, "MatMul", 2), self.stored.get(shift)
        weight = self.stored.get(made.inputs[1]) if made is not None else None
        if made is None or bias is None or weight is None or len(weight.sizes) != 2 or bias.sizes != weight.sizes[1:]:
            return False
        return self.become(node, "MatMul", [*made.inputs, shift], made)

    def silu(self, node: FileNode, x: str, gate: str) -> bool:
        """The product of x and sigmoid(x)."""
        made = self.only(gate, "Sigmoid", 1)
        return made is not None and made.inputs == [x] and self.become(node, "Silu", [x], made)

    def gelu(self, node: FileNode, product: str, half: str) -> bool:
        """The product x · (1 + erf(x / √2)) · ½, which is GELU."""
        outer = self.only(product, "Mul", 2)
        if outer is None or self.number(half) != 0.5:
            return False
        for x, rest in (outer.inputs, outer.inputs[::-1]):
            plus = self.only(rest, "Add", 2)
            erf = (
                next((e for each in plus.inputs if (e := self.only(each, "Erf", 1))), None)
                if plus is not None
                else None
            )
            over = self.only(erf.inputs[0], "Div", 2) if erf is not None else None
            if plus is None or erf is None or over is None or over.inputs[0] != x:
                continue
            by = self.number(over.inputs[1])
            if 1.0 in map(self.number, plus.inputs) and by is not None and isclose(by, sqrt(2), rel_tol=1e-5):
                return self.become(node, "Gelu", [x], over, erf, plus, outer)
        return False

    def group_norm(self, node: FileNode, product: str, shift: str) -> bool:
        """Group normalization: reshaped to groups, each normalized, reshaped back, scaled and shifted by channels."""
        scaled = self.only(product, "Mul", 2)
        if scaled is None or not self.is_by_channel(shift):
            return False
        for back, scale in (scaled.inputs, scaled.inputs[::-1]):
            reshaped = self.only(back, "Reshape", 2)
            norm = self.only(reshaped.inputs[0], "InstanceNormalization", 3) if reshaped is not None else None
            groups = self.only(norm.inputs[0], "Reshape", 2) if norm is not None else None
            if reshaped is None or norm is None or groups is None or not self.is_by_channel(scale):
                continue
            target = self.constant(groups.inputs[1])
            plain = all(self.is_filled(name, fill) for name, fill in zip(norm.inputs[1:], (1.0, 0.0), strict=True))
            if target is not None and target.sizes == (3,) and plain:
                x, target_name = groups.inputs
                return self.become(
                    node,
                    "GroupNorm",
                    [x, target_name, reshaped.inputs[1], scale, shift],
                    norm,
                    groups,
                    reshaped,
                    scaled,
                )
        return False

    def is_by_channel(self, name: str) -> bool:
        """Whether weights are (C, 1, …): one for each channel."""
        found = self.stored.get(name)
        return found is not None and len(found.sizes) > 1 and set(found.sizes[1:]) == {1}

    def is_filled(self, name: str, fill: float) -> bool:
        found = self.constant(name)
        try:
            return found is not None and bool((found.numbers == fill).all())
        except NotSayable:
            return False
