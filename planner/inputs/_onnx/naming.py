"""LayerNames of layers: those of their weights where these tell them, or those of nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.values import StoredTensor

LONGEST = 60
_ENDING = re.compile(
    r"(?P<head>.*?)[._/:]+(?P<own>weights?|w|kernel|filter|gamma|scale|s|slope)(?:[_:]?\d+)?", re.IGNORECASE
)
_ODD = re.compile(r"[^\w-]+")
_NUMBERED = re.compile(r"(onnx::)?[A-Za-z]*_?\d+|val_\d+|.*_output_\d+")
"""LayerNames that an exporter makes up."""
RESERVED = {"input"}


class LayerNames:
    """The names that layers and weights have got so far.

    leaves  those of layers and of weights that stand by themselves, and for which weights they are
    inner   those of lists, in which others stand
    """

    def __init__(self, reserved: Sequence[str]) -> None:
        self.leaves: dict[str, object] = {}
        self.inner: set[str] = set()
        self.reserved = {*RESERVED, *reserved}

    def layer(self, node: FileNode, weight: StoredTensor) -> str:
        """The name of a layer with weights; the same for all that have the same."""
        head, own = _parted(weight.name)
        if own and "." in weight.name:
            parts = head.split(".")
        elif node.scope:
            parts = list(node.scope)
        elif not _NUMBERED.fullmatch(weight.name) and head:
            parts = re.split(r"[./]", head)
        else:
            parts = [node.own or node.op.lower()]
        return self.unused(parts, (weight.name, node.op))

    def tensor(self, stored: StoredTensor) -> str:
        """The name of a weight that stands by itself."""
        return self.unused(re.split(r"[./]", stored.name), stored.name)

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
        while self.leaves.get(name, key) != key or name in self.inner or name in self.reserved:
            number += 1
            name = f"{base}_{number}"
        self.leaves[name] = key
        pieces = name.split(".")
        self.inner.update(".".join(pieces[:at]) for at in range(1, len(pieces)))
        return name

    def plain(self, part: str) -> str:
        """A part of a name without what names cannot have."""
        found = _ODD.sub("_", part).strip("_")[:LONGEST]
        return f"{found}_" if found in self.reserved else found


def _parted(name: str) -> tuple[str, str]:
    """The name of a weight as that of its layer and its own."""
    found = _ENDING.fullmatch(name)
    return (found["head"], found["own"]) if found else (name, "")
