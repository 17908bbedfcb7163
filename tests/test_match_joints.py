"""What is one entry on one side and several on the other: told only where it is so, and with lines that load it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

import planner
from planner.loading import StateMatch
from planner.workbench import Checked, checked, checked_text
from test_match import ROOT, Sizes, assert_whole, line, match, sizes_of

BLOCKS = """\
name: net
input: [6, 12]
params: {width: 12, depth: 2}
layers:
  - {name: blocks, type: block, repeat: $depth}
  - {name: head, type: Linear, out_features: 5}
blocks:
  block:
    layers:
      - {name: norm, type: LayerNorm}
      - {name: attn, type: attention}
      - {name: mlp, type: mlp}
      - {type: Add, from: [mlp, input]}
  mlp:
    layers:
MLP
  attention:
    layers:
ATTENTION
"""
ATTENDS = "      - {type: ScaledDotProductAttention, from: [q, k, v]}\n"
FUSED = (
    "      - {name: qkv, type: Linear, out_features: 3 * $width}\n"
    "      - {name: q, type: Slice, dim: 1, stop: $width}\n"
    "      - {name: k, type: Slice, dim: 1, start: $width, stop: 2 * $width, from: qkv}\n"
    "      - {name: v, type: Slice, dim: 1, start: 2 * $width, from: qkv}\n" + ATTENDS
)
APART = (
    "".join(f"      - {{name: {name}, type: Linear, out_features: $width, from: input}}\n" for name in "qkv") + ATTENDS
)
TORCHS = "      - {name: self, type: MultiheadAttention, num_heads: 1, from: input}\n"
PROJ = "      - {name: proj, type: Linear, out_features: $width}"
GATED = "      - {name: down, type: Linear, out_features: $width}"
MLPS = {
    "w12": (
        "      - {name: w12, type: Linear, out_features: 4 * $width}\n"
        "      - {name: gate, type: Slice, dim: 1, stop: 2 * $width}\n"
        "      - {name: up, type: Slice, dim: 1, start: 2 * $width, from: w12}\n"
    ),
    "w1": (
        "      - {name: w1, type: Linear, out_features: 2 * $width, from: input}\n"
        "      - {name: w2, type: Linear, out_features: 2 * $width, from: input}\n"
        "      - {name: gate, type: Identity, from: w1}\n"
        "      - {name: up, type: Identity, from: w2}\n"
    ),
}
MULTIPLIED = "      - {type: SiLU, from: gate, name: act}\n      - {type: Multiply, from: [act, up]}\n"


def text(attention: str, mlp: str = "w1", proj: str = PROJ) -> str:
    return BLOCKS.replace("MLP", MLPS[mlp] + MULTIPLIED + GATED).replace("ATTENTION", attention + proj)


def report(attention: str, **options: Any) -> Checked:
    found = checked_text(text(attention, options.pop("mlp", "w1")), "net.yaml", **options)
    assert found.ok, found.diagnostics
    return found


def renamed(sizes: Sizes, *pairs: tuple[str, str]) -> Sizes:
    for old, new in pairs:
        sizes = {name.replace(old, new): each for name, each in sizes.items()}
    return sizes


# Sentences


@pytest.mark.parametrize(
    "names",
    [
        ("q", "k", "v"),
        ("q_proj", "k_proj", "v_proj"),
        ("to_q", "to_k", "to_v"),
        ("query", "key", "value"),
        ("wq", "wk", "wv"),
    ],
)
def test_a_whole_of_the_file(names: tuple[str, str, str]) -> None:
    pairs = [(f"attn.{old}.", f"attn.{new}.") for old, new in zip("qkv", names, strict=True)]
    found = match(report(FUSED), renamed(sizes_of(report(APART)), *pairs))
    q, k, v = names
    whole = "`weight` (3·12×12) and `bias` (3·12) of `blocks.{0, 1}.attn.qkv`"
    assert f"→ {whole} are `{q}`, `{k}` and `{v}` of the checkpoint one above another (2 times)" in line(found)
    assert "22 of 26 entries agree in name and sizes: 4 put together otherwise" in line(found)
    assert all(each not in line(found) for each in ("missing", "alone", "=> "))
    assert not found.agrees
    assert_whole(found)


def test_a_whole_of_the_checkpoint() -> None:
    found = match(report(APART), sizes_of(report(FUSED)))
    assert (
        "→ `q`, `k` and `v` of `blocks.{0, 1}.attn` stand one above another in the checkpoint: `weight` (3·12×12) and "
        "`bias` (3·12) of `blocks.{0, 1}.attn.qkv` (2 times)"
    ) in line(found)
    assert "12 put together otherwise" in line(found)
    assert_whole(found)


def test_the_weight_of_multihead_attention() -> None:
    for one, other in ((TORCHS, APART), (APART, TORCHS)):
        pairs = (
            [("attn.self.", "attn.")]
            if other is TORCHS
            else [(f"attn.{each}.", f"attn.self.{each}.") for each in "qkv"]
        )
        theirs = {
            name: each for name, each in renamed(sizes_of(report(other)), *pairs).items() if "out_proj" not in name
        }
        found = match(report(one), theirs)
        assert "`in_proj_weight` (3·12×12) and `in_proj_bias` (3·12) of" in line(found)
        assert "do not tell" not in line(found), "what PyTorch's module holds is known"
        assert_whole(found)


def test_wholes_with_two_names_are_renamed() -> None:
    theirs = renamed(sizes_of(report(TORCHS)), ("self.in_proj_", "self.qkv."))
    found = match(report(TORCHS), theirs)
    assert (
        "→ `blocks.{0, 1}.attn.self.in_proj_weight` are `blocks.{0, 1}.attn.self.qkv.weight` in the checkpoint"
        in line(found)
    )
    assert "do not tell whether `qkv` holds its parts one above another" in line(found)
    assert found.renaming["blocks.1.attn.self.qkv.bias"] == "blocks.1.attn.self.in_proj_bias"
    assert_whole(found)


def test_blocks_with_other_names_around() -> None:
    theirs = renamed(
        sizes_of(report(APART)),
        ("attn.q.", "attn.self.query."), ("attn.k.", "attn.self.key."), ("attn.v.", "attn.self.value."),
        ("attn.proj", "attn.output"), ("blocks.", "encoder.layer."), ("norm", "before"),
    )  # fmt: skip
    found = match(report(FUSED), theirs)
    assert (
        "are `query`, `key` and `value` of `encoder.layer.{0, 1}.attn.self` of the checkpoint one above another"
        in line(found)
    )
    assert not found.entries.missing
    assert not found.entries.unexpected
    assert_whole(found)


def test_gates() -> None:
    found = match(report(APART, mlp="w12"), sizes_of(report(APART)))
    assert "of `blocks.{0, 1}.mlp.w12` are `w1` and `w2` of the checkpoint one above another" in line(found)
    gates = renamed(sizes_of(report(APART)), (".w1.", ".gate_proj."), (".w2.", ".up_proj."))
    whole = renamed(sizes_of(report(APART, mlp="w12")), (".w12.", ".gate_up_proj."))
    assert "one above" not in line(match(report(APART, mlp="w12"), gates)), "whether `w1` is the gate no name says"
    other = checked_text(text(APART, "w12").replace("w12", "gate_up_proj"), "net.yaml")
    assert sizes_of(other) == whole
    assert "of `blocks.{0, 1}.mlp.gate_up_proj` are `gate_proj` and `up_proj` of the checkpoint" in line(
        match(other, gates)
    )


def test_heads_of_keys_that_are_fewer() -> None:
    """Queries of 12 channels, keys and values of 4."""
    layer = "input: [6, 12]\nlayers:\n  - {name: attn, layers: [{name: qkv, type: Linear, out_features: 20}]}\n"
    theirs = {
        f"attn.{part}_proj.{own}": (rows, 12)[: 2 - (own == "bias")]
        for part, rows in zip("qkv", (12, 4, 4), strict=True)
        for own in ("weight", "bias")
    }
    found = match(checked_text(layer, "net.yaml"), theirs)
    assert "`weight` ((12 + 2·4)×12) and `bias` (12 + 2·4) of `attn.qkv` are `q_proj`, `k_proj`" in line(found)
    split = match(
        checked_text(layer.replace("20", "12").replace("qkv", "q_proj"), "net.yaml"), {"attn.qkv.weight": (20, 12)}
    )
    assert not split.joints


def test_other_sizes_are_no_whole() -> None:
    """Told by name, as other sizes; with the width that fits."""
    wide = text(APART).replace("[6, 12]", "[6, 24]")
    found = match(report(FUSED), sizes_of(checked_text(wide, "net.yaml", params={"width": 24, "depth": 3})))
    assert "~ `weight` (36×12, in parts 3·24×24) and `bias` (36, in parts 3·24) of" in line(found)
    assert "torch.cat" not in line(found)
    assert all(not each.fits for each in found.joints)
    assert_whole(found)
    found = match(report(FUSED), sizes_of(report(APART, params={"depth": 3})))
    assert found.advice is not None
    assert found.advice.fits
    assert found.advice.of == 38
    assert "with `--set depth=3` all 38 entries agree, once what stands in one is taken apart or put together" in line(
        found
    )


NO_WHOLES = {
    "head by head": lambda sizes: renamed(sizes, ("qkv", "query_key_value")),
    "two of three": lambda sizes: {n: s for n, s in apart(sizes).items() if ".k." not in n},
    "another layer": lambda sizes: renamed(apart(sizes), ("attn.v.", "mlp.v.")),
    "other columns": lambda sizes: {n: (12, 11) if n.endswith(".k.weight") else s for n, s in apart(sizes).items()},
    "norms": lambda sizes: renamed(apart(sizes), *((f".{each}.", f".{each}_norm.") for each in "qkv")),
    "twice": lambda sizes: apart(sizes) | renamed(apart(sizes), *((f".{each}.", f".to_{each}.") for each in "qkv")),
    "words of two kinds": lambda sizes: renamed(apart(sizes), (".k.", ".to_k.")),
}  # fmt: skip


def apart(sizes: Sizes) -> Sizes:
    """The same with `q`, `k` and `v` apart."""
    found: Sizes = {}
    for name, each in sizes.items():
        for part in "qkv" if "qkv" in name else ("",):
            found[name.replace("qkv", part) if part else name] = (each[0] // 3, *each[1:]) if part else each
    return found


@pytest.mark.parametrize("name", NO_WHOLES)
def test_what_is_no_whole_is_not_told_as_one(name: str) -> None:
    found = match(report(FUSED), NO_WHOLES[name](sizes_of(report(FUSED))))
    weights = [each for each in found.joints if each.name.endswith("weight")]
    assert not weights
    assert all(each.fits for each in found.joints)
    assert not found.agrees
    assert_whole(found)


def test_nothing_is_told_where_names_agree() -> None:
    for each in (FUSED, APART, TORCHS):
        assert match(report(each), sizes_of(report(each))).agrees
        assert not match(report(each), sizes_of(report(each))).joints


def test_whatever_is_taken_apart_is_found_again(request: pytest.FixtureRequest) -> None:
    """Some of the layers, under any wrapper, with any names of blocks; sentences are about all that differs."""
    random = Random(3)
    ours = report(FUSED, params={"depth": 4})
    for _ in range(400 if request.config.getoption("long") else 25):
        split = random.sample(range(4), random.randint(1, 4))
        sizes = sizes_of(ours)
        theirs: Sizes = {}
        for name, each in sizes.items():
            theirs |= apart({name: each}) if any(f"blocks.{i}." in name for i in split) else {name: each}
        theirs = renamed(theirs, *random.choice([[], [("blocks", "layers")], [("attn", "mixer"), ("blocks", "h")]]))
        front = random.choice(["", "module.", "net."])
        found = match(ours, {front + name: each for name, each in theirs.items()})
        assert_whole(found)
        assert {each.name for each in found.joints} == {
            f"blocks.{i}.attn.qkv.{own}" for i in split for own in ("weight", "bias")
        }
        assert not found.entries.missing


# As PyTorch has it


@pytest.mark.parametrize(("ours", "theirs"), [(FUSED, APART), (APART, FUSED)], ids=["joined", "split"])
@pytest.mark.parametrize("front", ["", "module."])
def test_the_lines_of_python_load_it(ours: str, theirs: str, front: str, tmp_path: Path) -> None:
    """All lines, then the new names: the network loads, and gives what the other one gives."""
    torch = pytest.importorskip("torch")
    mlps = ("w12", "w1") if ours is FUSED else ("w1", "w12")
    nets = []
    for name, attention, mlp in (("ours", ours, mlps[0]), ("theirs", theirs, mlps[1])):
        (tmp_path / f"{name}.yaml").write_text(text(attention, mlp))
        nets.append(planner.build(tmp_path / f"{name}.yaml").eval())
    torch.save({front + name: each for name, each in nets[1].state_dict().items()}, tmp_path / "net.pt")
    found = planner.match(tmp_path / "ours.yaml", tmp_path / "net.pt")
    state = torch.load(tmp_path / "net.pt", weights_only=True)
    said = found.to_dict()
    assert said["entries"]["joined"] == sum(len(each["file"]) for each in said["joined"]) > 0
    assert not any(
        name in said["renaming"] for each in said["joined"] for name in [x["name"] for x in each["checkpoint"]]
    )
    for each in said["joined"]:
        assert each["fits"]
        exec(each["torch"], {"torch": torch, "state": state})  # noqa: S102
    nets[0].load_state_dict({found.renaming.get(name, name): each for name, each in state.items()})
    x = torch.randn(2, 6, 12)
    torch.testing.assert_close(nets[0](x), nets[1](x))


def test_the_sizes_of_both_sides_are_as_they_stand() -> None:
    found = match(report(FUSED), sizes_of(report(APART)))
    sizes = StateMatch.sizes_in(report(FUSED).plan)
    for each in found.joints:
        assert each.ours == each.theirs == sizes[each.name]
        assert not each.splits
        assert each.torch.startswith(f"state['{each.name}'] = torch.cat([state.pop('blocks.")


def timm_vit(width: int = 768, depth: int = 12) -> Sizes:
    """The names and sizes of timm's vit_base_patch16_224."""
    linear = {
        "norm1": (width,), "attn.qkv": (3 * width, width), "attn.proj": (width, width), "norm2": (width,),
        "mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width),
    }  # fmt: skip
    blocks = {f"blocks.{i}.{name}": each for i in range(depth) for name, each in linear.items()}
    layers: Sizes = {"patch_embed.proj": (width, 3, 16, 16), **blocks, "norm": (width,), "head": (1000, width)}
    found: Sizes = {"cls_token": (1, 1, width), "pos_embed": (1, 197, width)}
    for name, each in layers.items():
        found |= {f"{name}.weight": each, f"{name}.bias": each[:1]}
    return found


def test_a_vision_transformer_of_timm_is_found_in_that_of_torchvision() -> None:
    """All 152 entries, each under the name that the conversion of both libraries gives it."""
    found = match(checked(ROOT / "configs" / "vit_b_16.yaml"), timm_vit())
    assert found.renaming.keys() == timm_vit().keys()
    assert {
        "cls_token": "class_token",
        "pos_embed": "encoder.pos_embedding",
        "blocks.7.attn.qkv.weight": "encoder.layers.encoder_layer_7.self_attention.in_proj_weight",
        "blocks.11.norm2.bias": "encoder.layers.encoder_layer_11.ln_2.bias",
        "blocks.0.mlp.fc2.weight": "encoder.layers.encoder_layer_0.mlp.3.weight",
        "norm.weight": "encoder.ln.weight",
        "head.bias": "heads.head.bias",
    }.items() <= found.renaming.items()
    assert not found.joints
    assert_whole(found)
