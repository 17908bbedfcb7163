"""How a class is written: as a chain, or as a class with a forward pass of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from planner.classes.expressions import Expr, quoted, text
from planner.classes.names import is_attribute
from planner.classes.parts import Part, Unit
from planner.classes.symbols import OWN
from planner.outputs.code.torch import places
from planner.outputs.code.torch import ready_made as ready
from planner.outputs.code.torch.calls import sizes_read
from planner.outputs.code.torch.chains import is_plain
from planner.outputs.code.torch.construction import (
    Construction,
    Submodule,
    registration,
    within,
)
from planner.outputs.code.torch.forward import Forward
from planner.outputs.code.torch.members import Member, is_hidden, kind_of, member_named
from planner.outputs.code.torch.program import Program
from planner.outputs.code.torch.shapes import Shapes
from planner.outputs.code.torch.submodules import (
    Attributes,
    Labelled,
    labelled_parts,
    living_parts,
    parameter_of,
    place_of,
)
from planner.outputs.code.torch.text import BODY, STEP, WIDTH, Bracketed, Brackets, after, fits, lines
from planner.words import joined

MadeParts = Mapping[Part, str | Brackets | None]
"""The construction of each part; None where that takes several statements."""


class Writer:
    """Writes the class of one unit."""

    def __init__(self, program: Program, unit: Unit) -> None:
        self.program = program
        self.unit = unit
        self.shapes = Shapes(unit)
        self.construction = Construction(program)

    def whole(self) -> Iterator[str]:
        """The whole definition of the module."""
        unit, style = self.unit, self.program.style
        chain = is_sequential(self.program, unit)
        function = style == "sequential" or (style == "auto" and self.program.units.chains)
        if chain and unit.block.is_model and function:
            written = self.construction.sequential("return nn.Sequential(", unit)
            if written is not None:
                yield from self.function(written)
                return
        yield from self.sequential_class() if chain else self.module_class()

    def function(self, written: Brackets) -> Iterator[str]:
        """A model that is nothing but a chain, as a function that makes it."""
        self.program.maker = self.program.names.new_function(self.unit.block.name)
        arguments = [Bracketed(each) for each in self.program.arguments(self.unit)]
        yield from lines("", Brackets(f"def {self.program.maker}(", arguments, ") -> nn.Sequential:"))
        yield from self.docstring(STEP)
        if self.program.init:
            written = Brackets(written.head, written.items, f").apply({self.program.initializer()})")
        yield from lines(STEP, written)

    def head(self, base: str) -> Iterator[str]:
        """The lines of the class before the statements that construct its parts."""
        self.program.imports.add("nn")
        yield f"class {self.unit.name}({base}):"
        yield from self.docstring(STEP)
        yield ""
        arguments = [Bracketed(each) for each in ("self", *self.program.arguments(self.unit))]
        yield from lines(STEP, Brackets("def __init__(", arguments, ") -> None:"))

    def docstring(self, indent: str) -> Iterator[str]:
        """The docstring of the class: the shapes of its inputs and outputs, and what is right for these alone."""
        shapes, fixed = list(self._shapes(indent)), list(dict.fromkeys(_fixed(self.unit.parts)))
        if not fixed:
            yield from shapes
            return
        words = f"For inputs of this size alone, from which the model works out {joined(fixed)}."
        yield shapes[0].removesuffix('"""') if len(shapes) == 1 else shapes[0]
        yield from shapes[1:-1]
        yield ""
        yield from (f"{indent}{line}" for line in wrap(words, WIDTH - len(indent)))
        yield f'{indent}"""'

    def _shapes(self, indent: str) -> Iterator[str]:
        """A docstring that has the shapes of the inputs and outputs."""
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
        """The definition of a class that is a chain."""
        yield from self.head("nn.Sequential")
        nameless = self.unit.block.nameless
        whole = self.construction.sequential("super().__init__(", self.unit) if nameless else None
        if whole is not None:
            yield from lines(BODY, whole)
        else:
            yield f"{BODY}super().__init__()"
            yield from self.construction.statements("self", self.unit)
        yield from self._initialization()

    def _initialization(self) -> Iterator[str]:
        """The statement that initializes the weights of the model, where that is wanted."""
        if self.program.init and self.unit.block.is_model:
            yield f"{BODY}self.apply({self.program.initializer()})"

    def module_class(self) -> Iterator[str]:
        """The definition of a class with a forward pass."""
        living = living_parts(self.unit)
        labelled = labelled_parts(self.program, self.unit, living)
        attributes = Attributes(labelled.members.keys())
        body = list(Forward(self.program, self.shapes, living, labelled, attributes).lines())
        constructed = list(self._construction(labelled, attributes))
        if len(constructed) > 1 or self.unit.params or labelled.labels:
            yield from self.head(labelled.base)
            yield from constructed
        else:
            yield f"class {self.unit.name}({labelled.base}):"
            yield from self.docstring(STEP)
        yield ""
        yield from body

    def _construction(self, labelled: Labelled, attributes: Attributes) -> Iterator[str]:
        """The statements that make the submodules, and what else the forward pass reads."""
        self.program.imports.add("nn")
        codes = [self._module_of(part) for part, _ in labelled.labels]
        modules = [code for code in codes if code is not None]
        listed = labelled.base != "nn.Module" and len(modules) == len(codes)
        yield from lines(BODY, _list_of(labelled, modules)) if listed else [f"{BODY}super().__init__()"]
        for attribute, expr in attributes.values.items():
            self.program.uses(expr)
            yield f"{BODY}self.{attribute} = {expr}"
        made = dict(zip((part for part, _ in labelled.labels), codes, strict=True))
        if labelled.members:
            for label, member in labelled.members.items():
                yield from self._member("self", label, member, made)
        elif not listed:
            for (part, each), code in zip(labelled.labels, codes, strict=True):
                yield from self.construction.part("self", Submodule(each, part, code), BODY, in_chain=False)
        yield from self._ties(labelled)
        yield from self._initialization()

    def _ties(self, labelled: Labelled) -> Iterator[str]:
        """The statements that make weights the same tensors as others."""
        for part, label in labelled.labels:
            if not part.ties:
                continue
            indent, module = BODY, labelled.access[part]
            if part.when is not None:
                self.program.uses(part.when)
                yield f"{indent}if {part.when}:"
                indent += STEP
            if part.count is not None:
                yield f"{indent}for layer in {module}:"
                indent, module = indent + STEP, "layer"
            whole = member_named(labelled.members, str(label)).place if labelled.members else ""
            for own, other in part.ties.items():
                tied = places.code_of_weight(self.unit, other, self._base) or parameter_of(other)
                yield from lines(indent, f"{place_of(module, own) if own else whole} = {tied}")

    def _base(self, unit: Unit) -> str:
        """What the class of a unit derives from, or a chain in it is; nothing where it numbers more than its parts."""
        if self.program.units.structure.in_place(unit.block) or is_sequential(self.program, unit):
            return "nn.Sequential" if is_plain(self.program.layouts, unit) else ""
        return labelled_parts(self.program, unit, living_parts(unit)).base

    def _member(self, target: str, label: str | None, member: Member, made: MadeParts) -> Iterator[str]:
        """The statements that give a module a member, with all that is within it."""
        part = member.part
        if part is None:
            whole = self._container(member, made, str(registration(target, label, "")))
            yield from lines(BODY, registration(target, label, whole or f"{member.container}()"))
            if whole is None:
                for number, each in member.in_order:
                    yield from self._member(member.code, None if member.is_list else number, each, made)
                return
        elif part.is_constant:
            yield from lines(BODY, after(f"{member.place} = ", made[part] or ""))
        elif part.is_tensor:
            yield from lines(BODY, _registered(target, str(label), kind_of(part), made[part] or ""))
        else:
            yield from self.construction.part(target, Submodule(label, part, made[part]), BODY, in_chain=False)
        yield from self._within(member, made)

    def _within(self, member: Member, made: MadeParts) -> Iterator[str]:
        """The statements for what a member has within it, other than what was made with it."""
        for label, each in member.in_order:
            if member.part is not None or member.container == "nn.Module":
                yield from self._member(member.code, label, each, made)
            else:
                yield from self._within(each, made)

    def _container(self, member: Member, made: MadeParts, head: str = STEP) -> str | Brackets | None:
        """The construction of a module that is there for its members alone, behind `head`; None where that takes
        several statements.
        """
        kind = member.container
        if kind == "nn.Module":
            return "nn.Module()"
        codes: dict[str, str | Brackets] = {}
        for label, each in member.in_order:
            code = self._container(each, made) if each.part is None else made[each.part]
            if code is None:
                return None
            codes[label] = code
        if not member.is_list:
            pairs = [Bracketed(after(f"{quoted(label)}: ", code)) for label, code in codes.items()]
            return within(f"{kind}(", Brackets("{", pairs, "}"))
        if len(codes) > 2 and len(set(map(str, codes.values()))) == 1:
            shorter = f"{kind}([{codes['0']} for _ in range({len(codes)})])"
            if fits(BODY, f"{head}{shorter}"):
                return shorter
        return Brackets(f"{kind}(", [Bracketed(Brackets("[", list(map(Bracketed, codes.values())), "]"))])

    def _module_of(self, part: Part) -> str | Brackets | None:
        """The construction of a part that is a submodule or a tensor; None where that takes several statements."""
        if part.is_tensor:
            return self._made_tensor(part)
        return self.program.layer(part) if part.calls and not part.boxed else self.construction.module(self.unit, part)

    def _made_tensor(self, part: Part) -> Brackets:
        """The construction of a tensor that the class has."""
        (_, data), *more = part.calls[-1].args
        made = _tensor(data)
        self.program.uses(made)
        self.program.imports |= {"torch", "nn"}
        items = [Bracketed(self.program.expr(made)), *(Bracketed(f"{name}={expr}") for name, expr in more)]
        return Brackets(f"{part.calls[-1].target}(", items)


