"""PyTorch: a model as a module like one written by hand.

`layouts` says where each tensor has its channels. Then each class is written (`classes`): how its parts are constructed
(`construction`, `chains`), which of them under which names (`submodules`, `places`), and its forward pass, a call at a
time (`forward`, `calls`), with variables for what is not nested (`variables`). `program` has what all classes share,
and `text` breaks lines as a formatter would.

What code looks like may be improved: it must stay as a formatter leaves it, and pass `verifying`. What a layer's call
is, its own `calls` say, and nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, get_args

from planner.classes.copies import Copies
from planner.classes.elsewhere import Elsewhere
from planner.classes.expressions import Expr
from planner.classes.names import Names
from planner.classes.parts import owned
from planner.classes.structure import Structure
from planner.classes.units import Units
from planner.collector import uncollected
from planner.diagnostics import Path
from planner.faults.no_such_call import NoSuchCall
from planner.faults.not_a_chain import NotAChain
from planner.faults.not_complete import NotComplete
from planner.format import Block
from planner.outputs import Format
from planner.outputs.code.torch.chains import is_plain, out_of_order
from planner.outputs.code.torch.classes import Writer
from planner.outputs.code.torch.indices import picked
from planner.outputs.code.torch.layouts import Layouts
from planner.outputs.code.torch.program import Program, Style
from planner.outputs.code.torch.ready_made import is_writable
from planner.outputs.code.torch.text import Bracketed, Brackets, fits, lines
from planner.report import Report
from planner.sides import Side

FORMAT = Format("py")


class Emitted(NamedTuple):
    """A program: its text, and the class or the function that makes the model.

    inputs, outputs  where each input and output of the model has its channels
    """

    text: str
    name: str
    program: Program
    inputs: tuple[Side, ...]
    outputs: tuple[Side, ...]


def render(
    report: Report, *, style: Style = "auto", asserts: bool = False, init: bool = False, main: bool = False
) -> str:
    """The program of a model. Raises the fault that forbids it.

    style    `sequential`: nothing but nn.Sequential; `module`: classes with a forward pass; `auto`: what is simplest
    asserts  the forward pass checks its shapes, and that no sum repeats an operand
    init     weights are initialized for ReLU
    main     run by itself, it prints the model, its number of parameters and its output's shape
    """
    return emitted(report, style=style, asserts=asserts, init=init, main=main).text


@uncollected()
def emitted(
    report: Report, *, style: Style = "auto", asserts: bool = False, init: bool = False, main: bool = False
) -> Emitted:
    """The program of a model, with what that is made of."""
    plan = report.plan
    faults = [*plan.model.diagnostics, *plan.diagnostics]
    if faults or not plan.complete:
        why = next((each.message for each in (*faults, *report.diagnostics)), "")
        raise NotComplete([step.name for step in plan.steps if step.facts is None], why)
    if style not in get_args(Style):
        raise ValueError(f"style is {style!r}: it is one of {', '.join(map(repr, get_args(Style)))}")
    if asserts and style == "sequential":
        raise ValueError("asserts stand in a forward pass, which `sequential` has none of")
    if asserts and style == "auto":
        style = "module"
    for step in plan.layers:
        if step.layer is not None:
            step.layer.must_be_writable(step.path)
    opened: frozenset[Path] = frozenset()
    elsewhere = Elsewhere(plan.model)
    while True:
        structure = Structure(plan, opened, sequential=style == "sequential")
        units = _units(structure, elsewhere)
        layouts = Layouts(units.all, units.root, sequential=style == "sequential")
        found = frozenset(_to_open(units, layouts)) if style != "sequential" else opened
        if found <= opened:
            break
        opened |= found
    _must_be_writable(units)
    if style == "sequential":
        _must_be_in_order(units)
    program = Program(units.names, units, layouts, style, asserts, init)
    writers = [Writer(program, unit) for unit in units.all]
    classes = ["\n".join(writer.whole()) for writer in writers]
    if main:
        classes.append("\n".join(_main(report, program)))
    inputs = tuple(layouts.tensor(units.root, (-1, -1, k)) for k in range(len(plan.inputs)))
    outputs = tuple(layouts.output(units.root, k) for k in range(len(plan.outputs)))
    return Emitted("\n".join(_whole(report, program, classes)) + "\n", program.maker, program, inputs, outputs)


def _units(structure: Structure, elsewhere: Elsewhere) -> Units:
    """The classes of a model, made again while a parameter turns out too late to have no other value in PyTorch."""
    fixed: set[tuple[Block, Expr]] = set()
    while True:
        known = len(fixed)
        copies = Copies(structure, Names(structure.params), fixed)
        if structure.sequential:
            _must_be_chain(copies)
        if len(fixed) > known:
            continue
        units = Units(copies, elsewhere)
        if len(fixed) == known:
            return units


def _must_be_writable(units: Units) -> None:
    """Raise the fault of the first layer that means a call of which no code is known."""
    for part in (part for unit in units.all for part in unit.all_parts()):
        for calling in part.calls:
            if not is_writable(calling.call):
                member = part.first.member
                raise NoSuchCall(member.type, calling.target, member.path)


def _to_open(units: Units, layouts: Layouts) -> Iterator[Path]:
    """Lists that read better as a class with a forward pass than as a chain with modules for what is none, and those
    that would call a module which is only said to be within theirs.
    """
    for unit in units.all:
        for owner, part, _ in owned(unit.parts):
            inner = owner.unit or owner.inside
            if inner is not None and not part.is_tensor:
                yield inner.block.path
        if units.structure.is_chain(unit.block) and not unit.reachable and not is_plain(layouts, unit):
            yield unit.block.path
        for part in unit.all_parts():
            inside = part.inside
            if inside is not None and not inside.repeats and not is_plain(layouts, inside):
                yield inside.block.path


def _must_be_in_order(units: Units) -> None:
    """Raise the fault of the first layer within a module to which a chain cannot come back."""
    lists = [each for unit in units.all for each in (unit, *(part.inside for part in unit.all_parts())) if each]
    for part in filter(None, map(out_of_order, lists)):
        raise NotAChain(part.first.name, part.first.member.path, why="order")


def _must_be_chain(copies: Copies) -> None:
    """Raise the fault of the first layer that reads something else than what stands above it."""
    for block in copies.known:
        entry = copies.structure.forbids_chain(block)
        if entry is not None:
            number = block.entries.index(entry)
            uses = [use for copy in copies.of(block) for use in copy.uses[number]]
            name = uses[0].member.name if uses else str(entry.type)
            raise NotAChain(name, entry.path, why="weights" if entry.borrows else "branch")


def _whole(report: Report, program: Program, classes: list[str]) -> Iterator[str]:
    """The lines of the whole program."""
    yield f'"""{_readable(report.plan.model.name)}: written by `planner code`."""'
    yield ""
    yield from _imports(program.imports)
    yield from _imports_of_the_user(program.imported)
    for code in (*program.helpers.values(), *classes):
        yield from ("", "", code.strip("\n"))


def _imports(used: set[str]) -> Iterator[str]:
    """The lines that import what the program uses."""
    standard = []
    if "math" in used:
        standard.append("import math")
    if "OrderedDict" in used:
        standard.append("from collections import OrderedDict")
    if "Sequence" in used:
        standard.append("from collections.abc import Sequence")
    if "Any" in used:
        standard.append("from typing import Any")
    if standard:
        yield from (*standard, "")
    if "torch" in used:
        yield "import torch"
    if "F" in used:
        yield "import torch.nn.functional as F"
    names = [each for each in ("Tensor", "nn") if each in used]
    if names:
        yield f"from torch import {', '.join(names)}"


def _imports_of_the_user(imported: Mapping[str, str]) -> Iterator[str]:
    """The lines that import classes of the user's own, apart from those of others."""
    modules: dict[str, list[str]] = {}
    for full, name in sorted(imported.items()):
        module, _, own = full.rpartition(".")
        modules.setdefault(module, []).append(own if name == own else f"{own} as {name}")
    yield from [""] if modules else []
    for module, names in sorted(modules.items()):
        whole = f"from {module} import {', '.join(names)}"
        split = Brackets(f"from {module} import (", list(map(Bracketed, names)))
        yield from [whole] if fits("", whole) else lines("", split)


