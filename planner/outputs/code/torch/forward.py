"""Forward passes: the calls of a module's parts as statements, nested where that is short and reads well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.classes.expressions import ATOM, BINDS, NOTHING, Expr, quoted
from planner.classes.names import BUILTINS, OURS, TAKEN, identifier, is_attribute, unused
from planner.classes.parts import Part, Unit
from planner.classes.tensors import Value
from planner.outputs.code.torch.calls import Code, Lack, call, in_forward, operator_code, sizes_read
from planner.outputs.code.torch.layouts import Side
from planner.outputs.code.torch.program import Program
from planner.outputs.code.torch.shapes import Shapes
from planner.outputs.code.torch.text import STEP, WIDTH, Brackets, Item, fits, lines

BODY = STEP * 2


@dataclass
class _Waiting:
    """A tensor that is worked out but has no variable yet.

    before  the tensor that its statement starts from
    name    of the entry that it is named for
    """

    value: Value
    code: Code
    before: Value
    name: str | None


class Forward:
    """The forward pass of one module.

    base        the class that it derives from
    submodules  the parts that are constructed, each with its name
    attributes  what else the forward pass needs to know of the construction
    """

    def __init__(self, program: Program, unit: Unit, shapes: Shapes) -> None:
        self.program = program
        self.unit = unit
        self.shapes = shapes
        self.attributes: dict[str, Expr] = {}
        self._parts = self._alive(unit.parts)
        self._reads = {part: _reads(part) for part in self._parts}
        self._left: dict[Value, int] = {}
        """How often each tensor is still to be read."""
        for value in (*unit.outputs, *(each for reads in self._reads.values() for each in reads)):
            self._left[value] = self._left.get(value, 0) + 1
        self.base, self.submodules, self._access = self._named_parts()
        self._inputs = _input_names(unit)
        self._unpacked: tuple[tuple[Value, ...], Code, int] | None = None
        """The latest call whose several outputs have variables, if nothing has been written behind it."""
        self._outputs = unit.outputs if unit.block.outputs else ()
        self._known: dict[Value, Code] = {}
        self._names: dict[Value, str] = {}
        self._kept_names = NOTHING
        self._moved: dict[Value, Code] = {}
        """Tensors that the call in hand reads more than once, with their axes moved."""
        self._waiting: list[_Waiting] = []
        self._done: list[str] = []

    # Submodules

    def _alive(self, parts: Sequence[Part]) -> list[Part]:
        """The parts that something comes of."""
        wanted = set(self.unit.outputs)
        alive: list[Part] = []
        for part in reversed(parts):
            if not wanted.isdisjoint(part.values):
                alive.append(part)
                wanted |= set(part.sources)
        return alive[::-1]

    def _named_parts(self) -> tuple[str, list[tuple[Part, str | None]], dict[Part, str]]:
        parts = self.unit.parts
        needed = {part for part in parts if part.stateful or (part.is_module and part in self._parts)}
        containers = {part.nested[0] for part in needed if part.nested is not None}
        modules = [part for part in parts if part in needed or (part.nested and part.nested[0] in containers)]
        labels = {part: self._label(part) for part in modules}
        if labels and all(label.isdecimal() for label in labels.values()) and not any(map(_is_special, modules)):
            if list(labels.values()) == [str(i) for i in range(len(labels))]:
                access = {part: f"self[{label}]" for part, label in labels.items()}
                return "nn.ModuleList", [(part, None) for part in modules], access
            access = {part: f'self["{label}"]' for part, label in labels.items()}
            return "nn.ModuleDict", list(labels.items()), access
        found: list[tuple[Part, str | None]] = []
        access = {}
        shared: dict[str, str] = {}
        for part, label in labels.items():
            if part.nested is not None:
                access[part] = f"{_access(part.nested[0], part)}[{part.nested[1]}]"
                found.append((part, label))
                continue
            if part.unnamed and not part.stateful:
                code = str(self.program.layer(part))
                if code in shared:
                    access[part] = _access(shared[code], part)
                    continue
                shared[code] = label
            access[part] = _access(label, part)
            found.append((part, label))
        return "nn.Module", found, access

    def _label(self, part: Part) -> str:
        """The name of a submodule."""
        return str(self.unit.parts.index(part)) if self.unit.block.nameless else str(part.name)

    # The statements

    def lines(self) -> Iterator[str]:
        """The whole method."""
        unit = self.unit
        for k, each in enumerate(self._inputs):
            at = (-1, -1, k)
            side = self.program.layouts.tensor(unit, at)
            self._known[at] = Code(each, side=side, reads=frozenset({each}), axes=self.shapes.axes(at))
        for part in self._parts:
            self._add(part)
        result = self._result()
        self.program.imports.add("Tensor")
        gives = "Tensor" if len(unit.outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(unit.outputs))}]"
        arguments = [Item(each) for each in ("self", *(f"{each}: Tensor" for each in self._inputs))]
        yield from lines(STEP, Brackets("def forward(", arguments, f") -> {gives}:"))
        yield from self._done
        yield from result

    def _result(self) -> Iterator[str]:
        outputs = self.unit.outputs
        if self.program.asserts or [each.value for each in self._waiting] != list(outputs) or len(outputs) > 1:
            self._assign()
        codes = self._given([each.code for each in self._waiting] or [self._known[value] for value in outputs])
        if self._waiting and not fits(BODY, f"return {codes[0].code}"):
            self._assign()
            codes = self._given([self._known[value] for value in outputs])
        if len(codes) == 1:
            return lines(BODY, codes[0].after("return "))
        if (made := self._handed_on(codes)) is not None:
            return lines(BODY, made.after("return "))
        whole = f"return {', '.join(str(code.code) for code in codes)}"
        if fits(BODY, whole):
            return iter([f"{BODY}{whole}"])
        return lines(BODY, Brackets("return (", [Item(code.code) for code in codes]))

    def _handed_on(self, codes: Sequence[Code]) -> Code | None:
        """The call that returns all that is to be returned; its statement is then written no more."""
        if self._unpacked is None:
            return None
        values, made, count = self._unpacked
        known = [str(self._known[value].code) for value in values if value in self._known]
        given = [str(code.code) for code in codes]
        statement = list(lines(BODY, made.after(f"{', '.join(known)} = ")))
        if values != self.unit.outputs or given != known or self._done[-count:] != statement:
            return None
        del self._done[-count:]
        return made

    def _given(self, codes: Sequence[Code]) -> list[Code]:
        """The outputs as they are returned."""
        found = []
        for k, (code, value, tensor) in enumerate(zip(codes, self.unit.outputs, self.unit.copy.outputs, strict=True)):
            code = self._batched(code, value)
            found.append(code.moved(self.program.layouts.output(self.unit, k)) if tensor.shape.spatial else code)
        return found

    def _add(self, part: Part) -> None:
        """Call a part: what waits for it is nested, if that fits."""
        if part.is_parameter:
            side: Side = "last" if part.calls[-1].call.layout == "last" else "first"
            made = Code(self._access[part], side=side, axes=self.shapes.axes(part.values[0]), lacks=_lacks(part))
            self._known[part.values[0]] = made.moved(self.program.layouts.tensor(self.unit, part.values[0]))
            self._names[part.values[0]] = self._own_name(part) or "out"
            return
        self._moved.clear()
        reads = self._reads[part]
        if not self._nests(part, reads):
            self._assign()
        if self.program.asserts and part.calls and part.calls[-1].call.is_operator:
            self._assert_equal(part)
        made = self._made(part)
        if self._waiting and not self._fits(part, made):
            if whole := self._of_all(part):
                made = whole
            else:
                self._assign()
                made = self._made(part)
        starts = {each.value: (each.before, each.name) for each in self._waiting}
        self._waiting = [each for each in self._waiting if each.value not in reads]
        if sum(1 for value in part.values if self._left.get(value)) > 1:
            self._assign(keeping=made.reads)  # which is not yet free to be written over
        for value in reads:
            self._left[value] -= 1
            if not self._left[value]:
                self._known.pop(value, None)
        own = self._own_name(part)
        before, name = starts.get(part.sources[0], (part.sources[0], None)) if part.sources else ((-1, -1, 0), None)
        inherits = part.is_module and not part.stateful and part.values[0] not in self._outputs
        self._bind(part, made, before, (inherits and name) or own)

    def _fits(self, part: Part, made: Code) -> bool:
        names = [each.name for each in self._waiting if each.value == part.sources[0] and part.is_module]
        name = "return" if part is self._parts[-1] else f"{(names or [self._own_name(part)])[0] or 'out'} ="
        return len(BODY) + len(name) + 1 + len(str(made.code)) <= WIDTH

    def _of_all(self, part: Part) -> Code | None:
        """A call with what all submodules make of one tensor, where these are numbered."""
        numbered = [f"self[{i}](x)" for i in range(len(self.submodules))]
        if self.base != "nn.ModuleList" or not part.calls or not part.calls[-1].call.gathers:
            return None
        if [str(each.code.code) for each in self._waiting] != numbered or part.sources != tuple(
            each.value for each in self._waiting
        ):
            return None
        made = self._made(part).code
        assert isinstance(made, Brackets)
        return Code(Brackets(made.head, [Item("[layer(x) for layer in self]"), *made.items[1:]]))

    def _nests(self, part: Part, reads: Sequence[Value]) -> bool:
        """Whether all that waits may stay: what is read here is read once, and in the order in which it was made."""
        waiting = [each.value for each in self._waiting]
        used = [value for value in reads if value in waiting]
        if not used:
            return True
        if waiting[-len(used) :] != used or (part.when is not None and not part.is_module):
            return False
        return len(part.sources) > 1 or not self.shapes.changes(part.sources[0], part.values[0])

    def _made(self, part: Part) -> Code:
        """The call of a part with what it reads."""
        args = []
        waiting = {each.value: each.code for each in self._waiting}
        permutes = bool(part.calls) and part.calls[-1].call.is_permutation
        for k, value in enumerate(part.sources):
            code = waiting.get(value) or self._known[value]
            if part.item.inputs[k].shape.spatial and not permutes:
                code = code.moved(self.program.layouts.input(part, k))
            if code.order is not None and self._reads[part].count(value) > 1:
                code = self._named(code, value)
            args.append(code)
        made = self._called(part, args)
        if part.when is not None and not part.is_module:
            other = args[0].moved(made.side) if part.item.inputs[0].shape.spatial else args[0]
            if other.lacks != made.lacks:
                made, other = self._batched(made, part.values[0]), self._batched(other, part.sources[0])
            choice = f"{made.code} if self.{self._condition(part)} else {other.code}"
            made = made._replace(base=choice, binds=BINDS["if"], order=None).reading([made, other])
        return made

    def _named(self, code: Code, value: Value) -> Code:
        """A tensor that a call reads more than once, with its axes moved only once."""
        if value not in self._moved:
            name = self._new_name(self._names.get(value) or "out")
            self._done += lines(BODY, code.after(f"{name} = "))
            self._moved[value] = code.settled()._replace(base=name, binds=ATOM, reads=frozenset({name}))
        return self._moved[value]

    def _called(self, part: Part, args: Sequence[Code]) -> Code:
        axes = self.shapes.axes(part.values[0])
        if part.calls and not part.boxed and part.calls[-1].call.is_operator:
            made = operator_code(part, args)
            return made._replace(axes=axes, side=self.program.layouts.tensor(self.unit, part.values[0])).reading(args)
        args = [self._batched(each, value) for each, value in zip(args, part.sources, strict=True)]
        if not part.calls or part.boxed:
            made = Code(Brackets(f"{self._access[part]}(", [Item(each.code) for each in args]))
        elif part.calls[-1].call.is_permutation:
            made = call(self.program, part, "", args, "first", self._attribute).reading(args)
            return made._replace(axes=axes).moved(self.program.layouts.tensor(self.unit, part.values[0]))
        else:
            side = self.program.layouts.input(part, 0)
            made = call(self.program, part, self._access.get(part, ""), args, side, self._attribute)
        return made._replace(axes=axes, side=self.program.layouts.tensor(self.unit, part.values[0])).reading(args)

    def _attribute(self, expr: Expr) -> str:
        """The attribute in which a parameter of the class is kept for the forward pass."""
        wanted = expr.args[0] if expr.op == "name" else "has"
        return self._kept(expr, wanted)

    def _condition(self, part: Part) -> str:
        assert part.when is not None
        own = part.when.op == "name"
        return self._kept(part.when, part.when.args[0] if own else f"has_{identifier(part.item.name)}")

    def _kept(self, expr: Expr, wanted: str) -> str:
        known = next((each for each, found in self.attributes.items() if found == expr), None)
        if known is None:
            labels = (part.nested[0] if part.nested else str(label) for part, label in self.submodules)
            known = unused(wanted, {*self.attributes, *TAKEN, *labels})
            self.attributes[known] = expr
        return known

    def _batched(self, code: Code, value: Value) -> Code:
        """The tensor with an axis for the batch of full size, which a parameter of the model lacks."""
        if not code.lacks:
            return code
        if code.axes is None:
            raise AssertionError("copies whose parameters differ in their axes have no class in common")
        sizes = [f"{self._inputs[0]}.shape[0]", *["-1"] * code.axes]
        expanded = Brackets(f"{code.atom}.expand(", list(map(Item, sizes)))
        made = code._replace(base=expanded, lacks="", order=None, reads=code.reads | {self._inputs[0]})
        if self._left.get(value, 0) < 2 or value not in self._known:
            return made
        name = self._new_name(self._names.get(value) or "out")
        self._done += lines(BODY, made.after(f"{name} = "))
        self._known[value] = Code(name, side=made.side, reads=frozenset({name}), axes=made.axes)
        return self._known[value]

    def _assert_equal(self, part: Part) -> None:
        """Operands whose sizes are equal in the plan are not to be repeated."""
        shapes = [[tensor.shape for tensor in item.inputs] for _, item in part.items]
        if all(len(set(each)) == 1 for each in shapes):
            self._assign()
            sides = [self.program.layouts.input(part, k) for k in range(len(part.sources))]
            read = [self._known[value] for value in part.sources]
            ranked = bool(part.item.inputs[0].shape.spatial)
            first, *others = [code.moved(side) if ranked else code for code, side in zip(read, sides, strict=True)]
            if not any(code.lacks for code in (first, *others)):
                self._done += [
                    f"{BODY}assert {each.code}.shape == {first.code}.shape" for each in others if each != first
                ]

    # Variables

    def _bind(self, part: Part, made: Code, before: Value, name: str | None) -> None:
        """Let what a part hands on wait, or give it a variable."""
        wanted = [value for value in part.values if self._left.get(value)]
        returned = part.calls[-1].call if part.calls and not part.boxed else None
        paths = returned.returns if returned is not None else ((),)
        batches = returned.batches if returned is not None else None
        if len(wanted) > 1:
            self._unpack(part, made, wanted, paths, batches)
            return
        (value,) = wanted
        at = part.values.index(value)
        if len(part.values) > 1 or paths != ((),):
            path = (at,) if paths == ((),) else paths[at]
            made = self._one_of(made.at(path), value, batches)
        self._waiting.append(_Waiting(value, made, before, name))
        if self._left[value] != 1:
            self._assign()

    def _unpack(
        self,
        part: Part,
        made: Code,
        wanted: list[Value],
        paths: Sequence[tuple[int, ...]],
        batches: tuple[int, ...] | None,
    ) -> None:
        """Give a variable to each of several tensors that one call returns."""
        names: dict[Value, str] = {}
        for value in wanted:
            names[value] = self._new_name(f"{identifier(part.item.name)}_{value[2]}", *names.values())
        if paths == ((),):
            pattern = ", ".join(names.get(value, "_") for value in part.values)
        else:
            pattern = _pattern({path: names.get(value, "_") for path, value in zip(paths, part.values, strict=True)})
        written = list(lines(BODY, made.after(f"{pattern} = ")))
        self._unpacked = (part.values, made, len(written))
        self._done += written
        for value, each in names.items():
            self._known[value] = self._one_of(Code(each, reads=frozenset({each})), value, batches)

    def _one_of(self, made: Code, value: Value, batches: tuple[int, ...] | None) -> Code:
        """One of several tensors that a call returns, with its batch first."""
        axes = self.shapes.axes(value)
        made = made._replace(axes=axes, side=self.program.layouts.tensor(self.unit, value))
        return made.with_batch(batches[value[2]], axes or 0) if batches else made

    def _assign(self, keeping: frozenset[str] = NOTHING) -> None:
        """Give variables to all that waits, other than those that are kept."""
        self._kept_names = keeping
        branches = len(self._waiting) > 1
        while self._waiting:
            each = self._waiting.pop(0)
            name = self._name(each, branches)
            settled = each.code.settled()
            self._known[each.value] = settled._replace(base=name, binds=ATOM, reads=frozenset({name}))
            self._names[each.value] = name
            comment = ""
            if self.shapes.changes(each.before, each.value):
                comment = self.shapes.written(each.value, each.code.side)
            self._done += lines(BODY, each.code.after(f"{name} = "), comment)
            if self.program.asserts and not each.code.lacks:
                self._assert_sizes(name, each)

    def _assert_sizes(self, name: str, each: _Waiting) -> None:
        """A tensor must have the sizes of the plan; those that an argument decides are worked out from it."""
        exact = self.shapes.exact(each.value, each.code.side)
        if exact is not None and len(self.unit.copies) == 1:
            sizes = Expr("tuple", tuple(in_forward(size, (), self._attribute) for size in exact))
            self.program.uses(sizes)
            self._done.append(f"{BODY}assert {name}.shape[1:] == {sizes}")

    def _name(self, each: _Waiting, branches: bool) -> str:
        """The variable for a tensor: the name of its entry, if it is one of several or read more than once, or `x`, or
        else `out`. What lacks the batch does not replace the input, of which that can be told.
        """
        kept = {self._inputs[0]} if each.code.lacks else set()
        returned = len(self.unit.outputs) > 1 and each.value in self.unit.outputs
        if each.name is not None and (branches or returned or self._left[each.value] > 1):
            return self._new_name(each.name, *kept)
        return "x" if self._inputs == ["x"] and "x" not in self._still_read() | kept else self._new_name("out", *kept)

    def _own_name(self, part: Part) -> str | None:
        """What a tensor is called for the entry that makes it: its name, or that of its type."""
        if self.unit.block.nameless:
            return None
        found = identifier(part.item.name.rpartition(".")[0] or part.item.name, "out")
        return f"{found}_" if found in BUILTINS else found

    def _still_read(self) -> set[str]:
        """The variables that something reads that is not written yet."""
        found = {name for other in self._waiting for name in other.code.reads} | self._kept_names
        found = found.union(*(code.reads for code in self._moved.values()))
        for value, code in self._known.items():
            if self._left.get(value):
                found |= code.reads
        return found

    def _new_name(self, wanted: str, *others: str) -> str:
        return unused(wanted, {*self._still_read(), *OURS, *others})


def _is_special(part: Part) -> bool:
    """Whether a part takes more than an entry in a list of modules."""
    return part.is_parameter or part.nested is not None or part.when is not None or part.count is not None


def _lacks(part: Part) -> Lack:
    """What a trained parameter lacks of a batch: it has an axis of size 1 for it where it has one axis more."""
    data = part.calls[-1].args[0][1]
    sizes = next(each.args[0] for each in data.args[1:] if each.op == "keyword size")
    return "size" if len(sizes.args) > len(part.item.outputs[0].shape) else "axis"


def _reads(part: Part) -> list[Value]:
    """The tensors that a call is given, or whose sizes it is given, as often as it is."""
    if not part.calls or part.boxed:
        return list(part.sources)
    reads = part.calls[-1].call.reads
    places = list(range(len(part.sources))) if reads is None else list(reads)
    for _, expr in part.calls[-1].args:
        places += sizes_read(expr)
    return [part.sources[place] for place in places]


def _input_names(unit: Unit) -> list[str]:
    """The arguments of the forward pass."""
    if len(unit.block.inputs) == 1:
        return ["x"]
    names: list[str] = []
    for each in unit.block.inputs:
        names.append(unused(identifier(each, "x"), {*names, *OURS}))
    return names


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


def _access(label: str, part: Part) -> str:
    if is_attribute(label):
        return f"self.{label}"
    if label in TAKEN or label.startswith("_"):
        return f"self.{'_parameters' if part.is_parameter else '_modules'}[{quoted(label)}]"
    return f"self.{'get_parameter' if part.is_parameter else 'get_submodule'}({quoted(label)})"
