"""The call of a layer in a forward pass, for tensors that have their channels second or last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from planner.classes.expressions import ATOM, BINDS, OF_ONE, SIGNS, Expr, const, text
from planner.classes.parts import Part
from planner.classes.tensors import Calling
from planner.layers._call import Call
from planner.outputs.code.torch.layouts import axes_of, follows, renumbered
from planner.outputs.code.torch.program import Program
from planner.outputs.code.torch.text import Bracketed, Brackets, Chain, after
from planner.sides import Side

Lack = Literal["", "size", "axis"]
"""What a trained parameter lacks beside other tensors: the size of the batch, or the batch axis altogether."""
Order = tuple[int, ...]
"""For each axis of a tensor, which one it is of the tensor that it was made from."""


class Code(NamedTuple):
    """A tensor as an expression.

    base   the expression that its axes are taken from
    binds  how tightly the loosest operator of the base binds
    side   where it has its channels
    reads  the variables that it reads
    axes   how many axes it has beside the batch; None where copies differ
    lacks  what it lacks of a batch, where it is a trained parameter
    order  which axis of the base each of its axes is; None: as they are
    """

    base: str | Brackets
    binds: int = ATOM
    side: Side = "first"
    reads: frozenset[str] = frozenset()
    axes: int | None = None
    lacks: Lack = ""
    order: Order | None = None

    @property
    def code(self) -> str | Brackets:
        """The text, or the brackets that may take several lines."""
        return self.settled().base

    @property
    def atom(self) -> str:
        """The text, in brackets where an operator could tear it apart."""
        settled = self.settled()
        return str(settled.base) if settled.binds == ATOM else f"({settled.base})"

    @property
    def written(self) -> tuple[str, int]:
        """The text, and how tightly its loosest operator binds."""
        settled = self.settled()
        return str(settled.base), settled.binds

    def settled(self) -> Code:
        """The tensor with its axes in order."""
        if self.order is None:
            return self
        atom = str(self.base) if self.binds == ATOM else f"({self.base})"
        return self._replace(base=f"{atom}{_rearranged(self.order)}", binds=ATOM, order=None)

    def after(self, head: str) -> str | Brackets:
        """The expression after the beginning of a statement."""
        return after(head, self.code)

    def with_batch_of_one(self) -> Code:
        """The tensor, which lacks a batch, with a batch axis of size 1."""
        if self.lacks != "axis":
            return self
        return self._replace(base=f"{self.atom}[None]", binds=ATOM, lacks="size", order=None)

    def without_batch(self) -> Code:
        """The tensor, which lacks a batch, without the axis of a batch of size 1."""
        if self.lacks != "size":
            return self
        return self._replace(base=f"{self.atom}[0]", binds=ATOM, lacks="axis", order=None)

    def on(self, side: Side) -> Code:
        return self._replace(side=side)

    def reading(self, others: Sequence[Code]) -> Code:
        return self._replace(reads=frozenset().union(*(each.reads for each in others)))

    def permuted(self, order: Order) -> Code:
        """The tensor with its axes in another order."""
        if self.order is not None:
            order = tuple(self.order[i] for i in order)
        return self._replace(order=None if order == tuple(range(len(order))) else order)

    def moved(self, to: Side) -> Code:
        """The tensor with the channels elsewhere."""
        if self.side == to:
            return self
        first = 0 if self.lacks == "axis" else 1
        if self.axes is None:
            places = f"{first}, -1" if to == "last" else f"-1, {first}"
            return self._replace(base=f"{self.atom}.movedim({places})", binds=ATOM, side=to, order=None)
        last = first + self.axes - 1
        order = [*range(first), *range(first + 1, last + 1), first]
        if to == "first":
            order = [*range(first), last, *range(first, last)]
        return self.permuted(tuple(order)).on(to)

    def at(self, path: Sequence[int]) -> Code:
        """One of the values that a call returns."""
        taken = "".join(f"[{i}]" for i in path)
        if isinstance(self.base, Brackets) and self.binds == ATOM and self.order is None:
            return self._replace(base=self.base.before(taken))
        return self._replace(base=self.atom + taken, binds=ATOM, order=None)

    def with_batch(self, axis: int, axes: int) -> Code:
        """The tensor with its batch axis moved to the front."""
        if not axis:
            return self
        return self.permuted((axis, *(each for each in range(axes + 1) if each != axis)))

    def with_batch_at(self, place: int) -> Code:
        """The tensor with its batch axis moved from the front, and laid out in memory as cuDNN wants it."""
        if not place:
            return self
        if self.axes is None:
            return self._replace(base=f"{self.atom}.movedim(0, {place}).contiguous()", binds=ATOM, order=None)
        moved = self.permuted((*range(1, place + 1), 0, *range(place + 1, self.axes + 1)))
        return moved if moved.order is None else moved._replace(base=f"{moved.settled().base}.contiguous()", order=None)

    def ends(self, count: int) -> bool:
        """Whether it has so many spatial axes behind its channels, as it is."""
        return self.side == "first" and self.order is None and self.axes == count + 1

    def size(self, dim: int) -> Expr:
        """The size of an axis, told as of a tensor that has its channels second."""
        if self.lacks == "size" and not dim:
            return const(1)
        if self.side == "last" and dim:
            dim = dim - 1 if dim > 1 else self.axes or -1
        if self.order is not None:
            return Expr("size", (text(self._replace(order=None).atom), const(self.order[dim])))
        return Expr("size", (text(self.atom), const(dim)))


def _rearranged(order: Order) -> str:
    """The call that brings axes into an order."""
    count = len(order)
    changed = [i for i, axis in enumerate(order) if axis != i]
    if len(changed) == 2:
        return f".transpose({changed[0]}, {changed[1]})"
    for source, place in ((changed[0], changed[-1]), (changed[-1], changed[0])):
        others = [axis for axis in range(count) if axis != source]
        if order == (*others[:place], source, *others[place:]):
            source, place = (each - count if each == count - 1 else each for each in (source, place))
            return f".movedim({source}, {place})"
    return f".permute({', '.join(map(str, order))})"


def operator_code(part: Part, args: Sequence[Code], attribute: Callable[[Expr], str]) -> Code:
    """Operands with an operator between them, or one with its sign before it."""
    calling = part.calls[-1]
    return _operation(calling, args, {arg: in_forward(expr, args, attribute) for arg, expr in calling.args})


def _operation(calling: Calling, args: Sequence[Code], numbers: Mapping[str, Expr]) -> Code:
    """The tensors and the numbers that an operator takes, with the operator between them."""
    call = calling.call
    if call.name == "neg":
        (x,) = args
        code, binds = x.written
        return Code(f"-{code if binds >= BINDS['neg'] else f'({code})'}", BINDS["neg"], lacks=x.lacks)
    sign = SIGNS.get(call.name) or OF_ONE[call.name]
    binds = BINDS[sign]
    turned = [_turned(each) if i in call.turned else each for i, each in enumerate(args)]
    if call.widened:
        turned = [_widened(each, more) for each, more in zip(turned, call.widened, strict=True)]
    operands = [each.written for each in turned]
    constants = [expr.written for expr in numbers.values()]
    first, *others = [*constants, *operands] if call.reversed else [*operands, *constants]
    written = [first[0] if first[1] >= binds + (sign == "**") else f"({first[0]})"]
    least = BINDS["neg"] if sign == "**" else binds + 1  # the exponent of `**` may have a sign of its own
    written += [code if its >= least and its != BINDS["**"] else f"({code})" for code, its in others]
    return Code(f" {sign} ".join(written), binds, lacks=lacking(args))


def lacking(args: Sequence[Code]) -> Lack:
    """What the result lacks where tensors meet value by value: what all of them lack."""
    return min((each.lacks for each in args), key=("", "size", "axis").index)


def _turned(code: Code) -> Code:
    """The tensor with its last two axes in each other's place."""
    if code.axes is None:
        return code._replace(base=f"{code.atom}.transpose(-2, -1)", binds=ATOM, order=None)
    *others, a, b = range(code.axes + (code.lacks != "axis"))
    return code.permuted((*others, b, a))


