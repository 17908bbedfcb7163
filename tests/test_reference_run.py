"""Emitted code against the reference run: what it computes is what the plan says, to nine digits.

The reference run itself is held against torchvision's networks, the calls that layers mean, and what the pages of
layers say, written out by hand.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import random_blocks
from layer_cases import cases
from layer_oracle import TYPES, Case, all_called, made, planner_says
from lighter import lighter
from planner.faults.places_in_padding import PlacesInPadding
from planner.geometry import Shape
from planner.layers._layer import Layer
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.program import Style
from planner.plan import Plan
from planner.propagation import propagate
from planner.report import Report
from planner.source import Source, of_mapping, read
from planner.unfolding import load
from random_networks import network
from random_walks import walks
from recipe import known_weight
from reference_run import BATCH, differences, inputs_of, run, weights_of

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
TORCHVISION = Path(__file__).parent / "reference" / "torchvision"
STYLES: list[Style] = ["auto", "module"]

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch warns of much that it then does


def planned(source: Source | Mapping[str, Any], **options: Any) -> Plan | None:
    """The plan, if it is complete, nothing is wrong in the file, and all of it can be run."""
    model = load(of_mapping(source) if isinstance(source, Mapping) else source, **options)
    plan = propagate(model)
    foreign = any(step.facts and step.facts.foreign for step in plan.steps)
    return plan if plan.complete and not model.diagnostics and not foreign else None


def must_agree(plan: Plan, style: Style = "auto") -> None:
    report = Report(plan)
    try:
        found = emitted(report, style=style)
    except PlacesInPadding:
        return
    assert differences(report, found) == [], found.text


# The networks of `configs/`


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_networks(path: Path) -> None:
    plan = planned(read(path), **lighter(path))
    assert plan is not None
    must_agree(plan)


# Files of the documentation, of stories, and of people


def complete(*patterns: str) -> list[Path]:
    """The files whose plan is complete."""
    found = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    return [path for path in found if planned(read(path)) is not None]


FILES = complete("docs/*.yaml", "docs/models/*.yaml", "tests/stories/*.yaml", "tests/cases/*/*.yaml")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("style", STYLES)
def test_files(path: Path, style: Style) -> None:
    plan = planned(read(path), **lighter(path))
    assert plan is not None
    must_agree(plan, style)


# Random models

QUICK: Mapping[str, Any] = {"phases": [*set(Phase) - {Phase.explain}], "report_multiple_bugs": False}
"""A failing model takes long to be cut short: one is enough at a time."""


@settings(max_examples=60)
@given(st.randoms(use_true_random=False))
def test_random_networks(random: Random) -> None:
    plan = planned(network(random, layers=6))
    assert plan is not None
    must_agree(plan)


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.sampled_from(STYLES))
def test_random_blocks(random: Random, style: Style) -> None:
    plan = planned(random_blocks.model(random))
    if plan is not None:
        must_agree(plan, style)


@settings(max_examples=100, **QUICK)
@given(walks())
def test_random_walks(model: Mapping[str, Any]) -> None:
    plan = planned(model)
    if plan is not None:
        must_agree(plan)


# Each type of layer


@st.composite
def alone_or_between(draw: st.DrawFn, layer: type[Layer]) -> dict[str, Any] | None:
    """A model of one layer, alone or with layers around it that have their channels last; None where it is refused."""
    case = draw(cases(layer))
    says = planner_says(case)
    if says.refused:
        return None
    names = ["a", "b", "c", "d"][: len(case.inputs)]
    inputs = {name: list(x) for name, x in zip(names, case.inputs, strict=True)} or {"none": [2]}
    layers: list[dict[str, Any]] = []
    if draw(st.booleans()) and not layer.indices:
        layers = [
            {"name": f"in_{name}", "type": "Linear", "out_features": x.channels, "from": name}
            for name, x in zip(names, case.inputs, strict=True)
        ]
        names = [each["name"] for each in layers]
    it = {"name": "it", "type": case.name, **case.args}
    layers.append({**it, "from": names if len(names) > 1 else names[0]} if names else it)
    count = len(says.outputs)
    outputs = [f"it.{i}" for i in range(count)] if count > 1 else ["it"]
    if draw(st.booleans()):
        kept = [each for i, each in enumerate(outputs) if i not in layer.places]
        layers += [
            {"name": f"out_{i}", "type": "Linear", "out_features": 3, "from": each} for i, each in enumerate(kept)
        ]
        outputs = [f"out_{i}" for i in range(len(kept))]
    return {"input": inputs, "layers": layers, "outputs": outputs}


@pytest.mark.parametrize("layer", TYPES.values(), ids=TYPES)
@settings(max_examples=10, **QUICK)
@given(st.data())
def test_each_layer(layer: type[Layer], data: st.DataObject) -> None:
    model = data.draw(alone_or_between(layer))
    plan = planned(model) if model is not None else None
    if plan is not None:
        must_agree(plan)


# The reference run itself: torchvision's networks

LIGHT = {"resnet18", "squeezenet1_1", "mobilenet_v2", "shufflenet_v2_x1_0"}
"""Networks whose function is computed in every run."""


def recipe(plan: Plan) -> dict[str, Tensor]:
    """The weights that torchvision's fingerprints were taken with."""
    entries = weights_of(plan).items()
    return {name: known_weight(name, entry).double() if entry.is_floating_point() else entry for name, entry in entries}


