"""Numbers that follow from the sizes of a network's input: each is known by its values in several runs of the network,
on inputs of different sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.geometry import Shape

Values = tuple[int, ...]
Longer = tuple[int, ...]
"""How many cells longer each axis of the inputs is than in the first run."""
Varied = tuple[int | None, ...]
"""For each dimension of an input behind the batch: which of the axes it is that are made longer, or None."""

RUNS = 7
"""The least runs that must bear out what is found: the remainders of a division are few, and equal by chance."""


@dataclass(frozen=True, slots=True)
class Following:
    """A number that is another one in each run, as what is worked out from the size of an input."""

    values: Values

    def __bool__(self) -> bool:
        return any(self.values)


def as_map(rank: int) -> Varied:
    """The axis by which each dimension of an input is made longer; None for the first one, its channels."""
    return (None, *range(rank - 1))


def at_run(data: Any, run: int) -> Any:
    """Arguments as they are in a run."""
    if isinstance(data, Following):
        return data.values[run]
    if isinstance(data, list | tuple):
        return type(data)(at_run(each, run) for each in data)
    if isinstance(data, Mapping):
        return {key: at_run(each, run) for key, each in data.items()}
    return data


def follows(data: Any) -> bool:
    """Whether a number in arguments is another one in each run."""
    if isinstance(data, Mapping):
        return any(map(follows, data.values()))
    return any(map(follows, data)) if isinstance(data, list | tuple) else isinstance(data, Following)


def number_of(values: Sequence[int]) -> int | Following:
    """A number by its values in all runs."""
    return values[0] if len(set(values)) == 1 else Following(tuple(values))


def sizes_of(name: str, shapes: Sequence[Shape]) -> dict[str, Values]:
    """The sizes of an input as arithmetic calls them, with their values in all runs: `$input.height`."""
    names = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}.get(len(shapes[0]) - 1, ())
    found = {f"${name}.{axis}": tuple(shape[i] for shape in shapes) for i, axis in enumerate((*names, "channels"))}
    return {text: sizes for text, sizes in found.items() if len(set(sizes)) > 1}
