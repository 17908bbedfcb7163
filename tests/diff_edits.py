"""A small network, and edits of it, each with lines that its comparison must have and words that it must not."""

from __future__ import annotations

from typing import NamedTuple

RESIDUAL = """\
  residual:
    params: {width: }
    layers:
      - {name: conv1, type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1, bias: false}
      - {name: bn1, type: BatchNorm2d}
      - {type: ReLU}
      - {name: conv2, type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1, bias: false}
      - {name: bn2, type: BatchNorm2d}
      - {type: Add, from: [bn2, input]}
      - {type: ReLU}
"""
"""A block with what comes in added to what it makes of it."""
BASE = (
    """\
name: net
input: [32, 32, 3]
params: {width: 16, classes: 10}
layers:
  - {name: stem, type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1}
  - {name: act, type: ReLU}
  - {name: body, type: residual, width: $width, repeat: 3}
  - name: tail
    layers:
      - {type: Conv2d, out_channels: 32, kernel_size: 2, stride: 2}
      - {type: ReLU}
      - {type: Conv2d, out_channels: 48, kernel_size: 2, stride: 2}
      - {type: ReLU}
  - {name: pool, type: AdaptiveAvgPool2d, output_size: 1}
  - {type: Flatten}
  - {name: head, type: Linear, out_features: $classes}
blocks:
"""
    + RESIDUAL
)


class Edit(NamedTuple):
    """Texts in place of others, the lines that are then told, and words that none of them may have."""

    changes: dict[str, str]
    lines: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


def edited(changes: dict[str, str]) -> str:
    """The network with texts in place of others."""
    text = BASE
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


ACT = "  - {name: act, type: ReLU}\n"
HEAD = "  - {name: head, type: Linear, out_features: $classes}\n"
TAIL = "      - {type: Conv2d, out_channels: 32, kernel_size: 2, stride: 2}\n      - {type: ReLU}\n"
NEXT = "      - {type: Conv2d, out_channels: 48, kernel_size: 2, stride: 2}\n      - {type: ReLU}\n"
BN2 = "      - {name: bn2, type: BatchNorm2d}\n"
ADD = "      - {type: Add, from: [bn2, input]}\n"
CONV2 = "{name: conv2, type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1, bias: false}"
STEM = "{name: stem, type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1}"

INNER = "  - {name: wrap, layers: [{name: inner, type: residual, width: 48}]}\n"
SHARED = "  - {name: again, type: BatchNorm2d}\n  - {name: twice, type: BatchNorm2d, share: again}\n"
SIDE = "  - {name: side, type: Conv2d, out_channels: 16, kernel_size: 1}\n"

ALL_LOAD = "all 44 entries load from an earlier state_dict"
SAME_PARAMS, SAME_MACS = "parameters 23,226 23,226", "MACs 15,516,128 15,516,128"
NO_STEP = ("~ ", "+ ", "- ", "→ ")
"""How lines about steps, findings and entries begin."""