def _registered(owner: str, label: str, kind: str, made: str | Brackets) -> str | Brackets:
    """The statement that makes a tensor, a parameter or a buffer, one of its owner's."""
    if is_attribute(label):
        return after(f"{owner}.{label} = ", made)
    if is_hidden(label):
        return after(f"{owner}._{kind}s[{quoted(label)}] = ", made)
    return Brackets(f"{owner}.register_{kind}(", [Bracketed(quoted(label)), Bracketed(made)])


def _fixed(parts: Sequence[Part]) -> Iterator[str]:
    """The arguments that the file works out from sizes of the list's input, and that are numbers in the class."""
    for part in parts:
        copy, use = part.uses[0]
        entry = copy.block.entries[part.number]
        if part.inside is not None:
            yield from _fixed(part.inside.parts)
        if not any(place >= OWN for calling in part.calls for _, expr in calling.args for place in sizes_read(expr)):
            layer = use.step.layer if use.step is not None else None
            unwritten = layer.in_forward if layer is not None and layer.declared else ()
            keys = [key for key in entry.worked_out if key not in unwritten]
            defaults = use.inner.block.spatial_defaults - set(entry.args) if use.inner is not None else ()
            yield from (f"{use.name}.{key}" for key in keys if entry.reads_spatial(key))
            yield from (f"{use.name}.{key}" for key in sorted(defaults))


