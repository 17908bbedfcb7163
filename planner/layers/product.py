"""What is worked out of tensors by summing over axes: products of matrices, distances, Einstein's notation.

Source: https://docs.pytorch.org/docs/stable/generated/torch.matmul.html, torch.cdist.html and torch.einsum.html.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

from pydantic import Field

from planner.faults.bad_equation import BadEquation
from planner.faults.letters_differ import LettersDiffer
from planner.faults.matrix_sizes_differ import MatrixSizesDiffer
from planner.faults.sizes_differ import SizesDiffer
from planner.faults.wrong_number_of_axes import WrongNumberOfAxes
from planner.geometry import KEEP, All, AxisMap, Link, Shape, broadcast
from planner.layers._call import Call
from planner.layers._equation import Equation, Letter, multiplied
from planner.layers._fields import EquationText
from planner.layers._layer import Layer
from planner.memory import Memory


class MatMul(Layer):
    """The matrix product of two tensors on their last two axes, the channels being the last: …×L×K times …×K×M is
    …×L×M.

    With `transpose_b: true` the second one is …×M×K, as in queries times keys. Axes before the last two are as a
    batch: they must be equal, or 1, or missing in front, and are repeated as in PyTorch. Multiply-adds: L·K·M for each
    matrix.
    """

    takes: ClassVar[tuple[int, int | None]] = (2, 2)
    one_type: ClassVar[bool] = True

    transpose_b: bool = False

    def _sizes(self, b: Shape) -> tuple[int, int]:
        """Rows and columns of the second matrix."""
        return (b[-1], b[-2]) if self.transpose_b else (b[-2], b[-1])

    def check(self, *inputs: Shape) -> None:
        a, b = inputs
        _must_be_matrices("MatMul", a, b)
        if a.channels != self._sizes(b)[0]:
            raise MatrixSizesDiffer(a, b, transposed=self.transpose_b)
        _must_repeat(a, b)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        a, b = inputs
        columns = All(self._sizes(b)[1])
        return (_of_rows(a, b, (columns, columns if self.transpose_b else KEEP)),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        a, b = inputs
        return (Shape((*_leading(a, b), a[-2], self._sizes(b)[1])),)

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return math.prod(outputs[0]) * inputs[0].channels

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        turned = (1,) if self.transpose_b else ()
        return (Call("operator.matmul", layout="last", turned=turned, widened=_widened(inputs)),)


class CDist(Layer):
    """How far each row of one matrix lies from each row of another: …×L×K and …×M×K give …×L×M, the channels being
    the last axis.

    `p: 2` is the length of the difference, 1 the sum of what the channels differ by, `.inf` the most that one does. Of
    a map H×W×C and a codebook M×C it makes the M distances of every cell, whose `ArgMin` is the nearest code. Axes
    before the last two are as a batch, as those of `MatMul` are. It has no multiply-adds, as in PyTorch's count.
    """

    takes: ClassVar[tuple[int, int | None]] = (2, 2)

    p: float = Field(2.0, ge=0, description="Which norm the difference of two rows is measured by; `.inf` too.")

    def check(self, *inputs: Shape) -> None:
        a, b = inputs
        _must_be_matrices("CDist", a, b)
        if a.channels != b.channels:
            help = "bring both to the same channels before it, as a Linear layer does"
            raise SizesDiffer("X1 and X2 must have the same number of columns", inputs, help=help)
        _must_repeat(a, b)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        a, b = inputs
        return (_of_rows(a, b, (All(b[-2]), All(b[-2]))),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        a, b = inputs
        return (Shape((*_leading(a, b), a[-2], b[-2])),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("torch.cdist", self.given(), layout="last", widened=_widened(inputs), repeats=(0, 1)),)


def _must_be_matrices(layer: str, *inputs: Shape) -> None:
    """Raise the fault of a vector, which has no rows."""
    for x in inputs:
        if not x.spatial:
            row = "put {type: Unsqueeze, dim: 2} before it, which makes it a matrix of one row"
            raise WrongNumberOfAxes(layer, x, (1, 2, 3), help=f"{row}; a vector has no rows but the samples")


def _must_repeat(a: Shape, b: Shape) -> None:
    """Raise the fault of axes before the matrices that differ, and that are not of one cell."""
    if any(n != m and 1 not in (n, m) for n, m in zip(a[-3::-1], b[-3::-1], strict=False)):
        raise SizesDiffer("sizes of tensors must match before the last two axes", (a, b))


def _of_rows(a: Shape, b: Shape, channels: tuple[AxisMap, AxisMap]) -> tuple[Link, ...]:
    """The links of what is made of each row of one matrix with all of the other one."""
    batch = _leading(a, b)
    found = []
    for x, rows, along in zip((a, b), (KEEP, All(1)), channels, strict=True):
        more = len(batch) - len(x[:-2])
        before = [broadcast(n, size) for n, size in zip(x[:-2], batch[more:], strict=True)]
        onto = (*range(more, len(batch)), len(batch) if rows is KEEP else None)
        in_order = onto == tuple(range(len(x.spatial)))
        found.append(Link((*before, rows), along, None if in_order else onto))
    return tuple(found)


def _widened(inputs: tuple[Shape, ...]) -> tuple[int, ...]:
    """How many axes of one cell each matrix gets before its own, where one has more than the other."""
    most = max(map(len, inputs))
    widened = tuple(most - len(x) for x in inputs)
    return widened if any(widened) else ()


def _leading(a: Shape, b: Shape) -> tuple[int, ...]:
    """The axes before the matrices, aligned at the last, where one of one cell is repeated."""
    count = max(len(a), len(b)) - 2
    padded = ((*(1,) * (count - len(x[:-2])), *x[:-2]) for x in (a, b))
    return tuple(m if n == 1 else n for n, m in zip(*padded, strict=True))


@lru_cache(maxsize=256)  # a layer is asked for its links, its outputs and its multiply-adds on the same inputs
def _read(equation: str, inputs: tuple[Shape, ...]) -> tuple[Equation, Mapping[Letter, int]]:
    """An equation, and the size of each of its letters but that of the batch."""
    read = Equation.read(equation, [len(x) + 1 for x in inputs])
    sizes: dict[Letter, int] = {}
    for i, (letters, x) in enumerate(zip(read.operands, inputs, strict=True)):
        own: dict[Letter, int] = {}
        for letter, n in zip(letters[1:], x.torch, strict=True):
            if own.setdefault(letter, n) != n:
                raise LettersDiffer(str(letter), equation, inputs, own[letter], n, operand=i)
        for letter, n in own.items():
            known = sizes.setdefault(letter, n)
            if known != n and 1 not in (known, n):
                raise LettersDiffer(str(letter), equation, inputs, known, n)
            sizes[letter] = max(known, n)
    if len(read.output) == 1:
        raise BadEquation("Einsum leaves no axis", equation, "keep one more letter, for the channels")
    return read, sizes


class Einsum(Layer):
    """Sums of products of one or more tensors, in Einstein's notation: a letter names an axis, and what is not in the
    result is summed over.

    Letters have PyTorch's order: the batch first, then the channels, then the spatial axes. `bchw,bkc->bkhw` makes K
    maps of H×W×C, each the sum of all channels by weights of its own, of which the second tensor, C×K, holds C for each
    map. Every tensor begins with the batch, and so does the result; `...` stands for any number of axes. As in PyTorch,
    an axis of one cell is repeated to the length that its letter has elsewhere. Where a channel becomes a spatial axis
    or the other way round, every value counts as reading all of both.

    Multiply-adds are those of the matrix products that PyTorch makes of it, from the left: first what stands in one
    tensor alone is summed, then each pair is multiplied. Where nothing is summed over in a pair, it has none. (With the
    package opt_einsum PyTorch may multiply three tensors or more in another order.)
    """

    takes: ClassVar[tuple[int, int | None]] = (1, None)
    one_type: ClassVar[bool] = True

    equation: EquationText

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        read, sizes = _read(self.equation, inputs)
        _, channel, *spatial = read.output
        found = []
        for letters, x in zip(read.operands, inputs, strict=True):
            _, own, *others = letters
            axes: list[AxisMap] = []
            onto: list[int | None] = []
            for letter, n in zip(others, x.spatial, strict=True):
                stays = letter in spatial
                axes.append(broadcast(n, sizes[letter]) if stays else All(1))
                onto.append(spatial.index(letter) if stays else None)
            kept = own == channel and x.channels == sizes[channel]
            found.append(Link(tuple(axes), KEEP if kept else All(sizes[channel]), tuple(onto)))
        return (tuple(found),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        read, sizes = _read(self.equation, inputs)
        return (Shape.of_torch(tuple(sizes[letter] for letter in read.output[1:])),)

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        read, _ = _read(self.equation, inputs)
        tensors = [
            dict(zip(letters[1:], x.torch, strict=True)) for letters, x in zip(read.operands, inputs, strict=True)
        ]
        return multiplied(tensors, read.output)

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        read, sizes = _read(self.equation, (Shape.of_torch(x.sizes),))
        if len(sizes) >= len(read.output):
            return None
        strides = dict.fromkeys(sizes, 0)
        for letter, stride in zip(read.operands[0][1:], x.strides, strict=True):
            strides[letter] += stride
        kept = read.output[1:]
        return (Memory(tuple(sizes[each] for each in kept), tuple(strides[each] for each in kept), x.start),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("torch.einsum", {"equation": self.equation}, leading=("equation",)),)
