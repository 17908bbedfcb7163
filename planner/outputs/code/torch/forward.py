"""Forward passes: the calls of a class's parts as statements, nested where that is short and reads well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from planner.classes.expressions import BINDS, Expr, text
from planner.classes.parts import Part
from planner.classes.symbols import OWN
from planner.classes.tensors import Value
from planner.outputs.code.torch.calls import Code, Lack, call, in_forward, lacking, sizes_read
from planner.outputs.code.torch.program import Program
from planner.outputs.code.torch.shapes import Shapes
from planner.outputs.code.torch.submodules import Attributes, Labelled, reads_of
from planner.outputs.code.torch.text import BODY, STEP, WIDTH, Bracketed, Brackets, Choice, fits, lines
from planner.outputs.code.torch.variables import Variables, argument_names
from planner.sides import Side

FEW = 3
"""From so many repetitions on that are read all together, a loop is written."""


class Forward:
    """The forward pass of one class, whose parts it calls one after another."""

    def __init__(
        self, program: Program, shapes: Shapes, parts: Sequence[Part], labelled: Labelled, attributes: Attributes
    ) -> None:
        self.program = program
        self.unit = shapes.unit
        self.shapes = shapes
        self.labelled = labelled
        self.attributes = attributes
        self._parts = parts
        self._reads = {part: reads_of(part) for part in parts}
        self.variables = Variables(program, shapes, attributes, self._reads)
        self._outputs = self.unit.outputs if self.unit.block.outputs else ()
        same = len({len(copy.inputs) for copy in self.unit.copies}) == 1
        self._rest = (
            self.variables.inputs[len(self.unit.block.inputs) - 1 :] if self.unit.block.takes_any and same else []
        )
        self._lists: list[list[str]] = []
        """Tensors that stand in one list, each as it is taken from there."""
        self._collected = {part: group for group in self._groups() for part in group}

    def lines(self) -> Iterator[str]:
        """The whole method."""
        for part in self._parts:
            group = self._collected.get(part)
            if group is None:
                self._add(part)
            elif part is group[0]:
                self._collect(group)
        result = self._result()
        self.program.imports.add("Tensor")
        outputs = len(self.unit.outputs)
        gives = "Tensor" if outputs == 1 else f"tuple[{', '.join(['Tensor'] * outputs)}]"
        gives = gives if fits(STEP, f") -> {gives}:") else "tuple[Tensor, ...]"
        arguments = [Bracketed(each) for each in ("self", *(f"{each}: Tensor" for each in argument_names(self.unit)))]
        yield from lines(STEP, Brackets("def forward(", arguments, f") -> {gives}:"))
        yield from self.variables.done
        yield from result

    def _result(self) -> Iterator[str]:
        """The statement that returns the outputs."""
        outputs, variables = self.unit.outputs, self.variables
        waiting = [each.value for each in variables.waiting]
        if self.program.asserts or waiting != list(outputs) or len(outputs) > 1:
            variables.assign()
        codes = self._given([each.code for each in variables.waiting] or [variables.known[value] for value in outputs])
        if variables.waiting and not fits(BODY, f"return {codes[0].code}"):
            variables.assign()
            codes = self._given([variables.known[value] for value in outputs])
        if len(codes) == 1:
            return lines(BODY, codes[0].after("return "))
        if (made := variables.handed_on(codes)) is not None:
            return lines(BODY, made.after("return "))
        whole = f"return {', '.join(str(code.code) for code in codes)}"
        if fits(BODY, whole):
            return iter([f"{BODY}{whole}"])
        return lines(BODY, Brackets("return (", [Bracketed(code.code) for code in codes]))

    def _given(self, codes: Sequence[Code]) -> list[Code]:
        """The outputs as they are returned."""
        found = []
        for k, (code, value, tensor) in enumerate(zip(codes, self.unit.outputs, self.unit.copy.outputs, strict=True)):
            code = self.variables.batched(code, value)
            found.append(code.moved(self.program.layouts.output(self.unit, k)) if tensor.shape.spatial else code)
        return found

    def _add(self, part: Part) -> None:
        """Write the call of a part; waiting calls that it reads are nested in it, where that fits."""
        variables = self.variables
        if part.is_tensor:
            variables.know(part, self._tensor(part))
            return
        if part.loops or part.iterates:
            self._loop(part)
            return
        variables.start_call()
        reads = self._reads[part]
        if not self._nests(part, reads):
            variables.assign()
        if self.program.asserts and len(reads) > 1 and part.calls and part.calls[-1].call.takes_any_batch:
            self._assert_equal(part)
        made = self._made(part)
        if variables.waiting and not self._fits(part, made):
            if whole := self._of_all(part):
                made = whole
            else:
                variables.assign()
                made = self._made(part)
        starts = {each.value: (each.before, each.name) for each in variables.waiting}
        variables.waiting = [each for each in variables.waiting if each.value not in reads]
        if sum(1 for value in part.values if variables.left.get(value)) > 1:
            variables.assign(keeping=made.reads)  # variables that the call still reads must not be overwritten yet
        variables.read(reads)
        own = variables.own_name(part)
        before, name = starts.get(part.sources[0], (part.sources[0], None)) if part.sources else ((-1, -1, 0), None)
        inherits = part.is_module and not part.stateful and part.values[0] not in self._outputs
        variables.bind(part, made, before, (inherits and name) or own)

    def _groups(self) -> Iterator[tuple[Part, ...]]:
        """Repetitions that stand in one container, each feeding the next, and are read all together by something."""
        nested = [part for part in self._parts if part.nested is not None]
        together = [self.unit.outputs, *(part.sources for part in self._parts)]
        for number in () if self.program.asserts else dict.fromkeys(part.number for part in nested):
            group = tuple(part for part in nested if part.number == number)
            values = tuple(part.values[0] for part in group)
            whole = {part.nested and part.nested[2] for part in group} == {len(group)}
            if len(group) < FEW or not whole or not any(_holds(each, values) for each in together):
                continue
            layouts = self.program.layouts
            sides = {layouts.input(part, 0) for part in group} | {layouts.tensor(self.unit, each) for each in values}
            fed = all(part.sources == (value,) for part, value in zip(group[1:], values, strict=False))
            if fed and len(sides) == 1 and all(part.plain for part in group):
                yield group

    def _collect(self, group: Sequence[Part]) -> None:
        """Call repetitions one after the other in a loop, which puts what each of them returns in a list."""
        variables, (first, *_) = self.variables, group
        variables.start_call()
        variables.assign()
        given = self._read_in_loop(first, 0)
        for part in group:
            variables.read(self._reads[part])
        container, _, _ = self.labelled.access[first].rpartition("[")
        self._lists.append(variables.collect(group, given, container))

    def _loop(self, part: Part) -> None:
        """Call the repetitions of a part one after the other, or the same module as often as there are repetitions,
        each time with what was returned before.
        """
        variables = self.variables
        assert part.count is not None
        variables.start_call()
        variables.assign()
        given, *others = (self._read_in_loop(part, k) for k in range(len(part.sources)))
        variables.read(self._reads[part])
        if part.iterates:
            head = f"for layer in {self.labelled.access[part]}:"
        else:
            count = in_forward(part.count, (), self.attributes.param)
            self.program.uses(count)
            head = f"for _ in range({count}):"
        variables.loop(part, given, others, head, lambda code: self._called(part, [code, *others]))

    def _read_in_loop(self, part: Part, place: int) -> Code:
        """What a part reads at a place; what it reads in every repetition is a variable."""
        value = part.sources[place]
        code = self.variables.known[value]
        if part.first.inputs[place].shape.spatial:
            code = code.moved(self.program.layouts.input(part, place))
        code = self.variables.batched(code, value)
        return self.variables.read_again(code, value) if place and code.order is not None else code

    def _tensor(self, part: Part) -> Code:
        """A tensor that the class has, trained or not."""
        (value,) = part.values
        call = part.calls[-1].call
        side: Side = "last" if call.layout == "last" else "first"
        access = self.labelled.access[part] + (".reshape(1)" if call.scalar else "")
        made = Code(access, side=side, axes=self.shapes.axes(value), lacks=_lacks(part))
        return made.moved(self.program.layouts.tensor(self.unit, value))

    def _fits(self, part: Part, made: Code) -> bool:
        """Whether a call with all that is nested in it fits on a line."""
        names = [each.name for each in self.variables.waiting if each.value == part.sources[0] and part.is_module]
        name = "return" if part is self._parts[-1] else f"{(names or [self.variables.own_name(part)])[0] or 'out'} ="
        return len(BODY) + len(name) + 1 + len(str(made.code)) <= WIDTH

    def _of_all(self, part: Part) -> Code | None:
        """A call with what all submodules make of one tensor, where these are numbered."""
        numbered = [f"self[{i}](x)" for i in range(len(self.labelled.labels))]
        if self.labelled.base != "nn.ModuleList" or not part.calls or not part.calls[-1].call.gathers:
            return None
        if [str(each.code.code) for each in self.variables.waiting] != numbered or part.sources != tuple(
            each.value for each in self.variables.waiting
        ):
            return None
        made = self._made(part).code
        assert isinstance(made, Brackets)
        return Code(Brackets(made.head, [Bracketed("[layer(x) for layer in self]"), *made.items[1:]]))

    def _nests(self, part: Part, reads: Sequence[Value]) -> bool:
        """Whether all that waits may stay: what is read here is read once, and in the order in which it was made."""
        waiting = [each.value for each in self.variables.waiting]
        used = [value for value in reads if value in waiting]
        if not used:
            return True
        if waiting[-len(used) :] != used or _is_chosen(part):
            return False
        return len(part.sources) > 1 or not self.shapes.changes(part.sources[0], part.values[0])

    def _made(self, part: Part) -> Code:
        """The call of a part with what it reads."""
        args = []
        waiting = {each.value: each.code for each in self.variables.waiting}
        permutes = bool(part.calls) and part.calls[-1].call.places_channels
        for k, value in enumerate(part.sources):
            if value not in self._reads[part] and not _is_chosen(part):
                args.append(Code(""))  # a source that only lends its size, which is known
                continue
            code = waiting.get(value) or self.variables.known[value]
            if part.first.inputs[k].shape.spatial and not permutes:
                code = code.moved(self.program.layouts.input(part, k))
            if code.order is not None and self._reads[part].count(value) > 1:
                code = self.variables.read_again(code, value)
            args.append(code)
        made = self._called(part, args)
        if _is_chosen(part):
            other = args[0].moved(made.side) if part.first.inputs[0].shape.spatial else args[0]
            if other.lacks != made.lacks:
                made, other = (
                    self.variables.batched(made, part.values[0]),
                    self.variables.batched(other, part.sources[0]),
                )
            condition = f"self.{self.attributes.condition(part)}"
            choice = Choice("", made=made.code, condition=condition, other=str(other.code))
            made = made._replace(base=choice, binds=BINDS["if"], order=None).reading([made, other])
        return made

    def _called(self, part: Part, args: Sequence[Code]) -> Code:
        """The call of a part that is there, with its arguments."""
        axes = self.shapes.axes(part.values[0])
        any_batch = bool(part.calls) and not part.boxed and part.calls[-1].call.takes_any_batch
        access = "layer" if part.iterates else self.labelled.access.get(part, "")
        alone = not any_batch and bool(args) and all(each.lacks for each in args) and axes is not None
        alone = alone and _is_the_same_for_all(part)
        repeats = part.calls[-1].call.repeats if part.calls and not part.boxed else ()
        unbatched = part.calls[-1].call.unbatched if part.calls and not part.boxed else ()
        if not all(args[k].lacks for k in unbatched):
            unbatched = ()
        if alone:
            args = [each.with_batch_of_one() for each in args]
        elif not any_batch:
            args = [
                each.without_batch()
                if k in unbatched
                else each
                if k in repeats
                else self.variables.batched(each, value)
                for k, (each, value) in enumerate(zip(args, part.sources, strict=True))
            ]
        if not part.calls or part.boxed:
            made = Code(Brackets(f"{access}(", [Bracketed(each.code) for each in args]))
        elif part.calls[-1].call.places_channels:
            side = self.program.layouts.tensor(self.unit, part.values[0])
            made = call(self.program, self._with_own_sizes(part), "", args, side, self.attributes.param).reading(args)
            return made._replace(axes=axes, lacks="size" if alone else "").moved(side)
        else:
            side = self.program.layouts.input(part, 0)
            made = call(self.program, self._with_own_sizes(part), access, args, side, self.attributes.param)
        for each in [*([self._rest] if self._reads_rest(part) else []), *self._lists]:
            if isinstance(made.base, Brackets):
                made = made._replace(base=_with_all(made.base, each))
        lacks: Lack = "size" if alone else lacking(args) if any_batch else made.lacks
        side = self.program.layouts.tensor(self.unit, part.values[0])
        return made._replace(axes=axes, side=side, lacks=lacks).reading(args)

    def _with_own_sizes(self, part: Part) -> Part:
        """The part with the sizes of the class's own inputs as they are read of their variables."""

        def code(place: int) -> Code:
            return self.variables.known[-1, -1, place - OWN]

        def read(expr: Expr) -> Expr:
            if expr.op == "size" and expr.args[0].args[0] >= OWN:
                place, dim = (each.args[0] for each in expr.args)
                return code(place).size(dim)
            if expr.op == "tuple" and (place := _spatial_sizes_of(expr)) >= OWN and code(place).ends(len(expr.args)):
                return text(f"{code(place).atom}.shape[2:]")
            return Expr(expr.op, tuple(map(read, expr.parts)), expr.assumed) if expr.parts else expr

        if not any(place >= OWN for calling in part.calls for _, expr in calling.args for place in sizes_read(expr)):
            return part
        calls = (
            calling._replace(args=tuple((arg, read(expr)) for arg, expr in calling.args)) for calling in part.calls
        )
        return replace(part, calls=tuple(calls))

    def _reads_rest(self, part: Part) -> bool:
        """Whether the file has `*rest` among the sources of a part."""
        block = self.unit.block
        return bool(self._rest) and block.inputs[-1] in (block.entries[part.number].sources or ())

    def _assert_equal(self, part: Part) -> None:
        """Operands whose sizes are equal in the plan are not to be repeated."""
        shapes = [[tensor.shape for tensor in use.inputs] for _, use in part.uses]
        if all(len(set(each)) == 1 for each in shapes):
            self.variables.assign()
            sides = [self.program.layouts.input(part, k) for k in range(len(part.sources))]
            read = [self.variables.known[value] for value in part.sources]
            ranked = bool(part.first.inputs[0].shape.spatial)
            first, *others = [code.moved(side) if ranked else code for code, side in zip(read, sides, strict=True)]
            if not any(code.lacks for code in (first, *others)):
                unless = f"not self.{self.attributes.condition(part)} or " if _is_chosen(part) else ""
                self.variables.done += [
                    f"{BODY}assert {unless}{each.code}.shape == {first.code}.shape" for each in others if each != first
                ]


