"""Configurations of networks in the format of Keras 3, as `model.to_json()` writes them, as far as they are read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Config = dict[str, Any]


def layer(kind: str, name: str | None = None, **config: Any) -> Config:
    """A layer; its name is what Keras makes of its class."""
    name = name or kind.lower()
    return {"module": "keras.layers", "class_name": kind, "config": {"name": name, **config}, "name": name}


def input_layer(shape: Sequence[int | None], name: str = "input_layer") -> Config:
    return layer("InputLayer", name, batch_shape=[None, *shape]) | {"inbound_nodes": []}


def tensor(name: str, node: int = 0, number: int = 0) -> Config:
    return {"class_name": "__keras_tensor__", "config": {"shape": [], "keras_history": [name, node, number]}}


def called(made: Config, *args: Any, **kwargs: Any) -> Config:
    """A layer with one more call; what is a name stands for the tensor of that layer."""
    node = {"args": [_tensors(each) for each in args], "kwargs": {key: _tensors(each) for key, each in kwargs.items()}}
    return made | {"inbound_nodes": [*made.get("inbound_nodes", []), node]}


def _tensors(data: Any) -> Any:
    if isinstance(data, str):
        return tensor(data)
    return [_tensors(each) for each in data] if isinstance(data, list) else data


def sequential(shape: Sequence[int | None] | None, *layers: Config, name: str = "sequential") -> Config:
    """A chain of layers; without a shape it does not say what comes in."""
    first = [] if shape is None else [input_layer(shape)]
    return {
        "class_name": "Sequential",
        "config": {"name": name, "layers": [*first, *_told_apart(layers)]},
        "name": name,
    }


def _told_apart(layers: Sequence[Config]) -> list[Config]:
    """Layers of one name with a number behind it, as Keras gives them."""
    found: list[Config] = []
    for each in layers:
        count = sum(other["name"].rstrip("_0123456789") == each["name"] for other in found)
        name = f"{each['name']}_{count}" if count else each["name"]
        found.append(each | {"name": name, "config": each["config"] | {"name": name}})
    return found


def functional(*layers: Config, outputs: Sequence[Any], name: str = "functional") -> Config:
    inputs = [each["name"] for each in layers if each["class_name"] == "InputLayer"]
    ends = [[each, 0, 0] if isinstance(each, str) else each for each in outputs]
    config = {"name": name, "layers": [*layers], "input_layers": [[each, 0, 0] for each in inputs]}
    return {"class_name": "Functional", "config": config | {"output_layers": ends}, "name": name}


def archived(config: Mapping[str, Any], path: Path, **other: bytes) -> Path:
    """A `.keras` archive, whose weights are never looked at."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", other.get("weights", b"\x89HDF\r\n\x1a\n"))
    return path