@pytest.mark.parametrize(
    "name",
    [
        path.stem if path.stem in LIGHT else pytest.param(path.stem, marks=pytest.mark.long)
        for path in sorted(TORCHVISION.glob("*.json"))
    ],
)
def test_it_computes_what_torchvision_computes(name: str) -> None:
    reference = json.loads((TORCHVISION / f"{name}.json").read_text())
    wanted = reference["fingerprint"]
    plan = planned(read(CONFIGS / f"{name}.yaml"))
    assert plan is not None
    sizes = reference["input"]
    image = np.random.RandomState(0).standard_normal(math.prod(sizes)).reshape(1, *sizes)
    output = run(plan, recipe(plan), [torch.from_numpy(image)]).outputs[0].flatten()
    assert output[:10].tolist() == pytest.approx(wanted["first10"], rel=1e-9, abs=1e-12)
    assert output.mean().item() == pytest.approx(wanted["mean"], rel=1e-9, abs=1e-12)
    assert output.std().item() == pytest.approx(wanted["std"], rel=1e-9)


# The reference run itself: the calls that layers mean


@pytest.mark.parametrize("layer", TYPES.values(), ids=TYPES)
@settings(max_examples=10)
@given(st.data())
def test_it_computes_what_the_calls_mean(layer: type[Layer], data: st.DataObject) -> None:
    case = data.draw(cases(layer))
    if planner_says(case).refused:
        return
    plan = plan_of(case.name, *case.inputs, **case.args)
    inputs = inputs_of(plan)[: len(case.inputs)]
    weights = weights_of(plan)
    got = run(plan, weights, inputs_of(plan)).values["it"]
    for ours, theirs in zip(got, by_calls(case, inputs, weights), strict=True):
        torch.testing.assert_close(ours, theirs.expand_as(ours), rtol=1e-9, atol=1e-9, equal_nan=True)


def by_calls(case: Case, inputs: list[Tensor], weights: Mapping[str, Tensor]) -> list[Tensor]:
    """What the calls of a layer give, with the channels first again."""
    layer = case.type(**case.args)
    calls = layer.calls(*case.inputs)
    last = calls[0].layout == "last"
    tensors = [x.movedim(1, -1) if last else x for x in inputs]
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        things = [made(call) for call in calls]
        if isinstance(things[-1], nn.Parameter):
            things[-1] = nn.Parameter(weights["it"])
        elif isinstance(things[-1], nn.Buffer) and "it" in weights:
            things[-1] = nn.Buffer(weights["it"])
        elif isinstance(things[-1], nn.Buffer):
            things[-1] = nn.Buffer(things[-1].double() if things[-1].is_floating_point() else things[-1])
        elif isinstance(things[-1], nn.Module):
            things[-1].double().eval()
            things[-1].load_state_dict({name[3:]: each for name, each in weights.items()}, strict=True)
        torch.manual_seed(0)
        tensors = all_called(calls, things, tensors)
    if isinstance(things[-1], nn.Parameter | nn.Buffer) and not case.args.get("batch"):
        tensors = [each[None] for each in tensors]
    batches = calls[-1].batches or (0,) * len(tensors)
    tensors = [each.movedim(batch, 0) for each, batch in zip(tensors, batches, strict=True)]
    return [each.movedim(-1, 1) for each in tensors] if calls[-1].layout == "last" else tensors


