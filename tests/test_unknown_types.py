"""Types that are no layer's name: what people write elsewhere, and what it is here. What is proposed is planned."""

from __future__ import annotations

from typing import Any

import pytest

from planner.diagnostics import Edit
from planner.editing import edited
from planner.layers import all_layers
from planner.report import Report
from planner.source import of_mapping
from planner.workbench import checked

H, L, C = [8, 8, 16], [12, 16], [16]
MEANT: list[tuple[str, dict[str, Any], list[int], int, str]] = [
    ("squeeze", {}, [1, 1, 16], 1, "Flatten"),
    ("squeeze", {"dim": 2}, [1, 8, 16], 1, "Squeeze"),
    ("ExpandDims", {"axis": 2}, C, 1, "{type: Unsqueeze, dim: 2}"),
    ("torch.einsum", {"equation": "bcl->bc"}, L, 1, "Einsum"),
    ("repeat", {"dims": [2]}, L, 1, "Tile"),
    ("BroadcastTo", {"size": [-1, 16, 5]}, [1, 16], 1, "Expand"),
    ("swapaxes", {"dim0": 1, "dim1": 2}, L, 1, "Transpose"),
    ("View", {"shape": [6, 2, 16]}, L, 1, "Reshape"),
    ("Dense", {"units": 10}, C, 1, "{type: Linear, out_features: 10}"),
    ("Sub", {}, H, 2, "Subtract"),
    ("Mul", {}, H, 2, "Multiply"),
    ("Div", {}, H, 2, "Divide"),
    ("pow", {"exponent": 2}, H, 1, "{type: Power, other: 2}"),
    ("amax", {"dim": 1}, H, 1, "Max"),
    ("ReduceSum", {"axes": [2, 3]}, H, 1, "{type: Sum, dim: [2, 3]}"),
    ("torch.rsqrt", {}, H, 1, "Rsqrt"),
    ("Swish", {}, H, 1, "SiLU"),
    ("DropPath", {"drop_prob": 0.1}, H, 1, "{type: StochasticDepth, p: 0.1}"),
    ("Pad", {"pad": [1, 1, 1, 1]}, H, 1, "{type: ZeroPad2d, padding: [1, 1, 1, 1]}"),
    ("SelfAttention", {"heads": 4}, L, 1, "{type: MultiheadAttention, num_heads: 4}"),
    ("Conv", {"out_channels": 8, "kernel_size": 3}, H, 1, "Conv2d"),
    ("Conv", {"out_channels": 8, "kernel_size": 3}, L, 1, "Conv1d"),
    ("Pool", {"kernel_size": 2}, L, 1, "MaxPool1d"),
    ("Upsampling2D", {"size": 2}, H, 1, "{type: Upsample, scale_factor: 2}"),
    ("BatchNorm", {}, H, 1, "BatchNorm2d"),
    ("BatchNorm", {}, L, 1, "BatchNorm1d"),
    ("BatchNormalization", {}, [4, 4, 4, 2], 1, "BatchNorm3d"),
    ("MaxPooling2D", {"pool_size": 2}, H, 1, "{type: MaxPool2d, kernel_size: 2}"),
    ("GlobalAveragePooling2D", {}, H, 1, "{type: AdaptiveAvgPool2d, output_size: 1}"),
    (
        "Conv2DTranspose",
        {"filters": 8, "kernel_size": 2, "strides": 2},
        H,
        1,
        "{type: ConvTranspose2d, out_channels: 8, kernel_size: 2, stride: 2}",
    ),
    ("DepthwiseConv2D", {"kernel_size": 3}, H, 1, "{type: Conv2d, kernel_size: 3, groups: depthwise}"),
    ("Concatenate", {"axis": 1}, H, 2, "{type: Concat, dim: 1}"),
    ("max_pool2d", {"kernel_size": 2}, H, 1, "MaxPool2d"),
    ("F.gelu", {}, H, 1, "GELU"),
    ("nn.ReLU", {}, H, 1, "ReLU"),
    ("Clip", {"min": 0, "max": 6}, H, 1, "Clamp"),
    ("Conv2", {"out_channels": 8, "kernel_size": 3}, L, 1, "Conv1d"),
]


def told(name: str, args: dict[str, Any], shape: list[int], sources: int) -> Report:
    firsts = [{"name": f"s{i}", "type": "Tanh", "from": "input"} for i in range(sources)]
    read = [each["name"] for each in firsts]
    layers = [*firsts, {"name": "x", "type": name, **args, "from": read if sources > 1 else read[0]}]
    return checked(of_mapping({"input": shape, "layers": layers}))


@pytest.mark.parametrize("case", MEANT, ids=lambda case: f"{case[0]}-{'×'.join(map(str, case[2]))}")
def test_what_is_meant_is_proposed_and_can_be_planned(case: tuple[str, dict[str, Any], list[int], int, str]) -> None:
    name, args, shape, sources, answer = case
    report = told(name, args, shape, sources)
    (found,) = [each for each in report.diagnostics if each.code == "NSP113"]
    assert found.help == (f"write it as {answer}" if answer[0] == "{" else f"did you mean `{answer}`?")
    assert found.mends
    mended = checked(of_mapping(edited(report.source.data, found.mends[0])))
    assert mended.ok
    assert mended.plan.complete


NOT_THERE = ("Cumprod", "Median", "MaskedFill", "Sort", "Scatter")


@pytest.mark.parametrize("name", [name for name in NOT_THERE if name not in all_layers()])
def test_what_there_is_no_layer_for_is_said_so(name: str) -> None:
    report = told(name, {}, H, 1)
    (found,) = [each for each in report.diagnostics if each.code == "NSP113"]
    assert found.help.startswith("there is no such layer yet; ")
    assert not found.mends
    assert "blocks:" not in found.help


@pytest.mark.parametrize("name", ["C3TR", "ResidualBlock", "stage"])
def test_what_may_be_a_block_is_to_be_defined(name: str) -> None:
    (found,) = told(name, {}, H, 1).diagnostics
    assert found.help == f"define it under `blocks:`, as `{name}: {{layers: […]}}`"


def test_arguments_with_names_from_elsewhere_are_known() -> None:
    report = checked(of_mapping({"input": H, "layers": [{"type": "Conv2d", "filters": 8, "kernel_size": 3}]}))
    (found,) = report.diagnostics
    assert (found.code, found.help) == ("NSP110", "did you mean `out_channels`?")
    assert found.mends[0] == (Edit(("layers", 0, "filters"), "out_channels", "rename"),)
