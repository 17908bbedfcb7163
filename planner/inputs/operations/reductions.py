"""Functions that work along dimensions: sums and means, softmax, products of matrices, attention."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from string import ascii_lowercase
from typing import Any

from planner.inputs._axes import Axis, Traced, fresh
from planner.inputs._building import GraphBuilder, dim_of_axis
from planner.inputs._graph import GraphNode, NotSayable, Output
from planner.inputs._meeting import refined
from planner.inputs.operations import OPERATIONS, all_operations, operation
from planner.inputs.operations._arguments import chosen, listed
from planner.inputs.operations.arithmetic import operator
from planner.inputs.operations.masking import as_addend, is_noted
from planner.inputs.operations.shapes import unsqueeze


def _along(b: GraphBuilder, x: Any, dims: Any) -> tuple[Traced, list[int], list[int]]:
    """A tensor in which each of some dimensions is an axis of its own; these dimensions and axes."""
    tensor = b.tensor(x)
    if dims is None or dims == ():
        if tensor.has_batch:
            raise NotSayable("a reduction of all dimensions, the batch among them")
        dims = tuple(range(tensor.rank))
    chosen_dims = sorted({tensor.dim(dim) for dim in (dims if isinstance(dims, tuple | list) else (dims,))})
    if any(b.batch in tensor.dims[dim] for dim in chosen_dims):
        raise NotSayable("a reduction over the batch")
    axes = _whole_axes(tensor, chosen_dims)
    if not axes:
        for dim in chosen_dims:
            tensor, _ = b.parted(tensor, dim)
        axes = [tensor.axes.index(tensor.own(dim)) for dim in chosen_dims]
    return tensor, chosen_dims, axes


def _whole_axes(x: Traced, dims: Sequence[int]) -> list[int]:
    """The axes that some dimensions consist of, which hold nothing else."""
    own = {factor for dim in dims for factor in x.own(dim)}
    axes = [i for i, axis in enumerate(x.axes) if axis and set(axis) <= own]
    return axes if sum(len(x.axes[i]) for i in axes) == len(own) else []


def along_one(b: GraphBuilder, x: Any, dim: int) -> tuple[Traced, int, int]:
    """A tensor in which a dimension is an axis of its own; that dimension and that axis."""
    tensor = b.tensor(x)
    at = tensor.dim(dim)
    if b.batch in tensor.dims[at]:
        raise NotSayable("a function along the batch")
    tensor, axis = b.parted(tensor, at)
    return tensor, at, axis


def _reduced(
    type_: str, b: GraphBuilder, input: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None, **more: Any
) -> Traced:
    tensor = b.tensor(input)
    gone = set() if dim is None else {tensor.dim(each) for each in (dim if isinstance(dim, tuple | list) else (dim,))}
    if gone and not any(tensor.dims[each] for each in gone) and type_ in ("Mean", "Sum", "Max", "Min"):
        return tensor if keepdim else tensor.with_dims(own for i, own in enumerate(tensor.dims) if i not in gone)
    tensor, dims, axes = _along(b, input, dim)
    rank = len(tensor.axes)
    where = [dim_of_axis(axis, rank) for axis in axes]
    keeps = keepdim or rank - 1 in axes or rank == len(axes)
    arguments = {"dim": where[0] if len(where) == 1 else sorted(where), **more} | ({"keepdim": True} if keeps else {})
    step = b.step(type_, arguments, [tensor])
    left: tuple[Axis, ...] = tuple(
        () if i in axes else axis for i, axis in enumerate(tensor.axes) if keeps or i not in axes
    )
    found = Traced(Output(step), left, tuple(() if i in dims else own for i, own in enumerate(tensor.dims)), b.batch)
    return found if keepdim else found.with_dims(own for i, own in enumerate(found.dims) if i not in dims)


REDUCTIONS = {
    "mean": "Mean", "sum": "Sum", "prod": "Prod", "amax": "Max", "amin": "Min", "logsumexp": "LogSumExp",
    "argmax": "ArgMax", "argmin": "ArgMin",
}  # fmt: skip
OPERATIONS.update({name: partial(_reduced, type_) for name, type_ in REDUCTIONS.items()})


def _place_of(type_: str, b: GraphBuilder, input: Any, *args: Any, **kwargs: Any) -> Traced | None:
    before = len(b.added)
    try:
        return _reduced(type_, b, input, *args, **kwargs)
    except NotSayable:
        b.forget(b.added[before:])
        return None


def _extreme(type_: str, pair: str, b: GraphBuilder, input: Any, *args: Any, **kwargs: Any) -> Any:
    """The largest or smallest along a dimension, and its place; or of two tensors."""
    if (args and isinstance(args[0], int)) or "dim" in kwargs:
        return _reduced(type_, b, input, *args, **kwargs), _place_of(f"Arg{type_}", b, input, *args, **kwargs)
    if not args:
        raise NotSayable("the largest of all values, of all samples")
    return all_operations()[pair](b, input, *args)


OPERATIONS.update({"max": partial(_extreme, "Max", "maximum"), "min": partial(_extreme, "Min", "minimum")})


def _spread(
    type_: str, b: GraphBuilder, input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
    correction: Any = None,
) -> Traced:  # fmt: skip
    """Variance or standard deviation."""
    less = correction if correction is not None else 1 if unbiased is None else int(unbiased)
    return _reduced(type_, b, input, dim, keepdim, **({} if less == 1 else {"correction": less}))


OPERATIONS.update({"var": partial(_spread, "Var"), "std": partial(_spread, "Std")})


def _with_mean(
    type_: str, b: GraphBuilder, input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
    correction: Any = None,
) -> tuple[Traced, Traced]:  # fmt: skip
    spread = _spread(type_, b, input, dim, unbiased, keepdim, correction=correction)
    return spread, _reduced("Mean", b, input, dim, keepdim)


OPERATIONS.update({"var_mean": partial(_with_mean, "Var"), "std_mean": partial(_with_mean, "Std")})


@operation("norm")
def norm(
    b: GraphBuilder, input: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, out: Any = None, dtype: Any = None
) -> Traced:
    """The length along dimensions; `fro` is the usual one."""
    return _reduced("Norm", b, input, dim, keepdim, **({} if p in (2, "fro", None) else {"p": p}))


@operation("linalg_vector_norm")
def vector_norm(
    b: GraphBuilder, x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Traced:
    return norm(b, x, ord, dim, keepdim)


@operation("linalg_norm")
def length_or_size(
    b: GraphBuilder, x: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Traced:
    """The length along one dimension, or of a matrix as of a row of its numbers."""
    if ord not in (None, "fro") and not isinstance(dim, int):
        raise NotSayable("a norm of matrices")
    return norm(b, x, ord, dim, keepdim)


@operation("_weight_norm")
def weight_norm(b: GraphBuilder, v: Any, g: Any, dim: int = 0) -> Traced:
    """A weight by its direction and its length, for each cell of a dimension."""
    direction = b.tensor(v)
    others = [each for each in range(direction.rank) if each != dim % direction.rank]
    length = norm(b, direction, 2, others, True)
    return operator("Multiply", b, direction, operator("Divide", b, g, length))


def _softmax(
    type_: str, b: GraphBuilder, input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None
) -> Traced:
    tensor, _, axis = along_one(b, input, dim)
    rank = len(tensor.axes)
    arguments = {} if axis == rank - 1 else {"dim": dim_of_axis(axis, rank)}
    return b.like(b.step(type_, arguments, [tensor]), tensor)


OPERATIONS.update({"softmax": partial(_softmax, "Softmax"), "log_softmax": partial(_softmax, "LogSoftmax")})


@operation("glu")
def glu(b: GraphBuilder, input: Any, dim: int = -1) -> Traced:
    tensor, at, axis = along_one(b, input, dim)
    rank = len(tensor.axes)
    step = b.step("GLU", {"dim": dim_of_axis(axis, rank)}, [tensor])
    new = b.output(step, lambda axes: axes).axes[axis]
    axes = (*tensor.axes[:axis], new, *tensor.axes[axis + 1 :])
    return Traced(Output(step), axes, (*tensor.dims[:at], new, *tensor.dims[at + 1 :]), b.batch)


@operation("cumsum")
def cumsum(b: GraphBuilder, input: Any, dim: int, dtype: Any = None) -> Traced:
    tensor, _, axis = along_one(b, input, dim)
    return b.like(b.step("Cumsum", {"dim": dim_of_axis(axis, len(tensor.axes))}, [tensor]), tensor)


# Matrices


def _leading(
    b: GraphBuilder, tensors: list[Traced], last: int = 2
) -> tuple[list[list[Axis]], list[Axis], list[Axis], list[Traced]]:
    """Tensors whose dimensions before the last ones meet: the axes that each has there, those of the result, its
    dimensions, and the tensors with equal factors.
    """
    rank = max(tensor.rank for tensor in tensors)
    raised = [each.with_dims((*[()] * (rank - each.rank), *each.dims)) for each in tensors]
    fronts = refined([each.with_dims((*each.dims[:-last], *[()] * last)) for each in raised])
    raised = [
        front.with_dims((*front.dims[:-last], *whole.dims[-last:])) for front, whole in zip(fronts, raised, strict=True)
    ]
    fronts_axes: list[list[Axis]] = [[] for _ in raised]
    result: list[Axis] = []
    dims: list[Axis] = []
    for dim in range(rank - last):
        owns = [each.own(dim) for each in raised]
        most = max(owns, key=len)
        for i in range(len(most)):
            for front, own in zip(fronts_axes, owns, strict=True):
                front.append((own[i],) if own else ())
            result.append((most[i],))
        batched = any(b.batch in each.dims[dim] for each in raised)
        if batched and any(each.dims[dim] and b.batch not in each.dims[dim] for each in raised):
            raise NotSayable("a matrix that differs from sample to sample by its place in the batch")
        dims.append((*((b.batch,) if batched else ()), *most))
    return fronts_axes, result, dims, raised


def _renewed(dims: list[Axis], result: list[Axis], b: GraphBuilder) -> list[Axis]:
    """Dimensions with new factors: those of the axes of a result, one after the other."""
    new = iter(result)
    return [tuple(factor if factor is b.batch else next(new)[0] for factor in dim) for dim in dims]


def _two_dims(x: Traced) -> Traced:
    if x.rank < 2:
        raise NotSayable("a product with a vector")
    return x


@operation("matmul", "bmm", "mm", "rmatmul")
def matmul(b: GraphBuilder, input: Any, other: Any) -> Traced:
    x, y = b.tensor(input), b.tensor(other)
    if y.rank == 1:
        return matrix_by_vector(b, x, y)
    if x.rank == 1:
        row: Traced = matmul(b, unsqueeze(b, x, 0), y)
        return row.with_dims((*row.dims[:-2], row.dims[-1]))
    if x.rank == 2 and x.dims[0][:1] == (b.batch,) and not y.has_batch:  # rows of all samples
        product: Traced = matmul(b, x.with_dims(((b.batch,), x.own(0), x.dims[1])), y)
        return product.with_dims(((b.batch, *product.own(1)), *product.dims[2:]))
    fronts, result, dims, (x, y) = _leading(b, [x, y])
    rows, columns = x.own(x.rank - 2), y.own(y.rank - 1)
    if any(b.batch in each.dims[dim] for each in (x, y) for dim in (-1, -2)):
        raise NotSayable("a product along the batch")
    left = b.ordered(x, (*fronts[0], rows, x.own(x.rank - 1)))
    turned = (*fronts[1], columns, y.own(y.rank - 2))
    straight = (*fronts[1], y.own(y.rank - 2), columns)
    transpose = y.axes == turned or (y.axes != straight and y.axes[-1] == turned[-1])
    right = b.ordered(y, turned if transpose else straight)
    step = b.step("MatMul", {"transpose_b": True} if transpose else {}, [left, right])
    return _of_rows(b, step, result, dims, rows, columns)


def _of_rows(
    b: GraphBuilder, step: GraphNode, result: list[Axis], dims: list[Axis], rows: Axis, columns: Axis
) -> Traced:
    """What a step makes of the rows of one matrix and the columns, or rows, of another."""
    result, rows, columns = [*map(fresh, result)], fresh(rows), fresh(columns)
    return Traced(Output(step), (*result, rows, columns), (*_renewed(dims, result, b), rows, columns), b.batch)


@operation("mv")
def matrix_by_vector(b: GraphBuilder, input: Any, vec: Any) -> Traced:
    return _reduced("Sum", b, operator("Multiply", b, input, vec), -1)


@operation("dot", "vdot")
def dot(b: GraphBuilder, x: Any, y: Any) -> Traced:
    """The sum of the products of two vectors."""
    return _reduced("Sum", b, operator("Multiply", b, x, y), -1)


@operation("addmm", "baddbmm")
def addmm(b: GraphBuilder, input: Any, x: Any, y: Any, *, beta: Any = 1, alpha: Any = 1) -> Traced:
    """A product of matrices with an addend, as of layers whose weights are stored the other way."""
    product = matmul(b, x, y)
    product = product if alpha == 1 else operator("Multiply", b, product, alpha)
    if not beta:
        return product
    return operator("Add", b, product, input if beta == 1 else operator("Multiply", b, input, beta))


@operation("cdist")
def distances(b: GraphBuilder, x1: Any, x2: Any, p: Any = 2.0, compute_mode: Any = None) -> Traced:
    """How far rows lie apart; the way in which PyTorch works it out does not matter."""
    fronts, result, dims, (x, y) = _leading(b, [_two_dims(b.tensor(x1)), _two_dims(b.tensor(x2))])
    if any(b.batch in each.dims[dim] for each in (x, y) for dim in (-1, -2)):
        raise NotSayable("distances along the batch")
    matrices = [
        b.ordered(each, (*front, each.own(each.rank - 2), each.own(each.rank - 1)))
        for each, front in zip((x, y), fronts, strict=True)
    ]
    step = b.step("CDist", chosen({"p": (float(p), 2.0)}), matrices)
    return _of_rows(b, step, result, dims, x.own(x.rank - 2), y.own(y.rank - 2))


@operation("scaled_dot_product_attention")
def attention(
    b: GraphBuilder, query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: Any = None, enable_gqa: bool = False,
) -> Traced:  # fmt: skip
    if dropout_p:
        raise NotSayable("attention with dropout in evaluation")
    read = [_two_dims(b.tensor(each)) for each in (query, key, value)]
    if attn_mask is not None:
        mask = _two_dims(b.tensor(attn_mask))
        is_truth = b.reads[-1] == "truth"
        is_causal = is_causal or (is_truth and is_noted(b, "lower triangle", mask))
        if is_truth and not is_causal:
            mask = as_addend(b, mask, hides=False)
        read += [] if is_causal else [mask]
    own = 3 if enable_gqa else 2  # heads that differ in number do not meet
    fronts, result, dims, raised = _leading(b, read, own)
    if any(b.batch in each.dims[dim] for each in raised for dim in range(-own, 0)):
        raise NotSayable("attention along the batch")
    placed = [
        b.ordered(each, (*front, *(each.own(each.rank - dim) for dim in range(own, 0, -1))))
        for each, front in zip(raised, fronts, strict=True)
    ]
    arguments = chosen({"is_causal": (is_causal, False), "scale": (scale, None), "enable_gqa": (enable_gqa, False)})
    step = b.step("ScaledDotProductAttention", arguments, placed)
    rows = (fresh(raised[0].own(raised[0].rank - dim)) for dim in range(own, 1, -1))
    last = (*rows, fresh(raised[2].own(raised[2].rank - 1)))
    result = [*map(fresh, result)]
    dims = _renewed(dims, result, b)
    return Traced(Output(step), (*result, *last), (*dims, *last), b.batch)


@operation("outer", "ger")
def outer(b: GraphBuilder, x: Any, y: Any) -> Traced:
    """The products of each value of a vector with each of another: places times frequencies, in rotary embeddings."""
    return operator("Multiply", b, unsqueeze(b, y, 0), unsqueeze(b, x, 1))


def _all_letters(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and those of the result, where `...` stands for some, or the result is left out."""
    ins, arrow, out = equation.partition("->")
    parts = ins.split(",")
    if len(parts) != len(ranks):
        raise NotSayable("torch.einsum of other operands")
    spare = [letter for letter in ascii_lowercase if letter not in equation]
    most = max([rank - len(own) + 3 for own, rank in zip(parts, ranks, strict=True) if "..." in own], default=0)
    dots = "".join(spare[:most])
    letters = [own.replace("...", dots[most - (rank - len(own) + 3) :]) for own, rank in zip(parts, ranks, strict=True)]
    if not arrow:
        given = "".join(parts).replace(".", "")
        out = ("..." if most else "") + "".join(sorted(each for each in set(given) if given.count(each) == 1))
    return letters, out.replace("...", dots)


