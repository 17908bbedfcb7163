"""The networks of the zoo: by the package that has them, how each is made, and the shape that it reads.

They are made with random weights; nothing is downloaded. To look at one by hand:
`planner check zoo.networks:torchvision --arg name=squeezenet1_1 --input 224x224x3`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

Shape = tuple[int, ...]
Names = dict[Shape, str]
"""Networks of a package by the shape that they read, channels last."""


class Network(NamedTuple):
    """A network by its package and its name there.

    input  the shape that it reads, channels last
    """

    package: str
    name: str
    input: Shape

    @property
    def key(self) -> str:
        return f"{self.package}:{self.name}"

    def made(self) -> Any:
        """The network as an nn.Module."""
        return globals()[self.package](self.name)


def networks() -> Iterator[Network]:
    """All networks of the zoo, package by package."""
    for package, by_input in ALL.items():
        for shape, names in by_input.items():
            yield from (Network(package, name, shape) for name in names.split())


# timm: the smallest network of each family, at the size that its weights are published for

TIMM: Names = {
    (160, 160, 3): """
        test_byobnet test_coatnet test_convnext test_efficientnet test_mambaout test_nfnet test_resnet test_vit
        test_vit_relpos""",
    (224, 224, 3): """
        beit_base_patch16_224 cait_xxs24_224 coat_tiny convit_tiny convmixer_768_32 cpubone_nano cspnext_tiny
        davit_tiny deit_tiny_patch16_224 densenet121 dla46x_c dpn48b efficientformer_l1 efficientformerv2_s0
        efficientvim_m1 efficientvit_b0 efficientvit_m0 ese_vovnet19b_slim_dw fasternet_t0 focalnet_tiny_srf
        gcvit_xxtiny ghostnet_050 gmlp_ti16_224 hardcorenas_b hgnetv2_b0 hiera_tiny_224 hrnet_w18_small iformer_t
        inception_next_atto lcnetv2_small legacy_seresnet18 levit_128s lowformer_b0 mobilenetv3_small_050
        mvitv2_tiny nest_tiny nextvit_small pit_ti_224 poolformerv2_s12 pvt_v2_b0 rdnet_tiny regnetx_002
        repghostnet_050 repvit_m1 res2next50 resnest14d resnetv2_18 rexnet_100 samvit_base_patch16_224 selecsls42
        sequencer2d_s shvit_s1 skresnet18 starnet_s050 swiftformer_xs swin_tiny_patch4_window7_224
        swinv2_cr_tiny_224 tiny_vit_5m_224 tnt_s_legacy_patch16_224 tresnet_m twins_svt_small vgg11 visformer_tiny
        vit_tiny_r_s16_p8_224 vitamin_small_224 volo_d1_224 xcit_nano_12_p8_224""",
    (240, 240, 3): "crossvit_tiny_240",
    (256, 256, 3): """
        cs3darknet_focus_s edgenext_xx_small fastvit_t8 halonet_h1 mobilenetv5_base mobilevit_xxs
        swinv2_tiny_window8_256 vit_tiny_patch16_dinov3_qkvb""",
    (299, 299, 3): "inception_resnet_v2 inception_v3 inception_v4 legacy_xception xception41p",
    (331, 331, 3): "nasnetalarge pnasnet5large",
    (384, 384, 3): "naflexvit_base_patch16_parfac_gap",
    (512, 512, 3): "csatv2",
    (546, 546, 3): "deepseek_vit_412m",
    (768, 768, 3): "gemma4_vit_167m qwen3_vit_88m",
    (896, 896, 3): "sam2_hiera_tiny",
}


def timm(name: str) -> Any:
    return import_module("timm").create_model(name)


# torchvision: the families that timm has not, and the segmentation models

TORCHVISION: Names = {
    (224, 224, 3): """
        alexnet googlenet mnasnet0_5 mobilenet_v2 mobilenet_v3_small resnet50 shufflenet_v2_x0_5 squeezenet1_0
        squeezenet1_1 swin_t vit_b_16""",
    (520, 520, 3): "deeplabv3_mobilenet_v3_large fcn_resnet50 lraspp_mobilenet_v3_large",
}
AUXILIARY = {"googlenet": {"aux_logits": False, "init_weights": False}}
"""Arguments without which a network has heads that it does not call in evaluation."""


def torchvision(name: str) -> Any:
    more = AUXILIARY.get(name, {})
    backbone = {"weights_backbone": None} if "_res" in name or "_mobilenet" in name else {}
    return import_module("torchvision.models").get_model(name, weights=None, **more, **backbone)


# segmentation-models-pytorch: every architecture, on a ResNet-18; those made for it on a Mix Transformer

SEGMENTATION_MODELS_PYTORCH: Names = {
    (224, 224, 3): """
        DeepLabV3 DeepLabV3Plus FPN Linknet MAnet PAN PSPNet Segformer UPerNet Unet UnetPlusPlus"""
}


def segmentation_models_pytorch(name: str) -> Any:
    encoder = "mit_b0" if name == "Segformer" else "resnet18"
    return getattr(import_module("segmentation_models_pytorch"), name)(encoder, encoder_weights=None)


# ultralytics: the smallest of each version, and the other tasks of YOLOv8

ULTRALYTICS: Names = {
    (224, 224, 3): "yolov8n-cls",
    (640, 640, 3): """
        yolov3-tiny yolov5n yolov6n yolov8n yolov8n-pose yolov8n-seg yolov9t yolov10n yolo11n yolo12n yolo26n""",
}


def ultralytics(name: str) -> Any:
    module = import_module("ultralytics")
    return module.YOLO(f"{name}.yaml", verbose=False).model


# transformers: vision models, as their configurations have them by default

TRANSFORMERS: Names = {
    (224, 224, 3): """
        BeitForImageClassification ConvNextV2ForImageClassification CvtForImageClassification
        DeiTForImageClassification Dinov2ForImageClassification PoolFormerForImageClassification
        PvtForImageClassification ResNetForImageClassification SiglipVisionModel SwinForImageClassification
        ViTForImageClassification""",
    (256, 256, 3): "MobileViTForImageClassification Swinv2ForImageClassification",
    (512, 512, 3): "SegformerForSemanticSegmentation",
}
CONFIGURED = {"Swinv2": {"image_size": 256, "window_size": 8}}


def transformers(name: str) -> Any:
    module = import_module("transformers")
    family = re.split("For(?=[A-Z])|Model", name)[0]
    config = getattr(module, f"{family}Config")(**CONFIGURED.get(family, {}))
    return getattr(module, name)(config)


# diffusers: the denoiser and the autoencoder of diffusion models

DIFFUSERS: Names = {(64, 64, 3): "UNet2DModel", (256, 256, 3): "AutoencoderKL"}


def diffusers(name: str) -> Any:
    module = import_module("diffusers")
    if name == "AutoencoderKL":
        return module.AutoencoderKL(
            down_block_types=["DownEncoderBlock2D"] * 3,
            up_block_types=["UpDecoderBlock2D"] * 3,
            block_out_channels=[32, 64, 128],
        )

    class AtOneStep(module.UNet2DModel):  # type: ignore[misc,name-defined]
        """It reads the image alone, and denoises as at step 10."""

        def forward(self, sample: Any) -> Any:
            return super().forward(sample, 10)

    return AtOneStep(sample_size=64, block_out_channels=[32, 64, 128, 128])


# monai: networks on volumes

MONAI: Names = {
    (32, 32, 32, 1): "HighResNet VNet",
    (64, 64, 64, 1): "AttentionUnet BasicUNet DynUNet SegResNet SwinUNETR UNETR UNet",
}
"""Depth, height and width, as convolutions have them."""


def monai(name: str) -> Any:
    arguments: dict[str, Any] = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2}
    own: dict[str, dict[str, Any]] = {
        "AttentionUnet": {"channels": (8, 16, 32, 64), "strides": (2, 2, 2)},
        "BasicUNet": {"features": (8, 8, 16, 32, 64, 8)},
        "DynUNet": {
            "kernel_size": [3] * 4,
            "strides": [1, 2, 2, 2],
            "upsample_kernel_size": [2] * 3,
            "filters": [8, 16, 32, 64],
        },
        "SwinUNETR": {"feature_size": 12},
        "UNETR": {"img_size": 64, "feature_size": 8},
        "UNet": {"channels": (8, 16, 32, 64), "strides": (2, 2, 2), "num_res_units": 2},
    }
    return getattr(import_module("monai.networks.nets"), name)(**arguments, **own.get(name, {}))


ALL: dict[str, Names] = {
    "timm": TIMM,
    "torchvision": TORCHVISION,
    "segmentation_models_pytorch": SEGMENTATION_MODELS_PYTORCH,
    "ultralytics": ULTRALYTICS,
    "transformers": TRANSFORMERS,
    "diffusers": DIFFUSERS,
    "monai": MONAI,
}
