"""`planner match`: networks as other libraries name and store them, with what each entry is known to be."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from torch import nn
from torch.nn.utils import prune

import planner
from planner.loading import WeightsMatch
from planner.workbench import Checked, checked, checked_text
from test_match import Sizes, assert_whole, line, match, sizes_of

CONFIGS = Path(__file__).parents[1] / "configs"


@cache
def config(name: str) -> Checked:
    return checked(CONFIGS / f"{name}.yaml")


def replaced(name: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        name = name.replace(old, new)
    return name


def in_both_orders(report: Checked, sizes: Sizes) -> list[WeightsMatch]:
    """As in a file that keeps the order of the network, and as in one that sorts names."""
    return [match(report, sizes), match(report, dict(sorted(sizes.items())), in_order=False)]


# BERT and the vision transformer of transformers

BERT = (
    ("embeddings.norm", "embeddings.LayerNorm"), ("position_embeddings", "position_embeddings.weight"),
    ("encoder.layers", "encoder.layer"), ("self_attn.out_proj", "attention.output.dense"),
    ("norm1", "attention.output.LayerNorm"), ("norm2", "output.LayerNorm"), ("linear1", "intermediate.dense"),
    ("linear2", "output.dense"),
)  # fmt: skip
VIT = (
    ("encoder.layers.encoder_layer_", "vit.encoder.layer."), ("self_attention.out_proj", "attention.output.dense"),
    ("ln_1", "layernorm_before"), ("ln_2", "layernorm_after"),
    ("mlp.0", "intermediate.dense"), ("mlp.3", "output.dense"),
    ("class_token", "vit.embeddings.cls_token"), ("conv_proj", "vit.embeddings.patch_embeddings.projection"),
    ("encoder.pos_embedding", "vit.embeddings.position_embeddings"), ("encoder.ln", "vit.layernorm"),
    ("heads.head", "classifier"),
)  # fmt: skip


def as_transformers(sizes: Sizes, pairs: tuple[tuple[str, str], ...], attention: str) -> tuple[Sizes, dict[str, str]]:
    """The sizes by the names of transformers, in its order, and what is what but for query, key and value."""
    theirs, names = Sizes(), dict[str, str]()
    for name, each in sizes.items():
        if ".in_proj_" in name:
            block, own = replaced(name, *pairs).rsplit(".in_proj_", 1)
            block = block.rpartition(".")[0]
            parts = {
                f"{block}.{attention}.{part}.{own}": (each[0] // 3, *each[1:]) for part in ("query", "key", "value")
            }
            theirs |= parts
        else:
            names[replaced(name, *pairs)] = name
            theirs[replaced(name, *pairs)] = each
    return theirs, names


@pytest.mark.parametrize(
    ("name", "pairs", "attention"),
    [("bert_base", BERT, "attention.self"), ("vit_b_16", VIT, "attention.attention")],
)
def test_transformers_are_found_whole(name: str, pairs: tuple[tuple[str, str], ...], attention: str) -> None:
    theirs, names = as_transformers(sizes_of(config(name)), pairs, attention)
    for found in in_both_orders(config(name), theirs):
        assert found.renaming == names
        assert len(found.joints) == 24
        assert not found.entries.missing
        assert not found.entries.unexpected
        assert_whole(found)


def test_a_layer_is_no_other_of_the_same_sizes() -> None:
    """A masked language model has no pooler, and a layer as large as one for its predictions."""
    theirs, _ = as_transformers(sizes_of(config("bert_base")), BERT, "attention.self")
    theirs = {f"bert.{name}": each for name, each in theirs.items() if not name.startswith("pooler")}
    theirs |= {"cls.predictions.bias": (30522,), "cls.predictions.transform.LayerNorm.weight": (768,)}
    theirs |= {
        f"cls.predictions.transform.dense.{own}": (768, 768)[: 2 - (own == "bias")] for own in ("weight", "bias")
    }
    for found in in_both_orders(config("bert_base"), theirs):
        assert {each.name for each in found.entries.missing} == {"pooler.dense.weight", "pooler.dense.bias"}
        assert "- `pooler` is missing from the checkpoint" in line(found)
        assert_whole(found)


BLOCKS = """\
name: net
input: [5, 8]
layers:
  - {name: layers, type: block, repeat: 2}
