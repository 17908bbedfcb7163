"""Sums cell by cell: the layer of every residual connection, so it is loaded without the other operators."""

from typing import ClassVar

from planner.layers.merge._cell_by_cell import EqualSized


class Add(EqualSized):
    """The sum of two or more tensors of one shape, cell by cell, as in a residual connection; or of one tensor and the
    number `other`.

    PyTorch repeats an axis of size 1 to the length of the other without a word; here that needs `broadcast: true`.
    """

    operator: ClassVar[str] = "add"
    keeps_whole: ClassVar[bool] = True
    adds: ClassVar[bool] = True
