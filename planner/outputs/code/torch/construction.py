"""How the parts of a class are constructed: a chain as one expression, or statement by statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, takewhile

from planner.classes.arithmetic import value
from planner.classes.expressions import Expr, quoted
from planner.classes.names import is_attribute, unused
from planner.classes.parts import Part, Unit
from planner.classes.tensors import INDEX
from planner.outputs.code.torch import ready_made as ready
from planner.outputs.code.torch.calls import Code, call
from planner.outputs.code.torch.chains import chained
from planner.outputs.code.torch.layouts import follows
from planner.outputs.code.torch.members import is_hidden
from planner.outputs.code.torch.program import Program, annotation, type_of
from planner.outputs.code.torch.shapes import Shapes
from planner.outputs.code.torch.submodules import Attributes
from planner.outputs.code.torch.text import BODY, STEP, Bracketed, Brackets, after, fits, lines
from planner.sides import Side


@dataclass(frozen=True)
class Submodule:
    """A module of a chain or a class: that of a part, or what moves the channels between two parts.

    label    its name, as `Part.name` has it
    code     its construction; None where that takes several statements
    members  the modules within it, where it is there for these alone
    """

    label: str | Expr | None
    part: Part | None
    code: str | Brackets | None
    comment: str = ""
    members: Sequence[Submodule] = ()


class Construction:
    """Writes the code that constructs the parts of one class."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._locals = 0

    def submodules(self, unit: Unit, depth: int = 3) -> list[Submodule]:
        """The modules of a chain in order, with those that move the channels."""
        commented = Shapes(unit) if self.program.units.structure.in_model(unit.block) else None
        found: list[Submodule] = []
        moved = False
        for step in chained(self.program.layouts, unit):
            if step.part is None:
                found.append(Submodule("", None, self._movedim(step.after)))
                moved = True
                continue
            part = step.part
            code = self.module(unit, part, depth, channels_first=step.turned)
            shown = commented is not None and not step.turned and part.inside is None
            comment = ""
            if commented and shown and commented.changes(part.sources[0], part.values[0]):
                comment = commented.written(part.values[0], step.after)
            found.append(Submodule(part.name, part, code, comment))
        return _with_owners(_with_moves_named(found) if moved else found)

    def _movedim(self, to: Side) -> str:
        """The construction of a module that moves the channels."""
        return f"{self.program.movedim()}({'1, -1' if to == 'last' else '-1, 1'})"

    def module(self, unit: Unit, part: Part, depth: int = 3, *, channels_first: bool = False) -> str | Brackets | None:
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
        axes = len(part.first.inputs[0].shape)
        given = Code("x", side=layouts.input(part, 0), axes=axes)
        side = given.side if last.call.layout == "any" or follows(part) else last.call.layout
        inputs = [given.moved("last" if side == "last" else "first") if axes > 1 else given] * len(part.sources)
        attributes = Attributes()
        code = call(self.program, part, "super().forward", inputs, inputs[0].side, attributes.param)
        code = code.at(last.call.returns[0]) if last.call.returns != ((),) else code
        code = code._replace(axes=len(part.first.outputs[0].shape), side=inputs[0].side)
        wanted = layouts.tensor(unit, part.values[0])
        kind = part.first.step.type if part.first.step else "Layer"
        about = f"{kind} as a module with one input and one output."
        text = str((code.moved(wanted) if len(part.first.outputs[0].shape) > 1 else code).code)
        kinds = {each: self._kind(part, expr) for each, expr in attributes.values.items()}
        written = ready.wrapped("{name}", base, text, about, kinds)
        found = self.program.helper(written, f"{kind}Layer", kind, base, text)
        return Brackets(
            f"{found}(", made.items if made else [Bracketed(str(expr)) for expr in attributes.values.values()]
        )

    def _kind(self, part: Part, expr: Expr) -> str:
        """The type of a number in all copies of a part."""
        return annotation(type_of(value(expr, copy.values)) for copy, _ in part.uses)

    def _padded(self, part: Part, base: str, made: Brackets) -> Brackets:
        """A convolution or a pool with a padding for each side, as a module."""
        pad = dict(part.calls[0].args)
        holds = next((str(pad[each].args[0]) for each in ("mode", "value") if each in pad), "constant")
        code = ready.padded("{name}", base, holds)
        found = self.program.helper(code, f"Padded{base.rpartition('.')[2]}", base, "padded", holds)
        self.program.imports |= {"Any", "Sequence"}
        self.program.uses(pad["pad"])
        return Brackets(f"{found}(", [*made.items, Bracketed(f"pad={pad['pad']}")])

    def sequential(self, head: str, unit: Unit, depth: int = 3) -> Brackets | None:
        """A chain as one expression; None where it takes several statements. `depth` is that of its modules."""
        return self._row(head, self.submodules(unit, depth if unit.block.nameless else depth + 3), depth)

    def _row(self, head: str, modules: Sequence[Submodule], depth: int) -> Brackets | None:
        """Modules one after the other as one expression; None where it takes several statements."""
        items: list[Bracketed] = []
        for module in modules:
            code = self._row("nn.Sequential(", module.members, depth + 2) if module.members else module.code
            if code is None or (module.part is not None and (module.part.when is not None or module.part.carried)):
                return None
            if module.part is not None and module.part.count is not None:
                code = self._repeated(module.part, code, STEP * depth)
                if code is None:
                    return None
            items.append(Bracketed(code, module.comment))
        self.program.imports.add("nn")
        labels = [module.label for module in modules]
        if any(isinstance(label, str) and is_hidden(label) for label in labels):
            return None
        if all(label is None for label in labels):
            return Brackets(head, items)
        if not all(isinstance(label, str) for label in labels):
            return None
        self.program.imports.add("OrderedDict")
        named = list(zip(map(str, labels), items, strict=True))
        if all(label.isidentifier() and label.isascii() and is_attribute(label) for label, _ in named):
            pairs = [Bracketed(after(f"{label}=", item.code), item.comment) for label, item in named]
            return within(head, Brackets("OrderedDict(", pairs))
        pairs = [Bracketed(Brackets("(", [Bracketed(quoted(label)), item])) for label, item in named]
        return within(head, Brackets("OrderedDict(", [Bracketed(Brackets("[", pairs, "]"))]))

    def _repeated(self, part: Part, code: str | Brackets, indent: str) -> str | Brackets | None:
        """Repetitions as an expression, if they are short enough for one line."""
        assert part.count is not None
        self.program.uses(part.count)
        if part.iterates:
            self.program.imports.add("nn")
            made = f"nn.ModuleList([{code} for {_index(part)} in range({part.count})])"
            return made if fits(indent, f"{part.name} = {made},") else None
        if part.wrapped and not part.numbered and (part.count.is_value(1) or part.count.is_value(2)):
            self.program.imports.add("nn")
            return Brackets("nn.Sequential(", [Bracketed(code)] * int(str(part.count)))
        made = f"*({code} for {_index(part)} in range({part.count}))"
        if part.wrapped:
            self.program.imports.add("nn")
            made = f"nn.Sequential({made})"
        return made if fits(indent, f"{part.name if part.wrapped else ''}{' = '}{made},") else None

    # Statements

    def statements(self, target: str, unit: Unit, indent: str = BODY) -> Iterator[str]:
        """The statements that fill a chain."""
        yield from self._statements(target, self.submodules(unit), indent)

    def _statements(self, target: str, modules: Sequence[Submodule], indent: str) -> Iterator[str]:
        """The statements that put modules into a chain."""
        for module in modules:
            code = self._row("nn.Sequential(", module.members, 3) if module.members else module.code
            if module.part is not None:
                yield from self.part(target, module, indent, in_chain=True)
            elif code is not None:
                yield from lines(indent, registration(target, module.label, code))
            else:
                inner = self.new_local()
                yield f"{indent}{inner} = nn.Sequential()"
                yield from self._statements(inner, module.members, indent)
                yield from lines(indent, registration(target, module.label, inner))

    def part(self, target: str, module: Submodule, indent: str, *, in_chain: bool) -> Iterator[str]:
        """The statements that make a part a submodule, under its condition and with its repetitions."""
        part, code = module.part, module.code
        assert part is not None
        if part.when is not None:
            self.program.uses(part.when)
            if not in_chain:
                self.program.imports.add("nn")
                whole = registration(target, module.label, f"{code} if {part.when} else nn.Identity()")
                if code is not None and part.count is None and fits(indent, whole):
                    yield f"{indent}{whole}"
                    return
                assert isinstance(module.label, str)
                head = registration(target, module.label, "nn.Identity()")
                if target == "self" and is_attribute(module.label):
                    head = f"self.{module.label}: nn.Module = nn.Identity()"
                yield from lines(indent, head)
            yield f"{indent}if {part.when}:"
            indent += STEP
        if part.loops:
            yield from self._alone(target, module, indent)
            return
        if part.count is None:
            yield from self.single(target, module, indent)
            return
        if code is not None and part.carried is None:
            repeated = self._repeated(part, code, f"{indent}{target}.")
            if repeated is not None and part.wrapped:
                yield from lines(indent, registration(target, module.label, repeated), module.comment)
                return
        yield from self._loop(target, module, part, indent)

    def _alone(self, target: str, module: Submodule, indent: str) -> Iterator[str]:
        """The statements that make a part a submodule in a container, since it is called as the first of many, or there
        are none.
        """
        self.program.imports.add("nn")
        count = module.part.count if module.part is not None else None
        if count is not None and count.is_const:
            count = None
        if count is not None:
            self.program.uses(count)
        if module.code is not None:
            cut = f"[:{'' if count.op == 'name' else ' '}{count}]" if count is not None else ""
            listed = Brackets("[", [Bracketed(module.code)], f"]{cut}")
            made = Brackets("nn.ModuleList(", [Bracketed(listed)])
            yield from lines(indent, registration(target, module.label, made))
            return
        inner = self.new_local()
        yield f"{indent}{inner} = nn.ModuleList()"
        if count is not None:
            yield f"{indent}if {count}:"
        yield from self.single(inner, replace(module, label=None), indent if count is None else f"{indent}{STEP}")
        yield from lines(indent, registration(target, module.label, inner))

    def _loop(self, target: str, module: Submodule, part: Part, indent: str) -> Iterator[str]:
        """The statements that construct a part again and again, in a container of its own where it is wrapped."""
        if part.wrapped:
            self.program.imports.add("nn")
            label, container = module.label, "nn.ModuleList()" if part.iterates else "nn.Sequential()"
            assert isinstance(label, str)
            if is_attribute(label):
                yield f"{indent}{target}.{label} = {container}"
                target = f"{target}.{label}"
            else:
                inner = self.new_local()
                yield f"{indent}{inner} = {container}"
                yield from lines(indent, registration(target, label, inner))
                target = inner
            module = replace(module, label=None)
        if part.carried is not None:
            start, end = part.carried
            self.program.uses(start, end)
            if not start.is_name(part.variable):
                yield f"{indent}{part.variable} = {start}"
        assert part.count is not None
        yield f"{indent}for {_index(part)} in range({part.count}):"
        yield from self.single(target, module, indent + STEP)
        if part.carried is not None:
            end = part.carried[1]
            if end.op == "+" and end.args[0].is_name(part.variable):
                yield f"{indent}{STEP}{part.variable} += {end.args[1]}"
            else:
                yield f"{indent}{STEP}{part.variable} = {end}"

    def single(self, target: str, module: Submodule, indent: str) -> Iterator[str]:
        """The statements that construct a module once, whatever its condition and its repetitions are."""
        part, label = module.part, module.label
        if module.code is not None:
            yield from lines(indent, registration(target, label, module.code), module.comment)
            return
        assert part is not None
        assert part.inside is not None
        self.program.imports.add("nn")
        if isinstance(label, str) and is_attribute(label):
            yield f"{indent}{target}.{label} = nn.Sequential()"
            yield from self.statements(f"{target}.{label}", part.inside, indent)
            return
        inner = self.new_local()
        yield f"{indent}{inner} = nn.Sequential()"
        yield from self.statements(inner, part.inside, indent)
        yield from lines(indent, registration(target, label, inner))

    def new_local(self) -> str:
        """A variable for a chain in the making."""
        self._locals += 1
        return "layers" if self._locals == 1 else f"layers_{self._locals - 1}"


