"""Normalizations, and what rescales, drops or adds noise.

Source: https://keras.io/api/layers/normalization_layers/ and https://keras.io/api/layers/regularization_layers/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.inputs._graph import NotSayable, Output
from planner.inputs._keras.building import Building, means
from planner.inputs._keras.given import Given, Sources, is_number, plain

MOST_CONSTANTS = 16
"""Channels of which each gets a number that stands in the file."""


def _on_channels(b: Building, given: Given, x: Output) -> None:
    axes = given.several("axis", [-1])
    if [b.axis(x, axis) for axis in axes] != [len(b.shape(x)) - 1]:
        raise NotSayable(f"its axis is {axes[0] if len(axes) == 1 else [*axes]}, which is not that of the channels")


def _vector(b: Building, type_: str, x: Output, path: str, init: float | str | None = None) -> Output:
    """A tensor of its own that meets what comes in: one number for each channel, however many those are."""
    ones = [1] * (len(b.shape(x)) - 1)
    vector = b.add(type_, path=path, shape=[*ones, b.shape(x).channels], init=init)
    vector.step.arguments["shape"] = [*ones, "$input.channels"]
    return vector


def _combined(b: Building, type_: str, x: Output, vector: Output, path: str | None = None) -> Output:
    """A tensor and a vector for its channels; a sum with them must say that axes are repeated."""
    spread = type_ in ("Add", "Subtract") and len(b.shape(x)) > 1
    return b.add(type_, x, vector, path=path, broadcast=True if spread else None)


def _normalized(b: Building, given: Given, x: Output, type_: str, off: str, **arguments: Any) -> Output:
    """A normalization whose scale and shift may each be absent, where PyTorch's has both or none."""
    scale, centre = given.flag("scale", True), given.flag("center", True)
    if scale == centre:
        more = {} if scale else {off: False}
        return b.add(type_, x, path=given.path, **arguments, **more)
    with b.within(given.path, type_.rstrip("123d")):
        found = b.add(type_, x, path=f"{given.path}.norm", **arguments, **{off: False})
        name, how = ("gamma", "Multiply") if scale else ("beta", "Add")
        vector = _vector(b, "Parameter", x, f"{given.path}.{name}", "ones" if scale else None)
        return _combined(b, how, found, vector)


