"""Attention: what a token sees, cell by cell against gradients; masks; constants; how all of it is written."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from layer_oracle import Case, called, calls_of, made, torch_counts
from planner.analyses.causality import Causal, causal_axes
from planner.analyses.reach import trace
from planner.cells import all_cells
from planner.geometry import Shape, bits
from planner.layers import all_layers
from planner.outputs.code.torch import Emitted, emitted
from planner.outputs.code.torch.building import module_of
from planner.outputs.code.torch.verifying import differences, request
from planner.outputs.code.torch.verifying.running import answer
from planner.outputs.code.torch.verifying.sizing import Compared
from planner.source import of_mapping
from planner.workbench import Checked, checked, checked_text

LENGTH, WIDTH = 6, 4
X = Shape((LENGTH, WIDTH))
HEADS = Shape((2, 3, LENGTH, WIDTH))
DOT_PRODUCT = "ScaledDotProductAttention"
TRANSFORMER = {"nhead": 2, "dim_feedforward": 8}

CAUSAL: list[tuple[str, dict[str, Any], tuple[Shape, ...]]] = [
    ("MultiheadAttention", {"num_heads": 2, "is_causal": True}, (X,)),
    ("MultiheadAttention", {"num_heads": 2, "is_causal": True}, (Shape((3, *X)),)),
    ("MultiheadAttention", {"num_heads": 2, "is_causal": True, "add_bias_kv": True}, (X, X, X)),
    ("MultiheadAttention", {"num_heads": 2, "is_causal": True, "add_zero_attn": True}, (X,)),
    ("ScaledDotProductAttention", {"is_causal": True}, (X, X, X)),
    ("ScaledDotProductAttention", {"is_causal": True}, (HEADS, HEADS, HEADS)),
    ("ScaledDotProductAttention", {"is_causal": True}, (X, Shape((4, 4)), Shape((4, 5)))),
    ("ScaledDotProductAttention", {"is_causal": True}, (Shape((4, 4)), X, X)),
    (
        "ScaledDotProductAttention",
        {"is_causal": True, "enable_gqa": True},
        (Shape((6, *X)), Shape((2, *X)), Shape((3, *X))),
    ),
    ("TransformerEncoderLayer", {**TRANSFORMER, "is_causal": True}, (X,)),
    ("TransformerEncoderLayer", {**TRANSFORMER, "is_causal": True, "norm_first": True}, (Shape((2, *X)),)),
    ("TransformerEncoder", {**TRANSFORMER, "is_causal": True, "num_layers": 2}, (X,)),
    ("TransformerDecoderLayer", {**TRANSFORMER, "tgt_is_causal": True}, (X, Shape((3, 4)))),
    ("TransformerDecoder", {**TRANSFORMER, "tgt_is_causal": True, "num_layers": 2}, (X, Shape((3, 4)))),
]
EVERY = [
    *CAUSAL,
    *((name, {key: args[key] for key in args if "causal" not in key}, inputs) for name, args, inputs in CAUSAL),
]


def seen(case: Case) -> list[Tensor]:
    """For each input, whether position i of the output has a gradient at position j: a table of positions."""
    torch.manual_seed(0)
    tensors = [torch.rand(1, *x, dtype=torch.float64, requires_grad=True) for x in case.inputs]
    (call,) = calls_of(case)
    thing = made(call)
    if isinstance(thing, nn.Module):
        thing.double().eval()
    (found,) = called(call, thing, list(tensors))
    weight = torch.rand_like(found)
    tables = [torch.zeros(found.shape[-2], x[-2], dtype=torch.bool) for x in case.inputs]
    for i in range(found.shape[-2]):
        value = (found * weight)[..., i, :].sum()
        gradients = torch.autograd.grad(value, tensors, retain_graph=True, allow_unused=True, materialize_grads=True)
        for table, gradient in zip(tables, gradients, strict=True):
            table[i] = (gradient.abs() > 1e-12).movedim(-2, 0).flatten(1).any(1)
    return tables


@pytest.mark.parametrize(("name", "args", "inputs"), EVERY, ids=lambda value: value if isinstance(value, str) else "")
def test_positions_see_what_gradients_say(name: str, args: dict[str, Any], inputs: tuple[Shape, ...]) -> None:
    case = Case(all_layers()[name], args, inputs)
    (links,) = case.type(**args).facts(*inputs).links
    for k, (link, x, table) in enumerate(zip(links, inputs, seen(case), strict=True)):
        for i, row in enumerate(table):
            said = set(bits(link.axes[-1].reads(1 << i, x[-2])))
            read = set(row.nonzero().flatten().tolist())
            # The weight of a single key is 1, whatever the query and the key are.
            alone = name == "ScaledDotProductAttention" and k < 2 and i == 0 and "is_causal" in args
            assert read == (set() if alone else said), (k, i)


@pytest.mark.parametrize(("name", "args", "inputs"), EVERY, ids=lambda value: value if isinstance(value, str) else "")
def test_multiply_adds_are_what_torch_counts(name: str, args: dict[str, Any], inputs: tuple[Shape, ...]) -> None:
    case = Case(all_layers()[name], args, inputs)
    counted = torch_counts(case, "meta")
    if "is_causal" in args and name == "ScaledDotProductAttention" and inputs[0][-2] != inputs[1][-2]:
        return  # the kernel of the meta device counts a causal one by its smaller length
    assert case.type(**args).facts(*inputs).macs == counted


# Long sequences

LONG = 10**9
BLOCK = """
input: [1000000000, 16]
layers:
  - {name: norm, type: LayerNorm}
  - {name: attention, type: MultiheadAttention, num_heads: 4, is_causal: true}
  - {name: add, type: Add, from: [attention, input]}
  - {name: q, type: Linear, out_features: 16}
  - {name: again, type: ScaledDotProductAttention, from: [q, add, add], is_causal: true}
  - {name: out, type: Add, from: [again, add]}