# The reference run itself: what the pages of layers say


def plan_of(kind: str, *shapes: tuple[int, ...], **args: Any) -> Plan:
    """The plan of one layer, called `it`."""
    names = ["a", "b", "c", "d", "e"][: len(shapes)]
    reads = {"from": names if len(names) > 1 else names[0]} if names else {}
    inputs = {name: list(shape) for name, shape in zip(names, shapes, strict=True)} or {"none": [2]}
    plan = planned({"input": inputs, "layers": [{"name": "it", "type": kind, **args, **reads}], "outputs": ["it.0"]})
    assert plan is not None
    return plan


class One:
    """One layer that was run: its inputs, weights and outputs as arrays, channels first."""

    def __init__(self, kind: str, *shapes: tuple[int, ...], **args: Any) -> None:
        plan = plan_of(kind, *shapes, **args)
        weights, inputs = weights_of(plan), inputs_of(plan)
        self.x = [each.numpy() for each in inputs]
        self.weights = {name.removeprefix("it."): each.numpy() for name, each in weights.items()}
        self.y = [each.numpy() for each in run(plan, weights, inputs).values["it"]]

    def gives(self, wanted: Any, output: int = 0) -> None:
        np.testing.assert_allclose(self.y[output], wanted, rtol=1e-9, atol=1e-9)


MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        (1, ((1, 1), (1, 1))),
        ([2, 0], ((2, 2), (0, 0))),
        ([[0, 1], [2, 1]], ((0, 1), (2, 1))),
        ([[1, 2], 1], ((1, 2), (1, 1))),
        ("tf_same", ((0, 1), (1, 2))),  # ceil(7 / 2) = 4 windows want 8 cells, ceil(6 / 2) = 3 windows want 9
    ],
)
def test_convolutions(mode: str, padding: Any, sides: tuple[tuple[int, int], ...]) -> None:
    """Output i reads the cells i·stride − before + j·dilation, and only channels of its group."""
    this = One("Conv2d", (7, 6, 4), out_channels=6, kernel_size=[2, 3], stride=2, dilation=[1, 2], groups=2,
               padding=padding, padding_mode=mode)  # fmt: skip
    x = np.pad(this.x[0], ((0, 0), (0, 0), *sides), mode=MODES[mode])  # type: ignore[call-overload]
    wanted = np.zeros_like(this.y[0])
    for out in range(6):
        group = x[:, 2 * (out // 3) :][:, :2]
        for i, j in np.ndindex(*wanted.shape[2:]):
            window = group[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 5 : 2]
            wanted[:, out, i, j] = (window * this.weights["weight"][out]).sum((1, 2, 3)) + this.weights["bias"][out]
    this.gives(wanted)


def test_convolutions_that_keep_the_size() -> None:
    """`same` has the odd cell at the end, as PyTorch has it; depthwise is one group for each channel."""
    this = One("Conv1d", (5, 3), kernel_size=4, padding="same", groups="depthwise", bias=False)
    x = np.pad(this.x[0], ((0, 0), (0, 0), (1, 2)))
    this.gives(np.stack([(x[:, :, i : i + 4] * this.weights["weight"][:, 0]).sum(2) for i in range(5)], 2))


def test_transposed_convolutions() -> None:
    """Input i is written to the cells i·stride − padding + j·dilation."""
    this = One("ConvTranspose1d", (4, 2), out_channels=3, kernel_size=3, stride=2, padding=1, output_padding=1)
    wanted = np.zeros((BATCH, 3, 12))
    for i, j in np.ndindex(4, 3):
        wanted[:, :, 2 * i + j] += this.x[0][:, :, i] @ this.weights["weight"][:, :, j]
    this.gives(wanted[:, :, 1:9] + this.weights["bias"][:, None])


def test_layers_on_the_channels() -> None:
    this = One("Linear", (3, 5, 4), out_features=6)
    this.gives(np.einsum("oc,nchw->nohw", this.weights["weight"], this.x[0]) + this.weights["bias"][:, None, None])
    this = One("Bilinear", (3, 4), (3, 2), out_features=5)
    bilinear = np.einsum("nal,oab,nbl->nol", this.x[0], this.weights["weight"], this.x[1])
    this.gives(bilinear + this.weights["bias"][:, None])
    this = One("Embedding", (3, 4), num_embeddings=9, embedding_dim=5)
    this.gives(np.moveaxis(this.weights["weight"][this.x[0]], (1, 2, 3), (3, 2, 1)))
    assert this.x[0].max() < 9
    this = One("Softmax", (3, 4))
    this.gives(np.exp(this.x[0]) / np.exp(this.x[0]).sum(1, keepdims=True))
    this = One("GLU", (4, 6))
    this.gives(this.x[0][:, :, :2] / (1 + np.exp(-this.x[0][:, :, 2:])))


def test_normalizations() -> None:
    this = One("LayerNorm", (3, 5, 4))
    mean, var = this.x[0].mean(1, keepdims=True), this.x[0].var(1, keepdims=True)
    scale, shift = (this.weights[name][:, None, None] for name in ("weight", "bias"))
    this.gives((this.x[0] - mean) / np.sqrt(var + 1e-5) * scale + shift)
    this = One("RMSNorm", (3, 5, 4), normalized_shape=[5, 4], eps=0.1)
    square = (this.x[0] ** 2).mean((1, 3), keepdims=True)
    this.gives(this.x[0] / np.sqrt(square + 0.1) * this.weights["weight"].T[:, None, :])
    this = One("BatchNorm1d", (3, 4))
    mean, var, scale, shift = (
        this.weights[name][:, None] for name in ("running_mean", "running_var", "weight", "bias")
    )
    this.gives((this.x[0] - mean) / np.sqrt(var + 1e-5) * scale + shift)
    this = One("GroupNorm", (3, 4), num_groups=2, affine=False)
    groups = this.x[0].reshape(BATCH, 2, 2, 3)
    groups = (groups - groups.mean((2, 3), keepdims=True)) / np.sqrt(groups.var((2, 3), keepdims=True) + 1e-5)
    this.gives(groups.reshape(BATCH, 4, 3))


@pytest.mark.parametrize("sources", [1, 2, 3])
def test_attention(sources: int) -> None:
    """Queries by keys, over the square root of a head's width; the softmax of that weighs the values."""
    this = One("MultiheadAttention", *[(3, 4), (5, 4), (5, 4)][:sources], num_heads=2)
    query, key, value = (this.x[i] for i in {1: (0, 0, 0), 2: (0, 1, 1), 3: (0, 1, 2)}[sources])
    weight, bias = this.weights["in_proj_weight"].reshape(3, 4, 4), this.weights["in_proj_bias"].reshape(3, 4, 1)
    q, k, v = ((weight[i] @ x + bias[i]).reshape(BATCH, 2, 2, -1) for i, x in enumerate((query, key, value)))
    scores = np.exp(np.einsum("nhdq,nhdk->nhqk", q, k) / math.sqrt(2))
    seen = np.einsum("nhqk,nhdk->nhdq", scores / scores.sum(3, keepdims=True), v).reshape(BATCH, 4, 3)
    this.gives(this.weights["out_proj.weight"] @ seen + this.weights["out_proj.bias"][:, None])


def test_recurrence() -> None:
    """The states are the last ones of each layer and direction: the first cell's, for what reads from the end."""
    this = One("RNN", (5, 3), hidden_size=4, bidirectional=True)
    for number, (ending, order) in enumerate((("", [0, 1, 2, 3, 4]), ("_reverse", [4, 3, 2, 1, 0]))):
        state = np.zeros((BATCH, 4))
        weights = [this.weights[f"{name}_l0{ending}"] for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")]
        for i in order:
            state = np.tanh(this.x[0][:, :, i] @ weights[0].T + weights[1] + state @ weights[2].T + weights[3])
            np.testing.assert_allclose(this.y[0][:, 4 * number : 4 * number + 4, i], state)
        np.testing.assert_allclose(this.y[1][:, :, number], state)
    this = One("LSTM", (5, 3), hidden_size=4, proj_size=2, num_layers=3)
    assert [each.shape for each in this.y] == [(BATCH, 2, 5), (BATCH, 2, 3), (BATCH, 4, 3)]
    np.testing.assert_allclose(this.y[1][:, :, 2], this.y[0][:, :, 4])
    this = One("GRU", (5, 3), hidden_size=4, num_layers=2)
    np.testing.assert_allclose(this.y[1][:, :, 1], this.y[0][:, :, 4])


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_parameters(batch: bool, last: bool) -> None:
    this = One("Parameter", shape=[2, 3, 4], batch=batch, channels_last=last)
    weight = this.weights["it"]
    assert weight.shape == ((1,) if batch else ()) + ((2, 3, 4) if last else (4, 2, 3))
    own = weight[0] if batch else weight
    this.gives(np.stack([np.moveaxis(own, -1, 0) if last else own] * BATCH))


def test_merges() -> None:
    this = One("Subtract", (3, 2, 4), (1, 2, 4), (3, 1, 1), broadcast=True)
    this.gives(this.x[0] - this.x[1] - this.x[2])
    this = One("Multiply", (3, 2, 4), (1, 1, 4))
    this.gives(this.x[0] * this.x[1])
    this = One("Concat", (3, 4), (2, 4), dim=2)
    this.gives(np.concatenate(this.x, 2))
    this = One("Stack", (3, 4), (3, 4), (3, 4), dim=1)
    this.gives(np.stack(this.x, 1))
    this = One("MatMul", (2, 3, 4), (2, 4, 5))
    this.gives(np.einsum("nkbl,nmbk->nmbl", *this.x))
    this = One("MatMul", (2, 3, 4), (1, 5, 4), transpose_b=True)
    this.gives(np.einsum("nkbl,nkm->nmbl", this.x[0], this.x[1][:, :, 0]))
    this = One("CDist", (2, 3, 4), (5, 4))
    this.gives(np.sqrt(((this.x[0][:, None] - this.x[1].swapaxes(1, 2)[:, :, :, None, None]) ** 2).sum(2)))


def test_numbers_as_operands() -> None:
    this = One("Add", (3, 4), other=-2)
    this.gives(this.x[0] - 2)
    this = One("Subtract", (3, 4), other=0.5)
    this.gives(this.x[0] - 0.5)
    this = One("Subtract", (3, 4), other=1, reversed=True)
    this.gives(1 - this.x[0])
    this = One("Divide", (3, 4), (3, 1))
    this.gives(this.x[0] / this.x[1])
    this = One("Divide", (3, 4), other=2, reversed=True)
    this.gives(2 / this.x[0])
    this = One("Power", (3, 4), other=3)
    this.gives(this.x[0] ** 3)
    this = One("Power", (3, 4), other=3, reversed=True)
    this.gives(3 ** this.x[0])
    this = One("Maximum", (3, 4), (3, 4), (1, 4), broadcast=True)
    this.gives(np.maximum(np.maximum(*this.x[:2]), this.x[2]))
    this = One("Minimum", (3, 4), other=0.25)
    this.gives(np.minimum(this.x[0], 0.25))
    this = One("Where", (3, 1), (3, 4), (3, 4))
    this.gives(np.where(this.x[0] > 0, this.x[1], this.x[2]))
    this = One("Where", (3, 4), (3, 4), other=-1)
    this.gives(np.where(this.x[0] > 0, this.x[1], -1))
    assert this.x[0].min() < 0 < this.x[0].max()


FUNCTIONS = {
    **{name: getattr(np, name.lower()) for name in ("Abs", "Sign", "Square", "Sqrt", "Reciprocal", "Exp", "Exp2")},
    **{name: getattr(np, name.lower()) for name in ("Expm1", "Log", "Log2", "Log10", "Log1p", "Sin", "Cos", "Tan")},
    **{name: getattr(np, name.lower()) for name in ("Sinh", "Cosh", "Floor", "Ceil", "Round", "Trunc")},
    **{name: getattr(np, f"arc{name[1:].lower()}") for name in ("Asin", "Acos", "Atan")},
    "Long": np.trunc,
    "Neg": np.negative,
    "Rsqrt": lambda x: 1 / np.sqrt(x),
    "Erf": np.vectorize(math.erf),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    this = One(name, (3, 4))
    with np.errstate(invalid="ignore"):  # of roots and logarithms of numbers below 0
        this.gives(FUNCTIONS[name](this.x[0]))


def test_functions_along_an_axis() -> None:
    this = One("Cumsum", (3, 4), dim=-1)
    this.gives(this.x[0].cumsum(2))
    this = One("Normalize", (3, 4))
    this.gives(this.x[0] / np.sqrt((this.x[0] ** 2).sum(1, keepdims=True)))
    this = One("Normalize", (3, 4), p=1, dim=2, eps=5.0)
    this.gives(this.x[0] / np.maximum(np.abs(this.x[0]).sum(2, keepdims=True), 5))
    this = One("Clamp", (3, 4), min=-0.5)
    this.gives(np.maximum(this.x[0], -0.5))
    this = One("Clamp", (3, 4), min=-0.5, max=0.5)
    this.gives(this.x[0].clip(-0.5, 0.5))


def test_reductions() -> None:
    this = One("MatMul", (6, 2, 3, 4), (4, 5))
    this.gives(np.einsum("nkabl,nmk->nmabl", *this.x))
    this = One("Einsum", (2, 3, 4), (4, 5), equation="b c h w, b k c -> b k w")
    this.gives(this.x[1] @ this.x[0].sum(2))
    this = One("Mean", (2, 3, 4), dim=[1, -1])
    this.gives(this.x[0].mean((1, 3)))
    this = One("Sum", (2, 3, 4), dim=[2, 3], keepdim=True)
    this.gives(this.x[0].sum((2, 3), keepdims=True))
    this = One("Max", (2, 3, 4), dim=[1, 2])
    this.gives(this.x[0].max((1, 2)))
    this = One("Min", (3, 4), dim=1)
    this.gives(this.x[0].min(1))
    this = One("Prod", (3, 4), dim=2)
    this.gives(this.x[0].prod(2))
    this = One("Var", (2, 3, 4), dim=[2, 3])
    this.gives(this.x[0].var((2, 3), ddof=1))
    this = One("Std", (3, 4), dim=1, correction=0)
    this.gives(this.x[0].std(1))
    this = One("Norm", (2, 3, 4), dim=[1, 2])
    this.gives(np.sqrt((this.x[0] ** 2).sum((1, 2))))
    this = One("Norm", (3, 4), dim=1, p=3)
    this.gives((np.abs(this.x[0]) ** 3).sum(1) ** (1 / 3))
    this = One("LogSumExp", (3, 4), dim=[1])
    this.gives(np.log(np.exp(this.x[0]).sum(1)))
    this = One("ArgMax", (3, 4), dim=1)
    this.gives(this.x[0].argmax(1))
    this = One("ArgMin", (3, 4), dim=2, keepdim=True)
    this.gives(this.x[0].argmin(2)[:, :, None])


def test_places() -> None:
    """Layers that only move values: where each one ends up."""
    this = One("Flatten", (2, 3, 4))
    for c, h, w in np.ndindex(4, 2, 3):
        assert (this.y[0][:, c * 6 + h * 3 + w] == this.x[0][:, c, h, w]).all()
    this = One("Reshape", (2, 3, 4), shape=[3, -1])
    this.gives(this.x[0].reshape(BATCH, 8, 3))
    this = One("Unflatten", (5, 6), dim=1, unflattened_size=[3, 2])
    this.gives(this.x[0].reshape(BATCH, 3, 2, 5))
    this = One("Permute", (2, 3, 4), dims=[0, 2, 1, 3])
    this.gives(this.x[0].swapaxes(1, 2))
    this = One("Slice", (7, 4), dim=2, start=-6, stop=-1, step=2)
    this.gives(this.x[0][:, :, [1, 3, 5]])
    this = One("Select", (2, 3, 4), dim=1, index=-1)
    this.gives(this.x[0][:, 3])
    this = One("Transpose", (2, 3, 4), dim0=1, dim1=-1)
    this.gives(this.x[0].swapaxes(1, 3))
    this = One("Roll", (2, 5, 4), shifts=[2, -1], dims=[3, 1])
    this.gives(np.roll(this.x[0], (2, -1), (3, 1)))
    this = One("Flip", (2, 5, 4), dims=[-1, 1])
    this.gives(this.x[0][:, ::-1, :, ::-1])
    this = One("Squeeze", (1, 5, 1), dim=[1, 2, 3])
    this.gives(this.x[0][:, 0, 0])
    this = One("Unsqueeze", (5, 4), dim=1)
    this.gives(this.x[0][:, None])
    this = One("Expand", (1, 5, 1), size=[-1, 3, 2, -1])
    this.gives(np.broadcast_to(this.x[0], (BATCH, 3, 2, 5)))
    this = One("Tile", (2, 3, 4), dims=[2, 1, 3])
    this.gives(np.concatenate([np.concatenate([this.x[0]] * 3, 3)] * 2, 1))
    this = One("RepeatInterleave", (5, 4), repeats=3, dim=2)
    this.gives(this.x[0][:, :, [i // 3 for i in range(15)]])
    this = One("IndexSelect", (5, 4), dim=1, index=[3, 0, 3])
    this.gives(this.x[0][:, [3, 0, 3]])
    this = One("Gather", (5, 4), (3, 2), dim=2)
    for c, i in np.ndindex(2, 3):
        for sample in range(BATCH):
            assert this.y[0][sample, c, i] == this.x[0][sample, c, this.x[1][sample, c, i]]
    this = One("TopK", (5, 4), k=3)
    this.gives(np.sort(this.x[0], 2)[:, :, :-4:-1])
    this.gives(np.argsort(this.x[0], 2)[:, :, :-4:-1], 1)
    this = One("SetSlice", (7, 4), (3, 4), dim=2, start=-6, end=6, step=2)
    for i, cell in enumerate(np.moveaxis(this.y[0], 2, 0)):
        assert (cell == (this.x[1][:, :, [1, 3, 5].index(i)] if i in (1, 3, 5) else this.x[0][:, :, i])).all()
    this = One("Chunk", (2, 5), chunks=4)
    for i, part in enumerate((slice(0, 2), slice(2, 4), slice(4, 5))):
        this.gives(this.x[0][:, part], i)
    this = One("Split", (5, 2), split_size=[2, 3], dim=2)
    this.gives(this.x[0][:, :, 2:], 1)
    this = One("ChannelShuffle", (2, 6), groups=3)
    for j, g in np.ndindex(2, 3):
        assert (this.y[0][:, j * 3 + g] == this.x[0][:, g * 2 + j]).all()
    this = One("PixelShuffle", (2, 3, 8), upscale_factor=2)
    for c, i, j in np.ndindex(2, 2, 2):
        assert (this.y[0][:, c, i::2, j::2] == this.x[0][:, c * 4 + i * 2 + j]).all()
    this = One("Unfold", (3, 4, 2), kernel_size=2)
    for c, i, j in np.ndindex(2, 2, 2):
        assert (this.y[0][:, c * 4 + i * 2 + j] == this.x[0][:, c, i : i + 2, j : j + 3].reshape(BATCH, 6)).all()


def test_crops_and_pads() -> None:
    """An odd cell goes, or comes, at the end."""
    this = One("Crop", (6, 7, 2), amount=[[1, 2], 0])
    this.gives(this.x[0][:, :, 1:4])
    this = One("CenterCrop", (6, 7, 2), size=[3, 4])
    this.gives(this.x[0][:, :, 1:4, 1:5])
    this = One("CropLike", (6, 7, 2), (3, 4, 5))
    this.gives(this.x[0][:, :, 1:4, 1:5])
    this = One("PadLike", (3, 4, 2), (6, 7, 5))
    this.gives(np.pad(this.x[0], ((0, 0), (0, 0), (1, 2), (1, 2))))
    this = One("ZeroPad2d", (3, 4, 2), padding=[1, 2, 0, -1])
    this.gives(np.pad(this.x[0][:, :, :2], ((0, 0), (0, 0), (0, 0), (1, 2))))


def test_pools_and_interpolations() -> None:
    this = One("MaxPool2d", (4, 6, 3), kernel_size=2, return_indices=True)
    windows = this.x[0].reshape(BATCH, 3, 2, 2, 3, 2)
    this.gives(windows.max((3, 5)))
    flat = this.x[0].reshape(BATCH, 3, 24)
    this.gives(np.take_along_axis(flat, this.y[1].reshape(BATCH, 3, 6), 2).reshape(BATCH, 3, 2, 3))
    this = One("AdaptiveAvgPool2d", (5, 4, 3), output_size=[2, None])
    this.gives(np.stack([this.x[0][:, :, :3].mean(2), this.x[0][:, :, 2:].mean(2)], 2))
    this = One("Interpolate", (5, 3), (7, 2))
    this.gives(this.x[0][:, :, [i * 5 // 7 for i in range(7)]])


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("Dropout", (3, 4)), ("Dropout1d", (3, 4)), ("Dropout2d", (2, 3, 4)), ("FeatureAlphaDropout", (3, 4)),
     ("StochasticDepth", (2, 3, 4)), ("AlphaDropout", (4,))],
)  # fmt: skip
def test_chance_is_only_for_training(kind: str, shape: tuple[int, ...]) -> None:
    this = One(kind, shape, p=0.5)
    this.gives(this.x[0])


def test_nothing_is_written_over() -> None:
    plan = planned(
        {
            "input": [4],
            "layers": [{"name": "relu", "type": "ReLU", "inplace": True}, {"type": "Add", "from": ["relu", "input"]}],
        }
    )
    assert plan is not None
    (x,) = inputs_of(plan)
    outcome = run(plan, {}, [x])
    assert torch.equal(outcome.outputs[0], functional.relu(x) + x)


def test_an_unknown_type_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of("Identity", (3,))
    monkeypatch.setattr(type(plan.steps[1].layer), "type_name", classmethod(lambda cls: "Unheard"))
    with pytest.raises(NotImplementedError, match="what does Unheard compute"):
        run(plan, {}, inputs_of(plan))


def test_every_type_is_known() -> None:
    from reference_run._layers import CHANNELS_LAST, CHANNELS_SECOND, FUNCTIONS, WITH_WEIGHTS

    known: list[str] = [*CHANNELS_LAST, *CHANNELS_SECOND, *FUNCTIONS, *WITH_WEIGHTS, "Buffer", "Constant", "Parameter"]
    assert len({*known}) == len(known)
    assert {*known} <= {*TYPES}
    assert [name for name in TYPES if name not in known and not hasattr(torch, name.lower())] == []


def test_indices_are_whole_numbers_behind_layers_that_move_them() -> None:
    plan = planned(
        {
            "input": {"ids": [6, 2], "x": [3]},
            "layers": [
                {"name": "some", "type": "Slice", "dim": 2, "stop": 4, "from": "ids"},
                {"name": "it", "type": "Embedding", "num_embeddings": 5, "embedding_dim": 3},
            ],
        }
    )
    assert plan is not None
    ids, x = inputs_of(plan)
    assert ids.dtype == torch.long
    assert 0 <= int(ids.min()) < int(ids.max()) < 5
    assert x.dtype == torch.float64
    assert run(plan, weights_of(plan), [ids, x]).outputs[0].shape == (BATCH, *Shape((4, 2, 3)).torch)


# What is compared


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("nn.Tanh()", "nn.Sigmoid()", "differs by"),
        ("nn.Tanh()", "nn.Flatten()", "is 2×12 instead of 2×4×3"),
        ("nn.Tanh()", "nn.Threshold(0.0, float('nan'))", "is not a number elsewhere"),
    ],
)
def test_differences_are_seen(before: str, after: str, told: str) -> None:
    plan = planned({"input": [3, 4], "layers": [{"type": "Linear", "out_features": 4}, {"type": "Tanh"}]})
    assert plan is not None
    report = Report(plan)
    found = emitted(report)
    assert differences(report, found) == []
    (only,) = differences(report, found._replace(text=found.text.replace(before, after)))
    assert told in only
