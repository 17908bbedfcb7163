"""Operators on tensors cell by cell, other than sums."""

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from planner.faults.option_does_not_apply import OptionDoesNotApply
from planner.geometry import Shape
from planner.layers._call import Call
from planner.layers.merge._cell_by_cell import CellByCell, EqualSized


class _Product(CellByCell):
    def repeats(self) -> bool:
        return True


class _InOrder(CellByCell):
    """An operator whose first operand may be the number."""

    reversed: bool = Field(False, description="Whether the number is the first operand, and the tensor the second.")

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        if self.reversed and self.other is None:
            raise OptionDoesNotApply.reversed(len(inputs))

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (call,) = super().calls(*inputs)
        return (replace(call, reversed=self.reversed),)


class Subtract(_InOrder, EqualSized):
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


class Power(_InOrder, EqualSized):
    """The first tensor to the power of the second, cell by cell; both have one shape, unless `broadcast: true`. Or one
    tensor to the power of the number `other`, and with `reversed: true` the number to the power of the tensor.

    Of a negative number only whole powers are numbers again.
    """

    takes: ClassVar[tuple[int, int | None]] = (2, 2)
    operator: ClassVar[str] = "pow"


class _Bound(EqualSized):
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
