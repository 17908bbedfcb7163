"""What layers share that bring tensors together cell by cell.

Where sizes may differ is said exactly: PyTorch would silently repeat a single cell or channel in a sum, which hides
mistakes.
"""

from typing import ClassVar

from pydantic import Field

from planner.faults.sizes_differ import SizesDiffer
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.geometry import Link, Shape, broadcast
from planner.layers._call import Call
from planner.layers._fields import NumberOrNone
from planner.layers._layer import Layer


class CellByCell(Layer):
    """An operator on tensors of one shape, cell by cell, or on one tensor and a number; where it repeats, a size of 1
    stands for any.
    """

    takes: ClassVar[tuple[int, int | None]] = (2, None)
    operator: ClassVar[str]

    other: NumberOrNone = Field(None, description="A number in place of a second source.")

    def repeats(self) -> bool:
        """Whether an axis of one cell is repeated to the length of the others."""
        raise NotImplementedError

    def must_take(self, count: int) -> None:
        if self.other is None:
            super().must_take(count)
        elif count != 1:
            raise WrongNumberOfSources.with_number(self.type_name(), count, 2, "other")

    def check(self, *inputs: Shape) -> None:
        must_meet(inputs, repeats=self.repeats())

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return (meeting(inputs),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        number = {} if self.other is None else {"other": self.other}
        return (Call(f"operator.{self.operator}", number, layout="any"),)


def must_meet(inputs: tuple[Shape, ...], *, repeats: bool) -> None:
    """Raise the fault of tensors whose sizes differ, though 1 stands for any where it `repeats`."""
    if len(set(inputs)) == 1:
        return
    same_rank = len(set(map(len, inputs))) == 1
    fits = same_rank and all(len({n for n in sizes if n > 1}) <= 1 for sizes in zip(*inputs, strict=True))
    if not (fits and repeats):
        raise SizesDiffer("sizes of tensors must match", inputs, repeats=fits)


def meeting(inputs: tuple[Shape, ...]) -> tuple[Link, ...]:
    """The links of tensors that meet cell by cell."""
    sizes = tuple(map(max, zip(*inputs, strict=True)))
    return tuple(Link.of([broadcast(n, size) for n, size in zip(x, sizes, strict=True)]) for x in inputs)


class EqualSized(CellByCell):
    broadcast: bool = Field(False, description="Whether an axis of size 1 is repeated to the length of the others.")

    def repeats(self) -> bool:
        return self.broadcast
