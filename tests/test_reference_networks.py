"""The networks of `configs/` against what is published or was measured about them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.workbench import Checked

CONFIGS = Path(__file__).parents[1] / "configs"
TORCHVISION = Path(__file__).parent / "reference" / "torchvision"

NETWORKS = sorted(path.stem for path in TORCHVISION.glob("*.json"))
ALL = sorted(path.stem for path in CONFIGS.glob("*.yaml"))

OUR_TYPES = {"LayerNorm2d": "LayerNorm", "Conv3DSimple": "Conv3d", "Conv3DNoTemporal": "Conv3d"}
"""torchvision's own subclasses, by what a model file calls them."""
CHANNELS_LAST = {"LayerNorm", "Linear"}
"""Modules whose tensors torch keeps with the channels last."""


@cache
def planned(name: str) -> Checked:
    return planner.check(CONFIGS / f"{name}.yaml")


@cache
def plain(name: str) -> dict[str, Any]:
    return planned(name).to_dict()


@cache
def reference(name: str) -> dict[str, Any]:
    measured: dict[str, Any] = json.loads((TORCHVISION / f"{name}.json").read_text())
    return measured


def steps(name: str) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in plain(name)["steps"]}


def channels_last(shape: list[int]) -> list[int]:
    """A shape of torch's, (C, …), as it is written here, (…, C)."""
    return [*shape[1:], shape[0]]


# What torchvision measures


