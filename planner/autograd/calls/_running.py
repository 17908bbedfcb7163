"""A call that is run, as all functions of this folder get it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.autograd.tape import Tape
from planner.autograd.tensors import Sizes, Strided


@dataclass(slots=True)
class Running:
    """A call that is run.

    args     its arguments
    xs       its inputs, with their channels second, or last where it is told `last`
    weights  the module's parameters and buffers by their names
    outputs  the sizes of its outputs, (N, C, …)
    """

    t: Tape
    args: Mapping[str, Any]
    xs: list[Strided]
    weights: Mapping[str, Strided]
    outputs: Sequence[Sizes]
    last: bool = False
    causal: bool = False
    mask: Strided | None = None
    name: str = ""

    @property
    def x(self) -> Strided:
        return self.xs[0]

    @property
    def spatial(self) -> Sizes:
        """The spatial sizes of the first output."""
        return self.outputs[0][2:]

    @property
    def weight(self) -> Strided | None:
        return self.weights.get("weight")

    @property
    def bias(self) -> Strided | None:
        return self.weights.get("bias")

    def dims(self, value: int | Sequence[int]) -> tuple[int, ...]:
        """Axes as the call counts them, on the tensor as it lies here."""
        rank = self.x.dim
        wanted = [dim % rank for dim in ((value,) if isinstance(value, int) else value)]
        return tuple((rank - 1 if dim == 1 else dim - 1) if self.last and dim else dim for dim in wanted)


Handler = Callable[[Running], Any]
