"""Shared and tied weights: what the file says of them, what is counted, and the code, with values and gradients."""

from __future__ import annotations

import csv
from io import StringIO
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

import random_weights
from planner.analyses.input_sizes import input_sizes
from planner.diagnostics import Fault
from planner.faults.no_common_class import NoCommonClass
from planner.geometry import Shape
from planner.outputs._dictionary import dictionary
from planner.outputs._fold import rows
from planner.outputs._screen import Screen
from planner.outputs.code.torch import Emitted, emitted
from planner.outputs.code.torch.building import module_of
from planner.outputs.code.torch.verifying import differences as found_by_verifying
from planner.outputs.code.torch.verifying import request, told
from planner.outputs.code.torch.verifying.running import answer
from planner.outputs.code.torch.verifying.sizing import Compared
from planner.outputs.draw import _volumes, dot, mmd
from planner.outputs.draw._look import PLAIN
from planner.outputs.plan import csv as as_csv
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.unfolding import load
from planner.workbench import checked
from reference_run import differences, inputs_of, run, weights_of

CASES = Path(__file__).parent / "cases"
FILES = 160
MOST_FILES = 2_000
AT_ONCE = 20
CLOSE = 1e-9
OPTIONS: list[dict[str, Any]] = [
    {"style": style, "asserts": asserts} for style, asserts in product(("auto", "module"), (False, True))
]
pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch warns of much that it then does


def planned(file: dict[str, Any]) -> Report:
    return Report(propagate(load(of_mapping(file))))


