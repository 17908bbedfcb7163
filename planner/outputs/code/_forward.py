"""Forward passes: the calls of a module's parts as statements, nested where that is short and reads well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from planner.outputs.code._copies import Calling, Value
from planner.outputs.code._expressions import Expr, const, quoted, text
from planner.outputs.code._layouts import Side, dims_of, follows
from planner.outputs.code._names import OURS, TAKEN, identifier, is_attribute, unused
from planner.outputs.code._program import Program
from planner.outputs.code._shapes import Shapes
from planner.outputs.code._text import STEP, WIDTH, Brackets, Item, commented, lines
from planner.outputs.code._units import Part, Unit

BODY = STEP * 2
OPERATORS = {"add": ("+", 6), "sub": ("-", 6), "mul": ("*", 7), "matmul": ("@", 7)}
ATOM, CHOICE = 9, 1


class Code(NamedTuple):
    """A tensor as an expression: how tightly it binds, where it has its channels, and the variables that it reads.

    unbatched  it has no axis for the batch, or one of size 1
    """

    code: str
    binds: int = ATOM
    side: Side = "first"
    reads: frozenset[str] = frozenset()
    unbatched: bool = False

    @property
    def atom(self) -> str:
        return self.code if self.binds == ATOM else f"({self.code})"

    def moved(self, to: Side) -> Code:
        """The same with the channels elsewhere."""
        if self.side == to:
            return self
        batch = 0 if self.unbatched else 1
        places = f"{batch}, -1" if to == "last" else f"-1, {batch}"
        return self._replace(code=f"{self.atom}.movedim({places})", binds=ATOM, side=to)


def call_code(program: Program, part: Part, module: str, args: Sequence[str], side: Side, attributes: dict[str, Expr] | None = None) -> Code:
    """The call of a layer; `args` are its inputs. What it returns may have to be taken apart by `output_code`."""
    call = part.calls[-1]
    program.uses(*(expr for _, expr in call.args))
    read = [*args]
    if len(part.calls) > 1:
        given = {arg: expr for arg, expr in part.calls[0].args}
        read[0] = _function(program, part.calls[0], given, read[:1])
    if call.is_module:
        if call.call.reads is not None:
            read = [read[i] for i in call.call.reads]
        named = [f"{arg}={_literal(found)}" for arg, found in call.call.forward.items()]
        return Code(f"{module}({', '.join([*read, *named])})")
    given = {arg: _in_forward(expr, args, attributes) for arg, expr in call.args}
    if call.centred:
        return Code(f"{program.centred()}({read[0]}, {_size(given['size'])})")
    if side == "last" and follows(part):
        given = _along(call, given, len(part.item.inputs[0].shape))
    home, _, function = call.target.rpartition(".")
    if home == "operator":
        sign, binds = OPERATORS[function]
        return Code(f" {sign} ".join(read), binds)
    if call.call.reads is not None:
        read = [read[i] for i in call.call.reads]
    return Code(_function(program, call, given, read))


def _function(program: Program, call: Calling, given: dict[str, Expr], read: Sequence[str]) -> str:
    home, _, function = call.target.rpartition(".")
    if home == "Tensor":
        first, *_ = read
        if function == "__getitem__":
            return f"{first}[{', '.join(map(str, given['index'].args))}]"
        if function == "reshape":
            given = {"shape": _reshaped(given["shape"], first)}
        values = [each for expr in given.values() for each in (expr.args if expr.op == "tuple" else (expr,))]
        return f"{first}.{function}({', '.join(map(str, values))})"
    program.imports.add("F" if home == "F" else "torch")
    if function == "einsum":
        return f"torch.einsum({given['equation']}, {', '.join(read)})"
    inputs = f"[{', '.join(read)}]" if call.call.gathers else ", ".join(read)
    named = [f"{arg}={_size(expr)}" for arg, expr in given.items()]
    if function == "pad":
        named[0] = named[0].removeprefix("pad=")
    return f"{call.target}({', '.join([inputs, *named])})"


def _reshaped(shape: Expr, x: str) -> Expr:
    """A shape in which a size that depends on the input's is left to PyTorch."""
    _, *sizes = shape.args
    if sum(not size.is_const for size in sizes) == 1:
        return Expr("tuple", (text(f"{x}.shape[0]"), *(size if size.is_const else const(-1) for size in sizes)))
    return shape


