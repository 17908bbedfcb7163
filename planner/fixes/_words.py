"""Fixes in words: what to change, and what the model is like then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from planner.analyses.receptive_field import AxisField
from planner.diagnostics import Edit, Path, Severity
from planner.editing import edited, written
from planner.fixes._findings import Findings, unread_of
from planner.remedies._case import Case, Proposal
from planner.report import Report
from planner.words import counted


def text_of(case: Case, proposal: Proposal) -> str:
    """The edits as one would write them; where they are not at the finding itself, with the place."""
    if proposal.given:
        sizes = {name: "x".join(map(str, shape)) for name, shape in proposal.given.items()}
        single = len(case.plan.inputs) == 1
        return " ".join(f"--input {size}" if single else f"--input {name}={size}" for name, size in sizes.items())
    own = case.step.path if case.step is not None else case.found.path
    parts: dict[str, list[str]] = {}
    for edit in proposal.edits:
        home, said = _said(case, edit, own, proposal)
        parts.setdefault(home, []).append(said)
    return "; ".join(f"{home}{', '.join(said)}" for home, said in parts.items())


def _said(case: Case, edit: Edit, own: Path, proposal: Proposal) -> tuple[str, str]:
    """Where an edit is, and what it does."""
    key = edit.path[-1]
    if edit.action == "insert":
        return "", f"before it: {written(edit.value)}"
    place = _before_inserts(edit.path, proposal.edits)
    value = written(edit.value, flow=True)
    said = {"set": f"{key}: {value}", "remove": f"without `{key}`", "rename": f"`{edit.value}` for `{key}`"}[
        edit.action
    ]
    if isinstance(key, int):  # one of a list: the list is shown as it will be
        whole = edited(case.at(place[:-1]), [Edit((key,), edit.value)])
        return _home(case, place[:-1], own), f"{edit.path[-2]}: {written(whole, flow=True)}"
    return _home(case, place, own), said


def _before_inserts(path: Path, edits: tuple[Edit, ...]) -> Path:
    """A path among the entries as they were before others came in."""
    for edit in reversed(edits):
        depth = len(edit.path) - 1
        if edit.action == "insert" and edit.path != path and path[:depth] == edit.path[:depth] and len(path) > depth:
            here, new = path[depth], edit.path[depth]
            if isinstance(here, int) and isinstance(new, int) and here > new:
                path = (*path[:depth], here - 1, *path[depth + 1 :])
    return path


def _home(case: Case, path: Path, own: Path) -> str:
    """What an edit's key belongs to, where that is not the finding's own entry."""
    holder = path[:-1]
    if holder == own or own[: len(path)] == path or not holder:
        return ""
    step = next((step for step in case.plan.steps if step.path == holder), None)
    if step is not None:
        return f"`{step.name}`: "
    group = next((group for group in case.plan.model.groups if group.path == holder), None)
    return f"`{group.name}`: " if group is not None else f"{'.'.join(map(str, holder))}."


def effect_of(case: Case, proposal: Proposal, after: Report, revealed: int) -> str:
    """What the model is like with a proposal, against what it was before."""
    before = case.report
    said = [*_shapes(case, proposal, after), *_lost(after)]
    if before.plan.complete and after.plan.complete:
        said.append(f"{after.cost.params - before.cost.params:+,} parameters")
        said += _macs(before.cost.macs, after.cost.macs)
        said += _fields(before, after)
    elif after.plan.complete:
        said.append(f"{after.cost.params:,} parameters")
        said += [f"{after.cost.macs:,} MACs"] * bool(after.cost.macs)
    said += _copies(case, proposal, after)
    said += [f"overwrites `{each}`" for each in proposal.overwrites]
    if errors := after.count(Severity.ERROR):
        said.append(f"{counted(errors, 'error')} {'remains' if errors == 1 else 'remain'}")
    elif revealed:
        said.append(f"{counted(revealed, 'warning')} {'comes' if revealed == 1 else 'come'} to light")
    return ", ".join(said)


def _shapes(case: Case, proposal: Proposal, after: Report) -> Iterator[str]:
    """The size of the finding's step, or of the model's outputs where they are others than before."""
    identity = Findings(case.report).identities.get(case.step.name) if case.step is not None else None
    step = Findings(after, proposal.edits).steps.get(identity)
    if step is not None and step.outputs and not step.is_input:
        yield " and ".join(map(str, step.outputs[:3]))
        return
    shapes = [[report.plan.shape(ref) for ref in report.plan.outputs] for report in (case.report, after)]
    if shapes[1] and None not in shapes[1]:
        yield f"output {' and '.join(map(str, shapes[1]))}" + (" as before" if shapes[0] == shapes[1] else "")


def _lost(after: Report) -> Iterator[str]:
    """What of the input is unread."""
    if after.reach is None:
        return
    unread, _ = unread_of(after)
    cells = sum(
        each[0].cells for step, each in zip(after.plan.steps, after.reach.unread, strict=True) if step.is_input and each
    )
    if not unread:
        yield "nothing lost"
    elif cells:
        yield f"{counted(cells, 'cell')} of the input unread"


def _macs(before: int, after: int) -> Iterator[str]:
    """How many multiply-adds more or less, and how much of the whole that is, in per cent."""
    if after != before:
        share = (abs(after - before) * 200 // before + 1) // 2 if before else 0
        sign = "+" if after > before else "-"
        yield f"{after - before:+,} MACs" + (f" ({sign}{share} %)" if share else "")


def _fields(before: Report, after: Report) -> Iterator[str]:
    """The receptive field of the first output, where it is another than before and sees less than everything."""
    was, now = _field(before), _field(after)
    sizes = [[each.size for each in field] for field in (was, now)]
    if sizes[0] != sizes[1] and any(each.size is not None and each.size <= each.length for each in (*was, *now)):
        shown = ["×".join("?" if size is None else str(size) for size in each) for each in sizes]
        yield f"receptive field {shown[1]} instead of {shown[0]}"


def _field(report: Report) -> tuple[AxisField, ...]:
    """What the first output sees of the first input."""
    step, output = report.plan.outputs[0]
    fields = report.fields[step]
    return next(iter(fields[output or 0].values()), ()) if fields else ()


def _copies(case: Case, proposal: Proposal, report: Report) -> Iterator[str]:
    """How many steps an edit inside a block changes."""
    before, after = Findings(case.report), Findings(report, proposal.edits)
    changed: Counter[Path] = Counter()
    for identity, step in after.steps.items():
        was = before.steps.get(identity)
        if identity is not None and (was is None or was.layer != step.layer or len(was.sources) != len(step.sources)):
            changed[identity[0]] += 1
    most = max(changed.values(), default=0)
    if most > 1:
        copies = "both copies" if most == 2 else f"all {most} copies"
        yield f"{copies} change" if len(changed) == 1 else f"{sum(changed.values())} layers change"