@operation("einsum")
def einsum(b: GraphBuilder, equation: Any, *operands: Any) -> Traced:
    """Sums of products; letters of the batch are not written into the sum where no tensor has the batch there."""
    if not isinstance(equation, str):
        raise NotSayable("torch.einsum without letters")
    read = [b.tensor(each) for each in listed(operands)]
    letters, out = _all_letters(equation.replace(" ", ""), [each.rank for each in read])
    batched = {
        letter
        for own, x in zip(letters, read, strict=True)
        for letter, dim in zip(own, x.dims, strict=True)
        if b.batch in dim
    }
    if not batched and out == "".join(letters) and [len(own) for own in letters] == [1, 1]:
        return outer(b, *read)
    if len(batched) != 1 or not batched <= set(out):
        raise NotSayable("torch.einsum without the batch")
    (first,) = batched
    folded = {
        tuple(f.sizes for f in x.own(own.index(first))) for own, x in zip(letters, read, strict=True) if first in own
    }
    if len(folded) > 1:
        raise NotSayable("torch.einsum on different axes that are folded into the batch")
    spare = iter(letter for letter in ascii_lowercase if letter not in equation)
    beside = "".join(next(spare) for _ in next(iter(folded)))
    placed, written = [], []
    sizes: dict[str, Axis] = {}
    for own, x in zip(letters, read, strict=True):
        axes: dict[str, Axis] = {}
        for letter in own:
            if letter == first:
                axes |= {more: (factor,) for more, factor in zip(beside, x.own(own.index(letter)), strict=True)}
            else:
                axes[letter] = x.own(own.index(letter))
        sizes |= axes
        order = list(axes)
        placed.append(b.ordered(x, [axes[letter] for letter in (*order[1:], order[0])] if order else [()]))
        written.append(first + "".join(order))
    rest = [more for letter in out for more in (beside if letter == first else letter)]
    step = b.step("Einsum", {"equation": f"{','.join(written)}->{first}{''.join(rest)}"}, placed)
    new = {letter: fresh(sizes[letter]) for letter in rest}
    dims = [(b.batch, *(new[more][0] for more in beside)) if letter == first else new[letter] for letter in out]
    return Traced(
        Output(step), tuple(new[letter] for letter in (*rest[1:], rest[0])) if rest else ((),), tuple(dims), b.batch
    )
