"""A row of a sweep: what was planned of one point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

RowShape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SweepRow:
    """What was planned of a point. Numbers are None where the plan is not complete, or where they are not known.

    point     its number
    values    the parameters that are set
    inputs    the shapes of all inputs of the model, by name
    outputs   the shapes of what it returns, by name
    params, macs, activation_bytes, peak_bytes  as `planner plan` has them
    kept_bytes  what training keeps for backward, where the question asks for it
    unread    cells of the inputs, all together, that no output depends on
    wasted_macs  multiply-adds that no output needs
    loses     the names of the findings on cells that are dropped, one for each
    errors    how many were found
    error     the first of them; "" where there is none
    """

    point: int
    values: Mapping[str, Any]
    inputs: Mapping[str, RowShape]
    outputs: Mapping[str, RowShape]
    params: int | None = None
    macs: int | None = None
    activation_bytes: int | None = None
    peak_bytes: int | None = None
    kept_bytes: int | None = None
    unread: int | None = None
    wasted_macs: int | None = None
    loses: tuple[str, ...] = ()
    errors: int = 0
    error: str = ""

    @property
    def lossless(self) -> bool | None:
        """Whether no cell is dropped that nothing reads; None where that is not known."""
        return not self.loses if self.loses or self.unread is not None else None

    def measure(self, name: str) -> Any:
        """A measure by its name, or else the parameter of that name; None where there is none."""
        return MEASURES[name].of(self) if name in MEASURES else self.values.get(name)

    def to_dict(self, kept: bool = False) -> dict[str, Any]:
        """The row in plain values; shapes are `[…spatial, C]`. With `kept`, what is kept for backward is in it."""
        return {
            "point": self.point,
            "set": dict(self.values),
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "outputs": {name: list(shape) for name, shape in self.outputs.items()},
            **{name: getattr(self, name) for name in numbers(kept)},
            "lossless": self.lossless,
            "loses": list(self.loses),
            "errors": self.errors,
            "error": self.error,
        }

    @classmethod
    def of_dict(cls, told: Mapping[str, Any]) -> SweepRow:
        """The row that plain values tell."""
        return cls(
            told["point"],
            told["set"],
            {name: tuple(shape) for name, shape in told["inputs"].items()},
            {name: tuple(shape) for name, shape in told["outputs"].items()},
            **{name: told[name] for name in (*numbers("kept_bytes" in told), "errors", "error")},
            loses=tuple(told["loses"]),
        )


def numbers(kept: bool) -> tuple[str, ...]:
    """The names of the numbers of a row; what is kept for backward takes long to work out, and is asked for apart."""
    return (
        "params",
        "macs",
        "activation_bytes",
        "peak_bytes",
        *(["kept_bytes"] if kept else []),
        "unread",
        "wasted_macs",
    )


def _cells(row: SweepRow) -> int:
    return sum(prod(shape[:-1]) for shape in row.inputs.values())


def _read(row: SweepRow) -> int | None:
    return None if row.unread is None else _cells(row) - row.unread


class RowMeasure(NamedTuple):
    """A number that rows are compared by: `of` a row, and its noun; `of_bytes` says that it is counted in bytes."""

    of: Callable[[SweepRow], int | None]
    noun: str
    of_bytes: bool = False


MEASURES: Mapping[str, RowMeasure] = {
    "params": RowMeasure(lambda row: row.params, "parameters"),
    "macs": RowMeasure(lambda row: row.macs, "MACs"),
    "flops": RowMeasure(lambda row: None if row.macs is None else 2 * row.macs, "FLOPs"),
    "peak": RowMeasure(lambda row: row.peak_bytes, "peak memory", of_bytes=True),
    "kept": RowMeasure(lambda row: row.kept_bytes, "memory kept for backward", of_bytes=True),
    "activations": RowMeasure(lambda row: row.activation_bytes, "activations", of_bytes=True),
    "cells": RowMeasure(_cells, "cells of the input"),
    "read": RowMeasure(_read, "cells that are read"),
    "unread": RowMeasure(lambda row: row.unread, "unread cells"),
    "wasted": RowMeasure(lambda row: row.wasted_macs, "MACs never read"),
}