"""


def test_a_token_of_a_long_sequence_sees_what_is_before_it() -> None:
    plan = checked_text(BLOCK).plan
    (out,) = plan.outputs
    token = 123_456_789
    cells = all_cells(token + 1) & ~all_cells(token)
    (box,) = trace(plan, out.step, out.output, ((cells, all_cells(16)),))["input"]
    assert box == (all_cells(token + 1), all_cells(16))
    assert causal_axes(plan, out) == {Causal("input", 0, 0, False)}


TOKENS = """
input: [12]
layers:
  - {name: wte, type: Embedding, num_embeddings: 50, embedding_dim: 16}
  - {name: attention, type: MultiheadAttention, num_heads: 4, is_causal: true}
  - {type: Add, from: [attention, wte]}
  - {type: Linear, out_features: 50}
"""


def test_a_network_that_begins_with_numbers_of_tokens_is_causal() -> None:
    plan = checked_text(TOKENS).plan
    assert causal_axes(plan, plan.outputs[0]) == {Causal("input", 0, 0, False)}
    plan = checked_text(TOKENS.replace(", is_causal: true", "")).plan
    assert causal_axes(plan, plan.outputs[0]) == frozenset()


def test_without_the_word_nothing_is_causal() -> None:
    plan = checked_text(BLOCK.replace(", is_causal: true", "").replace("1000000000", "100")).plan
    assert causal_axes(plan, plan.outputs[0]) == frozenset()


# The code


def report_on(layers: list[dict[str, Any]], input: Any, **more: Any) -> Checked:
    report = checked(of_mapping({"name": "model", "input": input, "layers": layers, **more}))
    assert not report.diagnostics
    return report


def program(report: Checked) -> Emitted:
    """The program, whose values are those of the plan, step by step."""
    found = emitted(report)
    seen = answer(json.loads(json.dumps(request(report.plan, found, Compared(report.plan), every=True))))
    assert not seen["runs"][-1]["error"]
    assert not differences(report.plan, seen)
    return found


def model(found: Emitted) -> nn.Module:
    module: nn.Module = getattr(module_of(found.text), found.name)()
    return module.eval()


GPT: list[dict[str, Any]] = [
    {"name": "ln", "type": "LayerNorm"},
    {"name": "attn", "type": "MultiheadAttention", "num_heads": 2, "is_causal": True},
    {"name": "add", "type": "Add", "from": ["attn", "input"]},
]


def test_the_mask_is_as_long_as_what_arrives() -> None:
    module = model(program(report_on(GPT, [8, 4])))
    x = torch.rand(1, 20, 4)
    whole, part = module(x), module(x[:, :13])
    torch.testing.assert_close(whole[:, :13], part)


def test_a_parameter_of_a_block_says_whether_it_is_causal() -> None:
    attention = {"name": "attn", "type": "MultiheadAttention", "num_heads": 2, "is_causal": "$causal"}
    calls: list[dict[str, Any]] = [{"name": name, "type": "block", "causal": name == "a"} for name in ("a", "b")]
    blocks = {"block": {"params": {"causal": False}, "layers": [attention]}}
    found = program(report_on(calls, [8, 4], blocks=blocks))
    assert found.text.count("attn_mask=causal_mask(x)") == 1
    assert "is_causal=causal" not in found.text


def test_windows_attend_by_themselves_with_masks_of_their_own() -> None:
    layers: list[dict[str, Any]] = [
        {"name": "bias", "type": "Parameter", "shape": [2, 6, 6], "init": "normal", "channels_last": True},
        {"name": "attn", "type": "MultiheadAttention", "num_heads": 2, "from": ["x", "x", "x", "bias"]},
        {"name": "hidden", "type": "MultiheadAttention", "num_heads": 2, "from": ["attn", "attn", "attn", "mask"]},
    ]
    report = report_on(layers, {"x": [3, 6, 4], "mask": [3, 1, 6, 6]})
    found = program(report)
    assert "attn_mask=self.bias" in found.text
    (out,) = report.plan.outputs
    (box,) = trace(report.plan, out.step, out.output, ((0b010, all_cells(6), all_cells(4)),))["x"]
    assert box[0] == 0b010


@pytest.mark.parametrize("interleaved", [True, False])
def test_turned_queries_and_keys_tell_how_far_apart_they_are(interleaved: bool) -> None:
    layers = [{"name": "turned", "type": "RotaryEmbedding", "interleaved": interleaved}]
    found = program(report_on(layers, [2, 9, 6]))
    module = model(found).double()
    query, key = (torch.rand(1, 6, 2, 1, dtype=torch.float64).expand(1, 6, 2, 9) for _ in range(2))
    q, k = (module(x)[0].movedim(0, -1) for x in (query, key))
    products = q @ k.transpose(-2, -1)  # the same content everywhere: what differs is the distance alone
    for distance in range(-8, 9):
        along = products.diagonal(distance, -2, -1)
        torch.testing.assert_close(along, along[:, :1].expand_as(along))
    assert not torch.allclose(products[:, 0, 1:], products[:, 0, :1].expand(2, 8))


# Constants


@pytest.mark.parametrize(
    ("fill", "shape", "wanted"),
    [
        ("zeros", [3, 4], torch.zeros(3, 4)),
        ("ones", [2, 3, 4], torch.ones(2, 3, 4)),
        (0.25, [4], torch.full((4,), 0.25)),
        ("arange", [3, 4], torch.arange(12).reshape(3, 4)),
        ("linspace", [5], torch.linspace(0, 1, 5)),
        ("causal_mask", [5, 5], nn.Transformer.generate_square_subsequent_mask(5)),
        ("causal_mask", [2, 5], nn.Transformer.generate_square_subsequent_mask(5)[:2]),
        ("sinusoidal", [7, 6], torch.tensor([
            [(math.cos if c % 2 else math.sin)(p / 10_000 ** (c // 2 * 2 / 6)) for c in range(6)] for p in range(7)
        ])),
        # Of a window of two rows of two: 4 for the cell itself, 3 more for each row down, 1 more for each column right
        ("relative_position_index", [16], torch.tensor([4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4])),
        ("sinusoidal", [4, 3], torch.tensor([
            [math.sin(p), math.cos(p), math.sin(p / 10_000 ** (2 / 3))] for p in range(4)
        ])),
    ],
    ids=str,
)  # fmt: skip
def test_constants_hold_what_they_say(fill: Any, shape: list[int], wanted: Tensor) -> None:
    it: dict[str, Any] = {"name": "it", "type": "Constant", "shape": shape, "fill": fill}
    report = report_on([it], [2], outputs=["it", "input"])
    module = model(emitted(report))
    assert not module.state_dict()
    (buffer,) = module.buffers()
    last = buffer if len(shape) < 3 else buffer.movedim(0, -1)
    torch.testing.assert_close(last, wanted, rtol=0, atol=6e-8)
    kept = model(emitted(report_on([{**it, "persistent": True}], [2], outputs=["it", "input"])))
    assert list(kept.state_dict()) == ["it"]
    torch.testing.assert_close(kept.state_dict()["it"], buffer)
    found = module(torch.rand(5, 2))[0]
    assert found.shape == (5, *Shape(shape).torch) or found.shape == (5, *shape)


def test_what_follows_from_constants_alone_is_planned() -> None:
    layers: list[dict[str, Any]] = [
        {"name": "ids", "type": "Constant", "shape": [8], "fill": "arange"},
        {"name": "wpe", "type": "Embedding", "num_embeddings": 8, "embedding_dim": 4},
        {"name": "grid", "type": "Constant", "shape": [8, 2], "fill": "linspace"},
        {"name": "mlp", "type": "Linear", "out_features": 4},
        {"name": "positions", "type": "Add", "from": ["wpe", "mlp"]},
        {"name": "out", "type": "Add", "from": ["input", "positions"]},
    ]
    report = report_on(layers, [8, 4], outputs=["out", "positions"])
    assert list(model(program(report)).state_dict()) == ["wpe.weight", "mlp.weight", "mlp.bias"]


def test_a_constant_mask_is_that_of_is_causal() -> None:
    own = ["input"] * 3
    mask: dict[str, Any] = {"name": "mask", "type": "Constant", "shape": [8, 8], "fill": "causal_mask"}
    hidden: dict[str, Any] = {"name": "attn", "type": DOT_PRODUCT, "from": [*own, "mask"]}
    said: dict[str, Any] = {"name": "attn", "type": DOT_PRODUCT, "from": own, "is_causal": True}
    a, b = (model(program(report_on(layers, [8, 4]))) for layers in ([mask, hidden], [said]))
    x = torch.rand(3, 8, 4)
    torch.testing.assert_close(a(x), b(x))
    torch.testing.assert_close(a(x), functional.scaled_dot_product_attention(x, x, x, is_causal=True))


def test_a_table_has_rows_and_columns() -> None:
    (found,) = checked_text("input: [4]\nlayers: [{type: Constant, shape: [3], fill: sinusoidal}]\n").diagnostics
    assert found.code == "NSP112"
    assert "two sizes for `sinusoidal`" in found.message


@pytest.mark.parametrize(("heads", "key_heads", "advised"), [(6, 2, True), (6, 3, True), (6, 4, False), (2, 6, False)])
def test_fewer_heads_of_keys_are_told_of_grouped_queries(heads: int, key_heads: int, advised: bool) -> None:
    text = f"""
input: {{q: [{heads}, 10, 8], kv: [{key_heads}, 10, 8]}}
layers:
  - {{name: mean, type: ScaledDotProductAttention, from: [q, kv, kv]}}
"""
    report = checked_text(text)
    (fault,) = [each for each in report.diagnostics if each.severity == "error"]
    assert ("enable_gqa: true" in fault.help) == advised
    assert checked_text(text.replace("kv, kv]", "kv, kv], enable_gqa: true")).ok == advised
    fixes = report.fixes(fault)
    assert any(edit.value is True for fix in fixes[:1] for edit in fix.edits) == advised
    assert not any(fix.safe for fix in fixes)
