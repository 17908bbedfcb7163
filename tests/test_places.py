"""Places, which are whole numbers: what reads them in PyTorch, and what refuses to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from layer_oracle import REFUSALS
from planner import build
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.report import Report
from planner.source import of_mapping
from planner.workbench import checked, checked_text

CONFIGS = Path(__file__).parents[1] / "configs"
FOUND: list[list[dict[str, Any]]] = [
    [{"type": "ArgMax", "dim": 1}],
    [{"type": "ArgMin", "dim": 1}, {"type": "Reshape", "shape": [3, 10]}],
    [
        {"type": "ArgMax", "dim": 3, "keepdim": True},
        {"type": "Squeeze", "dim": 3},
        {"type": "Slice", "dim": 2, "stop": 4},
    ],
    [{"type": "ArgMax", "dim": 3}, {"type": "Rearrange", "pattern": "l (c d) -> c (l d)", "c": 4}],
    [
        {"name": "small", "type": "Slice", "dim": 3, "stop": 4},
        {"name": "row", "type": "Flatten", "start_dim": 2},
        {"name": "it", "type": "ArgMax", "dim": 3, "from": "small"},
        {"type": "Rearrange", "pattern": "l (c d) -> (l c) d", "from": ["it", "row"]},
    ],
    [{"type": "Constant", "shape": [6, 8], "fill": "arange"}],
    [{"type": "Constant", "shape": [4, 4], "fill": "relative_position_index"}, {"type": "Flatten", "start_dim": 1}],
    [{"type": "Constant", "shape": [6, 8], "fill": "arange"}, {"type": "Add", "other": 2}, {"type": "Clamp", "max": 9}],
    [{"type": "Buffer", "shape": [6, 8], "whole": True}, {"type": "Subtract", "other": 1, "reversed": True}],
    [{"name": "it", "type": "TopK", "k": 4, "dim": 1}, {"type": "Transpose", "dim0": 1, "dim1": 2, "from": "it.1"}],
]
ROW = {"name": "row", "type": "Constant", "shape": [6, 8], "fill": "arange"}
FOUND += [
    [ROW, {"type": "Concat", "from": ["row", "row"]}],
    [ROW, {"type": "Stack", "dim": 2, "from": ["row", "row"]}],
]
NINES = {"name": "nines", "type": "Constant", "shape": [6, 8], "fill": 9}
VALUES: list[list[dict[str, Any]]] = [
    [NINES],
    [ROW, NINES, {"type": "Concat", "from": ["row", "nines"]}],
    [ROW, NINES, {"type": "Concat", "from": ["nines", "row"]}, {"type": "Add", "other": 1}],
    [{"type": "Linear", "out_features": 4}, {"type": "Transpose", "dim0": 1, "dim1": 2}],
    [ROW, {"type": "Embedding", "num_embeddings": 64, "embedding_dim": 2}],
    [NINES, {"type": "Long"}],
    [{"type": "Linear", "out_features": 4}, {"type": "ArgMax", "dim": 1}],
    [ROW, NINES, {"type": "Long"}, {"type": "Concat", "from": ["row", "long"]}],
]
WEIGHTED: list[dict[str, Any]] = [
    {"type": "Linear", "out_features": 3},
    {"type": "LayerNorm"},
    {"type": "PReLU"},
    {"type": "Embedding", "num_embeddings": 64, "embedding_dim": 3},
]


@pytest.mark.parametrize("last", WEIGHTED, ids=lambda each: each["type"])
@pytest.mark.parametrize("layers", FOUND, ids=lambda each: "-".join(layer["type"] for layer in each))
def test_places_go_where_pytorch_takes_them(
    layers: list[dict[str, Any]], last: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = of_mapping({"input": [5, 6, 8], "layers": [*layers[:-1], layers[-1], last]})
    refused = [each.code for each in checked(file).diagnostics if each.severity == "error"]
    assert refused in ([], ["NSP237"])
    monkeypatch.setattr("planner.propagation.must_fit", lambda *given: None)  # as if all were well
    report = Report(checked(file).plan)
    found = emitted(report)
    try:
        getattr(module_of(found.text), found.name)()(torch.rand(2, 8, 5, 6))
    except REFUSALS:
        assert refused
    else:
        assert not refused


PRODUCTS: list[dict[str, Any]] = [
    {"type": "MatMul", "transpose_b": True, "from": ["whole", "input"]},
    {"type": "MatMul", "transpose_b": True, "from": ["input", "whole"]},
    {"type": "MatMul", "transpose_b": True, "from": ["whole", "whole"]},
    {"type": "Einsum", "equation": "b a c, b d c -> b a d", "from": ["whole", "input"]},
    {"type": "ScaledDotProductAttention", "from": ["input", "whole", "input"]},
    {"type": "Add", "from": ["input", "whole"]},
]


@pytest.mark.parametrize("last", PRODUCTS, ids=lambda each: f"{each['type']} {each['from']}")
def test_whole_numbers_are_multiplied_with_others_where_pytorch_does_it(
    last: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [{"name": "whole", "type": "Constant", "shape": [6, 8], "fill": "arange"}, last]
    file = of_mapping({"input": [6, 8], "layers": layers})
    refused = [each.code for each in checked(file).diagnostics if each.severity == "error"]
    assert refused in ([], ["NSP237"])
    monkeypatch.setattr("planner.propagation.must_fit", lambda *given: None)  # as if all were well
    found = emitted(Report(checked(file).plan))
    try:
        getattr(module_of(found.text), found.name)()(torch.rand(2, 6, 8))
    except REFUSALS:
        assert refused
    else:
        assert not refused


@pytest.mark.parametrize("layers", VALUES, ids=lambda each: "-".join(layer["type"] for layer in each))
def test_values_pick_nothing_where_pytorch_refuses(
    layers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    last = {"type": "Embedding", "num_embeddings": 64, "embedding_dim": 3}
    file = of_mapping({"input": [6, 8], "layers": [*layers, last]})
    refused = [each.code for each in checked(file).diagnostics if each.severity == "error"]
    assert refused in ([], ["NSP238"])
    monkeypatch.setattr("planner.propagation.must_fit", lambda *given: None)  # as if all were well
    found = emitted(Report(checked(file).plan))
    try:
        getattr(module_of(found.text), found.name)()(torch.rand(2, 6, 8))
    except REFUSALS:
        assert refused
    else:
        assert not refused


def test_a_gather_of_values_is_refused_with_their_name() -> None:
    report = checked_text("""
