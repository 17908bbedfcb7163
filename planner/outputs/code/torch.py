"""PyTorch: a model as the module that one would have written oneself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from planner.outputs.code._classes import Writer
from planner.outputs.code._copies import AgainError, Copies
from planner.outputs.code._expressions import Expr
from planner.outputs.code._layouts import Layouts
from planner.outputs.code._names import Names
from planner.outputs.code._program import Program
from planner.outputs.code._structure import Listing, Structure
from planner.outputs.code._units import Units
from planner.report import Report

Style = Literal["auto", "sequential", "module"]


def render(report: Report, style: Style = "auto") -> str:
    """The program of a complete plan."""
    structure = Structure(report.plan)
    names = Names(structure.params)
    fixed: set[tuple[Listing, Expr]] = set()
    while True:
        try:
            copies = Copies(structure, names, fixed)
            break
        except AgainError:
            continue
    units = Units(copies, names)
    program = Program(names, units, Layouts(units.all, units.root))
    classes = ["\n".join(Writer(program, unit).class_lines()) for unit in units.all]
    return "\n".join(_whole(report, program, classes)) + "\n"


def _whole(report: Report, program: Program, classes: list[str]) -> Iterator[str]:
    yield f'"""{_readable(report.plan.model.name)}: written by `planner code`."""'
    yield ""
    yield from _imports(program.imports)
    for code in (*program.helpers.values(), *classes):
        yield from ("", "", code.strip("\n"))


def _imports(used: set[str]) -> Iterator[str]:
    standard = []
    if "math" in used:
        standard.append("import math")
    if "OrderedDict" in used:
        standard.append("from collections import OrderedDict")
    if "Sequence" in used:
        standard.append("from collections.abc import Sequence")
    if standard:
        yield from (*standard, "")
    if "torch" in used:
        yield "import torch"
    if "F" in used:
        yield "import torch.nn.functional as F"
    names = [each for each in ("Tensor", "nn") if each in used]
    if names:
        yield f"from torch import {', '.join(names)}"


def _readable(name: str) -> str:
    """A name as it can stand in a docstring."""
    return "".join(char if char.isalnum() or char in " _-.,+()" else "_" for char in name)
