"""Patterns of axes as einops writes them, `(h i) (w j) c -> (h w) (i j) c`, on shapes with the channels last."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import NamedTuple

from planner.diagnostics import SOURCE
from planner.faults.axis_parts_differ import AxisPartsDiffer
from planner.faults.bad_pattern import BadPattern
from planner.faults.channels_do_not_divide import ChannelsDoNotDivide
from planner.faults.size_does_not_divide import SizeDoesNotDivide
from planner.geometry import Pieces, Shape
from planner.layers._layer import axis_name

Axis = tuple[str, ...]
"""The names of an axis, the last of which runs fastest; none for an axis of one cell."""
_TOKENS = re.compile(r"\.\.\.|\w+|[()]|\S")
_NAME = re.compile(r"[^\W\d_](\w*[^\W_])?")
_EXAMPLE = "`(h i) (w j) c -> (h w) (i j) c`"


class Pattern(NamedTuple):
    """The axes of a source and those of the result, the channels last in both."""

    left: tuple[Axis, ...]
    right: tuple[Axis, ...]

    @classmethod
    def read(cls, text: str, x: Shape) -> Pattern:
        """The pattern for a tensor of as many axes as x has, with a name for each that `...` stands for."""
        found = _fitted(text, len(x))
        if found is None:
            raise _wrong_rank(text, x)
        return found

    def sizes(self, x: Shape, given: Mapping[str, int], like: Shape | None, text: str) -> dict[str, int]:
        """The size of each name; `like` has the spatial sizes of the result."""
        waiting = [*zip(self.left, x, strict=True)]
        if like is not None:
            waiting += zip(self.right[:-1], like.spatial, strict=True)
        known = dict(given)
        while waiting:
            later = []
            for axis, n in waiting:
                unsaid = [name for name in axis if name not in known]
                if len(unsaid) == 1:
                    others = prod([known[name] for name in axis if name != unsaid[0]])
                    known[unsaid[0]] = n // (others or 1)  # 0 where an axis is shorter than a part: that is told later
                elif unsaid:
                    later.append((axis, n))
            if len(later) == len(waiting):
                break
            waiting = later
        unknown = [name for axis in self.left for name in axis if name not in known]
        if unknown:
            names = ", ".join(unknown)
            sized = f"give one of them, such as `{unknown[0]}: 7`"
            help = f"{sized}, or a second source that has the size of the result" if like is None else sized
            raise BadPattern(f"could not infer sizes for {names}", text, help)
        return {name: known[name] for axis in self.left for name in axis}

    def worked_out(self, given: Mapping[str, int]) -> set[str]:
        """The names whose sizes follow from the others: of each axis, the last one that is not given."""
        unsaid = ([name for name in axis if name not in given] for axis in self.left)
        return {names[-1] for names in unsaid if names}

    def pieces(self, sizes: Mapping[str, int]) -> Pieces:
        """How the axes are made of pieces that both sides have in common."""
        numbers = {name: i for i, name in enumerate(sizes)}
        ins, outs = (tuple(tuple(numbers[name] for name in axis) for axis in axes) for axes in self)
        return Pieces(tuple(sizes[name] for name in numbers), ins, outs)

    def must_fit(self, x: Shape, sizes: Mapping[str, int], given: Mapping[str, int], like: Shape | None) -> None:
        """Raise the fault of an axis that is not the product of its parts."""
        axes = [*zip(self.left, x, range(len(x)), strict=True)]
        rank = len(self.right) - 1
        lent = [*zip(self.right[:-1], like.spatial, range(rank), strict=True)] if like is not None else []
        for i, (axis, n, at) in enumerate([*axes, *lent]):
            product = prod(sizes[name] for name in axis)
            if product == n:
                continue
            where = axis_name(at, len(x) - 1 if i < len(axes) else rank)
            fixed = [name for name in axis if name in given]
            worked_out = [name for name in axis if name not in given]
            divisor = prod(given[name] for name in fixed)
            key = fixed[-1] if fixed else "pattern"
            if len(worked_out) == 1 and n % divisor:
                message = f"shape mismatch, can't divide axis of length {n} in chunks of {divisor}"
                if where == "channels":
                    raise ChannelsDoNotDivide(message, n, divisor, key)
                raise SizeDoesNotDivide(message, where, n, divisor, key)
            raise AxisPartsDiffer(where, n, {name: sizes[name] for name in axis} or {"1": 1}, fixed, key)


@lru_cache(maxsize=256)  # a layer is asked again and again, with inputs of other sizes
def _fitted(text: str, rank: int) -> Pattern | None:
    """The pattern for a tensor of so many axes; None where it has another number of them."""
    left, right = _sides(text)
    missing = rank - sum(axis != ("...",) for axis in left)
    if missing < 0 or (missing and ("...",) not in left):
        return None
    taken = {name for axis in left for name in axis}
    names = [name for i in range(len(taken) + missing) if (name := f"e{i}") not in taken][:missing]
    return Pattern(tuple(_with_dots(left, names)), tuple(_with_dots(right, names)))


def names_in(text: str) -> list[str]:
    """The names that a pattern has."""
    return list(dict.fromkeys(token for token in _TOKENS.findall(text) if _NAME.fullmatch(token)))


def _sides(text: str) -> tuple[tuple[Axis, ...], tuple[Axis, ...]]:
    """The axes on the two sides of a pattern, which have the same names."""
    sides = text.split("->")
    if len(sides) != 2:
        raise BadPattern("a pattern has two sides with `->` between them", text, f"write it as {_EXAMPLE}")
    left, right = (_axes(side, text) for side in sides)
    _must_agree(left, right, text)
    return left, right


def _axes(side: str, text: str) -> tuple[Axis, ...]:
    """The axes on one side of a pattern."""
    found: list[Axis] = []
    group: list[str] | None = None
    for token in _TOKENS.findall(side):
        if token == "(":
            if group is not None:
                raise BadPattern("brackets inside brackets are not allowed", text, "axes are composed on one level")
            group = []
        elif token == ")":
            if group is None:
                raise BadPattern("brackets are not balanced", text, "close each bracket that is opened, and no other")
            found.append(tuple(group))
            group = None
        elif token == "1":
            found += [()] if group is None else []
        elif token == "..." or _NAME.fullmatch(token):
            found += [(token,)] if group is None else []
            group = group if group is None else [*group, token]
        elif token.isdigit():
            message = "non-unitary anonymous axes are not supported in rearrange (exception is length 1)"
            raise BadPattern(message, text, f"give the axis a name, and its size beside the pattern: `n: {token[:9]}`")
        else:
            message = f"invalid axis identifier: {token[:20]}"
            raise BadPattern(message, text, f"write names that begin and end with a letter, as in {_EXAMPLE}")
    if group is not None:
        raise BadPattern("brackets are not balanced", text, "close each bracket that is opened, and no other")
    return tuple(found)


def _must_agree(left: tuple[Axis, ...], right: tuple[Axis, ...], text: str) -> None:
    """Raise the fault of sides that do not have the same names, once each."""
    sides = [[name for axis in axes for name in axis] for axes in (left, right)]
    for names in sides:
        for name, count in Counter(names).items():
            if count > 1:
                message = f'indexing expression contains duplicate dimension "{name}"'
                raise BadPattern(message, text, f"write `{name}` once on each side")
    alone = sorted({*sides[0]} ^ {*sides[1]})
    if alone:
        message = f"identifiers only on one side of expression (should be on both): {', '.join(alone)}"
        summed = "; a layer such as `Mean` or `Expand` takes axes away or adds them"
        raise BadPattern(message, text, f"write {', '.join(f'`{each}`' for each in alone)} on both sides{summed}")
    if any("..." in axis and len(axis) > 1 for axis in left):
        message = "ellipsis inside parenthesis in the left side is not allowed"
        raise BadPattern(message, text, "write `...` on its own before the arrow")
    if not right:
        raise BadPattern("a pattern leaves no axis", text, "name the channels behind the arrow, as the last axis")


def _wrong_rank(text: str, x: Shape) -> BadPattern:
    """The fault of a pattern with more axes than the tensor, or fewer."""
    left, _ = _sides(text)
    dots = ("...",) in left
    named = len(left) - dots
    message = f"wrong shape: expected {f'>={named}' if dots else named} dims, received {len(x)}-dim tensor"
    help = f"write a name for each axis of {x}, or `...` for any number of them"
    if named == len(x) + 1:
        help = f"leave the batch out, and write the channels last, as in the shape {x}: {_EXAMPLE}"
    return BadPattern(message, text, help, label=f"`{text[:80]}` on {x} from {SOURCE}")


def _with_dots(axes: Sequence[Axis], names: Sequence[str]) -> Iterator[Axis]:
    """The axes with names in place of `...`."""
    for axis in axes:
        if axis == ("...",):
            yield from ((name,) for name in names)
        else:
            at = axis.index("...") if "..." in axis else None
            yield axis if at is None else (*axis[:at], *names, *axis[at + 1 :])
