"""What keeps the tests of large model files short: smaller inputs and widths, and networks that some pass over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

LIGHTER: Mapping[str, dict[str, Any]] = {
    "13b-torchvision-fpn": {"input": (64, 96, 3)},
    "19-convtranspose-tflite": {"input": (9, 7, 3)},
    "alexnet": {"input": (63, 79, 3)},
    "bert_base": {
        "input": {"tokens": (40,), "segments": (40,)},
        "params": {"vocabulary": 60, "positions": 40, "width": 24, "heads": 2, "depth": 3},
    },
    "cbam_resnet18": {"input": (64, 96, 3)},
    "conformer_s": {"input": (40, 24), "params": {"width": 24, "heads": 2, "hidden": 40, "depth": 2, "kernel": 5}},
    "convmixer_768_32": {"params": {"width": 48, "depth": 4}, "input": (40, 49, 3)},
    "crnn": {"input": (32, 40, 1)},
    "dcgan_generator": {},
    "demucs_dns48": {"input": (2388, 1), "params": {"hidden": 4}},
    "detr_resnet50": {
        "input": {"image": (64, 96, 3), "positions": (6, 32)},
        "params": {"width": 32, "hidden": 48, "queries": 10},
    },
    "detr_transformer": {
        "params": {"width": 32, "ff": 48, "queries": 10},
        "input": {"features": (25, 34, 8), "pos": (850, 32)},
    },
    "efficientdet_d0": {"input": (128, 128, 3)},
    "esrgan": {"input": (8, 6, 3), "params": {"depth": 3}},
    "esrgan_rrdb": {"input": (8, 6, 3)},
    "gmlp_s16": {"params": {"width": 32, "hidden": 48}},
    "gpt2": {"input": (40,), "params": {"vocabulary": 60, "positions": 40, "width": 24, "heads": 2, "depth": 3}},
    "gpt2_small": {"params": {"vocab": 60, "width": 24, "heads": 2, "depth": 3}},
    "hrnet_w18": {"input": (64, 96, 3)},
    "inception_v3": {"input": (75, 91, 3)},
    "lenet5": {},
    "maxvit_t": {
        "input": (64, 64, 3),
        "params": {"stem": 8, "widths": [8, 16, 24, 32], "depths": [1, 1, 2, 1], "head_width": 4, "window": 2},
    },
    "mc3_18": {"input": (3, 24, 17, 3)},
    "min-9d3d9b6290": {"params": {"width": 8}},
    "mobilevit_s": {"input": (64, 128, 3)},
    "mixer_b16": {"params": {"width": 96, "token_width": 40, "channel_width": 120}},
    "mixtral_block": {
        "input": (20, 48),
        "params": {"width": 48, "hidden": 40, "heads": 4, "key_heads": 2, "head_width": 12},
    },
    "nnunet": {"input": (64, 32, 32, 1)},
    "nnunet_3d": {"input": (64, 32, 32, 4), "params": {"width": 2, "most": 20}},
    "pointnet": {"input": (50, 3)},
    "r2plus1d_18": {"input": (3, 24, 17, 3)},
    "r3d_18": {"input": (3, 24, 17, 3)},
    "retinanet_resnet50_fpn": {"input": (64, 96, 3)},
    "s3d": {"input": (5, 33, 40, 3), "params": {"pool": [1, 1, 1]}},
    "sd_unet_block": {
        "params": {"width": 32, "heads": 2},
        "input": {"latent": (12, 12, 4), "time": (1,), "text": (7, 24)},
    },
    "segformer_b0": {"input": (64, 96, 3), "params": {"classes": 5}},
    "siamese": {"input": {"left": (81, 89, 1), "right": (81, 89, 1)}},
    "slowfast_r50": {"input": {"slow": (2, 33, 40, 3), "fast": (8, 33, 40, 3)}, "params": {"width": 16}},
    "stable_diffusion_unet": {
        "input": {"latents": (16, 16, 4), "t": (1,), "text": (7, 24)},
        "params": {"width": 32, "heads": 2, "height": 16},
    },
    "stylegan2": {"params": {"width": 8}},
    "swin_t": {"input": (64, 64, 3), "params": {"width": 12, "heads": 1, "depth": 2, "window": 2, "side": 16}},
    "t5_small": {
        "input": {"input_ids": (20,), "decoder_input_ids": (15,)},
        "params": {"vocabulary": 60, "length": 20, "target_length": 15, "width": 24, "heads": 2, "head_width": 12}
        | {"hidden": 40, "depth": 3},
    },
    "unet": {"input": (188, 204, 1), "params": {"width": 8}},
    "unet_same": {"input": (32, 48, 1), "params": {"width": 16}},
    "unetplusplus": {"input": (32, 48, 3), "params": {"width": 4}},
    "vit_b_16": {"params": {"width": 96, "heads": 3, "mlp_width": 128}},
    "vit_l_16": {"params": {"width": 96, "heads": 3, "mlp_width": 128}},
    "vq_vae": {"input": (32, 32, 3)},
    "vqvae": {"input": (32, 32, 3)},
    "wavenet": {"input": (150, 256)},
    "yolo11n": {"input": (64, 96, 3)},
    "yolov5s": {"input": (64, 96, 3)},
    "yolov8m": {"input": (64, 96, 3)},
    "yolov8n": {"input": (64, 96, 3)},
    "yolov8s": {"input": (64, 96, 3)},
}
"""What `load` is to be given, by the name of the file."""


def lighter(path: Path) -> dict[str, Any]:
    """What makes a file quick to run: other networks of `configs/` take images of any size, other files are small."""
    return LIGHTER.get(path.stem, {"input": (40, 49, 3)} if path.parent.name == "configs" else {})


SELDOM = frozenset(
    {
        "bert_base",
        "conformer_s",
        "crnn",
        "deeplabv3_resnet50",
        "demucs_dns48",
        "densenet201",
        "detr_resnet50",
        "efficientdet_d0",
        "efficientnet_v2_s",
        "esrgan",
        "gmlp_s16",
        "gpt2",
        "hrnet_w18",
        "lraspp_mobilenet_v3_large",
        "maxvit_t",
        "mc3_18",
        "mixer_b16",
        "mixtral_block",
        "mobilenet_v3_small",
        "mobilevit_s",
        "nnunet_3d",
        "poolformer_s12",
        "r2plus1d_18",
        "regnet_x_800mf",
        "retinanet_resnet50_fpn",
        "s3d",
        "segformer_b0",
        "shufflenet_v2_x2_0",
        "siamese",
        "slowfast_r50",
        "stable_diffusion_unet",
        "stylegan2",
        "swin_t",
        "t5_small",
        "unetplusplus",
        "vgg19_bn",
        "vit_l_16",
        "vq_vae",
        "wavenet",
        "wide_resnet50_2",
        "yolo11n",
        "yolov5s",
        "yolov8m",
        "yolov8n",
        "yolov8s",
    }
)
"""Networks of `configs/` built like others there, which tests of every size and of every block see with `--long`."""


def seldom(cases: Iterable[Any]) -> list[Any]:
    """Cases of a test: paths, names, or tuples that begin with a name; those of networks in `SELDOM` are long."""
    return [pytest.param(*_values(case), marks=[pytest.mark.long] if _is_seldom(case) else []) for case in cases]


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)


def _is_seldom(case: Any) -> bool:
    first = _values(case)[0]
    if isinstance(first, Path):
        return first.parent.name == "configs" and first.stem in SELDOM
    return first in SELDOM
