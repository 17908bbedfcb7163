"""A comparison as JSON, one step, finding or entry a line."""

from __future__ import annotations

from typing import Any

from planner.comparison import BeforeAfter, Comparison, Port, StepChange
from planner.comparison.state import State, StateEntry
from planner.geometry import Shape
from planner.outputs import Format
from planner.outputs._dictionary import finding
from planner.outputs._json import laid_out
from planner.outputs._screen import Screen
from planner.report import Report

FORMAT = Format(has_findings=True)


def render(both: Comparison, screen: Screen, *_: object) -> str:
    """All that differs between two models; steps that are as before are left out."""
    return laid_out(dictionary(both), 3, ascii=not screen.unicode)


def dictionary(both: Comparison) -> dict[str, Any]:
    """A comparison in plain values; each side has what `planner plan` has in JSON by the same names."""
    found = both.findings
    return {
        "differs": both.differs,
        "before": _side(both.before),
        "after": _side(both.after),
        "inputs": [_port(each) for each in both.ports if each.kind == "input"],
        "outputs": [_port(each) for each in both.ports if each.kind == "output"],
        "totals": {name: _values(change) for name, change in both.totals.items()},
        "steps": [_step(each) for each in both.steps],
        "findings": {
            "gained": [_finding(both.after, each) for each in found.gained],
            "mended": [_finding(both.before, each) for each in found.mended],
            "changed": [
                {"before": _finding(both.before, was), "after": _finding(both.after, now)} for was, now in found.changed
            ],
        },
        "state_dict": _state(both.state),
    }


def _side(report: Report) -> dict[str, Any]:
    return {"model": report.plan.model.name, "file": report.source.file, "complete": report.plan.complete}


def _port(port: Port) -> dict[str, Any]:
    return {"name": _values(port.names), "shape": _values(port.shapes), "differs": port.differs}


def _values(change: BeforeAfter) -> dict[str, Any]:
    return {"before": _plain(change.before), "after": _plain(change.after)}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _step(each: StepChange) -> dict[str, Any]:
    """A step by its name after or, of one that is gone, before; with all in which it differs."""
    change = "added" if each.added else "removed" if each.removed else "changed" if each.edited else None
    facts = dict(each.facts)
    if "out" in facts:
        facts["out"] = BeforeAfter(*map(_outputs, facts["out"]))
    return {
        "name": each.step.name,
        "type": each.step.type,
        "change": change or ("renamed" if each.renamed else "follows"),
        **({} if change in ("added", "removed") else {"was": each.before.name} if each.renamed and each.before else {}),
        **(_whole(each) if change in ("added", "removed") else {}),
        **({"arguments": {name: _values(one) for name, one in each.arguments.items()}} if each.arguments else {}),
        **{name: _values(one) for name, one in facts.items() if name != "name"},
    }


def _whole(each: StepChange) -> dict[str, Any]:
    """What there is to say of a step that only one of the models has."""
    step, kept = each.step, each.kept[each.removed is False]
    return {"out": _outputs(step.outputs), "params": step.params, "macs": step.macs, "kept": kept}


def _outputs(shapes: tuple[Shape, ...]) -> Any:
    """The shape of a step's only output, or a list of those of several; None where it is not planned."""
    outputs = [list(shape) for shape in shapes]
    return None if not outputs else outputs[0] if len(outputs) == 1 else outputs


def _finding(report: Report, each: Any) -> dict[str, Any]:
    """A finding, without its fixes: `planner check` has them."""
    return {key: value for key, value in finding(report, each, fixes=False).items() if key != "fixes"}


def _state(state: State) -> dict[str, Any]:
    return {
        "entries": {"before": len(state.before), "after": len(state.after)},
        "fitting": state.fitting,
        "unknown_steps": state.unknown,
        "resized": {now.name: {"before": list(was.sizes), "after": list(now.sizes)} for was, now in state.resized},
        "renamed": [
            {"before": was.name, "after": now.name, **(_resized(was, now) if was.sizes != now.sizes else {})}
            for was, now in state.renamed
        ],
        "unexpected": [each.name for each in state.gone],
        "missing": [each.name for each in state.new],
        "mistaken": [now.name for _, now in state.mistaken],
    }


def _resized(was: StateEntry, now: StateEntry) -> dict[str, Any]:
    return {"sizes": {"before": list(was.sizes), "after": list(now.sizes)}}
