"""Layers with dots in their names: the code has a module for what stands before a dot, as its `state_dict` says it."""

from __future__ import annotations

import inspect
from random import Random
from textwrap import dedent
from typing import Any

import pytest
import torch
from torch import nn

import random_dotted
from planner.classes.names import OF_LAYERS, TAKEN
from planner.diagnostics import Fault
from planner.layers import all_layers
from planner.outputs.code.torch import Emitted, emitted
from planner.outputs.code.torch.building import module_of
from planner.report import Report
from planner.workbench import checked_text
from random_weights import plan_of
from reference_run import differences
from test_random_code import OPTIONS

FILES = 300
MOST_FILES = 6_000
AT_ONCE = 50
pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch warns of much that it then does


def report_of(layers: str, more: str = "") -> Report:
    return checked_text(f"input: [6, 6, 4]\nlayers:\n{dedent(layers).strip()}\n{dedent(more)}", "model.yaml")


def code_of(report: Report, **options: Any) -> Emitted:
    """The code, whose weights have the plan's names, and which computes what the plan does."""
    found = emitted(report, **options)
    assert differences(report, found) == [], found.text
    module: nn.Module = getattr(module_of(found.text), found.name)()
    module.load_state_dict(named(report).state_dict(), strict=True)
    return found


def named(report: Report) -> nn.Module:
    """A module without a forward pass that has the plan's weights by their names, modules within modules."""
    root = nn.Module()
    for step in report.plan.steps:
        for name, sizes in step.state.items():
            *owners, own = f"{step.name}.{name}".strip(".").split(".")
            module = root
            for each in owners:
                if each not in module._modules:
                    module._modules[each] = nn.Module()
                inner = module._modules[each]
                assert inner is not None
                module = inner
            if own == "num_batches_tracked":
                module.register_buffer(own, torch.zeros(sizes, dtype=torch.long))
            else:
                module._parameters[own] = nn.Parameter(torch.ones(sizes))
    return root


def check(seed: int) -> bool:
    """Raise where the code of a random file is not its plan; whether there was code."""
    options = OPTIONS[seed % len(OPTIONS)]
    report = Report(plan_of(random_dotted.model(Random(seed))))
    try:
        found = emitted(report, **options)
    except Fault as fault:
        if fault.code == "NSP502" or fault.code in ("NSP504", "NSP506"):
            return False
        if fault.code == "NSP501" and options["style"] == "sequential":
            return False
        raise
    if report.overwriting:
        return False  # torch computes with what was written over, as the rule `overwritten-input` says
    assert differences(report, found) == [], found.text
    return True


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


def test_names_in_order_are_sequentials_within_each_other() -> None:
    report = report_of("""
        - {name: stem.conv, type: Conv2d, out_channels: 4, kernel_size: 1}
        - {name: stem.relu, type: ReLU}
        - {name: stem.head.0, type: Conv2d, out_channels: 4, kernel_size: 1}
        - {name: stem.head.1, type: Conv2d, out_channels: 2, kernel_size: 1}
        - {name: last, type: Conv2d, out_channels: 2, kernel_size: 1}
    """)
    for style in ("auto", "sequential"):
        found = code_of(report, style=style)
        assert "head=nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 1))," in found.text
        assert "def forward" not in found.text
    assert "self.stem.conv(x)" in code_of(report, style="module").text


def test_names_out_of_order_are_called_by_a_forward_pass() -> None:
    report = report_of("""
        - {name: stages.0, type: Conv2d, out_channels: 4, kernel_size: 1}
        - {name: norms.0, type: BatchNorm2d, affine: false}
        - {name: stages.1, type: Conv2d, out_channels: 4, kernel_size: 3}
        - {name: norms.2, type: GroupNorm, num_groups: 2}
        - {name: scales.0, type: Parameter, shape: [1, 1, 4]}
        - {name: scales.1, type: Parameter, shape: [1, 1, 4]}
        - {name: out.a, type: Multiply, from: [norms.2, scales.0]}
        - {name: out.b, type: Multiply, from: [out.a, scales.1]}
    """)
    text = code_of(report).text
    assert "self.stages = nn.ModuleList([nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3)])" in text
    assert "self.norms = nn.ModuleDict(" in text
    assert "self.scales = nn.ParameterList(" in text
    assert 'self.norms["0"](self.stages[0](x))' in text
    assert 'self.norms["2"](self.stages[1](x)) * self.scales[0] * self.scales[1]' in text
    with pytest.raises(Fault, match="cannot have branches"):
        emitted(report, style="sequential")
    chain = report_of("""
        - {name: a.conv, type: Conv2d, out_channels: 4, kernel_size: 1}
        - {name: b, type: ReLU}
        - {name: a.norm, type: BatchNorm2d}
    """)
    with pytest.raises(Fault, match="calls a module once, with all that is within it"):
        emitted(chain, style="sequential")
    assert "self.a.norm(self.b(self.a.conv(x)))" in code_of(chain).text


BLOCK = """
blocks:
  residual:
    params: {n: 2}
    layers:
      - {name: body.conv, type: Conv2d, out_channels: 4, kernel_size: 1, repeat: $n}
      - {type: ReLU}
"""


