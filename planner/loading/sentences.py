"""A difference in a sentence, with its place and the entries that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from planner.diagnostics import Place
from planner.layers._layer import Sizes
from planner.model import Group
from planner.plan import Step
from planner.report import Report

DifferenceKind = Literal[
    "prefix", "renamed", "ambiguous", "head", "stem", "width", "width follows", "kernel", "transposed", "axes of 1",
    "places", "sizes", "copies", "missing", "unexpected", "tied", "shared", "buffers", "norm", "folded", "lora",
    "joined", "split", "unknown",
]  # fmt: skip


class NamedPlace(NamedTuple):
    """A layer or a block of the model: its full name, and its place in the file."""

    module: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs.

    kind        which kind of difference it is; "width follows" is a consequence of another one, "joined" one entry of
                the file that is several of the checkpoint, "split" several that are one
    text        the sentence
    file        the file's names of the entries
    checkpoint  the checkpoint's names of the entries
    at          the layer or the block that it is about, with its place
    """

    kind: DifferenceKind
    text: str
    file: tuple[str, ...] = ()
    checkpoint: tuple[str, ...] = ()
    at: NamedPlace | None = None

    @property
    def place(self) -> Place | None:
        """Where the layer, or the block, stands in the model file."""
        return self.at.place if self.at is not None else None


def sizes_text(sizes: Sizes) -> str:
    """Sizes of a tensor: `64×3×7×7`; `one number` without axes."""
    return "×".join(map(str, sizes)) or "one number"


def changes_text(pairs: Iterable[tuple[int, int]], most: int = 3) -> str:
    """Numbers of the file and of the checkpoint: `64 → 128, 256 → 512`."""
    shown = [f"{was:,} → {now:,}" for was, now in dict.fromkeys(pairs)]
    return ", ".join(shown) if len(shown) <= most else f"{', '.join(shown[:most])}, …"


def place_of_step(report: Report, step: Step) -> NamedPlace:
    """A layer with its place."""
    return NamedPlace(step.name, report.stands(step))


def place_of_name(report: Report, name: str, steps: Sequence[Step] = ()) -> NamedPlace | None:
    """The block or the layer with a full name; where there is none, the first of these steps."""
    step = report.plan.step(name)
    if step is not None:
        return place_of_step(report, step)
    group = _group(report, name)
    if group is not None:
        source = report.source
        path = source.own(group.path) if source.format else group.path
        return NamedPlace(name, source.place(path))
    return place_of_step(report, steps[0]) if steps else None


def _group(report: Report, name: str) -> Group | None:
    """The block with a full name, or the first of its copies."""
    groups = report.plan.model.groups
    found = next((each for each in groups if each.name == name), None)
    return found or next((each for each in groups if re.fullmatch(rf"{re.escape(name)}\.\d+", each.name)), None)
