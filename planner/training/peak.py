"""The most memory that a forward and a backward pass take at once.

Forward, a stretch of memory is let go of after what reads it last, unless backward needs it, or a variable of Python
holds it till its forward pass returns. Backward begins with the gradients of the outputs, as a loss gives them, and
goes through the operations in reverse: each makes the gradients of its inputs, and lets go of that of its output and
of what it kept. What an operation takes for itself meanwhile stands with it, in `planner.autograd`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from planner.autograd.tape import Operation, Tape
from planner.autograd.tensors import WIDTHS, Storage, Strided

PASSED_ON = frozenset(
    {"view", "permute", "unsqueeze", "squeeze", "clone", "add", "sub", "add in place", "cat", "expand"}
)
"""Operations whose gradient is that of their output, or a view of it."""


class Peak(NamedTuple):
    """The most bytes at once beside weights and inputs, at which step, and whether going back."""

    bytes: int
    step: int
    backward: bool


def backward_order(tape: Tape, outputs: Sequence[Strided]) -> list[Operation]:
    """The operations that backward goes through, in its order."""
    wanted = {id(each) for each in outputs if each.grad}
    found = []
    for node in reversed(tape.nodes):
        if any(id(each) in wanted for each in node.outputs):
            found.append(node)
            wanted.update(id(each) for each in node.inputs if each.grad)
    return found


def peak(tape: Tape, outputs: Sequence[Strided]) -> Peak:
    return _Passes(tape, outputs).peak()


class _Passes:
    def __init__(self, tape: Tape, outputs: Sequence[Strided]) -> None:
        self.tape, self.outputs = tape, outputs
        self.order = backward_order(tape, outputs)
        self.alive: Counter[Storage] = Counter()
        self.now = 0
        self.most = Peak(0, 0, False)

    def peak(self) -> Peak:
        self._forward()
        self._backward()
        return self.most

    def _hold(self, storage: Storage) -> None:
        if storage.role in ("activation", "cast"):
            self.now += 0 if self.alive[storage] else storage.bytes
            self.alive[storage] += 1

    def _drop(self, storage: Storage) -> None:
        if storage.role in ("activation", "cast") and self.alive[storage]:
            self.alive[storage] -= 1
            self.now -= 0 if self.alive[storage] else storage.bytes

    def _look(self, node: Operation, *, backward: bool) -> None:
        now = self.now + node.aside[backward]
        if now > self.most.bytes:
            self.most = Peak(now, node.step, backward)

    def _forward(self) -> None:
        last: dict[Storage, int] = {}
        first: dict[Storage, int] = {}
        for i, node in enumerate(self.tape.nodes):
            for storage in (*(x.storage for x in (*node.inputs, *node.outputs)), *node.saved):
                first.setdefault(storage, i)
                last[storage] = max(i, self.tape.held.get(storage, 0) - 1)
        ends: dict[int, list[Storage]] = {}
        begins: dict[int, list[Storage]] = {}
        kept = {each.storage for each in self.outputs}
        for storage, i in last.items():
            begins.setdefault(first[storage], []).append(storage)
            if storage not in kept:
                ends.setdefault(i, []).append(storage)
        backward = {id(node) for node in self.order}
        for i, node in enumerate(self.tape.nodes):
            for storage in begins.get(i, ()):
                self._hold(storage)
            if id(node) in backward:
                for storage in node.saved:
                    self._hold(storage)
            self._look(node, backward=False)
            for storage in ends.get(i, ()):
                self._drop(storage)

    def _backward(self) -> None:
        grads = {id(x): Storage(x.elements * WIDTHS[x.dtype]) for x in self.outputs if x.grad}
        for grad in grads.values():
            self._hold(grad)
        for node in self.order:
            own = [grads.pop(id(each)) for each in node.outputs if id(each) in grads]
            given: list[tuple[Strided, Storage]] = []
            for x in node.inputs:
                if x.grad:
                    same = node.name == "cat" or x.elements == node.outputs[0].elements
                    grad = own[0] if own and same and node.name in PASSED_ON else Storage(x.elements * WIDTHS[x.dtype])
                    self._hold(grad)
                    given.append((x, grad))
            self._look(node, backward=True)
            for storage in (*own, *node.saved):
                self._drop(storage)
            for x, grad in given:
                if id(x) in grads:  # added to what is there
                    self._drop(grad)
                else:
                    grads[id(x)] = grad