input: [6, 8]
layers:
  - {name: nines, type: Constant, shape: [6, 8], fill: 9}
  - {type: Gather, dim: 2, from: [input, nines]}
""")
    (fault,) = report.diagnostics
    assert (fault.code, fault.label) == ("NSP238", "`nines` holds values")


@pytest.mark.parametrize("change", ["{type: Multiply, other: 0.5}", "{type: Divide, other: 8}", "{type: Sqrt}"])
def test_places_become_numbers_by_fractions(change: str) -> None:
    constant = "{type: Constant, shape: [6, 8], fill: arange}"
    report = checked_text(f"input: [8]\nlayers: [{constant}, {change}, {{type: Linear, out_features: 3}}]")
    assert not [each for each in report.diagnostics if each.severity == "error"]
    found = emitted(report)
    assert getattr(module_of(found.text), found.name)()(torch.rand(2, 8)).shape[-1] == 3


def test_values_are_no_places() -> None:
    for text in ("{type: TopK, k: 4, dim: 1}", "{type: Max, dim: 1}"):
        report = checked_text(f"input: [16, 32]\nlayers: [{text.replace('{', '{name: it, ')}, "
                              "{type: Linear, out_features: 2, from: it.0}]")  # fmt: skip
        assert report.ok, report.diagnostics


def test_the_codes_of_vq_vae_lie_where_their_cells_do() -> None:
    """On a map that is no square, against the nearest code of each cell as one writes it in PyTorch."""
    small = {"width": 8, "codes": 5, "code_width": 4}
    network = build(CONFIGS / "vq_vae.yaml", input=(24, 40, 3), params=small).double().eval()
    z = network.encoder(torch.rand(2, 3, 24, 40, dtype=torch.float64))
    codebook = network.quantizer.codebook
    nearest = (z.movedim(1, -1)[..., None, :] - codebook).square().sum(-1).argmin(-1)
    assert torch.equal(network.quantizer(z), codebook[nearest].movedim(-1, 1))


@pytest.mark.parametrize("shape", [(4, 7, 6), (5, 5, 6), (3, 4, 5, 6)], ids=str)
@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "ArgMin", "dim": 1}],
        [{"type": "ArgMin", "dim": 1}, {"type": "Clamp", "max": 3}],
        [{"type": "ArgMin", "dim": 1, "keepdim": True}, {"type": "Squeeze", "dim": 1}],
        [{"type": "ArgMin", "dim": 1, "keepdim": True}, {"type": "Rearrange", "pattern": "... 1 -> ..."}],
        [{"type": "ArgMin", "dim": 1}, {"type": "Rearrange", "pattern": "... h -> h ..."}],
    ],
    ids=str,
)
def test_a_map_is_called_turned_where_its_codes_lie_elsewhere(
    layers: list[dict[str, Any]], shape: tuple[int, ...]
) -> None:
    """Elsewhere than in PyTorch, where an embedding leaves all axes of N×H×W as they are."""
    table = {"name": "table", "type": "Embedding", "num_embeddings": 8, "embedding_dim": 2}
    report = checked(of_mapping({"input": list(shape), "layers": [*layers, table]}))
    found = emitted(report)
    network = getattr(module_of(found.text), found.name)()
    x = torch.rand(2, shape[-1], *shape[:-1])
    places = x.argmin(1).clamp(max=3) if len(layers) > 1 and layers[1]["type"] == "Clamp" else x.argmin(1)
    weight = next(iter(network.parameters()))
    straight, ours = weight[places].movedim(-1, 1), network(x)
    agree = straight.shape == ours.shape and torch.equal(straight, ours)
    assert [each.code for each in report.diagnostics] == ([] if agree else ["NSP246"])


@pytest.mark.parametrize("rows", [48, 49, 50, 63, 64])
@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "Constant", "shape": [16, 16], "fill": "relative_position_index"}],
        [
            {"type": "Constant", "shape": [256], "fill": "relative_position_index"},
            {"type": "Reshape", "shape": [4, 64]},
        ],
        [ROW, {"type": "Flatten", "start_dim": 1}],
        [{"type": "Constant", "shape": [8, 8], "fill": "arange"}, {"type": "Slice", "dim": 2, "stop": 6}],
        [{"type": "Constant", "shape": [8, 8], "fill": "arange"}, {"type": "Transpose", "dim0": 1, "dim1": 2}],
        [{"type": "Constant", "shape": [8, 8], "fill": "arange"}, {"type": "Clamp", "max": 40}],
    ],
    ids=str,
)
def test_numbers_outside_a_table_are_refused_as_pytorch_does(
    layers: list[dict[str, Any]], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = of_mapping(
        {"input": [6, 8], "layers": [*layers, {"type": "Embedding", "num_embeddings": rows, "embedding_dim": 3}]}
    )
    report = checked(file)
    refused = [each.code for each in report.diagnostics if each.severity == "error"]
    assert refused in ([], ["NSP212"])
    if refused:
        assert "num_embeddings" in (fault := report.diagnostics[0]).help
        assert report.fixes(fault)
        assert not report.fixes(fault)[0].safe
    monkeypatch.setattr("planner.propagation.must_fit", lambda *given: None)  # as if all were well
    found = emitted(Report(checked(file).plan))
    try:
        getattr(module_of(found.text), found.name)()(torch.rand(2, 8, 6))
    except IndexError:
        assert refused or layers[-1]["type"] == "Slice"  # what is left of a part is not followed
    else:
        assert not refused
