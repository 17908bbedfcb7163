"""The budget of a model: what it may cost, and what it has to see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from planner.diagnostics import Path
from planner.quantities import quantity, written

DType = Literal["float64", "float32", "float16", "bfloat16", "int8"]
"""A type of number that memory is counted for."""
LowerPrecision = Literal["bfloat16", "float16"]
"""What autocast works in."""


class LimitKind(NamedTuple):
    """How a measure is bounded: by bytes or by a count, from below or from above.

    says  what that means, for the manual
    """

    says: str
    of_bytes: bool = False
    least: bool = False

    @property
    def takes(self) -> str:
        """What the limit is written as."""
        return "a number of bytes, such as 256KiB or 8GiB" if self.of_bytes else "a number, such as 5M or 600k"

    def read(self, value: object, *, least: bool | None = None) -> int:
        """The limit that a value stands for; ValueError says why it stands for none.

        least  whether it bounds from below, where that is not as ever
        """
        return quantity(value, of_bytes=self.of_bytes, up=self.least if least is None else least)

    def written(self, limit: int) -> str:
        """The shortest way to write a limit."""
        return written(limit, of_bytes=self.of_bytes).replace(",", "")

    def option(self, measure: str) -> str:
        """The option of the command line that gives the limit."""
        return f"--{'min' if self.least else 'max'}-{measure.replace('_', '-')}"


BOUNDS: Mapping[str, LimitKind] = {
    "params": LimitKind("At most so many trained parameters: `5M`."),
    "macs": LimitKind("At most so many multiply-adds for one sample: `600M`."),
    "flops": LimitKind("At most so many FLOPs for one sample, which are 2 × MACs: `1.2G`."),
    "activations": LimitKind("At most so many bytes of all tensors together: `64MiB`.", of_bytes=True),
    "peak": LimitKind(
        "At most so many bytes of tensors at once, when the steps run in order: `256KiB`.", of_bytes=True
    ),
    "kept": LimitKind("At most so many bytes kept for backward in training: `8GiB`.", of_bytes=True),
    "receptive_field": LimitKind(
        "Every output sees at least so many cells on each axis of an input that it depends on: `224`.", least=True
    ),
    "unread": LimitKind("At most so many cells of the inputs that no output reads: `0`."),
}
"""What a budget may bound. What a model has of it, the class of that name in `rules/_measures.py` knows."""


class Limit(NamedTuple):
    """One line of a budget.

    path  where it stands in the file; None where it comes from outside of it
    said  how it is written there
    """

    measure: str
    amount: int
    path: Path | None
    said: str

    @property
    def kind(self) -> LimitKind:
        return BOUNDS[self.measure]

    @property
    def text(self) -> str:
        """The limit as the file, or the command line, says it."""
        return self.at(self.said)

    def at(self, written: str) -> str:
        """The text of the limit with another amount written in it."""
        return f"{self.measure}: {written}" if self.path else f"{self.kind.option(self.measure)} {written}"


class Budget(NamedTuple):
    """The limits of a model, and what bytes are counted for, where it says so."""

    limits: tuple[Limit, ...] = ()
    batch: int | None = None
    dtype: DType | None = None
    autocast: LowerPrecision | None = None
