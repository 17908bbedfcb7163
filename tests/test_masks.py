"""What masks made of constants hide from attention: what is said to be read against gradients, cell by cell."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from planner.analyses.causality import Causal, causal_axes
from planner.analyses.reach import trace
from planner.geometry import all_cells, bits
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.source import of_mapping
from planner.workbench import Checked, checked
from test_rules import checked as config

Entry = dict[str, Any]

WIDTH = 4
DOT_PRODUCT = "ScaledDotProductAttention"
CAUSAL: Entry = {"type": "Constant", "shape": [6, 6], "fill": "causal_mask"}
PER_HEAD: list[Entry] = [
    CAUSAL,
    {"name": "ahead", "type": "Rearrange", "pattern": "q k -> 1 q k"},
    {"name": "bias", "type": "Parameter", "shape": [2, 6, 6], "init": "normal", "channels_last": True},
    {"type": "Add", "broadcast": True, "from": ["bias", "ahead"]},
]


def attending(mask: list[Entry], queries: int, keys: int, type: str = "MultiheadAttention", **more: Any) -> Checked:
    """A network of one attention, whose mask is what the last of some layers gives out."""
    layers = [*mask, {"name": "mask", "type": "Identity"}]
    heads = {"num_heads": 2} if type == "MultiheadAttention" else {}
    layers.append({"name": "attn", "type": type, **heads, **more, "from": ["q", "kv", "kv", "mask"]})
    report = checked(of_mapping({"input": {"q": [queries, WIDTH], "kv": [keys, WIDTH]}, "layers": layers}))
    assert report.plan.complete, [each.message for each in report.diagnostics]
    return report


def said(report: Checked) -> list[set[int]]:
    """For each query, the keys that its output is said to depend on."""
    (out,) = report.plan.outputs
    queries = report.plan.shape(out)
    assert queries is not None
    rows = [trace(report.plan, *out, ((1 << i, all_cells(WIDTH)),)) for i in range(queries[0])]
    return [{cell for box in row["kv"] for cell in bits(box[0])} for row in rows]


def found(report: Checked) -> list[set[int] | None]:
    """The same by gradients; None for a query that sees nothing, of which nothing is defined."""
    program = emitted(report)
    module: nn.Module = getattr(module_of(program.text), program.name)().double().eval()
    q, kv = (torch.rand(1, *step.outputs[0], dtype=torch.float64) for step in report.plan.inputs)
    kv.requires_grad_()
    y: Tensor = module(q, kv)
    rows: list[set[int] | None] = []
    for row in y[0]:
        (gradient,) = torch.autograd.grad((row * torch.rand_like(row)).sum(), kv, retain_graph=True)
        rows.append(None if row.isnan().any() else set(gradient[0].abs().sum(1).nonzero().flatten().tolist()))
    return rows


BOTH = [DOT_PRODUCT, "MultiheadAttention"]


@pytest.mark.parametrize("type", BOTH)
@pytest.mark.parametrize(
    ("mask", "sizes"),
    [
        ([CAUSAL], (6, 6)),
        ([CAUSAL, {"type": "Transpose", "dim0": 1, "dim1": 2}], (6, 6)),
        ([CAUSAL, {"type": "Slice", "dim": 2, "start": 2, "stop": 6}], (4, 6)),
        ([CAUSAL, {"type": "Slice", "dim": 1, "stop": 3}], (6, 3)),
        ([CAUSAL, {"type": "Slice", "dim": 2, "start": 3, "stop": 4}], (5, 6)),  # for all queries
        ([{"type": "Constant", "shape": [6, 6]}, CAUSAL, {"type": "Add", "from": ["constant", "constant_1"]}], (6, 6)),
    ],
)
def test_what_is_hidden_is_not_read(mask: list[Entry], sizes: tuple[int, int], type: str) -> None:
    torch.manual_seed(0)
    report = attending(mask, *sizes, type)
    assert said(report) == found(report)
    assert any(len(row) < sizes[1] for row in said(report))


def test_what_is_hidden_in_every_head_is_not_read() -> None:
    report = attending(PER_HEAD, 6, 6)
    assert said(report) == found(report)
    (out,) = report.plan.outputs
    assert causal_axes(report.plan, out) == {Causal("kv", 0, 0, False)}


def test_a_single_mask_may_be_for_all_queries() -> None:
    report = attending([CAUSAL, {"type": "Select", "dim": 2, "index": 3}], 5, 6)
    assert said(report) == found(report) == [{0, 1, 2, 3}] * 5


def test_the_keys_that_a_module_adds_itself_are_not_hidden() -> None:
    report = attending([CAUSAL], 6, 6, add_bias_kv=True, add_zero_attn=True)
    assert said(report) == found(report)


MOVES: list[Callable[[Random, int, int], Entry]] = [
    lambda random, m, n: {"type": "Transpose", "dim0": 1, "dim1": 2},
    lambda random, m, n: {"type": "Slice", "dim": 1, "start": random.randrange(n), "step": random.choice((1, 1, 2))},
    lambda random, m, n: {"type": "Slice", "dim": 2, "stop": random.randint(1, m)},
    lambda random, m, n: {"type": "Roll", "shifts": random.randrange(9), "dims": random.choice((1, 2))},
    lambda random, m, n: {"type": "Flip", "dims": random.choice((1, 2))},
    lambda random, m, n: {"type": "ConstantPad1d", "padding": [0, random.randrange(3)], "value": -math.inf},
    lambda random, m, n: {"type": "Tile", "dims": [1, random.choice((1, 2))]},
    lambda random, m, n: {"type": "Add", "other": 0.5},
    lambda random, m, n: {"type": "Multiply", "other": 2},
    lambda random, m, n: {"type": "Rearrange", "pattern": "(a b) c -> (b a) c", "a": random.choice(_divisors(m))},
    lambda random, m, n: {"type": "Abs"},
]
"""Layers behind a mask of m queries and n keys, of which some move it in ways that are followed."""


def _divisors(n: int) -> list[int]:
    return [each for each in range(1, n + 1) if n % each == 0]


@pytest.mark.parametrize("seed", range(60))
def test_no_key_is_said_to_be_hidden_that_is_read(seed: int) -> None:
    torch.manual_seed(seed)
    random = Random(seed)
    sizes = random.randint(2, 7), random.randint(2, 7)
    mask: list[Entry] = [{"type": "Constant", "shape": list(sizes), "fill": "causal_mask"}]
    for _ in range(random.randint(1, 4)):
        mask.append(random.choice(MOVES)(random, *sizes))
        entries = {"input": [1, 1], "layers": mask}
        step = checked(of_mapping(entries)).plan.steps[-1]
        sizes = step.outputs[0][0], step.outputs[0][1]
    if max(sizes) < 2:
        return
    report = attending(mask, *sizes, random.choice(BOTH))
    for row, read in zip(said(report), found(report), strict=True):
        assert read is None or read <= row, mask


def test_a_decoder_with_a_mask_of_its_own_is_causal() -> None:
    plan = config("t5_small").plan
    assert causal_axes(plan, plan.outputs[0]) == {Causal("decoder_input_ids", 0, 0, False)}