blocks:
  block:
    layers:
      - {name: attn_norm, type: RMSNorm}
      - {name: mix, type: Linear, out_features: 8, bias: false}
      - {name: ffn_norm, type: RMSNorm}
      - {name: w1, type: Linear, out_features: 32, bias: false}
      - {name: w2, type: Linear, out_features: 8, bias: false}
"""


def test_norms_of_t5_are_told_by_the_layers_that_they_stand_in() -> None:
    report = checked_text(BLOCKS, "net.yaml")
    pairs = (
        ("layers.", "encoder.block."), ("attn_norm", "layer.0.layer_norm"), ("mix", "layer.0.SelfAttention.o"),
        ("ffn_norm", "layer.1.layer_norm"), ("w1", "layer.1.DenseReluDense.wi"), ("w2", "layer.1.DenseReluDense.wo"),
    )  # fmt: skip
    names = {replaced(each, *pairs): each for each in sizes_of(report)}
    for found in in_both_orders(report, {was: sizes_of(report)[now] for was, now in names.items()}):
        assert found.renaming == names
        assert_whole(found)


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("bert_base", "encoder.layers.", "encoder.blocks."),
        ("mobilenet_v2", "features.", "stages."),
        ("resnet18", "layer1.", "stage1."),
    ],
)
def test_blocks_that_are_counted_from_one(name: str, ours: str, theirs: str) -> None:
    """Block 1 of the file is called 2 in the checkpoint, which has a block 1 with the same sizes, too."""
    sizes = sizes_of(config(name))
    names = {re.sub(rf"^{ours}(\d+)", lambda found: f"{theirs}{int(found[1]) + 1}", each): each for each in sizes}
    for found in in_both_orders(config(name), {was: sizes[now] for was, now in names.items()}):
        assert found.renaming == names
        assert_whole(found)


# Convolutional networks


def as_resnet_of_transformers(name: str) -> str:
    """The name that `ResNetForImageClassification` has for an entry of torchvision's."""
    pairs = [(f"layer{i}.", f"resnet.encoder.stages.{i - 1}.layers.") for i in range(1, 5)]
    pairs += [("downsample.0", "shortcut.convolution"), ("downsample.1", "shortcut.normalization")]
    if "layer" in name:
        pairs += [
            (f"{ours}{i}", f"layer.{i - 1}.{word}") for i in (1, 2, 3) for ours, word in (("conv", "convolution"),)
        ]
        pairs += [(f".bn{i}", f".layer.{i - 1}.normalization") for i in (1, 2, 3)]
    pairs += [("conv1", "resnet.embedder.embedder.convolution"), ("bn1", "resnet.embedder.embedder.normalization")]
    return replaced(name, *pairs, ("fc.", "classifier.1."))


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_shortcut_that_comes_first(name: str) -> None:
    """The shortcut of the first block has the sizes of its last convolution, and stands before it in the file."""
    names = {as_resnet_of_transformers(each): each for each in sizes_of(config(name))}
    ordered = sorted(
        names, key=lambda each: (each.partition(".layer.")[0].partition(".shortcut")[0], "shortcut" not in each)
    )
    for found in in_both_orders(config(name), {each: sizes_of(config(name))[names[each]] for each in ordered}):
        assert found.renaming == names
        assert_whole(found)


def as_regnet_of_timm(name: str) -> str:
    pairs = [(f"trunk_output.block{i}.block{i}-{j}.", f"s{i}.b{j + 1}.") for i in range(1, 5) for j in range(9)]
    pairs += [("f.a.", "conv1."), ("f.b.", "conv2."), ("f.c.", "conv3."), ("proj.", "downsample.")]
    found = replaced(name, *pairs)
    layer = ("conv1.", "conv2.", "conv3.", "downsample.", "stem.")
    for each in layer:
        found = replaced(found, (f"{each}0.", f"{each}conv."), (f"{each}1.", f"{each}bn."))
    return found.replace("fc.", "head.fc.")