def _in_forward(expr: Expr, args: Sequence[str], attributes: dict[str, Expr] | None) -> Expr:
    """An argument of a function: parameters are attributes of the module, sizes are those of the tensors."""
    if expr.op == "size":
        place, dim = (each.args[0] for each in expr.args)
        return Expr("size", (text(args[place]), const(dim)))
    if expr.op == "name":
        assert attributes is not None
        return text(f"self.{_attribute(expr, attributes)}")
    return Expr(expr.op, tuple(_in_forward(each, args, attributes) for each in expr.args)) if expr.parts else expr


def _attribute(expr: Expr, attributes: dict[str, Expr]) -> str:
    found = next((each for each, known in attributes.items() if known == expr), None)
    if found is None:
        found = unused(expr.args[0], {*attributes, *TAKEN})
        attributes[found] = expr
    return found


def _size(expr: Expr) -> str:
    """A tuple of sizes; all spatial sizes of one tensor are a slice of its shape."""
    if expr.op == "tuple" and expr.args and all(each.op == "size" for each in expr.args):
        (tensor, dim), *_ = (each.args for each in expr.args)
        if dim.is_value(2) and all(each.args[0] == tensor for each in expr.args):
            return f"{tensor}.shape[2:]"
    return str(expr)


def _along(call: Calling, given: dict[str, Expr], axes: int) -> dict[str, Expr]:
    """The arguments of a call along an axis for a tensor with its channels last."""
    if call.target == "Tensor.__getitem__":
        *whole, cut = given["index"].args
        return {"index": Expr("tuple", (*whole[:-1], cut) if len(whole) > 1 else (text("..."), cut))}
    dims = [const(_last(dim % (axes + 1), axes)) for dim in dims_of(call) or ()]
    new = Expr("tuple", tuple(dims)) if given.get("dim", const(0)).op == "tuple" else dims[0]
    return {**given, "dim": new}


def _last(dim: int, axes: int) -> int:
    return -1 if dim == 1 else dim - 1


def _literal(value: object) -> str:
    return str(const(value))


@dataclass
class _Pending:
    """A tensor that is worked out but has no variable yet."""

    value: Value
    code: Code
    before: Value