def registration(target: str, label: str | Expr | None, code: str | Brackets) -> str | Brackets:
    """The statement that makes a module a submodule of another."""
    if label is None:
        return within(f"{target}.append(", code)
    if isinstance(label, str) and is_attribute(label):
        return after(f"{target}.{label} = ", code)
    written = quoted(label) if isinstance(label, str) else str(label)
    if isinstance(label, str) and is_hidden(label):
        return after(f"{target}._modules[{written}] = ", code)
    return Brackets(f"{target}.add_module(", [Bracketed(written), Bracketed(code)])


def within(head: str, code: str | Brackets) -> Brackets:
    """A call, or other brackets, around one construction."""
    shorter = code.shorter if isinstance(code, Brackets) else None
    return Brackets(head, [Bracketed(code)], shorter=shorter and Brackets(head, [Bracketed(shorter)]))


def _index(part: Part) -> str:
    """The variable for the number of a repetition."""
    return INDEX if part.numbered else "_"


def _with_moves_named(modules: Sequence[Submodule]) -> list[Submodule]:
    """The modules of a chain with names for those that move channels: the numbers that are free between those of the
    others, if they fit.
    """
    labels = [module.label for module in modules]
    if all(label in ("", str(i)) for i, label in enumerate(labels)):
        return [replace(module, label=None) for module in modules]
    taken = {label for label in labels if isinstance(label, str)}
    found = []
    for i, module in enumerate(modules):
        if module.label is None:
            module = replace(module, label=str(sum(each.part is not None for each in modules[:i])))
        elif module.label == "":
            label = unused(f"{_owner_of(labels, i)}movedim", taken)
            module = replace(module, label=label)
            taken.add(label)
        found.append(module)
    return found


