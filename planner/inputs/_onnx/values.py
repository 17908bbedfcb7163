"""What the names of an ONNX file stand for: tensors that are computed, weights that are stored, and numbers that are
known. Sizes and indices are worked out exactly, in every run of the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.inputs._axes import Sizes, Traced
from planner.inputs._graph import NotSayable

if TYPE_CHECKING:
    import onnx

MOST_NUMBERS = 1 << 16
"""Numbers of a tensor that are worked with: sizes and places are few."""
MOST_IN_ALL = 1 << 24
"""Numbers that are worked out for one network."""
LARGEST = 1 << 62
"""Numbers beyond this are no sizes."""


@dataclass(eq=False)
class StoredTensor:
    """A tensor that the file stores, with or without its numbers.

    name   that of the initializer, or of what a node gives that makes it
    kind   `float`, `whole`, or `truth`
    proto  the tensor in the file; None for one that holds `fill` everywhere, or as many as the `array` has
    turned which dimension of the tensor in the file each one is
    reason why there are no numbers, where neither of these has them
    """

    name: str
    sizes: Sizes
    kind: str = "float"
    proto: onnx.TensorProto | None = None
    fill: float | None = None
    array: Any = None
    turned: Sizes | None = None
    trained: bool = True
    reason: str = ""

    @cached_property
    def numbers(self) -> Any:
        """The numbers; raises NotSayable where they are many, or stand in another file."""
        if self.array is not None:
            return self.array
        if self.proto is not None:
            return self._read()
        if self.fill is None:
            raise NotSayable(f"the numbers of `{self.name}`, which are not known: {self.reason}")
        return np.full(self.sizes, self.fill) if prod(self.sizes) <= MOST_NUMBERS else self._refused()

    def _refused(self) -> Any:
        raise NotSayable(f"the numbers of `{self.name}`, which are many")

    def _read(self) -> Any:
        from onnx import TensorProto, numpy_helper

        assert self.proto is not None
        if self.proto.data_location == TensorProto.EXTERNAL:
            raise NotSayable(f"the numbers of `{self.name}`, which stand in another file")
        if prod(self.sizes) > MOST_NUMBERS:
            self._refused()
        try:
            found = numpy_helper.to_array(self.proto)
        except (ValueError, TypeError, KeyError, NotImplementedError, AttributeError):
            raise NotSayable(f"the numbers of `{self.name}`, of which there are too few or too many") from None
        found = as_plain(found)
        return found.reshape(self.sizes) if self.turned is None else found.transpose(self.turned)

    @property
    def first(self) -> str:
        """The name under which the file has the numbers, of which others may be other names."""
        return self.proto.name if self.proto is not None else self.name

    def transposed(self, order: Sequence[int]) -> StoredTensor:
        """The same tensor with its dimensions in another order."""
        before = self.turned or tuple(range(len(self.sizes)))
        sizes = tuple(self.sizes[each] for each in order)
        array = None if self.array is None else self.array.transpose(order)
        turned = tuple(before[each] for each in order)
        turned_or_not = None if turned == tuple(range(len(turned))) else turned
        return StoredTensor(
            self.name, sizes, self.kind, self.proto, self.fill, array, turned_or_not, self.trained, self.reason
        )


@dataclass(eq=False)
class KnownNumbers:
    """Numbers that follow from the sizes of tensors, in every run."""

    runs: tuple[Any, ...]
    kind: str = "whole"

    @property
    def sizes(self) -> Sizes:
        return tuple(self.runs[0].shape)


@dataclass(eq=False)
class Unknown:
    """What comes out of an operator whose sizes depend on the values of tensors."""

    reason: str


Value = Traced | StoredTensor | KnownNumbers | Unknown


def as_plain(array: Any) -> Any:
    """Numbers in a type in which they are exact: whole ones of 64 bits, and of others twice the precision."""
    found = np.asarray(array)
    if found.dtype == bool:
        return found
    if np.issubdtype(found.dtype, np.integer):
        return found.astype(np.int64)
    if found.dtype == np.float32:
        return np.array([clean(each) for each in found.ravel()], dtype=np.float64).reshape(found.shape)
    if np.issubdtype(found.dtype, np.floating):
        return found.astype(np.float64)
    raise TypeError(f"numbers of the type {found.dtype}")


def clean(number: Any) -> float:
    """A number of 32 bits as it was meant: 0.1 and not 0.10000000149011612, nor what is next to 0.1."""
    if not np.isfinite(number):
        return float(number)
    short = float(f"{number:.6g}")
    return short if abs(short - number) <= 2.0**-22 * abs(number) else float(str(np.float32(number)))


def kind_of(array: Any) -> str:
    return "truth" if array.dtype == bool else "whole" if np.issubdtype(array.dtype, np.integer) else "float"


def whole_numbers(values: Iterable[Any]) -> tuple[int, ...]:
    return tuple(int(each) for each in values)
