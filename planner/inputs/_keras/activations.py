"""Activations: layers of their own, and the names that other layers have in their argument `activation`.

Source: https://keras.io/api/layers/activations/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.faults._in_text import shown
from planner.inputs._graph import NotSayable, Output
from planner.inputs._keras.building import Building, means
from planner.inputs._keras.given import Given, Sources

BY_NAME: dict[str, tuple[str, dict[str, Any]]] = {
    "celu": ("CELU", {}),
    "elu": ("ELU", {}),
    "exponential": ("Exp", {}),
    "gelu": ("GELU", {}),
    "hard_shrink": ("Hardshrink", {}),
    "hard_sigmoid": ("Hardsigmoid", {}),
    "hard_silu": ("Hardswish", {}),
    "hard_swish": ("Hardswish", {}),
    "hard_tanh": ("Hardtanh", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.2}),
    "log_sigmoid": ("LogSigmoid", {}),
    "mish": ("Mish", {}),
    "relu": ("ReLU", {}),
    "relu6": ("ReLU6", {}),
    "selu": ("SELU", {}),
    "sigmoid": ("Sigmoid", {}),
    "silu": ("SiLU", {}),
    "soft_shrink": ("Softshrink", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "swish": ("SiLU", {}),
    "tanh": ("Tanh", {}),
    "tanh_shrink": ("Tanhshrink", {}),
}
ALONG_CHANNELS = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


def activated(b: Building, given: Given, x: Output, *, key: str = "activation", path: str | None = None) -> Output:
    """A tensor behind the activation that a layer names; the tensor itself where it names none."""
    value = given.config.get(key)
    if isinstance(value, dict):
        return _described(b, value, x, path)
    if value is None or value == "linear":
        return x
    if not isinstance(value, str):
        raise NotSayable(f"its {key} must be a name")
    return by_name(b, value, x, path)


def by_name(b: Building, name: str, x: Output, path: str | None = None) -> Output:
    """A tensor behind an activation of a name."""
    if name in ALONG_CHANNELS:
        return b.add(ALONG_CHANNELS[name], x, path=path)
    if name not in BY_NAME:
        raise NotSayable(f"the activation `{shown(name, 40)}` is no layer")
    type_, arguments = BY_NAME[name]
    return b.add(type_, x, path=path, **arguments)


def _described(b: Building, value: Mapping[str, Any], x: Output, path: str | None) -> Output:
    """An activation that stands as an object: a function of Keras by its name, or a layer."""
    config, kind = value.get("config"), value.get("class_name")
    if kind == "function" and isinstance(config, str) and value.get("registered_name") in (None, config):
        return x if config == "linear" else by_name(b, config, x, path)
    if isinstance(kind, str) and kind in LAYERS and isinstance(config, dict):
        given = Given(kind, kind, config, path or "", path is not None)
        found = LAYERS[kind](b, given, Sources([x]))
        assert isinstance(found, Output)
        return found
    raise NotSayable("its activation is a function of its own, or a layer with weights")


@means("Activation")
def activation(b: Building, given: Given, sources: Sources) -> Output:
    return activated(b, given, sources.only_tensor(), path=given.shown_path)


@means("ReLU")
def relu(b: Building, given: Given, sources: Sources) -> Output:
    x, path = sources.only_tensor(), given.shown_path
    slope = given.config.get("negative_slope", given.config.get("alpha", 0.0)) or 0.0
    threshold = given.config.get("threshold") or 0.0
    if threshold:
        raise NotSayable(f"its threshold is {threshold!r:.40}")
    if not given.has("max_value"):
        return b.add("LeakyReLU", x, path=path, negative_slope=slope) if slope else b.add("ReLU", x, path=path)
    if slope:
        raise NotSayable("it has both a negative_slope and a max_value")
    most = given.number("max_value")
    return b.add("ReLU6", x, path=path) if most == 6 else b.add("Clamp", x, path=path, min=0, max=most)


@means("LeakyReLU")
def leaky_relu(b: Building, given: Given, sources: Sources) -> Output:
    key = "negative_slope" if given.has("negative_slope") else "alpha"
    return b.add("LeakyReLU", sources.only_tensor(), path=given.shown_path, negative_slope=given.number(key, 0.3))


@means("PReLU")
def prelu(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    rank = b.rank(x)
    if {*given.several("shared_axes")} != {*range(1, rank)}:
        raise NotSayable(f"it has a slope for each cell; with shared_axes={[*range(1, rank)]} there is a layer")
    return b.add("PReLU", x, path=given.path, num_parameters=b.shape(x).channels)


@means("ELU")
def elu(b: Building, given: Given, sources: Sources) -> Output:
    alpha = given.number("alpha", 1.0)
    return b.add("ELU", sources.only_tensor(), path=given.shown_path, alpha=None if alpha == 1 else alpha)


@means("Softmax", "LogSoftmax")
def softmax(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    axes = given.several("axis", [-1])
    if len(axes) != 1:
        raise NotSayable("it goes along several axes")
    dim = b.dim(x, axes[0])
    return b.add(given.kind, x, path=given.shown_path, dim=None if dim == 1 else dim)


LAYERS = {
    "Activation": activation,
    "ELU": elu,
    "LeakyReLU": leaky_relu,
    "ReLU": relu,
    "Softmax": softmax,
}
"""Layers without weights, which can stand within another one as its activation."""
