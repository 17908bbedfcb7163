"""Small networks of the kinds in which the axes of inputs depend on one another, with shapes to start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Layers = list[dict[str, Any]]


@dataclass(frozen=True)
class Coupled:
    """A network: three sets of shapes to start from, one for each input, its layers, and its outputs."""

    starts: list[list[list[int]]]
    layers: Layers
    inputs: tuple[str, ...] = ("input",)
    outputs: tuple[str, ...] = ()

    def mapping(self, start: int = 0) -> Mapping[str, Any]:
        shapes = dict(zip(self.inputs, self.starts[start], strict=True))
        said = {"outputs": list(self.outputs)} if self.outputs else {}
        return {"input": shapes, "layers": self.layers, **said}


def conv(rank: int, **options: Any) -> dict[str, Any]:
    return {"type": f"Conv{rank}d", "out_channels": 4, "kernel_size": 3, **options}


STRIDED = conv(2, stride=2, padding=1)
POOL = {"type": "MaxPool2d", "kernel_size": 2}
TOKENS = {"type": "Flatten", "start_dim": 2}
TURN = {"type": "Permute", "dims": [0, 1, 3, 2]}
TABLE = {"type": "Parameter", "shape": [48, 4], "batch": True, "channels_last": True}


def one(starts: list[list[int]], layers: Layers) -> Coupled:
    return Coupled([[each] for each in starts], layers)


NETWORKS: dict[str, Coupled] = {
    "a dense layer of fixed width": one(
        [[32, 24, 3], [33, 40, 3], [7, 500, 3]],
        [STRIDED, POOL, {"type": "Flatten"}, {"type": "Linear", "in_features": 192, "out_features": 5}],
    ),
    "a table of positions": one(
        [[12, 16, 3], [64, 9, 3], [100, 100, 3]],
        [
            POOL,
            conv(2, kernel_size=1),
            TOKENS | {"name": "t"},
            TABLE | {"name": "w"},
            {"type": "Add", "from": ["t", "w"]},
        ],
    ),
    "a strided convolution on the tokens": one(
        [[20, 30, 4], [21, 31, 4], [3, 3, 4]],
        [POOL, TOKENS, conv(1, kernel_size=5, stride=2), {"type": "Unflatten", "dim": 2, "unflattened_size": [-1, 3]}],
    ),
    "two maps in one row of tokens": one(
        [[32, 32, 4], [40, 56, 4], [5, 300, 4]],
        [
            {"name": "b", **STRIDED},
            {"name": "c", **STRIDED},
            {"name": "fb", **TOKENS, "from": "b"},
            {"name": "fc", **TOKENS, "from": "c"},
            {"name": "all", "type": "Concat", "dim": 2, "from": ["fb", "fc"]},
            {"name": "w", **TABLE, "shape": [80, 4]},
            {"type": "Add", "from": ["all", "w"]},
        ],
    ),
    "a norm that wants more than one cell": one(
        [[32, 48, 4], [1, 9, 4], [1, 1, 4]],
        [STRIDED, {"type": "InstanceNorm2d"}, STRIDED],
    ),
    "axes for themselves": one(
        [[32, 48, 4], [13, 13, 4], [500, 7, 4]],
        [conv(2, stride=[2, 3]), conv(2, padding=1), POOL, conv(2, kernel_size=[1, 2], stride=[2, 1])],
    ),
    "windows of ten": one(
        [[40, 20, 3], [44, 61, 3], [7, 7, 3]],
        [POOL, TOKENS, {"type": "Unflatten", "dim": 2, "unflattened_size": [-1, 10]}],
    ),
    "three axes": one(
        [[4, 16, 24, 2], [9, 9, 9, 2], [2, 60, 11, 2]],
        [
            conv(3, padding=1),
            {"type": "MaxPool3d", "kernel_size": [1, 2, 2]},
            {"type": "MaxPool3d", "kernel_size": 2},
            {"type": "Flatten"},
            {"type": "Linear", "in_features": 96, "out_features": 5},
        ],
    ),
    "C3D": one(
        [[4, 16, 16, 2], [8, 8, 32, 2], [3, 5, 7, 2]],
        [
            conv(3, padding=1),
            {"type": "MaxPool3d", "kernel_size": [1, 2, 2]},
            conv(3, padding=1),
            {"type": "MaxPool3d", "kernel_size": 2, "padding": [0, 1, 1]},
            {"type": "Flatten"},
            {"type": "Linear", "in_features": 4 * 2 * 5 * 5, "out_features": 5},
        ],
    ),
    "CRNN": one(
        [[8, 40, 1], [9, 30, 1], [20, 20, 1]],
        [
            conv(2, padding=1),
            POOL,
            {"type": "MaxPool2d", "kernel_size": 2, "stride": [2, 1], "padding": [0, 1]},
            conv(2, kernel_size=2),
            {"type": "Permute", "dims": [0, 3, 1, 2]},
            {"type": "Flatten", "start_dim": 2},
            {"type": "Linear", "in_features": 4, "out_features": 5},
        ],
    ),
    "coordinate attention": one(
        [[14, 14, 4], [10, 18, 4], [5, 5, 4]],
        [
            {"name": "x", **STRIDED},
            {"name": "h", "type": "AdaptiveAvgPool2d", "output_size": [None, 1]},
            {"name": "w", "type": "AdaptiveAvgPool2d", "output_size": [1, None], "from": "x"},
            {"name": "wt", **TURN},
            {"name": "both", "type": "Concat", "dim": 2, "from": ["h", "wt"]},
            conv(2, kernel_size=1),
            {"name": "s", "type": "Split", "dim": 2, "split_size": [7, 7]},
            {"name": "st", **TURN, "from": "s.1"},
            {"type": "Multiply", "from": ["x", "s.0", "st"]},
        ],
    ),
    "coordinate attention in halves": one(
        [[14, 14, 4], [10, 18, 4], [5, 5, 4]],
        [
            {"name": "x", **STRIDED},
            {"name": "h", "type": "AdaptiveAvgPool2d", "output_size": [None, 1]},
            {"name": "w", "type": "AdaptiveAvgPool2d", "output_size": [1, None], "from": "x"},
            {"name": "wt", **TURN},
            {"name": "both", "type": "Concat", "dim": 2, "from": ["h", "wt"]},
            {"name": "s", "type": "Chunk", "dim": 2, "chunks": 2},
            {"name": "st", **TURN, "from": "s.1"},
            {"type": "Multiply", "from": ["x", "s.0", "st"]},
        ],
    ),
    "ViT": one(
        [[16, 24, 3], [64, 9, 3], [30, 30, 3]],
        [
            conv(2, kernel_size=4, stride=4),
            TOKENS | {"name": "t"},
            {"name": "class", "type": "Parameter", "shape": [1, 4], "batch": True, "channels_last": True},
            {"name": "all", "type": "Concat", "dim": 2, "from": ["class", "t"]},
            TABLE | {"name": "w", "shape": [25, 4]},
            {"type": "Add", "from": ["all", "w"]},
            {"type": "TransformerEncoderLayer", "nhead": 2, "dim_feedforward": 8},
            {"type": "Slice", "dim": 2, "stop": 1},
        ],
    ),
    "Swin": one(
        [[28, 28, 4], [14, 56, 4], [30, 9, 4]],
        [
            conv(2, kernel_size=2, stride=2),
            {"type": "Unflatten", "dim": 2, "unflattened_size": [-1, 7]},
            {"type": "Unflatten", "dim": 4, "unflattened_size": [-1, 7]},
            {"type": "Permute", "dims": [0, 1, 2, 4, 3, 5]},
            {"type": "Flatten", "start_dim": 2, "end_dim": 3},
        ],
    ),
    "a skip that is turned": one(
        [[32, 32, 4], [8, 11, 4], [1, 40, 4]],
        [
            {"name": "c", **STRIDED},
            {"name": "d", **STRIDED},
            {"name": "up", "type": "ConvTranspose2d", "out_channels": 4, "kernel_size": 2, "stride": 2},
            {"name": "t", **TURN, "from": "c"},
            {"name": "j", "type": "Concat", "from": ["up", "t"]},
            conv(2),
        ],
    ),
    "a map added to itself turned": one(
        [[32, 32, 4], [8, 11, 4], [1, 40, 4]],
        [{"name": "c", **STRIDED}, {"name": "t", **TURN}, {"type": "Add", "from": ["c", "t"]}],
    ),
    "turned behind other strides": one(
        [[32, 48, 4], [8, 11, 4], [3, 40, 4]],
        [
            {"name": "c", **conv(2, stride=[2, 3], padding=1)},
            {"name": "t", **TURN},
            {"type": "Concat", "from": ["c", "t"]},
        ],
    ),
    "a transposed convolution and a head": one(
        [[3, 4, 4], [5, 2, 4], [9, 9, 4]],
        [
            {"type": "ConvTranspose2d", "out_channels": 4, "kernel_size": 3, "stride": 2},
            {"type": "AvgPool2d", "kernel_size": 3, "ceil_mode": True},
            {"type": "Flatten"},
            {"type": "Linear", "in_features": 24, "out_features": 5},
        ],
    ),
    "a gate from another input": Coupled(
        [[[24, 20, 4], [12, 10, 4]], [[7, 9, 4], [4, 5, 4]], [[40, 8, 4], [3, 3, 4]]],
        [
            {"name": "x", **STRIDED, "from": "image"},
            {"name": "g", **conv(2, padding=1), "from": "gate"},
            {"name": "s", "type": "Sigmoid"},
            {"type": "Multiply", "from": ["x", "s"]},
        ],
        ("image", "gate"),
    ),
    "two images and a head": Coupled(
        [[[16, 12, 3], [8, 6, 3]], [[8, 23, 3], [9, 7, 3]], [[95, 2, 3], [24, 3, 3]]],
        [
            {"name": "a", **STRIDED, "from": "left"},
            {"name": "fa", "type": "Flatten"},
            {"name": "la", "type": "Linear", "in_features": 4 * 48, "out_features": 3},
            {"name": "b", **POOL, "from": "right"},
            {"name": "fb", "type": "Flatten"},
            {"name": "lb", "type": "Linear", "in_features": 3 * 12, "out_features": 3},
            {"type": "Subtract", "from": ["la", "lb"]},
        ],
        ("left", "right"),
    ),
    "two sounds in a row": Coupled(
        [[[30, 4], [15, 4]], [[9, 4], [9, 4]], [[100, 4], [3, 4]]],
        [
            {"name": "a", **conv(1, stride=3, padding=1), "from": "left"},
            {"name": "b", **conv(1, stride=2), "from": "right"},
            {"type": "Concat", "from": ["a", "b"]},
            conv(1, kernel_size=2, stride=2),
        ],
        ("left", "right"),
    ),
    "positions from another input": Coupled(
        [[[5, 6, 4], [30, 4]], [[3, 3, 4], [8, 4]], [[1, 9, 4], [9, 4]]],
        [
            {"name": "t", **TOKENS, "from": "features"},
            {"type": "Add", "from": ["t", "pos"]},
            {"type": "Linear", "out_features": 3},
        ],
        ("features", "pos"),
    ),
}