def test_what_other_blocks_say_decides() -> None:
    """In the first block of a stage two convolutions are alike, and ordered otherwise on either side."""
    names = {as_regnet_of_timm(each): each for each in sizes_of(config("regnet_x_800mf"))}
    ordered = sorted(names, key=lambda each: (*each.split(".")[:2], "downsample" in each))
    sizes = sizes_of(config("regnet_x_800mf"))
    for found in in_both_orders(config("regnet_x_800mf"), {each: sizes[names[each]] for each in ordered}):
        assert found.renaming == names


TWO = """\
name: net
input: [8, 8, 4]
layers:
  - {name: blocks, type: block, repeat: 3}
  - {name: fc, type: Linear, out_features: 7}
blocks:
  block:
    layers:
      - {name: left, type: Conv2d, out_channels: 4, kernel_size: 1}
      - {name: right, type: Conv2d, out_channels: 4, kernel_size: 1}
      - {name: last, type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1}
"""


def test_what_nothing_tells_apart_is_not_joined() -> None:
    report = checked_text(TWO, "net.yaml")
    pairs = (("blocks", "steps"), ("left", "q"), ("right", "z"), ("last", "conv"), ("fc", "head"))
    names = {replaced(each, *pairs): each for each in sizes_of(report)}
    found = match(report, {was: sizes_of(report)[now] for was, now in sorted(names.items())}, in_order=False)
    assert found.renaming == {was: now for was, now in names.items() if "left" not in now and "right" not in now}
    assert "could be" in line(found)
    assert_whole(found)


# Keras and Flax


