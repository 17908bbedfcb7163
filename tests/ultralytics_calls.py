"""Calls of the blocks of YOLO networks: the arguments, the inputs, modules with the same weights, and the outputs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import nn

Call = tuple[dict[str, Any], list[list[int]], list[nn.Module], int]
MAPS = [[16, 16, 16], [8, 8, 24], [4, 4, 32]]


def conv(inputs: int, outputs: int, kernel: int = 1, groups: int = 1) -> nn.Module:
    """A convolution without a bias, and a normalization."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, groups=groups, bias=False), nn.BatchNorm2d(outputs))


def depthwise(width: int, kernel: int) -> nn.Module:
    return conv(width, width, kernel, groups=width)


def bottleneck(width: int, first: int = 3) -> list[nn.Module]:
    return [conv(width, width, first), conv(width, width, 3)]


def rep_conv(width: int) -> list[nn.Module]:
    """A convolution that is trained as two."""
    return [conv(width, width, 3), conv(width, width)]


def rep_csp_conv(inputs: int, width: int) -> list[nn.Module]:
    """Half of the channels through such a convolution and another, then all through a third."""
    half = width // 2
    inner = [*rep_conv(half), conv(half, half, 3)]
    return [conv(inputs, half), conv(inputs, half), conv(width, width), *inner, conv(width, width, 3)]


