"""What Keras says of a layer, read key by key: whatever the file holds, a value is of the kind that is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeGuard

from planner.inputs._graph import NotSayable, Output

MOST_AXES = 12
"""Axes of a tensor: more than any network has, and so few that each part of two shapes has a letter of its own."""


@dataclass(eq=False)
class Given:
    """One layer of Keras.

    kind    its class
    label   its name in the file
    path    the full name of the module that it becomes
    named   whether the name was chosen, and not made by Keras from the class
    """

    kind: str
    label: str
    config: Mapping[str, Any]
    path: str
    named: bool = False

    @property
    def shown_path(self) -> str | None:
        """The name for a layer without weights: a chosen one alone."""
        return self.path if self.named else None

    @property
    def rank(self) -> int:
        """How many axes its class works on, as the name says: `Conv2D`, `Conv2DTranspose`."""
        return next(int(n) for n, d in pairwise(self.kind) if d == "D" and n.isdigit())

    def has(self, key: str) -> bool:
        return self.config.get(key) is not None

    def whole(self, key: str, default: int | None = None) -> int:
        value = self.config.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, "a whole number")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.config.get(key, default)
        if not is_number(value):
            raise self._wrong(key, "a number")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.config.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def text(self, key: str, default: str = "") -> str:
        value = self.config.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def wholes(self, key: str, count: int, default: int | None = None) -> tuple[int, ...]:
        """A whole number for each of so many axes; a single one holds for all."""
        value = self.config.get(key)
        value = default if value is None else value
        values = value if isinstance(value, list) else [value] * count
        if len(values) != count or any(isinstance(each, bool) or not isinstance(each, int) for each in values):
            raise self._wrong(key, f"a whole number for each of {count} axes" if count > 1 else "a whole number")
        return tuple(values)

    def several(self, key: str, default: Sequence[int] = ()) -> tuple[int, ...]:
        """Whole numbers, as many as a tensor may have axes; one that stands alone is a list of one."""
        value = self.config.get(key)
        value = list(default) if value is None else [value] if isinstance(value, int) else value
        if not isinstance(value, list) or any(isinstance(each, bool) or not isinstance(each, int) for each in value):
            raise self._wrong(key, "whole numbers")
        if len(value) > MOST_AXES:
            raise self._wrong(key, f"at most {MOST_AXES} whole numbers")
        return tuple(value)

    def pairs(self, key: str, count: int) -> tuple[tuple[int, int], ...]:
        """A number of cells before and after each axis."""
        value: Any = self.config.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            value = [[value, value]] * count
        if isinstance(value, list) and all(isinstance(each, int) for each in value):
            value = [value] if count == 1 and len(value) == 2 else [[each, each] for each in value]
        fits = isinstance(value, list) and len(value) == count
        if not fits or not all(isinstance(each, list) and len(each) == 2 for each in value):
            raise self._wrong(key, "cells before and after each axis")
        if not all(isinstance(side, int) and not isinstance(side, bool) for each in value for side in each):
            raise self._wrong(key, "whole numbers of cells")
        return tuple((before, after) for before, after in value)

    def must_be(self, key: str, *allowed: Any) -> None:
        """Refuse values of an argument that no layer stands for; the first of those allowed is Keras' own."""
        value = self.config.get(key, allowed[0])
        if value not in allowed:
            raise NotSayable(f"its {key} is {value!r:.60}")

    def channels_last(self) -> None:
        if self.config.get("data_format") == "channels_first":
            raise NotSayable("its data_format is channels_first, and only channels_last is read")

    def inner(self, key: str) -> Mapping[str, Any]:
        """The layer within a wrapper."""
        value = self.config.get(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "a layer")
        return value

    def _wrong(self, key: str, wanted: str) -> NotSayable:
        if key not in self.config:
            return NotSayable(f"its {key} is missing")
        return NotSayable(f"its {key} must be {wanted}")


@dataclass(eq=False)
class Sources:
    """What a layer is called with: positions and names, with tensors in place."""

    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def tensors(self) -> list[Output]:
        """All tensors, in order."""
        return [*tensors_in(self.args), *tensors_in(self.kwargs)]

    def only_tensor(self) -> Output:
        """The tensor of a call with one tensor. Raises NotSayable for any other call."""
        tensors = self.tensors
        if len(tensors) != 1:
            raise NotSayable(f"it is called with {len(tensors)} tensors, and 1 is meant")
        return tensors[0]

    def take(self, *names: str) -> list[Output | None]:
        """The tensors of these parameters, by position or by name; None where there is none. Raises NotSayable where
        there are more.
        """
        found: list[Output | None] = []
        for i, name in enumerate(names):
            value = self.args[i] if i < len(self.args) else self.kwargs.get(name)
            found.append(value if isinstance(value, Output) else None)
        if len(self.tensors) != sum(each is not None for each in found):
            raise NotSayable("it is called with a mask, or with more tensors than are meant")
        return found


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number that a model file may hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1 << 63


def plain(number: float) -> float:
    """A number as a person writes it."""
    return int(number) if float(number).is_integer() else number


def tensors_in(data: Any) -> list[Output]:
    """All tensors in arguments, in order."""
    if isinstance(data, Output):
        return [data]
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple) else ()
    return [each for item in inside for each in tensors_in(item)]
