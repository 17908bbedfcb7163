"""Where a model is to run: what a target refuses, does in a roundabout way, or pads, each rule with its source.

A target is a YAML file here, and its rules are data: which layers they are about, by type, arguments or shape, what is
said, and the page of the vendor that says so. A new target is a new file; the manual has a page on each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal, NamedTuple

from planner.source import read

Finds = Literal["refused", "hindered", "split"]
"""What a rule finds: the layer is refused; it runs elsewhere or in a roundabout way; it becomes several operators."""


@dataclass(frozen=True, slots=True, eq=False)
class TargetRule:
    """A rule of a target: it is about a layer where all that it asks for is so.

    layers          the types of layers
    where           arguments, each with the values that it is about
    unless          arguments, each with the values that it is not about
    windows         the least and the largest number that a window has along an axis, by argument; it is about others
    inputs          it is an input of the model
    uneven_bins     a pooling to a size that does not divide its input
    most_axes       an output has more axes than that, without the batch
    most_long_axes  it has more axes of more than one cell
    most_elements   it has more elements
    longest_axis    it has an axis of more cells, or more channels
    narrow          its map has one cell along the last axis, and more along another
    below           the number of the target is below that
    says            what the target does with such a layer
    help            what to use in place of it
    bad, good       a layer that it is about, and one that does the work there, which the tests try: `GELU`; behind |,
                    the shape of the input where it is not 32×32×8
    """

    finds: Finds
    says: str
    source: str
    help: str = ""
    layers: frozenset[str] = frozenset()
    where: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    unless: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    windows: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    inputs: bool = False
    uneven_bins: bool = False
    most_axes: int | None = None
    most_long_axes: int | None = None
    most_elements: int | None = None
    longest_axis: int | None = None
    narrow: bool = False
    below: int | None = None
    bad: str = ""
    good: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """The tiles in which a target multiplies matrices.

    layers  the types of layers that are such products
    sizes   for a type of number, how many channels fill a tile
    first   channels of the model's input up to so many need no more than these
    """

    layers: frozenset[str]
    sizes: Mapping[str, int]
    first: int
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A target as its file says it.

    about   what it is, for the manual
    number  what the number behind its name is, as in `onnx-opset=17`; "" for none
    least   the smallest such number
    """

    name: str
    title: str
    about: str = ""
    number: str = ""
    least: int = 1
    tiles: Tiles | None = None
    rules: tuple[TargetRule, ...] = ()


class Aim(NamedTuple):
    """A target with its number, where it has one, as a model file names it."""

    target: Target
    number: int | None = None

    @property
    def title(self) -> str:
        return self.target.title if self.number is None else f"{self.target.title} {self.number}"

    @property
    def rules(self) -> Iterator[TargetRule]:
        """The rules that hold at this number."""
        return (each for each in self.target.rules if each.below is None or (self.number or 0) < each.below)


@cache
def all_targets() -> Mapping[str, Target]:
    """Every target by its name."""
    return {file.stem: _read(file) for file in sorted(Path(__file__).parent.glob("*.yaml"))}


def names() -> list[str]:
    """How targets are named: one with a number by an example."""
    return [f"{each.name}=N" if each.number else each.name for each in all_targets().values()]


def aim(text: str) -> Aim | None:
    """The target that a text names, as `edgetpu` or `onnx-opset=17`; None where it names none."""
    found = re.fullmatch(r"\s*([\w-]+)\s*(?:=\s*(\d{1,4}))?\s*", text)
    target = all_targets().get(found[1]) if found else None
    if found is None or target is None or bool(found[2]) != bool(target.number):
        return None
    number = int(found[2]) if found[2] else None
    return Aim(target, number) if number is None or number >= target.least else None


def why(text: str) -> str:
    """Why a text names no target although there is one of its name; "" where there is none."""
    name, _, number = text.partition("=")
    target = all_targets().get(name.strip())
    if target is None:
        return ""
    if not target.number:
        return f"`{target.name}` has no number"
    return f"`{target.name}` needs {target.number}" if not number else f"its number is {target.number}"


def _read(file: Path) -> Target:
    source = read(file, library=True)
    data = source.data
    tiles = data.get("tiles")
    rules = [_rule({"source": data.get("source"), **each}) for each in data.get("rules", [])]
    return Target(
        file.stem,
        data["title"],
        _head(source.text),
        data.get("number", ""),
        data.get("least", 1),
        Tiles(frozenset(tiles["layers"]), tiles["sizes"], tiles["first"], tiles["source"]) if tiles else None,
        tuple(rules),
    )


def _head(text: str) -> str:
    """The comment at the beginning of a file."""
    return " ".join(
        line.removeprefix("#").strip() for line in takewhile(lambda line: line[:1] == "#", text.splitlines())
    )


def _rule(data: dict[str, Any]) -> TargetRule:
    keys = ("where", "unless", "windows")
    given = {key: {name: tuple(each) for name, each in data.get(key, {}).items()} for key in keys}
    return TargetRule(**{**data, **given, "layers": frozenset(data.get("layers", ()))})