def test_layers_and_blocks_have_others_within_them() -> None:
    report = report_of(
        """
        - {name: norm, type: BatchNorm2d}
        - {name: norm.scale, type: Parameter, shape: [1, 1, 4]}
        - {name: scaled, type: Multiply, from: [norm, norm.scale]}
        - {name: block, type: residual}
        - {name: block.extra, type: Conv2d, out_channels: 4, kernel_size: 1}
        - {name: block.extra.gamma, type: Parameter, shape: [1, 1, 4]}
        - {name: grown, type: Multiply, from: [block.extra, block.extra.gamma]}
        - {name: place, layers: [{name: conv, type: Conv2d, out_channels: 4, kernel_size: 1}, {type: ReLU}]}
        - {name: place.after, type: Conv2d, out_channels: 4, kernel_size: 1}
        """,
        BLOCK,
    )
    text = code_of(report).text
    assert "self.norm.scale = nn.Parameter(torch.zeros(4, 1, 1))" in text
    assert "self.block.extra(self.block(self.norm(x) * self.norm.scale))" in text
    assert "self.place.after(self.place(x * self.block.extra.gamma))" in text


def test_repetitions_may_have_others_beside_them() -> None:
    """A container of repetitions has further layers by their numbers, and repetitions may be within several modules."""
    report = report_of("""
        - {name: stages, type: Conv2d, out_channels: 4, kernel_size: 1, repeat: 3}
        - {name: stages.3, type: BatchNorm2d}
        - {name: "layer${index}.conv", type: Conv2d, out_channels: 4, kernel_size: 1, repeat: 2}
        - {name: "layer${index}.norm", type: BatchNorm2d, repeat: 2}
    """)
    assert "self.layer1.norm(self.layer0.norm(self.layer1.conv(" in code_of(report).text
    with pytest.raises(Fault) as refused:
        emitted(report, style="sequential")
    assert refused.value.code == "NSP501"


def test_shared_and_tied_weights_of_such_names() -> None:
    report = report_of("""
        - {name: a.forward.conv, type: Conv2d, out_channels: 4, kernel_size: 1}
        - {name: b.0, type: Conv2d, out_channels: 4, kernel_size: 1, tie: {weight: a.forward.conv.weight}}
        - {name: b.1, share: a.forward.conv, type: Conv2d, out_channels: 4, kernel_size: 1}
        - {name: b.2.modules, type: Conv2d, out_channels: 4, kernel_size: 1, tie: {bias: b.0.bias}}
    """)
    assert "self.b[1]" not in code_of(report).text


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("- {name: a.training, type: Conv2d, out_channels: 4, kernel_size: 1}", "'training' already exists"),
        ("- {name: training.a, type: Conv2d, out_channels: 4, kernel_size: 1}", "'training' already exists"),
        ("- {name: training, type: Conv2d, out_channels: 4, kernel_size: 1, repeat: 2}", "'training' already exists"),
        ("- {name: a..b, type: Conv2d, out_channels: 4, kernel_size: 1}", "can't be empty"),
        ("- {name: a, type: BatchNorm2d}\n- {name: a.weight, type: Parameter, shape: [4]}", "'weight' already exists"),
        (
            "- {name: a, type: Conv2d, out_channels: 4, kernel_size: 1}\n- {name: a.stride.b, type: BatchNorm2d}",
            "'stride'",
        ),
        (
            "- {name: a, type: Parameter, shape: [4]}\n- {name: a.b, type: BatchNorm2d, from: input}",
            "'b' already exists",
        ),
        ("- {name: a, type: residual}\n- {name: a.body.x, type: BatchNorm2d}", "'body' already exists"),
    ],
)
def test_names_that_no_module_can_have(layers: str, message: str) -> None:
    with pytest.raises(Fault, match=message) as refused:
        emitted(report_of(layers, BLOCK))
    assert refused.value.code == "NSP502"
    assert refused.value.help


def test_layers_without_weights_may_have_any_name() -> None:
    for layers in ("- {name: a.training, type: ReLU}", "- {type: Tanh}\n- {name: ..b, type: ReLU}"):
        code_of(report_of(layers))
    code_of(report_of("- {name: a, type: ReLU}\n- {name: a.inplace, type: Conv2d, out_channels: 4, kernel_size: 1}"))


def _made(kind: type[nn.Module]) -> nn.Module | None:
    """A layer of PyTorch with small numbers for what it must be given."""
    required = [each for each in inspect.signature(kind).parameters.values() if each.default is each.empty]
    if kind in (nn.RNN, nn.LSTM, nn.GRU):
        return kind(4, 4)
    if kind is nn.TransformerEncoder:
        return nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2), 1)
    if kind is nn.TransformerDecoder:
        return nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2), 1)
    for given in ([4, 2, 2, 2], [(1, 2)] * 4):
        try:
            return kind(*given[: len(required)])
        except (TypeError, ValueError, AssertionError):
            continue
    return None


def test_what_layers_have_of_their_own_is_known() -> None:
    seen = 0
    for name, layer in all_layers().items():
        kind = getattr(nn, name, None)
        made = _made(kind) if isinstance(kind, type) and issubclass(kind, nn.Module) else None
        if made is None:
            continue
        own = {*dir(made), *made._parameters, *made._buffers, *made._modules}
        own = {each for each in own if not each.startswith("_") and not each.endswith("_l0")}
        assert own - TAKEN - layer.model_fields.keys() <= OF_LAYERS, name
        seen += 1
    assert seen > 50