def as_keras(name: str, sizes: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """An entry as Keras has it: with its kernel first, and slashes."""
    module, _, own = name.rpartition(".")
    if own == "weight" and len(sizes) > 1:
        own, sizes = "kernel", (*sizes[2:], sizes[1], sizes[0])
    norm = {"weight": "gamma", "running_mean": "moving_mean", "running_var": "moving_variance"}
    own = "beta" if own == "bias" and "bn" in module else norm.get(own, own)
    return f"{module.replace('.', '/')}/{own}:0", sizes


def keras(report: Checked) -> tuple[Sizes, dict[str, str]]:
    theirs, names = Sizes(), dict[str, str]()
    for name, sizes in sizes_of(report).items():
        if not name.endswith("num_batches_tracked"):
            was, theirs[was] = (found := as_keras(name, sizes))[0], found[1]
            names[was] = name
    return theirs, names


def test_names_and_axes_of_keras() -> None:
    theirs, names = keras(config("resnet18"))
    found = match(config("resnet18"), theirs)
    assert found.renaming == names
    assert "names of the checkpoint have `/` in place of `.` and end in `:0`" in line(found)
    assert "are stored with the axes of the kernel first: 64×3×7×7, the checkpoint 7×7×3×64" in line(found)
    assert "`fc.weight` is stored transposed: 1000×512, the checkpoint 512×1000" in line(found)
    assert_whole(found)


def test_the_lines_of_python_turn_kernels(tmp_path: Path) -> None:
    torch, numpy = pytest.importorskip("torch"), pytest.importorskip("numpy")
    text = TWO.replace("kernel_size: 3", "kernel_size: [3, 1]").replace("padding: 1", "padding: [1, 0]")
    (tmp_path / "net.yaml").write_text(text)
    net, other = (planner.build(tmp_path / "net.yaml") for _ in range(2))
    state = {}
    for name, each in net.state_dict().items():
        was, _ = as_keras(name, tuple(each.shape))
        turned = each.permute(*range(2, each.ndim), 1, 0) if each.ndim > 1 else each
        state[was] = turned.numpy()
    numpy.savez(tmp_path / "net.npz", **state)
    found = planner.match(tmp_path / "net.yaml", tmp_path / "net.npz")
    state = {name: torch.from_numpy(each) for name, each in numpy.load(tmp_path / "net.npz").items()}
    for each in found.to_dict()["turned"]:
        exec(each["torch"], {"state": state})  # noqa: S102
    other.load_state_dict({found.renaming[name]: each for name, each in state.items()})
    x = torch.randn(2, 4, 8, 8)
    torch.testing.assert_close(net(x), other(x))


def test_what_was_flattened_is_in_another_order() -> None:
    """Four by four cells in VGG's way; not after a global pooling, as in ResNet, nor behind another Linear."""
    head = "{name: fc, type: Linear, out_features: 7}"
    flat = TWO.replace(
        head, f"{{type: Flatten}}\n  - {{type: Dropout}}\n  - {head}\n  - {{type: Linear, out_features: 7}}"
    )
    for report, said in ((checked_text(flat, "net.yaml"), True), (config("resnet18"), False)):
        found = match(report, keras(report)[0])
        assert ("`fc` reads what was flattened" in line(found)) is said


# Query, key and value head by head

ATTENTION = """\
name: net
input: [5, 24]
layers:
  - {name: attn, type: MultiheadAttention, num_heads: 4}
"""


def test_heads_that_stand_one_after_another(tmp_path: Path) -> None:
    """As in GPT-NeoX, whose rows are those of the first head's query, key and value, then those of the second's."""
    torch = pytest.importorskip("torch")
    report = checked_text(ATTENTION, "net.yaml")
    names = {replaced(name, ("in_proj_", "query_key_value."), ("out_proj", "dense")): name for name in sizes_of(report)}
    found = match(report, {was: sizes_of(report)[now] for was, now in names.items()})
    assert found.renaming == names
    said = line(found)
    assert "`query_key_value` (2 entries) holds query, key and value head by head in GPT-NeoX and BLOOM" in said
    python = said.partition("of these, `")[2].partition("`")[0]
    x, mine = torch.randn(2, 5, 24).double(), torch.nn.MultiheadAttention(24, 4, batch_first=True).double().eval()
    state = {was: mine.state_dict()[now.removeprefix("attn.")] for was, now in names.items()}
    state = {name: torch.randn_like(each) for name, each in state.items()}
    fused = torch.nn.functional.linear(x, *(state[f"attn.query_key_value.{own}"] for own in ("weight", "bias")))
    q, k, v = fused.view(2, 5, 4, 18).transpose(1, 2).chunk(3, dim=-1)  # as GPTNeoXAttention.forward has it
    heads = torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 5, 24)
    wanted = torch.nn.functional.linear(heads, state["attn.dense.weight"], state["attn.dense.bias"])
    for name in [each for each in state if "query" in each]:
        exec(python, {"state": state, "name": name, "heads": 4})  # noqa: S102
    mine.load_state_dict({names[was].removeprefix("attn."): each for was, each in state.items()})
    torch.testing.assert_close(mine(x, x, x)[0], wanted)


# Weights in parts, as torch.nn.utils makes them

PARAMETRIZED: dict[str, Callable[[nn.Module], nn.Module]] = {
    "weight norm": nn.utils.parametrizations.weight_norm,
    "spectral norm": nn.utils.parametrizations.spectral_norm,
    "pruning": lambda conv: prune.random_unstructured(conv, "weight", 0.5),  # type: ignore[no-untyped-call]
    "a parametrization": nn.utils.parametrizations.orthogonal,
}


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("norm", PARAMETRIZED)
def test_a_part_of_a_weight_is_never_the_weight(norm: str, in_order: bool) -> None:
    report = checked_text("""
        input: [8, 8, 3]
        layers:
          - {name: a, type: Conv2d, out_channels: 8, kernel_size: 3}
          - {name: b, type: Conv2d, out_channels: 8, kernel_size: 1}
    """)
    network = nn.Sequential(OrderedDict(a=nn.Conv2d(3, 8, 3), b=PARAMETRIZED[norm](nn.Conv2d(8, 8, 1))))
    sizes = {name: tuple(each.shape) for name, each in network.state_dict().items()}
    found = match(report, sizes, in_order=in_order)
    assert [each.name for each in found.entries.missing] == ["b.weight"]
    assert found.renaming == {name: name for name in ("a.weight", "a.bias", "b.bias")}
    (said,) = found.differences
    assert f"`b.weight` stands in parts in the checkpoint, under {norm}" in said.text
