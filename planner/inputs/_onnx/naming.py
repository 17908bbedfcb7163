"""Names of layers: those of their weights where these tell them, or those of nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.values import StoredTensor

LONGEST = 60
_ENDING = re.compile(
    r"(?P<head>.*?)[._/:]+(?P<own>weights?|w|kernel|filter|gamma|scale|s|slope|bias|b)(?:[_:]?\d+)?", re.IGNORECASE
)
_ODD = re.compile(r"[^\w-]+")
_NUMBERED = re.compile(r"(onnx::)?[A-Za-z]*_?\d+|val_\d+|.*_output_\d+")
"""Names that an exporter makes up."""
RESERVED = {"input"}


class LayerNames:
    """The names that layers and weights have got so far.

    leaves  those of layers and of weights that stand by themselves, and for which weights they are
    inner   those of lists, in which others stand
    """

    def __init__(self) -> None:
        self.leaves: dict[str, object] = {}
        self.inner: set[str] = set()

    def layer(self, node: FileNode, weights: Sequence[StoredTensor]) -> str:
        """The name of a layer with weights; the same for all that have the same."""
        key = (weights[0].first, node.op)
        for each in weights:
            head, own = _parted(each.name)
            parts = tuple(head.split("."))
            if own and "." in each.name and parts[: len(node.scope or ())] == (node.scope or ()):
                return self.unused(parts, key)
        head, own = _parted(weights[0].name)
        if node.scope:
            return self.unused(node.scope, key)
        if head and not _NUMBERED.fullmatch(weights[0].name):
            return self.unused(re.split(r"[./]", head), key)
        return self.unused([node.own or node.op.lower()], key)

    def tensor(self, node: FileNode, stored: StoredTensor) -> str:
        """The name of a weight that stands by itself. A module reads its own weights, or those of what it is part of;
        others are those of a module that has the same numbers, which exporters then keep once.
        """
        parts = re.split(r"[./]", stored.name)
        if node.scope and (_NUMBERED.fullmatch(stored.name) or node.scope[: len(parts) - 1] != tuple(parts[:-1])):
            parts = [*node.scope, node.op.lower() if _NUMBERED.fullmatch(stored.name) else parts[-1]]
        return self.unused(parts, stored.name)

    def unused(self, parts: Sequence[str], key: object) -> str:
        """A name of parts that nothing else has: the same for the same key."""
        plain = [part for part in map(self.plain, parts) if part] or ["layer"]
        for at in range(1, len(plain)):  # what has weights has no layers within
            if ".".join(plain[:at]) in self.leaves:
                plain = [*plain[: at - 1], "_".join(plain[at - 1 :])]
                break
        base = ".".join(plain)
        number = 0
        name = base
        while self.leaves.get(name, key) != key or name in self.inner or name in RESERVED:
            number += 1
            name = f"{base}_{number}"
        self.leaves[name] = key
        pieces = name.split(".")
        self.inner.update(".".join(pieces[:at]) for at in range(1, len(pieces)))
        return name

    def plain(self, part: str) -> str:
        """A part of a name without what names cannot have."""
        found = _ODD.sub("_", part).strip("_")[:LONGEST]
        return f"{found}_" if found in RESERVED else found


def _parted(name: str) -> tuple[str, str]:
    """The name of a weight as that of its layer and its own."""
    found = _ENDING.fullmatch(name)
    return (found["head"], found["own"]) if found else (name, "")
