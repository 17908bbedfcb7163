"""Einstein's notation as PyTorch works it out: pair by pair from the left, each as a product of matrices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod

from planner.autograd import pointwise, products, reductions, views
from planner.autograd.tape import Tape, UnknownCallError
from planner.autograd.tensors import Strided


def einsum(t: Tape, equation: str, xs: Sequence[Strided]) -> Strided:
    ins, out = _letters(equation, xs)
    if any(len(set(letters)) < len(letters) for letters in (*ins, out)):
        raise UnknownCallError("einsum with a letter twice in one tensor")
    summed = [each for each in dict.fromkeys("".join(sorted("".join(ins)))) if each not in out]
    order = [*out, *summed]
    tensors = [_spread(t, x, letters, order) for x, letters in zip(xs, ins, strict=True)]
    left = Counter(i for x in tensors for i, n in enumerate(x.sizes) if n != 1)
    made, *others = tensors
    for each in others:
        made = _pair(t, made, each, len(out), left)
    rest = list(range(len(out), len(order)))
    if others:
        return views.squeeze(t, made, *rest) if rest else made
    return reductions.reduced(t, made, "sum", rest) if rest else made


def _letters(equation: str, xs: Sequence[Strided]) -> tuple[list[str], str]:
    """The letters of each tensor and of the result, those that `...` stands for too."""
    ins, arrow, out = equation.replace(" ", "").partition("->")
    operands = ins.split(",")
    most = max((x.dim - len(each.replace("...", "")) for each, x in zip(operands, xs, strict=True)), default=0)
    free = [chr(code) for code in range(0x3B1, 0x3B1 + most)]
    found = []
    for each, x in zip(operands, xs, strict=True):
        count = x.dim - len(each.replace("...", ""))
        found.append(each.replace("...", "".join(free[most - count :])))
    if not arrow:
        counts = Counter("".join(found))
        out = "".join(free) + "".join(sorted(each for each in counts if counts[each] == 1 and each not in free))
    return found, out.replace("...", "".join(free))


def _spread(t: Tape, x: Strided, letters: str, order: Sequence[str]) -> Strided:
    """The tensor with an axis for each letter, of one cell where it does not have it."""
    x = views.permute(t, x, [letters.index(each) for each in order if each in letters])
    for i, each in enumerate(order):
        if each not in letters:
            x = views.unsqueeze(t, x, i)
    return x


def _pair(t: Tape, a: Strided, b: Strided, kept: int, left: Counter[int]) -> Strided:
    """The product of two tensors, with what no other one has summed over."""
    together: list[int] = []
    alone: tuple[list[int], list[int]] = ([], [])
    for i in range(kept, a.dim):
        if a.sizes[i] != 1 and b.sizes[i] != 1:
            left[i] -= 1
            if left[i] == 1:
                together.append(i)
                left[i] = 0
        elif left[i] == 1:
            if a.sizes[i] != 1:
                alone[0].append(i)
                left[i] = 0
            elif b.sizes[i] != 1:
                alone[1].append(i)
                left[i] = 0
    a, b = (
        reductions.reduced(t, x, "sum", dims, keepdim=True) if dims else x
        for x, dims in zip((a, b), alone, strict=True)
    )
    if not together:
        return pointwise.multiply(t, a, b)
    return _product(t, a, b, together)


def _product(t: Tape, a: Strided, b: Strided, summed: Sequence[int]) -> Strided:
    """A batch of products of matrices (ATen's `sumproduct_pair`)."""
    rest = [i for i in range(a.dim) if i not in summed]
    both = [i for i in rest if a.sizes[i] != 1 and b.sizes[i] != 1]
    rows = [i for i in rest if a.sizes[i] != 1 and b.sizes[i] == 1]
    columns = [i for i in rest if a.sizes[i] == 1]

    def held(x: Strided, axes: Sequence[int]) -> int:
        return prod(x.sizes[i] for i in axes)

    count, inner = held(a, both), held(a, summed)
    first = views.permute(t, a, (*both, *rows, *summed, *columns))
    second = views.permute(t, b, (*both, *summed, *columns, *rows))
    first = views.reshape(t, first, (count, held(a, rows), inner))
    second = views.reshape(t, second, (count, inner, held(b, columns)))
    made = products.bmm(t, first, second)
    order = [*both, *rows, *summed, *columns]
    sizes = [1 if i in summed else max(a.sizes[i], b.sizes[i]) for i in order]
    made = views.reshape(t, made, sizes)
    return views.permute(t, made, [order.index(i) for i in range(a.dim)])
