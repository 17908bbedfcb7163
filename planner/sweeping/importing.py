"""A network that is no model file, at several sizes of its input: one text for all where its head says nothing against
that, and else one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import Any, NamedTuple

from planner.faults.not_imported import NotImported
from planner.inputs import holds_at_other_sizes
from planner.points import MOST_POINTS, ShapeSeries, Shipped
from planner.points.question import Sizes
from planner.points.series import combined
from planner.source import Source, parse
from planner.sweeping.planning import inputs_of, shapes_of
from planner.unfolding import load

MOST_IMPORTED = 100
"""Sizes for which a network is brought in, each by itself."""
MOST_WRITTEN = 12
"""Shapes that are written out in a help."""

Bring = Callable[[Any], str]
"""Gives the text of a network for a shape, for shapes by name, or for what it reads by itself; raises NotImported."""


class Unasked(Exception):
    """A question that has no answer at any point; the text says why, `help` what to do."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


class Brought(NamedTuple):
    """A network as a source, the shapes that are asked of it, and its models at single sizes where it has such."""

    source: Source
    inputs: Mapping[str, ShapeSeries]
    alone: Mapping[Sizes, Shipped | str]


def brought(name: str, inputs: Mapping[str, ShapeSeries], bring: Bring) -> Brought:
    """A network for the shapes of its inputs that are asked for. Raises Unasked, or NotImported where it is none."""
    if not inputs:
        return Brought(parse(bring(None), name), {}, {})
    inputs = _with_channels(name, inputs, bring)
    count = prod(each.count for each in inputs.values())
    if count > MOST_POINTS:
        raise Unasked(f"{count:,} sizes are asked for, and at most {MOST_POINTS:,} are planned", "take larger steps")
    asked = [*_combinations(inputs)]
    first, text = _first(asked, bring)
    source = parse(text, name)
    own = {name: name if isinstance(source.data.get("input"), dict) else "" for name in inputs}
    named = {own[each]: shapes for each, shapes in inputs.items()}
    if count == 1 or (holds_at_other_sizes(text) and _is_alike(asked)):
        return Brought(source, named, {})
    if count > MOST_IMPORTED:
        message = f"`{name}` may be another network at each size of its input, and {count:,} sizes are asked for"
        raise Unasked(message, f"ask for {MOST_IMPORTED} at most: each is imported by itself")
    alone: dict[Sizes, Shipped | str] = {}
    for sizes in asked:
        key = tuple((own[each], shape) for each, shape in sizes)
        try:
            alone[key] = Shipped(text if sizes == first else bring(_given(sizes)), name)
        except NotImported as fault:
            alone[key] = f"{fault.code}: {fault.headline}"
    return Brought(source, named, alone)


def _with_channels(name: str, inputs: Mapping[str, ShapeSeries], bring: Bring) -> dict[str, ShapeSeries]:
    """The shapes with the channels that the network has by itself, where sizes alone are given."""
    bare = {each: shapes for each, shapes in inputs.items() if any(len(item) == 1 for item in shapes.items)}
    if not bare:
        return dict(inputs)
    try:
        model = load(parse(bring(None), name))
    except NotImported:
        shapes = next(iter(bare.values()))
        sizes = [shapes.at(i) for i in range(min(shapes.count, MOST_WRITTEN))]
        written = ",".join("x".join(map(str, (*size * 2, 3) if len(size) == 1 else size)) for size in sizes)
        more = ",…" if shapes.count > MOST_WRITTEN else ""
        raise Unasked(
            f"`{name}` does not say by itself how many axes and channels it reads, and neither does `{shapes.text}`",
            f"write whole shapes, such as --input {written}{more}",
        ) from None
    own = inputs_of(model)
    found = dict(inputs)
    for each, shapes in bare.items():
        whole = [tuple(*shapes_of({each: shapes.at(i)}, own).values()) for i in range(shapes.count)]
        found[each] = replace(ShapeSeries.of(whole), text=shapes.text)
    return found


def _combinations(inputs: Mapping[str, ShapeSeries]) -> Iterator[Sizes]:
    """All sizes that are asked for, the last input going fastest."""
    counts = [each.count for each in inputs.values()]
    for number in range(prod(counts)):
        places = combined(counts, number)
        yield tuple((name, shapes.at(i)) for (name, shapes), i in zip(inputs.items(), places, strict=True))


def _first(asked: list[Sizes], bring: Bring) -> tuple[Sizes, str]:
    """The first sizes for which there is a network, of a few, and its text."""
    refused: NotImported | None = None
    for sizes in dict.fromkeys((asked[0], asked[len(asked) // 2], asked[-1])):
        try:
            return sizes, bring(_given(sizes))
        except NotImported as fault:
            refused = refused or fault
    assert refused is not None
    raise refused


def _given(sizes: Sizes) -> Any:
    """Shapes as they are given to an importer."""
    given = dict(sizes)
    return given.get("") or given


def _is_alike(asked: list[Sizes]) -> bool:
    """Whether all inputs have as many axes and channels at all sizes: a text that was imported may not say these."""
    return len({tuple((name, len(shape), shape[-1]) for name, shape in sizes) for sizes in asked}) == 1
