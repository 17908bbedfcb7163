"""The data of the page: the report in plain values, and what the page alone shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from planner.analyses.input_sizes import InputSizes, Unsolved, input_sizes
from planner.analyses.nearby import nearby
from planner.diagnostics import Diagnostic, Severity
from planner.outputs._dictionary import dictionary, step_values
from planner.outputs._findings import path_text
from planner.outputs._screen import printable
from planner.outputs._weights import lent
from planner.outputs.draw._marks import Mark, marks
from planner.outputs.draw._picture import Picture, arguments, family
from planner.outputs.plan.table import known, line_text, memory, title
from planner.plan import Step
from planner.report import Report
from planner.words import joined

MOST_ROWS = 5_000
"""Steps in the table; a page with more of them is slow."""
MOST_TEXT = 300_000
"""Characters of the model file that the page holds."""
COMFORTABLE = 40
"""Boxes of a picture that are taken in at a look."""
MOST_READ = 2_500
"""The most tensors, read by all steps together, of a model whose good sizes are looked for; more take many seconds."""


def data(report: Report, pictures: Sequence[Picture]) -> dict[str, Any]:
    """The dictionary of the report, printable, and what the page alone shows; its drawings stand beside it."""
    return {**plain(report), **sizes(report), "source": text_of(report), **drawn(pictures)}


def plain(report: Report, *, fixes: bool = True) -> dict[str, Any]:
    """What needs no more than the plan: the dictionary of the report, printable, and what pages show beside it.

    fixes  whether they are looked for, which takes longer than all the rest
    """
    told = dictionary(report, fixes=fixes, kept=False)  # which no page shows
    steps = _inputs(report) + told["steps"]
    found = marks(report)
    shown: dict[str, Any] = _printable(
        {
            **told,
            "reach": None,  # the page draws a map instead of these lists of lines, which may be long
            "steps": [
                {**values, **_of_step(report, i, found.get(i, ()))} for i, values in enumerate(steps[:MOST_ROWS])
            ],
            "diagnostics": [
                {**values, **_of_finding(report, each)}
                for values, each in zip(told["diagnostics"], report.diagnostics, strict=True)
            ],
            "file": report.source.file or "",
            "left_out": max(len(steps) - MOST_ROWS, 0),
            "figures": list(_figures(report)),
        }
    )
    return shown


def sizes(report: Report) -> dict[str, Any]:
    """What happens at other sizes of the inputs, which may take seconds."""
    unsized = _read(report) > MOST_READ
    shown: dict[str, Any] = _printable({"sizes": [] if unsized else list(_sizes(report)), "unsized": unsized})
    return shown


def text_of(report: Report) -> list[str]:
    """The lines of the model file, of one that is not too long to be shown."""
    return report.source.text.splitlines() if len(report.source.text) <= MOST_TEXT else []


def drawn(pictures: Sequence[Picture]) -> dict[str, Any]:
    """For each picture the steps in each box and which boxes are blocks; and the picture that is shown first."""
    drawings = [
        {
            "boxes": [[[each.start, each.stop - 1] for each in box.all_steps()] for box in picture.boxes],
            "blocks": [box.number for box in picture.boxes if box.is_block],
        }
        for picture in pictures
    ]
    return {
        "drawings": drawings,
        "level": max(sum(len(each.boxes) <= COMFORTABLE for each in pictures) - 1, 0),
    }


def _inputs(report: Report) -> list[dict[str, Any]]:
    """The inputs as steps, which see nothing but themselves."""
    inputs = [step_values(report, i, step) for i, step in enumerate(report.plan.inputs)]
    return [{**each, "receptive_field": {}} for each in inputs]


def _printable(value: Any) -> Any:
    """A plain value with all of its texts made printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key): _printable(each) for key, each in value.items()}
    return [_printable(each) for each in value] if isinstance(value, list | tuple) else value


