"""Equations in Einstein's notation, as torch.einsum reads them, and the matrix products that it makes of them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from planner.faults.bad_equation import BadEquation

_SUBSCRIPTS = re.compile(r"([a-zA-Z]*)(\.\.\.)?([a-zA-Z]*)")


class Letter(NamedTuple):
    """An axis: its letter, or among those that `...` stands for its place, counted from the last."""

    name: str
    place: int = 0

    @property
    def repeats(self) -> bool:
        """Whether one cell of it is repeated to the length that it has elsewhere."""
        return self.name == "..."

    def __str__(self) -> str:
        return self.name


Letters = tuple[Letter, ...]


class Equation(NamedTuple):
    """The letters of each operand and of the output, the batch first in all of them."""

    operands: tuple[Letters, ...]
    output: Letters

    @classmethod
    def read(cls, text: str, ranks: Sequence[int]) -> Equation:
        """The equation for operands of so many dimensions, the batch among them."""
        left, arrow, right = text.replace(" ", "").partition("->")
        written = left.split(",")
        if len(written) != len(ranks):
            fewer = "fewer" if len(ranks) < len(written) else "more"
            message = f"einsum(): {fewer} operands were provided than specified in the equation"
            raise BadEquation(message, text, f"it has {len(written)} for {len(ranks)} sources: write one for each")
        operands = tuple(
            _operand(each, rank, i, text) for i, (each, rank) in enumerate(zip(written, ranks, strict=True))
        )
        dots = max(sum(letter.repeats for letter in letters) for letters in operands)
        output = _expanded(right, dots, text) if arrow else _implied(operands, dots)
        for letter, count in Counter(output).items():
            if count > 1:
                message = f"einsum(): output subscript {letter} appears more than once in the output"
                raise BadEquation(message, text, f"write {letter} once behind the arrow")
            if not any(letter in letters for letters in operands):
                message = f"einsum(): output subscript {letter} does not appear in the equation for any input operand"
                raise BadEquation(message, text, f"take {letter} out, or write it before the arrow too")
        _must_keep_batch(operands, output, text)
        return cls(operands, output)


def _operand(written: str, rank: int, number: int, text: str) -> Letters:
    count = len(written.replace("...", ""))
    if count > rank or ("..." not in written and count != rank):
        raise BadEquation(
            f"einsum(): the number of subscripts in the equation ({count}) does not match the number of dimensions "
            f"({rank}) for operand {number}",
            text,
            f"write a letter for each dimension of source {number + 1}: the batch, the channels, and {rank - 2} more"
            if rank > 2
            else f"write two letters for source {number + 1}: the batch and the channels",
        )
    return _expanded(written, rank - count, text)


def _expanded(written: str, dots: int, text: str) -> Letters:
    """The letters, with one for each of the axes that `...` stands for."""
    found = _SUBSCRIPTS.fullmatch(written)
    if found is None:
        message = "einsum(): subscripts must be in [a-zA-Z]"
        raise BadEquation(message, text, "write letters, and `...` at most once, as in `bchw,bkc->bkhw`")
    before, ellipsis, behind = found.groups()
    places = [Letter("...", place) for place in range(dots, 0, -1)] if ellipsis else []
    return (*map(Letter, before), *places, *map(Letter, behind))


def _implied(operands: tuple[Letters, ...], dots: int) -> Letters:
    """The output of an equation without an arrow: what `...` stands for, and the letters that stand there once."""
    counts = Counter(letter for letters in operands for letter in letters)
    once = sorted(letter for letter, count in counts.items() if count == 1 and not letter.repeats)
    return (*(Letter("...", place) for place in range(dots, 0, -1)), *once)


def _must_keep_batch(operands: tuple[Letters, ...], output: Letters, text: str) -> None:
    """Raise the fault of an equation that does not keep the samples apart."""
    batch = operands[0][0]
    for i, letters in enumerate(operands, 1):
        if letters[0] != batch:
            told = f"source {i} begins with {letters[0]}, the first with {batch}"
        elif batch in letters[1:]:
            told = f"{batch} stands twice in source {i}"
        else:
            continue
        raise BadEquation(f"the batch must stay dimension 0: {told}", text, "let every source begin with the batch")
    if output[:1] != (batch,):
        told = f"{batch} is summed over" if batch not in output else f"{batch} is not the first letter of the result"
        raise BadEquation(
            f"the batch must stay dimension 0: {told}", text, f"let the result begin with {batch}: `->{batch}…`"
        )


def multiplied(tensors: Sequence[Mapping[Letter, int]], output: Letters) -> int:
    """The multiply-adds of the matrix products for one sample, as PyTorch makes them from left to right.

    A letter of one cell counts as missing. What no later tensor and not the output has is summed: with the matrix
    product if both tensors of a pair have it, else before it.
    """
    wide = [{letter: n for letter, n in each.items() if n > 1} for each in tensors]
    left = Counter(letter for each in wide for letter in each)
    first, *others = wide
    total = 0
    for second in others:
        summed = set()
        for letter in {*first, *second}.difference(output):
            if letter in first and letter in second:
                left[letter] -= 1
                if left[letter] == 1:
                    summed.add(letter)
            elif left[letter] == 1:
                first, second = ({key: n for key, n in each.items() if key != letter} for each in (first, second))
        both = {**first, **second}
        if summed:
            total += math.prod(both.values())
        first = {letter: n for letter, n in both.items() if letter not in summed}
    return total