def _widened(code: Code, more: int) -> Code:
    """The tensor with axes of one cell added after its batch; without a batch, PyTorch adds such axes by itself."""
    if not more or code.lacks == "axis":
        return code
    axes = None if code.axes is None else code.axes + more
    return code._replace(base=f"{code.atom}[:{', None' * more}]", binds=ATOM, axes=axes, order=None)


def call(
    program: Program,
    part: Part,
    module: str,
    args: Sequence[Code],
    side: Side,
    attribute: Callable[[Expr], str],
) -> Code:
    """The call of a layer, with `module` as the code that finds the module where the layer is one."""
    last = part.calls[-1]
    program.uses(*(expr for calling in part.calls for _, expr in calling.args))
    if last.call.is_permutation:
        return _permuted(last, args[0])
    if last.call.is_rearrangement:
        given = {arg: in_forward(expr, args, attribute) for arg, expr in last.args}
        return rearranged(args[0], given, side)
    if last.call.is_operator:
        return operator_code(part, args, attribute)
    read = list(args)
    if len(part.calls) > 1:
        first = part.calls[0]
        given = {arg: in_forward(expr, args, attribute) for arg, expr in first.args}
        operates = first.call.is_operator
        read[0] = _operation(first, read[:1], given) if operates else _function(program, first, given, read[:1])
    reads = last.call.reads
    read = read if reads is None else [read[i] for i in reads]
    if last.call.widened:
        read = [_widened(each, more) for each, more in zip(read, last.call.widened, strict=True)]
    if last.call.batched_at:
        read = [each.with_batch_at(place) for each, place in zip(read, last.call.batched_at, strict=True)]
    if last.is_module:
        return _module(program, last.call, module, read)
    given = {arg: in_forward(expr, args, attribute) for arg, expr in last.args}
    if last.centred:
        return Code(Brackets(f"{program.centred()}(", [Bracketed(read[0].code), Bracketed(_size(given["size"], args))]))
    if side == "last" and follows(part):
        given = renumbered(last, given, axes_of(part))
    return _function(program, last, given, read, args)


