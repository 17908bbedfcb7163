"""Convolutions, pools, and what pads, crops and enlarges.

Source: https://keras.io/api/layers/convolution_layers/ and https://keras.io/api/layers/pooling_layers/
"""

from __future__ import annotations

from typing import Any

from planner.inputs._graph import NotSayable, Output
from planner.inputs._keras.activations import activated
from planner.inputs._keras.building import Building, means
from planner.inputs._keras.given import Given, Sources


def _windows(b: Building, given: Given, x: Output) -> dict[str, Any]:
    """The arguments of a convolution that say where its windows lie."""
    rank = b.spatial(given, x)
    kernel, dilation = given.wholes("kernel_size", rank), given.wholes("dilation_rate", rank, 1)
    stride = b.per_axis(given.wholes("strides", rank, 1))
    padding = given.text("padding", "valid").lower()
    if padding not in ("valid", "same") and not (padding == "causal" and rank == 1):
        raise NotSayable(f"its padding is {padding!r:.40}")
    if max(kernel) == 1:
        padding = "valid"  # nothing is padded
    before = [[0, 0]] * b.lead + [[dilation[0] * (kernel[0] - 1), 0]]
    spread = b.per_axis(dilation)
    return {
        "kernel_size": b.per_axis(kernel),
        "stride": None if stride == 1 else stride,
        "padding": {"valid": None, "same": "tf_same", "causal": before}[padding],
        "dilation": None if spread == 1 else spread,
    }


def _bias(given: Given) -> bool | None:
    return None if given.flag("use_bias", True) else False