EDITS: dict[str, Edit] = {
    "more classes": Edit(
        {"classes: 10": "classes: 5"},
        (
            "output 10 5",
            "parameters 23,226 22,981 -245 (-1 %)",
            "~ head Linear 10 → 5 -245 -240",
            "out_features 10 → 5",
            "42 of 44 entries load from an earlier state_dict",
            "~ `head.weight` is 5×48, was 10×48",
            "~ `head.bias` is 5, was 10",
        ),
        ("body", "stem", "+ ", "- ", "→ ", "consequence", "warning"),
    ),
    "a wider network": Edit(
        {"width: 16": "width: 24"},
        (
            "parameters 23,226 41,850 +18,624 (+80 %)",
            "peak memory 192.0 KiB 288.0 KiB +96.0 KiB (+50 %)",
            "~ body.*.conv1 Conv2d ×3 32×32×16 → 32×32×24 +8,640 +8,847,360",
            "out_channels 16 → 24",
            "and as a consequence:",
            "body.*.bn1 BatchNorm2d ×3 32×32×16 → 32×32×24 +48 +96.2 KiB",
            "tail Sequential 8×8×48 +1,024 +262,144",
            "~ `body.*.bn1.*` (12 entries) are 24, was 16",
            "~ `tail.0.weight` is 32×24×2×2, was 32×16×2×2",
        ),
        ("head", "+ ", "- ", "→ stem"),
    ),
    "another input": Edit(
        {"[32, 32, 3]": "[64, 64, 3]"},
        (
            "input 32×32×3 64×64×3",
            "MACs 15,516,128 62,063,072 +46,546,944 (+300 %)",
            SAME_PARAMS,
            "with other shapes or costs:",
            "body.* residual ×3 32×32×16 → 64×64×16 +42,467,328 +2.3 MiB",
            ALL_LOAD,
        ),
        (*NO_STEP, "conv1", "head"),
    ),
    "an input in grey": Edit(
        {"[32, 32, 3]": "[32, 32, 1]"},
        (
            "input 32×32×3 32×32×1",
            "stem Conv2d 32×32×16 -288 -294,912 -8.0 KiB",
            "~ `stem.weight` is 16×1×3×3, was 16×3×3×3",
        ),
        ("act", "body", "stem.bias"),
    ),
    "a named input": Edit(
        {"input: [32, 32, 3]": "input: {image: [32, 32, 3]}"},
        ("input input → image 32×32×3 32×32×3", SAME_PARAMS, ALL_LOAD),
        (*NO_STEP, "step", "body"),
    ),
    "one copy more": Edit(
        {"repeat: 3": "repeat: 4"},
        (
            "steps 30 37 +7",
            "+ body.3 residual 32×32×16 +4,672 +4,718,592 +256.3 KiB",
            "7 steps",
            "44 of 56 entries load from an earlier state_dict",
            "+ `body.3.*` (12 entries) are new",
        ),
        ("~ ", "- ", "→ ", "body.2", "tail"),
    ),
    "one copy less": Edit(
        {"repeat: 3": "repeat: 2"},
        (
            "- body.2 residual 32×32×16 -4,672 -4,718,592 -256.3 KiB",
            "all 32 entries load from an earlier state_dict, which has 12 more",
            "- `body.2.*` (12 entries) are gone",
        ),
        ("~ ", "+ ", "→ ", "body.1", "tail"),
    ),
    "a larger kernel": Edit(
        {STEM: STEM.replace("3, padding: 1", "5, padding: 2")},
        (
            "receptive field 46×46 48×48",
            "~ stem Conv2d 32×32×16 +768 +786,432",
            "kernel_size 3 → 5, padding 1 → 2",
            "~ `stem.weight` is 16×3×5×5, was 16×3×3×3",
        ),
        ("consequence", "body", "stem.bias", "activations"),
    ),
    "a kernel of the same size": Edit(
        {STEM: STEM.replace("padding: 1", "dilation: 2, padding: 2")},
        (SAME_PARAMS, SAME_MACS, "receptive field 46×46 48×48", "padding 1 → 2, dilation 1 → 2", ALL_LOAD),
        ("kernel_size", "body", "activations"),
    ),
    "groups in a block": Edit(
        {CONV2: CONV2.replace("padding: 1", "padding: 1, groups: 4")},
        (
            "~ body.*.conv2 Conv2d ×3 32×32×16 -5,184 -5,308,416",
            "groups 1 → 4",
            "~ `body.*.conv2.weight` (3 entries) are 16×4×3×3, was 16×16×3×3",
        ),
        ("conv1", "body.0", "consequence"),
    ),
    "a bias in a block": Edit(
        {CONV2: CONV2.replace("bias: false", "bias: true")},
        (
            "bias no → yes",
            "+ info[NSP402]: bias-before-norm at `body.0.conv2`, `body.1.conv2` and `body.2.conv2`",
            "44 of 47 entries load from an earlier state_dict",
            "+ `body.*.conv2.bias` (3 entries) are new",
        ),
        ("- ", "conv1"),
    ),
    "another activation": Edit(
        {ACT: ACT.replace("ReLU", "SiLU")},
        (
            SAME_PARAMS,
            SAME_MACS,
            "kept for backward 888.9 KiB 952.9 KiB +64.0 KiB (+7 %)",
            "~ act ReLU → SiLU 32×32×16",
            "body.0 residual 32×32×16 +64.0 KiB",
            ALL_LOAD,
        ),
        ("+ ", "- ", "→ act", "body.1", "inplace"),
    ),
    "another norm": Edit(
        {BN2: BN2.replace("BatchNorm2d", "GroupNorm, num_groups: 4")},
        (
            "~ body.*.bn2 BatchNorm2d → GroupNorm ×3 32×32×16 -288 bytes",
            "no arguments → num_groups 4",
            "all 35 entries load from an earlier state_dict, which has 9 more",
            "- `body.*.bn2.*` (9 entries) are gone",
        ),
        ("+ ", "bn1", "consequence"),
    ),
    "a step put in": Edit(
        {ACT: ACT + "  - {name: drop, type: Dropout}\n"},
        (
            "kept for backward 888.9 KiB 1,016.9 KiB +128.0 KiB (+14 %)",
            "+ drop Dropout 32×32×16 +64.0 KiB",
            "body.0 residual 32×32×16 +64.0 KiB",
            ALL_LOAD,
        ),
        ("~ ", "- ", "body.1", "reads", "act "),
    ),
    "a step taken out": Edit(
        {ACT: ""},
        ("- act ReLU 32×32×16 -64.0 KiB", "body.0 residual 32×32×16 +64.0 KiB", "steps 30 29 -1", ALL_LOAD),
        ("~ ", "+ ", "body.1", "reads", "kept for backward"),
    ),
    "a step renamed": Edit(
        {"name: stem": "name: conv0"},
        (
            SAME_PARAMS,
            "→ stem is now conv0",
            "42 of 44 entries load from an earlier state_dict, 2 more once they are renamed",
        ),
        ("~ ", "+ ", "- ", "body", "reads"),
    ),
    "a block renamed": Edit(
        {"name: body": "name: trunk"},
        (
            "→ body.* are now trunk.* (21 steps)",
            "8 of 44 entries load from an earlier state_dict, 36 more once they are renamed",
        ),
        ("~ ", "+ ", "- ", "conv1", "reads"),
    ),
    "layers put into a list": Edit(
        {TAIL: "      - {type: Conv2d, out_channels: 16, kernel_size: 1}\n      - {type: ReLU}\n" + TAIL},
        (
            "+ tail.0 Conv2d 32×32×16 +272 +262,144",
            "+ tail.1 ReLU 32×32×16 +64.0 KiB",
            "→ tail.0 … tail.3 are now tail.2 … tail.5 (4 steps)",
            "+ `tail.0.weight` and `tail.0.bias` are new",
        ),
        ("~ ", "- ", "consequence"),
    ),
    "layers taken out of a list": Edit(
        {TAIL: ""},
        (
            "- tail.0 Conv2d 16×16×32 -2,080 -524,288",
            "→ tail.2 … tail.3 are now tail.0 … tail.1 (2 steps)",
            "~ `tail.0.weight` is 48×16×2×2, was 48×32×2×2 as `tail.2.weight`",
            "- `tail.0.weight` and `tail.0.bias` are gone",
        ),
        ("+ ", "body"),
    ),
    "the same layers once more in a list": Edit(
        {TAIL: TAIL + TAIL},
        (
            "+ tail.2 Conv2d 8×8×32 +4,128 +262,144",
            "→ tail.2 … tail.3 are now tail.4 … tail.5 (2 steps)",
            "42 of 46 entries load from an earlier state_dict, 2 more once they are renamed",
        ),
        ("~ ", "- ", "body"),
    ),
    "a skip less": Edit(
        {ADD: ""},
        ("- body.0.add Add 32×32×16", "reads `body.0.bn2` and `act`", SAME_PARAMS, ALL_LOAD),
        ("~ ", "+ ", "→ ", "relu_1 "),
    ),
    "a branch that nothing reads": Edit(
        {"  - name: tail\n": SIDE + "  - name: tail\n    from: body\n"},
        ("+ side Conv2d 32×32×16 +272 +262,144", "MACs never read 0 262,144 +262,144"),
        ("~ ", "- ", "reads `side`"),
    ),
    "a step moved": Edit(
        {ACT: "", "  - {name: pool,": ACT + "  - {name: pool,"},
        ("~ act ReLU 32×32×16 → 8×8×48 -52.0 KiB", "reads `tail.3`, not `stem`", "reads `stem`, not `act`", ALL_LOAD),
        ("+ ", "- ", "→ "),
    ),
    "a second output": Edit(
        {"blocks:\n": "outputs: [head, tail]\nblocks:\n"},
        ("output head 10 10", "output tail.3 – 8×8×48", ALL_LOAD),
        NO_STEP,
    ),
    "a stride that loses cells": Edit(
        {STEM: STEM.replace("padding: 1", "stride: 2")},
        (
            "cells never read 0 63 +63",
            "~ stem Conv2d 32×32×16 → 15×15×16 -345,168",
            "body.* residual ×3 32×32×16 → 15×15×16 -11,045,376 -599.3 KiB",
            "+ warning[NSP320]: 63 of 1,024 cells of `input` are never read: no output depends on row 31 and",
            "read by no window: 32 − 3 leaves 1 at stride 2 (`stem`, line 5)",
            ALL_LOAD,
        ),
        ("- ", "→ ", "conv1 "),
    ),
    "weights shared": Edit(
        {ACT: ACT + SHARED},
        (
            "parameters 23,226 23,258 +32",
            "+ again BatchNorm2d 32×32×16 +32 +128 bytes",
            "+ twice BatchNorm2d 32×32×16 +64.1 KiB",
            "+ `again.*` (5 entries) are new",
        ),
        ("`twice", "~ ", "- "),
    ),
    "a fault": Edit(
        {CONV2: CONV2.replace("padding: 1", "padding: 1, groups: 3")},
        (
            "after: 25 steps of 30 could not be planned",
            "parameters 23,226 ?",
            "output 10 not planned",
            "groups 1 → 3",
            "+ error[NSP202]: in_channels must be divisible by groups: 16 channels from `body.0.relu` / 3",
            "8 entries load from an earlier state_dict; of steps not planned, this is not known",
        ),
        ("- ", "gone", "new"),
    ),
    "a misspelt key": Edit(
        {STEM: STEM.replace("padding", "pading")},
        ("+ error[NSP110]: Conv2d has no `pading`: nothing reads this key (line 5)",),
        ("- ", "gone"),
    ),
    "a block in a block": Edit(
        {"  - {name: pool,": INNER + "  - {name: pool,"},
        ("+ wrap Sequential 8×8×48 +41,664 +2,654,208 +48.8 KiB", "+ `wrap.*` (12 entries) are new"),
        ("inner", "~ ", "- ", "pool"),
    ),
    "a step of another kind": Edit(
        {HEAD: "  - {name: head, type: Identity}\n"},
        (
            "output 10 48",
            "~ head Linear → Identity 10 → 48 -490 -480 -192 bytes",
            "- `head.weight` and `head.bias` are gone",
        ),
        ("+ ", "body"),
    ),
}

SAME: dict[str, dict[str, str]] = {
    "itself": {},
    "a comment": {ACT: "  # the activation\n" + ACT},
    "another layout": {ACT: "  - name: act\n    type: ReLU\n"},
    "keys in another order": {ACT: "  - {type: ReLU, name: act}\n"},
    "a list put into a block": {
        "    layers:\n" + TAIL + NEXT: "    type: rear\n",
        "blocks:\n": "blocks:\n  rear:\n    layers:\n" + TAIL + NEXT,
    },
    "a number for each axis": {STEM: STEM.replace("padding: 1", "padding: [1, 1], stride: 1")},
    "another name of the model": {"name: net": "name: other"},
    "arithmetic": {"classes: 10}": "classes: $width - 6}"},
    "a name that it has anyway": {"  - {type: Flatten}": "  - {name: flatten, type: Flatten}"},
    "a source that it has anyway": {HEAD: HEAD.replace("}", ", from: flatten}")},
}
"""Texts in place of others with which nothing differs."""