def _module(program: Program, made: Call, module: str, read: Sequence[Code]) -> Code:
    """The call of a module with its inputs, a mask, and what else its forward pass takes."""
    inputs, by_name = _inputs(made, read)
    items = [*inputs, *by_name]
    if made.causal:
        items.append(Bracketed(f"{made.causal}={program.causal_mask()}({read[0].code})"))
    items += [Bracketed(f"{arg}={const(found)}") for arg, found in made.forward.items()]
    return Code(Brackets(f"{module}(", items))


def _inputs(made: Call, read: Sequence[Code]) -> tuple[list[Bracketed], list[Bracketed]]:
    """The inputs of a call as they come, the last of them perhaps as a tuple, and those that are given by name."""
    count = len(read) - len(made.named)
    by_name = [Bracketed(each.after(f"{name}=")) for name, each in zip(made.named, read[count:], strict=True)]
    inputs = [Bracketed(each.code) for each in read[:count]]
    if made.tupled:
        inputs[-made.tupled :] = [Bracketed(Brackets("(", inputs[-made.tupled :]))]
    return inputs, by_name


def _permuted(calling: Calling, x: Code) -> Code:
    """Axes in another order, which is one step with what was to be done to them before."""
    dims = dict(calling.args)["dims"]
    count = len(dims.args)
    order = tuple(each.args[0] % count for each in dims.args)
    return x.moved("first").permuted(order)


def rearranged(x: Code, given: Mapping[str, Expr], side: Side) -> Code:
    """Axes that are parted into pieces, put in another order, and joined to other axes, with the channels at a side.

    The pieces are counted behind the batch, and an axis of one cell has none.
    """
    ins, outs = ([[each.args[0] for each in axis.args] for axis in given[name].args] for name in ("ins", "outs"))
    sizes = given["sizes"].args
    ins, outs = _in_order(ins, x.side), _in_order(outs, side)
    calls = [
        f".unflatten({dim}, ({', '.join(str(sizes[i]) for i in pieces)}))" if pieces else f".squeeze({dim})"
        for dim, pieces in reversed([*enumerate(ins, 1)])
        if len(pieces) != 1
    ]
    here, wanted = ([i for pieces in axes for i in pieces] for axes in (ins, outs))
    order = (0, *(here.index(i) + 1 for i in wanted))
    joining = [*_joining(outs)]
    if joining and order != tuple(range(len(order))):
        calls.append(_rearranged(order))
    first, *others = [*calls, *joining] or [""]
    code = Code(Chain("", calls=[f"{x.atom}{first}", *others]), side=side)
    return code if joining else code.permuted(order)


def _in_order(axes: list[list[int]], side: Side) -> list[list[int]]:
    """Axes with the channels last in the order that they have in a tensor."""
    return axes if side == "last" else [axes[-1], *axes[:-1]]


