"""Calls of layers in a forward pass, as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from planner.outputs.code._copies import Calling
from planner.outputs.code._expressions import Expr, const, text
from planner.outputs.code._layouts import Side, dims_of, follows
from planner.outputs.code._parts import Part
from planner.outputs.code._program import Program
from planner.outputs.code._text import Brackets, Item

ATOM, CHOICE = 9, 1
OPERATORS = {"add": ("+", 6), "sub": ("-", 6), "mul": ("*", 7), "matmul": ("@", 7)}


class Code(NamedTuple):
    """A tensor as an expression.

    binds      how tightly its loosest operator binds
    side       where it has its channels
    reads      the variables that it reads
    unbatched  how many axes it has beside the batch, where it has none for the batch, or one of size 1
    """

    code: str | Brackets
    binds: int = ATOM
    side: Side = "first"
    reads: frozenset[str] = frozenset()
    unbatched: int = 0

    @property
    def atom(self) -> str:
        return str(self.code) if self.binds == ATOM else f"({self.code})"

    def after(self, head: str) -> str | Brackets:
        return self.code.after(head) if isinstance(self.code, Brackets) else f"{head}{self.code}"

    def on(self, side: Side) -> Code:
        return self._replace(side=side)

    def reading(self, others: Sequence[Code]) -> Code:
        return self._replace(reads=frozenset().union(*(each.reads for each in others)))

    def moved(self, to: Side) -> Code:
        """The same with the channels elsewhere."""
        if self.side == to:
            return self
        batch = 0 if self.unbatched else 1
        places = f"{batch}, -1" if to == "last" else f"-1, {batch}"
        return self._replace(code=f"{self.atom}.movedim({places})", binds=ATOM, side=to)

    def at(self, path: Sequence[int]) -> Code:
        """One of the things that a call returns."""
        return self._replace(code=self.atom + "".join(f"[{i}]" for i in path), binds=ATOM)

    def with_batch(self, axis: int) -> Code:
        """The same with the batch first, which it has as another axis."""
        return self._replace(code=f"{self.atom}.movedim({axis}, 0)", binds=ATOM) if axis else self


def operator_code(part: Part, args: Sequence[Code], unbatched: int) -> Code:
    """Operands with an operator between them."""
    sign, binds = OPERATORS[part.calls[-1].target.partition(".")[2]]
    first, *others = args
    written = [str(first.code) if first.binds >= binds else first.atom]
    written += [str(each.code) if each.binds > binds else each.atom for each in others]
    return Code(f" {sign} ".join(written), binds, unbatched=unbatched)


def call(
    program: Program,
    part: Part,
    module: str,
    args: Sequence[Code],
    side: Side,
    attribute: Callable[[Expr], str],
) -> Code:
    """The call of a layer, with `module` as what is called where it is one."""
    last = part.calls[-1]
    program.uses(*(expr for _, expr in last.args))
    read = list(args)
    if len(part.calls) > 1:
        first = part.calls[0]
        read[0] = _function(program, first, dict(first.args), read[:1])
    reads = last.call.reads
    read = read if reads is None else [read[i] for i in reads]
    if last.is_module:
        named = [f"{arg}={const(found)}" for arg, found in last.call.forward.items()]
        return Code(Brackets(f"{module}(", [*(Item(each.code) for each in read), *map(Item, named)]))
    given = {arg: _in_forward(expr, args, attribute) for arg, expr in last.args}
    if last.centred:
        return Code(Brackets(f"{program.centred()}(", [Item(read[0].code), Item(_size(given["size"]))]))
    if side == "last" and follows(part):
        given = _along(last, given, len(part.item.inputs[0].shape))
    return _function(program, last, given, read)


def _function(program: Program, calling: Calling, given: Mapping[str, Expr], read: Sequence[Code]) -> Code:
    home, _, function = calling.target.rpartition(".")
    if home == "Tensor":
        return _method(function, given, read[0])
    program.imports.add("F" if home == "F" else "torch")
    named = [f"{'' if arg in ('pad', 'equation') else f'{arg}='}{_size(expr)}" for arg, expr in given.items()]
    inputs = [Item(each.code) for each in read]
    if calling.call.gathers:
        inputs = [Item(Brackets("[", inputs, "]"))]
    if function == "einsum":
        return Code(Brackets(f"{calling.target}(", [*map(Item, named), *inputs]))
    return Code(Brackets(f"{calling.target}(", [*inputs, *map(Item, named)]))


def _method(function: str, given: Mapping[str, Expr], x: Code) -> Code:
    if function == "__getitem__":
        return Code(f"{x.atom}[{', '.join(map(str, given['index'].args))}]")
    if function == "select" and given["dim"].is_const and given["dim"].args[0] > 0:
        return Code(f"{x.atom}[{':, ' * given['dim'].args[0]}{given['index']}]")
    if function == "reshape":
        given = {"shape": _reshaped(given["shape"], x)}
    values = [each for expr in given.values() for each in (expr.args if expr.op == "tuple" else (expr,))]
    return Code(Brackets(f"{x.atom}.{function}(", [Item(str(each)) for each in values]))


def _reshaped(shape: Expr, x: Code) -> Expr:
    """A shape in which a size that depends on the input's is left to PyTorch."""
    _, *sizes = shape.args
    if sum(not size.is_const for size in sizes) == 1:
        return Expr("tuple", (text(f"{x.atom}.shape[0]"), *(size if size.is_const else const(-1) for size in sizes)))
    return shape


def _in_forward(expr: Expr, args: Sequence[Code], attribute: Callable[[Expr], str]) -> Expr:
    """An argument of a function: parameters are attributes of the module, sizes are those of the tensors."""
    if expr.op == "size":
        place, dim = expr.args
        return Expr("size", (text(args[place.args[0]].atom), dim))
    if expr.op == "name":
        return text(f"self.{attribute(expr)}")
    return Expr(expr.op, tuple(_in_forward(each, args, attribute) for each in expr.parts)) if expr.parts else expr


def _size(expr: Expr) -> str:
    """An argument; all spatial sizes of one tensor are a slice of its shape."""
    if expr.op == "tuple" and expr.args and all(each.op == "size" for each in expr.args):
        tensor, dim = expr.args[0].args
        if dim.is_value(2) and all(each.args[0] == tensor for each in expr.args):
            return f"{tensor}.shape[2:]"
    return str(expr)


def sizes_read(expr: Expr) -> list[int]:
    """The places of the inputs whose sizes an argument is worked out from, once for each time they are asked."""
    if expr.op == "size":
        return [expr.args[0].args[0]]
    return [place for part in expr.parts for place in sizes_read(part)]


def _along(calling: Calling, given: dict[str, Expr], axes: int) -> dict[str, Expr]:
    """The arguments of a call along an axis for a tensor with its channels last."""
    if calling.target == "Tensor.__getitem__":
        *whole, cut = given["index"].args
        return {"index": Expr("tuple", (*whole[:-1], cut) if len(whole) > 1 else (text("..."), cut))}
    dims = [const(_last(dim % (axes + 1))) for dim in dims_of(calling) or ()]
    several = "dim" in given and given["dim"].op == "tuple"
    return {**given, "dim": Expr("tuple", tuple(dims)) if several else dims[0]}


def _last(dim: int) -> int:
    return -1 if dim == 1 else dim - 1
