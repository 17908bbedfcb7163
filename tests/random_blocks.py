"""Random model files of blocks: parameters, repetitions, conditions, lists in place, names of every kind.

All layers keep the height and width of an image, so that any order of them fits; where branches meet, a 1×1 convolution
brings them to the same channels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

Entry = dict[str, Any]

WIDTHS = ["$width", "2 * $width", "$width + 2", 4, 6, "$base", "$width if $flag else 2 * $width"]
NAMES = ["conv", "a", "b2", "in", "0x", "b-1", "self", "forward", "x", "out", "Übung", "class", "block"]


def model(random: Random) -> Entry:
    """A model file with a few blocks that call one another."""
    made = _Making(random)
    for depth in range(random.randint(1, 4)):
        made.blocks[f"block_{depth}"] = made.block()
    layers = made.listing(made.random.randint(2, 4), in_block=False)
    return {
        "name": random.choice(["net", "Net 3", "class"]),
        "input": [6, 6, random.choice([1, 3, 4])],
        "params": {"base": random.choice([2, 4, 6])},
        "layers": layers,
        "blocks": made.blocks,
    }


class _Making:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.blocks: dict[str, Entry] = {}

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def block(self) -> Entry:
        params: Entry = {"width": None, "n": self.random.choice([1, 2, 3]), "flag": self.random.choice([True, False])}
        if self.chance(0.3):
            params["act"] = self.random.choice(["ReLU", "SiLU"])
        return {"params": params, "layers": self.listing(self.random.randint(1, 5), in_block=True, params=params)}

    def listing(self, count: int, *, in_block: bool, params: Entry | None = None, depth: int = 0) -> list[Entry]:
        """A list of layers: with names or without; with names it may have branches."""
        named = self.chance(0.6)
        entries: list[Entry] = []
        for _ in range(count):
            entry = self.entry(in_block, params or {}, depth)
            if named and self.chance(0.6):
                name = self.random.choice(NAMES)
                if name not in [each.get("name") for each in entries]:
                    entry["name"] = name
            self.vary(entry, entries, in_block, named)
            entries.append(entry)
        if self.chance(0.5):
            entries += self.meeting(entries, in_block, named)
        return entries

    def width(self, in_block: bool) -> Any:
        return self.random.choice(WIDTHS if in_block else [2, 4, 6, "$base", "2 * $base"])

    def entry(self, in_block: bool, params: Entry, depth: int) -> Entry:
        kinds: list[Callable[[], Entry]] = [
            lambda: {"type": "Conv2d", "out_channels": self.width(in_block), "kernel_size": 3, "padding": 1},
            lambda: {"type": "Conv2d", "kernel_size": 3, "padding": "tf_same", "groups": "depthwise"},
            lambda: {"type": "Linear", "out_features": self.width(in_block)},
            lambda: {"type": self.random.choice(["BatchNorm2d", "LayerNorm", "ReLU", "GELU", "Dropout"])},
            lambda: {"type": "ReLU"},
            lambda: {"type": "Conv2d", "out_channels": 4, "kernel_size": 2, "padding": [[0, 1], [1, 0]]},
        ]
        if "act" in params:
            kinds.append(lambda: {"type": "$act"})
        if depth < 2:
            kinds.append(lambda: {"layers": self.listing(2, in_block=in_block, params=params, depth=depth + 1)})
        for name in self.blocks:
            kinds += [partial(self.call, name, in_block)] * 2
        return self.random.choice(kinds)()

    def call(self, name: str, in_block: bool) -> Entry:
        entry: Entry = {"type": name, "width": self.width(in_block)}
        params = self.blocks[name]["params"]
        if self.chance(0.4):
            entry["n"] = self.random.choice([0, 1, 2, "$n + 1" if in_block else 3])
        if self.chance(0.4):
            entry["flag"] = self.random.choice([True, False, "not $flag" if in_block else True])
        if "act" in params and self.chance(0.5):
            entry["act"] = self.random.choice(["Tanh", "Hardswish"])
        return entry

    def vary(self, entry: Entry, before: list[Entry], in_block: bool, named: bool) -> None:
        """Repetitions, conditions, and names that are worked out."""
        if self.chance(0.25):
            entry["repeat"] = self.random.choice([1, 2, 3, *(["$n", "$n - 1"] if in_block else [])])
            if named and self.chance(0.4):
                entry["name"] = f"layer{len(before)}_${{index + 1}}"
        if in_block and self.chance(0.2):
            entry["when"] = self.random.choice(["$flag", "not $flag", "$n > 1"])

    def meeting(self, before: list[Entry], in_block: bool, named: bool) -> list[Entry]:
        """Branches that meet: a sum, a gate, a concatenation, halves."""
        width = self.width(in_block)
        last = next(
            (each["name"] for each in reversed(before[-1:]) if "name" in each and "$" not in each["name"]), None
        )
        kind = self.random.choice(["sum", "growth", "gate", "halves"])
        if kind == "halves":
            return [
                {"name": "parts", "type": "Conv2d", "out_channels": 6, "kernel_size": 1},
                {"name": "two", "type": "Chunk", "chunks": 2},
                {"name": "one", "type": "Conv2d", "out_channels": width, "kernel_size": 1, "from": "two.1"},
                {"type": "Concat", "from": ["one", "two.0"]},
            ]
        body = {"name": "body", "type": "Conv2d", "out_channels": width, "kernel_size": 1}
        if last is not None:
            body["from"] = last
        if kind == "growth":
            return [body, {"type": "Concat", "from": ["input", "body"]}]
        if kind == "gate":
            pool = {"name": "pool", "type": "AdaptiveAvgPool2d", "output_size": 1}
            return [body, pool, {"type": "Sigmoid"}, {"type": "Multiply", "from": ["body", "sigmoid"]}]
        side = {"name": "side", "type": "Conv2d", "out_channels": width, "kernel_size": 1, "from": "input"}
        total: Entry = {"type": "Add", "from": ["body", "side"]}
        if in_block and self.chance(0.3):
            total["when"] = "$flag"
        return [body, side, total]