def _joining(axes: Sequence[Sequence[int]]) -> Iterator[str]:
    """The calls that join pieces to axes, and add axes of one cell."""
    begin = 1 + sum(map(len, axes))
    for pieces in reversed(axes):
        begin -= len(pieces)
        if len(pieces) > 1:
            yield f".flatten({begin}, {begin + len(pieces) - 1})"
    yield from (f".unsqueeze({dim})" for dim, pieces in enumerate(axes, 1) if not pieces)


def _function(
    program: Program, calling: Calling, given: Mapping[str, Expr], read: Sequence[Code], args: Sequence[Code] = ()
) -> Code:
    """The call of a function, or of a method of the tensor."""
    home = calling.call.home
    if home == "Tensor":
        return _method(calling.call, given, read[0])
    made = calling.call
    named = [
        f"{'' if arg in made.positional else f'{arg}='}{_size(expr, args)}"
        for arg, expr in given.items()
        if arg not in made.leading
    ]
    inputs, by_name = _inputs(made, read)
    program.imports.add("F" if home == "F" else "torch")
    if made.gathers:
        inputs = [Bracketed(Brackets("[", inputs, "]"))]
    while made.pairwise and len(inputs) > 2:
        inputs = [Bracketed(Brackets(f"{calling.target}(", inputs[:2])), *inputs[2:]]
    before = [Bracketed(str(given[arg])) for arg in made.leading]
    target = calling.target
    if any(read[k].lacks != "axis" for k in made.unbatched):
        program.imports.add("torch")
        target = f"torch.vmap({target})"
    return Code(Brackets(f"{target}(", [*before, *inputs, *map(Bracketed, named), *by_name]))


def _method(call: Call, given: Mapping[str, Expr], x: Code) -> Code:
    """The call of a method of a tensor, or of what Python has in its place."""
    function = call.name
    if function == "__getitem__":
        places = [
            f"[{', '.join(map(str, each.args))}]" if each.op == "tuple" else str(each) for each in given["index"].args
        ]
        return Code(f"{x.atom}[{', '.join(places)}]")
    if function == "select" and given["dim"].is_const and given["dim"].args[0] > 0:
        return Code(f"{x.atom}[{':, ' * given['dim'].args[0]}{given['index']}]")
    if function == "reshape":
        given = {"shape": _reshaped(given["shape"], x)}
    if len(given) == 1 and (sizes := next(iter(given.values()))).op == "tuple" and call.positional:
        return Code(Brackets(f"{x.atom}.{function}(", [Bracketed(str(each)) for each in sizes.args]))
    named = [Bracketed(f"{'' if arg in call.positional else f'{arg}='}{expr}") for arg, expr in given.items()]
    return Code(Brackets(f"{x.atom}.{function}(", named))


def _reshaped(shape: Expr, x: Code) -> Expr:
    """A shape in which a size that depends on the input's is left to PyTorch."""
    _, *sizes = shape.args
    if sum(not size.is_const for size in sizes) == 1:
        return Expr("tuple", (x.size(0), *(size if size.is_const else const(-1) for size in sizes)))
    return shape


def in_forward(expr: Expr, args: Sequence[Code], attribute: Callable[[Expr], str]) -> Expr:
    """An argument of a function: parameters are attributes of the module, sizes are those of the tensors."""
    if expr.op == "size":
        place, dim = expr.args
        if place.op == "text":  # a size of the class's own input, whose variable is known
            return expr
        code: Code = args[place.args[0]]
        return code.size(dim.args[0])
    if expr.op == "name":
        return text(f"self.{attribute(expr)}")
    return Expr(expr.op, tuple(in_forward(each, args, attribute) for each in expr.parts)) if expr.parts else expr


def _size(expr: Expr, args: Sequence[Code]) -> str:
    """An argument; sizes of one tensor that follow one another are a slice of its shape."""
    if expr.op == "tuple" and expr.args and all(each.op == "size" for each in expr.args):
        tensor = expr.args[0].args[0]
        dims = [each.args[1].args[0] for each in expr.args]
        if all(each.args[0] == tensor for each in expr.args) and dims == list(range(dims[0], dims[0] + len(dims))):
            ends = {each.axes for each in args if each._replace(order=None).atom == str(tensor)}
            return f"{tensor}.shape[{dims[0]}:{'' if ends == {dims[-1]} else dims[-1] + 1}]"
    return str(expr)


def sizes_read(expr: Expr) -> list[int]:
    """The places of the inputs whose sizes an argument is worked out from, once for each time they are asked."""
    if expr.op == "size":
        return [expr.args[0].args[0]]
    return [place for part in expr.parts for place in sizes_read(part)]
