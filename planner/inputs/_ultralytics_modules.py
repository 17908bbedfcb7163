"""What the modules in Ultralytics' rows take, and what our blocks of the same names do.

A row gives a module's arguments by their places, without the number of input channels, which is worked out. Our library
has the modules under the names and with the arguments that Ultralytics has, so their order is that of the parameters of
the block; only what the rows do otherwise stands here.

Source: https://docs.ultralytics.com/reference/nn/tasks/ and https://docs.ultralytics.com/guides/model-yaml-config/
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from planner.layers import all_layers
from planner.source import library

LIBRARY = "ultralytics"
OWN_REPEATS = frozenset({"RepNCSPELAN4", "ResNetLayer", "SPPF"})
"""Modules whose argument `n` stands among the arguments of the row; that of others is the row's number of repeats."""
UNSCALED = frozenset({"CBLinear", "Classify", "TorchVision"})
"""Modules whose first argument is not multiplied, although it is a number of channels."""
MODERN = frozenset({"A2C2f", "C2fCIB", "C3k2"})
"""Modules below which heads have separable convolutions."""
WITH_TWO_HEADS = {"Detect": "v10Detect", "YOLOEDetect": "YOLOEDetect26"}
"""What stands for a head where the file says `end2end`."""
ALWAYS_TWO_HEADS = frozenset({"OBB26", "Pose26", "Segment26", "YOLOESegment26"})
"""Heads that our library has with `end2end` alone; it has all others, but for `WITH_TWO_HEADS`, without."""
TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
"""Networks of torchvision that our library has."""
WITH_WORDS = frozenset({"C2fAttn", "ImagePoolingAttn", "WorldDetect", "YOLOEDetect", "YOLOESegment", "YOLOESegment26"})
"""Modules that read words too, one for each class, which are embedded in `WORD` channels."""
WORD = 512
WITH_SEVERAL = frozenset({"CBFuse", "Concat"})
"""Modules that read a list of rows, beside heads."""
MAPS, MOST_MAPS = 3, 4
"""A head reads three maps, or two to this number."""
OWN_ACTIVATION = frozenset(
    {"AIFI", "CBFuse", "CBLinear", "HGBlock", "HGStem", "ImagePoolingAttn", "RTDETRDecoder", "TorchVision"}
)
"""Modules that have no activation, or ReLU whatever the file says."""
_WORKED_OUT = frozenset({"add", "bare", "branches", "legacy", "block", "maps", "sizes"})
"""Parameters of our blocks that are no arguments of Ultralytics' modules."""

_TORCH = {
    "AvgPool2d": "kernel_size stride padding ceil_mode count_include_pad divisor_override",
    "BatchNorm2d": "",
    "Conv2d": "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode",
    "ConvTranspose2d": "out_channels kernel_size stride padding output_padding groups bias dilation padding_mode",
    "LeakyReLU": "negative_slope inplace",
    "Linear": "in_features out_features bias",
    "MaxPool2d": "kernel_size stride padding dilation return_indices ceil_mode",
    "Upsample": "size scale_factor mode align_corners recompute_scale_factor",
}
"""The arguments of PyTorch's modules in their order, where it is not that of the layer's fields. Rows leave out the
number of input channels of a transposed convolution, and give a normalization nothing.
"""


@cache
def blocks() -> Mapping[str, Any]:
    """The blocks of our library by their names."""
    found: Mapping[str, Any] = library(LIBRARY).data["blocks"]
    return {name: block for name, block in found.items() if not name.startswith("_")}


def parameters(module: str) -> Mapping[str, Any]:
    """The parameters of the block that stands for a module, with their defaults; none for one of PyTorch's."""
    found: Mapping[str, Any] = blocks().get(module, {}).get("params", {})
    return found


def takes_repeats(module: str) -> bool:
    """Whether a module takes the row's number of repeats as an argument."""
    return "n" in parameters(module) and module not in OWN_REPEATS


def arguments(module: str, kind: str) -> list[str] | None:
    """The names of a module's arguments in a row, in their order; None for a module that nobody knows.

    kind  the layer or block that stands for it
    """
    if module == "TorchVision":
        return ["c2", "model", "weights", "unwrap", "truncate", "split"]
    if module in blocks():
        own = (name for name in parameters(module) if name not in _WORKED_OUT)
        return [name for name in own if name != "n" or not takes_repeats(module)]
    if kind in _TORCH:
        return _TORCH[kind].split()
    return list(all_layers()[kind].model_fields) if kind in all_layers() else None


def default(module: str, kind: str, name: str) -> Any:
    """What an argument is where a row does not give it; None where it has to, or nobody knows."""
    if module in blocks():
        return parameters(module).get(name)
    field = all_layers()[kind].model_fields.get(name) if kind in all_layers() else None
    return None if field is None or field.is_required() else field.default


def constructed(text: str) -> dict[str, Any] | None:
    """The entry that `nn.LeakyReLU(0.1)` means, or `nn.ReLU` alone; None for what is no class with plain arguments."""
    found = re.fullmatch(r"(?:torch\.)?(?:nn\.)?(\w+)(\(.{,100}\))?", text)
    if found is None:
        return None
    known = arguments(found[1], found[1])
    if known is None:
        return {"type": found[1]}  # which is told where it stands
    try:
        call = ast.parse(f"f{found[2] or '()'}", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return None
        by_place = [ast.literal_eval(each) for each in call.args]
        by_name = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    plain = all(isinstance(each, bool | int | float | str | None) for each in (*by_place, *by_name.values()))
    by_name.pop("inplace", None)
    names = [name for name in known if name != "inplace"]
    if not plain or len(by_place) > len(names) or not by_name.keys() <= set(names):
        return None
    return {"type": found[1], **dict(zip(names, by_place, strict=False)), **by_name}
