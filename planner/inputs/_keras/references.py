"""Tensors as the configurations of Keras name them: by a layer, a call of it, and which of what it gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.faults.not_imported import NotImported


def config_of(layer: Any) -> Mapping[str, Any]:
    """The arguments in the configuration of a layer or a tensor; none where it has no such."""
    found = layer.get("config") if isinstance(layer, dict) else None
    return found if isinstance(found, dict) else {}


def keras_tensor(label: str, node: int, number: int) -> dict[str, Any]:
    """A tensor as Keras 3 writes the arguments of a call."""
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [label, node, number]}}


def is_end(data: Any) -> bool:
    """Whether data name a tensor: a layer, a call of it, one of the tensors that it gave."""
    if not isinstance(data, list) or len(data) < 3 or not isinstance(data[0], str):
        return False
    return all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in data[1:3])


def ends_of(data: Any, key: str) -> list[tuple[str, int, int]]:
    """The tensors that a network takes or gives, however they are grouped."""
    if is_end(data):
        return [(data[0], data[1], data[2])]
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list) else None
    if not inside:
        raise NotImported(f"the network has no {key}")
    return [each for item in inside for each in ends_of(item, key)]


def history_of(data: Any) -> tuple[str, int, int] | None:
    """Which tensor an argument stands for; None for other arguments."""
    if not isinstance(data, dict) or data.get("class_name") != "__keras_tensor__":
        return None
    end: Any = config_of(data).get("keras_history")
    if not is_end(end):
        raise NotImported("a tensor does not say which layer gave it")
    return end[0], end[1], end[2]


def ends_within(data: Any) -> list[tuple[str, int, int]]:
    """The tensors that stand anywhere in the arguments of a call."""
    found = history_of(data)
    if found is not None:
        return [found]
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [each for item in inside for each in ends_within(item)]
