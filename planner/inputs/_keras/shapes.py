"""Axes that are joined, parted and moved. Keras goes through a tensor with the channels fastest, row by row, where a
`Flatten` or `Reshape` of PyTorch goes through channel by channel; so each becomes a `Rearrange`, which says the order.

Source: https://keras.io/api/layers/reshaping_layers/
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from string import ascii_lowercase

from planner.inputs._graph import NotSayable, Output
from planner.inputs._keras.building import Building, means
from planner.inputs._keras.given import MOST_AXES, Given, Sources

NAMES = {1: "c", 2: "lc", 3: "hwc", 4: "dhwc"}
"""How the axes of a tensor are called in a pattern, by their number."""


def rearranged(b: Building, x: Output, order: Sequence[int], path: str | None = None) -> Output:
    """The axes of a tensor in another order."""
    if [*order] == sorted(order):
        return x
    names = NAMES.get(len(order), ascii_lowercase)
    pattern = f"{' '.join(names[: len(order)])} -> {' '.join(names[axis] for axis in order)}"
    return b.add("Rearrange", x, path=path, pattern=pattern)


def reshaped(b: Building, x: Output, shape: Sequence[int], path: str | None = None, rest: int | None = None) -> Output:
    """The values of a tensor, row by row with the channels fastest, in another shape.

    rest  the axis of the result whose size follows from the others
    """
    before = tuple(b.shape(x))
    if len(shape) > MOST_AXES:
        raise NotSayable(f"it makes a tensor of more than {MOST_AXES} axes")
    if prod(before) != prod(shape):
        raise NotSayable(f"{prod(before)} values do not make the shape {[*shape]}")
    if before == tuple(shape):
        return x
    written = _pattern(before, shape, rest)
    if written is None:  # sizes across each other: by way of a vector
        vector = reshaped(b, x, [prod(before)])
        return reshaped(b, vector, shape, path, rest)
    pattern, sizes = written
    return b.add("Rearrange", x, path=path, pattern=pattern, **sizes)


def _pattern(before: Sequence[int], after: Sequence[int], rest: int | None) -> tuple[str, dict[str, int]] | None:
    """The pattern that makes one shape of another, with the sizes that it needs; None where their axes lie across."""
    cuts = sorted({*_ends(before), *_ends(after)})
    if any(more % less for less, more in pairwise(cuts)):
        return None
    pieces = [*pairwise(cuts)]  # from the fastest on
    axes = [[_within(shape, i, pieces) for i in range(len(shape))] for shape in (before, after)]
    names: dict[tuple[int, int], str] = {}
    for side in axes:
        for i, axis in enumerate(side):
            name = NAMES.get(len(side), ascii_lowercase)[i]
            if len(axis) == 1 and axis[0] not in names and name not in names.values():
                names[axis[0]] = name
    free = (letter for letter in ascii_lowercase if letter not in names.values())
    for piece in reversed(pieces):
        if piece not in names:
            names[piece] = next(free)
    follows = axes[1][rest] if rest is not None else []
    sizes: dict[str, int] = {}
    for axis in axes[0]:
        open_ = next((piece for piece in axis if piece in follows), axis[0] if axis else None)
        sizes |= {names[piece]: piece[1] // piece[0] for piece in axis if piece != open_}
    left, right = (" ".join(_written([names[piece] for piece in axis]) for axis in side) for side in axes)
    return f"{left} -> {right}", sizes


def _ends(shape: Sequence[int]) -> list[int]:
    """How many values lie behind each axis, and in all."""
    return [prod(shape[i:]) for i in range(len(shape) + 1)]


def _within(shape: Sequence[int], axis: int, pieces: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pieces of an axis, the fastest last."""
    low, high = prod(shape[axis + 1 :]), prod(shape[axis:])
    return [piece for piece in reversed(pieces) if low <= piece[0] and piece[1] <= high]


def _written(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({' '.join(names)})" if names else "1"


@means("Flatten")
def flatten(b: Building, given: Given, sources: Sources) -> Output:
    given.channels_last()
    x = sources.only_tensor()
    shape = b.shape(x)
    return reshaped(b, x, [*shape[: b.lead], prod(shape[b.lead :])], given.shown_path)


def _filled(b: Building, x: Output, wanted: Sequence[int]) -> tuple[list[int], int | None]:
    """A shape in which −1 has become what is left, and which axis that is."""
    shape = b.shape(x)
    total = prod(shape[b.lead :])
    if any(n < -1 or n == 0 for n in wanted) or [*wanted].count(-1) > 1:
        raise NotSayable(f"its shape is {[*wanted]}")
    known = prod(n for n in wanted if n != -1)
    if total % known or (-1 not in wanted and total != known):
        raise NotSayable(f"{total} values do not make the shape {[*wanted]}")
    if not wanted:
        raise NotSayable("it leaves no axis")
    rest = [*wanted].index(-1) + b.lead if -1 in wanted else None
    return [*shape[: b.lead], *(total // known if n == -1 else n for n in wanted)], rest


@means("Reshape")
def reshape(b: Building, given: Given, sources: Sources) -> Output:
    """The layer, whose target has no batch, and the operation, whose new shape begins with it."""
    x = sources.only_tensor()
    if given.has("newshape"):
        sizes = given.config["newshape"]
        if not isinstance(sizes, list) or not sizes or sizes[0] not in (-1, None):
            raise NotSayable("it changes the batch")
        given.config = {**given.config, "target_shape": sizes[1:]}
    wanted, rest = _filled(b, x, given.several("target_shape"))
    return reshaped(b, x, wanted, given.shown_path, rest)


@means("Permute")
def permute(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    dims = given.several("dims")
    if sorted(dims) != [*range(1, b.rank(x) + 1)]:
        raise NotSayable(f"its dims are {[*dims]}, of a tensor with {b.rank(x)} axes")
    return rearranged(b, x, [*range(b.lead), *(dim - 1 + b.lead for dim in dims)], given.shown_path)


@means("ExpandDims")
def expand_dims(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    shape = [*b.shape(x)]
    axis = given.whole("axis")
    place = axis - 1 if axis > 0 else axis + len(shape) + 1
    if b.lead or not 0 <= place <= len(shape) or axis == 0:
        raise NotSayable(f"its axis is {axis}")
    return reshaped(b, x, [*shape[:place], 1, *shape[place:]], given.shown_path)


@means("Squeeze")
def squeeze(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    shape = b.shape(x)
    gone = [b.axis(x, axis) for axis in given.several("axis")] or [i for i, n in enumerate(shape) if n == 1]
    if any(shape[i] != 1 for i in gone) or len(gone) == len(shape):
        raise NotSayable("it takes away an axis of several cells, or all axes")
    return reshaped(b, x, [n for i, n in enumerate(shape) if i not in gone], given.shown_path)


@means("RepeatVector")
def repeat_vector(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    b.must_have(x, 0)
    if b.lead:
        raise NotSayable("it stands in a TimeDistributed")
    row = reshaped(b, x, [1, *b.shape(x)])
    return b.add("Tile", row, path=given.shown_path, dims=[1, given.whole("n")])
