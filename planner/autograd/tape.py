"""What PyTorch's autograd notes in a forward pass: which operation made what of what, and what it keeps for backward.

Under autocast, operations get their inputs in another type of number:
https://docs.pytorch.org/docs/stable/amp.html#cpu-op-specific-behavior
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

from planner.autograd.tensors import FLOATS, WIDTHS, Role, Sizes, Storage, Strided, like, packed


class UnknownCallError(Exception):
    """A call of which it is not known what it keeps."""


@dataclass(slots=True, eq=False)
class Operation:
    """An operation that backward goes through again, from its outputs to its inputs.

    step   the number of the plan's step that it is a part of
    saved  the stretches of memory that it keeps, those of weights too
    aside  bytes that it takes for itself while it runs, beside its outputs, and while backward goes through it, beside
           the gradients
    """

    name: str
    step: int
    inputs: tuple[Strided, ...]
    outputs: tuple[Strided, ...]
    saved: tuple[Storage, ...]
    aside: tuple[int, int] = (0, 0)

    @property
    def macs(self) -> int:
        """Its multiply-adds, where it is a product of any kind."""
        x, weight = self.inputs[0], self.inputs[min(1, len(self.inputs) - 1)]
        match self.name:
            case "mm" | "bmm":
                return self.outputs[0].elements * self.inputs[-1].sizes[-2]
            case "convolution":
                return self.outputs[0].elements * prod(weight.sizes[1:])
            case "transposed convolution":
                return x.elements * prod(weight.sizes[1:])
            case "trilinear":
                return x.sizes[0] * self.inputs[2].elements
            case "flash":
                return 2 * x.elements * weight.sizes[-2]
            case "lstm":
                return prod(x.sizes[:2]) * sum(each.elements for each in self.inputs[3:5])
        return 0


@dataclass(slots=True, eq=False)
class Tape:
    """A forward pass in training.

    dtype     the type of the weights, and of what comes in
    autocast  the lower precision that autocast gives to products and convolutions; None without it
    step      the number of the step that runs now
    held      memory that variables of Python hold, with how many operations had run when their forward pass returned
    """

    dtype: str = "float32"
    autocast: str | None = None
    step: int = 0
    nodes: list[Operation] = field(default_factory=list)
    held: dict[Storage, int] = field(default_factory=dict)
    _casts: dict[Storage, Strided] = field(default_factory=dict)

    # New tensors

    def new(
        self, sizes: Sequence[int], dtype: str | None = None, strides: Sizes | None = None, role: Role = "activation"
    ) -> Strided:
        """A tensor in memory of its own."""
        sizes, dtype = tuple(sizes), dtype or self.dtype
        count = 1
        for size in sizes:
            count *= size
        return Strided(Storage(count * WIDTHS[dtype], role), sizes, strides or packed(sizes), dtype)

    def like(self, x: Strided, dtype: str | None = None) -> Strided:
        """A new tensor of the same sizes, its axes in the same order."""
        return self.new(x.sizes, dtype or x.dtype, like(x))

    def view(self, x: Strided, sizes: Sequence[int], strides: Sequence[int], name: str = "view") -> Strided:
        """A tensor in the memory of x."""
        view = Strided(x.storage, tuple(sizes), tuple(strides), x.dtype)
        return self.noted(name, (x,), view)

    def noted(
        self, name: str, inputs: Sequence[Strided], made: Strided, *saved: Strided, aside: tuple[int, int] = (0, 0)
    ) -> Strided:
        """What an operation made of its inputs, which keeps some tensors for backward."""
        self.note(name, inputs, (made,), *saved, aside=aside)
        return made

    def note(
        self,
        name: str,
        inputs: Sequence[Strided],
        outputs: Sequence[Strided],
        *saved: Strided,
        aside: tuple[int, int] = (0, 0),
    ) -> None:
        """Note an operation; where no gradient flows to its inputs, it keeps nothing."""
        if not any(x.grad for x in inputs):
            return
        for each in outputs:
            each.grad = each.is_float
        kept = tuple(dict.fromkeys(each.storage for each in saved))
        self.nodes.append(Operation(name, self.step, tuple(inputs), tuple(outputs), kept, aside))

    def hold(self, tensors: Iterable[Strided]) -> None:
        """Hold tensors till now, as variables do that no other tensor took the place of."""
        for each in tensors:
            self.held[each.storage] = len(self.nodes)

    # Types of numbers

    def to(self, x: Strided, dtype: str) -> Strided:
        """The tensor with numbers of another type: itself where it has them already."""
        if x.dtype == dtype:
            return x
        copy = self.new(x.sizes, dtype, like(x))
        if x.storage.role in ("weight", "cast"):
            copy.storage.role = "cast"
        return self.noted("cast", (x,), copy)

    def lower(self, x: Strided) -> Strided:
        """An input of an operation that autocast runs in lower precision. Copies of weights are made once."""
        if self.autocast is None or x.dtype not in FLOATS or x.dtype == "float64":
            return x
        if not x.leaf or x.dtype != "float32":
            return self.to(x, self.autocast)
        if x.storage not in self._casts:
            self._casts[x.storage] = self.to(x, self.autocast)
        return self._casts[x.storage]

    def full(self, x: Strided) -> Strided:
        """An input of an operation that autocast runs in full precision."""
        return x if self.autocast is None or x.dtype not in ("bfloat16", "float16") else self.to(x, "float32")

    def widest(self, *tensors: Strided) -> str:
        """The type of number that tensors of several types have together."""
        floats = [x for x in tensors if x.is_float and x.dim] or [x for x in tensors if x.is_float]
        if not floats:
            return max(tensors, key=lambda x: WIDTHS[x.dtype]).dtype
        types = {x.dtype for x in floats}
        return "float32" if types == {"bfloat16", "float16"} else max(types, key=WIDTHS.__getitem__)