@means("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D")
def conv(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    groups, width, channels = given.whole("groups", 1), given.whole("filters"), b.shape(x).channels
    depthwise = 1 < groups == channels
    found = b.add(
        f"Conv{given.rank + b.lead}d",
        x,
        path=given.path,
        out_channels=None if depthwise and width == channels else width,
        **_windows(b, given, x),
        groups="depthwise" if depthwise else None if groups == 1 else groups,
        bias=_bias(given),
    )
    return activated(b, given, found)


def _depthwise(b: Building, given: Given, x: Output, path: str, bias: bool | None) -> Output:
    multiplier = given.whole("depth_multiplier", 1)
    width = None if multiplier == 1 else b.shape(x).channels * multiplier
    type_ = f"Conv{given.rank + b.lead}d"
    return b.add(type_, x, path=path, out_channels=width, **_windows(b, given, x), groups="depthwise", bias=bias)


@means("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise_conv(b: Building, given: Given, sources: Sources) -> Output:
    return activated(b, given, _depthwise(b, given, sources.only_tensor(), given.path, _bias(given)))


@means("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def separable_conv(b: Building, given: Given, sources: Sources) -> Output:
    x, type_ = sources.only_tensor(), f"Conv{given.rank + b.lead}d"
    with b.within(given.path, f"SeparableConv{given.rank}d"):
        found = _depthwise(b, given, x, f"{given.path}.depthwise", bias=False)
        path, width = f"{given.path}.pointwise", given.whole("filters")
        found = b.add(type_, found, path=path, out_channels=width, kernel_size=1, bias=_bias(given))
    return activated(b, given, found)


@means("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def conv_transpose(b: Building, given: Given, sources: Sources) -> Output:
    """A transposed convolution as TensorFlow has it: the gradient of the convolution that would make the input out of
    the result. Of an odd number of cells to take off, the one more is at the end, where PyTorch takes off as many on
    either side.
    """
    x = sources.only_tensor()
    rank = b.spatial(given, x)
    given.must_be("groups", 1)
    kernel, stride = given.wholes("kernel_size", rank), given.wholes("strides", rank, 1)
    dilation = given.wholes("dilation_rate", rank, 1)
    same = given.text("padding", "valid").lower() == "same"
    if not same:
        given.must_be("padding", "valid", "VALID")
    more = given.wholes("output_padding", rank) if given.has("output_padding") else (None,) * rank
    off, beyond = [], []
    for k, s, d, extra in zip(kernel, stride, dilation, more, strict=True):
        extent = d * (k - 1) + 1
        if extra is None:
            over = extent - s if same else min(extent - s, 0)
        else:
            over = extent - extent % 2 - extra if same else -extra
        off.append(max(over, 0))
        beyond.append(max(-over, 0))
    spread, stretch = b.per_axis(dilation), b.per_axis(stride)
    padding, output_padding = b.per_axis([each // 2 for each in off], 0), b.per_axis(beyond, 0)
    found = b.add(
        f"ConvTranspose{rank + b.lead}d",
        x,
        path=given.path,
        out_channels=given.whole("filters"),
        kernel_size=b.per_axis(kernel),
        stride=None if stretch == 1 else stretch,
        padding=padding or None,
        output_padding=output_padding or None,
        dilation=None if spread == 1 else spread,
        bias=_bias(given),
    )
    if any(each % 2 for each in off):
        found = b.add("Crop", found, amount=[[0, 0]] * b.lead + [[0, each % 2] for each in off])
    return activated(b, given, found)


@means(
    *(f"{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in (1, 2, 3)),
    *(f"{kind}Pool{rank}D" for kind in ("Max", "Avg") for rank in (1, 2, 3)),
)
def pool(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    rank = b.spatial(given, x)
    kernel = b.per_axis(given.wholes("pool_size", rank, 2))
    stride = b.per_axis(given.wholes("strides", rank)) if given.has("strides") else kernel
    padding = given.text("padding", "valid").lower()
    if padding not in ("valid", "same"):
        raise NotSayable(f"its padding is {padding!r:.40}")
    type_ = f"{'Max' if given.kind.startswith('Max') else 'Avg'}Pool{rank + b.lead}d"
    arguments = {"stride": None if stride == kernel else stride, "padding": "tf_same" if padding == "same" else None}
    return b.add(type_, x, path=given.shown_path, kernel_size=kernel, **arguments)


@means(
    *(f"Global{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in (1, 2, 3)),
    *(f"Global{kind}Pool{rank}D" for kind in ("Max", "Avg") for rank in (1, 2, 3)),
)
def global_pool(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    rank = b.spatial(given, x)
    dims = [2 + b.lead + axis for axis in range(rank)]
    keep = given.flag("keepdims", False) or None
    type_ = "Max" if "Max" in given.kind else "Mean"
    return b.add(type_, x, path=given.shown_path, dim=dims if len(dims) > 1 else dims[0], keepdim=keep)


@means(*(f"Adaptive{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in (1, 2, 3)))
def adaptive_pool(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    rank = b.spatial(given, x)
    if b.lead:
        raise NotSayable("it stands in a TimeDistributed")
    kind = "Max" if "Max" in given.kind else "Avg"
    size = b.per_axis(given.wholes("output_size", rank))
    return b.add(f"Adaptive{kind}Pool{rank}d", x, path=given.shown_path, output_size=size)


@means("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    rank = b.spatial(given, x)
    sides = [*((0, 0) for _ in range(b.lead)), *given.pairs("padding", rank)]
    flat = [side for pair in reversed(sides) for side in pair]
    padding = flat[0] if len(set(flat)) == 1 else flat
    return b.add(f"ZeroPad{len(sides)}d", x, path=given.shown_path, padding=padding)


@means("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    rank = b.spatial(given, x)
    amount = [[0, 0]] * b.lead + [list(pair) for pair in given.pairs("cropping", rank)]
    return b.add("Crop", x, path=given.shown_path, amount=amount)


@means("UpSampling1D", "UpSampling2D", "UpSampling3D")
def up_sampling(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    rank = b.spatial(given, x)
    given.must_be("interpolation", "nearest", "bilinear")
    mode = given.text("interpolation", "nearest")
    if mode == "bilinear" and (rank != 2 or b.lead):
        raise NotSayable("it interpolates linearly on other than 2 axes")
    factor = b.per_axis(given.wholes("size", rank, 2))
    mode_given = None if mode == "nearest" else mode
    return b.add("Upsample", x, path=given.shown_path, scale_factor=factor, mode=mode_given)


@means("Resizing")
def resizing(b: Building, given: Given, sources: Sources) -> Output:
    given.channels_last()
    x = sources.only_tensor()
    b.must_have(x, 2)
    if b.lead:
        raise NotSayable("it stands in a TimeDistributed")
    given.must_be("interpolation", "bilinear", "nearest")
    for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"):
        given.must_be(key, False)
    size = [given.whole("height"), given.whole("width")]
    mode = "bilinear" if given.text("interpolation", "bilinear") == "bilinear" else "nearest-exact"
    return b.add("Upsample", x, path=given.shown_path, size=size, mode=mode)