@pytest.mark.parametrize("name", NETWORKS)
def test_totals(name: str) -> None:
    found, measured = plain(name), reference(name)
    assert found["complete"]
    assert list(found["inputs"].values()) == [channels_last(measured["input"])]
    assert list(found["outputs"].values()) == [channels_last(measured["output"])]
    assert found["totals"]["params"] == measured["params"]
    assert found["totals"]["macs"] == measured["macs"]


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_with_parameters(name: str) -> None:
    found = steps(name)
    for layer in reference(name)["layers"]:
        if not layer["params"]:
            continue
        step, kind = found[layer["name"]], layer["type"]
        out = layer["out"] and (layer["out"] if kind in CHANNELS_LAST else channels_last(layer["out"]))
        ours = (step["type"], step["out"] if out else None, step["params"], step["macs"])
        assert ours == (OUR_TYPES.get(kind, kind), out, layer["params"], layer.get("macs", 0)), layer["name"]


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_without_parameters_have_torchvisions_names(name: str) -> None:
    """But for changes of layout, which H×W×C does not need."""
    expected = {layer["name"]: layer["type"] for layer in reference(name)["layers"] if layer["type"] != "Permute"}
    found = steps(name)
    assert {each: found[each]["type"] for each in expected if each in found} == {
        each: OUR_TYPES.get(kind, kind) for each, kind in expected.items()
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_state_dict(name: str) -> None:
    found = {
        f"{step.name}.{entry}" if entry else step.name: list(sizes)
        for step in planned(name).plan.steps
        if step.facts
        for entry, sizes in (*step.facts.weights.items(), *step.facts.buffers.items())
    }
    assert found == reference(name)["state_dict"]


# What is published


@dataclass(frozen=True)
class Published:
    """Figures of a network or of a variant of it, None where not published; `within` allows for rounding."""

    config: str
    params: int | None
    macs: int | None
    set: dict[str, Any] = field(default_factory=dict)
    input: tuple[int, ...] | None = None
    within: tuple[int, int] = (0, 0)


ROUNDED = (50_000, 10**6)

PUBLISHED = [
    # LeCun et al. 1998, with C3 and the output dense
    Published("lenet5", 61_706, 416_520),
    # He et al. 2015: 3.8 GMACs
    Published("resnet50_v1", 25_557_032, 3_857_973_248),
    # Howard et al. 2017, tables 6 and 7: width and resolution multipliers
    Published("mobilenet_v1", 4_231_976, 568_740_352),
    Published("mobilenet_v1", 2_600_000, 325_000_000, {"alpha": 0.75}, within=ROUNDED),
    Published("mobilenet_v1", 1_300_000, 149_000_000, {"alpha": 0.5}, within=ROUNDED),
    Published("mobilenet_v1", 500_000, 41_000_000, {"alpha": 0.25}, within=ROUNDED),
    Published("mobilenet_v1", 4_200_000, 418_000_000, input=(192, 192, 3), within=ROUNDED),
    Published("mobilenet_v1", 4_200_000, 290_000_000, input=(160, 160, 3), within=ROUNDED),
    Published("mobilenet_v1", 4_200_000, 186_000_000, input=(128, 128, 3), within=ROUNDED),
    # TF-Slim's checkpoints of MobileNetV2
    Published("mobilenet_v2", None, 582_000_000, {"alpha": 1.4}, within=ROUNDED),
    Published("mobilenet_v2", None, 209_000_000, {"alpha": 0.75}, within=ROUNDED),
    Published("mobilenet_v2", None, 97_000_000, {"alpha": 0.5}, within=ROUNDED),
    Published("mobilenet_v2", None, 59_000_000, {"alpha": 0.35}, within=ROUNDED),
    # torchvision's table of weights
    Published("densenet201", 20_013_928, 4_291_000_000, within=(0, 500_000)),
    Published("efficientnet_v2_s", 21_458_488, 8_366_000_000, within=(0, 500_000)),
    Published("maxvit_t", 30_919_624, 5_558_000_000, within=(0, 500_000)),
    Published("mc3_18", 11_695_440, 43_343_000_000, within=(0, 500_000)),
    Published("mobilenet_v3_small", 2_542_856, 57_000_000, within=(0, 500_000)),
    Published("r2plus1d_18", 31_505_325, 40_519_000_000, within=(0, 500_000)),
    Published("regnet_x_800mf", 7_259_656, 800_000_000, within=(0, 500_000)),
    Published("s3d", 8_320_048, 17_979_000_000, within=(0, 500_000)),
    Published("shufflenet_v2_x2_0", 7_393_996, 583_000_000, within=(0, 500_000)),
    Published("swin_t", 28_288_354, 4_491_000_000, within=(0, 500_000)),
    Published("swin_t", 49_606_258, 8_741_000_000, {"depth": 18}, within=(0, 500_000)),
    Published("swin_t", 87_768_224, 15_431_000_000, {"depth": 18, "width": 128, "heads": 4}, within=(0, 500_000)),
    Published("vgg19_bn", 143_678_248, 19_632_000_000, within=(0, 500_000)),
    Published("vit_l_16", 304_326_632, 61_555_000_000, within=(0, 500_000)),
    Published("mnasnet1_0", 2_218_512, None, {"alpha": 0.5}),
    Published("mnasnet1_0", 3_170_208, None, {"alpha": 0.75}),
    Published("mnasnet1_0", 6_282_256, None, {"alpha": 1.3}),
    Published("shufflenet_v2_x1_0", 1_366_792, None, {"widths": [24, 48, 96, 192, 1024]}),
    Published("shufflenet_v2_x1_0", 3_503_624, None, {"widths": [24, 176, 352, 704, 1024]}),
    Published("shufflenet_v2_x1_0", 7_393_996, None, {"widths": [24, 244, 488, 976, 2048]}),
    Published("efficientnet_b0", 7_794_184, None, {"width_mult": 1.0, "depth_mult": 1.1}),
    Published("efficientnet_b0", 9_109_994, None, {"width_mult": 1.1, "depth_mult": 1.2}),
    Published("efficientnet_b0", 12_233_232, None, {"width_mult": 1.2, "depth_mult": 1.4}),
    Published("efficientnet_b0", 19_341_616, None, {"width_mult": 1.4, "depth_mult": 1.8}),
    Published("efficientnet_b0", 30_389_784, None, {"width_mult": 1.6, "depth_mult": 2.2}),
    Published("efficientnet_b0", 43_040_704, None, {"width_mult": 1.8, "depth_mult": 2.6}),
    Published("efficientnet_b0", 66_347_960, None, {"width_mult": 2.0, "depth_mult": 3.1}),
    # Ultralytics' summaries, with 80 classes, before batch norms are folded
    Published("yolov5s", 7_235_389, None),
    Published("yolov8n", 3_157_200, None),
    Published("yolov8s", 11_166_560, None),
    Published("yolov8m", 25_902_640, None),
    Published("yolo11n", 2_624_080, None),
    # timm's models and OpenAI's and Google's counts
    Published("mixer_b16", 59_880_472, None),
    Published("gmlp_s16", 19_422_656, None),
    Published("convmixer_768_32", 21_110_248, None),
    Published("convmixer_768_32", 51_625_960, None, {"width": 1536, "depth": 20, "kernel": 9, "activation": "GELU"}),
    Published("poolformer_s12", 11_915_176, None),
    Published("gpt2", 124_439_808, None),
    Published("gpt2", 354_823_168, None, {"width": 1024, "heads": 16, "depth": 24}),
    Published("t5_small", 60_506_624, None),
    Published("bert_base", 109_482_240, None),
    Published("esrgan", 16_697_987, None),
    Published("crnn", 8_331_301, None),
    Published("hrnet_w18", 21_299_004, None),
    Published("mobilevit_s", 5_578_632, None),
    Published("segformer_b0", 3_752_694, None),
    # torchvision's table of weights
    Published("retinanet_resnet50_fpn", 34_014_999, 151_540_000_000, within=(0, 500_000)),
    # Zhou et al. 2018, table 2
    Published("unetplusplus", 9_040_000, None, within=(5_000, 0)),
    Published(
        "detr_resnet50", 41_302_368 + 64 * 3 * 7 * 7 + 212_992, None
    ),  # `conv1` and `layer1` are not trained there
    Published("efficientdet_d0", 3_880_067, None),
    Published("demucs_dns48", 18_867_937, None),
    Published("stable_diffusion_unet", 859_520_964, None),
    # Feichtenhofer et al. 2018 and Qi et al. 2016, in millions
    Published("slowfast_r50", 34_570_000, None, within=(5_000, 0)),
    Published("pointnet", 3_500_000, None, within=ROUNDED),
    Published("mixtral_block", (46_702_792_704 - 2 * 32_000 * 4096 - 4096) // 32, None),
]


@pytest.mark.parametrize("each", PUBLISHED, ids=lambda each: f"{each.config}-{each.set or each.input or ''}")
def test_published_totals(each: Published) -> None:
    report = planner.check(CONFIGS / f"{each.config}.yaml", input=each.input, params=each.set)
    totals = report.to_dict()["totals"]
    assert report.ok
    for key, published, within in zip(("params", "macs"), (each.params, each.macs), each.within, strict=True):
        assert published is None or abs(totals[key] - published) <= within, key


def test_lenet5_layers() -> None:
    """LeCun et al. 1998, section II.B: sizes and trainable parameters; C3 reads all maps here (2,416, not 1,516)."""
    published = {
        "c1": ([28, 28, 6], 156),
        "s2": ([14, 14, 6], 0),
        "c3": ([10, 10, 16], 2_416),
        "s4": ([5, 5, 16], 0),
        "c5": ([1, 1, 120], 48_120),
        "f6": ([84], 10_164),
        "output": ([10], 850),
    }
    found = steps("lenet5")
    assert {name: (found[name]["out"], found[name]["params"]) for name in published} == published


def conv(kernel: int, inputs: int, outputs: int) -> int:
    """Parameters of a square convolution with bias, transposed or not."""
    return kernel * kernel * inputs * outputs + outputs


def test_unet_as_published() -> None:
    """Ronneberger et al. 2015, figure 1: the sizes written along the U, and its 23 convolutional layers."""
    sizes = [570, 568, 284, 282, 280, 140, 138, 136, 68, 66, 64, 32, 30, 28]
    sizes += [56, 56, 54, 52, 104, 104, 102, 100, 200, 200, 198, 196, 392, 392, 390, 388, 388]
    windowed = ("Conv2d", "MaxPool2d", "ConvTranspose2d", "Concat")
    assert [step["out"][0] for step in plain("unet")["steps"] if step["type"] in windowed] == sizes
    assert plain("unet")["outputs"] == {"out": [388, 388, 2]}
    assert sum(step["type"] in {"Conv2d", "ConvTranspose2d"} for step in plain("unet")["steps"]) == 23


@pytest.mark.parametrize("name", ["unet", "unet_same"])
def test_unet_parameters(name: str) -> None:
    down = conv(3, 1, 64) + conv(3, 64, 64)
    down += sum(conv(3, width // 2, width) + conv(3, width, width) for width in (128, 256, 512, 1024))
    up = sum(conv(2, 2 * w, w) + conv(3, 2 * w, w) + conv(3, w, w) for w in (512, 256, 128, 64))
    assert plain(name)["totals"]["params"] == down + up + conv(1, 64, 2) == 31_030_658


def test_unet_with_same_padding_keeps_its_size() -> None:
    assert plain("unet_same")["outputs"] == {"out": [256, 256, 2]}
    assert not any(step["type"] == "CropLike" for step in plain("unet_same")["steps"])


def test_wavenet_parameters() -> None:
    """Thirty gated layers of two filters of two taps, each with a skip and, but for the last, a way on."""
    layer = 2 * (2 * 32 * 32 + 32) + (32 * 256 + 256)
    ends = (256 * 32 + 32) + 2 * (256 * 256 + 256)
    assert plain("wavenet")["totals"]["params"] == 30 * layer + 29 * (32 * 32 + 32) + ends == 548_672


def test_vq_vae_parameters() -> None:
    """The encoder and the decoder, each of two strided convolutions, two residual blocks and a 1×1, and the codes."""
    residual = conv(3, 256, 256) + conv(1, 256, 256)
    encoder = conv(4, 3, 256) + conv(4, 256, 256) + 2 * residual + conv(1, 256, 64)
    decoder = conv(1, 64, 256) + 2 * residual + conv(4, 256, 256) + conv(4, 256, 3)
    assert plain("vq_vae")["totals"]["params"] == encoder + 512 * 64 + decoder == 4_811_843


def test_nnunet_parameters() -> None:
    """Two 3×3×3 convolutions with instance norms a stage, six stages down and five up, and masks at four sizes."""

    def stage(inputs: int, width: int) -> int:
        return 27 * (inputs + width) * width + 2 * 3 * width

    widths = [32, 64, 128, 256, 320, 320]
    down = sum(stage(a, b) for a, b in pairwise([4, *widths]))
    up = sum(8 * a * b + b + stage(2 * b, b) for a, b in pairwise(reversed(widths)))
    masks = sum(4 * width + 4 for width in widths[:4])
    assert plain("nnunet_3d")["totals"]["params"] == down + up + masks == 31_198_512


def test_conformer_parameters() -> None:
    width, hidden, kernel = 144, 576, 31
    norm = 2 * width
    feedforward = norm + 2 * width * hidden + hidden + width
    attention = norm + 4 * conv(1, width, width)
    convolution = norm + conv(1, width, 2 * width) + (kernel + 1) * width + norm + conv(1, width, width)
    layer = 2 * feedforward + attention + convolution + norm
    assert plain("conformer_s")["totals"]["params"] == 16 * layer == 7_771_392


def test_stylegan2_parameters() -> None:
    """NVIDIA's code prints 30,370,060 for configuration F at 1024×1024."""

    def parameters(side: int) -> int:
        widths = {size: min(512, 32_768 // size) for size in (2**i for i in range(2, 11)) if size <= side}
        styled = {size: conv(1, 512, width) for size, width in widths.items()}
        total = 8 * conv(1, 512, 512) + 4 * 4 * 512
        for size, width in widths.items():
            total += styled[size] + conv(3, width, width) + 1  # the last one is the strength of the noise
            total += styled[size] + conv(1, width, 3)
            if size > 4:
                total += styled[size // 2] + conv(3, widths[size // 2], width) + 1
        return total

    assert parameters(1024) == 30_370_060
    assert plain("stylegan2")["totals"]["params"] == parameters(256) == 30_034_338


def test_shared_towers_count_once() -> None:
    """Koch et al. 2015, figure 4: the sizes of one tower, and of the layer behind both."""
    tower = conv(10, 1, 64) + conv(7, 64, 128) + conv(4, 128, 128) + conv(4, 128, 256) + (6 * 6 * 256 + 1) * 4096
    assert plain("siamese")["totals"]["params"] == tower + 4096 + 1 == 38_951_745


def test_dcgan_generator() -> None:
    """Radford et al. 2015, figure 1: the sizes, and 5×5 kernels; a bias only where no batch norm follows."""
    planes = [[4, 4, 1024], [8, 8, 512], [16, 16, 256], [32, 32, 128], [64, 64, 3]]
    shapes = [step["out"] for step in plain("dcgan_generator")["steps"]]
    assert [shape for shape in shapes if shape in planes] == sorted(shapes[1:], key=planes.index)
    convs = 25 * (1024 * 512 + 512 * 256 + 256 * 128) + conv(5, 128, 3)
    norms = 2 * (1024 + 512 + 256 + 128)
    assert plain("dcgan_generator")["totals"]["params"] == 100 * 4 * 4 * 1024 + convs + norms


# All of them


@pytest.mark.parametrize("name", ALL)
def test_no_errors(name: str) -> None:
    found = plain(name)
    assert [each for each in found["diagnostics"] if each["severity"] == "error"] == []
    assert planned(name).ok
    assert (found["complete"], found["model"]) == (True, name)


@pytest.mark.parametrize("name", ALL)
def test_written_as_a_person_would(name: str) -> None:
    lines = (CONFIGS / f"{name}.yaml").read_text().splitlines()
    assert lines[0].startswith("# ")
    assert max(map(len, lines)) <= 120
    assert len(lines) <= 180


def test_resnet50_is_short() -> None:
    assert len((CONFIGS / "resnet50.yaml").read_text().splitlines()) <= 60


def test_every_reference_has_its_config() -> None:
    assert len(NETWORKS) == 24
    assert set(NETWORKS) < set(ALL)
