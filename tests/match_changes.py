"""A network, and checkpoints of it that somebody has changed, each with what is to be said of it and what is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from diff_edits import RESIDUAL

BASE = (
    """\
name: net
input: [32, 32, 3]
params: {classes: 10, width: 16, depth: 3}
layers:
  - {name: stem, type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1, bias: false}
  - {name: bn, type: BatchNorm2d}
  - {type: ReLU}
  - {name: layer1, type: residual, width: $width, repeat: $depth}
  - {name: layer2, type: stage, width: 2 * $width}
  - {name: layer3, type: stage, width: 64}
  - {name: pool, type: AdaptiveAvgPool2d, output_size: 1}
  - {type: Flatten}
  - {name: fc, type: Linear, out_features: $classes}
blocks:
  stage:
    params: {width: }
    layers:
      - {name: down, type: Conv2d, out_channels: $width, kernel_size: 3, stride: 2, padding: 1, bias: false}
      - {name: blocks, type: residual, width: $width, repeat: 2}
"""
    + RESIDUAL
)
VIT = """\
name: vit
input: [32, 32, 3]
params: {classes: 10, width: 32}
layers:
  - {name: patches, type: Conv2d, out_channels: $width, kernel_size: 8, stride: 8}
  - {type: Rearrange, pattern: h w c -> (h w) c}
  - {name: places, type: Parameter, shape: [$input.height * $input.width // 64, $width]}
  - {type: Add, from: [rearrange, places]}
  - {name: norm, type: LayerNorm}
  - {name: mlp, type: Linear, out_features: 2 * $width}
"""

Sizes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Changed:
    """A checkpoint, as a change of the sizes by names that the base has, or of its parameters.

    lines  what the text has, its lines joined; never what it has not
    """

    change: Callable[[dict[str, tuple[int, ...]]], Any] = lambda sizes: sizes
    params: Mapping[str, Any] = field(default_factory=dict)
    text: Callable[[str], str] = lambda text: text
    lines: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    code: int = 1


def renaming(*pairs: tuple[str, str]) -> Callable[[Sizes], dict[str, tuple[int, ...]]]:
    def change(sizes: Sizes) -> dict[str, tuple[int, ...]]:
        found = {}
        for name, each in sizes.items():
            for old, new in pairs:
                name = name.replace(old, new)
            found[name] = each
        return found

    return change


def without(*parts: str) -> Callable[[Sizes], dict[str, tuple[int, ...]]]:
    return lambda sizes: {name: each for name, each in sizes.items() if not any(part in name for part in parts)}


def put(**entries: tuple[int, ...]) -> Callable[[Sizes], dict[str, tuple[int, ...]]]:
    return lambda sizes: {**sizes, **{name.replace("__", "."): each for name, each in entries.items()}}


def front(prefix: str) -> Callable[[Sizes], dict[str, tuple[int, ...]]]:
    return lambda sizes: {prefix + name: each for name, each in sizes.items()}


def in_parts(*forms: str) -> Callable[[Sizes], dict[str, tuple[int, ...]]]:
    """The weights of convolutions in parts."""

    def change(sizes: Sizes) -> dict[str, tuple[int, ...]]:
        found = {}
        for name, each in sizes.items():
            for own in forms if len(each) == 4 else ("weight",):
                found[name.removesuffix("weight") + own if name.endswith("weight") else name] = each
        return found

    return change


OTHERS = ("missing from", "in the checkpoint alone", "with other sizes", "have the prefix", "is in the checkpoint")

CHANGED: dict[str, Changed] = {
    "as it is": Changed(code=0, lines=("all 94 entries of the `state_dict` agree in names and sizes",), never=OTHERS),
    "in another order": Changed(
        lambda sizes: dict(reversed(sizes.items())), code=0, lines=("all 94 entries",), never=OTHERS
    ),
    "DistributedDataParallel": Changed(
        front("module."),
        lines=("→ all names of the checkpoint have the prefix `module.`", "94 of 94 entries agree"),
        never=("missing", "alone", "help:"),
    ),
    "compiled": Changed(front("_orig_mod."), lines=("→ all names of the checkpoint have the prefix `_orig_mod.`",)),
    "compiled and distributed": Changed(
        front("module._orig_mod."),
        lines=("→ all names of the checkpoint have the prefix `module._orig_mod.`", "94 of 94 entries agree"),
        never=("missing", "alone"),
    ),
    "a part that is compiled": Changed(
        renaming(("layer2.", "layer2._orig_mod.")),
        lines=("→ names of the checkpoint have `_orig_mod.` in them", "94 of 94 entries agree"),
        never=("missing", "alone"),
    ),
    "Lightning": Changed(
        lambda sizes: {"epoch": 3, "state_dict": {**front("model.")(sizes), "loss.weight": (10,)}},
        lines=(
            "→ 94 of 95 names of the checkpoint have the prefix `model.`",
            "+ 1 entry of the checkpoint does not begin with `model.`: `loss.weight`",
            "= note: the entries under the key `state_dict` are taken",
        ),
        never=("missing",),
    ),
    "an average beside it": Changed(
        lambda sizes: {"state_dict": sizes, "state_dict_ema": front("module.")(sizes), "args": {"lr": "x"}},
        code=0,
        lines=(
            "all 94 entries",
            "under the key `state_dict`",
            "there is also `state_dict_ema` (94 entries): `--key` takes",
        ),
        never=OTHERS,
    ),
    "the average alone fits": Changed(
        lambda sizes: {"model": without("fc")(sizes), "ema": sizes},
        code=0,
        lines=("under the key `ema`",),
        never=OTHERS,
    ),
    "other classes": Changed(
        params={"classes": 1000},
        lines=(
            "~ the head `fc` has 10 classes, the checkpoint 1,000",
            "with `--set classes=1000` all 94 entries agree",
        ),
        never=("missing", "alone", "wide"),
    ),
    "another width": Changed(
        params={"width": 32},
        lines=(
            "~ all of `layer1` and `layer2` are twice as wide: 16 → 32, 32 → 64",
            "~ `stem` and `bn` are twice as wide: 16 → 32",
            "~ `layer3.down` reads other numbers of channels: 32 → 64",
            "with `--set width=32` all 94 entries agree",
        ),
        never=("missing", "alone", "head"),
    ),
    "half as wide": Changed(
        params={"width": 8}, lines=("half as wide: 16 → 8, 32 → 16", "`--set width=8` all 94"), never=("twice",)
    ),
    "one and a half times as wide": Changed(
        params={"width": 24}, lines=("1.5 times as wide", "`--set width=24` all 94")
    ),
    "one stage of another width": Changed(
        text=lambda text: text.replace("width: 64", "width: 128"),
        lines=(
            "~ all of `layer3` is twice as wide: 64 → 128 --> net.yaml:10:5",
            "~ `fc` reads other numbers of channels: 64 → 128",
        ),
        never=("`layer1", "`layer2", "head", "help:", "missing", "alone"),
    ),
    "less deep": Changed(
        params={"depth": 2},
        lines=(
            "- `layer1` has 3 copies, the checkpoint 2: `layer1.2` is missing from the checkpoint (12 entries)",
            "with `--set depth=2` all 82 entries agree",
        ),
        never=("alone", "~ "),
    ),
    "deeper": Changed(
        params={"depth": 5},
        lines=(
            "+ `layer1` has 3 copies, the checkpoint 5: `layer1.{3, 4}` are in the checkpoint alone (24 entries)",
            "with `--set depth=5` all 118 entries agree",
        ),
        never=("missing", "~ "),
    ),
    "deeper, wider, with other classes": Changed(
        params={"depth": 4, "width": 32, "classes": 7},
        lines=("the head `fc` has 10 classes, the checkpoint 7", "`layer1` has 3 copies, the checkpoint 4", "all 106"),
        never=("missing",),
    ),
    "a renamed block": Changed(
        renaming(("layer3.", "stage3.")),
        lines=("→ `layer3` is `stage3` in the checkpoint (25 entries) --> net.yaml:10:5",),
        never=("missing", "alone", "help:"),
    ),
    "all names": Changed(
        renaming(("layer", "stage"), ("conv", "c"), ("bn", "norm"), ("stem", "first"), ("fc", "head"), ("down", "d")),
        lines=("0 of 94 entries agree in name and sizes: 94 with other names", "→ `fc` is `head` in the checkpoint"),
        never=("missing", "alone", "could be"),
    ),
    "names that say another order": Changed(
        renaming(("conv1", "second"), ("conv2", "conv1_of_two"), ("second", "conv2_of_two")),
        lines=("? `layer1.0.conv1` and `layer1.0.conv2` could be `layer1.0.conv2_of_two` and `layer1.0.conv1_of_two`",),
        never=("→",),
    ),
    "TensorFlow's names": Changed(
        renaming(("bn1.weight", "bn1.gamma"), ("bn1.bias", "bn1.beta")),
        lines=("→ `weight` of 7 layers is `gamma` in the checkpoint", "→ `bias` of 7 layers is `beta`"),
        never=("missing", "alone"),
    ),
    "TensorFlow's axes": Changed(
        lambda sizes: {n: (*s[2:], s[1], s[0]) if len(s) == 4 else s[::-1] for n, s in sizes.items()},
        lines=(
            "~ `fc.weight` is stored transposed: 10×64, the checkpoint 64×10",
            "are stored with the axes of the kernel first: 16×3×3×3, the checkpoint 3×3×3×16",
        ),
        never=("wide", "kernel of", "missing"),
    ),
    "a convolution for the Linear": Changed(
        put(fc__weight=(10, 64, 1, 1)),
        lines=("~ `fc.weight` has the same numbers with other axes of 1: 10×64, the checkpoint 10×64×1×1",),
        never=("head", "missing"),
    ),
    "one channel in": Changed(
        put(stem__weight=(16, 1, 3, 3)),
        lines=(
            "~ `stem` reads 3 channels of the input, in the checkpoint 1 --> net.yaml:5:5",
            "with `--input 32x32x1` all 94 entries agree",
        ),
        never=("wide", "missing"),
    ),
    "another kernel": Changed(
        put(stem__weight=(16, 3, 7, 7)), lines=("~ `stem` has a kernel of 3×3, the checkpoint 7×7",), never=("help:",)
    ),
    "without statistics": Changed(
        without("running", "num_batches"),
        lines=("- `running_mean`, `running_var` and `num_batches_tracked` of 15 layers are missing", "45 missing"),
        never=("alone", "~"),
    ),
    "without counters": Changed(
        without("num_batches"),
        lines=("- `num_batches_tracked` of 15 layers is missing", "before 0.4.1 wrote no such counter"),
        never=("alone", "~", "running"),
    ),
    "with biases": Changed(
        lambda sizes: {
            k: v for n, s in sizes.items() for k, v in ((n, s), (n[:-6] + "bias", s[:1])) if len(s) == 4 or k == n
        },
        lines=("+ `bias` of 17 layers is in the checkpoint alone",),
        never=("missing", "~"),
    ),
    "weight norm": Changed(
        in_parts("weight_g", "weight_v"), lines=("17 entries (", "under weight norm"), never=("missing from", "alone: ")
    ),
    "weight norm, new": Changed(
        in_parts("parametrizations.weight.original0", "parametrizations.weight.original1"), lines=("under weight norm",)
    ),
    "pruning": Changed(
        in_parts("weight_orig", "weight_mask"), lines=("under pruning",), never=("missing from", "alone: ")
    ),
    "norms that are folded": Changed(
        lambda sizes: (
            {
                n.replace("bn", "conv"): s
                for n, s in without(".running", ".num", "bn.", "bn1.weight", "bn2.weight")(sizes).items()
            }
            | {"stem.bias": (16,)}
        ),
        lines=(
            "~ 15 norms (`bn`, `layer1.{0…2}.bn1`, `layer1.{0…2}.bn2` and 8 more) are folded into the layers",
            "which have a `bias` in the checkpoint: 75 entries are missing",
        ),
        never=("- ", "+ ", "→"),
    ),
    "one norm that is folded": Changed(
        lambda sizes: {n: s for n, s in sizes.items() if not n.startswith("bn.")} | {"stem.bias": (16,)},
        lines=(
            "~ `bn` is folded into the layer before it, which has a `bias` in the checkpoint: 5 entries are missing",
        ),
        never=("- ", "+ "),
    ),
    "a norm that is missing beside a bias of another size": Changed(
        lambda sizes: {n: s for n, s in sizes.items() if not n.startswith("bn.")} | {"stem.bias": (8,)},
        lines=("- `bn` is missing from the checkpoint (5 entries)", "+ `bias` of `stem` is in the checkpoint alone"),
        never=("folded",),
    ),
    "LoRA": Changed(
        lambda sizes: front("base_model.model.")(
            {n.replace("fc.", "fc.base_layer."): s for n, s in sizes.items()}
            | {"fc.lora_A.default.weight": (4, 64), "fc.lora_B.default.weight": (10, 4)}
        ),
        lines=(
            "94 of 94 entries agree in name and sizes, once the prefix is changed",
            "+ LoRA of rank 4 for 1 layer (`fc`) is in the checkpoint alone (2 entries): `merge_and_unload()` of PEFT",
        ),
        never=("missing", "renamed", "?"),
    ),
    "LoRA alone": Changed(
        lambda sizes: {"base_model.model.fc.lora_A.weight": (4, 64), "base_model.model.fc.lora_B.weight": (10, 4)},
        lines=("+ the checkpoint is LoRA of rank 4 for 1 layer (`fc`), without the network (2 entries)", "94 missing"),
    ),
    "what looks like LoRA": Changed(
        put(fc__lora_A__weight=(4, 64), fc__lora_B__weight=(11, 4)),
        lines=("+ `fc.lora_A` and `fc.lora_B` are in the checkpoint alone (2 entries)",),
        never=("LoRA",),
    ),
    "a dropout before the head": Changed(
        lambda sizes: renaming(("fc.", "fc.1."))(sizes) | {"fc.1.weight": (7, 64), "fc.1.bias": (7,)},
        lines=(
            "→ `fc` is `fc.1` in the checkpoint (2 entries)",
            "the head `fc` has 10 classes, the checkpoint 7",
            "all 94",
        ),
        never=("missing", "alone"),
    ),
    "a head of two layers": Changed(
        lambda sizes: (
            without("fc.")(sizes)
            | {"fc.0.weight": (32, 64), "fc.0.bias": (32,), "fc.2.weight": (10, 32), "fc.2.bias": (10,)}
        ),
        lines=(
            "- `weight` and `bias` of `fc` are missing from the checkpoint",
            "+ `fc.{0, 2}` are in the checkpoint alone (4 entries)",
        ),
        never=("→", "~"),
    ),
    "a backbone with a head beside it": Changed(
        lambda sizes: {**front("backbone.")(without("fc.")(sizes)), "head.fc.weight": (10, 64), "head.fc.bias": (10,)},
        lines=(
            "→ 92 of 94 names of the checkpoint have the prefix `backbone.`",
            "→ `fc` is `head.fc` in the checkpoint",
        ),
        never=("missing", "alone"),
    ),
    "a teacher beside the student": Changed(
        lambda sizes: {**front("net.")(sizes), **front("ema_net.")(sizes), "queue": (64, 8)},
        lines=(
            "→ 94 of 189 names of the checkpoint have the prefix `net.`",
            "+ 94 entries of the checkpoint begin with `ema_net.` in place of `net.`, of which 94 agree too",
            "+ 1 entry of the checkpoint does not begin with `net.`: `queue`",
        ),
        never=("missing",),
    ),
    "parts of layers that only training has": Changed(
        lambda sizes: (
            sizes | {f"{n.removesuffix('.weight')}.observer.scale": (1,) for n, s in sizes.items() if len(s) == 4}
        ),
        lines=("+ `observer` of 17 layers is in the checkpoint alone (17 entries): `stem`, `layer1.{0…2}.conv1`",),
        never=("missing", "more entries"),
    ),
    "spectral norm": Changed(in_parts("weight_orig", "weight_u", "weight_v"), lines=("under spectral norm",)),
    "without its head": Changed(
        without("fc"),
        lines=("- `fc` is missing from the checkpoint (2 entries) --> net.yaml:13:5",),
        never=("alone", "~"),
    ),
    "with another head": Changed(
        put(aux__weight=(10, 64), aux__bias=(10,)),
        lines=("+ `aux` is in the checkpoint alone (2 entries)",),
        never=("missing", "~", "→"),
    ),
    "a stage that is missing": Changed(
        without("layer3"), lines=("- `layer3` is missing from the checkpoint (25 entries) --> net.yaml:10:5",)
    ),
    "one stage alone": Changed(
        lambda sizes: {n.removeprefix("layer2."): s for n, s in sizes.items() if n.startswith("layer2.")},
        lines=("→ names of the checkpoint lack the prefix `layer2.` of the file's", "25 of 94 entries agree"),
        never=("alone",),
    ),
    "a larger network's part": Changed(
        lambda sizes: {**front("backbone.")(sizes), "rpn.weight": (1, 2), "rpn.bias": (1,)},
        lines=(
            "→ 94 of 96 names of the checkpoint have the prefix `backbone.`",
            "+ 2 entries of the checkpoint do not",
        ),
        never=("missing",),
    ),
    "another network": Changed(
        lambda sizes: {f"features.{i}.weight": (i + 1, 3) for i in range(30)},
        lines=("0 of 94 entries agree", "94 missing; 30 in the checkpoint alone", "(94 entries)", "(30 entries)"),
        never=("→", "~", "?", "help:"),
    ),
}
