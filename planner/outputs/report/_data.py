"""The data of the page: the report in plain values, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from planner.analyses.input_sizes import InputSizes, Unsolved, input_sizes
from planner.analyses.sweep import sweep
from planner.diagnostics import Diagnostic, Severity
from planner.outputs._findings import path_text
from planner.outputs._screen import printable
from planner.outputs._weights import lent
from planner.outputs.draw._picture import Picture, arguments, family
from planner.outputs.plan.table import memory, title
from planner.plan import Step
from planner.report import Report
from planner.words import counted, joined

MOST_ROWS = 5_000
"""Steps in the table; a page with more of them is slow."""
MOST_TEXT = 300_000
"""Characters of the model file that the page holds."""
MOST_LINES = 12
"""Lines of the file that are shown for a step."""
MOST_READ = 2_500
"""Tensors that all steps of a model read whose sizes are looked at; it takes many seconds for more."""


def data(report: Report, pictures: Sequence[Picture]) -> dict[str, Any]:
    """All that the page shows, except its drawings."""
    marks = pictures[0].marks if pictures else {}
    steps = report.plan.steps[:MOST_ROWS]
    numbers = report.plan.numbers
    name, inputs = title(report)
    return {
        "name": name,
        "file": printable(report.source.file or ""),
        "inputs": len(report.plan.inputs),
        "figures": list(_figures(report, inputs)),
        "findings": [_finding(report, each, numbers) for each in report.diagnostics],
        "steps": [
            {
                **_step(report, i, step),
                "marks": [[str(mark.severity), mark.name, mark.text] for mark in marks.get(i, ())],
            }
            for i, step in enumerate(steps)
        ],
        "left_out": max(len(report.plan.steps) - MOST_ROWS, 0),
        "source": report.source.text.splitlines() if len(report.source.text) <= MOST_TEXT else [],
        "drawings": [
            {
                "boxes": [[[each.start, each.stop - 1] for each in box.all_steps()] for box in picture.boxes],
                "blocks": [box.number for box in picture.boxes if box.is_block],
            }
            for picture in pictures
        ],
        "sizes": list(_sizes(report)) if _read(report) <= MOST_READ else [],
        "unsized": _read(report) > MOST_READ,
    }


def _figures(report: Report, inputs: str) -> Iterator[tuple[str, str]]:
    plan, cost = report.plan, report.cost
    shapes = ", ".join(str(shape) for ref in plan.outputs if (shape := plan.shape(ref)))
    yield "input", inputs
    yield "output", shapes or "not planned"
    yield "steps", f"{len(plan.steps) - len(plan.inputs):,}"
    yield "parameters", f"{cost.params:,}"
    yield "MACs", f"{cost.macs:,}"
    yield "FLOPs", f"{cost.flops:,}"
    yield f"peak memory (batch {cost.batch}, {cost.dtype})", memory(cost.peak_bytes)
    if report.reach is not None:
        cells = sum(each.cells for each in report.unread_inputs.values())
        yield "input cells never read", f"{cells:,}"
        yield "MACs wasted", f"{report.reach.wasted_macs:,}"


def _finding(report: Report, each: Diagnostic, numbers: Mapping[str, int]) -> dict[str, Any]:
    place = report.place(each)
    lines = []
    for path in (each.path, *each.calls):
        found = place if path == each.path else report.source.place(path)
        if found is not None:
            lines.append([found.line, found.column, found.length])
    return {
        "severity": str(each.severity),
        "code": each.code,
        "kind": each.kind.name(),
        "message": printable(each.message),
        "label": printable(each.label),
        "help": printable(each.help),
        "step": numbers.get(each.step, -1) if each.step is not None else -1,
        "path": path_text(each.path),
        "lines": lines,
        "fixes": [[printable(fix.text), printable(fix.effect), fix.label] for fix in report.fixes(each)],
    }


def _step(report: Report, i: int, step: Step) -> dict[str, Any]:
    calls = [found.line for call in step.instance.calls if (found := report.source.place(call))]
    return {
        "name": printable(step.name),
        "type": printable(step.type),
        "family": family(step),
        "args": ", ".join(filter(None, (arguments(step), lent(report.plan, step)))),
        "from": [ref.step for ref in step.sources],
        "in": [str(shape) for shape in step.inputs],
        "out": [str(shape) for shape in step.outputs],
        "params": step.params,
        "macs": step.macs,
        "line": report.line(step),
        "calls": calls,
        "loss": [each.text for each in report.losses[i]],
        "sees": list(_sees(report, i)),
    }


def _sees(report: Report, i: int) -> Iterator[str]:
    """The stretch of each input that one cell of the first output sees, axis by axis."""
    fields = report.fields[i]
    if not fields or report.plan.steps[i].is_input:
        return
    for source, axes in fields[0].items():
        name = report.plan.steps[source].name
        for axis, each in enumerate(axes):
            size = "a stretch of no single size" if each.size is None else counted(each.size, "cell")
            if each.size is not None and each.outgrows:
                size += f" (more than the {each.length} there are)"
            stride = f", one every {_number(each.stride)}" if each.stride else ""
            centre = f", the first around {_number(each.centre)}" if each.stride and each.centre is not None else ""
            yield f"{printable(name)} axis {axis}: {size}{stride}{centre}"


def _number(value: Fraction | None) -> str:
    return "?" if value is None else str(value)


def _read(report: Report) -> int:
    """The number of tensors that all steps read."""
    return sum([len(step.sources) for step in report.plan.steps])


def _sizes(report: Report) -> Iterator[dict[str, Any]]:
    """For each input: what happens at the sizes around its own, and which sizes are good, for every size."""
    plan = report.plan
    solved = {} if report.count(Severity.ERROR) else {each.input: each for each in input_sizes(plan.model)}
    for step in plan.inputs:
        shape = step.outputs[0]
        swept = list(sweep(plan, step.name))
        if not swept:
            continue
        axis = max(range(len(shape.spatial)), key=lambda i: shape[i])
        words = _words(solved[step.name], axis) if step.name in solved else []
        yield {
            "input": printable(step.name),
            "given": shape[axis],
            "swept": [[each.size, int(each.works), each.losing, each.uneven, each.unread] for each in swept],
            "words": words,
        }


def _words(found: InputSizes, axis: int) -> list[list[str]]:
    """The good sizes of an axis, in words; where they depend on other axes, for all of these at one size."""
    said = found.axes[axis]
    if isinstance(said, Unsolved):
        return [["for every size", f"not known: {said.reason}"]]
    own = said.input, said.axis
    together = next((each for each in found.together if own in [(a.input, a.axis) for a in each.axes]), None)
    names = [f"{a.name} of `{printable(a.input)}`" for a in together.axes] if together else []
    several = together is not None and len(together.inputs) > 1
    good = said if together is None or several else together.equal
    beside = joined([f"{printable(name)} at {n:,}" for name, n in said.beside])
    return [
        *([["beside", beside]] if beside else []),
        *([["with fitting sizes of" if several else "all of one size", joined(names)]] if names else []),
        ["works", good.works.words("n")],
        ["loses no cell at an edge", good.lossless.words("n")],
        ["leaves nothing over", good.exact.words("n")],
    ]
