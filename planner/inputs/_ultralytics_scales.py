"""The scales of an Ultralytics model file: one file has a whole family of networks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

DIVISOR = 8
NAME = r"(yolo(?:e-)?v?\d+)([nslmx]?)"
"""The name of a network in that of a file, and the letter of its scale, if it has one."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How a network is deepened and widened; no block gets more than `most` channels before it is widened."""

    name: str = ""
    depth: Fraction = Fraction(1)
    width: Fraction = Fraction(1)
    most: Fraction | None = None

    def channels(self, count: int) -> int:
        """A number of channels, widened, as the next multiple of eight."""
        narrow = Fraction(count) if self.most is None else min(Fraction(count), self.most)
        return ceil(narrow * self.width / DIVISOR) * DIVISOR

    def likened(self, count: int) -> int:
        """A number of channels that are likened to words, of which there are half as many as others at most."""
        return Scale(self.name, self.depth, self.width, None if self.most is None else self.most / 2).channels(count)

    def heads(self, count: int) -> int:
        """A number of heads, with 32 of those channels at least before they are widened."""
        most = count if self.most is None else self.most // 2 // 32
        return int(max(min(count, most) * self.width, Fraction(1))) if count > 1 else count

    def repeats(self, count: int) -> int:
        return max(round(count * self.depth), 1) if count > 1 else count


def is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def scale_in(file: str) -> str:
    """The scale in the name of a file, such as n in `yolov8n.yaml`; "" where there is none."""
    found = re.search(NAME, file.rpartition("/")[2])
    return found[2] if found else ""