def _main(report: Report, program: Program) -> Iterator[str]:
    """What prints the model when the program is run by itself."""
    unit = program.units.root
    program.imports.add("torch")
    inputs = []
    whole_numbers = picked(report.plan)
    # PyTorch's GroupNorm refuses a single sample that has one value in a group.
    alone = all(step.layer is None or step.layer.centred(*step.inputs) != 1 for step in report.plan.layers)
    batch = 1 if alone else 2
    for k, step in enumerate(report.plan.inputs):
        shape = step.outputs[0]
        side = program.layouts.tensor(unit, (-1, -1, k))
        whole = ", dtype=torch.long" if k in whole_numbers else ""
        inputs.append(
            f"torch.zeros({', '.join(map(str, (batch, *(shape if side == 'last' else shape.torch))))}{whole})"
        )
    yield 'if __name__ == "__main__":'
    yield f"    model = {program.maker}().eval()"
    yield "    print(model)"
    yield '    print(f"{sum(each.numel() for each in model.parameters()):,} parameters")'
    for k, code in enumerate(inputs):
        yield f"    x{k or ''} = {code}"
    given = ", ".join(f"x{k or ''}" for k in range(len(inputs)))
    yield "    with torch.no_grad():"
    if len(unit.outputs) == 1:
        yield f"        print(tuple(model({given}).shape))"
    else:
        yield f"        print([tuple(y.shape) for y in model({given})])"


def _readable(name: str) -> str:
    """A name as it can stand in a docstring."""
    return "".join(char if char.isalnum() or char in " _-.,+()" else "_" for char in name)