def ghost(inputs: int, outputs: int, kernel: int = 1) -> list[nn.Module]:
    return [conv(inputs, outputs // 2, kernel), depthwise(outputs // 2, 5)]


def psa(width: int) -> list[nn.Module]:
    """Attention among all cells, and layers behind it."""
    attention = [conv(width, 2 * width), depthwise(width, 3), conv(width, width)]
    return [*attention, conv(width, 2 * width), conv(2 * width, width)]


def area(width: int, hidden: int) -> list[nn.Module]:
    """Attention within parts of a map, and layers behind it."""
    attention = [conv(width, 3 * width), depthwise(width, 7), conv(width, width)]
    return [*attention, conv(width, hidden), conv(hidden, width)]


def branches(width: int, outputs: int, separable: bool = False, maps: list[list[int]] = MAPS) -> list[nn.Module]:
    """Two convolutions of each map and a linear layer."""
    found: list[nn.Module] = []
    for *_, inputs in maps:
        if separable:
            found += [depthwise(inputs, 3), conv(inputs, width), depthwise(width, 3), conv(width, width)]
        else:
            found += [conv(inputs, width, 3), conv(width, width, 3)]
        found.append(nn.Conv2d(width, outputs, 1))
    return found


def head(separable: bool, maps: list[list[int]] = MAPS, bins: int = 4) -> list[nn.Module]:
    """The branches of a head for three classes."""
    return [*branches(16, 4 * bins, maps=maps), *branches(16, 3, separable, maps)]


def proto() -> list[nn.Module]:
    """What makes eight masks of a map of 16 channels."""
    return [conv(16, 16, 3), nn.ConvTranspose2d(16, 16, 2), conv(16, 16, 3), conv(16, 8)]


def refined() -> list[nn.Module]:
    """What joins three maps before masks, and scores three classes of the sum."""
    joined = [conv(24, 16), conv(32, 16), conv(16, 16, 3)]
    return [*joined, conv(16, 16, 3), conv(16, 16, 3), nn.Conv2d(16, 3, 1)]


def distances(bins: int = 4) -> nn.Module:
    return nn.Conv2d(bins, 1, 1, bias=False)


def light(inputs: int, outputs: int) -> list[nn.Module]:
    return [conv(inputs, outputs), depthwise(outputs, 5)]


def residual(inputs: int, width: int, shortcut: bool) -> list[nn.Module]:
    convs = [conv(inputs, width), conv(width, width, 3), conv(width, 4 * width)]
    return [*convs, conv(inputs, 4 * width)] if shortcut else convs


def linears(*sizes: int) -> list[nn.Module]:
    """Linear layers one behind the other."""
    return [nn.Linear(inputs, outputs) for inputs, outputs in pairwise(sizes)]


def deformable(classes: int) -> list[nn.Module]:
    """A layer of 16 channels for queries, two heads, and three points of each of three maps."""
    attention = [nn.MultiheadAttention(16, 2), *linears(16, 36), *linears(16, 18), *linears(16, 16), *linears(16, 16)]
    return [*attention, *linears(16, 1024, 16), *[nn.LayerNorm(16)] * 3, *linears(16, 16, 16, 4), *linears(16, classes)]


def decoder(classes: int) -> list[nn.Module]:
    """The head of RT-DETR with such layers."""
    projections = [conv(channels, 16) for *_, channels in MAPS]
    cells = [*linears(16, 16), nn.LayerNorm(16), *linears(16, classes), *linears(16, 16, 16, 4)]
    layers = [each for _ in range(6) for each in deformable(classes)]
    return [*projections, *cells, *linears(4, 32, 16), *layers, nn.Embedding(classes, 16)]


def contrasts(normalized: bool) -> list[nn.Module]:
    """A scale and a shift for each map, which has 32 channels."""
    return [each for _ in MAPS for each in [nn.PReLU(2), *([nn.BatchNorm2d(32)] if normalized else [])]]


def prompts() -> list[nn.Module]:
    """What refines words of 32 channels, and what embeds a visual prompt in as many."""
    pyramid = [each for *_, c in MAPS for each in (conv(c, 16, 3), conv(16, 16, 3), conv(c, 16))]
    prompt = [nn.Conv2d(48, 32, 1), nn.Conv2d(48, 16, 3), nn.Conv2d(1, 16, 3), conv(32, 16, 3), nn.Conv2d(16, 16, 3)]
    return [*linears(32, 128), *linears(64, 32), *pyramid, *prompt]


def basic(inputs: int, width: int) -> list[nn.Module]:
    """Two blocks of ResNet-18."""
    shortcut = [conv(inputs, width)] if inputs != width else []
    return [conv(inputs, width, 3), *[conv(width, width, 3) for _ in range(3)], *shortcut]


X16, X24, X128 = [[16, 16, 16]], [[16, 16, 24]], [[8, 8, 128]]
LEGACY = {"nc": 3, "reg_max": 4, "legacy": True}
HEAD = {"nc": 3, "reg_max": 1}

CALLS: dict[str, list[Call]] = {
    "C2": [({"c2": 32, "n": 2}, X24, [conv(24, 32), conv(32, 32), *bottleneck(16), *bottleneck(16)], 1)],
    "C2fCIB": [
        (
            {"c2": 32, "lk": lk, "shortcut": lk},
            X24,
            [
                *(conv(24, 32), conv(48, 32), depthwise(16, 3), conv(16, 32), conv(32, 16), depthwise(16, 3)),
                *([depthwise(32, 7), depthwise(32, 3)] if lk else [depthwise(32, 3)]),
            ],
            1,
        )
        for lk in (False, True)
    ],
    "SPP": [({"c2": 24, "k": [3, 5, 7]}, X16, [conv(16, 8), conv(32, 24)], 1)],
    "SPPELAN": [({"c2": 24, "c3": 8}, X16, [conv(16, 8), conv(32, 24)], 1)],
    "RepNCSPELAN4": [
        (
            {"c2": 32, "c3": 24, "c4": 16},
            X16,
            [conv(16, 24), *rep_csp_conv(12, 16), *rep_csp_conv(16, 16), conv(24 + 32, 32)],
            1,
        )
    ],
    "ELAN1": [
        ({"c2": 32, "c3": 24, "c4": 16}, X16, [conv(16, 24), conv(12, 16, 3), conv(16, 16, 3), conv(24 + 32, 32)], 1)
    ],
    "AConv": [({"c2": 24}, X16, [conv(16, 24, 3)], 1)],
    "ADown": [({"c2": 24}, X16, [conv(8, 12, 3), conv(8, 12)], 1)],
    "SCDown": [({"c2": 24, "k": 3, "s": 2}, X16, [conv(16, 24), depthwise(24, 3)], 1)],
    "GhostConv": [({"c2": 24, "k": 3, "s": 2}, X16, ghost(16, 24, 3), 1)],
    "C3Ghost": [
        (
            {"c2": 32, "n": 2},
            X24,
            [conv(24, 16), conv(24, 16), conv(32, 32), *[each for _ in "12" for each in ghost(16, 8) + ghost(8, 16)]],
            1,
        )
    ],
    "RepC3": [
        ({"c2": 16, "n": 2}, X24, [conv(24, 16), conv(24, 16), *rep_conv(16), *rep_conv(16)], 1),
        ({"c2": 16, "n": 1, "e": 0.5}, X24, [conv(24, 8), conv(24, 8), *rep_conv(8), conv(8, 16)], 1),
    ],
    "HGStem": [
        (
            {"cm": 8, "c2": 16},
            [[32, 32, 3]],
            [conv(3, 8, 3), conv(8, 4, 2), conv(4, 8, 2), conv(16, 8, 3), conv(8, 16)],
            1,
        )
    ],
    "HGBlock": [
        ({"cm": 8, "c2": 24, "n": 2}, X16, [conv(16, 8, 3), conv(8, 8, 3), conv(32, 12), conv(12, 24)], 1),
        (
            {"cm": 8, "c2": 16, "k": 5, "n": 2, "lightconv": True, "shortcut": True},
            X16,
            [*light(16, 8), *light(8, 8), conv(32, 8), conv(8, 16)],
            1,
        ),
    ],
    "ResNetLayer": [
        ({"c1": 3, "c2": 16, "is_first": True}, [[32, 32, 3]], [conv(3, 16, 7)], 1),
        ({"c1": 16, "c2": 8, "s": 2, "n": 2}, X16, [*residual(16, 8, True), *residual(32, 8, False)], 1),
    ],
    "CBLinear": [({"c2s": [8, 24], "c2": 32}, X16, [nn.Conv2d(16, 32, 1)], 2)],
    "CBFuse": [({"maps": 3}, [[16, 16, 8], [8, 8, 8], [4, 4, 8]], [], 1)],
    "A2C2f": [
        (
            {"c2": 64, "area": 4, "residual": True, "mlp_ratio": 1.5},
            [[8, 8, 64]],
            [conv(64, 32), conv(64, 64), *area(32, 48), *area(32, 48), nn.PReLU(64)],
            1,
        ),
        (
            {"c2": 32, "a2": False},
            X24,
            [
                *(conv(24, 16), conv(32, 32), conv(16, 8), conv(16, 8), conv(16, 16)),
                *(bottleneck(8) + bottleneck(8)),
            ],
            1,
        ),
    ],
    "PSA": [({"c2": 128}, X128, [conv(128, 128), conv(128, 128), *psa(64)], 1)],
    "Classify": [({"c2": 10}, X16, [conv(16, 1280), nn.Linear(1280, 10)], 1)],
    "v10Detect": [
        ({"nc": 3, "reg_max": 4}, MAPS, [*head(True), *head(True), distances()], 4),
        ({**HEAD, "maps": 2}, MAPS[:2], [*head(True, MAPS[:2], 1), *head(True, MAPS[:2], 1)], 4),
    ],
    "Segment": [({**LEGACY, "nm": 8, "npr": 16}, MAPS, [*head(False), distances(), *proto(), *branches(8, 8)], 4)],
    "Pose": [({**LEGACY, "kpt_shape": [2, 3]}, MAPS, [*head(False), distances(), *branches(6, 6)], 3)],
    "OBB": [({**LEGACY, "ne": 1}, MAPS, [*head(False), distances(), *branches(4, 1)], 3)],
    "Segment26": [
        (
            {**HEAD, "nm": 8, "npr": 16},
            MAPS,
            [
                *(head(True, bins=1) + head(True, bins=1) + branches(8, 8) + branches(8, 8) + proto()),
                *refined(),
            ],
            8,
        )
    ],
    "Pose26": [
        (
            {**HEAD, "kpt_shape": [2, 3]},
            MAPS,
            [
                *(head(True, bins=1) + head(True, bins=1)),
                *[each for *_, c in MAPS for each in (conv(c, 10, 3), conv(10, 10, 3), nn.Conv2d(10, 10, 1))],
                *[each for *_, c in MAPS for each in (conv(c, 10, 3), conv(10, 10, 3), nn.Conv2d(10, 10, 1))],
            ],
            8,
        )
    ],
    "OBB26": [(HEAD, MAPS, [*head(True, bins=1), *head(True, bins=1), *branches(4, 1), *branches(4, 1)], 6)],
    "Depth": [
        (
            {"c": 16},
            MAPS,
            [
                *(conv(16, 16), conv(24, 16), conv(32, 16), *[conv(16, 16, 3) for _ in range(4)], conv(16, 8, 3)),
                *(nn.ConvTranspose2d(8, 8, 2), conv(8, 4, 3), nn.Conv2d(4, 1, 1)),
            ],
            1,
        )
    ],
    "AIFI": [
        (
            {"cm": 40, "num_heads": 2},
            [[4, 4, 16]],
            [nn.MultiheadAttention(16, 2), *linears(16, 40, 16), nn.LayerNorm(16), nn.LayerNorm(16)],
            1,
        )
    ],
    "RTDETRDecoder": [({"nc": 3, "hd": 16, "nq": 20, "ndp": 3, "nh": 2}, MAPS, decoder(3), 6)],
    "C2fAttn": [
        (
            {"c2": 32, "ec": ec, "nh": 2, "gc": 24},
            [[5, 24], *X24],
            [
                *(conv(24, 32), *bottleneck(16), *linears(24, ec), nn.PReLU(2), conv(16, 16, 3), conv(64, 32)),
                *([conv(16, ec)] if ec != 16 else []),
            ],
            1,
        )
        for ec in (16, 8)
    ],
    "ImagePoolingAttn": [
        (
            {"ec": 16, "nh": 4},
            [[5, 24], *MAPS],
            [
                *(nn.Conv2d(16, 16, 1), nn.Conv2d(24, 16, 1), nn.Conv2d(32, 16, 1), nn.LayerNorm(24)),
                *(*linears(24, 16), nn.LayerNorm(16), *linears(16, 16), nn.LayerNorm(16), *linears(16, 16, 24)),
            ],
            1,
        )
    ],
    "WorldDetect": [
        (
            {**LEGACY, "embed": 32, "with_bn": normalized},
            [[3, 32], *MAPS],
            [*branches(16, 16), *branches(16, 32), *contrasts(normalized), distances()],
            2,
        )
        for normalized in (False, True)
    ],
    "YOLOEDetect": [
        (
            {**LEGACY, "embed": 32, "with_bn": True},
            [[3, 32], *MAPS],
            [*branches(16, 16), *branches(16, 32), *contrasts(True), distances(), *prompts()],
            3,
        )
    ],
    "YOLOESegment": [
        (
            {**HEAD, "embed": 32, "with_bn": True, "nm": 8, "npr": 16},
            [[3, 32], *MAPS],
            [
                *(branches(16, 4) + branches(16, 32, True) + contrasts(True) + prompts()),
                *(proto() + branches(8, 8)),
            ],
            5,
        )
    ],
    "YOLOEDetect26": [
        (
            {**HEAD, "embed": 32, "with_bn": True},
            [[3, 32], *MAPS],
            [*2 * (branches(16, 4) + branches(16, 32, True) + contrasts(True)), *prompts()],
            5,
        )
    ],
    "YOLOESegment26": [
        (
            {**HEAD, "embed": 32, "with_bn": True, "nm": 8, "npr": 16},
            [[3, 32], *MAPS],
            [
                *(2 * (branches(16, 4) + branches(16, 32, True) + contrasts(True) + branches(8, 8)) + prompts()),
                *(*proto(), *refined()),
            ],
            9,
        )
    ],
    "TorchVision": [
        (
            {"c2": 256, "model": "resnet18", "truncate": 3},
            [[64, 64, 3]],
            [conv(3, 64, 7), *basic(64, 64), *basic(64, 128), *basic(128, 256)],
            1,
        )
    ],
    "SemanticSegment": [
        (
            {"nc": 3},
            MAPS[:2],
            [conv(16, 16, 3), nn.Conv2d(16, 3, 1), conv(24, 16, 3), nn.Conv2d(16, 3, 1)],
            2,
        )
    ],
}
"""Calls of the blocks by their names."""