def is_sequential(program: Program, unit: Unit) -> bool:
    """Whether a class is a chain of modules, without a forward pass of its own."""
    style = program.style
    plain = is_plain(program.layouts, unit)
    as_it_is = plain and (style != "module" or (unit.block.nameless and not unit.block.is_model))
    chain = program.units.structure.is_chain(unit.block)
    return chain and (as_it_is or style == "sequential" or not unit.reachable)


def _list_of(labelled: Labelled, modules: Sequence[str | Brackets]) -> Brackets:
    """The construction of a class that is a list of its modules, or has them by their names."""
    if labelled.base == "nn.ModuleList":
        return within("super().__init__(", Brackets("[", list(map(Bracketed, modules)), "]"))
    pairs = zip(labelled.labels, modules, strict=True)
    items = [Bracketed(after(f"{quoted(str(label))}: ", code)) for (_, label), code in pairs]
    return within("super().__init__(", Brackets("{", items, "}"))


def _tensor(data: Expr) -> Expr:
    """`torch.zeros(1, 1, 768)` for `torch.zeros(size=(1, 1, 768))`."""
    callee, first, *others = data.args
    given = first.args[0]
    if given.op == "new":
        given = _tensor(given)
    for table in ready.TABLES:
        if callee == text(f"planner.{table}"):
            sizes = given.args if given.op == "tuple" else (given, *(each.args[0] for each in others))
            return Expr(f"{table}()", tuple(sizes))
    if others or given.op != "tuple":
        return Expr("call", (callee, given, *(each.args[0] for each in others)))
    return Expr("call", (callee, *given.args)) if given.args else Expr("call", (callee, given))