def _spatial_sizes_of(expr: Expr) -> int:
    """The input of which a list holds two sizes or more in order, from the first spatial one on; −1 for no input."""
    sizes = [[each.args[0] for each in part.args] for part in expr.args if part.op == "size"]
    places = {place for place, _ in sizes}
    in_order = [dim for _, dim in sizes] == list(range(2, len(expr.args) + 2))
    return places.pop() if in_order and len(places) == 1 and len(sizes) > 1 else -1


def _with_all(code: Brackets, listed: Sequence[str]) -> Brackets:
    """The call with `*rest` wherever all that are in the list `rest` stand in a row, in the call itself or in the list
    that it is given; what is nested in it has been written before.
    """
    whole = listed[0].partition("[")[0]
    items: list[Bracketed] = []
    for each in code.items:
        inside = each.code
        if isinstance(inside, Brackets) and inside.head == "[":
            inside = _with_all(inside, listed)
        items.append(replace(each, code=whole if str(inside) == f"[*{whole}]" else inside))
        if [str(item.code) for item in items[-len(listed) :]] == listed:
            items[-len(listed) :] = [Bracketed(f"*{whole}")]
    return replace(code, items=items)


def _holds(read: Sequence[Value], values: Sequence[Value]) -> bool:
    """Whether values are read all together, in their order."""
    return any(tuple(read[i : i + len(values)]) == values for i in range(len(read)))


def _is_the_same_for_all(part: Part) -> bool:
    """Whether a part makes of what is the same for all samples what is again the same for all, and leaves it as it is,
    so that it may be worked out for one sample alone.
    """
    if inner := part.unit or part.inside:
        return all(map(_is_the_same_for_all, inner.parts))
    layer = part.first.step.layer if part.first.step else None
    if layer is None or part.is_tensor:
        return part.is_tensor
    varies = layer.stochastic or layer.batch_statistics or layer.declared or "dropout" in type(layer).model_fields
    writes = layer.overwrites(training=True) or layer.overwrites(training=False)
    return not varies and not writes and not part.calls[-1].call.batches


def _is_chosen(part: Part) -> bool:
    """Whether a forward pass asks whether a part is there, since it has no module that stands for either case."""
    return part.when is not None and not (part.is_module and part.constructed)


def _lacks(part: Part) -> Lack:
    """What a tensor of the class lacks for a batch: its size, where the first axis has size 1, or else the axis."""
    data = part.calls[-1].args[0][1]
    sizes = next((each.args[0].args for each in data.args[1:] if each.op == "keyword size"), ())
    return "size" if len(sizes) > len(part.first.outputs[0].shape) else "axis"