def _owner_of(labels: Sequence[str | Expr | None], place: int) -> str:
    """What stands before the last dot in the names of both modules beside a place in a chain, as far as they agree."""
    beside = [*labels[max(place - 1, 0) : place], *labels[place + 1 : place + 2]]
    owners = [each.split(".")[:-1] if isinstance(each, str) else [] for each in beside]
    agreed = takewhile(lambda pieces: len(set(pieces)) == 1, zip(*owners, strict=False)) if len(owners) == 2 else ()
    return "".join(f"{piece}." for piece, *_ in agreed)


def _with_owners(modules: Sequence[Submodule]) -> list[Submodule]:
    """The modules of a chain, with those together whose names have the same before a dot."""
    found: list[Submodule] = []
    for owner, run in groupby(modules, _owner):
        if not owner:
            found += run
            continue
        inner = [replace(each, label=str(each.label).removeprefix(f"{owner}.")) for each in run]
        if [each.label for each in inner] == list(map(str, range(len(inner)))):
            inner = [replace(each, label=None) for each in inner]
        found.append(Submodule(owner, None, None, members=_with_owners(inner)))
    return found


def _owner(module: Submodule) -> str:
    """What stands before the first dot in a module's name; "" where there is none."""
    owner, dot, _ = module.label.partition(".") if isinstance(module.label, str) else ("", "", "")
    return owner if dot else ""
