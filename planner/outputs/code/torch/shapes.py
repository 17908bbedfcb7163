"""Shapes as comments: in PyTorch's order, with numbers where all copies have them, and else in terms of the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from planner.classes.algebra import substituted
from planner.classes.arithmetic import comes_to
from planner.classes.expressions import Expr, const
from planner.classes.parts import Unit
from planner.classes.tensors import Copy, SymbolicTensor, Value
from planner.sides import Side

LETTERS = {0: "", 1: "L", 2: "HW", 3: "DHW"}
LONGEST = 24
"""Characters of a size that is worth reading in a comment."""


class Shapes:
    """The shapes of the tensors of one module."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.tensors: dict[Value, list[tuple[Copy, SymbolicTensor]]] = {}
        for copy in unit.copies:
            for k, tensor in enumerate(copy.inputs):
                self.tensors.setdefault((-1, -1, k), []).append((copy, tensor))
        for part in unit.parts:
            for copy, use in part.uses:
                for at, tensor in zip(part.values, use.outputs, strict=False):
                    last = part.count is None or use is copy.uses[at[0]][-1]
                    if last:
                        self.tensors.setdefault(at, []).append((copy, tensor))

    def changes(self, a: Value, b: Value) -> bool:
        """Whether two tensors differ in shape in any copy."""
        before = {id(copy): tensor.shape for copy, tensor in self.tensors[a]}
        return any(before.get(id(copy)) != tensor.shape for copy, tensor in self.tensors[b])

    def axes(self, at: Value) -> int | None:
        """How many axes a tensor has beside the batch; None where copies differ."""
        found = {len(tensor.shape) for _, tensor in self.tensors[at]}
        return found.pop() if len(found) == 1 else None

    def exact(self, at: Value, side: Side) -> list[Expr] | None:
        """The sizes without the batch; None where copies differ, or an argument decides the spatial ones."""
        (_, first), *others = self.tensors[at]
        if others or first.origin & set(self.unit.params):
            return None
        channels = substituted(first.channels, self.unit.by)
        if not channels.names <= set(self.unit.params):
            channels = const(first.shape.channels)
        spatial = list(map(const, first.shape.spatial))
        return [*spatial, channels] if side == "last" else [channels, *spatial]

    def written(self, at: Value, side: Side, longest: int = LONGEST) -> str:
        """`(N, 64, H / 2, W / 2)`; the number of channels is `C` where it has no short form."""
        found = self.tensors[at]
        channels = self._channels(found, longest)
        if len({len(tensor.shape) for _, tensor in found}) > 1:
            return f"(N, ..., {channels})" if side == "last" else f"(N, {channels}, ...)"
        if at in self.unit.mixed and channels == "C":
            channels = "?"
        spatial = [self._size(found, axis, at in self.unit.mixed) for axis in range(len(found[0][1].shape.spatial))]
        return f"({', '.join(['N', *spatial, channels] if side == 'last' else ['N', channels, *spatial])})"

    def _channels(self, found: Sequence[tuple[Copy, SymbolicTensor]], longest: int) -> str:
        """The number of channels, as a comment has it."""
        sizes = {tensor.shape.channels for _, tensor in found}
        for expr in dict.fromkeys(substituted(tensor.channels, self.unit.by) for _, tensor in found):
            if expr.names <= set(self.unit.params) and all(
                comes_to(expr, copy.values, tensor.shape.channels) for copy, tensor in found
            ):
                written = str(expr)
                return written if len(written) <= longest else str(sizes.pop()) if len(sizes) == 1 else "C"
        return str(sizes.pop()) if len(sizes) == 1 else "C"

    def _size(self, found: Sequence[tuple[Copy, SymbolicTensor]], axis: int, mixed: bool) -> str:
        """A spatial size, as a comment has it."""
        sizes = [tensor.shape.spatial[axis] for _, tensor in found]
        if len(set(sizes)) == 1:
            return str(sizes[0])
        if mixed:
            return "?"
        rank = len(found[0][1].shape.spatial)
        inputs = [copy.inputs[0].shape.spatial for copy, _ in found]
        if any(len(each) != rank for each in inputs):
            return "?"
        letter = LETTERS.get(rank, "H" * rank)[axis]
        befores = [each[axis] for each in inputs]
        return _relative(letter, sizes, befores, [copy.values for copy, _ in found]) or f"{letter}'"


def _relative(letter: str, sizes: list[int], befores: list[int], values: Sequence[Mapping[str, Any]]) -> str:
    """A size in terms of the input's."""
    pairs = list(zip(sizes, befores, strict=True))
    if all(n == m for n, m in pairs):
        return letter
    differences = {n - m for n, m in pairs}
    if len(differences) == 1:
        (difference,) = differences
        return f"{letter} {'+' if difference > 0 else '-'} {abs(difference)}"
    factors = {n // m for n, m in pairs if n % m == 0}
    if len(factors) == 1 and all(n == m * min(factors) for n, m in pairs):
        return f"{min(factors)} * {letter}"
    divisors = {-(-m // n) for n, m in pairs}
    if len(divisors) == 1 and (found := _quotient(letter, pairs, [min(divisors)] * len(pairs), str(min(divisors)))):
        return found
    for each in values[0]:
        by = [there.get(each) for there in values]
        if all(type(d) is int and d > 0 for d in by) and (found := _quotient(letter, pairs, by, each)):
            return found
    return ""


def _quotient(letter: str, pairs: Sequence[tuple[int, int]], divisors: Sequence[Any], written: str) -> str:
    """A size as the input's divided by something, which may be rounded; nothing where it is neither."""
    divided = [(n, m, d) for (n, m), d in zip(pairs, divisors, strict=True)]
    if all(n * d == m for n, m, d in divided):
        return f"{letter} / {written}"
    if all(n == -(-m // d) for n, m, d in divided):
        return f"ceil({letter} / {written})"
    return f"{letter} // {written}" if all(n == m // d for n, m, d in divided) else ""