class Forward:
    """The forward pass of one module."""

    def __init__(self, program: Program, unit: Unit, shapes: Shapes) -> None:
        self.program = program
        self.unit = unit
        self.shapes = shapes
        self.layouts = program.layouts
        self.attributes: dict[str, Expr] = {}
        """What the forward pass needs to know of the construction."""
        self.alive = self._alive()
        self.base, self.submodules, self._access = self._named_parts()
        self.uses = self._uses()
        self.known: dict[Value, Code] = {}
        self.pending: list[_Pending] = []
        self.done: list[str] = []

    # Submodules

    def _alive(self) -> set[Part]:
        """The parts that something comes of."""
        wanted = set(self.unit.outputs)
        alive: set[Part] = set()
        for part in reversed(self.unit.parts):
            if wanted & set(part.values):
                alive.add(part)
                wanted |= set(part.sources)
        return alive

    def _named_parts(self) -> tuple[str, list[tuple[Part, str | None]], dict[Part, str]]:
        """The base class, the submodules with their names, and how each is reached."""
        modules = [p for p in self.unit.parts if (p.is_module or p.is_parameter) and (p in self.alive or p.stateful)]
        if self.unit.listing.nameless:
            places = [i for i, part in enumerate(self.unit.parts) if part in modules]
            if places == list(range(len(modules))) and not any(part.is_parameter for part in modules):
                access = {part: f"self[{i}]" for i, part in enumerate(modules)}
                return "nn.ModuleList", [(part, None) for part in modules], access
            named = {part: str(i) for i, part in enumerate(self.unit.parts) if part in modules}
        else:
            named = {part: str(part.name) for part in modules}
        found: list[tuple[Part, str | None]] = []
        access: dict[Part, str] = {}
        shared: dict[str, Part] = {}
        for part, label in named.items():
            if part.calls and not part.stateful and not part.count and self._unnamed(part):
                code = str(self.program.layer(part))
                if part.when is None and code in shared:
                    access[part] = access[shared[code]]
                    continue
                shared.setdefault(code, part)
            access[part] = _access(label, part.is_parameter)
            found.append((part, label))
        return "nn.Module", found, access

    def _unnamed(self, part: Part) -> bool:
        slot = part.values[0][0]
        return self.unit.listing.slots[slot].name is None and not self.unit.listing.nameless

    def _uses(self) -> dict[Value, int]:
        """How often each tensor is read."""
        found: dict[Value, int] = dict.fromkeys(self.unit.outputs, 0)
        for value in self.unit.outputs:
            found[value] += 1
        for part in self.unit.parts:
            if part in self.alive:
                for value in self._reads(part):
                    found[value] = found.get(value, 0) + 1
        return found

    def _reads(self, part: Part) -> list[Value]:
        """The tensors that a call is given, as often as it is given them."""
        if not part.calls:
            return list(part.sources)
        call = part.calls[-1]
        read = list(range(len(part.sources))) if call.call.reads is None else list(call.call.reads)
        for _, expr in call.args:
            read += _sizes_read(expr)
        return [part.sources[i] for i in read]

    # The statements

    def lines(self) -> Iterator[str]:
        """The whole method."""
        unit = self.unit
        names = ["x"] if len(unit.listing.inputs) == 1 else []
        if not names:
            for each in unit.listing.inputs:
                names.append(unused(identifier(each), {*names, *OURS}))
        for k, each in enumerate(names):
            at = (-1, -1, k)
            self.known[at] = Code(each, side=self.layouts.tensor(unit, at), reads=frozenset({each}))
        for part in unit.parts:
            if part in self.alive:
                self._add(part)
        result = self._result()
        self.program.imports.add("Tensor")
        gives = "Tensor" if len(unit.outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(unit.outputs))}]"
        arguments = [Item(each) for each in ("self", *(f"{each}: Tensor" for each in names))]
        yield from lines(STEP, Brackets("def forward(", arguments, f") -> {gives}:"))
        yield from self.done
        yield f"{BODY}return {result}"

    def _result(self) -> str:
        outputs = []
        for k, value in enumerate(self.unit.outputs):
            wanted = self.layouts.output(self.unit, k)
            code = self._taken(value)
            outputs.append(self._batched(code).moved(wanted).code)
        if len(self.pending) > 0 or sum(map(len, outputs)) > WIDTH - 20:
            self._flush()
            outputs = [
                self._batched(self.known[value]).moved(self.layouts.output(self.unit, k)).code
                for k, value in enumerate(self.unit.outputs)
            ]
        return ", ".join(outputs)

    def _taken(self, value: Value) -> Code:
        """A tensor's code; one that was pending is no longer."""
        if self.pending and self.pending[-1].value == value and len(self.unit.outputs) == 1:
            return self.pending.pop().code
        if any(each.value == value for each in self.pending):
            self._flush()
        return self.known[value]

    def _add(self, part: Part) -> None:
        if part.is_parameter:
            side = self.layouts.tensor(self.unit, part.values[0])
            own: Side = "last" if part.calls[-1].call.layout == "last" else "first"
            self.known[part.values[0]] = Code(self._access[part], side=own, unbatched=True).moved(side)
            return
        reads = self._reads(part)
        args = self._arguments(part, reads)
        made = self._made(part, args)
        width = len(BODY) + len("return ") + len(made.code)
        if width > WIDTH and self._inlined(reads):
            self._flush()
            args = self._arguments(part, reads)
            made = self._made(part, args)
        for value in reads:
            self.uses[value] -= 1
        self.pending = [each for each in self.pending if each.value not in reads]
        self._bind(part, made)

    def _inlined(self, reads: Sequence[Value]) -> bool:
        return any(each.value in reads for each in self.pending)

    def _arguments(self, part: Part, reads: Sequence[Value]) -> list[Code]:
        """The inputs of a call. What waits is nested if it is read here only, in the order in which it was made."""
        waiting = [each.value for each in self.pending]
        used = [value for value in reads if value in waiting]
        nested = used and waiting[-len(used) :] == used and not any(self._sized(part, value) for value in used)
        chained = len(part.sources) == 1 and used and self.shapes.changes(part.sources[0], part.values[0])
        if used and (not nested or chained or part.when is not None):
            self._flush()
        found = []
        for k, value in enumerate(part.sources):
            code = next((each.code for each in self.pending if each.value == value), None) or self.known[value]
            ranked = part.item.inputs[k].shape.spatial
            found.append(code.moved(self.layouts.input(part, k)) if ranked else code)
        return found

    def _sized(self, part: Part, value: Value) -> bool:
        """Whether a call asks for the size of an input."""
        return self._reads(part).count(value) > 1 or any(
            part.sources[i] == value for call in part.calls for _, expr in call.args for i in _sizes_read(expr)
        )

    def _made(self, part: Part, args: list[Code]) -> Code:
        """The call of a part."""
        reads = frozenset().union(*(each.reads for each in args))
        side = self.layouts.input(part, 0) if part.sources else "first"
        if not part.calls:
            args = [self._batched(each) for each in args]
            return Code(f"{self._access[part]}({', '.join(each.code for each in args)})", reads=reads)
        call = part.calls[-1]
        home, _, function = call.target.rpartition(".")
        unbatched = False
        if home == "operator":
            unbatched = all(each.unbatched for each in args)
            binds = OPERATORS[function][1]
            first, *others = args
            written = [first.code if first.binds >= binds else first.atom]
            written += [each.code if each.binds > binds else each.atom for each in others]
        elif home == "Tensor" or call.centred:
            written = [self._batched(each).atom for each in args]
        else:
            written = [self._batched(each).code for each in args]
        made = call_code(self.program, part, self._access.get(part, ""), written, side, self.attributes)
        if part.when is not None and not part.is_module:
            condition = self._condition(part)
            made = Code(f"{made.code} if self.{condition} else {args[0].code}", CHOICE)
        return made._replace(reads=reads, unbatched=unbatched)

    def _condition(self, part: Part) -> str:
        assert part.when is not None
        known = next((each for each, expr in self.attributes.items() if expr == part.when), None)
        if known is not None:
            return known
        taken = {*self.attributes, *TAKEN, *(str(label) for _, label in self.submodules)}
        wanted = part.when.args[0] if part.when.op == "name" else f"has_{identifier(part.item.name)}"
        found = unused(wanted, taken)
        self.attributes[found] = part.when
        return found

    def _batched(self, code: Code) -> Code:
        """The tensor with an axis for the batch, which a parameter of the model lacks."""
        if not code.unbatched:
            return code
        (first, *_) = self.known.values()
        batch = f"{first.code}.shape[0]"
        return code._replace(code=f"{code.atom}.expand({batch}, ...)", binds=ATOM, unbatched=False)

    # Variables

    def _bind(self, part: Part, made: Code) -> None:
        """Let what a part hands on wait, or give it a variable."""
        before = part.sources[0]
        wanted = [value for value in part.values if self.uses.get(value)]
        call = part.calls[-1].call if part.calls else None
        paths = call.returns if call is not None else ((),)
        several = len(part.values) > 1
        sides = {value: self.layouts.tensor(self.unit, value) for value in part.values}
        if len(wanted) == 1 and (several or paths != ((),)):
            at = part.values.index(wanted[0])
            path = paths[at] if paths != ((),) else (at,)
            code = f"{made.atom}{''.join(f'[{i}]' for i in path)}"
            made = made._replace(code=code, binds=ATOM)
            batch = call.batches[at] if call is not None and call.batches else 0
            if batch:
                made = made._replace(code=f"{made.code}.movedim({batch}, 0)")
        elif several:
            self._unpack(part, made, wanted, paths)
            return
        (value,) = wanted
        self.pending.append(_Pending(value, made._replace(side=sides[value]), before))
        if self.uses[value] != 1:
            self._flush()

    def _unpack(self, part: Part, made: Code, wanted: list[Value], paths: Sequence[tuple[int, ...]]) -> None:
        """Give a variable to each of several tensors that one call returns."""
        self._flush()
        names: dict[Value, str] = {}
        for value in part.values:
            if value in wanted:
                names[value] = self._new_name(f"{identifier(part.item.name)}_{value[2]}", names.values())
        call = part.calls[-1].call if part.calls else None
        if paths == ((),):
            pattern = ", ".join(names.get(value, "_") for value in part.values)
        else:
            pattern = _pattern({path: names.get(value, "_") for path, value in zip(paths, part.values, strict=True)})
        self.done += lines(BODY, f"{pattern} = {made.code}")
        for k, value in enumerate(part.values):
            if value in names:
                code = names[value]
                batch = call.batches[k] if call is not None and call.batches else 0
                if batch:
                    code = f"{code}.movedim({batch}, 0)"
                side = self.layouts.tensor(self.unit, value)
                self.known[value] = Code(code, side=side, reads=frozenset({names[value]}))

    def _flush(self) -> None:
        """Give variables to all that waits."""
        while self.pending:
            each = self.pending.pop(0)
            name = self._name(each)
            self.known[each.value] = Code(
                name, side=each.code.side, reads=frozenset({name}), unbatched=each.code.unbatched
            )
            comment = ""
            if self.shapes.changes(each.before, each.value):
                comment = self.shapes.written(each.value, each.code.side)
            self.done.append(commented(f"{BODY}{name} = {each.code.code}", comment))

    def _name(self, each: _Pending) -> str:
        """The variable for a tensor: one that is read no more, the name of the entry, or a plain `out`."""
        slot = self.unit.listing.slots[each.value[0]]
        own = identifier(slot.name, "out") if slot.name is not None and slot.template is None else None
        if self.uses[each.value] > 1 and own is not None and len(own) > 1:
            return self._new_name(own, ())
        free = sorted(each.code.reads - self._still_read())
        if free:
            return "x" if "x" in free else free[0]
        return self._new_name(own or "out", ())

    def _still_read(self) -> set[str]:
        """The variables that something reads that is not written yet."""
        found = {name for other in self.pending for name in other.code.reads}
        for value, code in self.known.items():
            if self.uses.get(value):
                found |= code.reads
        return found

    def _new_name(self, wanted: str, others: object) -> str:
        taken = self._still_read() | {*OURS} | set(others)  # type: ignore[call-overload]
        return unused(wanted, taken)


def _pattern(paths: dict[tuple[int, ...], str]) -> str:
    """`y, (h, c)` for the places (0,), (1, 0) and (1, 1)."""
    firsts: dict[int, dict[tuple[int, ...], str]] = {}
    for path, name in paths.items():
        firsts.setdefault(path[0], {})[path[1:]] = name
    parts = []
    for i in range(max(firsts) + 1):
        inner = firsts.get(i, {(): "_"})
        parts.append(inner[()] if () in inner else f"({_pattern(inner)})")
    return ", ".join(parts)


def _sizes_read(expr: Expr) -> list[int]:
    if expr.op == "size":
        return [expr.args[0].args[0]]
    return [place for part in expr.parts for place in _sizes_read(part)]


def _access(label: str, is_parameter: bool) -> str:
    if is_attribute(label):
        return f"self.{label}"
    if label in TAKEN or label.startswith("_"):
        return f"self.{'_parameters' if is_parameter else '_modules'}[{quoted(label)}]"
    return f"getattr(self, {quoted(label)})"