def gradients_differ(report: Report, found: Emitted) -> list[str]:
    """The parameters whose gradients the emitted module has otherwise than the reference run, and what it has not."""
    plan, inputs = report.plan, inputs_of(report.plan)
    state = weights_of(plan)
    kept: dict[int, Tensor] = {}
    params = {name: _parameter(name, each, kept) for name, each in state.items()}
    module: nn.Module = getattr(module_of(found.text), found.name)().double().eval()
    module.load_state_dict(state, strict=True)
    own = dict(module.named_parameters())
    assert sum(each.numel() for each in own.values()) == report.cost.params
    given = [x.movedim(1, -1) if side == "last" else x for x, side in zip(inputs, found.inputs, strict=True)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        result = module(*(x.clone() for x in given))
    got = [result] if isinstance(result, Tensor) else list(result)
    back = [y.movedim(-1, 1) if side == "last" else y for y, side in zip(got, found.outputs, strict=True)]
    wanted = run(plan, params, inputs, gradients=True).outputs
    for outputs in (back, wanted):
        total = sum(((y * y.detach().cos()).sum() for y in outputs), torch.zeros(()))
        if total.requires_grad:
            total.backward()
    return [name for name, each in own.items() if not _alike(each.grad, params[name].grad)]


def _parameter(name: str, value: Tensor, kept: dict[int, Tensor]) -> Tensor:
    """The tensor as a parameter, one for all names that it has; buffers stay as they are."""
    if not value.is_floating_point() or name.rpartition(".")[2].startswith("running_"):
        return value
    return kept.setdefault(id(value), nn.Parameter(value.clone()))


def _alike(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return all(each is None or not each.any() for each in (a, b))
    return torch.allclose(a, b, rtol=CLOSE, atol=CLOSE * max(1.0, float(b.abs().nan_to_num().max())), equal_nan=True)


def check(seed: int) -> bool:
    """Raise where the code of a random file is not its plan; whether there was code with weights of others."""
    options = OPTIONS[seed % len(OPTIONS)]
    report = planned(random_weights.model(Random(seed)))
    try:
        found = emitted(report, **options)
    except Fault as fault:
        if fault.code in ("NSP502", "NSP504", "NSP506"):
            return False
        raise
    if report.overwriting:
        return False  # torch computes with what was written over, as the rule `overwritten-input` says
    assert differences(report, found) == [], found.text
    if "inplace=True" not in found.text:  # of which PyTorch may refuse to work out gradients
        assert gradients_differ(report, found) == [], found.text
    return any(each.lenders for each in report.plan.model.instances)


@pytest.mark.parametrize(
    "first",
    [
        first if first < FILES else pytest.param(first, marks=pytest.mark.long)
        for first in range(0, MOST_FILES, AT_ONCE)
    ],
)
def test_random_files(first: int) -> None:
    compared = 0
    for seed in range(first, first + AT_ONCE):
        try:
            compared += check(seed)
        except Exception as error:
            error.add_note(f"check({seed}), with {OPTIONS[seed % len(OPTIONS)]}")
            raise
    assert compared > AT_ONCE // 4


# Counted once, registered once


def test_a_siamese_pair_has_the_weights_of_one_tower() -> None:
    """The count of the report in the file's header: 19,264 of the convolution once, 6,401 of the layer behind."""
    report = checked(CASES / "reports" / "03-siamese-shared.yaml")
    assert report.cost.params == 19_264 + 6_401 == 25_665
    assert [step.params for step in report.plan.layers if step.type == "Conv2d"] == [19_264, 0]
    assert report.cost.macs == 2 * 7_680_000 + 6_400
    module = built(report)
    assert [*module.state_dict()] == ["a.conv1.weight", "a.conv1.bias", "fc1.weight", "fc1.bias"]


def test_gpt2_has_its_published_size_with_tied_embeddings() -> None:
    """Radford et al. 2019, as counted of the published weights: 124,439,808."""
    assert checked(CASES / "architectures" / "gpt2_small.yaml").cost.params == 124_439_808


def built(report: Report) -> nn.Module:
    found = emitted(report)
    module: nn.Module = getattr(module_of(found.text), found.name)()
    return module


def test_a_tied_weight_is_one_tensor_under_two_names() -> None:
    report = checked(CASES / "code" / "tied-embedding.yaml")
    module: Any = built(report)
    state = module.state_dict()
    planned = {f"{s.name}.{k}" if k else s.name: sizes for s in report.plan.layers for k, sizes in s.state.items()}
    assert {name: tuple(each.shape) for name, each in state.items()} == planned
    assert module.lm_head.weight is module.transformer.wte.weight
    assert state["lm_head.weight"].data_ptr() == state["transformer.wte.weight"].data_ptr()
    assert "transformer.h.0.c_fc.weight" in state
    assert "transformer.h.1.c_fc.weight" not in state
    assert sum(each.numel() for each in module.parameters()) == report.cost.params == 3_257_984


@pytest.mark.parametrize("style", ["auto", "module"])
@pytest.mark.parametrize("asserts", [False, True])
def test_verifying_knows_whose_weights_they_are(style: Any, asserts: bool) -> None:
    report = checked(CASES / "reports" / "03-siamese-shared.yaml")
    found = emitted(report, style=style, asserts=asserts)
    compared = Compared(report.plan)
    said = answer(request(report.plan, found, compared))
    assert found_by_verifying(report.plan, said) == []
    assert "25,665 parameters" in told(report.plan, compared, said)[0]
    broken = found._replace(text=found.text.replace("self.a(right)", "self.a(left)"))
    assert found_by_verifying(report.plan, answer(request(report.plan, broken, compared)))


def test_json_says_whose_weights_a_step_uses() -> None:
    steps = {each["name"]: each for each in dictionary(checked(CASES / "code" / "tied-embedding.yaml"))["steps"]}
    assert steps["lm_head"]["tied"] == {"weight": "transformer.wte.weight"}
    assert steps["transformer.h.3.c_fc"]["shares"] == "transformer.h.0.c_fc"
    assert "shares" not in steps["transformer.h.0.c_fc"]
    assert sum(each["params"] for each in steps.values()) == 3_257_984


def test_table_and_picture_mark_it() -> None:
    report = checked(CASES / "code" / "tied-embedding.yaml")
    said = {row.name: row.weights for row in rows(report.plan, 1)}
    assert said == {"transformer": "", "lm_head": "tied to transformer.wte.weight"}
    assert "h.0…h.3" in {row.name for row in rows(report.plan, 2) if row.weights == "with the same weights"}
    assert "with the same weights" in dot.render(report)
    assert "tied to transformer.wte.weight" in mmd.render(report)


# Which weights are meant

CONV = {"type": "Conv2d", "out_channels": 3, "kernel_size": 3, "padding": 1}


def owners(*layers: dict[str, Any]) -> dict[str, str]:
    """Whose weights each layer uses, of those that use another's."""
    plan = planned({"input": [8, 8, 3], "layers": list(layers)}).plan
    assert not plan.model.diagnostics
    assert plan.complete
    return {step.name: plan.owner(step).name for step in plan.layers if plan.owner(step) is not step}


def test_repetitions_may_use_the_weights_of_the_first() -> None:
    assert owners({"name": "a", **CONV, "repeat": 3, "share": "a"}) == {"a.1": "a.0", "a.2": "a.0"}


def test_repetitions_use_those_of_another_layer_or_copy_by_copy() -> None:
    assert owners({"name": "a", **CONV}, {"name": "b", **CONV, "repeat": 2, "share": "a"}) == {"b.0": "a", "b.1": "a"}
    both = ({"name": "a", **CONV, "repeat": 2}, {"name": "b", **CONV, "repeat": 2, "share": "a"})
    assert owners(*both) == {"b.0": "a.0", "b.1": "a.1"}
    assert owners({"name": "a", **CONV, "repeat": 2}, {"name": "b", **CONV, "share": "a.1"}) == {"b": "a.1"}


def test_what_is_shared_again_is_the_first() -> None:
    layers = ({"name": "a", **CONV}, {"name": "b", **CONV, "share": "a"}, {"name": "c", **CONV, "share": "b"})
    assert owners(*layers) == {"b": "a", "c": "a"}
    assert owners(CONV, {**CONV, "share": "0"}) == {"1": "0"}


def test_layers_without_weights_may_be_shared() -> None:
    assert owners({"name": "a", "type": "ReLU"}, {"type": "ReLU", "share": "a"}) == {"relu": "a"}


def test_a_layer_under_a_condition_is_called_again_where_it_is_there() -> None:
    file = {
        "input": [8, 8, 3],
        "params": {"twice": True},
        "layers": [{"name": "a", **CONV}, {"name": "b", **CONV, "share": "a", "when": "$twice"}],
    }
    on, off = (Report(propagate(load(of_mapping(file), params={"twice": each}))) for each in (True, False))
    assert (on.cost.macs, on.cost.params) == (2 * off.cost.known_macs, off.cost.params)
    for report in (on, off):
        assert differences(report, emitted(report)) == []


def test_a_chain_cannot_call_a_module_again() -> None:
    report = planned({"input": [8, 8, 3], "layers": [{"name": "a", **CONV}, {"name": "b", **CONV, "share": "a"}]})
    with pytest.raises(Fault, match="`b` has weights of another layer"):
        emitted(report, style="sequential")


def test_a_copy_in_a_chain_of_two_layouts_is_called_as_it_is() -> None:
    """A LayerNorm wants the channels last, a BatchNorm1d second: in one Sequential the first would move its tensor."""
    layers = [
        {"name": "norm", "type": "$types[$index]", "repeat": 2},
        {"name": "act", "type": "Sigmoid"},
        {"name": "b", "type": "BatchNorm1d", "share": "norm.1"},
        {"name": "fc", "type": "Linear", "out_features": 8},
        {"name": "a", "type": "LayerNorm", "share": "norm.0"},
    ]
    report = planned({"input": [12, 8], "params": {"types": ["LayerNorm", "BatchNorm1d"]}, "layers": layers})
    assert differences(report, emitted(report)) == []


def test_a_copy_is_called_again_where_repetitions_have_classes_of_their_own() -> None:
    shift = [
        {"name": "by", "type": "Constant", "shape": [12, 8], "fill": "$by"},
        {"name": "sum", "type": "Add", "from": ["input", "by"]},
        {"type": "Linear", "out_features": 8},
    ]
    layers = [
        {"name": "a", "type": "shift", "by": "$index / 2", "repeat": 3},
        {"name": "b", "type": "shift", "by": 0.5, "repeat": 2},
        {"name": "c", "type": "shift", "by": 0.5, "share": "b.1"},
        {"name": "d", "type": "shift", "by": 0.5, "share": "b", "repeat": 2},
    ]
    blocks = {"shift": {"params": {"by": None}, "layers": shift}}
    report = planned({"input": [12, 8], "layers": layers, "blocks": blocks})
    found = emitted(report)
    assert differences(report, found) == []
    assert gradients_differ(report, found) == []


# Sizes at which the weights fit

PAIR = """
input: {left: [9, 2], right: [9, 2]}
layers:
  - {name: a, type: tower, from: left}
  - {name: b, type: tower, from: right, share: a}
  - {type: Subtract, from: [a, b]}
blocks:
  tower:
    layers:
      - {type: Conv1d, out_channels: 2, kernel_size: 3}
      - {type: MaxPool1d, kernel_size: 2}
      - {type: Flatten}
      - {type: Linear, out_features: 3}
"""


HEADS = """
input: {left: [5, 2], right: [5, 2]}
layers:
  - {name: x, type: Flatten, from: left}
  - {name: a, type: Linear, out_features: 4}
  - {name: y, type: Flatten, from: right}
"""
TIED = "  - {name: b, type: Linear, out_features: 4, tie: {weight: a.weight}}\n"
LENT_ON = """
  - {name: c, type: Linear, out_features: 4, tie: {weight: a.weight}, from: x}
  - {name: b, type: Linear, out_features: 4, %s, from: y}
"""


@pytest.mark.parametrize(
    "text", [PAIR, HEADS + TIED, HEADS + LENT_ON % "tie: {weight: c.weight}", HEADS + LENT_ON % "share: c"]
)
def test_sizes_are_those_at_which_weights_fit(text: str) -> None:
    source = of_mapping(yaml.safe_load(text))
    model = load(source)
    found = next(iter(input_sizes(model))).together
    assert found
    for left, right in product(range(1, 14), repeat=2):
        works = propagate(model, inputs={"left": Shape((left, 2)), "right": Shape((right, 2))}).complete
        said = found[0].match((left, right)) is not None
        assert said == works, (left, right)


def test_calls_that_no_class_can_stand_for_are_refused_by_name() -> None:
    """A Softmax over the channels, which behind a Linear are the last axis of a map and of a sequence alike, but not in
    one module: `dim` counts the axes.
    """
    tower = [
        {"name": "fc", "type": "Linear", "out_features": 6},
        {"name": "sum", "type": "Add", "from": ["fc", "input"]},
        {"type": "Softmax", "dim": 1},
    ]
    file = {
        "input": {"left": [8, 8, 6], "right": [4, 6]},
        "outputs": ["a", "b"],
        "layers": [
            {"name": "a", "type": "tower", "from": "left"},
            {"name": "b", "type": "tower", "from": "right", "share": "a"},
        ],
        "blocks": {"tower": {"layers": tower}},
    }
    report = planned(file)
    assert report.ok
    with pytest.raises(NoCommonClass, match="`a` and `b`"):
        emitted(report)


def test_a_module_that_is_called_as_often_as_a_parameter_says_is_constructed_where_it_is_called() -> None:
    file = of_mapping(
        {
            "input": [6],
            "params": {"n": 3},
            "layers": [
                {"name": "a", "type": "Linear", "out_features": 6, "repeat": "$n", "share": "a"},
                {
                    "name": "b",
                    "repeat": "$n - 1",
                    "share": "b",
                    "layers": [{"name": "c", "type": "Linear", "out_features": 6, "repeat": 2}, {"type": "ReLU"}],
                },
            ],
        }
    )
    found = emitted(Report(propagate(load(file))))
    for n in (1, 2, 3, 5):
        report = Report(propagate(load(file, params={"n": n})))
        assert differences(report, found, arguments={"n": n}) == [], n
    made = getattr(module_of(found.text), found.name)
    assert [*made(n=0).state_dict()] == []


def test_copies_that_are_called_again_are_counted_once() -> None:
    """There are as many copies as are called again, so that one argument says how many there are."""
    layers = [
        {"name": "a", "type": "Linear", "out_features": 6, "repeat": "$n"},
        {"name": "b", "type": "Linear", "out_features": 6, "repeat": "$m", "share": "a"},
    ]
    file = of_mapping({"input": [6], "params": {"n": 3, "m": 3}, "layers": layers})
    found = emitted(Report(propagate(load(file))))
    assert "def __init__(self, n: int = 3) -> None:" in found.text
    report = Report(propagate(load(file, params={"n": 2, "m": 2})))
    assert differences(report, found, arguments={"n": 2}) == []
    (fault,) = load(file, params={"n": 3, "m": 2}).diagnostics
    assert fault.code == "NSP250"


def test_every_output_says_whose_weights_are_used() -> None:
    layers = [
        {"name": "a", "type": "Conv2d", "out_channels": 3, "kernel_size": 3},
        {"name": "b", "type": "Conv2d", "out_channels": 3, "kernel_size": 3, "share": "a"},
        {"name": "c", "type": "Conv2d", "out_channels": 3, "kernel_size": 3, "tie": {"weight": "a.weight"}},
    ]
    report = checked(of_mapping({"input": [16, 16, 3], "layers": layers}))
    (*_, b, c) = list(csv.DictReader(StringIO(as_csv.render(report, Screen()))))
    assert (b["weights"], c["weights"]) == ("shares a", "tied to a.weight")
    drawn = _volumes.render(report, PLAIN)
    assert ">shares a</text>" in drawn
    assert ">tied to a.weight</text>" in drawn


def test_repetitions_that_call_one_module_are_called_again_as_often() -> None:
    conv = {"type": "Conv2d", "out_channels": 4, "kernel_size": 1, "repeat": 3, "share": "conv"}
    file = {"input": [6, 6, 4], "layers": [{"name": "conv", **conv}, {"name": "again", **conv}]}
    report = planned(file)
    found = emitted(report)
    assert found.text.count("for _ in range(3):") == 2
    assert differences(report, found) == []