def _figures(report: Report) -> Iterator[tuple[str, str]]:
    plan, cost = report.plan, report.cost
    shapes = ", ".join(str(shape) for ref in plan.outputs if (shape := plan.shape(ref)))
    yield "input", title(report)[1]
    yield "output", shapes or "not planned"
    yield "steps", f"{len(plan.steps) - len(plan.inputs):,}"
    yield "parameters", known(cost.known_params, cost.unknown_params)
    yield "MACs", known(cost.known_macs, cost.unknown_macs)
    yield "FLOPs", known(2 * cost.known_macs, cost.unknown_macs)
    yield f"peak memory (batch {cost.batch}, {cost.dtype})", memory(cost.peak_bytes)
    if report.reach is not None:
        cells = sum(each.cells for each in report.unread_inputs.values())
        yield "input cells never read", f"{cells:,}"
        yield "MACs wasted", known(report.reach.known_waste, report.reach.wasted_macs is None)


def _of_step(report: Report, i: int, found: Sequence[Mark]) -> dict[str, Any]:
    """What the page shows of a step beside its plain values; `reads` are the numbers of the steps that it reads."""
    step = report.plan.steps[i]
    return {
        "family": family(step),
        "arguments": ", ".join(filter(None, (arguments(step), lent(report.plan, step)))),
        "reads": [ref.step for ref in step.sources],
        **_stands(report, step),
        "marks": [[str(mark.severity), mark.name, mark.text] for mark in found],
    }


def _stands(report: Report, step: Step) -> dict[str, Any]:
    """The lines of the model file where a step stands and is called from: of one in a library, only the calls."""
    places = map(report.source.place, (step.path, *step.instance.calls))
    lines = [found.line for found in places if found and found.file is None]
    return {"line": lines[0] if lines else None, "calls": lines[1:]}


def _of_finding(report: Report, each: Diagnostic) -> dict[str, Any]:
    """What the page shows of a finding beside its plain values: its headline in two parts, and all its places."""
    places = [report.place(each), *map(report.source.place, each.calls)]
    return {
        "title": each.message,
        "label": each.label,
        "path": path_text(each.path),
        "lines": [[found.line, found.column, found.length] for found in places if found and found.file is None],
        "library": line_text(places[0]) if places[0] and places[0].file is not None else "",
    }


def _read(report: Report) -> int:
    """The number of tensors that all steps read."""
    return sum([len(step.sources) for step in report.plan.steps])


def _sizes(report: Report) -> Iterator[dict[str, Any]]:
    """For each input: what happens at the sizes around its own, and which sizes are good, for every size."""
    plan = report.plan
    solved = {} if report.count(Severity.ERROR) else {each.input: each for each in input_sizes(plan.model)}
    for step in plan.inputs:
        shape = step.outputs[0]
        found = list(nearby(plan, step.name))
        if not found:
            continue
        axis = max(range(len(shape.spatial)), key=lambda i: shape[i])
        yield {
            "input": step.name,
            "given": shape[axis],
            "nearby": [[each.size, int(each.works), each.losing, each.uneven, each.unread] for each in found],
            "words": _words(solved[step.name], axis) if step.name in solved else [],
        }


def _words(found: InputSizes, axis: int) -> list[list[str]]:
    """The good sizes of an axis, in words; where they depend on other axes, for all of these at one size."""
    said = found.axes[axis]
    if isinstance(said, Unsolved):
        return [["for every size", f"not known: {said.reason}"]]
    own = said.input, said.axis
    together = next((each for each in found.together if own in [(a.input, a.axis) for a in each.axes]), None)
    names = [f"{a.name} of `{a.input}`" for a in together.axes] if together else []
    several = together is not None and len(together.inputs) > 1
    good = said if together is None or several else together.equal
    beside = joined([f"{name} at {n:,}" for name, n in said.beside])
    return [
        *([["beside", beside]] if beside else []),
        *([["with fitting sizes of" if several else "all of one size", joined(names)]] if names else []),
        ["works", good.works.words("n")],
        ["loses no cell at an edge", good.lossless.words("n")],
        ["leaves nothing over", good.exact.words("n")],
    ]
