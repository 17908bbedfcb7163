"""Patterns of einops: the letters of factors, and the runs that stay together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, pairwise
from string import ascii_lowercase

from planner.inputs._axes import Axis, Factor


def named(all_factors: Sequence[Factor]) -> dict[Factor, str]:
    """A letter for each factor."""
    names = (letter + (str(n) if n else "") for n in count() for letter in ascii_lowercase)
    return {factor: next(names) for factor in all_factors}


def together(before: Sequence[Axis], after: Sequence[Axis]) -> list[Axis]:
    """The factors in rows that stay as they are: those that follow one another on an axis, before and after."""
    follows = {a: b for axis in after for a, b in pairwise(axis)}
    found: list[Axis] = []
    for axis in before:
        row: list[Factor] = []
        for factor in axis:
            if row and follows.get(row[-1]) is factor:
                row.append(factor)
            else:
                found += [tuple(row)] if row else []
                row = [factor]
        found += [tuple(row)] if row else []
    return found


def written(axis: Axis, names: Mapping[Factor, str]) -> str:
    """An axis in a pattern."""
    words = [names[factor] for factor in axis if factor in names]
    return words[0] if len(words) == 1 else f"({' '.join(words)})" if words else "1"
