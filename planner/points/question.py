"""The question of a sweep: a model, and the values that its parameters and inputs have in turn."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from planner.budget import DType
from planner.points.series import Series, ShapeSeries, combined
from planner.points.shipped import Shipped

MOST_POINTS = 100_000_000
"""Points of a question; more take years."""


Sizes = tuple[tuple[str, tuple[int, ...]], ...]
"""The shapes of inputs, with their names."""


class SweepPoint(NamedTuple):
    """One combination of values.

    number  its place in the question, from 0
    values  the parameters that are set
    sizes   what is given for inputs, by their names, "" where there is but one: a shape, or one size for all spatial
            axes
    """

    number: int
    values: Mapping[str, Any]
    sizes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Question:
    """A model, with a series for each parameter that is set and each input that is given; points are all combinations,
    of which the last input goes fastest.

    kept   whether it is asked what training keeps for backward too, which takes longer
    alone  the models of single sizes of the inputs, of a network that is another one at each: of a size at which it is
           none, why
    """

    model: Shipped
    params: Mapping[str, Series] = field(default_factory=dict)
    inputs: Mapping[str, ShapeSeries] = field(default_factory=dict)
    batch: int = 1
    dtype: DType = "float32"
    kept: bool = False
    alone: Mapping[Sizes, Shipped | str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many points there are."""
        return prod(self._counts)

    @cached_property
    def _counts(self) -> list[int]:
        return [*(each.count for each in self.params.values()), *(each.count for each in self.inputs.values())]

    def point(self, number: int) -> SweepPoint:
        """The point with a number."""
        places = combined(self._counts, number)
        values = {name: series.at(place) for (name, series), place in zip(self.params.items(), places, strict=False)}
        sizes = {
            name: shapes.at(place)
            for (name, shapes), place in zip(self.inputs.items(), places[len(self.params) :], strict=True)
        }
        return SweepPoint(number, values, sizes)

    @property
    def key(self) -> str:
        """A text that is another one wherever the question is."""
        about = self._content, self.model.scale, self.params, self.inputs, self.batch, self.dtype, self.kept
        return hashlib.sha256(repr(about).encode("utf-8", "backslashreplace")).hexdigest()

    @property
    def _content(self) -> str:
        """A text that is another one wherever one of the models is."""
        if not self.alone:
            return self.model.digest
        models = [(sizes, each if isinstance(each, str) else each.digest) for sizes, each in self.alone.items()]
        return hashlib.sha256(repr(models).encode("utf-8", "backslashreplace")).hexdigest()

    @cached_property
    def told(self) -> dict[str, Any]:
        """The question in plain values: what a results file begins with."""
        return {
            "model": self.model.file,
            "content": self._content,
            **({"scale": self.model.scale} if self.model.scale else {}),
            "set": {name: series.text for name, series in self.params.items()},
            "input": {name or "input": shapes.text for name, shapes in self.inputs.items()},
            "batch": self.batch,
            "dtype": self.dtype,
            **({"kept": True} if self.kept else {}),
            "points": self.count,
        }