@means("BatchNormalization", "SyncBatchNormalization")
def batch_normalization(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    _on_channels(b, given, x)
    spatial = len(b.shape(x)) - 1
    if spatial > 3:
        raise NotSayable("it works on more than 3 axes")
    momentum = round(1 - given.number("momentum", 0.99), 12)
    eps = given.number("epsilon", 1e-3)
    type_ = f"BatchNorm{max(spatial, 1)}d"
    return _normalized(b, given, x, type_, "affine", eps=eps, momentum=momentum)


@means("LayerNormalization")
def layer_normalization(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    given.must_be("rms_scaling", False)
    axes = sorted(b.axis(x, axis) for axis in given.several("axis", [-1]))
    shape = b.shape(x)
    if not axes or axes != [*range(axes[0], len(shape))]:
        raise NotSayable("it goes along axes that are not the last ones")
    eps = given.number("epsilon", 1e-3)
    if len(axes) == 1 and given.flag("scale", True) and not given.flag("center", True):
        return b.add("LayerNorm", x, path=given.path, eps=eps, bias=False)
    sizes = None
    if len(axes) > 1:
        sizes = [*shape[axes[0] :]]
        if given.flag("scale", True) != given.flag("center", True):
            raise NotSayable("it has a scale without a shift, or the reverse, over several axes")
    return _normalized(b, given, x, "LayerNorm", "elementwise_affine", normalized_shape=sizes, eps=eps)


@means("GroupNormalization")
def group_normalization(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    _on_channels(b, given, x)
    groups = given.whole("groups", 32)
    groups = b.shape(x).channels if groups == -1 else groups
    if b.lead:
        raise NotSayable("it stands in a TimeDistributed")
    return _normalized(b, given, x, "GroupNorm", "affine", num_groups=groups, eps=given.number("epsilon", 1e-3))


@means("RMSNormalization")
def rms_normalization(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    _on_channels(b, given, x)
    return b.add("RMSNorm", x, path=given.path, eps=given.number("epsilon", 1e-6))


@means("UnitNormalization")
def unit_normalization(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    _on_channels(b, given, x)
    return b.add("Normalize", x, path=given.shown_path, dim=1)


# Numbers of the file


def _numbers(b: Building, given: Given, key: str, x: Output) -> list[float] | float:
    """A number, or one for each channel; however deep lists stand in one another."""
    value: Any = given.config.get(key)
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    values: list[Any] = value if isinstance(value, list) else [value]
    if not all(map(is_number, values)):
        raise NotSayable(f"its {key} must be a number, or one for each channel")
    numbers = [float(each) for each in values]
    if not isinstance(value, list):
        return numbers[0]
    if len(numbers) != b.shape(x).channels:
        raise NotSayable(f"its {key} has {len(numbers)} numbers for {b.shape(x).channels} channels")
    if len(numbers) > MOST_CONSTANTS:
        raise NotSayable(f"its {key} has {len(numbers)} numbers, of which a model file takes {MOST_CONSTANTS}")
    return numbers


def _by(b: Building, type_: str, x: Output, numbers: Sequence[float] | float, path: str | None = None) -> Output:
    """A tensor and a number, or one for each channel."""
    if isinstance(numbers, float):
        return b.add(type_, x, path=path, other=plain(numbers))
    ones = [1] * len(b.shape(x))
    vector = b.add("Concat", *(b.add("Constant", shape=ones, fill=plain(each)) for each in numbers))
    return _combined(b, type_, x, vector, path)


@means("Rescaling")
def rescaling(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    scale, offset = _numbers(b, given, "scale", x), 0.0
    shift = _numbers(b, given, "offset", x) if given.has("offset") else offset
    path = given.shown_path
    if shift == 0:
        return _by(b, "Multiply", x, scale, path)
    return _by(b, "Add", _by(b, "Multiply", x, scale), shift, path)


@means("Normalization")
def normalization(b: Building, given: Given, sources: Sources) -> Output:
    """(x − mean) / √variance, with numbers of the file, or with those that come with the weights."""
    x = sources.only_tensor()
    given.must_be("invert", False)
    if given.has("mean") and given.has("variance"):
        mean, variance = _numbers(b, given, "mean", x), _numbers(b, given, "variance", x)
        values = variance if isinstance(variance, list) else [variance]
        if min(values) < 0:
            raise NotSayable("its variance is below 0")
        roots = [max(each**0.5, 1e-7) for each in values]
        found = _by(b, "Subtract", x, mean)
        return _by(b, "Divide", found, roots if isinstance(variance, list) else roots[0], given.shown_path)
    _on_channels(b, given, x)
    with b.within(given.path, "Normalization"):
        centred = _combined(b, "Subtract", x, _vector(b, "Buffer", x, f"{given.path}.mean"))
        spread = b.add("Sqrt", _vector(b, "Buffer", x, f"{given.path}.variance"))
        return b.add("Divide", centred, b.add("Clamp", spread, min=1e-7))


# What only training knows


@means("Dropout")
def dropout(b: Building, given: Given, sources: Sources) -> Output:
    return b.add("Dropout", sources.only_tensor(), path=given.shown_path, p=given.number("rate"))


@means("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
def spatial_dropout(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    rank = b.spatial(given, x) + b.lead
    return b.add(f"Dropout{rank}d", x, path=given.shown_path, p=given.number("rate"))


@means("StochasticDepth")
def stochastic_depth(b: Building, given: Given, sources: Sources) -> Output:
    rate = given.number("drop_path_rate")
    return (
        b.add("StochasticDepth", sources.only_tensor(), path=given.shown_path, p=rate)
        if rate
        else sources.only_tensor()
    )


@means(
    "Identity",
    "ActivityRegularization",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    *(f"Random{kind}" for kind in ("Brightness", "Contrast", "Crop", "Flip", "Rotation", "Translation", "Zoom")),
)
def unchanged(b: Building, given: Given, sources: Sources) -> Output:
    """What hands its input on, outside training."""
    x = sources.only_tensor()
    if given.kind == "RandomCrop":
        raise NotSayable("it crops at random")
    return b.add("Identity", x, path=given.path) if given.kind == "Identity" and given.named else x


# Layers that Keras' own applications bring along


@means("LayerScale")
def layer_scale(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    if given.whole("projection_dim") != b.shape(x).channels:
        raise NotSayable("its projection_dim is not the number of channels")
    with b.within(given.path, "LayerScale"):
        gamma = _vector(b, "Parameter", x, f"{given.path}.gamma", given.number("init_values"))
        return b.add("Multiply", x, gamma)


@means("CustomScaleLayer")
def custom_scale_layer(b: Building, given: Given, sources: Sources) -> Output:
    """x₀ + scale · x₁, as Inception-ResNet has it."""
    if len(sources.tensors) != 2:
        raise NotSayable("it takes two tensors")
    x, branch = sources.tensors
    return b.add("Add", x, _by(b, "Multiply", branch, given.number("scale")), path=given.shown_path)
