"""Lenses: totals above a file, sizes that lose nothing above its input, and how often each block is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.analyses.input_sizes import InputSizes, input_sizes
from planner.analyses.sizes import AxisSizes
from planner.diagnostics import Path
from planner.outputs.plan.table import known, memory
from planner.server.document import Document
from planner.words import counted, joined


@dataclass(frozen=True, slots=True)
class Lens:
    """A text above a line; it is worked out later where it takes its time, as the sizes of inputs do.

    line  the line below it, from 0
    """

    line: int
    text: str | None


def lenses(document: Document) -> list[Lens]:
    """The lenses of a file; the text of those over `input` is to be asked for by `sizes`."""
    if not document.is_model or document.outline is None or not document.plan.steps:
        return []
    return list(_lenses(document))


def _lenses(document: Document) -> Iterator[Lens]:
    root = document.outline
    assert root is not None
    if root.kind == "mapping" and root.keys:
        yield Lens(document.text.line_at(root.keys[0].start + document.mark), _totals(document))
    blocks = document.source.at(("blocks",)) if not document.source.format else None
    for name in blocks if isinstance(blocks, dict) else ():
        line = _line(document, ("blocks", name))
        if line is not None and not str(name).startswith("x-"):
            yield Lens(line, _used(document, name))
    line = _line(document, ("input",))
    if line is not None and not document.source.format and document.report.bench.fault is None:
        yield Lens(line, None)


def _line(document: Document, path: Path) -> int | None:
    passage = document.passage_of(path, at_key=True) if document.source.at(path) is not None else None
    return document.text.line_at(passage.start) if passage is not None else None


def _totals(document: Document) -> str:
    """What the whole network costs."""
    cost, plan = document.view.cost, document.plan
    missing = sum(step.facts is None for step in plan.layers)
    without = f"without the {counted(missing, 'step')} not planned: " if missing else ""
    return (
        f"{without}{known(cost.known_params, cost.unknown_params)} parameters, "
        f"{known(cost.known_macs, cost.unknown_macs)} MACs, {memory(cost.peak_bytes)} peak"
    )


def _used(document: Document, name: str) -> str:
    """How often a block is used, and what it has in all of its copies."""
    groups = [each for each in document.plan.model.groups if each.block.path == ("blocks", name, "layers")]
    if not groups:
        return "not used"
    params = [step.params for each in groups for step in document.steps(each)]
    found = sum(each or 0 for each in params)
    if not found and None in params:
        return f"used {counted(len(groups), 'time')}, not planned"
    total = known(found, None in params)
    return f"used {counted(len(groups), 'time')}, {total} parameters"


def sizes(document: Document) -> str:
    """The sizes of the inputs that work, and those with which nothing is lost, as `planner sizes` says them."""
    model = document.report.plan.model
    if model.diagnostics:
        return "sizes that work: open until the file is right"
    said: dict[tuple[str, str], list[str]] = {}
    several = len(document.report.plan.inputs) > 1
    for each in input_sizes(model):
        for axis in each.axes:
            name = f"{axis.name} of {each.input}" if several else axis.name
            if not isinstance(axis, AxisSizes):
                continue
            beside = joined([f"{other} at {n:,}" for other, n in axis.beside[:2]] or _company(each, axis, several))
            lossless = f"{axis.lossless.words('n')}{f' (with {beside})' if beside else ''}"
            said.setdefault((axis.works.words("n"), lossless), []).append(name)
    return (
        "; ".join(f"{joined(names)}: works {works}, lossless {lossless}" for (works, lossless), names in said.items())
        or "no axis whose size could be another"
    )


def _company(found: InputSizes, axis: AxisSizes, several: bool) -> list[str]:
    """The axes of which a size must fit, for those of an axis to hold."""
    axes = [each for together in found.together if axis in together.axes for each in together.axes if each != axis]
    return [f"a fitting {each.name}{f' of {each.input}' if several else ''}" for each in axes]
