"""A model made in Python, as the values that a file would have given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from planner.diagnostics import Path
from planner.faults.duplicate_key import DuplicateKey
from planner.faults.too_large import TooLarge
from planner.faults.unsupported_yaml import UnsupportedYaml
from planner.faults.unusable_number import UnusableNumber
from planner.source.limits import DEEPEST, INFINITE, LARGEST, MOST_VALUES
from planner.source.places import Source


def of_mapping(mapping: Mapping[Any, Any]) -> Source:
    """A model made in Python as a Source: plain values within the limits of a file, without places. Raises a Fault."""
    return Source(_Plain().mapping(mapping, ()))


class _Plain:
    """Copies values, converting each to the type that a file would give."""

    def __init__(self) -> None:
        self.values = 0

    def mapping(self, mapping: Mapping[Any, Any], path: Path) -> dict[str, Any]:
        if len(path) >= DEEPEST:
            raise TooLarge.nesting(DEEPEST)
        plain: dict[str, Any] = {}
        for each, value in mapping.items():
            key = self.key(each, path)
            if key in plain:
                raise DuplicateKey((*path, key), None)
            plain[key] = self.value(value, (*path, key))
        return plain

    def items(self, items: list[Any] | tuple[Any, ...], path: Path) -> list[Any]:
        if len(path) >= DEEPEST:
            raise TooLarge.nesting(DEEPEST)
        return [self.value(each, (*path, i)) for i, each in enumerate(items)]

    def key(self, key: Any, path: Path) -> str:
        if key is None or isinstance(key, bool):
            return {None: "null", True: "true", False: "false"}[key]
        if isinstance(key, str):
            return str.__str__(key)
        if isinstance(key, Real):
            return str(self.number(key, path))
        raise UnsupportedYaml.value(_type_name(key), path)

    def value(self, value: Any, path: Path) -> Any:
        self.values += 1
        if self.values > MOST_VALUES:
            raise TooLarge.expansion(MOST_VALUES)
        if value is None or type(value) in (str, bool):
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, Real):
            return self.number(value, path)
        if isinstance(value, Mapping):
            return self.mapping(value, path)
        if isinstance(value, list | tuple):
            return self.items(value, path)
        raise UnsupportedYaml.value(_type_name(value), path)

    def number(self, value: Any, path: Path) -> int | float:
        if -LARGEST <= value <= LARGEST:
            return int(value) if isinstance(value, Integral) else float(value)
        if path[-1] in INFINITE and "layers" in path and isinstance(value, float) and not math.isnan(value):
            return float(value)
        large = isinstance(value, Integral) and int(value).bit_length() > 1000
        raise UnusableNumber(f"about 2^{int(value).bit_length()}" if large else str(value), key=path)


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
