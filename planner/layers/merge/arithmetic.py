"""Layers that bring tensors together cell by cell.

Where sizes may differ is said exactly: PyTorch would silently repeat a single cell or channel in a sum, which hides
mistakes.
"""

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from planner.faults.option_does_not_apply import OptionDoesNotApply
from planner.faults.sizes_differ import SizesDiffer
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.geometry import Link, Shape, broadcast
from planner.layers._call import Call
from planner.layers._fields import NumberOrNone
from planner.layers._layer import Layer


class _CellByCell(Layer):
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


class _EqualSized(_CellByCell):
    broadcast: bool = Field(False, description="Whether an axis of size 1 is repeated to the length of the others.")

    def repeats(self) -> bool:
        return self.broadcast


class _Product(_CellByCell):
    def repeats(self) -> bool:
        return True


class _InOrder(_CellByCell):
    """An operator whose first operand may be the number."""

    reversed: bool = Field(False, description="Whether the number is the first operand, and the tensor the second.")

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        if self.reversed and self.other is None:
            raise OptionDoesNotApply.reversed(len(inputs))

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (call,) = super().calls(*inputs)
        return (replace(call, reversed=self.reversed),)


class Add(_EqualSized):
    """The sum of two or more tensors of one shape, cell by cell, as in a residual connection; or of one tensor and the
    number `other`.

    PyTorch repeats an axis of size 1 to the length of the other without a word; here that needs `broadcast: true`.
    """

    operator: ClassVar[str] = "add"
    keeps_whole: ClassVar[bool] = True
    adds: ClassVar[bool] = True


class Subtract(_InOrder, _EqualSized):
    """The first tensor minus all others, cell by cell; all have one shape, unless `broadcast: true`. Or one tensor
    minus the number `other`, and with `reversed: true` the number minus the tensor.

    So `{type: Subtract, other: 1, reversed: true}` is 1 − x.
    """

    operator: ClassVar[str] = "sub"
    keeps_whole: ClassVar[bool] = True


class Multiply(_Product):
    """The product of two or more tensors, cell by cell, as in a gate: an axis of size 1 is repeated to the length of
    the others. Or of one tensor and the number `other`.

    So a squeeze-and-excitation gate of 1×1×C scales the channels of H×W×C. All must have the same number of axes.
    """

    operator: ClassVar[str] = "mul"
    keeps_whole: ClassVar[bool] = True


class Divide(_InOrder, _Product):
    """The first tensor divided by all others, cell by cell; an axis of size 1 is repeated to the length of the others.
    Or one tensor divided by the number `other`, and with `reversed: true` the number divided by the tensor.

    So `{type: Divide, other: 1, reversed: true}` is 1 / x, as `Reciprocal` is. All must have the same number of axes.
    """

    operator: ClassVar[str] = "truediv"


class Power(_InOrder, _EqualSized):
    """The first tensor to the power of the second, cell by cell; both have one shape, unless `broadcast: true`. Or one
    tensor to the power of the number `other`, and with `reversed: true` the number to the power of the tensor.

    Of a negative number only whole powers are numbers again.
    """

    takes: ClassVar[tuple[int, int | None]] = (2, 2)
    operator: ClassVar[str] = "pow"


class _Bound(_EqualSized):
    """Takes tensors two by two; a number bounds a tensor as `clamp` does."""

    keeps_whole: ClassVar[bool] = True
    function: ClassVar[str]
    bound: ClassVar[str]

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        if self.other is not None:
            return (Call("Tensor.clamp", {self.bound: self.other}, layout="any", by_value=True),)
        return (Call(self.function, layout="any", by_value=True, pairwise=True),)


class Maximum(_Bound):
    """The largest of two or more tensors of one shape, cell by cell; or of one tensor and the number `other`.

    PyTorch repeats an axis of size 1 to the length of the other without a word; here that needs `broadcast: true`.
    """

    function: ClassVar[str] = "torch.maximum"
    bound: ClassVar[str] = "min"


class Minimum(_Bound):
    """The smallest of two or more tensors of one shape, cell by cell; or of one tensor and the number `other`.

    PyTorch repeats an axis of size 1 to the length of the other without a word; here that needs `broadcast: true`.
    """

    function: ClassVar[str] = "torch.minimum"
    bound: ClassVar[str] = "max"
