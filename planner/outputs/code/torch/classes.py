"""How a module is constructed: as a chain, or as a class with a forward pass of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from planner.classes.expressions import Expr, quoted
from planner.classes.names import TAKEN, is_attribute, unused
from planner.classes.parts import Part, Unit
from planner.classes.tensors import INDEX
from planner.outputs.code.torch import ready_made as ready
from planner.outputs.code.torch.calls import Code, call
from planner.outputs.code.torch.chains import chained, is_plain
from planner.outputs.code.torch.forward import Forward
from planner.outputs.code.torch.layouts import Side, follows
from planner.outputs.code.torch.program import Program
from planner.outputs.code.torch.shapes import Shapes
from planner.outputs.code.torch.text import STEP, Brackets, Item, fits, lines

BODY = STEP * 2


def registration(target: str, label: str | Expr | None, code: str | Brackets) -> str | Brackets:
    """The statement that makes a module a submodule of another."""
    if label is None:
        return _within(f"{target}.append(", code)
    if isinstance(label, str) and is_attribute(label):
        return code.after(f"{target}.{label} = ") if isinstance(code, Brackets) else f"{target}.{label} = {code}"
    written = quoted(label) if isinstance(label, str) else str(label)
    if isinstance(label, str) and _is_refused(label):
        head = f"{target}._modules[{written}] = "
        return code.after(head) if isinstance(code, Brackets) else f"{head}{code}"
    return Brackets(f"{target}.add_module(", [Item(written), Item(code)])


def _is_refused(label: str) -> bool:
    """Whether a module or its containers have an attribute of this name, so that `add_module` refuses it."""
    return label in TAKEN or label.startswith("_")


def _within(head: str, code: str | Brackets) -> Brackets:
    shorter = code.shorter if isinstance(code, Brackets) else None
    return Brackets(head, [Item(code)], shorter=shorter and Brackets(head, [Item(shorter)]))


@dataclass
class Link:
    """One module of a chain: of a part, or one that moves the channels between two of them."""

    label: str | Expr | None
    part: Part | None
    code: str | Brackets | None
    comment: str = ""


@dataclass
class Writer:
    """Writes the module of one unit."""

    program: Program
    unit: Unit
    shapes: Shapes = field(init=False)
    _locals: int = 0

    def __post_init__(self) -> None:
        self.shapes = Shapes(self.unit)

    # Chains

    def links(self, unit: Unit, depth: int = 3) -> list[Link]:
        """The modules of a chain in order, with those that move the channels."""
        commented = Shapes(unit) if self.program.units.structure.in_model(unit.block) else None
        found: list[Link] = []
        moved = False
        for step in chained(self.program.layouts, unit):
            if step.part is None:
                found.append(Link("", None, self._movedim(step.after)))
                moved = True
                continue
            part = step.part
            code = self._module(unit, part, depth, channels_first=step.turned)
            shown = commented is not None and not step.turned and part.inside is None
            comment = ""
            if commented and shown and commented.changes(part.sources[0], part.values[0]):
                comment = commented.written(part.values[0], step.after)
            found.append(Link(part.name, part, code, comment))
        if moved:
            _name_moves(found)
        return found

    def _movedim(self, to: Side) -> str:
        return f"{self.program.movedim()}({'1, -1' if to == 'last' else '-1, 1'})"

    def _module(self, unit: Unit, part: Part, depth: int = 3, *, channels_first: bool = False) -> str | Brackets | None:
        """The construction of a part without its repetitions; None where that takes several statements."""
        if part.inside is not None:
            return self.sequential("nn.Sequential(", part.inside, depth=depth + 2)
        if part.unit is not None:
            return self.program.call(part)
        if part.plain:
            return self.program.layer(part, channels_first=channels_first)
        return self._odd(unit, part)

    def _odd(self, unit: Unit, part: Part) -> str | Brackets:
        """A call that is no module, or one with more than its input, as a module of its own."""
        made = self.program.layer(part) if part.is_module else None
        base = "nn.Module" if made is None else made.head.removesuffix("(")
        if made is not None and part.calls[0].call.is_padding:
            return self._padded(part, base, made)
        layouts, last = self.program.layouts, part.calls[-1]
        axes = len(part.item.inputs[0].shape)
        given = Code("x", side=layouts.input(part, 0), axes=axes)
        side = given.side if last.call.layout == "any" or follows(part) else last.call.layout
        inputs = [given.moved("last" if side == "last" else "first") if axes > 1 else given] * len(part.sources)
        kept: dict[str, Expr] = {}

        def attribute(expr: Expr) -> str:
            found = expr.args[0] if expr.op == "name" else "size"
            kept[found] = expr
            return str(found)

        code = call(self.program, part, "super().forward", inputs, inputs[0].side, attribute)
        code = code.at(last.call.returns[0]) if last.call.returns != ((),) else code
        code = code._replace(axes=len(part.item.outputs[0].shape), side=inputs[0].side)
        wanted = layouts.tensor(unit, part.values[0])
        kind = part.item.step.type if part.item.step else "Layer"
        about = f"{kind} as a module with one input and one output."
        text = str((code.moved(wanted) if len(part.item.outputs[0].shape) > 1 else code).code)
        written = ready.wrapped("{name}", base, text, about, list(kept))
        found = self.program.helper(written, f"{kind}Layer", kind, base, text)
        return Brackets(f"{found}(", made.items if made else [Item(str(expr)) for expr in kept.values()])

    def _padded(self, part: Part, base: str, made: Brackets) -> Brackets:
        """A convolution or a pool with a padding for each side, as a module."""
        pad = dict(part.calls[0].args)
        holds = next((str(pad[each].args[0]) for each in ("mode", "value") if each in pad), "constant")
        code = ready.padded("{name}", base, holds)
        found = self.program.helper(code, f"Padded{base.rpartition('.')[2]}", base, "padded", holds)
        self.program.imports |= {"Any", "Sequence"}
        self.program.uses(pad["pad"])
        return Brackets(f"{found}(", [*made.items, Item(f"pad={pad['pad']}")])

    def sequential(self, head: str, unit: Unit, depth: int = 3) -> Brackets | None:
        """A chain as one expression; None where it takes several statements. `depth` is that of its modules."""
        links = self.links(unit, depth if unit.block.nameless else depth + 3)
        items: list[Item] = []
        for link in links:
            code = link.code
            if code is None or (link.part is not None and (link.part.when is not None or link.part.carried)):
                return None
            if link.part is not None and link.part.count is not None:
                code = self._repeated(link.part, code, STEP * depth)
                if code is None:
                    return None
            items.append(Item(code, link.comment))
        self.program.imports.add("nn")
        labels = [link.label for link in links]
        if any(isinstance(label, str) and _is_refused(label) for label in labels):
            return None
        if all(label is None for label in labels):
            return Brackets(head, items)
        if not all(isinstance(label, str) for label in labels):
            return None
        self.program.imports.add("OrderedDict")
        named = list(zip(map(str, labels), items, strict=True))
        if all(label.isidentifier() and label.isascii() and is_attribute(label) for label, _ in named):
            pairs = [Item(_prefixed(f"{label}=", item.code), item.comment) for label, item in named]
            return _within(head, Brackets("OrderedDict(", pairs))
        pairs = [Item(Brackets("(", [Item(quoted(label)), item])) for label, item in named]
        return _within(head, Brackets("OrderedDict(", [Item(Brackets("[", pairs, "]"))]))

    def _repeated(self, part: Part, code: str | Brackets, indent: str) -> str | Brackets | None:
        """Repetitions as an expression, if they are short enough for one line."""
        assert part.count is not None
        self.program.uses(part.count)
        if part.wrapped and not part.numbered and (part.count.is_value(1) or part.count.is_value(2)):
            self.program.imports.add("nn")
            return Brackets("nn.Sequential(", [Item(code)] * int(str(part.count)))
        made = f"*({code} for {_index(part)} in range({part.count}))"
        if part.wrapped:
            self.program.imports.add("nn")
            made = f"nn.Sequential({made})"
        return made if fits(indent, f"{part.name if part.wrapped else ''}{' = '}{made},") else None

    # Statements

    def statements(self, target: str, unit: Unit, indent: str = BODY) -> Iterator[str]:
        """The statements that fill a chain."""
        for link in self.links(unit):
            if link.part is None:
                yield from lines(indent, registration(target, link.label, link.code or ""))
            else:
                yield from self.part(target, link, indent, in_chain=True)

    def part(self, target: str, link: Link, indent: str, *, in_chain: bool) -> Iterator[str]:
        """The statements that construct one part and make it a submodule."""
        part, code = link.part, link.code
        assert part is not None
        if part.when is not None:
            self.program.uses(part.when)
            if not in_chain:
                self.program.imports.add("nn")
                whole = registration(target, link.label, f"{code} if {part.when} else nn.Identity()")
                if code is not None and part.count is None and fits(indent, whole):
                    yield f"{indent}{whole}"
                    return
                assert isinstance(link.label, str)
                head = f"{target}.{link.label}: nn.Module = nn.Identity()"
                other = registration(target, link.label, "nn.Identity()")
                yield from lines(indent, head if is_attribute(link.label) else other)
            yield f"{indent}if {part.when}:"
            indent += STEP
        if part.count is None:
            yield from self._single(target, link.label, link, indent)
            return
        if code is not None and part.carried is None:
            repeated = self._repeated(part, code, f"{indent}{target}.")
            if repeated is not None and part.wrapped:
                yield from lines(indent, registration(target, link.label, repeated), link.comment)
                return
        yield from self._loop(target, link, part, indent)

    def _loop(self, target: str, link: Link, part: Part, indent: str) -> Iterator[str]:
        label = link.label
        if part.wrapped:
            self.program.imports.add("nn")
            assert isinstance(label, str)
            if is_attribute(label):
                yield f"{indent}{target}.{label} = nn.Sequential()"
                target = f"{target}.{label}"
            else:
                inner = self._new_local()
                yield f"{indent}{inner} = nn.Sequential()"
                yield from lines(indent, registration(target, label, inner))
                target = inner
            label = None
        if part.carried is not None:
            start, end = part.carried
            self.program.uses(start, end)
            if not start.is_name(part.variable):
                yield f"{indent}{part.variable} = {start}"
        assert part.count is not None
        yield f"{indent}for {_index(part)} in range({part.count}):"
        yield from self._single(target, label, link, indent + STEP)
        if part.carried is not None:
            end = part.carried[1]
            if end.op == "+" and end.args[0].is_name(part.variable):
                yield f"{indent}{STEP}{part.variable} += {end.args[1]}"
            else:
                yield f"{indent}{STEP}{part.variable} = {end}"

    def _single(self, target: str, label: str | Expr | None, link: Link, indent: str) -> Iterator[str]:
        if link.code is not None:
            yield from lines(indent, registration(target, label, link.code), link.comment)
            return
        part = link.part
        assert part is not None
        assert part.inside is not None
        self.program.imports.add("nn")
        if isinstance(label, str) and is_attribute(label):
            yield f"{indent}{target}.{label} = nn.Sequential()"
            yield from self.statements(f"{target}.{label}", part.inside, indent)
            return
        inner = self._new_local()
        yield f"{indent}{inner} = nn.Sequential()"
        yield from self.statements(inner, part.inside, indent)
        yield from lines(indent, registration(target, label, inner))

    def _new_local(self) -> str:
        """A variable for a chain in the making."""
        self._locals += 1
        return "layers" if self._locals == 1 else f"layers_{self._locals - 1}"

    # The class

    def whole(self) -> Iterator[str]:
        """The whole definition of the module."""
        unit, style = self.unit, self.program.style
        plain = is_plain(self.program.layouts, unit)
        as_it_is = plain and (style != "module" or (unit.block.nameless and not unit.block.is_model))
        chain = self.program.units.structure.is_chain(unit.block)
        chain = chain and (as_it_is or style == "sequential" or not unit.reachable)
        function = style == "sequential" or (style == "auto" and self.program.units.chains)
        if chain and unit.block.is_model and function:
            written = self.sequential("return nn.Sequential(", unit)
            if written is not None:
                yield from self.function(written)
                return
        yield from self.sequential_class() if chain else self.module_class()

    def function(self, written: Brackets) -> Iterator[str]:
        """A model that is nothing but a chain, as a function that makes it."""
        self.program.maker = self.program.names.new_function(self.unit.block.name)
        arguments = [Item(each) for each in self.program.arguments(self.unit)]
        yield from lines("", Brackets(f"def {self.program.maker}(", arguments, ") -> nn.Sequential:"))
        yield from self.docstring(STEP)
        if self.program.init:
            written = Brackets(written.head, written.items, f").apply({self.program.initializer()})")
        yield from lines(STEP, written)

    def head(self, base: str) -> Iterator[str]:
        self.program.imports.add("nn")
        yield f"class {self.unit.name}({base}):"
        yield from self.docstring(STEP)
        yield ""
        arguments = [Item(each) for each in ("self", *self.program.arguments(self.unit))]
        yield from lines(STEP, Brackets("def __init__(", arguments, ") -> None:"))

    def docstring(self, indent: str) -> Iterator[str]:
        """What goes in and what comes out."""
        layouts, unit = self.program.layouts, self.unit
        ins = [((-1, -1, k), layouts.tensor(unit, (-1, -1, k))) for k in range(len(unit.copy.inputs))]
        outs = [(value, layouts.output(unit, k)) for k, value in enumerate(unit.outputs)]
        for longest in (60, 24, 12):
            read, given = ([self.shapes.written(*each, longest) for each in both] for both in (ins, outs))
            whole = f"{', '.join(read)} -> {', '.join(given)}."
            if fits(indent, f'"""{whole}"""'):
                yield f'{indent}"""{whole}"""'
                return
        written = ", ".join(read), f"-> {', '.join(given)}."
        if all(fits(indent, f'"""{line}') for line in written):
            yield f'{indent}"""{written[0]}'
            yield f"{indent}{written[1]}"
        else:
            yield f'{indent}"""{read[0]},' if len(read) > 1 else f'{indent}"""{read[0]}'
            yield from (f"{indent}{each}," for each in read[1:-1])
            yield from (f"{indent}{each}" for each in read[1:][-1:])
            yield f"{indent}-> {given[0]}{',' if len(given) > 1 else '.'}"
            yield from (f"{indent}   {each}," for each in given[1:-1])
            yield from (f"{indent}   {each}." for each in given[1:][-1:])
        yield f'{indent}"""'

    def sequential_class(self) -> Iterator[str]:
        yield from self.head("nn.Sequential")
        if self.unit.block.nameless and (whole := self.sequential("super().__init__(", self.unit)) is not None:
            yield from lines(BODY, whole)
        else:
            yield f"{BODY}super().__init__()"
            yield from self.statements("self", self.unit)
        yield from self._initialization()

    def _initialization(self) -> Iterator[str]:
        if self.program.init and self.unit.block.is_model:
            yield f"{BODY}self.apply({self.program.initializer()})"

    def module_class(self) -> Iterator[str]:
        forward = Forward(self.program, self.unit, self.shapes)
        body = list(forward.lines())
        constructed = list(self._construction(forward))
        if len(constructed) > 1 or self.unit.params or forward.submodules:
            yield from self.head(forward.base)
            yield from constructed
        else:
            yield f"class {self.unit.name}({forward.base}):"
            yield from self.docstring(STEP)
        yield ""
        yield from body

    def _construction(self, forward: Forward) -> Iterator[str]:
        """The statements that make the submodules, and what else the forward pass reads."""
        self.program.imports.add("nn")
        modules = [self._module_of(part) for part, _ in forward.submodules]
        listed = forward.base in ("nn.ModuleList", "nn.ModuleDict") and None not in modules
        if listed:
            items = [Item(code) for code in modules if code is not None]
            if forward.base == "nn.ModuleDict":
                labels = [str(label) for _, label in forward.submodules]
                pairs = zip(labels, items, strict=True)
                items = [Item(_prefixed(f"{quoted(label)}: ", item.code)) for label, item in pairs]
            brackets = Brackets("{", items, "}") if forward.base == "nn.ModuleDict" else Brackets("[", items, "]")
            yield from lines(BODY, _within("super().__init__(", brackets))
        else:
            yield f"{BODY}super().__init__()"
        for attribute, expr in forward.attributes.items():
            self.program.uses(expr)
            yield f"{BODY}self.{attribute} = {expr}"
        nested: dict[str, list[tuple[Part, str | Brackets | None]]] = {}
        for (part, label), code in zip(forward.submodules, modules, strict=True):
            if listed:
                continue
            if part.nested is not None:
                name, number, count = part.nested
                nested.setdefault(name, []).append((part, self._made_parameter(part) if part.is_parameter else code))
                if number == count - 1:
                    yield from self._container(name, nested[name])
            elif part.is_parameter:
                yield from lines(BODY, self._parameter(part, str(label)))
            else:
                yield from self.part("self", Link(label, part, code), BODY, in_chain=False)
        yield from self._initialization()

    def _container(self, label: str, nested: Sequence[tuple[Part, str | Brackets | None]]) -> Iterator[str]:
        """A list of modules, or of parameters, of which some are called by themselves."""
        kind = "nn.ParameterList" if nested[0][0].is_parameter else "nn.ModuleList"
        codes = [code for _, code in nested if code is not None]
        if len(codes) < len(nested):
            local = self._new_local()
            yield f"{BODY}{local} = {kind}()"
            for part, code in nested:
                yield from self._single(local, None, Link(None, part, code), BODY)
            yield from lines(BODY, registration("self", label, local))
            return
        whole = registration("self", label, Brackets(f"{kind}(", [Item(Brackets("[", list(map(Item, codes)), "]"))]))
        if len(codes) > 2 and len({str(code) for code in codes}) == 1:
            shorter = registration("self", label, f"{kind}([{codes[0]} for _ in range({len(codes)})])")
            if fits(BODY, shorter):
                whole = str(shorter)
        yield from lines(BODY, whole)

    def _module_of(self, part: Part) -> str | Brackets | None:
        if part.is_parameter:
            return None
        return self.program.layer(part) if part.calls and not part.boxed else self._module(self.unit, part)

    def _made_parameter(self, part: Part) -> Brackets:
        (_, data), *_ = part.calls[-1].args
        self.program.uses(data)
        self.program.imports |= {"torch", "nn"}
        return Brackets("nn.Parameter(", [Item(self.program.expr(_tensor(data)))])

    def _parameter(self, part: Part, label: str) -> str | Brackets:
        made = self._made_parameter(part)
        if is_attribute(label):
            return made.after(f"self.{label} = ")
        if _is_refused(label):
            return made.after(f"self._parameters[{quoted(label)}] = ")
        return Brackets("self.register_parameter(", [Item(quoted(label)), Item(made)])


def _tensor(data: Expr) -> Expr:
    """`torch.zeros(1, 1, 768)` for `torch.zeros(size=(1, 1, 768))`."""
    callee, size, *others = data.args
    sizes = size.args[0]
    if others:
        return Expr("call", (callee, sizes, *(each.args[0] for each in others)))
    return Expr("call", (callee, *sizes.args))


def _prefixed(head: str, code: str | Brackets) -> str | Brackets:
    return code.after(head) if isinstance(code, Brackets) else f"{head}{code}"


def _index(part: Part) -> str:
    return INDEX if part.numbered else "_"


def _name_moves(links: Sequence[Link]) -> None:
    """Give names to modules that move channels: the numbers that are free between those of the others, if they fit."""
    labels = [link.label for link in links]
    if all(label == "" or (isinstance(label, str) and label.isdecimal()) for label in labels) and all(
        label in ("", str(i)) for i, label in enumerate(labels)
    ):
        for link in links:
            link.label = None
        return
    taken = {label for label in labels if isinstance(label, str)}
    for i, link in enumerate(links):
        if link.label is None:
            link.label = str(sum(each.part is not None for each in links[:i]))
        elif link.label == "":
            link.label = unused("movedim", taken)
            taken.add(link.label)
